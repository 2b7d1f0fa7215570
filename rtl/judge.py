# SPDX-License-Identifier: Apache-2.0
"""What write-verify decides about a column; mirrors golden/programmer.py."""
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from golden.config import MAX_READS_LOG2, TileConfig
from golden.programmer import ERROR, Outcome, window_slots
from golden.registers import register_map
from rtl.drive import ENGINE_LATENCY
from rtl.formats import delay, saturate, shape_of
from rtl.wide_product import LATENCY as PRODUCT_LATENCY
from rtl.wide_product import wide_product


class Judge(Component):
    """Judges a column `latency` cycles behind its line, when all that it is judged by has stood since.

        target, sum -> difference -> size, error -> product with the gain -> pulses
                                       +-> against tolerance and progress -> outcome

    Members: `line`, and ENGINE_LATENCY cycles later its `sum` and `target`; `is_first` and `is_final` read of the row,
    the settings in; `code` and `slots` of its pulses, 0 where it wants none, `result` out. `write` keeps its state.
    """

    latency = ENGINE_LATENCY + 4 + PRODUCT_LATENCY + 2

    def __init__(self, config: TileConfig):
        self.config = config
        registers = register_map(config)
        self.size_bits = config.adc.held.bits + MAX_READS_LOG2
        super().__init__({
            "line": In(range(config.cols)), "sum": In(signed(config.adc.bits + MAX_READS_LOG2)),
            "target": In(shape_of(config.adc.held)), "reads_log2": In(4), "is_first": In(1), "is_final": In(1),
            **{name: In(registers[f"verify_{name}"].bits) for name in ("tolerance", "pulses", "gain", "patience")},
            "write": In(1), "code": Out(shape_of(config.code)), "slots": Out(range(window_slots(config) + 1)),
            "result": Out(32),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        state = data.StructLayout({
            "is_open": 1, "is_up": 1, "outcome": 2, "passes": 8, "streak": 8, "start": self.size_bits,
            "error": shape_of(ERROR)})
        m.submodules.states = states = Memory(shape=state, depth=config.cols, init=[])
        write, read = states.write_port(), states.read_port()
        m.d.comb += [read.addr.eq(self.line), write.addr.eq(self.line), write.en.eq(self.write)]
        old, new = Signal(state, reset_less=True), write.data
        m.d.sync += old.eq(read.data)
        m.d.comb += self.result.eq(Cat(old.outcome, Const(0, 6), old.passes, old.error))

        def then(value) -> Value:
            return delay(m, value, 1)

        # the error, times the number of reads
        difference = Signal(signed(self.size_bits + 1), reset_less=True)
        m.d.sync += difference.eq(then(self.target << self.reads_log2) - (self.sum << config.adc.held.frac))
        error = then(saturate(then(difference >> self.reads_log2), ERROR))
        is_up, size = Signal(), Signal(self.size_bits, reset_less=True)
        tolerance = then(self.tolerance << self.reads_log2)
        m.d.sync += [is_up.eq(difference > 0), size.eq(Mux(difference > 0, difference, -difference))]

        # pulses for it
        of_a_read = then((size >> self.reads_log2)[:config.adc.held.bits])
        wanted = wide_product(m, "product", of_a_read, self.gain) >> 16
        most = then(Mux(self.pulses > window_slots(config), window_slots(config), self.pulses))
        pulses, is_most, is_none = Signal.like(self.slots), then(wanted > most), then(~wanted.any())
        m.d.sync += pulses.eq(Mux(is_most, most, Mux(is_none, 1, wanted)))

        is_open, goes_on, is_stuck, stays_open = Signal(), Signal(), Signal(), Signal()
        m.d.sync += [
            is_open.eq((self.is_first | old.is_open) & then(size > tolerance)),
            goes_on.eq(~self.is_first & (old.is_up == is_up) & then(then(size + tolerance) >= old.start)),
        ]
        m.d.comb += [
            is_stuck.eq(is_open & goes_on & then(old.streak == self.patience)),
            stays_open.eq(is_open & ~is_stuck),
            new.is_open.eq(stays_open), new.is_up.eq(is_up),
            new.start.eq(Mux(goes_on, old.start, size)), new.streak.eq(Mux(goes_on, old.streak + 1, 1)),
            new.passes.eq(Mux(self.is_first, 0, old.passes) + (stays_open & ~self.is_final)),
            new.error.eq(Mux(self.is_first | old.is_open, error, old.error)),
            new.outcome.eq(Mux(is_stuck, Outcome.STUCK, Mux(stays_open, Outcome.LIMIT, Mux(
                self.is_first | (old.outcome == Outcome.LIMIT), Outcome.CONVERGED, old.outcome)))),
        ]
        with m.If(stays_open):
            m.d.comb += [self.slots.eq(pulses), self.code.eq(Mux(is_up, -pulses, pulses))]
        return m
