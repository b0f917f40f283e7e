"""Source text in, cached module out.

Numba can cache on disk only what lives in a file, so generated code is written to one, under a
name made of its content. The second process that asks for the same text loads machine code instead
of compiling.
"""

import hashlib
import importlib.util
import os
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dynlens.kernels.sources import linked, source_of
from dynlens.support.cache_folder import cache_directory

_MODULES: dict[str, ModuleType] = {}
_LOCK = threading.RLock()


def load_source(source: str, *, name: str) -> ModuleType:
    r"""Import `source` as a module kept in the cache folder.

    Parameters
    ----------
    source : str
        Text of a Python module. Give functions under ``@njit(cache=True)`` that Python calls one
        explicit signature: they are then compiled on import, by one process while others wait.
        Two that compile at once would load parts of each other's work, and what is compiled around
        a part that was loaded may differ in its last bits.
    name : str
        Readable prefix of the file name.

    Returns
    -------
    ModuleType
        The module; the same object whenever this process asks for the same text.

    Notes
    -----
    The file name carries the first 16 hexadecimal digits of SHA-256 over the text and the versions
    of Python and numba, so an upgrade never meets machine code it does not understand.

    Examples
    --------
    >>> load_source("def double(x):\n    return 2 * x\n", name="example").double(21)
    42
    """
    stem = f"{re.sub(r'[^0-9A-Za-z_]', '_', name)}_{_digest(source)}"
    path = cache_directory() / f"{stem}.py"
    with _LOCK:
        module = _MODULES.get(str(path))
        if module is None:
            with _alone(path.with_suffix(".lock")):
                if not _holds(path, source):
                    _write_atomically(path, source)
                module = _import_file(path, f"dynlens_generated_{stem}")
            _MODULES[str(path)] = module
    return module


def specialised(module: str | Path, /, *given: str, name: str, **constants: Any) -> ModuleType:
    """Import a copy of `module` with other constants, compiled and cached on its own.

    Parameters
    ----------
    module : str or Path
        A module with a line between constants and code; see `kernels.sources`.
    *given : str
        Text of parts that stand in for those it imports.
    name : str
        Readable prefix of the file name.
    **constants
        What to set; see `source_of`.
    """
    return load_source(linked(*given, source_of(module, **constants)), name=name)


@dataclass(frozen=True)
class CompiledFunction:
    """A broadcasting function whose loop is generated, compiled and kept on disk.

    Attributes
    ----------
    name, source : str
        Passed to `load_source`. The text defines ``scalar(*floats)`` and ``fill(*columns, out)``,
        where the columns have shape (size,) and ``out`` has shape (outputs, size).
    outputs : int
        How many values the function has.
    several : bool
        Whether calls return a tuple, even of one value.
    """

    name: str
    source: str
    outputs: int
    several: bool

    @cached_property
    def _module(self) -> ModuleType:
        return load_source(self.source, name=self.name)

    @cached_property
    def scalar(self) -> Any:
        """The compiled kernel, to be called from other kernels."""
        return self._module.scalar

    @property
    def source_path(self) -> Path:
        """The generated file."""
        return Path(str(self._module.__file__))

    def __call__(self, *values: ArrayLike) -> Any:
        """Evaluate at `values`, which broadcast."""
        if self.outputs == 1 and not self.several and all(isinstance(v, float) for v in values):
            return self.scalar(*values)
        results = broadcast(self._columns, values)
        return results if self.several else results[0]

    def _columns(self, columns: Sequence[NDArray[np.float64]], size: int) -> NDArray[np.float64]:
        out = np.empty((self.outputs, size))
        self._module.fill(*columns, out)
        return out

    def __reduce__(self) -> Any:
        # The module stays behind: the receiving process loads it from the cache.
        return CompiledFunction, (self.name, self.source, self.outputs, self.several)


def broadcast(
    rows: Callable[[Sequence[NDArray[np.float64]], int], NDArray[np.float64]],
    values: Sequence[ArrayLike],
) -> tuple[Any, ...]:
    """Apply ``rows(columns, size)`` to flattened `values`: a result per row, floats for scalars."""
    arrays = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values))
    shape = arrays[0].shape if arrays else ()
    size = int(np.prod(shape))
    table = rows([np.ascontiguousarray(array).reshape(-1) for array in arrays], size)
    return tuple(row.reshape(shape) if shape else float(row[0]) for row in table)


def _digest(source: str) -> str:
    text = "\n".join((source, _version("numba"), sys.version))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _version(distribution: str) -> str:
    try:
        return version(distribution)  # reads metadata: the library itself is not imported
    except PackageNotFoundError:
        return "absent"


def _holds(path: Path, source: str) -> bool:
    # Compared in full: a truncated or edited file must not be trusted because of its name.
    try:
        return path.read_bytes() == source.encode()
    except OSError:
        return False


def _write_atomically(path: Path, source: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}_", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(source.encode())
            file.flush()
            os.fsync(file.fileno())
        # One date for every writer: caches keyed by modification time stay valid after a lost race.
        os.utime(temporary, (1_000_000_000, 1_000_000_000))
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other processes out; where files cannot be locked, no one is."""
    with ExitStack() as held:
        with suppress(ImportError, OSError):
            import fcntl

            file = held.enter_context(path.open("w"))
            fcntl.flock(file, fcntl.LOCK_EX)  # let go of when the file is closed
        yield


def _import_file(path: Path, module_name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported as a Python module.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module
