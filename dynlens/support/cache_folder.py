"""The folder where generated code and finished runs are kept."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from pathlib import Path


def cache_directory() -> Path:
    """Folder of generated sources, created on demand.

    Returns
    -------
    Path
        ``$DYNLENS_CACHE`` if set, else ``dynlens`` in the user's cache folder; a folder of the
        user's own under the temporary directory when that one cannot be written.

    Warns
    -----
    RuntimeWarning
        If ``$DYNLENS_CACHE`` is set and cannot be written, since setting it then has no effect.
    """
    chosen = os.environ.get("DYNLENS_CACHE")
    preferred = Path(chosen).expanduser() if chosen else _user_cache()
    if preferred is not None and _writable(preferred):
        return preferred.resolve()
    fallback = _temporary_cache()
    if chosen:
        warnings.warn(
            f"DYNLENS_CACHE={chosen!r} is not a writable folder; using {str(fallback)!r}.",
            RuntimeWarning,
            stacklevel=2,
        )
    return fallback


def _user_cache() -> Path | None:
    if root := os.environ.get("XDG_CACHE_HOME"):
        return Path(root) / "dynlens"
    try:
        home = Path.home()
    except RuntimeError:  # no home folder, as in some containers
        return None
    if sys.platform == "win32":
        return (
            Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "dynlens" / "Cache"
        )
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "dynlens"
    return home / ".cache" / "dynlens"


def _writable(folder: Path) -> bool:
    # Tried, not asked: `os.access` is wrong for root and on read-only mounts.
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _temporary_cache() -> Path:
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    folder = Path(tempfile.gettempdir()) / f"dynlens-{user}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        # Code is imported from here: a folder planted by another user is not ours to trust.
        trusted = not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
    except OSError:
        trusted = False
    if trusted and _writable(folder):
        return folder.resolve()
    return Path(tempfile.mkdtemp(prefix="dynlens-"))
