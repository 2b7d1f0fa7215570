# SPDX-License-Identifier: Apache-2.0
"""Phases of a sequence on an array: precharge, settle, guard, slots, hold, convert, recover."""
from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib.wiring import Component, In, Out

from golden.config import MAX_BL, TileConfig
from golden.protocol import Status
from golden.pulses import Encoding, Train
from rtl.analog_port import Bias, Mode
from rtl.countdown import Countdown
from rtl.drive import Drive
from rtl.formats import delay
from rtl.registers import setting
from rtl.states import States

TIMES = ("t_precharge", "t_settle", "t_slot", "t_guard", "t_hold", "t_convert", "t_recover")
"""Registers of times, in cycles."""
MEASURED = (Mode.FORWARD, Mode.BACKWARD, Mode.REFERENCE)
"""Modes that end with a conversion."""

_STATES = ("IDLE", "PRECHARGE", "SETTLE", "REST", "SLOT", "HOLD", "WAIT", "CONVERT", "RECOVER", "TIMEOUT")


def sequencer_members(config: TileConfig) -> dict:
    """Ports of a sequencer, but for the one to the array.

    `drive` from an engine; registers of times, `watchdog`, `encoding`, `train`, `half_select`, `seed` and `event`, and
    `abort` in; `chip_cycle`, `played` (slots of this sequence so far), `first_slot` and `noise_row` for an emulator,
    and for each conversion `converted` with `n_converted` and `n_saturated` out.
    """
    n = config.n_converters
    return {
        "drive": In(Drive(config)), **{name: In(8) for name in TIMES},
        "watchdog": In(32), "encoding": In(Encoding), "train": In(Train), "half_select": In(Bias),
        "seed": In(32), "event": In(32), "abort": In(1),
        "chip_cycle": Out(1), "played": Out(range(max(config.code.max, MAX_BL) + 1)),
        "first_slot": Out(range(MAX_BL + 1)), "noise_row": Out(6),
        "converted": Out(1), "n_converted": Out(range(n + 1)), "n_saturated": Out(range(n + 1)),
    }


class Phases(Component):
    """When what happens in a sequence, the same for a wire a line and for lines in beats.

    From `start`: PRECHARGE, with the window closed; SETTLE, with it open and the lines at rest; at its end
    (`set_polarities`) the polarities change, and the lines rest for `t_guard` before the first slot; each slot for
    `t_slot` (as many as the largest code, an update or programming `bl`); where something is measured, HOLD and the
    converters' trials; RECOVER. A bit-serial code with shift-and-add is a sequence of one slot for each bit, the most
    significant first.

    The lines rest between slots whose pulses are not `ready`, and what comes next waits for `busy`: `chip_cycle`
    strobes only in the cycles that a real array would take. `abort` ends a forward, backward or update before its next
    slot, if there is one to come behind the next cycle; with `resume` an update goes on behind what was played. More
    than `watchdog` cycles of `busy` end a sequence with TIMEOUT. Registers stand from the cycle before `start`. Beside
    the chip's cycles a window takes `own_cycles`, those for which pulses are not ready, and those of `busy`.

    Members: `start`, `wanted` (mode), `resume`, `bl`; registers; `abort`, `ready`, `busy`, `adc_done`, `adc_chip_cycle`
    in. `mode`, `integrate`, `slot`, `hold` as at the port, `is_on` while pulses are, `take_slot` strobes before each
    slot, `played` slots of this sequence so far, `first_slot` of them before a resumption; `bit` number of the slot's
    bit; `is_serial` (with `is_first`, the first bit) and `is_weighted` for bit-serial codes; `adc_stop`,
    `converted`; `done` and `status` out.
    """

    own_cycles = 6
    """Cycles of a window beside the chip's, those for which pulses are not ready, and those of `busy`."""

    ready_latency = 1
    """Cycles from `ready` until it is seen."""

    def __init__(self, config: TileConfig):
        self.config = config
        super().__init__({
            "start": In(1), "wanted": In(Mode), "resume": In(1), "bl": In(range(MAX_BL + 1)),
            **{name: In(8) for name in TIMES}, "watchdog": In(32), "encoding": In(Encoding),
            "abort": In(1), "ready": In(1), "busy": In(1), "adc_done": In(1), "adc_chip_cycle": In(1),
            "mode": Out(Mode), "integrate": Out(1), "slot": Out(1), "hold": Out(1), "is_on": Out(1),
            "set_polarities": Out(1), "take_slot": Out(1), "bit": Out(range(max(config.code.max, MAX_BL) + 1)),
            "is_update": Out(1), "is_serial": Out(1), "is_weighted": Out(1), "is_first": Out(1),
            "played": Out(range(max(config.code.max, MAX_BL) + 1)), "first_slot": Out(range(MAX_BL + 1)),
            "adc_stop": Out(1), "converted": Out(1), "chip_cycle": Out(1),
            "done": Out(1), "status": Out(Status),
        })

    def elaborate(self, platform):
        m = Module()

        mode, patience, is_late = self.mode, Signal(32), Signal()
        slot, bit, is_played = Signal.like(self.played), Signal(3), Signal()
        is_aborted, is_on, take_slot = Signal(), self.is_on, self.take_slot
        is_measured, is_input, is_done = Signal(), Signal(), Signal()
        has_input = (mode == Mode.FORWARD) | (mode == Mode.BACKWARD)
        m.d.comb += self.bit.eq(Mux(self.is_serial, bit, slot))
        is_ready, is_ended, will_be_played = Signal(), Signal(), Signal()
        # a cycle late, as trains are far away; the slot that is taken is ready no more
        m.d.sync += is_ready.eq(~self.is_update | (self.ready & ~take_slot))
        m.d.sync += [  # of what stands: mode and bit for a window, the registers for longer
            self.is_update.eq(mode == Mode.UPDATE), is_measured.eq(Value.cast(mode).matches(*MEASURED)),
            is_input.eq(has_input), is_played.eq(will_be_played),
            is_ended.eq(will_be_played | self.abort & (self.is_update | is_input)),
            self.is_serial.eq(has_input & (self.encoding == Encoding.SERIAL)),
            self.is_weighted.eq(has_input & (self.encoding == Encoding.SERIAL_ANALOG)),
            self.is_first.eq((bit == self.config.code_bits - 2) | (self.encoding != Encoding.SERIAL)),
            is_done.eq(is_aborted | ~self.is_serial | (bit == 0)),
        ]
        self._count_slots(m, slot, will_be_played)
        precharge, settle, guard, play, held, recover = (
            Countdown(m, setting(self.config, name, getattr(self, name)), least) for name, least in (
                ("t_precharge", 0), ("t_settle", 1), ("t_guard", 0), ("t_slot", 1), ("t_hold", 1), ("t_recover", 0)))
        m.d.sync += self.hold.eq(0)  # a register: converters and emulators are all over the chip

        # cycles of `busy` are counted one late; those that are left say with the last one whether it is too late
        is_counted, is_last, is_used_up = Signal(), Signal(), Signal()
        has_watchdog, is_short = delay(m, self.watchdog.any(), 1), delay(m, self.watchdog == 1, 1)
        m.d.comb += is_late.eq(is_used_up | is_last & is_counted)
        m.d.sync += is_counted.eq(0)
        # no emulator is busy for as long as a fixed watchdog waits
        if self.config.pins or "watchdog" not in self.config.fixed:
            with m.If(is_counted):
                m.d.sync += [patience.eq(patience - 1), is_last.eq(has_watchdog & (patience == 2)),
                             is_used_up.eq(is_used_up | is_last)]
        wait = is_counted.eq(1)

        states = States(m, _STATES)
        with states.state("IDLE"):  # no sequence
            m.d.sync += [slot.eq(0), patience.eq(self.watchdog), is_last.eq(is_short), is_used_up.eq(0),
                         is_aborted.eq(0), bit.eq(self.config.code_bits - 2)]
            with m.If(self.start):
                m.d.sync += [mode.eq(self.wanted), self.first_slot.eq(0), self.played.eq(0)]
                with m.If(self.resume & (self.wanted == Mode.UPDATE)):
                    m.d.sync += [slot.eq(self.played), self.first_slot.eq(self.played), self.played.eq(self.played)]
                states.go("PRECHARGE")
        with states.state("PRECHARGE"):  # the window is closed, and the array free
            m.d.comb += self.chip_cycle.eq(~precharge.is_over)
            m.d.sync += precharge.run
            with m.If(precharge.is_over):
                with m.If(~self.busy):
                    states.go("SETTLE")
                with m.Else():
                    m.d.sync += wait
                    with m.If(is_late):
                        states.go("TIMEOUT")
        with states.state("SETTLE"):  # the window is open, the lines at rest
            m.d.comb += [self.integrate.eq(1), self.chip_cycle.eq(1)]
            m.d.sync += settle.run
            with m.If(settle.is_over):
                m.d.comb += self.set_polarities.eq(1)
                states.go("REST")
        with states.state("REST"):  # guard time; then the lines rest until the next slot's pulses are ready
            m.d.comb += [self.integrate.eq(1), self.chip_cycle.eq(~guard.is_over)]
            m.d.sync += guard.run
            with m.If(guard.is_over):
                with m.If(is_ended):
                    m.d.sync += is_aborted.eq(~is_played)
                    states.go("HOLD")
                with m.Elif(is_ready):
                    m.d.comb += take_slot.eq(1)
                    states.go("SLOT")
        with states.state("SLOT"):  # the lines carry the pulses of a slot
            m.d.comb += [self.integrate.eq(1), self.chip_cycle.eq(1), self.slot.eq(play.is_over)]
            m.d.sync += play.run
            with m.If(play.is_over):
                with m.If(is_ended):
                    m.d.sync += [is_aborted.eq(~is_played), is_on.eq(0)]
                    states.go("HOLD")
                with m.Elif(is_ready):
                    m.d.comb += take_slot.eq(1)
                with m.Else():  # without another guard time
                    m.d.sync += [is_on.eq(0), guard.end]
                    states.go("REST")
        with states.state("HOLD"):  # the window is closed; only what is measured is held
            m.d.comb += self.chip_cycle.eq(is_measured & ~is_aborted)
            m.d.sync += held.run
            with m.If(~self.chip_cycle | held.is_over):
                states.go("WAIT")
        with states.state("WAIT"):  # an emulator may still compute
            with m.If(self.busy):
                m.d.sync += wait
                with m.If(is_late):
                    states.go("TIMEOUT")
            with m.Elif(is_measured & ~is_aborted):
                m.d.sync += self.hold.eq(1)
                states.go("CONVERT")
            with m.Else():
                states.go("RECOVER")
        with states.state("CONVERT"):  # the converters' trials, which begin with `hold`
            m.d.comb += self.chip_cycle.eq(self.adc_chip_cycle)
            is_waiting = self.busy & ~self.adc_chip_cycle
            with m.If(is_waiting):
                m.d.sync += wait
            with m.If(self.adc_done):
                m.d.comb += self.converted.eq(1)
                states.go("RECOVER")
            with m.Elif(is_waiting & is_late):
                m.d.comb += self.adc_stop.eq(1)
                states.go("TIMEOUT")
        with states.state("RECOVER"):  # then the next bit, or the end
            m.d.comb += self.chip_cycle.eq(~recover.is_over)
            m.d.sync += recover.run
            with m.If(recover.is_over):
                with m.If(~is_done):
                    m.d.sync += [bit.eq(bit - 1), slot.eq(0)]
                    states.go("PRECHARGE")
                with m.Else():
                    m.d.comb += [self.done.eq(1), self.status.eq(Mux(is_aborted, Status.ABORTED, Status.OK))]
                    m.d.sync += mode.eq(Mode.IDLE)
                    states.go("IDLE")
        with states.state("TIMEOUT"):  # the array was busy for too long
            m.d.comb += [self.done.eq(1), self.status.eq(Status.TIMEOUT)]
            m.d.sync += mode.eq(Mode.IDLE)
            states.go("IDLE")
        states.close()

        with m.If(delay(m, self.slot, 1, reset=True)):  # a cycle late: nobody asks before the end
            m.d.sync += self.played.eq(self.played + 1)
        with m.If(take_slot):
            m.d.sync += [slot.eq(slot + 1), is_on.eq(1), *play.restart]
        return m

    def attach(self, m: Module, sequencer) -> None:
        """Wire a sequencer's `drive`, `port`, registers, `trains` and `adc` to its `phases`, this component."""
        drive, port, adc = sequencer.drive, sequencer.port, sequencer.adc
        m.submodules.phases, m.submodules.adc = self, adc
        m.d.comb += [
            *(getattr(self, name).eq(getattr(sequencer, name)) for name in (*TIMES, "watchdog", "abort")),
            *(getattr(self, name).eq(getattr(drive, name)) for name in ("start", "resume", "bl")),
            self.wanted.eq(drive.mode),  # the encoding comes with `mode`, a cycle behind
            self.encoding.eq(delay(m, Mux(drive.raw, Encoding.WIDTH, sequencer.encoding), 1)),
            self.busy.eq(port.busy),
            *(getattr(sequencer, name).eq(getattr(self, name))
              for name in ("chip_cycle", "played", "first_slot", "converted")),
            sequencer.noise_row.eq(drive.attempt | Mux(self.is_serial, self.bit, 0) << 3),
            drive.done.eq(self.done), drive.status.eq(self.status), drive.abort.eq(self.abort),
            *(getattr(port, name).eq(getattr(self, name)) for name in ("mode", "integrate", "slot", "hold")),
            port.weighted.eq(self.is_weighted),
            self.adc_done.eq(adc.done), self.adc_chip_cycle.eq(adc.chip_cycle),
            adc.start.eq(self.hold), adc.stop.eq(self.adc_stop), adc.t_convert.eq(sequencer.t_convert),
        ]
        with m.If(drive.start):
            m.d.sync += drive.saturated.eq(0)
        with m.Elif(sequencer.converted & sequencer.n_saturated.any()):
            m.d.sync += drive.saturated.eq(1)
        if sequencer.trains:
            self._attach_trains(m, sequencer)

    def _attach_trains(self, m: Module, sequencer) -> None:
        drive, trains = sequencer.drive, sequencer.trains
        m.submodules.trains = trains
        m.d.comb += [
            self.ready.eq(trains.ready),
            trains.write.eq(drive.train_write), trains.chunk.eq(drive.train_chunk), trains.lane.eq(drive.train_lane),
            trains.value.eq(drive.train_value), trains.bl.eq(drive.bl),
            trains.kind.eq(Mux(drive.levels & (sequencer.train == Train.WORDS), Train.STOCHASTIC, sequencer.train)),
            trains.start.eq(drive.start & (drive.mode == Mode.UPDATE) & drive.bl.any()),
            trains.first_slot.eq(Mux(drive.resume, self.played, 0)),
            trains.advance.eq(self.take_slot & self.is_update),
            trains.stop.eq(delay(m, self.done, 1, reset=True)),
            trains.seed.eq(sequencer.seed), trains.event.eq(sequencer.event),
        ]

    def _count_slots(self, m: Module, slot: Signal, will_be_played: Signal):
        """Slots of a window, and whether all are played in the next cycle: known when it is first needed, which is
        three cycles behind `start`.
        """
        n_slots, last = Signal.like(slot), Signal.like(slot)
        m.d.sync += [n_slots.eq(0), last.eq(n_slots - 1)]
        m.d.comb += will_be_played.eq(Mux(self.take_slot, slot == last, slot == n_slots))
        with m.Switch(self.mode):
            with m.Case(Mode.FORWARD, Mode.BACKWARD):
                with m.Switch(self.encoding):
                    with m.Case(Encoding.WIDTH):
                        m.d.sync += n_slots.eq(self.config.code.max)
                    with m.Case(Encoding.SERIAL):
                        m.d.sync += n_slots.eq(1)
                    with m.Default():
                        m.d.sync += n_slots.eq(self.config.code_bits - 1)
            with m.Case(Mode.UPDATE, Mode.PROGRAM):
                m.d.sync += n_slots.eq(self.bl)
