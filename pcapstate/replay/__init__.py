"""Segments to what each side did: flows, dated events, timelines, verdicts. Knows no file format."""
