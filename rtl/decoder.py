# SPDX-License-Identifier: Apache-2.0
"""What a command header means: tables made from `golden.protocol`."""
from collections.abc import Iterable

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib.wiring import Component, In, Out

from golden.config import ALL, MAX_LEVEL, MAX_READS_LOG2, VECTOR, TileConfig
from golden.programmer import LEVELS
from golden.protocol import Opcode, Status, gives_up, payload_length, served
from golden.pulses import WORD_SLOTS, Train
from golden.registers import FIRST_STATUS, register_map, runs
from rtl.formats import delay, within
from rtl.registers import RegisterBank

_VECTORS = (Opcode.FORWARD_VECTOR, Opcode.BACKWARD_VECTOR, Opcode.UPDATE_VECTOR)


class Decoder(Component):
    """Judges a header, which stands, within `latency` cycles, and each payload word `value_latency` cycles behind it.

        header -> which opcode, which plane, sums -> conditions -> fault and counts
        value -> within which ranges -> within that of this payload

    Members: `opcode`, `argument`, `index` of the header in; `fault` is BAD_OPCODE, BAD_ARGUMENT or OK, `n_payload`
    and `n_data` the words of its payload and response. `value` in, `is_good` out: whether it may be in that
    payload (`first` in: as its first word); for SET that is up to the register bank, which says `writable` and
    `accepts` as late as the decoder. `train` is the register of this name; `resumable` in, whether an operation was
    aborted; `gives_up` out, whether the command gives it up.
    """

    latency = 3
    value_latency = RegisterBank.write_latency

    def __init__(self, config: TileConfig):
        self.config, self.served = config, sorted(served(config))
        longest = config.rows + config.cols
        super().__init__({
            "opcode": In(8), "argument": In(8), "index": In(16), "value": In(signed(32)), "accepts": In(1),
            "writable": In(1), "train": In(Train), "resumable": In(1), "first": In(1), "gives_up": Out(1),
            "fault": Out(Status), "n_payload": Out(range(longest + 1)),
            "n_data": Out(range(max(longest, 255) + 1)), "is_good": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        config, argument, index = self.config, delay(m, self.argument, 1), delay(m, self.index, 1)
        self.is_opcode = {opcode: Signal(name=f"is_{opcode.name}") for opcode in self.served}
        self.is_plane = {plane: Signal(name=f"is_plane_{plane.name}") for plane in config.loadable}
        m.d.sync += [
            *(is_it.eq(self.opcode == opcode) for opcode, is_it in self.is_opcode.items()),
            *(is_it.eq(self.argument == plane) for plane, is_it in self.is_plane.items()),
        ]

        conditions = self._conditions(m, argument, index)
        has_argument = Signal()
        m.d.comb += has_argument.eq(Cat(is_it & conditions.get(opcode, 1)
                                        for opcode, is_it in self.is_opcode.items()).any())
        m.d.sync += self.fault.eq(Mux(has_argument, Status.OK, Mux(
            Cat(self.is_opcode.values()).any(), Status.BAD_ARGUMENT, Status.BAD_OPCODE)))
        self._count(m)
        self._judge(m)

        is_setting = delay(m, index < FIRST_STATUS, 1)
        m.d.sync += self.gives_up.eq(Cat(is_it & (is_setting if opcode == Opcode.SET else 1)
                                         for opcode, is_it in self.is_opcode.items() if gives_up(opcode, 0)).any())
        return m

    def _conditions(self, m: Module, argument, index) -> dict[Opcode, Value]:
        """What arguments and indices must be, by opcode; of those that are not here anything will do."""
        config, end = self.config, Signal(17, reset_less=True)
        m.d.sync += end.eq(self.index + self.argument)
        is_read = Cat(delay(m, (index >= run.start) & (end <= run.stop), 1)
                      for run in runs(register_map(config).values())).any()
        is_place = self._any(is_it & (index < config.loadable[plane].rows) for plane, is_it in self.is_plane.items())
        most, is_row = Mux(self.train == Train.WORDS, WORD_SLOTS, config.max_bl), index < config.rows
        has_reads, is_some = argument <= MAX_READS_LOG2, index.any()
        found = {
            Opcode.GET: argument.any(), Opcode.WRITE: is_place, Opcode.READ: is_place,
            Opcode.UPDATE: argument.any() & (argument <= most), Opcode.RESUME: self.resumable,
            Opcode.PROGRAM: is_some & (argument <= 1), Opcode.SYMMETRIZE: is_some, Opcode.SENSE: is_row & has_reads,
            Opcode.VERIFY: is_row, Opcode.CALIBRATE: (index < LEVELS) & has_reads,
        }
        late = {opcode: delay(m, value, 1) for opcode, value in found.items() if opcode in self.served}
        return late | {Opcode.GET: late[Opcode.GET] & is_read, Opcode.SET: self.writable}

    def _count(self, m: Module):
        """Words of payload and response."""
        config, opcodes = self.config, self.is_opcode
        words = self._any_of({shape.cols: [self.is_plane[plane] for plane, other in config.loadable.items()
                                           if other.cols == shape.cols] for shape in config.loadable.values()})
        words = delay(m, words, 1)
        n_payload, n_data = ({n: [is_it for opcode, is_it in opcodes.items() if count(opcode) == n] for n in
                              {count(opcode) for opcode in opcodes}} for count in (self._n_payload, self._n_data))
        counted = delay(m, self.argument, 2)
        m.d.sync += [
            self.n_payload.eq(self._any_of(n_payload) | Mux(opcodes[Opcode.WRITE], words, 0)),
            self.n_data.eq(self._any_of(n_data) | Mux(opcodes[Opcode.READ], words, 0)
                           | Mux(opcodes[Opcode.GET], counted, 0)),
        ]

    def _n_payload(self, opcode: Opcode) -> int:
        return 0 if opcode == Opcode.WRITE else payload_length(self.config, opcode, 0)

    def _n_data(self, opcode: Opcode) -> int:
        config = self.config
        match opcode:
            case Opcode.FORWARD | Opcode.FORWARD_VECTOR | Opcode.SENSE | Opcode.VERIFY:
                return config.cols
            case Opcode.BACKWARD | Opcode.BACKWARD_VECTOR:
                return config.rows
            case Opcode.UPDATE_VECTOR:
                return 1
            case Opcode.CALIBRATE:
                return config.n_converters
            case _:
                return 0

    def _judge(self, m: Module):
        """Payload words: each range that there is, then the one that this payload has."""
        config, opcodes = self.config, self.is_opcode
        ranges: dict[tuple[int, int], list[Value]] = {}

        def must_be(low: int, high: int, when):
            ranges.setdefault((low, high), []).append(when)

        for plane, shape in config.loadable.items():
            must_be(shape.format.min, shape.format.max, opcodes[Opcode.WRITE] & self.is_plane[plane])
        is_words, first = Signal(), delay(m, self.first, 1)
        m.d.sync += is_words.eq(self.train == Train.WORDS)
        for fmt, which in ((config.code, (Opcode.FORWARD, Opcode.BACKWARD)), (VECTOR, _VECTORS),
                           (config.adc.held, (Opcode.VERIFY,))):
            for opcode in which:
                must_be(fmt.min, fmt.max, opcodes.get(opcode, 0))
        must_be(-MAX_LEVEL, MAX_LEVEL, opcodes.get(Opcode.UPDATE, 0))
        for opcode in (Opcode.PROGRAM, Opcode.SYMMETRIZE):
            must_be(ALL, config.rows - 1, opcodes.get(opcode, 0) & first)
            must_be(ALL, config.cols - 1, opcodes.get(opcode, 0) & ~first)
        good = []
        for (low, high), when in ranges.items():
            is_within = Signal(name=f"is_in_{low}_{high}".replace("-", "m"))
            m.d.sync += is_within.eq(within(self.value, low, high))
            good.append(is_within & Cat(*when).any())
        is_good = Signal()
        m.d.sync += is_good.eq(Cat(*good).any() | opcodes.get(Opcode.UPDATE, 0) & is_words)
        m.d.comb += self.is_good.eq(Mux(opcodes[Opcode.SET], self.accepts, is_good))

    @staticmethod
    def _any(bits: Iterable[Value]) -> Value:
        return Cat(*bits).any()

    @staticmethod
    def _any_of(numbers: dict[int, list[Value]]) -> Value:
        """The number whose bits have one set; 0 where none has."""
        total = Value.cast(0)
        for number, bits in numbers.items():
            total |= Mux(Cat(*bits).any(), number, 0)
        return total
