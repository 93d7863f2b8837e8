"""Round trips to each side: smoothed (RFC 6298 2) and median, in a few integers a side.

Samples come from ``evidence``: only first answers, and never to octets that were sent again (Karn). The median is
estimated by five markers that move as samples come (Jain and Chlamtac, The P-square algorithm, 1985); up to five
samples it is exact. All in ns.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel

MOST_SAMPLES = 1 << 20
"""Beyond it the markers count as for half as many: sums stay within 63 bits, and a change on the path shows."""

LONGEST = 1 << 38
"""ns: samples count as at most that (some minutes), so that sums stay within 63 bits."""


@kernel
def observe(k: Any, sample: int) -> None:
    """One more round trip to the side."""
    sample = min(sample, LONGEST)
    if k.samples == 0:
        k.smoothed = sample
        k.variation = sample >> 1
    else:
        off = sample - k.smoothed
        k.variation += ((off if off >= 0 else -off) - k.variation) >> 2
        k.smoothed += off >> 3
    if k.samples < 5:
        place_among(k, sample)
        k.samples += 1
        if k.samples == 5:
            k.at1, k.at2, k.at3, k.at4 = 1, 2, 3, 4
        return
    k.samples += 1
    move(k, sample)
    settle_markers(k)
    if k.at4 >= MOST_SAMPLES:
        k.at1, k.at2, k.at3, k.at4 = k.at1 >> 1, k.at2 >> 1, k.at3 >> 1, k.at4 >> 1


@kernel
def place_among(k: Any, sample: int) -> None:
    """The first five samples, in their order of size."""
    if k.samples > 3:
        k.mark4 = max(k.mark3, sample)
    if k.samples > 2:
        k.mark3 = max(k.mark2, min(k.mark3, sample)) if k.samples > 3 else max(k.mark2, sample)
    if k.samples > 1:
        k.mark2 = max(k.mark1, min(k.mark2, sample)) if k.samples > 2 else max(k.mark1, sample)
    if k.samples > 0:
        k.mark1 = max(k.mark0, min(k.mark1, sample)) if k.samples > 1 else max(k.mark0, sample)
        k.mark0 = min(k.mark0, sample)
    else:
        k.mark0 = sample


@kernel
def move(k: Any, sample: int) -> None:
    """Counts a sample below or above each marker."""
    k.mark0 = min(k.mark0, sample)
    k.mark4 = max(k.mark4, sample)
    if sample < k.mark1:
        k.at1 += 1
    if sample < k.mark2:
        k.at2 += 1
    if sample < k.mark3:
        k.at3 += 1
    k.at4 += 1


@kernel
def settle_markers(k: Any) -> None:
    """Moves the three inner markers towards a quarter, half and three quarters of the samples."""
    step = wanted(k.at4 - 4 * k.at1, k.at1, k.at2)
    if step != 0:
        k.mark1 = moved(k.mark0, k.mark1, k.mark2, k.at1, k.at2 - k.at1, step)
        k.at1 += step
    step = wanted(2 * k.at4 - 4 * k.at2, k.at2 - k.at1, k.at3 - k.at1)
    if step != 0:
        k.mark2 = moved(k.mark1, k.mark2, k.mark3, k.at2 - k.at1, k.at3 - k.at2, step)
        k.at2 += step
    step = wanted(3 * k.at4 - 4 * k.at3, k.at3 - k.at2, k.at4 - k.at2)
    if step != 0:
        k.mark3 = moved(k.mark2, k.mark3, k.mark4, k.at3 - k.at2, k.at4 - k.at3, step)
        k.at3 += step


@kernel
def wanted(off: int, below: int, width: int) -> int:
    """1 or -1 if a marker is one place or more (``off`` is four times that) from where it should be, and can move.

    ``below``: places down to the next marker; ``width``: places from that to the one above.
    """
    if off >= 4 and width - below > 1:
        return 1
    if off <= -4 and below > 1:
        return -1
    return 0


@kernel
def moved(low: int, mark: int, high: int, below: int, above: int, step: int) -> int:
    """The height of a marker one place further: by a parabola through three, or by a line if that leaves them."""
    up = (below + step) * (high - mark) // above
    down = (above - step) * (mark - low) // below
    new = mark + step * (up + down) // (below + above)
    if low < new < high:
        return new
    if step > 0:
        return mark + (high - mark) // above
    return mark - (mark - low) // below


@kernel
def median_of(k: Any) -> int:
    """The median of the samples, -1 if there are none. Of two or four the lower middle one."""
    if k.samples == 0:
        return -1
    if k.samples < 3:
        return k.mark0  # type: ignore[no-any-return]
    return k.mark1 if k.samples < 5 else k.mark2  # type: ignore[no-any-return]
