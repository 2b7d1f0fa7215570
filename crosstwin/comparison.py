# SPDX-License-Identifier: Apache-2.0
"""One random configuration: the same packets to golden's controller and to a link, every answer compared."""
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from crosstwin import aborts
from crosstwin.config_stimulus import draw_config
from crosstwin.links import ControllerLink, VerilatedLink
from crosstwin.netlist import can_carry
from crosstwin.recorder import hexa
from crosstwin.stimulus import Operation, draw_operations, readback
from golden import protocol
from golden.config import TileConfig
from golden.controller import Controller
from golden.protocol import LAST
from golden.tile import Tile

MOST_AT_ONCE = 12
"""Most operations that are sent in one exchange, so that packets also queue up."""


def _verilated(config: TileConfig, rng: np.random.Generator):
    """The RTL, held up at random on both streams, or not at all."""
    idle, stall = (float(rng.choice([0.0, 0.1, 0.5, 0.9])) for _ in range(2))
    # a model that runs for a second is not worth optimizing: that takes the compiler four times as long
    return VerilatedLink(config, opt="-O0", idle=idle, stall=stall, seed=int(rng.integers(1, 1 << 32)), quiet=True)


LINKS = {"verilator": _verilated, "golden": lambda config, rng: ControllerLink(config)}
"""Links to compare with, by backend; "golden" compares the model with itself, to test this comparison."""


@dataclass
class Outcome:
    """What the comparison of one configuration found."""

    number: int
    config: TileConfig
    operations: int = 0
    compared: int = 0
    mismatches: int = 0
    cycles: int = 0
    failures: list[str] = field(default_factory=list)
    """A sentence on the first mismatch, or on why the comparison broke off."""


def run(seed: int, number: int, n_operations: int, backend: str) -> Outcome:
    """Compare one configuration. It stops behind the first exchange with a mismatch: what follows is no news."""
    rng = np.random.default_rng([seed, number])
    config = draw_config(rng)
    outcome = Outcome(number, config)
    pace = np.random.default_rng([seed, number, 1])
    controller = Controller(Tile(config))
    try:
        link = LINKS[backend](config, pace)
    except RuntimeError as error:
        _fail(outcome, f"building the link broke off: {error}")
        return outcome
    operations = [*draw_operations(rng, config, n_operations), *readback(config)]
    outcome.operations = n_operations
    _compare(outcome, controller, link, operations, pace)
    return outcome


def serial_operations(seed: int, config: TileConfig, n_operations: int) -> list[Operation]:
    """What is drawn for a tile behind a serial line: the preparation, operations and the readback.

    Broken framing, packets longer than the tile's buffer and ABORTs that are timed in cycles cannot go over the line:
    they are drawn and left out.
    """
    def drawn(count: int) -> Iterator[Operation]:
        operations = draw_operations(np.random.default_rng([seed, 0]), config, count)
        return (operation for operation in operations if operation.wait is None and can_carry(config, operation.words))

    n_preparing = sum(1 for _ in drawn(0))
    return [*islice(drawn(sys.maxsize), n_preparing + n_operations), *readback(config)]


def run_operations(seed: int, config: TileConfig, operations: list[Operation], link,
                   step: Callable[[], None]) -> Outcome:
    """Compare these operations on a given tile at the far end of a link; `step` is called for each."""
    outcome = Outcome(0, config)
    _compare(outcome, Controller(Tile(config)), link, operations, np.random.default_rng([seed, 0, 1]), step)
    return outcome


def _compare(outcome: Outcome, controller: Controller, link, operations: list[Operation], pace: np.random.Generator,
             step: Callable[[], None] = lambda: None) -> None:
    try:
        at = 0
        while at < len(operations) and not outcome.mismatches:
            together = _together(operations[at:at + int(pace.integers(1, MOST_AT_ONCE + 1))])
            _exchange(outcome, controller, link, at, together)
            at += len(together)
            for _ in together:
                step()
    finally:
        link.close()


def _together(operations: list[Operation]) -> list[Operation]:
    """The first of some operations that can be sent at once: one that is aborted is sent alone."""
    alone = next((n for n, operation in enumerate(operations) if operation.wait is not None), len(operations))
    return operations[:max(alone, 1)]


def _exchange(outcome: Outcome, controller: Controller, link, first: int, operations: list[Operation]) -> None:
    begin = getattr(link, "cycles", 0)
    try:
        expected, actual = _abort(controller, link, operations[0]) if operations[0].wait is not None else \
            _ask(controller, link, operations)
    except RuntimeError as error:
        _fail(outcome, f"operations {first}..{first + len(operations) - 1}, "
                       f"{', '.join(operation.name for operation in operations)}: {error}")
        return
    wanted = np.concatenate(expected)
    outcome.cycles = getattr(link, "cycles", 0)
    common = min(len(wanted), len(actual))
    wrong = np.nonzero(wanted[:common] != actual[:common])[0]
    outcome.compared += max(len(wanted), len(actual))
    mismatches = len(wrong) + abs(len(wanted) - len(actual))
    if mismatches:
        place = int(wrong[0]) if len(wrong) else common
        _fail(outcome, f"{_where(first, operations, expected, place)}, "
                       f"between cycles {begin} and {outcome.cycles}: expected {_word(wanted, place)}, "
                       f"actual {_word(actual, place)}", mismatches)


def _ask(controller: Controller, link, operations: list[Operation]) -> tuple[list[np.ndarray], np.ndarray]:
    """Golden's answers to each of some operations, and the link's to all."""
    expected = [controller.exchange(operation.words) for operation in operations]
    n_packets = sum(int(np.count_nonzero(words & np.uint64(LAST))) for words in expected)
    return expected, link.exchange(np.concatenate([operation.words for operation in operations]), n_packets)


def _abort(controller: Controller, link, operation: Operation) -> tuple[list[np.ndarray], np.ndarray]:
    """Golden's and the link's answers to an operation, the ABORT behind it, and the questions where they met."""
    abort = aborts.abort(controller.tile.config)
    at_once = link.exchange(operation.words, 0)
    link.wait(operation.wait)
    actual = np.concatenate([at_once, link.exchange(abort, aborts.N_ANSWERS)])
    place = aborts.place(controller.tile, actual)
    if place is not None:
        controller.abort_at(*place)
    return [controller.exchange(np.concatenate([operation.words, abort]))], actual


def _fail(outcome: Outcome, sentence: str, mismatches: int = 1) -> None:
    outcome.mismatches += mismatches
    outcome.failures.append(sentence)


def _where(first: int, operations: list[Operation], expected: list[np.ndarray], place: int) -> str:
    """Which operation, and which word of its answer."""
    for n, (operation, words) in enumerate(zip(operations, expected, strict=True)):
        if place < len(words):
            answers = protocol.split(words)
            packet = 0
            while place >= len(answers[packet]):
                place -= len(answers[packet])
                packet += 1
            row = f", packet {packet}" if len(answers) > 1 else ""
            index = "header" if place == 0 else f"index {place - 1}"
            return f"operation {first + n}, {operation.name}{row}, {index}"
        place -= len(words)
    return f"operation {first + len(operations) - 1}, words behind the last answer"


def _word(words: np.ndarray, place: int) -> str:
    if place >= len(words):
        return "nothing"
    framing = ("first " if int(words[place]) & protocol.FIRST else "") + ("last " if int(words[place]) & LAST else "")
    return framing + hexa(words[place])
