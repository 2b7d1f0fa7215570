# SPDX-License-Identifier: Apache-2.0
"""A folder of build results, each made once whoever asks and however many ask at the same time."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock


def build_root() -> Path:
    """Folder for everything that is built: ``CROSSTWIN_BUILD``, else ``build`` in the current folder."""
    return Path(os.environ.get("CROSSTWIN_BUILD") or "build").resolve()


def key_of(*parts: object) -> str:
    """Short digest of everything that a build result depends on."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]


def cached(kind: str, parts: tuple[object, ...], make: Callable[[Path], None]) -> Path:
    """Folder that ``make(folder)`` fills, made at most once for the same ``kind`` and ``parts``.

    The folder appears under its final name only when it is complete, so a build that fails or is killed
    leaves nothing that could be taken for a result.

    Parameters
    ----------
    kind : start of the folder's name, for whoever looks into the cache.
    parts : everything that the result depends on (JSON values).
    make : fills the empty folder that it is given, or raises.
    """
    entry = build_root() / "sim" / f"{kind}-{key_of(*parts)}"
    if entry.is_dir():
        return entry
    entry.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{entry}.lock"):
        if not entry.is_dir():  # another process may have made it while this one waited
            part = entry.with_name(entry.name + ".part")
            shutil.rmtree(part, ignore_errors=True)  # left by a killed build
            part.mkdir()
            try:
                make(part)
                part.rename(entry)
            finally:
                shutil.rmtree(part, ignore_errors=True)
    return entry
