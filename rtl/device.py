# SPDX-License-Identifier: Apache-2.0
"""The step of one device under one pulse, as a pipeline; mirrors golden."""
from amaranth.hdl import Array, Const, Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.device import GAIN, MEAN, SLOPE, STEP, TABLE, TABLE_SEGMENTS_LOG2, WRITE_SIGMA, StepEngine
from golden.noise import GAUSSIAN_FRAC
from rtl.dsp import Product, multiple, multiple_latency, product
from rtl.formats import add_or_subtract, clip, delay, round_half_even, saturate, shape_of
from rtl.noise import XI


class DeviceLane(Component):
    """One pulse a cycle on one lane: new weight from weight, parameters, direction and Gaussian.

        step, slope, w -> mean -+-> product -> delta -> w +- delta -> clip -> result
        xi -> 1 + sigma * xi ---+

    A register follows every product, sum, rounding and choice. What the device model does not use costs nothing: no
    slope, no table, no noise, nor their cycles. As little as may be lies between a weight and its successor, so inputs
    are awaited when they are needed: `step`, `slope`, `up`, `xi`, `write_xi` at first, `w` after `weight_time` cycles
    and its bounds after `bounds_time`; `result` comes after `latency`. Multipliers: one for the slope, two for the
    table, one for the noise.

    Parameters: `engine`, the golden arithmetic. Members: `w`, `step`, `slope`, `w_max`, `w_min`, `up`, `xi` in,
    those of one device and direction; `result` out. With write noise `w` and `result` are persistent weights, and
    `apparent`, after `apparent_latency`, is what multiplies; its Gaussian is `write_xi`.
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
    def _is_stateful(self) -> bool:
        """Whether the step depends on the weight."""
        return self.engine.table is not None or self.engine.device.has_slope

    @property
    def _mean_time(self) -> int:
        step_time = 0 if self.engine.table is None else _TABLE_LATENCY
        slope_time = Product.latency + 1 if self.engine.device.has_slope else 0
        return max(step_time, slope_time) + self._is_stateful

    @property
    def _gain_time(self) -> int:
        return multiple_latency(self.engine.sigma) + 2 if self.engine.sigma else 0

    @property
    def weight_time(self) -> int:
        return 0 if self._is_stateful else self.bounds_time

    @property
    def bounds_time(self) -> int:
        """When the rounded step is there."""
        return max(self._mean_time, self._gain_time) + (Product.latency if self.engine.sigma else 0) + 1

    @property
    def latency(self) -> int:
        return self.bounds_time + 3

    @property
    def apparent_latency(self) -> int:
        return max(self.latency, multiple_latency(self.engine.write_sigma) + 1) + 2

    def elaborate(self, platform):
        m = Module()
        engine = self.engine

        # mean step at the present weight
        mean, mean_time = self.step, self._mean_time
        if self._is_stateful:
            step, slope = self.step, Const(0)
            if engine.table is not None:
                step = self._table(m, engine)
            if engine.device.has_slope:
                steepness = product(m, "steepness", self.slope, self.w)
                slope = delay(m, round_half_even(steepness, engine.slope_shift), 1)
                slope = delay(m, slope, mean_time - 1 - (Product.latency + 1))
                step = delay(m, step, mean_time - 1) if engine.table is None else step
            mean = delay(m, saturate(step + slope, MEAN), 1)

        # times 1 + sigma * xi
        shift, scaled = engine.step_frac, mean
        if engine.sigma:
            noise = round_half_even(multiple(m, "noise", self.xi, engine.sigma), GAUSSIAN_FRAC)
            gain = Signal(shape_of(GAIN), reset_less=True)
            m.d.sync += gain.eq((1 << GAIN.frac) + delay(m, noise, 1))
            time = max(mean_time, self._gain_time)
            scaled = product(m, "scaled", delay(m, mean, time - mean_time), delay(m, gain, time - self._gain_time))
            shift += GAIN.frac

        # add, keep within the device's own bounds: the upper one where they are in disorder
        delta = delay(m, round_half_even(scaled, shift), 1)
        down = ~delay(m, self.up, self.bounds_time)
        w = delay(m, self.w, self.bounds_time - self.weight_time)
        total = delay(m, add_or_subtract(w, delta, down), 1)
        is_disorder, w_max, w_min = (delay(m, value, 1) for value in (self.w_min > self.w_max, self.w_max, self.w_min))
        sides = delay(m, total > w_max, 1) | delay(m, is_disorder, 1), delay(m, total < w_min, 1)
        total, w_max, w_min = (delay(m, value, 1) for value in (total, w_max, w_min))
        result = Signal.like(self.result, reset_less=True)
        m.d.sync += result.eq(clip(total, w_min, w_max, sides))
        m.d.comb += self.result.eq(result)
        if engine.write_sigma:
            self._write_noise(m, engine, result)
        return m

    def _write_noise(self, m: Module, engine: StepEngine, result):
        time, noise_time = self.apparent_latency - 2, multiple_latency(engine.write_sigma) + 1
        noise = multiple(m, "write_noise", delay(m, self.write_xi, time - noise_time), engine.write_sigma)
        rounded = delay(m, round_half_even(noise, GAUSSIAN_FRAC + WRITE_SIGMA.frac), 1)
        total = delay(m, delay(m, result, time - self.latency) + rounded, 1)
        apparent = Signal.like(self.apparent, reset_less=True)
        m.d.sync += apparent.eq(saturate(total, engine.weight))
        m.d.comb += self.apparent.eq(apparent)

    def _table(self, m: Module, engine: StepEngine):
        """round(step * table(w)), `_TABLE_LATENCY` cycles later."""
        segment_bits = engine.weight.bits - TABLE_SEGMENTS_LOG2
        position = Signal(engine.weight.bits)
        m.d.comb += position.eq(self.w - engine.weight.min)
        nodes = [Array(Const(node, TABLE.bits) for node in direction) for direction in reversed(engine.table)]
        segment = position[segment_bits:]

        start, end = (delay(m, Mux(self.up, nodes[1][segment + n], nodes[0][segment + n]), 1) for n in (0, 1))
        fraction = delay(m, position[:segment_bits], 2)

        drop = product(m, "drop", delay(m, end - start, 1), fraction)
        rounded = delay(m, round_half_even(drop, segment_bits), 1)
        factor = Signal(TABLE.bits, reset_less=True)
        m.d.sync += factor.eq(delay(m, start, 1 + Product.latency + 1) + rounded)

        step = product(m, "step", delay(m, self.step, 2 + Product.latency + 2), factor)
        return delay(m, round_half_even(step, TABLE.frac), 1)


_TABLE_LATENCY = 2 + Product.latency + 2 + Product.latency + 1
