# SPDX-License-Identifier: Apache-2.0
"""What operations have cost: counters in total, and of the last operation alone."""
import numpy as np

from golden.config import COUNTERS

_WORD = (1 << 32) - 1


class Counts(dict[str, int]):
    """Counters by name; ValueError where one is asked for that the tile leaves out."""

    def __missing__(self, name: str) -> int:
        raise ValueError(f"Counter must be one that the tile has, {', '.join(self) or 'of which there are none'}, "
                         f"not {name!r}")


class Ledger:
    """Counters of a tile, by name: `total` since it was cleared, `last` of the last operation (modulo 2**32).

    Emulation cycles are the hardware's alone: 0 here.
    """

    def __init__(self):
        self.clear()

    def clear(self) -> None:
        """All to zero."""
        self.total: dict[str, int] = dict.fromkeys(COUNTERS, 0)
        self.last: dict[str, int] = dict.fromkeys(COUNTERS, 0)

    def add(self, batch: int, **amounts) -> None:
        """Count a batch of operations, one after the other: arrays (B,), or a number that is each one's."""
        if not batch:
            return
        self.last = dict.fromkeys(COUNTERS, 0)
        for name, amount in amounts.items():
            each = np.asarray(amount, dtype=np.int64).reshape(-1)
            self.total[name] += int(each.sum()) * (batch if each.size == 1 else 1)
            self.last[name] = int(each[-1]) & _WORD

    def register(self, name: str) -> int | None:
        """The value of a counter's register, None where the name is no counter's."""
        if name.startswith("operation_"):
            return self.last[name.removeprefix("operation_")]
        counter, _, half = name.rpartition("_")
        if counter not in self.total:
            return None
        return self.total[counter] >> (32 if half == "high" else 0) & _WORD
