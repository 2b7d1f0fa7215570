# SPDX-License-Identifier: Apache-2.0
"""The tile: devices, converters, registers and counters behind one set of operations, in integers."""
import numpy as np

from golden import accelerate, crossbar, management, validate
from golden.config import Plane, TileConfig
from golden.correction import correct
from golden.ledger import Counts, Ledger
from golden.noise import Stream
from golden.programmer import Programmer
from golden.protocol import Opcode
from golden.pulses import Encoding, Train, encoded_pulses, encoded_slots, negative, train
from golden.register_file import register_file
from golden.registers import Access, Interrupt, register_map

WORD = 1 << 32


class Tile(Programmer):
    """Golden model of one tile: `rtl/tile.py` gives the same outputs, weights and counters.

    Every operation takes a batch and does its vectors in order, one event each; a batch equals the same vectors
    one at a time. A new tile has all planes zero, as the hardware after configuration, so that nothing moves
    before they are loaded. Errors: TypeError or ValueError with nothing changed.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        self.registers = register_file(register_map(config), self)
        self.planes = {plane: np.zeros((shape.rows, shape.cols), dtype=np.int64)
                       for plane, shape in config.planes.items()}
        self.reset()

    def reset(self) -> None:
        """Registers to their reset values, counters to zero; the planes stay."""
        self._values = {name: register.reset for name, register in self.registers.items()
                        if register.stored or name in self.config.fixed}
        self._interrupts = Interrupt(0)
        self.ledger = Ledger()
        self.aborted_slots = 0

    def get(self, name: str) -> int:
        """The value of a register."""
        register = validate.register(self.registers, name)
        if register.stored:
            return self._values[name]
        if name == "irq_status":
            return int(self._interrupts)
        if name == "aborted_slots":
            return self.aborted_slots
        counted = self.ledger.register(name)
        return register.reset if counted is None else counted

    def set(self, name: str, value: int) -> None:
        """Write a register."""
        value = validate.register_value(self.registers, name, value)
        match self.registers[name].access:
            case Access.WRITE:
                self._values[name] = value
            case Access.CLEAR:
                self._interrupts &= ~Interrupt(value)

    def counters(self) -> dict[str, int]:
        """All counters by name. Emulation cycles are the hardware's alone: 0 here."""
        return Counts((name, self.ledger.total[name]) for name in self.config.counters)

    def last_counters(self) -> dict[str, int]:
        """The counters of the last operation alone."""
        names = self.config.counters if self.config.operation_counters else ()
        return Counts((name, self.ledger.last[name]) for name in names)

    def interrupt(self, interrupts: Interrupt) -> None:
        """Make interrupts pending."""
        self._interrupts |= interrupts

    @property
    def irq(self) -> bool:
        """The interrupt line: whether a pending interrupt is enabled."""
        return bool(self._interrupts & Interrupt(self._values["irq_enable"]))

    def write(self, plane: Plane, row: int, values) -> None:
        """Load one row of a plane."""
        self.planes[plane][row] = validate.plane_values(self.config, plane, row, values)

    def read(self, plane: Plane, row: int) -> np.ndarray:
        """One row of a plane, int64."""
        validate.plane_row(self.config, plane, row)
        return self.planes[plane][row].copy()

    def write_plane(self, plane: Plane, values) -> None:
        """Load all rows of a plane."""
        self.planes[plane][:] = validate.plane(self.config, plane, values)

    def read_plane(self, plane: Plane) -> np.ndarray:
        """All rows of a plane, int64."""
        validate.plane_row(self.config, plane, 0)
        return self.planes[plane].copy()

    def forward(self, codes) -> np.ndarray:
        """Outputs (B, C), ADC codes or their sums over the bits, of input codes (B, R)."""
        codes = validate.codes(self.config, codes, self.config.rows)
        outputs, costs = self._multiply(codes, self._take(len(codes)))
        self._count(len(codes), forwards=1, **costs)
        return outputs

    def backward(self, codes) -> np.ndarray:
        """Outputs (B, R) of error codes (B, C)."""
        codes = validate.codes(self.config, codes, self.config.cols)
        outputs, costs = self._multiply(codes, self._take(len(codes)), is_backward=True)
        self._count(len(codes), backwards=1, **costs)
        return outputs

    def update(self, row_levels, col_levels, bl) -> None:
        """Rank-1 updates by trains: levels (B, R) and (B, C) in +-65536, slots `bl` (B,) in 1..63.

        The register `train` says how trains are made; with `Train.WORDS` the values are signed 32-bit words.
        """
        kind = self._train
        rows, cols, bl = validate.update(self.config, row_levels, col_levels, bl, kind)
        self._count(len(bl), updates=1, **self._play(rows, cols, bl, kind, self._take(len(bl))))

    def forward_vector(self, vectors) -> np.ndarray:
        """VECTOR values (B, C) of VECTOR vectors (B, R), by noise and bound management."""
        validate.command(self.config, Opcode.FORWARD_VECTOR)
        vectors = validate.vectors(vectors, self.config.rows)
        outputs, costs = self._managed(vectors, self._values["bm_passes"])
        self._count(len(vectors), forwards=1, **costs)
        return outputs

    def backward_vector(self, vectors) -> np.ndarray:
        """VECTOR values (B, R) of VECTOR vectors (B, C), by noise management; by bound management if it is on."""
        validate.command(self.config, Opcode.BACKWARD_VECTOR)
        vectors = validate.vectors(vectors, self.config.cols)
        passes = self._values["bm_passes"] if self._values["bm_backward"] else 1
        outputs, costs = self._managed(vectors, passes, is_backward=True)
        self._count(len(vectors), backwards=1, **costs)
        return outputs

    def update_vector(self, x, d) -> np.ndarray:
        """Slots (B,) that rank-1 updates by VECTOR vectors x (B, R) and d (B, C) took, by update management.

        An update of 0 slots, with nothing to do, takes its event and is counted like any other. Levels are no words:
        where the register `train` says so, trains are stochastic.
        """
        rows, cols, bl, kind = self._managed_levels(x, d)
        costs = self._play(rows, cols, bl, kind, self._take(len(bl)))
        costs["chip_cycles"] = np.where(bl > 0, costs["chip_cycles"], 0)
        self._count(len(bl), updates=1, **costs)
        return bl

    def abort_forward(self, codes, slots: int) -> None:
        """A forward of codes (R,) that is aborted when `slots` slots have been played: it takes no event."""
        self._break_off(self._broken(validate.codes(self.config, codes, self.config.rows), slots))

    def abort_backward(self, codes, slots: int) -> None:
        """A backward of codes (C,) that is aborted when `slots` slots have been played: it takes no event."""
        self._break_off(self._broken(validate.codes(self.config, codes, self.config.cols), slots, is_backward=True))

    def abort_update(self, row_levels, col_levels, bl: int, slots: int, first_slot: int = 0) -> None:
        """An update that is aborted behind slot `slots` - 1, or resumed at `first_slot` and aborted again: these slots
        are applied, and the event is not taken.
        """
        kind = self._train
        rows, cols, most = validate.update(self.config, row_levels, col_levels, bl, kind)
        _check_slots(slots, first_slot, int(most[0]))
        self.ledger.add(1, **self._play(rows, cols, most, kind, self._events(1), first_slot, slots))

    def resume_update(self, row_levels, col_levels, bl: int, first_slot: int) -> None:
        """The rest of an update, from `first_slot` on: with what was applied, all bits of the whole one."""
        kind = self._train
        rows, cols, most = validate.update(self.config, row_levels, col_levels, bl, kind)
        _check_slots(first_slot, 0, int(most[0]))
        self._count(1, updates=1, **self._play(rows, cols, most, kind, self._take(1), first_slot))

    def abort_forward_vector(self, vectors, slots: int, attempt: int = 0) -> None:
        """A managed forward of a vector (R,) whose pass `attempt` is aborted as `abort_forward`."""
        self._abort_managed(validate.vectors(vectors, self.config.rows), slots, attempt)

    def abort_backward_vector(self, vectors, slots: int, attempt: int = 0) -> None:
        """A managed backward of a vector (C,) whose pass `attempt` is aborted as `abort_backward`."""
        self._abort_managed(validate.vectors(vectors, self.config.cols), slots, attempt, is_backward=True)

    def abort_update_vector(self, x, d, slots: int, first_slot: int = 0) -> None:
        """A managed update by vectors (R,) and (C,) that is aborted as `abort_update`."""
        rows, cols, bl, kind = self._managed_levels(x, d)
        _check_slots(slots, first_slot, int(bl[0]))
        self.ledger.add(1, **self._play(rows, cols, bl, kind, self._events(1), first_slot, slots))

    def resume_update_vector(self, x, d, first_slot: int) -> np.ndarray:
        """The rest of a managed update, from `first_slot` on; the slots (1,) of the whole one."""
        rows, cols, bl, kind = self._managed_levels(x, d)
        _check_slots(first_slot, 0, int(bl[0]))
        self._count(1, updates=1, **self._play(rows, cols, bl, kind, self._take(1), first_slot))
        return bl

    def _managed_levels(self, x, d) -> tuple[np.ndarray, np.ndarray, np.ndarray, Train]:
        """Levels and slots of managed updates, and what trains are made of them."""
        validate.command(self.config, Opcode.UPDATE_VECTOR)
        x, d = validate.vector_pairs(self.config, x, d)
        rows, cols, bl = management.update_levels(x, d, *(self._values[n] for n in ("ratio", "um", "bl")))
        return rows, cols, bl, Train.STOCHASTIC if self._train is Train.WORDS else self._train

    @property
    def _train(self) -> Train:
        return Train(self._values.get("train", Train.STOCHASTIC))

    @property
    def _encoding(self) -> Encoding:
        return Encoding(self._values["encoding"])

    def _events(self, batch: int) -> np.ndarray:
        """The events (B,) that a batch of operations would take."""
        return (self._values["event"] + np.arange(batch)) % WORD

    def _take(self, batch: int) -> np.ndarray:
        """The events (B,) of a batch of operations."""
        events = self._events(batch)
        self._values["event"] = (self._values["event"] + batch) % WORD
        return events

    def _play(self, row_levels, col_levels, bl, kind: Train, events, first: int = 0, end: int | None = None) -> dict:
        """Trains of levels (B, R) and (B, C) in slots (B,), and what they do to the devices; the cost by counter.

        Only slots `first` to `end` - 1 are played, where these are given.
        """
        config, seed = self.config, self._values["seed"]
        apply = accelerate.update or crossbar.update
        counts = np.zeros((3, len(bl)), dtype=np.int64)
        for n, (event, slots) in enumerate(zip(events.tolist(), bl.tolist(), strict=True)):
            x, d = row_levels[n], col_levels[n]
            row_pulses = train(config, seed, Stream.ROW_TRAIN, event, x, slots, kind)
            col_pulses = train(config, seed, Stream.COLUMN_TRAIN, event, d, slots, kind)
            for pulses in (row_pulses, col_pulses):
                pulses[:, :first] = False
                pulses[:, slots if end is None else end:] = False
            coincidences = apply(config, self.planes, seed, event, row_pulses, col_pulses,
                                 negative(x, kind), negative(d, kind))
            counts[:, n] = row_pulses.sum(), col_pulses.sum(), coincidences
        slots = (bl if end is None else end) - first
        return {"slots": slots, "row_pulses": counts[0], "col_pulses": counts[1], "coincidences": counts[2],
                "update_row_pulses": counts[0], "update_col_pulses": counts[1], "chip_cycles": self._window(slots)}

    def _managed(self, vectors, passes: int, is_backward: bool = False) -> tuple[np.ndarray, dict]:
        """Values of vectors, and what they cost: with saturated codes measured again, under twice the scale."""
        config, events = self.config, self._take(len(vectors))
        scale = management.scales(vectors, self._values["nm"])
        outputs, costs = self._multiply(management.encode(config, vectors, scale), events, is_backward)
        costs = {name: np.zeros(len(vectors), dtype=np.int64) + cost for name, cost in costs.items()}
        costs["retries"] = np.zeros(len(vectors), dtype=np.int64)
        again = np.nonzero(costs["saturations"])[0]
        for attempt in range(1, passes):
            if not len(again):
                break
            scale[again] *= 2
            codes = management.encode(config, vectors[again], scale[again])
            outputs[again], more = self._multiply(codes, events[again], is_backward, attempt)
            for name, cost in (more | {"retries": 1}).items():
                costs[name][again] += cost
            again = again[more["saturations"] > 0]
        return management.decode(config, outputs, scale), costs

    def _multiply(self, codes, events, is_backward: bool = False, attempt: int = 0,
                  n_bits: int | None = None) -> tuple[np.ndarray, dict]:
        """Window, sample and convert a batch of codes in their events. Outputs, and what they cost by counter.

        Bit-serial codes are measured bit by bit, the most significant `n_bits` of them.
        """
        config, encoding = self.config, self._encoding
        weights = self.planes[Plane.WEIGHT].T if is_backward else self.planes[Plane.WEIGHT]
        width, slots, passes = config.code_bits - 1, encoded_slots(config, encoding), 1
        if encoding is Encoding.SERIAL:
            slots = passes = width if n_bits is None else n_bits
            outputs = np.zeros((len(codes), weights.shape[1]), dtype=np.int64)
            saturations = np.zeros(len(codes), dtype=np.int64)
            for bit in range(width - 1, width - 1 - passes, -1):
                charge = crossbar.charges(np.sign(codes) * (np.abs(codes) >> bit & 1), weights, config)
                found, saturated = self._convert(charge, events, attempt | bit << 3)
                outputs, saturations = 2 * outputs + found, saturations + saturated
        else:
            outputs, saturations = self._convert(crossbar.charges(codes, weights, config), events, attempt)
        offsets = config.code.max if encoding is Encoding.SERIAL else 1
        return self._correct(outputs, offsets), {
                         "slots": slots, "conversions": passes * weights.shape[1], "saturations": saturations,
                         "col_pulses" if is_backward else "row_pulses":
                             encoded_pulses(config, codes, encoding, slots).sum(axis=1),
                         "chip_cycles": passes * self._window(slots // passes, is_measured=True) if passes else 0}

    def _convert(self, charge, events, attempt: int) -> tuple[np.ndarray, np.ndarray]:
        """ADC codes of charges (B, n), and how many of each vector are at a rail."""
        config, n = self.config, charge.shape[1]
        noise = config.converter.noise(self._values["seed"], events, n, config.rounds, attempt)
        gain, offset = self.planes[Plane.ADC_GAIN][0, :n], self.planes[Plane.ADC_OFFSET][0, :n]
        held = config.converter.sample(charge, gain, offset, noise)
        comparator, dac = (self.planes[plane][:, :n] if plane in self.planes else 0
                           for plane in (Plane.COMPARATOR, Plane.ADC_DAC))
        draws = config.converter.draws(self._values["seed"], events, n, config.rounds, attempt)
        codes = config.converter.convert(held, comparator, dac, draws)
        return codes, (np.abs(codes) == config.adc.code.max).sum(axis=1)

    def _abort_managed(self, vectors, slots: int, attempt: int, is_backward: bool = False) -> None:
        """What a managed multiplication of vectors (1, n) costs that ends behind so many slots of pass `attempt`."""
        scale, costs = management.scales(vectors, self._values["nm"]), {"retries": attempt}
        for n in range(attempt + 1):
            codes = management.encode(self.config, vectors, scale << n)
            more = self._broken(codes, slots, is_backward, n) if n == attempt else \
                self._multiply(codes, self._events(1), is_backward, n)[1]
            costs = {name: costs.get(name, 0) + more.get(name, 0) for name in costs | more}
        self._break_off(costs)

    def _broken(self, codes, slots: int, is_backward: bool = False, attempt: int = 0) -> dict:
        """What a multiplication of codes (1, n) costs that ends behind so many slots, before the next one."""
        config, encoding = self.config, self._encoding
        _check_slots(slots, 0, encoded_slots(config, encoding))
        if encoding is Encoding.SERIAL:  # the bits before were measured
            _, costs = self._multiply(codes, self._events(1), is_backward, attempt, n_bits=slots)
            return costs | {"chip_cycles": costs["chip_cycles"] + self._window(0)}
        return {"slots": slots, "chip_cycles": self._window(slots),
                "col_pulses" if is_backward else "row_pulses":
                    encoded_pulses(config, codes, encoding, slots).sum(axis=1)}

    def _break_off(self, costs: dict) -> None:
        """Enter what an aborted operation has cost."""
        if np.any(costs.get("saturations", 0)):
            self.interrupt(Interrupt.SATURATION)
        self.ledger.add(1, **costs)

    def _window(self, slots, is_measured: bool = False):
        """Chip time of a window of so many slots, and of the conversion behind it."""
        values = self._values
        time = (values["t_precharge"] + values["t_settle"] + values["t_guard"] + slots * values["t_slot"]
                + values["t_recover"])
        return time + values["t_hold"] + self.config.adc.cycles(values["t_convert"]) if is_measured else time

    def _correct(self, outputs, offsets: int):
        """Outputs (B, n) with so many offsets in each, corrected where the register `correct` says so."""
        if not self._values.get("correct"):
            return outputs
        offset, gain = (self.planes[plane][0, :outputs.shape[1]]
                        for plane in (Plane.CORRECTION_OFFSET, Plane.CORRECTION_GAIN))
        return correct(outputs, offset, gain, offsets, self.config.output)

    def _count(self, batch: int, saturations=0, is_over: bool = True, **amounts) -> None:
        """Enter a batch of operations into the ledger and raise their interrupts; aborted ones are not over."""
        self.ledger.add(batch, saturations=saturations, **amounts)
        if batch and is_over:
            self.interrupt(Interrupt.DONE)
        if np.any(saturations):
            self.interrupt(Interrupt.SATURATION)


def _check_slots(slots: int, first: int, total: int) -> None:
    if not first <= slots < total:
        raise ValueError(f"Slots played must be in {first}..{total - 1}, not {slots}")
