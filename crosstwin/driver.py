# SPDX-License-Identifier: Apache-2.0
"""The driver of a tile behind a link: the methods of `golden.tile.Tile`, spoken in packets."""
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from golden import protocol, validate
from golden.config import Plane, TileConfig
from golden.ledger import Counts
from golden.programmer import LEVELS, MAX_PULSES
from golden.protocol import Opcode
from golden.pulses import Train
from golden.register_file import register_file
from golden.registers import register_map, runs

IDENTITY = ("contract", "rows", "cols", "lanes", "formats", "converter")
"""Registers by which a tile says what it is; they are neighbors. Behind them `left_out` and `fixed`, if `converter`
says so."""
_WORDS_AT_ONCE = 1 << 20


class Link(Protocol):
    """What carries stream words to a tile and back: a model, a simulation or a board."""

    def exchange(self, words: np.ndarray, n_packets: int) -> np.ndarray:
        """Send command words (uint64, framing bits included) and return the words of `n_packets` responses."""
        ...

    def close(self) -> None:
        """Release the link."""
        ...


class LinkError(RuntimeError):
    """What is at the far end of a link is not the tile that was asked for."""


class LinkedTile:
    """A tile at the far end of a link, with the methods, shapes and errors of `golden.tile.Tile`.

    A batch goes out as one exchange, so that a simulation runs it without waking Python. Values are checked
    with golden's own checks before anything is sent. Opening reads the identity registers: LinkError names
    the first that differs from `config`. ProtocolError if the tile answers with an error.
    """

    def __init__(self, config: TileConfig, link: Link):
        self.config = config
        self.link = link
        self.registers = register_file(register_map(config), self)
        self._identify(IDENTITY)
        for name in ("left_out", "fixed"):
            if name in self.registers:
                self._identify([name])
        self._train = Train(self.get("train")) if "train" in self.registers else Train.STOCHASTIC

    def _identify(self, names: Sequence[str]) -> None:
        """Check what the tile says of itself."""
        for name, value in zip(names, self._get(names[0], len(names)), strict=True):
            if value != self.registers[name].reset:
                raise LinkError(f"Register {name} of the linked tile must be {self.registers[name].reset:#x} "
                                f"for this configuration, not {value:#x}")

    def close(self) -> None:
        """Release the link."""
        self.link.close()

    def reset(self) -> None:
        """Registers to their reset values, counters to zero; the planes stay."""
        self._command(Opcode.RESET)
        self._train = Train.STOCHASTIC

    def get(self, name: str) -> int:
        """The value of a register."""
        validate.register(self.registers, name)
        return self._get(name, 1)[0]

    def set(self, name: str, value: int) -> None:
        """Write a register."""
        value = validate.register_value(self.registers, name, value)
        self._command(Opcode.SET, indices=self.registers[name].index, payloads=[[value]])
        if name == "train":
            self._train = Train(value)

    def counters(self) -> dict[str, int]:
        """All counters by name, read in one packet where they are neighbors."""
        found = self._find(f"{name}_{half}" for name in self.config.counters for half in ("low", "high"))
        return Counts((name, found[f"{name}_low"] | found[f"{name}_high"] << 32) for name in self.config.counters)

    def last_counters(self) -> dict[str, int]:
        """The counters of the last operation alone, read in one packet."""
        found = self._find(f"operation_{name}" for name in self.config.counters if self.config.operation_counters)
        return Counts((name.removeprefix("operation_"), value) for name, value in found.items())

    def write(self, plane: Plane, row: int, values) -> None:
        """Load one row of a plane."""
        values = validate.plane_values(self.config, plane, row, values)
        self._command(Opcode.WRITE, [plane], row, values[None])

    def read(self, plane: Plane, row: int) -> np.ndarray:
        """One row of a plane, int64."""
        shape = validate.plane_row(self.config, plane, row)
        return self._command(Opcode.READ, [plane], row, n_data=shape.cols)[0]

    def write_plane(self, plane: Plane, values) -> None:
        """Load all rows of a plane."""
        values = validate.plane(self.config, plane, values)
        self._command(Opcode.WRITE, np.full(len(values), plane), np.arange(len(values)), values)

    def read_plane(self, plane: Plane) -> np.ndarray:
        """All rows of a plane, int64."""
        shape = validate.plane_row(self.config, plane, 0)
        return self._command(Opcode.READ, np.full(shape.rows, plane), np.arange(shape.rows),
                             np.zeros((shape.rows, 0)), shape.cols)

    def forward(self, codes) -> np.ndarray:
        """ADC codes (B, C) of input codes (B, R)."""
        return self._multiply(Opcode.FORWARD, codes, self.config.rows, self.config.cols)

    def backward(self, codes) -> np.ndarray:
        """ADC codes (B, R) of error codes (B, C)."""
        return self._multiply(Opcode.BACKWARD, codes, self.config.cols, self.config.rows)

    def update(self, row_levels, col_levels, bl) -> None:
        """Rank-1 updates: levels (B, R) and (B, C) in +-65536, or words, by the register `train`; `bl` (B,) slots."""
        row_levels, col_levels, bl = validate.update(self.config, row_levels, col_levels, bl, self._train)
        self._command(Opcode.UPDATE, bl, payloads=np.hstack([row_levels, col_levels]))

    def forward_vector(self, vectors) -> np.ndarray:
        """VECTOR values (B, C) of VECTOR vectors (B, R), by noise and bound management."""
        return self._multiply_vectors(Opcode.FORWARD_VECTOR, vectors, self.config.rows, self.config.cols)

    def backward_vector(self, vectors) -> np.ndarray:
        """VECTOR values (B, R) of VECTOR vectors (B, C), by noise management; by bound management if it is on."""
        return self._multiply_vectors(Opcode.BACKWARD_VECTOR, vectors, self.config.cols, self.config.rows)

    def update_vector(self, x, d) -> np.ndarray:
        """Slots (B,) that rank-1 updates by VECTOR vectors x (B, R) and d (B, C) took, by update management."""
        x, d = validate.vector_pairs(self.config, x, d)
        return self._command(Opcode.UPDATE_VECTOR, np.zeros(len(x), dtype=np.int64), payloads=np.hstack([x, d]),
                             n_data=1)[:, 0]

    def _multiply_vectors(self, opcode: Opcode, vectors, n_in: int, n_out: int) -> np.ndarray:
        vectors = validate.vectors(vectors, n_in)
        return self._command(opcode, np.zeros(len(vectors), dtype=np.int64), payloads=vectors, n_data=n_out)

    def program(self, row: int, col: int, pulses: int, down: bool) -> None:
        """1..65535 pulses up or down to one cross-point, one row (`col` ALL), one column (`row` ALL) or all."""
        validate.cross_points(self.config, row, col)
        validate.within(pulses, 1, MAX_PULSES, "Pulses")
        self._command(Opcode.PROGRAM, [int(down)], pulses, [[row, col]])

    def symmetrize(self, row: int, col: int, pairs: int) -> None:
        """1..65535 pairs of an up and a down pulse, which take devices to their symmetry point."""
        validate.cross_points(self.config, row, col)
        validate.within(pairs, 1, MAX_PULSES, "Pairs")
        self._command(Opcode.SYMMETRIZE, indices=pairs, payloads=[[row, col]])

    def sense(self, row: int, reads_log2: int) -> np.ndarray:
        """Sums (C,) of the ADC codes of 2**reads_log2 reads of a row."""
        validate.within(row, 0, self.config.rows - 1, "Row")
        reads_log2 = validate.reads_log2(reads_log2)
        return self._command(Opcode.SENSE, [reads_log2], row, n_data=self.config.cols)[0]

    def calibrate(self, level: int, reads_log2: int) -> np.ndarray:
        """Sums (N,) of the codes of all converters in 2**reads_log2 conversions of reference charge 0, 1 or 2."""
        validate.within(level, 0, LEVELS - 1, "Reference level")
        reads_log2 = validate.reads_log2(reads_log2)
        return self._command(Opcode.CALIBRATE, [reads_log2], level, n_data=self.config.n_converters)[0]

    def verify(self, row: int, targets) -> np.ndarray:
        """Bring a row's weights to the codes `targets` (C,), in 1/256 ADC LSB; result words (C,)."""
        validate.within(row, 0, self.config.rows - 1, "Row")
        targets = validate.targets(self.config, targets)
        return self._command(Opcode.VERIFY, indices=row, payloads=targets[None], n_data=self.config.cols)[0]

    def _multiply(self, opcode: Opcode, codes, n_in: int, n_out: int) -> np.ndarray:
        codes = validate.codes(self.config, codes, n_in)
        return self._command(opcode, np.zeros(len(codes), dtype=np.int64), payloads=codes, n_data=n_out)

    def _find(self, names: Iterable[str]) -> dict[str, int]:
        """The values of registers, each run of neighbors read in one packet."""
        by_index = {self.registers[name].index: name for name in names}
        found = {}
        for run in runs(self.registers[name] for name in by_index.values()):
            found |= zip(map(by_index.get, run), self._get(by_index[run.start], len(run)), strict=True)
        return found

    def _get(self, name: str, count: int) -> list[int]:
        data = self._command(Opcode.GET, [count], self.registers[name].index, n_data=count)
        return (data[0] & 0xFFFFFFFF).tolist()

    def _command(self, opcode: Opcode, arguments=(0,), indices: int | np.ndarray = 0, payloads=((),),
                 n_data: int = 0) -> np.ndarray:
        """Data (B, n_data) of a batch of like commands, in as few exchanges as is sensible."""
        validate.command(self.config, opcode)
        words = protocol.packets(opcode, arguments, indices, payloads)
        at_once = max(1, _WORDS_AT_ONCE // max(words.shape[1], n_data + 1))
        data = [self._exchange(opcode, words[start:start + at_once], n_data)
                for start in range(0, len(words), at_once)]
        return np.concatenate(data) if data else np.zeros((0, n_data), dtype=np.int64)

    def _exchange(self, opcode: Opcode, words: np.ndarray, n_data: int) -> np.ndarray:
        answers = self.link.exchange(words.reshape(-1), len(words))
        good = protocol.packet(opcode, 0, n_data, np.zeros(n_data))[0]
        if len(answers) == len(words) * (n_data + 1):
            table = answers.reshape(len(words), n_data + 1)
            if (table[:, 0] == good).all():
                return table[:, 1:].astype(np.uint32).view(np.int32).astype(np.int64)
        return np.array([protocol.response(answer, opcode, n_data) for answer in protocol.split(answers)])
