# SPDX-License-Identifier: Apache-2.0
"""What a command header means: tables made from `golden.protocol`."""
from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from golden.config import ALL, MAX_BL, MAX_LEVEL, MAX_READS_LOG2, VECTOR, TileConfig
from golden.programmer import LEVELS
from golden.protocol import Opcode, Status, gives_up, served
from golden.pulses import WORD_SLOTS, Train
from golden.registers import FIRST_STATUS, register_map, runs


class Decoder(Component):
    """Judges a header and the payload words behind it, combinationally.

    Members: `opcode`, `argument`, `index` of the header in; `fault` is BAD_OPCODE, BAD_ARGUMENT or OK, `n_payload`
    and `n_data` the words of its payload and response. `value` in, `is_good` out: whether it may be in that
    payload (`first` in: as its first word); for SET that is up to the register bank, which says `accepts`. `train` is
    the register of this name; `resumable` in, whether an operation was aborted; `gives_up` out, whether the command
    gives it up.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        longest = config.rows + config.cols
        super().__init__({
            "opcode": In(8), "argument": In(8), "index": In(16), "value": In(signed(32)), "accepts": In(1),
            "writable": In(1), "train": In(Train), "resumable": In(1), "first": In(1), "gives_up": Out(1),
            "fault": Out(Status), "n_payload": Out(range(longest + 1)),
            "n_data": Out(range(max(longest, 255) + 1)), "is_good": Out(1),
        })

    def elaborate(self, platform):
        m = Module()

        has_argument = Signal()
        m.d.comb += self.fault.eq(Status.BAD_OPCODE)
        with m.Switch(self.opcode):
            for opcode in sorted(served(self.config)):
                with m.Case(opcode):
                    m.d.comb += [self.fault.eq(Status.BAD_ARGUMENT), self.gives_up.eq(gives_up(opcode, 0))]
                    with m.If(has_argument):
                        m.d.comb += self.fault.eq(Status.OK)
                    self._command(m, opcode, has_argument)
        return m

    def _command(self, m: Module, opcode: Opcode, has_argument: Signal):
        config = self.config
        match opcode:
            case Opcode.GET:
                end = self.index + self.argument
                is_in_range = [(self.index >= run.start) & (end <= run.stop)
                               for run in runs(register_map(config).values())]
                m.d.comb += [has_argument.eq((self.argument > 0) & Cat(is_in_range).any()),
                             self.n_data.eq(self.argument)]
            case Opcode.SET:
                m.d.comb += [has_argument.eq(self.writable), self.is_good.eq(self.accepts), self.n_payload.eq(1),
                             self.gives_up.eq(self.index < FIRST_STATUS)]
            case Opcode.WRITE | Opcode.READ:
                with m.Switch(self.argument):
                    for plane, shape in config.loadable.items():
                        with m.Case(plane):
                            words = self.n_payload if opcode == Opcode.WRITE else self.n_data
                            m.d.comb += [has_argument.eq(self.index < shape.rows), words.eq(shape.cols),
                                         self.is_good.eq(self._within(shape.format.min, shape.format.max))]
            case Opcode.FORWARD | Opcode.BACKWARD | Opcode.FORWARD_VECTOR | Opcode.BACKWARD_VECTOR:
                is_forward, is_code = opcode.name.startswith("FORWARD"), opcode in (Opcode.FORWARD, Opcode.BACKWARD)
                sides = (config.rows, config.cols) if is_forward else (config.cols, config.rows)
                fmt = config.code if is_code else VECTOR
                m.d.comb += [has_argument.eq(1), self.n_payload.eq(sides[0]), self.n_data.eq(sides[1]),
                             self.is_good.eq(self._within(fmt.min, fmt.max))]
            case Opcode.UPDATE_VECTOR:
                m.d.comb += [has_argument.eq(1), self.n_payload.eq(config.rows + config.cols), self.n_data.eq(1),
                             self.is_good.eq(self._within(VECTOR.min, VECTOR.max))]
            case Opcode.UPDATE:
                is_words = self.train == Train.WORDS
                most = Mux(is_words, WORD_SLOTS, MAX_BL)
                m.d.comb += [has_argument.eq((self.argument > 0) & (self.argument <= most)),
                             self.n_payload.eq(config.rows + config.cols),
                             self.is_good.eq(is_words | self._within(-MAX_LEVEL, MAX_LEVEL))]
            case Opcode.PROGRAM | Opcode.SYMMETRIZE:
                largest = Mux(self.first, config.rows, config.cols) - 1
                good = (self.value >= ALL) & (self.value <= largest)
                m.d.comb += [has_argument.eq((self.index > 0) & ((self.argument <= 1) | (opcode == Opcode.SYMMETRIZE))),
                             self.n_payload.eq(2), self.is_good.eq(good)]
            case Opcode.SENSE:
                m.d.comb += [has_argument.eq((self.index < config.rows) & (self.argument <= MAX_READS_LOG2)),
                             self.n_data.eq(config.cols)]
            case Opcode.VERIFY:
                held = config.adc.held
                m.d.comb += [has_argument.eq(self.index < config.rows), self.n_payload.eq(config.cols),
                             self.n_data.eq(config.cols), self.is_good.eq(self._within(held.min, held.max))]
            case Opcode.CALIBRATE:
                m.d.comb += [has_argument.eq((self.index < LEVELS) & (self.argument <= MAX_READS_LOG2)),
                             self.n_data.eq(config.n_converters)]
            case Opcode.RESUME:
                m.d.comb += has_argument.eq(self.resumable)
            case Opcode.RESET | Opcode.ABORT:
                m.d.comb += has_argument.eq(1)

    def _within(self, low: int, high: int):
        return (self.value >= low) & (self.value <= high)
