# SPDX-License-Identifier: Apache-2.0
"""The step of one device under one pulse, as a pipeline; mirrors golden."""
from amaranth.hdl import Array, Const, Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.device import GAIN, MEAN, TABLE, TABLE_SEGMENTS_LOG2, WRITE_SIGMA, StepEngine
from golden.noise import GAUSSIAN_FRAC
from rtl.dsp import Product, multiple, multiple_latency, product
from rtl.formats import add_or_subtract, clip, delay, halves_to_even, round_half_even, saturate, shape_of
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

    Parameters: `engine`, the golden arithmetic; `short` with one register behind the rounded step, for a slow clock.
    Members: `w`, `up`, `xi` in, and `step`, `slope`, `w_max`, `w_min` of one device and direction, which are not there
    where they are constants; `result` out. With write noise `w` and `result` are persistent weights, and `apparent`,
    after `apparent_latency`, is what multiplies; its Gaussian is `write_xi`.
    """

    def __init__(self, engine: StepEngine, *, short: bool = False):
        self.engine, self.short = engine, short
        weight, bound = shape_of(engine.weight), shape_of(engine.bound)
        parameters = {"step": In(shape_of(engine.step)), "slope": In(shape_of(engine.slope)), "w_max": In(bound),
                      "w_min": In(bound)} if engine.parameter_bits else {}
        super().__init__({
            "w": In(weight), **parameters, "up": In(1), "xi": In(shape_of(XI)), "result": Out(weight),
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
        return self.bounds_time + (1 if self.short else 3)

    @property
    def apparent_latency(self) -> int:
        return max(self.latency, multiple_latency(self.engine.write_sigma) + 1) + 2

    def elaborate(self, platform):
        m = Module()
        engine = self.engine

        # mean step at the present weight
        mean_time, scale_time = self._mean_time, max(self._mean_time, self._gain_time)
        if self._is_stateful:
            slope = Const(0)
            step = self._of_direction(m, "step", mean_time - 1) if engine.table is None else self._table(m, engine)
            if engine.device.has_slope:
                steepness = product(m, "steepness", self._of_direction(m, "slope", 0), self.w)
                slope = delay(m, round_half_even(steepness, engine.slope_shift), 1)
                slope = delay(m, slope, mean_time - 1 - (Product.latency + 1))
            mean = delay(m, saturate(step + slope, MEAN), 1)
            mean = delay(m, mean, scale_time - mean_time)
        else:
            mean = self._of_direction(m, "step", scale_time)

        # times 1 + sigma * xi
        shift, scaled = engine.step_frac, mean
        if engine.sigma:
            noise = round_half_even(multiple(m, "noise", self.xi, engine.sigma), GAUSSIAN_FRAC)
            gain = Signal(shape_of(GAIN), reset_less=True)
            m.d.sync += gain.eq((1 << GAIN.frac) + delay(m, noise, 1))
            scaled = product(m, "scaled", mean, delay(m, gain, scale_time - self._gain_time))
            shift += GAIN.frac

        # add, keep within the device's own bounds: the upper one where they are in disorder
        delta, is_up = (_later(m, each) for each in halves_to_even(scaled, shift))
        down = ~delay(m, self.up, self.bounds_time)
        w = delay(m, self.w, self.bounds_time - self.weight_time)
        more = int(not self.short)
        total = delay(m, add_or_subtract(w, delta, down, is_up), more)
        bounds = self._bounds()
        is_disorder = delay(m, bounds[1] > bounds[0], 2 * more)
        bounds = [_later(m, bound, more) for bound in bounds]
        w_max, w_min = (bound.shift_left(engine.bound_shift) for bound in bounds)
        sides = delay(m, total > w_max, more) | is_disorder, delay(m, total < w_min, more)
        w_max, w_min = (_later(m, bound, more).shift_left(engine.bound_shift) for bound in bounds)
        total = delay(m, total, more)
        result = Signal.like(self.result, reset_less=True)
        m.d.sync += result.eq(clip(total, w_min, w_max, sides))
        m.d.comb += self.result.eq(result)
        if engine.write_sigma:
            self._write_noise(m, engine, result)
        return m

    def _of_direction(self, m: Module, name: str, time: int):
        """The step or slope of the direction, `time` cycles behind it; of constants no more than the choice."""
        if self.engine.parameter_bits:
            return delay(m, getattr(self, name), time)
        up, down = (Const(self.engine.nominal[f"{name}_{direction}"], shape_of(getattr(self.engine, name)))
                    for direction in ("up", "down"))
        return Mux(delay(m, self.up, time), up, down)

    def _bounds(self):
        """The upper and the lower bound."""
        if self.engine.parameter_bits:
            return self.w_max, self.w_min
        return [Const(self.engine.nominal[name], shape_of(self.engine.bound)) for name in ("w_max", "w_min")]

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

        step = product(m, "step", self._of_direction(m, "step", 2 + Product.latency + 2), factor)
        return delay(m, round_half_even(step, TABLE.frac), 1)


def _later(m: Module, value, cycles: int = 1):
    """`value` some cycles later; a constant needs no register."""
    return value if isinstance(value, Const) else delay(m, value, cycles)


_TABLE_LATENCY = 2 + Product.latency + 2 + Product.latency + 1
