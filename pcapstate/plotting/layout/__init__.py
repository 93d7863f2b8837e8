"""Tables of what to draw: numpy and pandas only, so that what a picture says is tested without a pixel."""
