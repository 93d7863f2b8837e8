"""One source, two speeds: what lets a hot loop run interpreted on small captures and compiled on large ones.

A kernel is a plain Python function over rows with named fields. Interpreted, a row is a small object with
``__slots__`` and a table of rows is a list; compiled by numba, a row is a record of a structured numpy array.
The source is the same. Every field is an int64, and kernels keep to what means the same at both speeds:
integers within 63 bits, explicit ``& 0xFFFFFFFF``, no None, no exceptions, no containers but tables.

Never keep a row while its table grows (grow only between two calls of an entry), and copy rows with
``Row.copy``: ``table[i] = row`` copies when compiled and aliases when interpreted.

This is the only module that names numba, and it imports it when something is first compiled.
"""

from __future__ import annotations

import contextlib
import dis
import functools
import hashlib
import inspect
import mmap
import os
import sys
import types
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

_KERNELS: dict[Callable[..., Any], str] = {}
_FIELDS: set[str] = set()
"""Names of fields, which kernels use as attributes."""


def kernel(function: F) -> F:
    """Marks ``function`` as a kernel. It stays a plain function; ``COMPILED.of(function)`` is its fast form."""
    _KERNELS[function] = function.__module__
    return function


class Row:
    """A named list of int64 fields: a slotted class for one speed, a numpy dtype for the other.

    ``clear(row)`` sets every field to 0, ``copy(target, source)`` copies every field. Both are kernels.
    """

    def __init__(self, name: str, fields: str | Iterable[str]) -> None:
        names = tuple(fields.split()) if isinstance(fields, str) else tuple(fields)
        if len(set(names)) != len(names):
            raise ValueError(f"{name}: a field is named twice")
        self.name = name
        self.fields = names
        _FIELDS.update(names)
        self.dtype = np.dtype([(field, np.int64) for field in names])
        self.object = _slotted(name, names)
        self.clear = kernel(_generated(f"clear_{name}", "row", [f"row.{f} = 0" for f in names]))
        self.copy = kernel(_generated(f"copy_{name}", "target, source", [f"target.{f} = source.{f}" for f in names]))

    def __repr__(self) -> str:
        return f"Row({self.name!r}, {len(self.fields)} fields)"


def _slotted(name: str, fields: Sequence[str]) -> type:
    namespace: dict[str, Any] = {"__slots__": tuple(fields)}
    body = "".join(f"    self.{field} = 0\n" for field in fields)
    exec(f"def __init__(self):\n{body}", namespace)  # noqa: S102 -- an unrolled initializer is five times a loop over names
    return type(name, (), namespace)


def _generated(name: str, parameters: str, lines: Sequence[str]) -> Callable[..., None]:
    namespace: dict[str, Any] = {}
    exec(f"def {name}({parameters}):\n    " + "\n    ".join(lines), namespace)  # noqa: S102 -- as above
    function: Callable[..., None] = namespace[name]
    return function


class Interpreted:
    """Rows are slotted objects, tables are lists, octets are ``bytes``, a kernel is the function itself."""

    name = "interpreted"

    def of(self, function: F) -> F:
        return function

    def table(self, row: Row, count: int) -> list[Any]:
        make = row.object
        return [make() for _ in range(count)]

    def integers(self, count: int, value: int = 0) -> list[int]:
        return [value] * count

    def octets(self, data: bytes | bytearray | memoryview) -> bytes:
        return bytes(data)

    def grown(self, row: Row, table: list[Any], count: int) -> list[Any]:
        """The table with room for ``count`` rows (the same list, made longer)."""
        table.extend(row.object() for _ in range(count - len(table)))
        return table

    def grown_integers(self, table: list[int], count: int, value: int = 0) -> list[int]:
        table.extend([value] * (count - len(table)))
        return table

    def array(self, row: Row, table: Sequence[Any], count: int) -> np.ndarray:
        """The first ``count`` rows as a structured array of its own."""
        fields = row.fields
        return np.array([tuple(getattr(r, f) for f in fields) for r in table[:count]], dtype=row.dtype)

    view = array
    """The same for a look: good until the rows are written again."""


class Compiled:
    """Rows are records of structured arrays, octets are a uint8 array, a kernel is numba's."""

    name = "compiled"

    def of(self, function: F) -> F:
        return _dispatcher(function)  # type: ignore[return-value]

    def table(self, row: Row, count: int) -> np.ndarray:
        return np.zeros(count, row.dtype)

    def integers(self, count: int, value: int = 0) -> np.ndarray:
        return np.full(count, value, np.int64)

    def octets(self, data: bytes | bytearray | memoryview) -> np.ndarray:
        # Always writable: a read-only array is another type to numba, and would be compiled a second time.
        return np.frombuffer(data if isinstance(data, bytearray) else bytearray(data), np.uint8)

    def grown(self, row: Row, table: np.ndarray, count: int) -> np.ndarray:
        if count <= len(table):
            return table
        size = count * row.dtype.itemsize
        room = getattr(table.base, "obj", None)
        if isinstance(room, mmap.mmap) and len(room) >= size:
            return np.frombuffer(room, row.dtype, count)
        reserved = _reserved(MANY_TIMES * size)
        larger = np.zeros(count, row.dtype) if reserved is None else np.frombuffer(reserved, row.dtype, count)
        larger[: len(table)] = table
        return larger

    def grown_integers(self, table: np.ndarray, count: int, value: int = 0) -> np.ndarray:
        if count <= len(table):
            return table
        larger = np.full(count, value, np.int64)
        larger[: len(table)] = table
        return larger

    def array(self, row: Row, table: np.ndarray, count: int) -> np.ndarray:
        return table[:count].copy()

    def view(self, row: Row, table: np.ndarray, count: int) -> np.ndarray:
        return table[:count]


MANY_TIMES = 64
"""How much larger a table may become than it is when it first grows, before it has to be copied."""


def _reserved(size: int) -> mmap.mmap | None:
    """Addresses for ``size`` octets, all 0, which cost memory only where they are written; None if there are none.

    A table that grows there is not copied. In small pages: to clear large ones (MADV_HUGEPAGE) took longer than it saved.
    """
    try:
        return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except (AttributeError, OSError, ValueError):
        return None  # another system, or one that counts addresses as memory


Speed = Interpreted | Compiled
INTERPRETED = Interpreted()
COMPILED = Compiled()


def convert(row: Row, table: Any, speed: Speed) -> Any:
    """A table of rows as ``speed`` wants it: the same rows, in the other form if need be."""
    if isinstance(table, list) == isinstance(speed, Interpreted):
        return table
    if isinstance(speed, Compiled):
        return INTERPRETED.array(row, table, len(table))
    rows = speed.table(row, len(table))
    for target, values in zip(rows, table.tolist(), strict=True):
        for field, value in zip(row.fields, values, strict=True):
            setattr(target, field, value)
    return rows


def convert_integers(table: Any, speed: Speed) -> Any:
    """A table of integers as ``speed`` wants it."""
    if isinstance(speed, Compiled):
        return np.asarray(table, np.int64)
    return list(table) if isinstance(table, list) else table.tolist()


# --- compiling -------------------------------------------------------------------------------------------------

_dispatchers: dict[tuple[Callable[..., Any], bool], Any] = {}
_compiled_globals: dict[int, dict[str, Any]] = {}


# Tables outlive every call of a kernel, so it counts no references to them: those counts are atomic, and took most
# of the time. A kernel that another calls is put in its place: a call would pass on every table of a memory, word by
# word, which took most of the rest. Such a one needs no form of its own that Python can call.
_ENTRY: dict[str, Any] = {"nogil": True, "_nrt": False}
_INNER: dict[str, Any] = {**_ENTRY, "forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def _dispatcher(function: Callable[..., Any], inner: bool = False) -> Any:
    """numba's form of a kernel: the same code, in a copy of its module's globals where every kernel is compiled.

    ``inner``: the form that other kernels call.
    """
    made = _dispatchers.get((function, inner))
    if made is not None:
        return made
    with _cache_folder():
        import numba

        code = function.__code__
        namespace = _namespace(function)
        clone = types.FunctionType(code, namespace, function.__name__, function.__defaults__)
        clone.__module__ = function.__module__
        clone.__qualname__ = function.__qualname__
        on_disk = not inner and not code.co_filename.startswith("<")
        made = numba.njit(cache=on_disk, **(_INNER if inner else _ENTRY))(clone)
    _dispatchers[(function, inner)] = made
    return made


def _namespace(function: Callable[..., Any]) -> dict[str, Any]:
    source = function.__globals__
    namespace = _compiled_globals.get(id(source))
    if namespace is None:
        namespace = _compiled_globals[id(source)] = dict(source)
    for name, used in _kernels_in(function.__code__, source).items():
        if used is not function:
            namespace[name] = _dispatcher(used, inner=True)
    return namespace


def _kernels_in(code: types.CodeType, source: dict[str, Any]) -> dict[str, Callable[..., Any]]:
    """The kernels that the code calls, by name."""
    found: dict[str, Callable[..., Any]] = {}
    for name in code.co_names:
        used = source.get(name)
        if isinstance(used, types.FunctionType) and used in _KERNELS:
            found[name] = used
    if found.keys() & _FIELDS:
        # An attribute may have the name of a kernel, and is no call of it; reading the code is slower.
        called = {step.argval for step in dis.get_instructions(code) if step.opname == "LOAD_GLOBAL"}
        found = {name: used for name, used in found.items() if name in called}
    return found


class _cache_folder:
    """While kernels are made, numba's cache is a folder named by all kernel sources.

    numba looks only at the file of the function that it is asked for: a change in a kernel that is called from
    another file would go unseen. So the name of the folder tells the sources.
    """

    def __enter__(self) -> None:
        from numba.core import config

        self._config = config
        self._before = config.CACHE_DIR
        if not config.CACHE_DIR:
            config.CACHE_DIR = str(_cache_root() / _fingerprint())

    def __exit__(self, *_: object) -> None:
        self._config.CACHE_DIR = self._before


def _cache_root() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or ("~/Library/Caches" if sys.platform == "darwin" else "~/.cache")
    return Path(os.environ.get("LOCALAPPDATA") or root).expanduser() / "pcapstate"


@functools.cache
def _sources() -> tuple[Path, ...]:
    """The files with kernels."""
    return tuple(path for path in sorted(Path(__file__).parent.rglob("*.py")) if b"@kernel" in path.read_bytes())


@functools.cache
def _fingerprint() -> str:
    digest = hashlib.blake2b(digest_size=8)
    for path in _sources():
        digest.update(path.read_bytes())
    digest.update(inspect.getsource(Row).encode())
    return digest.hexdigest()


FROM_CACHE, FROM_SOURCE = 10_000, 200_000
"""Packets that take as long interpreted as the start of the compiled kernels does: when they lie in the cache; and a
third of the time that compiling takes, which is spent once, when they do not."""


def worth_compiling(packets: int) -> bool:
    """Whether the compiled kernels are worth their start for so many packets."""
    return packets >= FROM_CACHE and (packets >= FROM_SOURCE or compiled_before())


def compiled_before() -> bool:
    """Whether a whole replay has run compiled with these very files, so that starting one costs no compilation.

    Single kernels in the cache do not count: what is missing may take half a minute to compile.
    """
    return _mark().is_file()


def note_compiled() -> None:
    """Says for later processes that a whole replay has run compiled."""
    mark = _mark()
    with contextlib.suppress(OSError):  # a cache that cannot be written only costs time
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


def _mark() -> Path:
    # numba takes out of its cache only what was compiled from a file of the same path, size and time: the same sources
    # in another folder, or written anew, are compiled again.
    digest = hashlib.blake2b(digest_size=8)
    for path in _sources():
        status = path.stat()
        digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return _cache_root() / _fingerprint() / f"whole-{digest.hexdigest()}"
