# SPDX-License-Identifier: Apache-2.0
"""A verilated stream design as a Python object that takes and gives whole numpy arrays."""

import ctypes

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.build import build_model
from sim.instance import U64, Instance, SimulationError

WORD_BITS = 34

_ARRAY = np.ctypeslib.ndpointer(np.uint64, ndim=1, flags="C_CONTIGUOUS")


class VerilatedModel(Instance):
    """One instance of a verilated design with a stream in, a stream out, and its own time.

    It is reset when it is made. The output stream is checked in every cycle of an exchange: valid and
    payload hold until the transfer, packets run from ``first`` to ``last``. No Python runs per cycle, and
    the interpreter's lock is free meanwhile.

    Parameters
    ----------
    verilog, top, opt, waivers : as for ``sim.build.build_model``.
    max_idle_cycles : an exchange in which neither stream moves for more cycles than this is an error.
    """

    prefix = "ct"
    functions = {
        "create": (ctypes.c_void_p,),
        "spin": (None, U64),
        "fault": (ctypes.c_char_p,),
        "exchange": (ctypes.c_int64, _ARRAY, U64, _ARRAY, *[U64] * 3, *[ctypes.c_uint32] * 2, U64),
    }

    def __init__(
        self,
        verilog: str,
        top: str = "top",
        *,
        opt: str = "-O1",
        waivers: tuple[str, ...] = (),
        max_idle_cycles: int = 2_000_000,
    ):
        self.max_idle_cycles = max_idle_cycles
        super().__init__(build_model(verilog, top, opt=opt, waivers=waivers))

    def exchange(
        self,
        words: ArrayLike,
        expected_packets: int = 1,
        *,
        idle: float = 0.0,
        stall: float = 0.0,
        seed: int = 0,
        capacity: int = 1 << 22,
    ) -> NDArray[np.uint64]:
        """Feed all ``words`` and collect output words until ``expected_packets`` of them had ``last``.

        After the last expected packet ``ready`` stays low, so nothing that follows it is lost.

        Parameters
        ----------
        words : 34-bit words, data in [31:0], ``first`` in [32], ``last`` in [33].
        idle, stall : share of the cycles, 0 to below 1, in which no new word is offered or none is taken,
            at random from ``seed``.
        capacity : most output words.

        Raises
        ------
        SimulationError : a broken stream rule, no progress, or more than ``capacity`` output words.
        """
        given = np.ascontiguousarray(words, dtype=np.uint64)
        if given.ndim != 1:
            raise ValueError(f"Words must be a one-dimensional array, not one of shape {given.shape}")
        if given.size and int(given.max()) >> WORD_BITS:
            raise ValueError(f"Words must have {WORD_BITS} bits, not {int(given.max()):#x}")
        if expected_packets < 0:
            raise ValueError(f"Expected packets must be 0 or more, not {expected_packets}")
        # Untouched pages of a large empty array cost nothing.
        taken = np.empty(capacity, dtype=np.uint64)
        count = self._call(
            "exchange", given, given.size, taken, capacity, expected_packets, self.max_idle_cycles,
            _permille("Idle", idle), _permille("Stall", stall), seed,
        )  # fmt: skip
        if count < 0:
            raise SimulationError(self._call("fault").decode())
        return taken[:count].copy()

    def spin(self, n: int) -> None:
        """Run ``n`` cycles with both streams at rest."""
        self._call("spin", n)


def _permille(name: str, share: float) -> int:
    if not 0.0 <= share < 1.0:
        raise ValueError(f"{name} must be a share of cycles from 0 to below 1, not {share}")
    return round(share * 1000)
