"""Finished runs, kept on disk: the second verification reads what the first integrated.

A run is named by what determines it: its case, the source text of this package, the versions of the
libraries that compute, the processor they compute for, and the method that stands in for the
default, if any. Whatever changes, the name changes, so nothing stale is ever read, nor what another
machine computed that shares the folder. Set ``DYNLENS_FRESH=1`` to compute everything anew.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from dynlens.support.cache_folder import cache_directory
from dynlens.support.files import write_atomically
from dynlens.support.typing import Array

# The theorem files state cases of their own and are installed beside this package.
PACKAGES = ("dynlens", "theory_checks")
LIBRARIES = ("numpy", "scipy", "numba", "llvmlite", "sympy", "mpmath")
# With these the user has numba, OpenBLAS and numpy compute for another processor than there is.
PROCESSOR_CHOICES = (
    "NUMBA_CPU_NAME",
    "NUMBA_CPU_FEATURES",
    "NUMBA_ENABLE_AVX",
    "OPENBLAS_CORETYPE",
    "NPY_DISABLE_CPU_FEATURES",
)


def kept(
    text: str,
    compute: Callable[[], Any],
    write: Callable[[Any, Path], Any],
    read: Callable[[Path], Any],
) -> Any:
    """Return what `compute` returns, reading it from disk if it was computed before.

    Parameters
    ----------
    text : str
        What the result depends on, besides this package and its libraries.
    compute : callable
        Makes the result.
    write, read : callable
        ``write(result, path)``, atomically, and ``read(path)``; numbers must survive to the bit.
    """
    if os.environ.get("DYNLENS_FRESH"):
        return compute()
    method = os.environ.get("DYNLENS_METHOD", "")
    name = hashlib.sha256(f"{fingerprint()}\n{method}\n{text}".encode()).hexdigest()[:24]
    folder = cache_directory() / "runs"
    path = folder / f"{name}.npz"
    try:
        return read(path)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):  # not there, or not whole
        result = compute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write(result, path)
    except OSError:  # a full or read-only disk costs time, not the result
        pass
    return result


def kept_arrays(text: str, compute: Callable[[], tuple[Array, ...]]) -> tuple[Array, ...]:
    """Return the arrays that `compute` returns, as `kept` does."""
    found: tuple[Array, ...] = kept(text, compute, _write, _read)
    return found


def _write(arrays: tuple[Array, ...], path: Path) -> None:
    stream = io.BytesIO()
    np.savez(stream, *arrays)
    write_atomically(path, stream.getvalue())


def _read(path: Path) -> tuple[Array, ...]:
    with np.load(path, allow_pickle=False) as archive:
        return tuple(archive[name] for name in archive.files)


def ours(*parts: Any) -> bool:
    """Whether all parts are of the packages whose source the name of a kept run covers.

    Functions that a part holds are not: their text is not known.
    """
    return all(
        type(part).__module__.split(".")[0] in PACKAGES
        and not any(
            callable(getattr(part, f.name)) for f in (fields(part) if is_dataclass(part) else ())
        )
        for part in parts
    )


@cache
def fingerprint() -> str:
    """Hash of the packages' source, and of what they compute with and for."""
    computed_with = [f"{name} {version(name)}" for name in LIBRARIES]
    digest = hashlib.sha256("\n".join((*computed_with, processor())).encode())
    root = Path(__file__).parents[2]
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def processor() -> str:
    """Name and instruction sets of this processor, and what stands in for them.

    Code compiled for another one adds up in another order, or rounds once where this one rounds
    twice: its results are right too, but not the same bits.
    """
    from llvmlite import binding  # the names that numba compiles for, without numba

    features = binding.get_host_cpu_features().flatten()
    choices = [f"{name}={os.environ.get(name, '')}" for name in PROCESSOR_CHOICES]
    return "\n".join((binding.get_host_cpu_name(), features, *choices))
