# SPDX-License-Identifier: Apache-2.0
"""The sequencer of a folded tile alone, with the bench as macro: outputs, rails, chip time and counts of pulses."""
from dataclasses import replace

import numpy as np
import pytest

from golden.adc import AdcConfig, AdcKind
from golden.protocol import Status
from golden.pulses import Encoding, encoded_pulses, window_slots
from rtl.analog_port import Mode
from rtl.drive import OUTPUT_LATENCY
from rtl.folded_sequencer import FoldedSequencer
from rtl.phases import TIMES
from tests.rtl.simulation import put, run
from tests.support import FOLDED, assert_bits, random_codes

WIDE = FOLDED["folded wide"]
CASES = {"wide": WIDE, "tall": replace(WIDE, rows=21, cols=7, lanes=3),
         "spi": replace(WIDE, adc=AdcConfig(kind=AdcKind.SPI, bits=12, bound=3.0))}


class Macro:
    """Answers `hold` with codes of its own, and counts what the meter says."""

    def __init__(self, config):
        self.config, self.sequencer, self.rng = config, FoldedSequencer(config), np.random.default_rng(4)
        self.given: list[np.ndarray] = []
        self.counts = dict.fromkeys(self.sequencer.meter.counts, 0)
        self.chip_cycles = self.saturated = self.converted = 0
        self._beats: list[tuple[int, np.ndarray]] = []

    async def tick(self, ctx) -> None:
        sequencer, port = self.sequencer, self.sequencer.port
        self.chip_cycles += int(ctx.get(sequencer.chip_cycle))
        for name in self.counts:
            self.counts[name] += int(ctx.get(getattr(sequencer.meter, name)))
        if ctx.get(sequencer.converted):
            self.saturated += int(ctx.get(sequencer.n_saturated))
            self.converted += int(ctx.get(sequencer.n_converted))
        if ctx.get(port.hold):
            code, lanes = self.config.adc.code, len(port.results)
            n_beats = self.config.converter_chunks * self.config.lanes // lanes
            codes = self.rng.choice([code.min, code.max, 0, 3, -7], (n_beats, lanes))
            self.given.append(codes.reshape(-1))
            self._beats = list(enumerate(codes))
        await ctx.tick()
        ctx.set(port.result_valid, 0)
        if self._beats:
            beat, codes = self._beats.pop(0)
            ctx.set(port.result_valid, 1)
            ctx.set(port.result_beat, beat)
            put(ctx, port.results, codes)

    async def measure(self, ctx, mode: Mode, codes) -> list[int]:
        """Load codes, run a sequence, read the outputs."""
        drive = self.sequencer.drive
        for line, code in enumerate(codes):
            for name, value in (("width_write", 1), ("width_index", line), ("width_code", int(code))):
                ctx.set(getattr(drive, name), value)
            await self.tick(ctx)
        ctx.set(drive.width_write, 0)
        ctx.set(drive.mode, mode)
        ctx.set(drive.start, 1)
        await self.tick(ctx)
        ctx.set(drive.start, 0)
        for _ in range(20_000):
            if ctx.get(drive.done):
                break
            await self.tick(ctx)
        assert_bits("status", Status.OK, ctx.get(drive.status))
        found = []
        for line in range(self.config.cols if mode == Mode.FORWARD else self.config.rows):
            ctx.set(drive.output_index, line)
            for _ in range(OUTPUT_LATENCY):
                await self.tick(ctx)
            found.append(int(ctx.get(drive.output)))
        return found


@pytest.mark.parametrize("encoding", Encoding, ids=lambda encoding: encoding.name)
@pytest.mark.parametrize("name", CASES)
def test_outputs_and_counts(name, encoding):
    """Codes from the macro's beats to outputs, over all bits of a serial code, with the rails and pulses counted."""
    config, rng = CASES[name], np.random.default_rng(encoding)
    macro = Macro(config)
    sequencer = macro.sequencer
    times = {each: int(rng.integers(1, 5)) for each in TIMES}
    windows, slots = window_slots(config, encoding)

    async def check(ctx):
        for each, value in times.items():
            ctx.set(getattr(sequencer, each), value)
        ctx.set(sequencer.encoding, encoding)
        for mode, n, m in ((Mode.FORWARD, config.rows, config.cols), (Mode.BACKWARD, config.cols, config.rows)):
            for codes in random_codes(config, 5, n, 3 + mode.value):
                macro.given.clear()
                macro.counts, macro.chip_cycles = dict.fromkeys(macro.counts, 0), 0
                macro.saturated = macro.converted = 0
                outputs = await macro.measure(ctx, mode, codes)
                given = np.array([each[:m] for each in macro.given])
                weights = 2 ** np.arange(windows)[::-1]
                assert_bits("outputs", weights @ given, outputs)
                rails = (given == config.adc.code.max) | (given == config.adc.code.min)
                assert_bits("saturated", rails.sum(), macro.saturated)
                assert_bits("converted", windows * m, macro.converted)
                pulses = int(np.sum(encoded_pulses(config, codes[None], encoding)))
                sides = (pulses, 0) if mode == Mode.FORWARD else (0, pulses)
                assert_bits("row and column pulses", sides, [macro.counts[f"{side}_pulses"] for side in ("row", "col")])
                assert_bits("slots", windows * slots, macro.counts["slots"])
                window = sum(times[each] for each in ("t_precharge", "t_settle", "t_guard", "t_hold", "t_recover"))
                window += slots * times["t_slot"] + config.adc.cycles(times["t_convert"])
                assert_bits("chip cycles", windows * window, macro.chip_cycles)

    run(sequencer, check)
