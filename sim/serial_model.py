# SPDX-License-Identifier: Apache-2.0
"""A verilated design with a serial line, as a Python object that takes and gives bytes."""

import ctypes
from functools import cache
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.build import build_model

SHIM = Path(__file__).with_name("serial_shim.cpp")
_LEAST_ROOM = 1 << 16

_U64 = ctypes.c_uint64
_FUNCTIONS = {
    "cl_create": (ctypes.c_void_p, [ctypes.c_uint32]),
    "cl_destroy": (None, [ctypes.c_void_p]),
    "cl_reset": (None, [ctypes.c_void_p]),
    "cl_cycles": (_U64, [ctypes.c_void_p]),
    "cl_idle": (ctypes.c_int, [ctypes.c_void_p]),
    "cl_feed": (None, [ctypes.c_void_p, np.ctypeslib.ndpointer(np.uint16, ndim=1, flags="C_CONTIGUOUS"), _U64]),
    "cl_run": (_U64, [ctypes.c_void_p, _U64, ctypes.c_void_p, _U64]),
}


def symbols_of(data: bytes) -> NDArray[np.uint16]:
    """Bytes as they go over the line: start bit, 8 bits, low one first, stop bit."""
    return np.frombuffer(data, dtype=np.uint8).astype(np.uint16) * np.uint16(2) + np.uint16(0x200)


class SerialModel:
    """One instance of a verilated design with ports ``rx``, ``tx`` and ``is_busy``, and its own time.

    It is reset when it is made. Time passes only in ``run``.

    Parameters
    ----------
    verilog, top, opt, waivers : as for ``sim.build.build_model``.
    divisor : cycles of a bit, as the design has it.
    """

    def __init__(
        self, verilog: str, top: str, divisor: int, *, opt: str = "-O1", waivers: tuple[str, ...] = ()
    ):
        self.divisor = divisor
        self._handle = None
        self._lib = _load(build_model(verilog, top, opt=opt, waivers=waivers, shim=SHIM))
        self._handle = self._lib.cl_create(divisor)
        self._room = ctypes.create_string_buffer(_LEAST_ROOM)

    def send(self, data: bytes) -> None:
        """Queue bytes for ``rx``."""
        self.send_symbols(symbols_of(data))

    def send_symbols(self, symbols: ArrayLike) -> None:
        """Queue symbols of 10 bits for ``rx``, the first one in bit 0, whatever they are."""
        given = np.ascontiguousarray(symbols, dtype=np.uint16)
        self._lib.cl_feed(self._alive(), given, given.size)

    def run(self, max_cycles: int) -> bytes:
        """Run until all is sent and the design has nothing left to do; the bytes that came from ``tx``.

        Ends after ``max_cycles`` in any case; the next call goes on.
        """
        count = self._lib.cl_run(self._alive(), max_cycles, self._room, _LEAST_ROOM)
        return self._room.raw[:count]

    @property
    def is_idle(self) -> bool:
        """Nothing will happen until something is sent."""
        return bool(self._lib.cl_idle(self._alive()))

    @property
    def cycles(self) -> int:
        """Clock cycles since the model was made, resets included."""
        return self._lib.cl_cycles(self._alive())

    def reset(self) -> None:
        """Hold ``rst`` for two cycles and forget what was queued."""
        self._lib.cl_reset(self._alive())

    def close(self) -> None:
        """Free the model; it cannot be used afterwards."""
        if self._handle is not None:
            self._lib.cl_destroy(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def _alive(self) -> int:
        if self._handle is None:
            raise ValueError("A model must be open to be used, but this one was closed")
        return self._handle


@cache
def _load(path: Path) -> ctypes.CDLL:
    library = ctypes.CDLL(str(path))
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library
