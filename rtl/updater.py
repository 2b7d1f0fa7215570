# SPDX-License-Identifier: Apache-2.0
"""Device engines of the emulated array: coincidences to new weights, P cross-points a cycle."""
from amaranth.hdl import Cat, Module, Mux
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out

from golden.config import Plane, TileConfig
from rtl.device import DeviceLane
from rtl.formats import delay, shape_of
from rtl.noise import XI
from rtl.planes import WORD, LaneMemory

_PLANES = (Plane.STEP_UP, Plane.STEP_DOWN, Plane.SLOPE_UP, Plane.SLOPE_DOWN, Plane.W_MAX, Plane.W_MIN)


class Updater(Component):
    """Applies one coincidence to each masked lane of a chunk of cross-points, one chunk a cycle.

    The noise of a visit is asked for at once and takes `noise_latency` cycles; `fetch_latency` cycles after the
    visit `address` fetches weights and parameters, which arrive with it, and `write_latency` cycles after the visit
    the new weights are written. With write noise these are the persistent weights, and what multiplies is written
    one cycle later. While a visit to the same `place` is on its way from fetch to write, `blocked` asks to wait: at
    most `DeviceLane.latency + 1` cycles.

    Members: `visit` (only when not blocked), `valid` (a visit waits), `place`, `mask`, `up`, `xi` in; `blocked`,
    `coincidences` out; `address` out and `weights` in one cycle later; `write_place`, `write_mask`, `write_values`
    out; with write noise `write_xi` in, `apparent_place`, `apparent_mask`, `apparent_values` out. Between operations
    (`active` low) `side_place` reads `parameters[plane].values` and writes `value` where `side_write[plane]`, a lane
    mask, says.
    """

    def __init__(self, config: TileConfig, noise_latency: int):
        self.config = config
        self.has_write_noise = config.engine.write_sigma > 0
        self.fetch_latency = noise_latency - 1 if config.engine.sigma or self.has_write_noise else 1
        self.engines = [DeviceLane(config.engine) for _ in range(config.lanes)]
        depth = config.rows * config.chunks
        self.parameters = {plane: LaneMemory(config.planes[plane].format, depth, config.lanes)
                           for plane in _PLANES if plane in config.planes}
        weight = shape_of(config.weight)
        apparent = {} if not self.has_write_noise else {
            "write_xi": In(shape_of(XI)).array(config.lanes), "apparent_place": Out(range(depth)),
            "apparent_mask": Out(config.lanes), "apparent_values": Out(weight).array(config.lanes)}
        super().__init__({
            "visit": In(1), "valid": In(1), "place": In(range(depth)), "mask": In(config.lanes),
            "up": In(config.lanes), "xi": In(shape_of(XI)).array(config.lanes),
            "blocked": Out(1), "coincidences": Out(range(config.lanes + 1)),
            "address": Out(range(depth)), "weights": In(weight).array(config.lanes),
            "write_place": Out(range(depth)), "write_mask": Out(config.lanes),
            "write_values": Out(weight).array(config.lanes),
            "active": In(1), "side_place": In(range(depth)), "value": In(shape_of(WORD)),
            "side_write": In(data.StructLayout({plane.name: config.lanes for plane in self.parameters})),
            **apparent,
        })

    @property
    def wait(self) -> int:
        """Cycles after a visit in which the same place is blocked."""
        return self.engines[0].latency + 1

    @property
    def write_latency(self) -> int:
        return self.fetch_latency + 1 + self.engines[0].latency

    @property
    def drain(self) -> int:
        """Cycles after a visit until all that it writes has been written."""
        return self.write_latency + self.has_write_noise

    def elaborate(self, platform):
        m = Module()
        config, parameters = self.config, self.parameters

        # interlock: a place that was visited less than a read-modify-write ago
        is_same, place, visit = [], self.place, self.visit
        for _ in range(self.wait):
            place, visit = delay(m, place, 1), delay(m, visit, 1, reset=True)
            is_same.append(visit & (place == self.place))
        m.d.comb += self.blocked.eq(self.valid & Cat(is_same).any())

        # weights and parameters arrive with the noise
        m.d.comb += self.address.eq(delay(m, self.place, self.fetch_latency))
        for plane, memory in parameters.items():
            m.submodules[plane.name.lower()] = memory
            m.d.comb += [memory.address.eq(Mux(self.active, self.address, self.side_place)),
                         memory.write_address.eq(self.side_place),
                         memory.write_mask.eq(self.side_write[plane.name])]
            for lane in range(config.lanes):
                m.d.comb += memory.write_values[lane].eq(self.value)

        mask = delay(m, self.mask & self.visit.replicate(config.lanes), self.fetch_latency + 1, reset=True)
        up = delay(m, self.up, self.fetch_latency + 1)
        for lane, engine in enumerate(self.engines):
            m.submodules[f"engine_{lane}"] = engine

            def of_direction(up_plane, down_plane, lane=lane):
                return Mux(up[lane], parameters[up_plane].values[lane], parameters[down_plane].values[lane])

            m.d.comb += [
                engine.w.eq(self.weights[lane]),
                engine.up.eq(up[lane]),
                engine.step.eq(of_direction(Plane.STEP_UP, Plane.STEP_DOWN)),
                engine.w_max.eq(parameters[Plane.W_MAX].values[lane]),
                engine.w_min.eq(parameters[Plane.W_MIN].values[lane]),
                engine.xi.eq(self.xi[lane]),
                self.write_values[lane].eq(engine.result),
            ]
            if config.device.has_slope:
                m.d.comb += engine.slope.eq(of_direction(Plane.SLOPE_UP, Plane.SLOPE_DOWN))
            if self.has_write_noise:
                m.d.comb += [engine.write_xi.eq(self.write_xi[lane]), self.apparent_values[lane].eq(engine.apparent)]

        m.d.comb += [
            self.write_place.eq(delay(m, self.address, self.engines[0].latency + 1)),
            self.write_mask.eq(delay(m, mask, self.engines[0].latency, reset=True)),
        ]
        if self.has_write_noise:
            m.d.comb += [self.apparent_place.eq(delay(m, self.write_place, 1)),
                         self.apparent_mask.eq(delay(m, self.write_mask, 1, reset=True))]
        m.d.sync += self.coincidences.eq(sum(mask))
        return m
