"""Arithmetic modulo 2**32 (RFC 9293, 3.4), and the way out of it: unwrapped numbers."""

from __future__ import annotations

from ..kernels import kernel

MASK = 0xFFFFFFFF
HALF = 0x80000000


@kernel
def distance(later: int, earlier: int) -> int:
    """How far ``later`` lies after ``earlier``, from -2**31 to 2**31 - 1."""
    return (((later - earlier) & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000


@kernel
def unwrap(number: int, base: int, near: int) -> int:
    """The relative, unwrapped form of a sequence number: the one closest to ``near``, counted from ``base``."""
    return near + ((((number - base - near) & 0xFFFFFFFF) ^ 0x80000000) - 0x80000000)
