# SPDX-License-Identifier: Apache-2.0
"""One instance of a verilated design behind the functions of a shim, from making it to freeing it."""

import ctypes
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import ClassVar, Self

U64 = ctypes.c_uint64


class SimulationError(RuntimeError):
    """The design broke a stream's rules, gave too much or did not answer, or the model is closed."""


class Instance:
    """What all models have: their own time, a reset, and an end.

    A subclass names the functions of its shim by ``prefix``, and in ``functions`` those of its own, with their result
    and what they take behind the handle. It is reset when it is made.
    """

    prefix: ClassVar[str]
    functions: ClassVar[Mapping[str, tuple]]
    _handle: int | None = None

    def __init__(self, library: Path, *arguments: int):
        self._lib = _load(library, type(self))
        self._handle = self._function("create")(*arguments)

    @property
    def cycles(self) -> int:
        """Clock cycles since the model was made, resets included."""
        return self._call("cycles")

    def reset(self) -> None:
        """Hold ``rst`` for two cycles; forget a fault, and what was queued."""
        self._call("reset")

    def close(self) -> None:
        """Free the model; it cannot be used afterwards."""
        if self._handle is not None:
            self._call("destroy")
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def _call(self, name: str, *arguments):
        """A function of the shim, on this instance."""
        if self._handle is None:
            raise SimulationError("A model must be open to be used, but this one was closed")
        return self._function(name)(self._handle, *arguments)

    def _function(self, name: str):
        return getattr(self._lib, f"{self.prefix}_{name}")


@cache
def _load(path: Path, kind: type[Instance]) -> ctypes.CDLL:
    library = ctypes.CDLL(str(path))
    common = {"destroy": (None,), "reset": (None,), "cycles": (U64,)}
    for name, (result, *arguments) in {**common, **kind.functions}.items():
        function = getattr(library, f"{kind.prefix}_{name}")
        function.restype = result
        function.argtypes = [*([] if name == "create" else [ctypes.c_void_p]), *arguments]
    return library
