"""Capture files in, TCP segments out. Knows nothing of states."""

from .problems import Problem as Problem
from .reader import Chunk as Chunk
from .reader import Packet as Packet
from .reader import Reader as Reader
from .sources import CaptureError as CaptureError
from .sources import FileInfo as FileInfo

__all__ = ["CaptureError", "Chunk", "FileInfo", "Packet", "Problem", "Reader"]
