"""Numbers out of octets, for kernels: `octets` is bytes at one speed and a uint8 array at the other.

Sums and products, never shifts of a single octet: numba makes uint8 << int a uint64, and uint64 with int64 a float.
"""

from __future__ import annotations

from typing import Any

from ..kernels import kernel


@kernel
def be16(octets: Any, at: int) -> int:
    """The two octets at `at`, most significant first."""
    return octets[at] * 256 + octets[at + 1]  # type: ignore[no-any-return]


@kernel
def be32(octets: Any, at: int) -> int:
    """The four octets at `at`, most significant first."""
    return octets[at] * 16777216 + octets[at + 1] * 65536 + octets[at + 2] * 256 + octets[at + 3]  # type: ignore[no-any-return]


@kernel
def le16(octets: Any, at: int) -> int:
    """The two octets at `at`, least significant first."""
    return octets[at] + octets[at + 1] * 256  # type: ignore[no-any-return]


@kernel
def le32(octets: Any, at: int) -> int:
    """The four octets at `at`, least significant first."""
    return octets[at] + octets[at + 1] * 256 + octets[at + 2] * 65536 + octets[at + 3] * 16777216  # type: ignore[no-any-return]
