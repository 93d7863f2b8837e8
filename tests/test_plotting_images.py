"""A handful of pictures compared with stored ones: shapes, places and colours, without letters.

Letters differ from one version of matplotlib to the next, so they are left out, and the axes have a fixed place. To
store the pictures anew, after looking at them: ``python tests/test_plotting_images.py``.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import plot_data
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pcapstate import plotting

STORED = Path(__file__).parent / "figures" / "pictures"

PICTURES = {
    "ladder": lambda ax: plotting.ladder(plot_data.whole(), ax=ax),
    "ladder_lost_dark": lambda ax: plotting.ladder(plot_data.lossy(), ax=ax, theme="dark"),
    "windows": lambda ax: plotting.windows(plot_data.slow_reader(), ax=ax, side="server"),
    "states": lambda ax: plotting.states(plot_data.whole(), ax=ax),
    "machine": lambda ax: plotting.machine(plot_data.whole(), ax=ax),
}


def pixels(name):
    """A picture as an array of height, width and red, green, blue, 0 to 255."""
    figure = Figure(figsize=(6, 6 if name != "states" else 2), dpi=60)
    canvas = FigureCanvasAgg(figure)
    axes = PICTURES[name](figure.add_axes((0.02, 0.02, 0.96, 0.96)))
    if axes.get_legend():
        axes.get_legend().remove()
    for text in figure.findobj(matplotlib.text.Text):
        text.set_visible(False)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


@pytest.mark.parametrize("name", PICTURES)
def test_looks_as_it_did(name, tmp_path):
    drawn = pixels(name)
    stored = np.round(matplotlib.image.imread(STORED / f"{name}.png")[..., :3] * 255)
    assert drawn.shape == stored.shape
    difference = float(np.sqrt(np.mean((drawn.astype(float) - stored) ** 2)))
    if difference > 6:
        matplotlib.image.imsave(tmp_path / f"{name}.png", drawn)
    assert difference <= 6, f"differs by {difference:.1f} of 255: see {tmp_path}"


def test_the_stored_pictures_are_those_that_are_compared():
    assert sorted(path.stem for path in STORED.iterdir()) == sorted(PICTURES)


if __name__ == "__main__":
    for each in PICTURES:
        matplotlib.image.imsave(STORED / f"{each}.png", pixels(each))
