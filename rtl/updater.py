# SPDX-License-Identifier: Apache-2.0
"""Device engines of the emulated array: coincidences to new weights, P cross-points a cycle."""
from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out

from golden.config import Plane, TileConfig
from rtl.device import DeviceLane
from rtl.dsp import tree
from rtl.formats import delay, shape_of
from rtl.noise import XI
from rtl.planes import WORD, fetch_latency, plane_domain, plane_memory

_BOUNDS = (Plane.W_MAX, Plane.W_MIN)
_PLANES = (Plane.STEP_UP, Plane.STEP_DOWN, Plane.SLOPE_UP, Plane.SLOPE_DOWN, *_BOUNDS)


class Updater(Component):
    """Applies one coincidence to each masked lane of a chunk of cross-points, one chunk a cycle.

    What is offered (`valid`, `place`) and not `blocked` is taken, and waits for its turn, which comes `entry` cycles
    later at the earliest, not counting those that are blocked: `visit` says that it begins, and that its noise must be
    asked for, which takes `noise_latency` cycles. Its `mask` and directions `up` must come `lanes_latency` cycles after
    that, so that what is held up is not as wide as the lanes. While a visit to the same place is on its way from fetch
    to write the next one waits, at most `wait` cycles after the former, and blocks whatever is behind it.
    `fetch_latency` cycles after a visit `address` fetches its weights, which come as `rtl.planes.fetch_latency` says;
    `write_latency` cycles after the visit the new weights are written. With write noise these are the persistent
    weights, and what multiplies is written `apparent_latency` cycles after the visit.

    Members: `valid`, `place`, `mask`, `up`, `xi` in; `blocked`, `visit`, `coincidences` out; `address` out, a cycle
    before that `ahead`, and `weights` in; `write_place`, `write_mask`, `write_values` out; with write noise `write_xi`
    in, `apparent_place`, `apparent_mask`, `apparent_values` out. Between operations (`active` low) `side_fetch` reads
    `parameters[plane].values`, a cycle later than weights come, and `side_place` is where `value` is written in those
    lanes that `side_write[plane]` says.
    """

    def __init__(self, config: TileConfig, noise_latency: int):
        self.config = config
        # a rolled tile's clock has the time to compare places and decide in one cycle, and to go by a memory's output
        self.entry, self.lanes_latency = 1 + config.way_registers, config.way_registers
        self.has_write_noise = config.engine.write_sigma > 0
        self.memory_latency = fetch_latency(config)
        self.arrival = max(noise_latency if config.engine.sigma or self.has_write_noise else 0, self.memory_latency + 1)
        self.engines = [DeviceLane(config.engine, short=config.rolled) for _ in range(config.lanes)]
        depth = config.rows * config.chunks
        self.parameters = {plane: plane_memory(config, config.planes[plane].format)
                           for plane in _PLANES if plane in config.planes}
        weight = shape_of(config.weight)
        apparent = {} if not self.has_write_noise else {
            "write_xi": In(shape_of(XI)).array(config.lanes), "apparent_place": Out(range(depth)),
            "apparent_mask": Out(config.lanes), "apparent_values": Out(weight).array(config.lanes)}
        super().__init__({
            "valid": In(1), "place": In(range(depth)), "mask": In(config.lanes), "up": In(config.lanes),
            "xi": In(shape_of(XI)).array(config.lanes),
            "blocked": Out(1), "visit": Out(1), "coincidences": Out(range(config.lanes + 1)),
            "ahead": Out(range(depth)), "address": Out(range(depth)), "weights": In(weight).array(config.lanes),
            "write_place": Out(range(depth)), "write_mask": Out(config.lanes),
            "write_values": Out(weight).array(config.lanes),
            "active": In(1), "side_fetch": In(range(depth)), "side_place": In(range(depth)),
            "value": In(shape_of(WORD)),
            "side_write": In(data.StructLayout({plane.name: config.lanes for plane in self.parameters})),
            **apparent,
        })

    @property
    def fetch_latency(self) -> int:
        return self.arrival + self.engines[0].weight_time - self.memory_latency

    @property
    def write_latency(self) -> int:
        return self.arrival + self.engines[0].latency

    @property
    def apparent_latency(self) -> int:
        return self.arrival + self.engines[0].apparent_latency

    @property
    def wait(self) -> int:
        """Cycles after a visit in which the same place waits."""
        return self.write_latency - self.fetch_latency

    @property
    def drain(self) -> int:
        """Most cycles after a visit was taken until all that it writes has been written."""
        return self.entry * (1 + self.wait) + (self.apparent_latency if self.has_write_noise else self.write_latency)

    def elaborate(self, platform):
        m = Module()
        lane = self.engines[0]
        place = self._enter(m)
        mask = self.mask & delay(m, self.visit, self.lanes_latency, reset=True).replicate(len(self.mask))

        m.d.comb += [
            self.ahead.eq(delay(m, place, self.fetch_latency - 1)), self.address.eq(delay(m, self.ahead, 1)),
            self.write_place.eq(delay(m, self.address, self.wait)),
            self.write_mask.eq(delay(m, mask, self.write_latency - self.lanes_latency, reset=True)),
            self.coincidences.eq(tree(m, "coincidences", mask)),
        ]
        if self.has_write_noise:
            late = lane.apparent_latency - lane.latency
            m.d.comb += [self.apparent_place.eq(delay(m, self.write_place, late)),
                         self.apparent_mask.eq(delay(m, self.write_mask, late, reset=True))]
        if self.parameters:
            step_place = delay(m, place, self.arrival - self.memory_latency - 1)
            self._parameters(m, step_place, delay(m, step_place, lane.bounds_time))

        up = delay(m, self.up, self.arrival - self.lanes_latency)
        for n, engine in enumerate(self.engines):
            m.submodules[f"engine_{n}"] = engine
            m.d.comb += [
                engine.w.eq(self.weights[n]),
                engine.up.eq(up[n]),
                engine.xi.eq(self.xi[n]),
                self.write_values[n].eq(engine.result),
            ]
            if self.parameters:
                w_max, w_min = (self.parameters[plane].values[n] for plane in _BOUNDS)
                m.d.comb += [engine.step.eq(self._of_direction(up[n], n, Plane.STEP_UP, Plane.STEP_DOWN)),
                             engine.w_max.eq(w_max), engine.w_min.eq(w_min)]
            if Plane.SLOPE_UP in self.parameters:
                m.d.comb += engine.slope.eq(self._of_direction(up[n], n, Plane.SLOPE_UP, Plane.SLOPE_DOWN))
            if self.has_write_noise:
                m.d.comb += [engine.write_xi.eq(self.write_xi[n]), self.apparent_values[n].eq(engine.apparent)]
        return m

    def _enter(self, m: Module) -> Signal:
        """The place of the visit at hand. It waits for another of the same place.

        What is offered is compared with all that are on their way, so that a register has the answer at its turn. No
        more than one of them is to the same place then, as each has waited for the one before.
        """
        is_waiting, visits = Signal(), [self.visit]
        place = Signal.like(self.place, name="taken", reset_less=True)
        places, hits = [place], Signal(self.wait)  # the lowest of a visit in the cycle before
        for _ in range(self.wait - 1):
            visits.append(delay(m, visits[-1], 1, reset=True))
            places.append(delay(m, places[-1], 1))
        m.d.comb += self.visit.eq(is_waiting & ~self.blocked)
        if self.entry == 1:
            offered, found = (self.valid, self.place), self._found(visits, places)
            m.d.comb += self.blocked.eq(is_waiting & hits.any())
        else:  # a register, as much must wait that is far away
            offered, found = self._compare(m, visits, places)
            m.d.sync += self.blocked.eq(Mux(self.blocked, ~hits[-1], offered[0] & found.any()))
        with m.If(self.blocked):
            m.d.sync += hits.eq(hits << 1)
        with m.Else():
            m.d.sync += [is_waiting.eq(offered[0]), place.eq(offered[1]), hits.eq(found)]
        return place

    def _compare(self, m: Module, visits: list, places: list) -> tuple:
        """What is next, and its hits, found while it came: also of the one at hand, which it follows."""
        is_next, place = Signal(), Signal.like(self.place, name="next_place", reset_less=True)
        hits = Signal(self.wait)  # the lowest of the one at hand
        with m.If(self.blocked):
            m.d.sync += hits.eq(Cat(hits[0], 0, hits[1:-1]))
        with m.Else():
            m.d.sync += [is_next.eq(self.valid), place.eq(self.place),
                         hits.eq(self._found([is_next, *visits[:-1]], [place, *places[:-1]]))]
        return (is_next, place), hits

    def _found(self, visits: list, places: list) -> Value:
        """Which of the visits is to the place that is offered."""
        return Cat(visit & (at == self.place) for visit, at in zip(visits, places, strict=True))

    def _parameters(self, m: Module, step_place, bounds_place):
        """Steps and slopes are fetched first, bounds when the steps are known."""
        # chosen ahead, as the memories are everywhere on the chip
        step_at, bounds_at = (Signal.like(self.side_fetch, name=name, reset_less=True) for name in ("step", "bounds"))
        m.d.sync += [at.eq(Mux(self.active, place, self.side_fetch))
                     for at, place in ((step_at, step_place), (bounds_at, bounds_place))]
        for plane, memory in self.parameters.items():
            m.submodules[plane.name.lower()] = memory
            m.d[plane_domain(self.config)] += memory.address.eq(bounds_at if plane in _BOUNDS else step_at)
            m.d.comb += [memory.write_address.eq(self.side_place),
                         memory.write_mask.eq(self.side_write[plane.name]),
                         *(value.eq(self.value) for value in memory.write_values)]

    def _of_direction(self, up, lane: int, up_plane: Plane, down_plane: Plane):
        return Mux(up, self.parameters[up_plane].values[lane], self.parameters[down_plane].values[lane])
