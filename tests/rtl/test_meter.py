# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from golden.pulses import half_selects
from rtl.analog_port import Bias, Mode
from rtl.meter import Meter
from tests.rtl.simulation import run
from tests.support import CONFIGS, assert_bits

COUNTS = ("slots", "row_pulses", "col_pulses", "update_row_pulses", "update_col_pulses", "program_pulses",
          "half_selects")


def word(lines) -> int:
    return sum(1 << n for n, bit in enumerate(lines) if bit)


@pytest.mark.parametrize("name", ["tiny", "softbounds", "narrow"])
@pytest.mark.parametrize("mode", [Mode.FORWARD, Mode.UPDATE, Mode.PROGRAM], ids=lambda mode: mode.name)
def test_counts_are_those_of_the_slots(name, mode):
    """Only what stands at a slot's strobe counts; slots one a cycle or with others between."""
    config = CONFIGS[name]
    meter, rng = Meter(config), np.random.default_rng(1)
    found = dict.fromkeys(COUNTS, 0)

    async def bench(ctx):
        port, wanted = meter.port, dict.fromkeys(COUNTS, 0)
        ctx.set(port.mode, mode)

        async def tick():
            await ctx.tick()
            for count in COUNTS:
                found[count] += int(ctx.get(getattr(meter, count)))

        for number in range(60):
            bias = Bias(number % 3)
            rows = (rng.random(config.rows) < 0.5).astype(int)
            cols = (rng.random(config.cols) < rng.choice([0, 0.5, 1])).astype(int)
            if mode == Mode.PROGRAM:
                rows[:] = 1 if number % 4 == 0 else np.arange(config.rows) == rng.integers(config.rows)
            ctx.set(port.half_select, bias)
            for strobe in (0, 1) if number % 2 else (1,):
                ctx.set(port.slot, strobe)
                ctx.set(port.row_pulse, word(rows) if strobe else -1)
                ctx.set(port.col_pulse, word(cols) if strobe else -1)
                await tick()
            wanted["slots"] += 1
            if mode != Mode.PROGRAM:
                wanted["row_pulses"] += rows.sum()
                wanted["col_pulses"] += cols.sum()
            if mode == Mode.UPDATE:
                wanted["update_row_pulses"] += rows.sum()
                wanted["update_col_pulses"] += cols.sum()
            if mode == Mode.PROGRAM:
                wanted["program_pulses"] += rows.sum() * cols.sum()
                wanted["half_selects"] += half_selects(rows[:, None], cols[:, None], bias.value)
        ctx.set(port.slot, 0)
        for _ in range(meter.latency):
            await tick()
        for count in COUNTS:
            assert_bits(count, wanted[count], found[count])

    run(meter, bench)
