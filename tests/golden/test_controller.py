# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from golden.config import MAX_LEVEL, Plane
from golden.controller import Controller
from golden.management import encode, scales
from golden.protocol import FIRST, LAST, MANAGED, PROGRAMMING, Opcode, Status, packet, payload_length, response, split
from golden.registers import CONTRACT_VERSION, Interrupt
from tests.support import CONFIGS, loaded_tile, managed_vectors, random_codes, random_updates, state

TINY = CONFIGS["tiny"]
ROWS, COLS = TINY.rows, TINY.cols


@pytest.fixture
def controller():
    return Controller(loaded_tile(TINY, 1))


def ask(controller, opcode, argument=0, index=0, payload=(), n=0):
    return response(controller.exchange(packet(opcode, argument, index, payload)), opcode, n).tolist()


@pytest.mark.parametrize("name", CONFIGS)
def test_operations_are_those_of_the_tile(name):
    config = CONFIGS[name]
    controller, tile = Controller(loaded_tile(config, 1)), loaded_tile(config, 1)
    x, d = random_codes(config, 4, config.rows, 1)[3], random_codes(config, 4, config.cols, 2)[3]
    row, col, bl = (values[1] for values in random_updates(config, 2, 3))
    assert ask(controller, Opcode.FORWARD, payload=x, n=config.cols) == tile.forward(x)[0].tolist()
    assert ask(controller, Opcode.BACKWARD, payload=d, n=config.rows) == tile.backward(d)[0].tolist()
    assert ask(controller, Opcode.UPDATE, int(bl), payload=[*row, *col]) == []
    tile.update(row, col, bl)
    assert state(controller.tile) == state(tile)
    for plane, shape in config.planes.items():
        for r in range(shape.rows):
            line = ask(controller, Opcode.READ, plane, r, n=shape.cols)
            assert line == tile.read(plane, r).tolist()
            ask(controller, Opcode.WRITE, plane, r, line[::-1])
            assert controller.tile.read(plane, r).tolist() == line[::-1]


@pytest.mark.parametrize("name", CONFIGS)
def test_managed_operations_are_those_of_the_tile(name):
    config = CONFIGS[name]
    controller, tile = Controller(loaded_tile(config, 1)), loaded_tile(config, 1)
    ask(controller, Opcode.SET, 0, tile.registers["ratio"].index, [1 << 21])
    tile.set("ratio", 1 << 21)
    for x, d in zip(managed_vectors(12, config.rows, 1), managed_vectors(12, config.cols, 2)[::-1], strict=True):
        assert ask(controller, Opcode.FORWARD_VECTOR, payload=x, n=config.cols) == tile.forward_vector(x)[0].tolist()
        assert ask(controller, Opcode.BACKWARD_VECTOR, payload=d, n=config.rows) == tile.backward_vector(d)[0].tolist()
        assert ask(controller, Opcode.UPDATE_VECTOR, payload=[*x, *d], n=1) == tile.update_vector(x, d).tolist()
    assert state(controller.tile) == state(tile)


@pytest.mark.parametrize("slots", [0, 3])
def test_an_aborted_managed_update_goes_on_to_the_bits_of_the_whole_one(slots):
    whole, parts = Controller(loaded_tile(TINY, 1)), Controller(loaded_tile(TINY, 1))
    payload = [*managed_vectors(12, ROWS, 1)[10], *managed_vectors(12, COLS, 2)[10]]
    for controller in (whole, parts):
        controller.tile.set("ratio", 1 << 31)
    slots_of_all = ask(whole, Opcode.UPDATE_VECTOR, payload=payload, n=1)
    event = parts.tile.get("event")
    parts.abort_at(slots)
    assert int(parts.exchange(packet(Opcode.UPDATE_VECTOR, payload=payload))[0]) >> 16 & 0xFF == Status.ABORTED
    assert (parts.tile.get("event"), parts.tile.get("aborted_slots")) == (event, slots)
    assert parts.tile.counters()["updates"] == 0
    assert response(parts.exchange(packet(Opcode.RESUME)), Opcode.UPDATE_VECTOR, 1).tolist() == slots_of_all
    assert slots_of_all[0] > 3
    assert {name: values.tolist() for name, values in parts.tile.planes.items()} == \
        {name: values.tolist() for name, values in whole.tile.planes.items()}
    counts = [tile.counters() for tile in (parts.tile, whole.tile)]
    assert counts[0].pop("chip_cycles") > counts[1].pop("chip_cycles")
    assert counts[0] == counts[1]
    assert parts.tile.get("event") == whole.tile.get("event")


def test_an_abort_in_a_later_pass_costs_the_passes_before():
    tile = loaded_tile(replace(TINY, adc=replace(TINY.adc, bound=0.1)), 1)
    controller, payload = Controller(tile), [*range(ROWS)]
    controller.abort_at(7, 2)
    assert int(controller.exchange(packet(Opcode.FORWARD_VECTOR, payload=payload))[0]) >> 16 & 0xFF == Status.ABORTED
    counters = tile.counters()
    codes = [encode(tile.config, np.array([payload]), np.array([[(ROWS - 1) << n]])) for n in range(3)]
    assert [counters[name] for name in ("forwards", "retries", "slots", "conversions")] == [0, 2, 2 * 63 + 7, 2 * COLS]
    assert counters["row_pulses"] == sum(np.abs(each).sum() for each in codes[:2]) + np.minimum(codes[2], 7).sum()
    assert counters["saturations"] >= 2
    assert counters["chip_cycles"] == 2 * (4 + 63 + 4 + 9) + 4 + 7


@pytest.mark.parametrize("opcode", [Opcode.FORWARD_VECTOR, Opcode.BACKWARD_VECTOR])
def test_an_aborted_managed_multiplication_begins_anew(opcode):
    whole, parts = Controller(loaded_tile(TINY, 1)), Controller(loaded_tile(TINY, 1))
    n_in, n_out = (ROWS, COLS) if opcode == Opcode.FORWARD_VECTOR else (COLS, ROWS)
    payload = managed_vectors(12, n_in, 1)[10]
    parts.abort_at(20)
    assert int(parts.exchange(packet(opcode, payload=payload))[0]) >> 16 & 0xFF == Status.ABORTED
    codes = encode(TINY, payload[None], scales(payload[None], 1))
    played = parts.tile.counters()
    assert [played[name] for name in ("forwards", "backwards", "slots", "conversions")] == [0, 0, 20, 0]
    assert played["row_pulses"] + played["col_pulses"] == np.minimum(np.abs(codes), 20).sum()
    found = response(parts.exchange(packet(Opcode.RESUME)), opcode, n_out).tolist()
    assert found == ask(whole, opcode, payload=payload, n=n_out)
    assert parts.tile.get("event") == whole.tile.get("event") == 1


def test_get_one_and_many(controller):
    assert ask(controller, Opcode.GET, 1, 0, n=1) == [CONTRACT_VERSION]
    formats = 7 | 18 << 8 | 9 << 16 | 13 << 24
    assert ask(controller, Opcode.GET, 5, 0, n=5) == [CONTRACT_VERSION, ROWS, COLS, 4, formats]
    ask(controller, Opcode.FORWARD, payload=[63] * ROWS, n=COLS)
    assert ask(controller, Opcode.GET, 30, 64, n=30)[:2] == [1, 0]
    assert ask(controller, Opcode.GET, 15, 128, n=15)[0] == 1


@pytest.mark.parametrize(("index", "value"), [(8, 0xFFFFFFFF), (9, 5), (12, 255), (15, 1)])
def test_set(controller, index, value):
    ask(controller, Opcode.SET, index=index, payload=[value])
    assert ask(controller, Opcode.GET, 1, index, n=1)[0] & 0xFFFFFFFF == value


def test_reset(controller):
    ask(controller, Opcode.SET, index=8, payload=[7])
    ask(controller, Opcode.FORWARD, payload=[1] * ROWS, n=COLS)
    weights = controller.tile.read(Plane.WEIGHT, 0).tolist()
    ask(controller, Opcode.RESET)
    assert ask(controller, Opcode.GET, 9, 8, n=9) == [0, 0, 0, 4, 1, 0, 4, 1, 0]
    assert not any(ask(controller, Opcode.GET, 30, 64, n=30))
    assert not any(ask(controller, Opcode.GET, 15, 128, n=15))
    assert ask(controller, Opcode.READ, Plane.WEIGHT, 0, n=COLS) == weights


def test_fields_without_a_meaning_are_ignored(controller):
    assert len(ask(controller, Opcode.FORWARD, 0xAB, 0xCDEF, [0] * ROWS, n=COLS)) == COLS
    assert ask(controller, Opcode.SET, 0xAB, 8, [1]) == []
    assert ask(controller, Opcode.RESET, 0xAB, 0xCDEF) == []


ERRORS = {
    "opcode zero": (packet(0), Status.BAD_OPCODE),
    "opcode unknown": (packet(19, 1, 0, [1, 2]), Status.BAD_OPCODE),
    "opcode 255": (packet(255), Status.BAD_OPCODE),
    "get none": (packet(Opcode.GET, 0, 0), Status.BAD_ARGUMENT),
    "get a gap": (packet(Opcode.GET, 1, 6), Status.BAD_ARGUMENT),
    "get into a gap": (packet(Opcode.GET, 7, 0), Status.BAD_ARGUMENT),
    "get beyond": (packet(Opcode.GET, 2, 144), Status.BAD_ARGUMENT),
    "get with payload": (packet(Opcode.GET, 1, 0, [1]), Status.BAD_LENGTH),
    "set a constant": (packet(Opcode.SET, 0, 1, [1]), Status.BAD_ARGUMENT),
    "set a counter": (packet(Opcode.SET, 0, 64, [1]), Status.BAD_ARGUMENT),
    "set a gap": (packet(Opcode.SET, 0, 38, [1]), Status.BAD_ARGUMENT),
    "set nothing": (packet(Opcode.SET, 0, 8), Status.BAD_LENGTH),
    "set twice": (packet(Opcode.SET, 0, 8, [1, 2]), Status.BAD_LENGTH),
    "set below": (packet(Opcode.SET, 0, 12, [0]), Status.BAD_VALUE),
    "set above": (packet(Opcode.SET, 0, 12, [256]), Status.BAD_VALUE),
    "set negative": (packet(Opcode.SET, 0, 12, [-1]), Status.BAD_VALUE),
    "write no plane": (packet(Opcode.WRITE, Plane.SLOPE_UP, 0, [0] * COLS), Status.BAD_ARGUMENT),
    "write plane 15": (packet(Opcode.WRITE, 15, 0, [0] * COLS), Status.BAD_ARGUMENT),
    "write no row": (packet(Opcode.WRITE, Plane.WEIGHT, ROWS, [0] * COLS), Status.BAD_ARGUMENT),
    "write second gain row": (packet(Opcode.WRITE, Plane.ADC_GAIN, 1, [0] * COLS), Status.BAD_ARGUMENT),
    "write short": (packet(Opcode.WRITE, Plane.WEIGHT, 0, [0] * (COLS - 1)), Status.BAD_LENGTH),
    "write long": (packet(Opcode.WRITE, Plane.WEIGHT, 0, [0] * (COLS + 1)), Status.BAD_LENGTH),
    "write above": (packet(Opcode.WRITE, Plane.WEIGHT, 0, [1] * (COLS - 1) + [131072]), Status.BAD_VALUE),
    "write below": (packet(Opcode.WRITE, Plane.STEP_UP, 0, [1] * (COLS - 1) + [-1]), Status.BAD_VALUE),
    "read no plane": (packet(Opcode.READ, 77, 0), Status.BAD_ARGUMENT),
    "read no row": (packet(Opcode.READ, Plane.WEIGHT, 0xFFFF), Status.BAD_ARGUMENT),
    "read with payload": (packet(Opcode.READ, Plane.WEIGHT, 0, [0]), Status.BAD_LENGTH),
    "managed forward above": (packet(Opcode.FORWARD_VECTOR, payload=[0] * (ROWS - 1) + [1 << 23]), Status.BAD_VALUE),
    "managed backward below": (packet(Opcode.BACKWARD_VECTOR, payload=[-(1 << 23) - 1] + [0] * (COLS - 1)),
                               Status.BAD_VALUE),
    "managed update short": (packet(Opcode.UPDATE_VECTOR, payload=[0] * (ROWS + COLS - 1)), Status.BAD_LENGTH),
    "forward short": (packet(Opcode.FORWARD, payload=[0] * (ROWS - 1)), Status.BAD_LENGTH),
    "forward long": (packet(Opcode.FORWARD, payload=[0] * (ROWS + 1)), Status.BAD_LENGTH),
    "forward empty": (packet(Opcode.FORWARD), Status.BAD_LENGTH),
    "forward above": (packet(Opcode.FORWARD, payload=[0] * (ROWS - 1) + [64]), Status.BAD_VALUE),
    "forward most negative": (packet(Opcode.FORWARD, payload=[-64] + [0] * (ROWS - 1)), Status.BAD_VALUE),
    "forward of 32 bits": (packet(Opcode.FORWARD, payload=[1 << 31] + [0] * (ROWS - 1)), Status.BAD_VALUE),
    "backward short": (packet(Opcode.BACKWARD, payload=[0] * ROWS), Status.BAD_LENGTH),
    "backward above": (packet(Opcode.BACKWARD, payload=[64] * COLS), Status.BAD_VALUE),
    "update BL 0": (packet(Opcode.UPDATE, 0, 0, [0] * (ROWS + COLS)), Status.BAD_ARGUMENT),
    "update BL 64": (packet(Opcode.UPDATE, 64, 0, [0] * (ROWS + COLS)), Status.BAD_ARGUMENT),
    "update short": (packet(Opcode.UPDATE, 31, 0, [0] * ROWS), Status.BAD_LENGTH),
    "update above": (packet(Opcode.UPDATE, 31, 0, [MAX_LEVEL] * (ROWS + COLS - 1) + [MAX_LEVEL + 1]),
                     Status.BAD_VALUE),
    "update below": (packet(Opcode.UPDATE, 31, 0, [-MAX_LEVEL - 1] + [MAX_LEVEL] * (ROWS + COLS - 1)),
                     Status.BAD_VALUE),
    "reset with payload": (packet(Opcode.RESET, payload=[0]), Status.BAD_LENGTH),
    "stray word": (np.array([5], dtype=np.uint64) | np.uint64(LAST), Status.FRAMING),
    "stray words": (np.array([5, 6, 7 | LAST], dtype=np.uint64), Status.FRAMING),
    # the first of several errors counts
    "opcode before length": (packet(99, 0, 0, [1] * 40), Status.BAD_OPCODE),
    "argument before length": (packet(Opcode.WRITE, 99, 0, []), Status.BAD_ARGUMENT),
    "length before value": (packet(Opcode.FORWARD, payload=[999]), Status.BAD_LENGTH),
}


@pytest.mark.parametrize("name", ERRORS)
def test_error_changes_nothing_and_the_next_command_is_served(controller, name):
    words, status = ERRORS[name]
    before = state(controller.tile)
    opcode = 0 if status == Status.FRAMING else int(words[0]) >> 24 & 0xFF
    assert controller.exchange(words).tolist() == packet(opcode, status).tolist()
    assert state(controller.tile) == before
    assert ask(controller, Opcode.GET, 1, 1, n=1) == [ROWS]


def test_errors_and_operations_raise_interrupts(controller):
    controller.exchange(packet(99))
    assert ask(controller, Opcode.GET, 1, 34, n=1) == [Interrupt.ERROR]
    ask(controller, Opcode.SET, index=34, payload=[Interrupt.ERROR])
    assert ask(controller, Opcode.GET, 1, 34, n=1) == [0]
    ask(controller, Opcode.UPDATE, 1, payload=[0] * (ROWS + COLS))
    assert ask(controller, Opcode.GET, 1, 34, n=1) == [Interrupt.DONE]
    for plane, value in ((Plane.WEIGHT, 131071), (Plane.ADC_GAIN, 65535)):
        for row in range(controller.tile.config.planes[plane].rows):
            ask(controller, Opcode.WRITE, plane, row, [value] * COLS)
    ask(controller, Opcode.SET, index=34, payload=[Interrupt.DONE])
    assert not controller.tile.irq
    assert ask(controller, Opcode.FORWARD, payload=[63] * ROWS, n=COLS) == [255] * COLS
    assert ask(controller, Opcode.GET, 1, 34, n=1) == [Interrupt.DONE | Interrupt.SATURATION]
    ask(controller, Opcode.SET, index=35, payload=[Interrupt.ERROR])
    assert not controller.tile.irq
    ask(controller, Opcode.SET, index=35, payload=[Interrupt.SATURATION])
    assert controller.tile.irq


@pytest.mark.parametrize("opcode", [Opcode.FORWARD, Opcode.BACKWARD, Opcode.UPDATE], ids=lambda opcode: opcode.name)
def test_abort_and_resume(controller, opcode):
    """Aborted twice, then resumed: answers and state are those without an abort, but for what it cost."""
    payload = {Opcode.FORWARD: [5] * ROWS, Opcode.BACKWARD: [-5] * COLS, Opcode.UPDATE: [40000] * (ROWS + COLS)}[opcode]
    words, other = packet(opcode, 9, 0, payload), Controller(loaded_tile(TINY, 1))
    controller.tile.set("seed", other.tile.get("seed"))
    for plane, values in other.tile.planes.items():
        controller.tile.write_plane(plane, values)
    controller.abort_at(3)
    assert controller.exchange(words).tolist() == packet(opcode, Status.ABORTED).tolist()
    assert ask(controller, Opcode.GET, 1, 36, n=1) == [3]
    controller.abort_at(5)
    assert controller.exchange(packet(Opcode.RESUME)).tolist() == packet(opcode, Status.ABORTED).tolist()
    assert ask(controller, Opcode.ABORT) == []
    assert ask(controller, Opcode.GET, 1, 36, n=1) == [5]
    assert controller.exchange(packet(Opcode.RESUME)).tolist() == other.exchange(words).tolist()
    assert ask(controller, Opcode.GET, 1, 36, n=1) == [0]
    assert controller.exchange(packet(Opcode.RESUME)).tolist() == packet(
        Opcode.RESUME, Status.BAD_ARGUMENT).tolist()
    assert state(controller.tile)["planes"] == state(other.tile)["planes"]
    assert controller.tile.get("event") == other.tile.get("event") == 1


PROGRAMS = {
    "program": packet(Opcode.PROGRAM, 1, 150, (0, -1)), "symmetrize": packet(Opcode.SYMMETRIZE, 0, 2, (-1, 1)),
    "sense": packet(Opcode.SENSE, 2, 1), "calibrate": packet(Opcode.CALIBRATE, 1, 2),
    "verify": packet(Opcode.VERIFY, 0, 1, [20000] * COLS),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_aborted_programming_command_cannot_be_resumed(name):
    """Behind any of its steps: their events are taken. Behind the last one there is nothing to abort."""
    words, whole = PROGRAMS[name], Controller(loaded_tile(TINY, 1))
    answer = whole.exchange(words)
    steps = whole.tile.get("event")
    for step in range(steps + 1):
        controller = Controller(loaded_tile(TINY, 1))
        controller.abort_at(None, step)
        found = controller.exchange(words)
        assert controller.tile.get("event") == step
        if step == steps:
            assert found.tolist() == answer.tolist()
            assert state(controller.tile) == state(whole.tile)
            continue
        assert found.tolist() == packet(int(words[0]) >> 24 & 0xFF, Status.ABORTED).tolist()
        assert ask(controller, Opcode.GET, 1, 34, n=1)[0] & (Interrupt.DONE | Interrupt.ERROR) == Interrupt.ERROR
        assert ask(controller, Opcode.GET, 1, 36, n=1) == [0]
        assert controller.exchange(packet(Opcode.RESUME)).tolist() == packet(
            Opcode.RESUME, Status.BAD_ARGUMENT).tolist()
    assert steps > 1


@pytest.mark.parametrize(("words", "is_given_up"), [
    (packet(Opcode.GET, 1, 0), False), (packet(Opcode.READ, 0, 0), False), (packet(Opcode.ABORT), False),
    (packet(Opcode.ABORT, payload=[1]), False), (packet(Opcode.RESUME, payload=[1]), False), (packet(99), False),
    (packet(Opcode.SET, 0, 34, [7]), False), (packet(Opcode.SET, 0, 37, [1]), False),
    (packet(Opcode.SET, 0, 40, [7]), False), (packet(Opcode.UPDATE, 0, 0, [0] * (ROWS + COLS)), False),
    (packet(Opcode.SET, 0, 33, [1]), True), (packet(Opcode.SET, 0, 8, []), True), (packet(Opcode.RESET), True),
    (packet(Opcode.WRITE, 0, 0, [0]), True), (packet(Opcode.FORWARD), True), (packet(Opcode.UPDATE, 1), True),
])
def test_what_gives_up_an_aborted_operation(controller, words, is_given_up):
    controller.abort_at(2)
    controller.exchange(packet(Opcode.UPDATE, 5, 0, [40000] * (ROWS + COLS)))
    controller.exchange(words)
    assert ask(controller, Opcode.GET, 1, 36, n=1) == [0 if is_given_up else 2]
    answer = controller.exchange(packet(Opcode.RESUME))
    assert int(answer[0]) >> 16 & 0xFF == (Status.BAD_ARGUMENT if is_given_up else Status.OK)


def test_every_status_is_tested():
    assert {status for _, status in ERRORS.values()} == set(Status) - {Status.OK, Status.ABORTED, Status.TIMEOUT}


def test_first_within_a_packet(controller):
    """The broken packet gets FRAMING under its own opcode; the packet that broke in is served."""
    before = state(controller.tile)
    broken, good = packet(Opcode.FORWARD, payload=[1] * ROWS)[:3], packet(Opcode.GET, 1, 1)
    answers = split(controller.exchange(np.concatenate([broken, good])))
    assert answers[0].tolist() == packet(Opcode.FORWARD, Status.FRAMING).tolist()
    assert response(answers[1], Opcode.GET, 1).tolist() == [ROWS]
    assert len(answers) == 2
    assert state(controller.tile) == before


def test_first_after_stray_words(controller):
    answers = split(controller.exchange([1, 2, 3, *packet(Opcode.GET, 1, 2).tolist()]))
    assert answers[0].tolist() == packet(0, Status.FRAMING).tolist()
    assert response(answers[1], Opcode.GET, 1).tolist() == [COLS]
    assert len(answers) == 2


def test_first_and_last_within_a_packet(controller):
    answers = split(controller.exchange([FIRST | 0x05_00_0000, 1, FIRST | LAST | 0x01_01_0001]))
    assert [int(a[0]) >> 16 & 0xFF for a in answers] == [Status.FRAMING, Status.OK]


def test_every_first_breaks_a_packet_off(controller):
    words = [FIRST | 0x05_00_0000, FIRST | 0x06_00_0000, FIRST | LAST | 0x08_00_0000]
    answers = split(controller.exchange(words))
    assert [int(a[0]) & 0xFFFFFFFF for a in answers] == [0x05_05_0000, 0x06_05_0000, 0x08_00_0000]


def test_unfinished_packet_waits(controller):
    words = packet(Opcode.FORWARD, payload=[1] * ROWS)
    other = Controller(loaded_tile(TINY, 1))
    for word in words[:-1]:
        assert controller.exchange([word]).size == 0
    assert controller.exchange(words[-1:]).tolist() == other.exchange(words).tolist()


def test_many_packets_in_one_exchange(controller):
    words = np.concatenate([words for words, _ in ERRORS.values()])
    before = state(controller.tile)
    answers = split(controller.exchange(words))
    assert [int(a[0]) >> 16 & 0xFF for a in answers] == [status for _, status in ERRORS.values()]
    assert state(controller.tile) == before


@pytest.mark.parametrize("seed", range(20))
def test_any_words_get_answers_and_never_an_exception(controller, seed):
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 2 ** 32, 300, dtype=np.uint64)
    words[::3] = words[::3] % np.uint64(10) << np.uint64(24) | np.uint64(seed)
    words |= rng.integers(0, 4, 300, dtype=np.uint64) << np.uint64(32)
    answers = split(controller.exchange(words))
    assert len(answers) > 50
    assert all(Status(int(a[0]) >> 16 & 0xFF) is not None for a in answers)
    controller.exchange(np.array([LAST], dtype=np.uint64))
    assert ask(controller, Opcode.GET, 1, 1, n=1) == [ROWS]


@pytest.mark.parametrize(("name", "status"), [("seed", Status.BAD_ARGUMENT), ("irq_enable", Status.OK)])
def test_a_setting_written_beside_the_packets_gives_up_what_was_aborted(controller, name, status):
    update = packet(Opcode.UPDATE, 9, payload=[MAX_LEVEL] * (ROWS + COLS))
    controller.abort_at(4)
    assert int(controller.exchange(update)[0]) >> 16 & 0xFF == Status.ABORTED
    with pytest.raises(ValueError, match="must be a writable one, not rows"):
        controller.write("rows", 1)
    assert controller.tile.get("aborted_slots") == 4
    controller.write(name, 1)
    assert controller.tile.get(name) == 1
    assert int(controller.exchange(packet(Opcode.RESUME))[0]) >> 16 & 0xFF == status


@pytest.mark.parametrize(("engines", "refused"), [
    (("update",), (*MANAGED, *PROGRAMMING)), (("managed", "update"), PROGRAMMING),
    (("programming", "update"), MANAGED), (("managed", "programming", "correction", "update"), ()),
    (("managed",), (Opcode.UPDATE, Opcode.UPDATE_VECTOR, *PROGRAMMING))])
def test_commands_of_what_is_left_out_are_refused(engines, refused):
    config = replace(TINY, engines=engines)
    controller = Controller(loaded_tile(config, 1))
    for opcode in Opcode:
        before = state(controller.tile)
        words = packet(opcode, payload=np.zeros(payload_length(config, opcode, 0)))
        status = int(controller.exchange(words)[0]) >> 16 & 0xFF
        assert (status == Status.BAD_OPCODE) == (opcode in refused), opcode.name
        if opcode in refused:
            assert state(controller.tile) == before
    read = controller.exchange(packet(Opcode.READ, Plane.CORRECTION_GAIN))
    assert int(read[0]) >> 16 & 0xFF == (Status.OK if "correction" in engines else Status.BAD_ARGUMENT)


def test_a_tile_without_managed_commands_says_so():
    tile = loaded_tile(replace(TINY, engines=()), 1)
    with pytest.raises(ValueError, match="Command must be one that the tile has, not FORWARD_VECTOR, whose engine"):
        tile.forward_vector(np.zeros(ROWS, dtype=np.int64))
    with pytest.raises(ValueError, match="not VERIFY"):
        tile.verify(0, np.zeros(COLS, dtype=np.int64))
    with pytest.raises(ValueError, match="not UPDATE_VECTOR"):
        tile.abort_update_vector(np.zeros(ROWS, dtype=np.int64), np.zeros(COLS, dtype=np.int64), 0)


def test_a_tile_without_updates_says_so():
    tile = loaded_tile(replace(TINY, engines=("managed",)), 1)
    before = state(tile)
    rows, cols = np.zeros(ROWS, dtype=np.int64), np.zeros(COLS, dtype=np.int64)
    with pytest.raises(ValueError, match="Command must be one that the tile has, not UPDATE, whose engine"):
        tile.update(rows, cols, 3)
    with pytest.raises(ValueError, match="not UPDATE_VECTOR"):
        tile.update_vector(rows, cols)
    assert state(tile) == before


def test_settings_that_are_fixed_and_updates_that_are_too_long_say_so():
    tile = loaded_tile(replace(TINY, fixed=("t_slot", "irq_enable"), max_bl=40), 1)
    before = state(tile)
    with pytest.raises(ValueError, match="Register must be a writable one, not t_slot, which this tile has fixed at 1"):
        tile.set("t_slot", 2)
    with pytest.raises(ValueError, match=r"Register bl must be in 1\.\.40, not 41"):
        tile.set("bl", 41)
    with pytest.raises(ValueError, match=r"BL must be in 1\.\.40, not 41"):
        tile.update(np.zeros(ROWS, dtype=np.int64), np.zeros(COLS, dtype=np.int64), 41)
    assert state(tile) == before
    assert tile.get("t_slot") == 1


def test_counters_that_are_left_out_say_so():
    tile = loaded_tile(replace(TINY, counters=("chip_cycles",), operation_counters=False), 1)
    tile.forward(np.zeros(ROWS, dtype=np.int64))
    assert tile.counters().keys() == {"chip_cycles"}
    assert not tile.last_counters()
    with pytest.raises(ValueError, match="Counter must be one that the tile has, chip_cycles, not 'slots'"):
        tile.counters()["slots"]
