# SPDX-License-Identifier: Apache-2.0
"""The tile controller: stream words in, stream words out, errors included; mirrors `rtl/controller.py`."""
import numpy as np

from golden.config import Plane
from golden.protocol import FIRST, LAST, SERVED, Opcode, Status, packet, payload_length
from golden.pulses import Train
from golden.registers import Interrupt
from golden.tile import Tile


class Controller:
    """Answers command packets on a tile; one response a packet, in order."""

    def __init__(self, tile: Tile):
        self.tile = tile
        self._by_index = {register.index: register for register in tile.registers.values()}
        self._pending: list[int] = []
        self._stray = False

    def exchange(self, words) -> np.ndarray:
        """Response words to command words (both with framing bits); an unfinished packet waits for the next call."""
        out: list[np.ndarray] = []
        for word in np.asarray(words, dtype=np.uint64).tolist():
            if word & FIRST and (self._pending or self._stray):
                out.append(self._error(Status.FRAMING))
            if not word & FIRST and not self._pending:
                self._stray = True
            else:
                self._pending.append(word)
            if word & LAST:
                out.append(self._error(Status.FRAMING) if self._stray else self._answer())
        return np.concatenate(out) if out else np.zeros(0, dtype=np.uint64)

    def _error(self, status: Status) -> np.ndarray:
        opcode = self._pending[0] >> 24 & 0xFF if self._pending else 0
        self._pending, self._stray = [], False
        self.tile.interrupt(Interrupt.ERROR)
        return packet(opcode, status)

    def _answer(self) -> np.ndarray:
        head, payload = self._pending[0] & 0xFFFFFFFF, self._pending[1:]
        opcode, argument, index = head >> 24, head >> 16 & 0xFF, head & 0xFFFF
        values = np.array(payload, dtype=np.uint64).astype(np.uint32).view(np.int32).astype(np.int64)
        if opcode not in SERVED:
            return self._error(Status.BAD_OPCODE)
        if not self._has(opcode, argument, index):
            return self._error(Status.BAD_ARGUMENT)
        if len(values) != payload_length(self.tile.config, opcode, argument):
            return self._error(Status.BAD_LENGTH)
        try:
            data = self._apply(opcode, argument, index, values)
        except ValueError:
            return self._error(Status.BAD_VALUE)
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
                return 1 <= argument <= Train(self.tile.get("train")).most_slots
            case _:
                return True

    def _apply(self, opcode: int, argument: int, index: int, values):
        tile = self.tile
        match opcode:
            case Opcode.GET:
                return [tile.get(self._by_index[i].name) for i in range(index, index + argument)]
            case Opcode.SET:
                tile.set(self._by_index[index].name, int(values[0]) & 0xFFFFFFFF)
            case Opcode.WRITE:
                tile.write(Plane(argument), index, values)
            case Opcode.READ:
                return tile.read(Plane(argument), index)
            case Opcode.FORWARD:
                return tile.forward(values)[0]
            case Opcode.BACKWARD:
                return tile.backward(values)[0]
            case Opcode.UPDATE:
                tile.update(values[:tile.config.rows], values[tile.config.rows:], argument)
            case Opcode.RESET:
                tile.reset()
        return []
