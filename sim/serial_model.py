# SPDX-License-Identifier: Apache-2.0
"""A verilated design with a serial line, as a Python object that takes and gives bytes."""

import ctypes
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.build import build_model
from sim.instance import U64, Instance

SHIM = Path(__file__).with_name("serial_shim.cpp")
_LEAST_ROOM = 1 << 16


def symbols_of(data: bytes) -> NDArray[np.uint16]:
    """Bytes as they go over the line: start bit, 8 bits, low one first, stop bit."""
    return np.frombuffer(data, dtype=np.uint8).astype(np.uint16) * np.uint16(2) + np.uint16(0x200)


class SerialModel(Instance):
    """One instance of a verilated design with ports ``rx``, ``tx`` and ``is_busy``, and its own time.

    It is reset when it is made. Time passes only in ``run``.

    Parameters
    ----------
    verilog, top, opt, waivers : as for ``sim.build.build_model``.
    divisor : cycles of a bit, as the design has it.
    """

    prefix = "cl"
    functions = {
        "create": (ctypes.c_void_p, ctypes.c_uint32),
        "idle": (ctypes.c_int,),
        "feed": (None, np.ctypeslib.ndpointer(np.uint16, ndim=1, flags="C_CONTIGUOUS"), U64),
        "run": (U64, U64, ctypes.c_void_p, U64),
    }

    def __init__(
        self, verilog: str, top: str, divisor: int, *, opt: str = "-O1", waivers: tuple[str, ...] = ()
    ):
        self.divisor = divisor
        super().__init__(build_model(verilog, top, opt=opt, waivers=waivers, shim=SHIM), divisor)
        self._room = ctypes.create_string_buffer(_LEAST_ROOM)

    def send(self, data: bytes) -> None:
        """Queue bytes for ``rx``."""
        self.send_symbols(symbols_of(data))

    def send_symbols(self, symbols: ArrayLike) -> None:
        """Queue symbols of 10 bits for ``rx``, the first one in bit 0, whatever they are."""
        given = np.ascontiguousarray(symbols, dtype=np.uint16)
        self._call("feed", given, given.size)

    def run(self, max_cycles: int) -> bytes:
        """Run until all is sent and the design has nothing left to do; the bytes that came from ``tx``.

        Ends after ``max_cycles`` in any case; the next call goes on.
        """
        count = self._call("run", max_cycles, self._room, _LEAST_ROOM)
        return self._room.raw[:count]

    @property
    def is_idle(self) -> bool:
        """Nothing will happen until something is sent."""
        return bool(self._call("idle"))
