# SPDX-License-Identifier: Apache-2.0
"""The tile controller: stream words in, stream words out, errors included; mirrors `rtl/controller.py`."""
import numpy as np

from golden.config import MAX_READS_LOG2, Plane
from golden.programmer import LEVELS, AbortedError
from golden.protocol import FIRST, LAST, PROGRAMMING, Opcode, Status, gives_up, packet, payload_length, served
from golden.pulses import Train
from golden.registers import Interrupt
from golden.tile import Tile


class _AbortedError(Exception):
    """The operation was aborted."""


class Controller:
    """Answers command packets on a tile; one response a packet, in order.

    Nothing here takes time, so that an abort cannot meet an operation by itself: `abort_at` says where it does.
    """

    def __init__(self, tile: Tile):
        self.tile = tile
        self._served = served(tile.config)
        self._by_index = {register.index: register for register in tile.registers.values()}
        self._pending: list[int] = []
        self._stray = False
        self._abort_at: tuple[int | None, int] | None = None
        self._aborted: tuple[int, int, int, np.ndarray] | None = None

    def abort_at(self, slots: int | None, step: int = 0) -> None:
        """Abort the next operation, or the next resumed one, when so many of its slots have been played in all; of
        bound management's, those of pass `step`; of a programming command's, those of the read behind `step` reads and
        windows. None aborts a programming command between two of these; one that has no more ends as ever.
        """
        self._abort_at = slots, step

    def write(self, name: str, value: int) -> None:
        """Write a register beside the packets, as a bus does while none is on its way; ValueError as of the tile."""
        self.tile.set(name, value)
        if gives_up(Opcode.SET, self.tile.registers[name].index):
            self._keep(None)

    def exchange(self, words) -> np.ndarray:
        """Response words to command words (both with framing bits); an unfinished packet waits for the next call."""
        out: list[np.ndarray] = []
        for word in np.asarray(words, dtype=np.uint64).tolist():
            if word & FIRST and (self._pending or self._stray):
                out.append(self._error(Status.FRAMING))
            if not word & FIRST and not self._pending:
                self._stray = True
            else:
                if not self._pending:
                    self._begin(word)
                self._pending.append(word)
            if word & LAST:
                out.append(self._error(Status.FRAMING) if self._stray else self._answer())
        return np.concatenate(out) if out else np.zeros(0, dtype=np.uint64)

    def _begin(self, word: int) -> None:
        """A header may give up an aborted operation, whatever comes behind it."""
        opcode, argument, index = _fields(word)
        if opcode in self._served and self._has(opcode, argument, index) and gives_up(opcode, index):
            self._keep(None)

    def _keep(self, aborted: tuple[int, int, int, np.ndarray] | None, slots: int = 0) -> None:
        """Remember an aborted operation, or none."""
        self._aborted, self.tile.aborted_slots = aborted, slots

    def _error(self, status: Status) -> np.ndarray:
        opcode = self._pending[0] >> 24 & 0xFF if self._pending else 0
        self._pending, self._stray = [], False
        self.tile.interrupt(Interrupt.ERROR)
        return packet(opcode, status)

    def _answer(self) -> np.ndarray:
        opcode, argument, index = _fields(self._pending[0])
        values = np.array(self._pending[1:], dtype=np.uint64).astype(np.uint32).view(np.int32).astype(np.int64)
        if opcode not in self._served:
            return self._error(Status.BAD_OPCODE)
        if not self._has(opcode, argument, index):
            return self._error(Status.BAD_ARGUMENT)
        if len(values) != payload_length(self.tile.config, opcode, argument):
            return self._error(Status.BAD_LENGTH)
        first_slot = 0
        if opcode == Opcode.RESUME and self._aborted is not None:
            opcode, argument, index, values = self._aborted
            first_slot = self.tile.aborted_slots
            self._pending[0] = opcode << 24
        try:
            data = self._apply(opcode, argument, index, values, first_slot)
        except ValueError:
            return self._error(Status.BAD_VALUE)
        except _AbortedError:
            return self._error(Status.ABORTED)
        self._pending = []
        return packet(opcode, Status.OK, len(data), data)

    def _has(self, opcode: int, argument: int, index: int) -> bool:
        config = self.tile.config
        match opcode:
            case Opcode.GET:
                return argument > 0 and all(i in self._by_index for i in range(index, index + argument))
            case Opcode.SET:
                return index in self._by_index and self._by_index[index].writable
            case Opcode.WRITE | Opcode.READ:
                return argument in config.loadable and index < config.loadable[Plane(argument)].rows
            case Opcode.UPDATE:
                return 1 <= argument <= Train(self.tile.get("train")).most_slots(config)
            case Opcode.RESUME:
                return self._aborted is not None
            case Opcode.PROGRAM:
                return argument <= 1 and index > 0
            case Opcode.SYMMETRIZE:
                return index > 0
            case Opcode.SENSE:
                return argument <= MAX_READS_LOG2 and index < config.rows
            case Opcode.VERIFY:
                return index < config.rows
            case Opcode.CALIBRATE:
                return argument <= MAX_READS_LOG2 and index < LEVELS
            case _:
                return True

    def _apply(self, opcode: int, argument: int, index: int, values, first_slot: int):
        tile, rows = self.tile, self.tile.config.rows
        match opcode:
            case Opcode.GET:
                return [tile.get(self._by_index[i].name) for i in range(index, index + argument)]
            case Opcode.SET:
                tile.set(self._by_index[index].name, int(values[0]) & 0xFFFFFFFF)
            case Opcode.WRITE:
                tile.write(Plane(argument), index, values)
            case Opcode.READ:
                return tile.read(Plane(argument), index)
            case Opcode.RESET:
                tile.reset()
            case Opcode.ABORT:
                pass
            case _ if self._abort_at is not None:
                (slots, step), self._abort_at = self._abort_at, None
                if opcode in PROGRAMMING:
                    return self._abort_program(opcode, argument, index, values, step, slots)
                self._abort(opcode, argument, index, values, first_slot, slots or 0, step)
            case Opcode.FORWARD:
                return self._finished(tile.forward(values)[0])
            case Opcode.BACKWARD:
                return self._finished(tile.backward(values)[0])
            case Opcode.FORWARD_VECTOR:
                return self._finished(tile.forward_vector(values)[0])
            case Opcode.BACKWARD_VECTOR:
                return self._finished(tile.backward_vector(values)[0])
            case Opcode.UPDATE_VECTOR if first_slot:
                return self._finished(tile.resume_update_vector(values[:rows], values[rows:], first_slot))
            case Opcode.UPDATE_VECTOR:
                return self._finished(tile.update_vector(values[:rows], values[rows:]))
            case Opcode.UPDATE if first_slot:
                tile.resume_update(values[:rows], values[rows:], argument, first_slot)
                return self._finished([])
            case Opcode.UPDATE:
                tile.update(values[:rows], values[rows:], argument)
                return self._finished([])
            case _:
                return self._finished(self._program(opcode, argument, index, values))
        return []

    def _program(self, opcode: int, argument: int, index: int, values, steps: int | None = None,
                 slots: int | None = None):
        """A programming command, or so many of its steps, and so many slots of the read behind them."""
        tile = self.tile
        match opcode:
            case Opcode.PROGRAM:
                tile.program(int(values[0]), int(values[1]), index, bool(argument), steps)
            case Opcode.SYMMETRIZE:
                tile.symmetrize(int(values[0]), int(values[1]), index, steps)
            case Opcode.SENSE:
                return tile.sense(index, argument, steps, slots)
            case Opcode.VERIFY:
                return tile.verify(index, values, steps, slots)
            case Opcode.CALIBRATE:
                return tile.calibrate(index, argument, steps)
        return []

    def _finished(self, data):
        """An operation has run to its end, and nothing is left to resume."""
        self._keep(None)
        return data

    def _abort(self, opcode: int, argument: int, index: int, values, first_slot: int, slots: int, step: int) -> None:
        """An operation is aborted, and can be resumed."""
        tile, rows = self.tile, self.tile.config.rows
        match opcode:
            case Opcode.FORWARD:
                tile.abort_forward(values, slots)
            case Opcode.BACKWARD:
                tile.abort_backward(values, slots)
            case Opcode.UPDATE:
                tile.abort_update(values[:rows], values[rows:], argument, slots, first_slot)
            case Opcode.FORWARD_VECTOR:
                tile.abort_forward_vector(values, slots, step)
            case Opcode.BACKWARD_VECTOR:
                tile.abort_backward_vector(values, slots, step)
            case Opcode.UPDATE_VECTOR:
                tile.abort_update_vector(values[:rows], values[rows:], slots, first_slot)
        self._keep((opcode, argument, index, values), slots)
        raise _AbortedError

    def _abort_program(self, opcode: int, argument: int, index: int, values, steps: int, slots: int | None):
        """A programming command is aborted for good, or has no step to come."""
        try:
            return self._finished(self._program(opcode, argument, index, values, steps, slots))
        except AbortedError:
            raise _AbortedError from None


def _fields(word: int) -> tuple[int, int, int]:
    """Opcode, argument and index of a header."""
    return word >> 24 & 0xFF, word >> 16 & 0xFF, word & 0xFFFF
