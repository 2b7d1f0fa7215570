# SPDX-License-Identifier: Apache-2.0
"""The analog port at pins: what goes out a cycle later, what comes back two; coincidences from the lines."""
import numpy as np
import pytest
from amaranth.hdl import Value

from golden.config import PINS_LATENCY
from rtl.analog_port import AnalogPort, Mode
from rtl.crossbar_pins import CrossbarPins, pins_signature
from tests.rtl.simulation import check_pipeline, put, run, take
from tests.support import CONFIGS, assert_bits

CONFIG = CONFIGS["softbounds"]


def plain(interface, name: str):
    """A member as a plain value, or a list of them where it is an array."""
    port = getattr(interface, name)
    return [Value.cast(each) for each in port] if isinstance(port, list) else Value.cast(port)


def test_outputs_are_registered_and_inputs_are_synchronized():
    """All of them, in step, whatever the port has; `busy` is none of the pins, and low."""
    pins, rng = CrossbarPins(CONFIG), np.random.default_rng(1)
    members = pins_signature(CONFIG).members
    assert set(AnalogPort(CONFIG).members) - set(members) == {"busy"}
    outputs = [name for name, member in members.items() if member.flow.name == "Out"]
    inputs = [name for name in members if name not in outputs]
    sent: dict[str, list] = {name: [] for name in members}
    seen: dict[str, list] = {name: [] for name in members}

    async def bench(ctx):
        for name in outputs:
            assert not np.any(take(ctx, plain(pins.pins, name))), f"{name} must be off at reset"
        for _ in range(40):
            for name in members:
                near, far = plain(pins.port, name), plain(pins.pins, name)
                source, sink = (near, far) if name in outputs else (far, near)
                put(ctx, source, [int(rng.integers(-3, 4)) for _ in source] if isinstance(source, list)
                    else int(rng.integers(2 ** min(2, len(source)))))
                sent[name].append(take(ctx, source))
                seen[name].append(take(ctx, sink))
            assert not ctx.get(pins.port.busy)
            await ctx.tick()

    run(pins, bench)
    for name in members:
        delay = 1 if name in outputs else PINS_LATENCY - 1
        assert_bits(f"CrossbarPins, {name}", sent[name][:-delay], seen[name][delay:])
    assert inputs


@pytest.mark.parametrize("seed", [1, 2])
def test_coincidences_are_those_of_the_lines(seed):
    """In the cycle behind the strobe of an update's slot, and in no other."""
    rng = np.random.default_rng(seed)
    rows, cols = (rng.random((60, n)) < rng.choice([0.1, 0.5, 1.0], (60, 1)) for n in (CONFIG.rows, CONFIG.cols))
    slot, mode = rng.random(60) < 0.5, rng.choice([m.value for m in Mode], 60)
    expected = rows.sum(axis=1) * cols.sum(axis=1) * (slot & (mode == Mode.UPDATE.value))

    class Flat(CrossbarPins):
        """With the port's lines as members of its own, as check_pipeline drives them."""

        row_pulse = property(lambda self: self.port.row_pulse)
        col_pulse = property(lambda self: self.port.col_pulse)
        slot = property(lambda self: self.port.slot)
        mode = property(lambda self: self.port.mode.as_value())

    words = [[sum(int(bit) << n for n, bit in enumerate(lines)) for lines in side] for side in (rows, cols)]
    check_pipeline(Flat(CONFIG), 1, {"row_pulse": words[0], "col_pulse": words[1], "slot": slot, "mode": mode},
                   {"coincidences": expected})
