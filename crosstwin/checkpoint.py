# SPDX-License-Identifier: Apache-2.0
"""A tile's state in one file: all planes and stored registers, from which any later result can be replayed."""
import os
import tempfile
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from golden import validate
from golden.config import Plane, TileConfig
from golden.registers import CONTRACT_VERSION

_BROKEN = (OSError, EOFError, KeyError, RuntimeError, TypeError, ValueError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged archive raises; a RuntimeError where a method of compression or encryption is unknown."""


class CheckpointError(ValueError):
    """A file is no checkpoint of this tile."""


def identity(config: TileConfig) -> str:
    """What a checkpoint belongs to: contract and configuration, but for lanes and counters, which change no bit."""
    same = replace(config, lanes=1, counters=(), operation_counters=False)
    return f"contract {CONTRACT_VERSION}, {same!r}"


def save(path, tile, reference) -> None:
    """Write the state of `tile`, and the weight codes (R, C) that are subtracted from it, to `path`: the old file or
    the whole new one, never a part.
    """
    path = Path(path)
    content = {f"plane_{plane.name}": tile.read_plane(plane) for plane in tile.config.loadable}
    content |= {f"register_{name}": np.int64(tile.get(name)) for name in _stored(tile)}
    content |= {"reference": np.asarray(reference)}
    content["identity"] = np.array(identity(tile.config))
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, **content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def restore(path, tile) -> tuple[dict[Plane, np.ndarray], np.ndarray]:
    """Put the state in `path` onto `tile`; its planes, and the weight codes that are subtracted from it.
    CheckpointError with nothing changed.
    """
    try:
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            found = str(file["identity"])
            content = {name: file[name] for name in file.files if name != "identity"}
    except _BROKEN as error:
        raise CheckpointError(f"Checkpoint {path} must be a whole file written by save, but: {error}") from None
    if found != identity(tile.config):
        raise CheckpointError(f"Checkpoint {path} must be of this configuration, {identity(tile.config)}, not {found}")
    try:
        planes = {plane: validate.plane(tile.config, plane, content[f"plane_{plane.name}"])
                  for plane in tile.config.loadable}
        registers = {name: validate.register_value(tile.registers, name, int(content[f"register_{name}"]))
                     for name in _stored(tile)}
        reference = tile.config.weight.check(content["reference"], "References")
        shape = tile.config.rows, tile.config.cols
        if reference.shape != shape:
            raise ValueError(f"References must have shape {shape}, not {reference.shape}")
    except _BROKEN as error:
        raise CheckpointError(f"Checkpoint {path} must hold what the tile can, but: {error}") from None
    for plane, values in planes.items():
        tile.write_plane(plane, values)
    for name, value in registers.items():
        tile.set(name, value)
    return planes, reference


def _stored(tile) -> list[str]:
    return [name for name, register in tile.registers.items() if register.stored]
