# SPDX-License-Identifier: Apache-2.0
"""Running a component in Amaranth's own simulator against the values that golden expects."""
import gc
import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from amaranth.hdl import Module, Signal, UnusedElaboratable, Value
from amaranth.sim import Simulator

from tests.support import assert_bits

MOST_STEPS = 300_000
"""Clock edges after which a bench has waited for what will never come."""


def run(design, *benches: Callable) -> None:
    """Run testbenches on a clocked design until the last one ends, or fail where one does not."""
    sim = Simulator(design)
    sim.add_clock(1e-6)
    for bench in benches:
        sim.add_testbench(bench)
    for _ in range(MOST_STEPS):
        if not sim.advance():
            return
    raise AssertionError(f"A bench must end within {MOST_STEPS} clock edges, but did not")


def asked(make: Callable, question: Callable):
    """`question(make())`, of a component that nobody elaborates, of which Amaranth would warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedElaboratable)
        answer = question(make())
        gc.collect()
    return answer


def put(ctx, port, value) -> None:
    """Set a port: an integer, or one integer an element of an array."""
    if isinstance(port, list | tuple):
        for element, each in zip(port, value, strict=True):
            ctx.set(element, int(each))
    else:
        ctx.set(port, int(value))


def take(ctx, port):
    """A port as an integer, or as a list of them where it is an array."""
    return [int(ctx.get(each)) for each in port] if isinstance(port, list | tuple) else int(ctx.get(port))


def check_pipeline(component, latency: int, inputs: Mapping[str, object], expected: Mapping[str, object],
                   times: Mapping[str, int] | None = None, settling: int = 0) -> None:
    """Outputs stand `latency` cycles behind inputs that change in every cycle, so that a throughput of one a
    cycle and the latency must both be exact for the values to agree.

    By port name: `inputs` hold one value a cycle, or one for all; `expected` one a cycle; `times` says by how many
    cycles an input comes later than the others, `settling` for how many those of one value stand before.
    """
    varying = {name: values for name, values in inputs.items() if np.ndim(values)}
    length, times = len(next(iter(varying.values()))), times or {}
    found: dict[str, list] = {name: [] for name in expected}

    async def bench(ctx):
        for name, value in inputs.items():
            if name not in varying:
                put(ctx, getattr(component, name), value)
        for _ in range(settling):
            await ctx.tick()
        for cycle in range(length + latency):
            for name, values in varying.items():
                if 0 <= (at := cycle - times.get(name, 0)) < length:
                    put(ctx, getattr(component, name), values[at])
            if cycle >= latency:
                for name, values in found.items():
                    values.append(take(ctx, getattr(component, name)))
            await ctx.tick()

    run(component, bench)
    for name, values in expected.items():
        assert_bits(f"{type(component).__name__}.{name}", values, found[name], latency)


def evaluate(ports: Sequence[Signal], expressions: Sequence[Value], rows) -> np.ndarray:
    """Values of combinational expressions (rows, expressions) over rows of values of the ports."""
    m = Module()
    outputs = [Signal(len(expression) + 1 if not expression.shape().signed else expression.shape(), name=f"out_{n}")
               for n, expression in enumerate(expressions)]
    m.d.comb += [output.eq(expression) for output, expression in zip(outputs, expressions, strict=True)]
    found = []

    async def bench(ctx):
        for row in rows:
            put(ctx, list(ports), row)
            found.append([int(ctx.get(output)) for output in outputs])

    sim = Simulator(m)
    sim.add_testbench(bench)
    sim.run()
    return np.array(found, dtype=np.int64)
