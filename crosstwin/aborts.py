# SPDX-License-Identifier: Apache-2.0
"""An operation that an ABORT meets: where it does is the hardware's affair, and golden is told by what was counted."""
import numpy as np

from golden.config import COUNTERS, TileConfig
from golden.protocol import PROGRAMMING, Opcode, Status, packet, split
from golden.registers import register_map
from golden.tile import Tile

N_ANSWERS = 4
"""Packets that come back: of the operation, of the ABORT, and of the two questions behind it."""
_COUNTED = COUNTERS[:COUNTERS.index("emulation_cycles")]


def can_place(config: TileConfig) -> bool:
    """Whether a tile counts what `place` needs to know."""
    return config.operation_counters and set(_COUNTED) <= set(config.counters)


def abort(config: TileConfig) -> np.ndarray:
    """An ABORT, and GETs of what `place` needs to know."""
    registers = register_map(config)
    return np.concatenate([packet(Opcode.ABORT), packet(Opcode.GET, 1, registers["aborted_slots"].index),
                           packet(Opcode.GET, len(_COUNTED), registers[f"operation_{_COUNTED[0]}"].index)])


def place(tile: Tile, answers) -> tuple[int | None, int] | None:
    """Where an operation was aborted, as `Controller.abort_at` takes it, by its answer and those to `abort`; None where
    it was not. `tile` has the hardware's settings.
    """
    operation, _, played, counted = split(answers)
    opcode, status = int(operation[0]) >> 24 & 0xFF, int(operation[0]) >> 16 & 0xFF
    if status != Status.ABORTED:
        return None
    counts = dict(zip(_COUNTED, (counted[1:] & np.uint64(0xFFFFFFFF)).tolist(), strict=True))
    if opcode not in PROGRAMMING:
        return int(played[1]) & 0xFFFFFFFF, counts["retries"]
    config, times = tile.config, tile.registers
    reads = counts["conversions"] // (config.n_converters if opcode == Opcode.CALIBRATE else config.cols)
    steps = reads + counts["programs"]
    # a window takes chip time even before its first slot: that of one more than were made is a read's that broke off
    windows = (counts["chip_cycles"] - counts["slots"] * times.t_slot
               - reads * (times.t_hold + config.adc.cycles(times.t_convert)))
    is_broken = windows > steps * (times.t_precharge + times.t_settle + times.t_guard + times.t_recover)
    return counts["row_pulses"] - reads * config.code.max if is_broken else None, steps
