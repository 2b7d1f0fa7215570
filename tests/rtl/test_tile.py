# SPDX-License-Identifier: Apache-2.0
"""The whole tile under Verilator, in this process: the same packets to it and to `golden.controller.Controller`."""
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from crosstwin import aborts
from crosstwin.stimulus import draw_operations, readback
from golden.adc import AdcConfig
from golden.config import ALL, MAX_BL, MAX_LEVEL, SETTINGS, VECTOR, Plane, TileConfig
from golden.controller import Controller
from golden.device import SoftBounds
from golden.protocol import FIRST, LAST, Opcode, Status, packet, packets, payload_length, split
from golden.pulses import Encoding, Train, window_slots
from golden.registers import register_map
from golden.tile import Tile
from rtl.tile import Tile as RtlTile
from rtl.verilog import TOP, tile_verilog
from sim.model import VerilatedModel
from tests.golden.test_controller import ERRORS
from tests.rtl.simulation import asked
from tests.support import (
    CONFIGS,
    FOLDED,
    PARAMETERS,
    assert_bits,
    device_planes,
    managed_vectors,
    random_codes,
    random_updates,
    wild_planes,
)

TINY = CONFIGS["tiny"]
WIDE = TileConfig(rows=12, cols=16, lanes=5, code_bits=5, device=SoftBounds(dw_min=0.02, up_down=0.1),
                  adc=AdcConfig(bits=7, bound=3.0, gain_spread=0.05, offset_spread=3.0))
"""Lanes that divide neither the columns nor the draws of a Threefry call."""
BARE = replace(WIDE, engines=(), counters=("slots", "chip_cycles"), operation_counters=False)
"""What is left where everything is left out."""
FIXED = replace(FOLDED["rolled"], device=FOLDED["rolled"].device.alike(), parameter_bits=0, engines=("update",),
                adc=AdcConfig(bits=7, bound=3.0, noise=0.0), counters=(), operation_counters=False, max_bl=31,
                fixed=SETTINGS)
"""As on the smallest board: rolled, and no setting can be written."""
SMALL = {"tiny": TINY, "wide": WIDE, "bare": BARE, "fixed": FIXED, **FOLDED,
         **{name: PARAMETERS[name] for name in ("narrow", "constants", "folded, narrow", "folded, constants")}}
LANES = (1, 2, 4, 5, 8, 16)
STRESS = [(idle, stall) for idle in (0.0, 0.3) for stall in (0.0, 0.3)]
EMULATION_CYCLES = register_map(TINY)["emulation_cycles_low"].index


@cache
def verilated(config: TileConfig) -> VerilatedModel:
    """One model a configuration and process: unoptimized, since building it takes longer than all that it runs."""
    return VerilatedModel(tile_verilog(config), TOP, opt="-O0", max_idle_cycles=1_000_000)


class Pair:
    """A verilated tile and golden's controller, in the same state; every exchange is compared word by word."""

    def __init__(self, config: TileConfig, idle: float = 0.0, stall: float = 0.0):
        self.config, self.idle, self.stall = config, idle, stall
        self.model, self.controller = verilated(config), Controller(Tile(config))
        self.model.reset()
        for plane, shape in config.planes.items():  # a reset leaves the planes
            self.write(plane, np.zeros((shape.rows, shape.cols), dtype=np.int64))

    def exchange(self, words, named: str) -> np.ndarray:
        """The answer to some packets."""
        words = np.asarray(words, dtype=np.uint64)
        wanted, begin = self.controller.exchange(words), self.model.cycles
        n_packets = int(np.count_nonzero(wanted & np.uint64(LAST)))
        found = self.model.exchange(words, n_packets, idle=self.idle, stall=self.stall, seed=begin + 1)
        assert_bits(f"Tile.o, {named}, cycles {begin}..{self.model.cycles}", wanted, found)
        return found

    def write(self, plane: Plane, values) -> None:
        self.exchange(packets(Opcode.WRITE, np.full(len(values), plane), np.arange(len(values)), values).reshape(-1),
                      f"WRITE of {plane.name}")

    def set(self, name: str, value: int) -> None:
        index = register_map(self.config)[name].index
        self.exchange(packet(Opcode.SET, 0, index, [value]), f"SET of {name}")

    def load(self, seed: int) -> None:
        for plane, values in device_planes(self.config, seed).items():
            self.write(plane, values)
        self.set("seed", seed)

    def compare_state(self) -> None:
        """All planes, and all registers but the emulation cycles."""
        for operation in readback(self.config):
            self.exchange(operation.words, operation.name)

    def emulation_cycles(self) -> int:
        """The hardware's own counter."""
        words = self.model.exchange(packet(Opcode.GET, 2, EMULATION_CYCLES), 1)
        return int(words[1]) & 0xFFFFFFFF | (int(words[2]) & 0xFFFFFFFF) << 32

    def cycles_of(self, words, named: str) -> int:
        """Emulation cycles of one operation."""
        begin = self.emulation_cycles()
        self.exchange(words, named)
        return self.emulation_cycles() - begin


def operations(config: TileConfig, seed: int, n: int = 4) -> list[tuple[str, np.ndarray]]:
    """Named packets: forward, backward and update in turn, with rails and zeros among them."""
    x, d = random_codes(config, n, config.rows, seed), random_codes(config, n, config.cols, seed + 1)
    row, col, bl = random_updates(config, n, seed + 2)
    found = []
    for k in range(n):
        found += [(f"FORWARD {k}", packet(Opcode.FORWARD, payload=x[k])),
                  (f"UPDATE {k}", packet(Opcode.UPDATE, int(bl[k]), payload=np.concatenate([row[k], col[k]]))),
                  (f"BACKWARD {k}", packet(Opcode.BACKWARD, payload=d[k]))]
    return found


def managed(config: TileConfig, seed: int, n: int = 4) -> list[tuple[str, np.ndarray]]:
    """The same of vectors, of any magnitude."""
    xs, ds = managed_vectors(n + 8, config.rows, seed)[8:], managed_vectors(n + 8, config.cols, seed + 1)[8:]
    found = []
    for k, (x, d) in enumerate(zip(xs, ds, strict=True)):
        found += [(f"FORWARD_VECTOR {k}", packet(Opcode.FORWARD_VECTOR, payload=x)),
                  (f"UPDATE_VECTOR {k}", packet(Opcode.UPDATE_VECTOR, payload=np.concatenate([x, d]))),
                  (f"BACKWARD_VECTOR {k}", packet(Opcode.BACKWARD_VECTOR, payload=d))]
    return found


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("idle", "stall"), STRESS)
@pytest.mark.parametrize("config", SMALL.values(), ids=SMALL)
def test_random_packets(config, idle, stall, seed):
    """Good and malformed packets, several in flight; then everything that the tile remembers."""
    pair, rng = Pair(config, idle, stall), np.random.default_rng([seed, round(10 * idle), round(10 * stall)])
    waiting = list(draw_operations(rng, config, 60))
    while waiting:
        n = int(rng.integers(1, 9))
        together, waiting = waiting[:n], waiting[n:]
        pair.exchange(np.concatenate([operation.words for operation in together]),
                      ", ".join(operation.name for operation in together))
    pair.exchange(packet(Opcode.GET, 1, 1), "GET")  # ends a packet that was cut short
    pair.compare_state()


@pytest.mark.parametrize("seed", [1])
def test_any_words_in_the_planes(seed):
    """Weights beyond their bounds, bounds in disorder, full-scale steps, slopes, gains and offsets."""
    pair = Pair(WIDE)
    for plane, values in wild_planes(WIDE, seed).items():
        pair.write(plane, values)
    pair.set("seed", seed)
    for named, words in operations(WIDE, seed):
        pair.exchange(words, named)
    pair.compare_state()


@pytest.mark.parametrize(("idle", "stall"), STRESS)
def test_every_error_and_a_good_command_behind_it(idle, stall):
    pair = Pair(TINY, idle, stall)
    pair.load(1)
    good = packet(Opcode.FORWARD, payload=random_codes(TINY, 4, TINY.rows, 1)[3])
    for named, (words, status) in ERRORS.items():
        answers = split(pair.exchange(np.concatenate([words, good]), named))
        assert [int(answer[0]) >> 16 & 0xFF for answer in answers] == [status, Status.OK], named
    pair.compare_state()


@pytest.mark.parametrize(("idle", "stall"), STRESS)
def test_packets_cut_short_or_too_long(idle, stall):
    """Every command, cut behind each of its words or with too many, from one more to more than any counter."""
    pair = Pair(TINY, idle, stall)
    pair.load(1)
    good = packet(Opcode.GET, 1, 1)
    for opcode, argument in ((Opcode.GET, 1), (Opcode.SET, 0), (Opcode.WRITE, Plane.WEIGHT), (Opcode.READ, 0),
                             (Opcode.FORWARD, 0), (Opcode.BACKWARD, 0), (Opcode.UPDATE, 3), (Opcode.RESET, 0),
                             (Opcode.FORWARD_VECTOR, 0), (Opcode.BACKWARD_VECTOR, 0), (Opcode.UPDATE_VECTOR, 0),
                             (99, 0)):
        length = payload_length(TINY, opcode, argument)
        index = 8 if opcode == Opcode.SET else 0
        whole = packet(opcode, argument, index, np.ones(length))
        for end in range(1, len(whole) + 1):
            cut = whole[:end] & ~np.uint64(LAST)
            pair.exchange(np.concatenate([cut, good]), f"opcode {opcode}, cut behind word {end}")
        for extra in (1, 2, 3, 5, 8, 245, 256, 512, 1024 - length, 1024):
            words = packet(opcode, argument, index, np.ones(length + extra))
            pair.exchange(np.concatenate([words, good]), f"opcode {opcode}, {extra} words too many")
    for n in (1, 2, 40):
        stray = np.full(n, 0x05_00_0000, dtype=np.uint64)
        pair.exchange(np.concatenate([stray, good]), f"{n} stray words and a first")
        stray[-1] |= np.uint64(LAST)
        pair.exchange(np.concatenate([stray, good]), f"{n} stray words with last")
    pair.exchange([FIRST | 0x05_00_0000, FIRST | 0x06_00_0000, FIRST | LAST | 0x08_00_0000], "first upon first")
    pair.compare_state()


@pytest.mark.parametrize("config", [TINY, WIDE], ids=["tiny", "wide"])
def test_bad_values_in_every_word(config):
    """One value beyond its format in any place of any packet: the packet changes nothing."""
    pair = Pair(config)
    pair.load(2)
    cases = [(Opcode.WRITE, plane, shape.cols, shape.format.min, shape.format.max)
             for plane, shape in config.planes.items()]
    cases += [(Opcode.FORWARD, 0, config.rows, config.code.min, config.code.max),
              (Opcode.BACKWARD, 0, config.cols, config.code.min, config.code.max),
              (Opcode.UPDATE, 2, config.rows + config.cols, -MAX_LEVEL, MAX_LEVEL),
              (Opcode.FORWARD_VECTOR, 0, config.rows, VECTOR.min, VECTOR.max),
              (Opcode.BACKWARD_VECTOR, 0, config.cols, VECTOR.min, VECTOR.max),
              (Opcode.UPDATE_VECTOR, 0, config.rows + config.cols, VECTOR.min, VECTOR.max)]
    for opcode, argument, n, low, high in cases:
        for place in sorted({0, 1, n // 2, n - 1}):
            for value in (low - 1, high + 1, -(1 << 31), (1 << 31) - 1):
                payload = np.resize([low, high, 0], n)
                payload[place] = value
                answer = pair.exchange(packet(opcode, argument, 0, payload), f"{opcode.name}, {value:#x} in {place}")
                assert int(answer[0]) >> 16 & 0xFF == Status.BAD_VALUE
    pair.compare_state()


@pytest.mark.parametrize("broken", [Opcode.FORWARD, Opcode.BACKWARD, Opcode.UPDATE, Opcode.FORWARD_VECTOR,
                                    Opcode.UPDATE_VECTOR], ids=lambda opcode: opcode.name)
def test_reset_in_the_midst_of_an_operation(broken):
    """The reset line in any cycle, from the first word of the command to behind its answer: the next operations
    give what they always give.
    """
    pair = Pair(TINY)
    pair.load(3)
    named = (managed if broken.name.endswith("VECTOR") else operations)(TINY, 4, 1)
    (words,) = (words for name, words in named if name == f"{broken.name} 0")
    weights = pair.controller.tile.planes[Plane.WEIGHT].copy()
    cuts = [(end, 0) for end in range(1, len(words))]
    step = 3 if broken in (Opcode.FORWARD, Opcode.BACKWARD) else 5
    cuts += [(len(words), wait) for wait in (*range(12), *range(12, 200, step))]
    for end, wait in cuts:
        pair.model.exchange(words[:end], 0)
        pair.model.spin(wait)
        pair.model.reset()
        pair.controller = Controller(pair.controller.tile)
        pair.controller.tile.reset()
        pair.set("ratio", 1 << 20)
        pair.write(Plane.WEIGHT, weights)
        for name, others in named[::-1]:
            pair.exchange(others, f"{name} behind a reset {wait} cycles after word {end}")
    pair.compare_state()


@pytest.mark.parametrize("train", Train, ids=lambda train: train.name)
@pytest.mark.parametrize("name", ["tiny", "wide", "folded tiny", "folded wide", "folded writenoise"])
def test_encodings_and_trains(name, train):
    """All encodings of codes with each kind of train, under any times."""
    config = SMALL[name]
    pair, rng = Pair(config), np.random.default_rng(train)
    pair.load(1)
    pair.set("train", train)
    for encoding in Encoding:
        pair.set("encoding", encoding)
        for name in TIMES:
            pair.set(name, int(rng.integers(1, 6)))
        for named, words in operations(config, 10 + encoding, 3):
            if named.startswith("UPDATE") and train is Train.WORDS:
                words = packet(Opcode.UPDATE, int(rng.integers(1, 32)),
                               payload=rng.integers(-1 << 31, 1 << 31, config.rows + config.cols))
            pair.exchange(words, f"{encoding.name}, {named}")
        pair.compare_state()


ABORTED = register_map(TINY)["aborted_slots"].index


def abort(pair: Pair, words, wait: int, named: str) -> tuple[int | None, int] | None:
    """Send an operation, and an ABORT so many cycles later; golden is told where it was cut, if it was."""
    questions = aborts.abort(pair.config)
    pair.model.exchange(words, 0)
    pair.model.spin(wait)
    found = pair.model.exchange(questions, aborts.N_ANSWERS)
    place = aborts.place(pair.controller.tile, found)
    if place is not None:
        pair.controller.abort_at(*place)
    wanted = pair.controller.exchange(np.concatenate([words, questions]))
    assert_bits(f"answers to {named}, aborted {wait} cycles later", wanted, found)
    return place


@pytest.mark.parametrize("encoding", Encoding, ids=lambda encoding: encoding.name)
@pytest.mark.parametrize("config", [TINY, FOLDED["folded tiny"]], ids=["tiny", "folded tiny"])
def test_abort_and_resume(config, encoding):
    """In any cycle, and once more while it is resumed; then all bits are those of operations that were not aborted."""
    pair, whole = Pair(config), Controller(Tile(config))
    pair.load(5)
    for plane, values in device_planes(config, 5).items():
        whole.tile.write_plane(plane, values)
    whole.tile.set("seed", 5)
    for name, value in {"encoding": encoding, "t_slot": 3, "t_recover": 2, "train": encoding, "t_guard": 1,
                        "ratio": 1 << 20, "bm_backward": 1}.items():
        pair.set(name, value)
        whole.tile.set(name, value)
    resume, cuts = packet(Opcode.RESUME), set()
    for n, wait in enumerate((*range(0, 60, 3), *range(60, 250, 13))):
        for named, words in operations(config, n, 1) + managed(config, n, 1):
            wanted = whole.exchange(words)
            pair.exchange(resume, "RESUME of nothing")
            place = abort(pair, words, wait, named)
            cuts.add((named, place))
            if place is not None:
                again = abort(pair, resume, 3 * wait // 2, f"RESUME of {named}")
                if again is not None:
                    assert_bits(f"answer to RESUME of {named}", wanted, pair.exchange(resume, f"RESUME of {named}"))
        for plane in config.planes:
            assert_bits(plane.name, whole.tile.planes[plane], pair.controller.tile.planes[plane])
    assert len(cuts) > 20
    pair.compare_state()


@pytest.mark.parametrize("encoding", [Encoding.WIDTH, Encoding.SERIAL_ANALOG], ids=lambda encoding: encoding.name)
def test_abort_in_any_pass_of_bound_management(encoding):
    """With converters that saturate in every pass, as they would not of a bit alone: what the passes before have cost
    stays, and RESUME begins anew.
    """
    pair, places = Pair(TINY), set()
    pair.load(5)
    for plane in (Plane.WEIGHT, Plane.ADC_GAIN, Plane.ADC_OFFSET):
        shape = TINY.planes[plane]
        pair.write(plane, np.full((shape.rows, shape.cols), shape.format.max))
    for name, value in {"encoding": encoding, "bm_passes": 4, "bm_backward": 1, "t_slot": 2}.items():
        pair.set(name, value)
    for opcode, n in ((Opcode.FORWARD_VECTOR, TINY.rows), (Opcode.BACKWARD_VECTOR, TINY.cols)):
        words = packet(opcode, payload=[1 << 16] * n)
        total = pair.cycles_of(words, opcode.name)
        for wait in range(0, total, max(1, total // 40)):
            place = abort(pair, words, wait, opcode.name)
            places.add(place)
            pair.exchange(packet(Opcode.RESUME), f"RESUME of {opcode.name}")
    assert {place[1] for place in places if place} == {0, 1, 2, 3}
    pair.compare_state()


PROGRAMS = {
    "PROGRAM": packet(Opcode.PROGRAM, 1, 150, (0, ALL)), "SYMMETRIZE": packet(Opcode.SYMMETRIZE, 0, 4, (ALL, 1)),
    "SENSE": packet(Opcode.SENSE, 2, 1), "CALIBRATE": packet(Opcode.CALIBRATE, 2, 2),
    "VERIFY": packet(Opcode.VERIFY, 0, 1, [20000, -30000, 0, 50000, 100, 131071][:TINY.cols]),
}


@pytest.mark.parametrize("encoding", [Encoding.WIDTH, Encoding.SERIAL], ids=lambda encoding: encoding.name)
@pytest.mark.parametrize("name", PROGRAMS)
def test_abort_of_programming(name, encoding):
    """In any cycle: the steps made remain, what is left of a read is counted, and there is nothing to resume."""
    pair, words, places = Pair(TINY), PROGRAMS[name], set()
    pair.load(8)
    for register, value in {"encoding": encoding, "t_slot": 2, "t_guard": 1, "t_recover": 2, "verify_reads": 1,
                            "verify_limit": 2, "verify_gain": 60}.items():
        pair.set(register, value)
    total = pair.cycles_of(words, name)
    for wait in (0, 1, 2, *range(5, total, max(1, total // 40)), total, total + 50):
        weights = pair.controller.tile.planes[Plane.WEIGHT].copy()
        places.add(abort(pair, words, wait, name))
        pair.exchange(packet(Opcode.RESUME), f"RESUME of {name}")
        pair.compare_state()
        pair.write(Plane.WEIGHT, weights)
    assert len({place and place[1] for place in places}) > 3
    assert None in places
    assert any(place and place[0] for place in places) == (name in ("SENSE", "VERIFY"))
    assert any(place and place[0] is None for place in places)


def test_what_gives_up_an_aborted_operation():
    """RESUME behind each command, good and bad; a header decides."""
    pair = Pair(TINY)
    pair.load(6)
    registers, (_, update), codes = register_map(TINY), operations(TINY, 1, 1)[1], [0] * TINY.rows
    for named, words in {
        "GET": packet(Opcode.GET, 1, 0), "READ": packet(Opcode.READ, 0, 0), "ABORT": packet(Opcode.ABORT),
        "SET of irq_status": packet(Opcode.SET, 0, registers["irq_status"].index, [7]),
        "SET of seed": packet(Opcode.SET, 0, registers["seed"].index, [6]), "RESET": packet(Opcode.RESET),
        "WRITE": packet(Opcode.WRITE, Plane.ADC_GAIN, 0, [30000] * 6), "FORWARD": packet(Opcode.FORWARD, payload=codes),
        "short FORWARD": packet(Opcode.FORWARD, payload=codes[1:]),
        "cut FORWARD": packet(Opcode.FORWARD, payload=codes)[:2] & ~np.uint64(LAST),
        "UPDATE of BL 0": packet(Opcode.UPDATE, 0, payload=[0] * 11), "no opcode": packet(99),
        "long ABORT": packet(Opcode.ABORT, payload=[0]), "long RESUME": packet(Opcode.RESUME, payload=[1]),
    }.items():
        assert abort(pair, update, 2, "UPDATE") is not None
        pair.exchange(np.concatenate([words, packet(Opcode.GET, 1, ABORTED), packet(Opcode.RESUME)]), named)
    pair.compare_state()


def test_aborts_in_a_row():
    """Each is answered, in order, behind the operation that it meets."""
    pair = Pair(TINY)
    pair.load(6)
    words = packet(Opcode.FORWARD, payload=[1] * TINY.rows)
    pair.model.exchange(words, 0)
    found = pair.model.exchange(np.concatenate([packet(Opcode.ABORT)] * 3 + [packet(Opcode.GET, 1, ABORTED)]), 5)
    pair.controller.abort_at(int(found[-1] & 0xFFFFFFFF))
    wanted = pair.controller.exchange(np.concatenate([words, *[packet(Opcode.ABORT)] * 3,
                                                      packet(Opcode.GET, 1, ABORTED)]))
    assert_bits("answers", wanted, found)


@pytest.mark.parametrize("lane_counts", [(1, 4, 5, 16), pytest.param(LANES, marks=pytest.mark.regress)], ids=str)
def test_lane_counts_give_identical_bits(lane_counts):
    """Outputs, weights and all counters but the emulation cycles, which fall as lanes are added."""
    cycles = {}
    answers = {}
    for lanes in lane_counts:
        pair = Pair(replace(WIDE, lanes=lanes))
        pair.load(7)
        answers[lanes] = [pair.exchange(words, f"{lanes} lanes, {named}") for named, words in operations(WIDE, 7)]
        pair.compare_state()
        cycles[lanes] = pair.emulation_cycles()
    first, *others = lane_counts
    for lanes in others:
        assert_bits(f"{lanes} lanes against {first}", np.concatenate(answers[first]), np.concatenate(answers[lanes]))
    assert list(cycles.values()) == sorted(cycles.values(), reverse=True), cycles


TIMES = {"t_precharge": 0, "t_settle": 4, "t_slot": 1, "t_guard": 0, "t_hold": 4, "t_convert": 1, "t_recover": 0}
OTHER_TIMES = {"t_precharge": 6, "t_settle": 1, "t_slot": 3, "t_guard": 5, "t_hold": 9, "t_convert": 2, "t_recover": 4}


def bound(config: TileConfig, opcode: Opcode, visits: int, times: dict[str, int], bl: int = 0,
          encoding: Encoding = Encoding.WIDTH) -> int:
    """Most emulation cycles of an operation that visits so many chunks of cross-points."""
    return asked(lambda: RtlTile(config), lambda tile: tile.cycle_bound(opcode, visits, times, bl, encoding))


def vector(n: int, kind: str, largest: int) -> np.ndarray:
    values = np.zeros(n, dtype=np.int64)
    where = {"dense": slice(None), "sparse": slice(0, n, 3), "one": slice(n - 1, None), "zero": slice(0, 0)}[kind]
    values[where] = -largest
    return values


@pytest.mark.parametrize("times", [TIMES, OTHER_TIMES], ids=str)
@pytest.mark.parametrize("base", [WIDE, FOLDED["folded wide"]], ids=["wide", "folded wide"])
@pytest.mark.parametrize("lanes", [4, 16])
def test_cycles_keep_to_their_bound(lanes, base, times):
    """Dense, sparse, single-line and zero vectors; single-row updates are the worst case of the hazard."""
    config = replace(base, lanes=lanes)
    pair, K = Pair(config), config.chunks
    pair.load(1)
    for name, value in times.items():
        pair.set(name, value)
    for kind in ("dense", "sparse", "one", "zero"):
        x, d = vector(config.rows, kind, config.code.max), vector(config.cols, kind, config.code.max)
        cycles = pair.cycles_of(packet(Opcode.FORWARD, payload=x), f"{kind} FORWARD")
        assert cycles <= bound(config, Opcode.FORWARD, max(np.count_nonzero(x), 1) * K, times), kind
        cycles = pair.cycles_of(packet(Opcode.BACKWARD, payload=d), f"{kind} BACKWARD")
        assert cycles <= bound(config, Opcode.BACKWARD, config.rows * K, times), kind
        for bl, level in ((1, MAX_LEVEL), (31, MAX_LEVEL // 2), (MAX_BL, MAX_LEVEL)):
            before = pair.controller.tile.counters()["row_pulses"]
            payload = np.concatenate([vector(config.rows, kind, level), vector(config.cols, "dense", level)])
            cycles = pair.cycles_of(packet(Opcode.UPDATE, bl, payload=payload), f"{kind} UPDATE of {bl}")
            slots_on_rows = pair.controller.tile.counters()["row_pulses"] - before
            assert cycles <= bound(config, Opcode.UPDATE, slots_on_rows * K, times, bl), (kind, bl)
    for encoding in (Encoding.SERIAL, Encoding.SERIAL_ANALOG):
        pair.set("encoding", encoding)
        windows, _ = window_slots(config, encoding)
        for kind in ("dense", "one"):
            x, d = vector(config.rows, kind, config.code.max), vector(config.cols, kind, config.code.max)
            cycles = pair.cycles_of(packet(Opcode.FORWARD, payload=x), f"{kind} FORWARD")
            visits = windows * np.count_nonzero(x) * K
            assert cycles <= bound(config, Opcode.FORWARD, visits, times, 0, encoding), (encoding, kind)
            cycles = pair.cycles_of(packet(Opcode.BACKWARD, payload=d), f"{kind} BACKWARD")
            assert cycles <= bound(config, Opcode.BACKWARD, windows * config.rows * K, times, 0, encoding)


@pytest.mark.parametrize("lanes", [4, 16])
def test_zero_codes_cost_nothing(lanes):
    """Each active row costs the same K cycles, wherever it is; a zero one costs none."""
    config = replace(WIDE, lanes=lanes)
    pair, cycles = Pair(config), {}
    pair.load(1)
    for rows in ([0], [11], [0, 1], [3, 9], [0, 5, 11], list(range(12))):
        codes = np.zeros(config.rows, dtype=np.int64)
        codes[rows] = 1
        cycles[tuple(rows)] = pair.cycles_of(packet(Opcode.FORWARD, payload=codes), f"FORWARD of rows {rows}")
    one = cycles[(0,)]
    assert cycles == {rows: one + (len(rows) - 1) * config.chunks for rows in cycles}
    assert pair.cycles_of(packet(Opcode.FORWARD, payload=np.zeros(config.rows)), "FORWARD of zeros") == one
    updates = {}
    for named, row, col in (("no rows", "zero", "dense"), ("no columns", "dense", "zero"), ("neither", "zero", "zero")):
        payload = np.concatenate([vector(config.rows, row, MAX_LEVEL), vector(config.cols, col, MAX_LEVEL)])
        updates[named] = pair.cycles_of(packet(Opcode.UPDATE, 10, payload=payload), f"UPDATE with {named}")
    assert len(set(updates.values())) == 1, updates


@pytest.mark.parametrize("t_slot", [
    1, 3, 8, 20, *(pytest.param(t_slot, marks=pytest.mark.regress) for t_slot in (2, 6, 7))])
@pytest.mark.parametrize("lanes", [4, 16])
def test_cycles_of_a_slot_are_exact(lanes, t_slot):
    """Throughput of trains: what 32 slots more cost, with no, all or one line pulsing."""
    config = replace(WIDE, lanes=lanes)
    pair, K = Pair(config), config.chunks
    pair.load(1)
    pair.set("t_slot", t_slot)
    made = -(-config.rows // lanes) + K + 2  # while the slot before it is played; two cycles go by after it is taken
    played = max(t_slot, made)
    wait = asked(lambda: RtlTile(config), lambda tile: tile.crossbar.core.updater.wait)
    for rows, computed in (("zero", 2), ("dense", max(2 + config.rows * K, wait + 1)),
                           ("one", max(2 + K, wait + 1))):
        payload = np.concatenate([vector(config.rows, rows, MAX_LEVEL), vector(config.cols, "dense", MAX_LEVEL)])
        few, many = (pair.cycles_of(packet(Opcode.UPDATE, bl, payload=payload), f"UPDATE of {bl}, rows {rows}")
                     for bl in (31, 63))
        assert_bits(f"cycles of 32 slots, rows {rows}", 32 * (played + computed), many - few)


@pytest.mark.regress
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", CONFIGS)
def test_long_random_packets(name, seed):
    """Every device model, many packets."""
    config = CONFIGS[name]
    pair, rng = Pair(config, 0.1 * (seed % 3), 0.1 * (seed // 3)), np.random.default_rng(seed)
    for operation in draw_operations(rng, config, 400):
        pair.exchange(operation.words, operation.name)
    pair.exchange(packet(Opcode.GET, 1, 1), "GET")
    pair.compare_state()


