# SPDX-License-Identifier: Apache-2.0
"""The step of one device under one pulse, as a pipeline; mirrors golden."""
from amaranth.hdl import Array, Const, Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.device import GAIN, MEAN, SIGMA, SLOPE, STEP, TABLE, TABLE_SEGMENTS_LOG2, WRITE_SIGMA, StepEngine
from golden.noise import GAUSSIAN_FRAC
from rtl.formats import clip, delay, round_half_even, saturate, shape_of
from rtl.noise import XI


class DeviceLane(Component):
    """One pulse a cycle on one lane: new weight from weight, parameters, direction and Gaussian.

    Latency is 4 cycles, 6 with a state table. What the device model does not use costs nothing: no slope, no
    table, no noise. Multipliers: one for the slope, two for the table, two for the noise, one for write noise.

    Parameters: `engine`, the golden arithmetic. Members: `w`, `step`, `slope`, `w_max`, `w_min`, `up`, `xi` in,
    those of one device and direction; `result` out. With write noise `w` and `result` are persistent weights, and
    `apparent`, one cycle behind, is what multiplies; its Gaussian is `write_xi`.
    """

    def __init__(self, engine: StepEngine):
        self.engine = engine
        weight = shape_of(engine.weight)
        super().__init__({
            "w": In(weight), "step": In(shape_of(STEP)), "slope": In(shape_of(SLOPE)), "w_max": In(weight),
            "w_min": In(weight), "up": In(1), "xi": In(shape_of(XI)), "result": Out(weight),
            **({"write_xi": In(shape_of(XI)), "apparent": Out(weight)} if engine.write_sigma else {}),
        })

    @property
    def latency(self) -> int:
        return 4 if self.engine.table is None else 6

    def elaborate(self, platform):
        m = Module()
        engine = self.engine

        # mean step at the present weight
        step = delay(m, self.step, 1) if engine.table is None else self._table(m, engine)
        slope_term = Const(0)
        if engine.device.has_slope:
            product = Signal(SLOPE.bits + engine.weight.bits, reset_less=True)
            m.d.sync += product.eq(self.slope * self.w)
            slope_term = delay(m, round_half_even(product.as_signed(), engine.slope_shift), self.latency - 4)
        mean = Signal(shape_of(MEAN), reset_less=True)
        m.d.sync += mean.eq(saturate(step + slope_term, MEAN))

        # times 1 + sigma * xi
        if engine.sigma:
            noise, gain = Signal(XI.bits + SIGMA.bits + 1, reset_less=True), Signal(shape_of(GAIN), reset_less=True)
            m.d.sync += [
                noise.eq(self.xi * Const(engine.sigma, SIGMA.bits)),
                gain.eq((1 << GAIN.frac) + round_half_even(noise.as_signed(), GAUSSIAN_FRAC)),
            ]
            factor, shift = delay(m, gain, self.latency - 4), GAIN.frac + engine.step_frac
        else:
            factor, shift = Const(1), engine.step_frac
        scaled = Signal(MEAN.bits + GAIN.bits, reset_less=True)
        m.d.sync += scaled.eq(mean * factor)

        # add, keep within the device's own bounds
        delta = round_half_even(scaled.as_signed(), shift)
        w, w_max, w_min, up = (delay(m, value, self.latency - 1)
                               for value in (self.w, self.w_max, self.w_min, self.up))
        result = Signal.like(self.result, reset_less=True)
        m.d.sync += result.eq(clip(Mux(up, w + delta, w - delta), w_min, w_max))
        m.d.comb += self.result.eq(result)
        if engine.write_sigma:
            self._write_noise(m, engine)
        return m

    def _write_noise(self, m: Module, engine: StepEngine):
        noise = Signal(XI.bits + WRITE_SIGMA.bits + 1, reset_less=True)
        m.d.sync += noise.eq(delay(m, self.write_xi, self.latency - 2) * Const(engine.write_sigma, WRITE_SIGMA.bits))
        rounded = delay(m, round_half_even(noise.as_signed(), GAUSSIAN_FRAC + WRITE_SIGMA.frac), 1)
        apparent = Signal.like(self.apparent, reset_less=True)
        m.d.sync += apparent.eq(saturate(self.result + rounded, engine.weight))
        m.d.comb += self.apparent.eq(apparent)

    def _table(self, m: Module, engine: StepEngine):
        """round(step * table(w)), three cycles later."""
        segment_bits = engine.weight.bits - TABLE_SEGMENTS_LOG2
        position = Signal(engine.weight.bits)
        m.d.comb += position.eq(self.w - engine.weight.min)
        nodes = [Array(Const(node, TABLE.bits) for node in direction) for direction in reversed(engine.table)]
        segment = position[segment_bits:]

        start, drop = Signal(TABLE.bits, reset_less=True), Signal(TABLE.bits + 1, reset_less=True)
        low, high = (Mux(self.up, nodes[1][segment + n], nodes[0][segment + n]) for n in (0, 1))
        m.d.sync += [start.eq(low), drop.eq(high - low)]
        fraction = delay(m, position[:segment_bits], 1)

        factor = Signal(TABLE.bits, reset_less=True)
        m.d.sync += factor.eq(start + round_half_even(drop.as_signed() * fraction, segment_bits))

        product = Signal(STEP.bits + TABLE.bits, reset_less=True)
        m.d.sync += product.eq(delay(m, self.step, 2) * factor)
        return round_half_even(product, TABLE.frac)
