# SPDX-License-Identifier: Apache-2.0
"""`docs/contract.md` says what `golden/` does: its tables and worked examples are read and compared."""
import hashlib
import re
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from golden import adc, device
from golden.adc import Adc, AdcConfig, AdcKind
from golden.config import COUNTERS, LEVEL, MAX_LEVEL, VECTOR, Plane, TileConfig
from golden.controller import Controller
from golden.correction import CORRECTION_GAIN
from golden.device import ConstantStep, PiecewiseStep, StepEngine
from golden.formats import Format, divide_half_even, round_half_even
from golden.gain import gain
from golden.management import NoiseManagement, UpdateManagement, decode, encode, inverse_lsb, scales, update_levels
from golden.noise import Stream, gaussian, gaussian_table, uniform
from golden.presets import DEVICES
from golden.protocol import SERVED, Opcode, Status, payload_length
from golden.pulses import Encoding, Train, train
from golden.registers import CONTRACT_VERSION, register_map
from golden.threefry import threefry2x32
from golden.tile import Tile
from tests.golden import reference

TEXT = (Path(__file__).parents[2] / "docs" / "contract.md").read_text(encoding="utf-8")
DEFAULT = TileConfig()
WEIGHT = Format(18, frac=16)


@cache
def section(heading: str) -> str:
    """Text between a heading and the next one."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, f"docs/contract.md must have a section {heading!r}"
    return found[1]


@cache
def tables(heading: str) -> list[list[dict[str, str]]]:
    """Every table of a section, as rows by column name."""
    blocks = re.findall(r"(?:^\|.*\n?)+", section(heading), re.MULTILINE)
    parsed = []
    for block in blocks:
        head, _, *rows = ([cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
                          for line in block.strip().splitlines())
        assert all(len(row) == len(head) for row in rows), f"Rows of {heading!r} must have {len(head)} cells"
        parsed.append([dict(zip(head, row, strict=True)) for row in rows])
    return parsed


def rows(heading: str, number: int = 0):
    """One table's rows, each named by its first cells in the test's id."""
    found = tables(heading)[number]
    assert found
    return pytest.mark.parametrize("row", found, ids=["-".join(list(row.values())[:3]) for row in found])


def integers(row: dict[str, str], *names: str) -> list[int]:
    return [int(row[name]) for name in names]


def numbered(heading: str, column: str) -> list[tuple[int, str]]:
    return [(int(row["number"]), row[column]) for row in tables(heading)[0]]


def words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


def test_version():
    assert f"\nVersion {CONTRACT_VERSION}. " in TEXT


@rows("Examples: round")
def test_round(row):
    x, n, result = integers(row, "x", "n", "result")
    assert round_half_even(x, n) == result


@rows("Examples: divide")
def test_divide(row):
    a, b, result = integers(row, "a", "b", "result")
    assert divide_half_even(a, b) == result


def test_formats():
    formats = {
        "input code x, error code d": DEFAULT.code, "weight w": DEFAULT.weight, "charge q": DEFAULT.charge,
        "ADC gain": adc.GAIN, "correction gain": CORRECTION_GAIN, "ADC offset": DEFAULT.adc.offset,
        "ADC noise sigma": adc.SIGMA,
        "held": DEFAULT.adc.held, "ADC code": DEFAULT.adc.code, "level": LEVEL, "step": device.STEP,
        "slope": device.SLOPE, "bound": DEFAULT.engine.bound, "mean step": device.MEAN, "table node": device.TABLE,
        "write sigma": device.WRITE_SIGMA, "c2c sigma": device.SIGMA, "c2c gain": device.GAIN, "vector": VECTOR}
    listed = {row["quantity"]: integers(row, "bits", "frac", "min", "max") for row in tables("Formats")[0]}
    xi = gaussian(np.arange(1 << 16))
    assert listed.pop("xi") == [int(xi.max()).bit_length() + 1, 10, xi.min(), xi.max()]
    expected = {name: [f.bits, f.frac, f.min, f.max] for name, f in formats.items()}
    expected["level"][2:] = [-MAX_LEVEL, MAX_LEVEL]
    assert listed == expected


@pytest.mark.parametrize("bits", [4, 8, 9, 14])
def test_width_of_the_held_charge(bits):
    assert "max(ADC bits, 8) + 10 bits" in section("Formats")
    assert AdcConfig(bits=bits).held.bits == max(bits, 8) + 10


def test_planes():
    adc_config = AdcConfig(capacitor_spread=0.1, comparator_offset=1.0)
    config = replace(DEFAULT, cols=80, device=DEVICES["ReRamSB"], adc=adc_config)
    formats = {"weight": config.weight, "step": device.STEP, "slope": device.SLOPE, "bound": config.engine.bound,
               "ADC gain": adc.GAIN,
               "correction gain": CORRECTION_GAIN,
               "ADC offset": config.adc.offset}
    shapes = {"R x C": (64, 80), "1 x N": (1, 80), "B x N": (9, 80)}
    listed = {(int(row["number"]), row["plane"]): (formats[row["format"]], *shapes[row["shape"]])
              for row in tables("Planes")[0]}
    assert listed == {(plane.value, plane.name): tuple(shape) for plane, shape in config.planes.items()}


def test_streams():
    assert numbered("Streams", "stream") == [(s.value, s.name) for s in Stream]


@rows("Examples: Threefry")
def test_threefry(row):
    result = threefry2x32(*words(row["counter"]), *words(row["key"]), int(row["rounds"]))
    assert [int(x) for x in result] == words(row["result"])


def test_gaussian_table():
    starts = [integers(row, *map(str, range(8))) for row in tables("Table T")[0]]
    assert [row["octave"] for row in tables("Table T")[0]] == [str(n) for n in range(16)]
    segments = []
    for octave, line in enumerate(starts):
        ends = [*line[1:], starts[octave - 1][0] if octave else 0]
        segments += [(start, start - end) for start, end in zip(line, ends, strict=True)]
    assert tuple(segments) == gaussian_table()
    digest = hashlib.sha256(",".join(f"{start}:{drop}" for start, drop in segments).encode()).hexdigest()
    assert f"`{digest}`" in section("Table T")


@rows("Examples: draws")
def test_draws(row):
    coordinates = integers(row, "event", "row", "column", "slot", "rounds")
    draw = uniform(int(row["seed"]), Stream[row["stream"]], *coordinates)
    assert [draw, gaussian(draw)] == integers(row, "draw", "xi")


@rows("Examples: draws", 1)
def test_xi_of_draws(row):
    assert gaussian(int(row["draw"])) == int(row["xi"])


@rows("Examples: trains")
def test_trains(row):
    seed, event, line, level, bl = integers(row, "seed", "event", "line", "level", "BL")
    levels = np.zeros(line + 1, dtype=np.int64)
    levels[line] = level
    pulses = train(DEFAULT, seed, Stream[row["stream"]], event, levels, bl, Train[row["train"]])[line]
    assert "".join(str(int(on)) for on in pulses) == row["slots 0, 1, ..."]


def test_kinds_of_trains():
    assert [(int(row["train"]), row["kind"]) for row in tables("4. Lines")[1]] == [(k.value, k.name) for k in Train]


@rows("Examples: gain and shift")
def test_gain_and_shift(row):
    config = TileConfig(weight_bits=int(row["weight_bits"]), code_bits=int(row["code_bits"]),
                        adc=AdcConfig(bits=int(row["ADC bits"]), bound=float(row["bound"])))
    assert [config.converter.shift, config.converter.nominal_gain] == integers(row, "shift", "nominal gain")


@rows("Examples: conversions")
def test_conversions(row):
    assert f"shift {DEFAULT.converter.shift}." in section("Examples: conversions")
    q, gain, offset, sigma, xi = integers(row, "q", "gain", "offset", "sigma", "xi")
    noise = round_half_even(sigma * xi, 10)
    held = DEFAULT.converter.sample(q, gain, offset, noise)
    assert [noise, held, DEFAULT.converter.convert(held)] == integers(row, "noise", "held", "code")


@rows("Examples: kinds of converters")
def test_kinds_of_converters(row):
    held, comparator, noise, code = integers(row, "held", "comparator", "noise", "code")
    dac = np.array([int(d) for d in row["d"].split()])[:, None]
    imperfect = {} if row["kind"] != "sar" else {"capacitor_spread": 0.1 * bool(dac.any()),
                                                 "comparator_noise": float(noise != 0)}
    converter = Adc(AdcConfig(kind=row["kind"], bow=float(row["bow"]), **imperfect), DEFAULT.converter.charge_lsb)
    assert converter.convert(np.array([held]), comparator, dac, noise) == code


def test_steps_of_converters():
    listed = {row["kind"]: row["steps"] for row in tables("Steps")[0]}
    symbols = {"ADC bits": 9, "A": 255}
    assert list(listed) == list(AdcKind)
    for kind, steps in listed.items():
        factors = [symbols.get(factor) or int(factor) for factor in steps.split(" · ")]
        adc_config = AdcConfig(kind=kind, columns_per_adc=3)
        assert adc_config.steps == np.prod(factors)
        assert adc_config.cycles(7) == 3 * adc_config.steps * 7


@rows("Examples: step_frac")
def test_step_frac(row):
    parameters = {name: float(row[name]) for name in ("dw_min", "dw_min_dtod", "up_down", "up_down_dtod")}
    bits = int(row["weight_bits"])
    engine = StepEngine(ConstantStep(**parameters), Format(bits, frac=bits - 2))
    assert engine.step_frac == int(row["step_frac"])


@rows("Examples: populated devices")
def test_populated_devices(row):
    seed, r, c = integers(row, "seed", "row", "column")
    planes = StepEngine(DEVICES[row["device"]], WEIGHT).populate(r + 1, c + 1, seed, 13)
    names = ("step_up", "step_down", "w_max", "w_min", "slope_up", "slope_down")
    expected = {name: row[name] for name in names if row[name]}
    assert {name: str(values[r, c]) for name, values in planes.items()} == expected


def listed_device(name: str):
    if name != "table":
        return DEVICES[name]
    nodes = re.search(r"`([0-9., \n]+)`", section("Examples: pulses"))
    nodes = tuple(float(node) for node in nodes[1].split(","))
    return PiecewiseStep(dw_min=0.01, up=nodes, down=nodes)


@rows("Examples: pulses")
def test_pulses(row):
    engine = StepEngine(listed_device(row["device"]), WEIGHT)
    w, step, slope, w_max, w_min, xi = (np.array([value]) for value in integers(
        row, "w", "step", "slope", "w_max", "w_min", "xi"))
    up = np.array([row["direction"] == "up"])
    mean = engine.mean(w, up, step, slope)[0]
    gain = 4096 + reference.shift_right(engine.sigma * int(xi[0]), 10)
    delta = reference.shift_right(int(mean) * gain, 12 + engine.step_frac)
    after = engine.pulse(w, up, step, slope, w_max, w_min, xi)[0]
    assert [mean, gain, delta, after] == integers(row, "mean", "gain", "delta", "new w")


@rows("Examples: write noise")
def test_write_noise(row):
    parameters = {name: float(row[name]) for name in ("dw_min", "write_noise_std")}
    engine = StepEngine(ConstantStep(**parameters), WEIGHT)
    w, xi, weight = integers(row, "w", "xi'", "WEIGHT")
    assert engine.write_sigma == int(row["write_sigma"])
    assert engine.apparent(w, xi) == weight


@rows("Examples: updates")
def test_updates(row):
    config = TileConfig(rows=2, cols=2, lanes=1, device=DEVICES["GokmenVlasov"])
    tile, seed = Tile(config), int(row["seed"])
    for name, values in config.engine.populate(2, 2, seed, config.rounds).items():
        tile.write_plane(Plane[name.upper()], values)
    tile.set("seed", seed)
    tile.set("event", int(row["event"]))
    tile.update(integers(row, "row 0", "row 1"), integers(row, "column 0", "column 1"), int(row["BL"]))
    assert tile.counters()["coincidences"] == int(row["coincidences"])
    assert tile.planes[Plane.WEIGHT].ravel().tolist() == integers(row, "w00", "w01", "w10", "w11")


def test_chip_time():
    formulas = {row["operation"]: row["cycles"] for row in tables("Chip time")[0]}
    times = {"t_precharge": 17, "t_settle": 11, "t_slot": 3, "t_guard": 19, "t_hold": 7, "t_convert": 5,
             "t_recover": 23}
    terms = re.search(r"with window = ([^,]*),", section("Chip time"))
    values = {**times, "BL": 31, "columns_per_adc": 2, "ADC_steps": 9,
              "window": sum(times[name] for name in terms[1].split(" + "))}
    tile = Tile(replace(DEFAULT, rows=2, cols=3, lanes=1, adc=AdcConfig(columns_per_adc=2)))
    for name, value in times.items():
        tile.set(name, value)
    zeros = {name: np.zeros(n, dtype=np.int64) for name, n in (("row", 2), ("col", 3))}
    operations = {
        "FORWARD, BACKWARD": (lambda: tile.forward(zeros["row"]), lambda: tile.backward(zeros["col"])),
        "UPDATE": (lambda: tile.update(zeros["row"], zeros["col"], 31),)}
    assert list(operations) == list(formulas)
    for (name, runs), row in product(operations.items(), tables("4. Lines")[0]):
        tile.set("encoding", int(row["encoding"]))
        windows, slots = (int({"X": 63, "B": 6}.get(row[key], row[key])) for key in ("windows", "slots of a window"))
        values |= {"windows": windows, "slots": windows * slots}
        terms = [[values[factor.strip().replace(" ", "_")] for factor in term.split("·")]
                 for term in formulas[name].split("+")]
        for run in runs:
            before = tile.counters()["chip_cycles"]
            run()
            assert tile.counters()["chip_cycles"] - before == sum(int(np.prod(term)) for term in terms)


def test_counters():
    assert [row["counter"] for row in tables("Counters")[0]] == list(COUNTERS)
    tile = Tile(replace(DEFAULT, rows=2, cols=3, lanes=1, adc=AdcConfig(noise=0.0)))
    symbols = {"R": 2, "C": 3, "Σ \\|x\\|": 9, "Σ \\|d\\|": 12, "slots": 63, "BL": 3, "C · windows": 3,
               "R · windows": 2, "Σ \\|x\\| (bit-serial: ones of \\|x\\|)": 9,
               "Σ \\|d\\| (bit-serial: ones of \\|d\\|)": 12}
    for name, run in {"FORWARD": lambda: tile.forward([4, -5]), "BACKWARD": lambda: tile.backward([3, 4, -5]),
                      "UPDATE": lambda: tile.update([0, 0], [0, 0, 0], 3)}.items():
        before = tile.counters()
        run()
        after = tile.counters()
        for row in tables("Counters")[0]:
            amount = symbols.get(row[name], row[name])
            if str(amount).isdigit():
                assert after[row["counter"]] - before[row["counter"]] == int(amount), (name, row["counter"])
                assert tile.get(f"operation_{row['counter']}") == int(amount), (name, row["counter"])


def test_registers():
    """The page has the table; a test of that page compares it with the map."""
    assert "[registers.md](registers.md)" in section("10. Registers")
    assert "formats = code_bits | weight_bits << 8 | ADC bits << 16 | rounds << 24." in section("10. Registers")
    assert register_map(DEFAULT)["formats"].reset == 7 | 18 << 8 | 9 << 16 | 13 << 24


def test_opcodes():
    config = replace(DEFAULT, rows=3, cols=5, lanes=1)
    counts = {"0": 0, "1": 1, "2": 2, "R": 3, "C": 5, "R + C": 8, "columns of the plane": 5}
    listed = {Opcode(int(row["number"])): row for row in tables("Opcodes")[0]}
    assert numbered("Opcodes", "opcode") == [(o.value, o.name) for o in sorted(SERVED)]
    for opcode, row in listed.items():
        assert payload_length(config, opcode, 0) == counts[row["payload words"]]


def test_encodings():
    assert [(int(row["encoding"]), row["kind"]) for row in tables("4. Lines")[0]] == [(e, e.name) for e in Encoding]


def test_status():
    assert numbered("Status", "status") == [(s.value, s.name) for s in Status]


def test_packets():
    controller = Controller(Tile(TileConfig(rows=2, cols=3, lanes=1, adc=AdcConfig(bound=2.0, noise=0.0))))
    for row in tables("Examples: packets")[0]:
        assert controller.exchange(words(row["command"])).tolist() == words(row["response"]), row["what"]


@rows("Examples: gains")
def test_gains(row):
    assert list(gain(*integers(row, "n", "d"))) == integers(row, "mantissa", "shift")


@rows("Examples: codes and outputs")
def test_codes_and_outputs(row):
    vector = np.array([integers(row, "v[0]", "v[1]")])
    scale = scales(vector, int(row["nm"]))
    code, value = encode(DEFAULT, vector, scale), decode(DEFAULT, np.array([[int(row["ADC code"])]]), scale)
    assert [scale[0, 0], code[0, 0], value[0, 0]] == integers(row, "scale", "code", "value")


@rows("Examples: update levels")
def test_update_levels(row):
    x, d = np.array([integers(row, "x[0]", "x[1]")]), np.array([integers(row, "d[0]", "d[1]")])
    row_levels, col_levels, bl = update_levels(x, d, *integers(row, "ratio", "um", "bl"))
    expected = integers(row, "row 0", "row 1", "column 0", "column 1", "BL")
    assert [*row_levels[0], *col_levels[0], *bl] == expected


def test_numbers_of_management():
    text = section("12. Management")
    for nm, name in enumerate(("none", "abs-max", "abs-max-pow2")):
        assert NoiseManagement[name.upper().replace("-", "_")] == nm
        assert f"{nm} ({name})" in text
    assert f"um {UpdateManagement.OFF:d}: " in text
    assert f"um {UpdateManagement.UBLM:d} (UBLM)" in text
    inverse, shift = inverse_lsb(DEFAULT)
    assert 2 ** 23 <= inverse < 2 ** 24
    assert inverse == round(255 / 12 * 2.0 ** shift)


def test_defaults_of_the_configuration():
    defaults = {"rounds": DEFAULT.rounds, "code_bits": DEFAULT.code_bits, "weight_bits": DEFAULT.weight_bits,
                "P": DEFAULT.lanes, "ADC bits": DEFAULT.adc.bits, "ADC bound": DEFAULT.adc.bound,
                "ADC noise": DEFAULT.adc.noise}
    listed = {row["parameter"]: row["default"] for row in tables("2. Configuration and formats")[0]}
    assert {name: float(listed[name]) for name in defaults} == defaults


def fresh_tile(seed: int) -> Tile:
    """A populated tile of 2 x 2, weights zero."""
    config = TileConfig(rows=2, cols=2, lanes=1, device=DEVICES["GokmenVlasov"], adc=AdcConfig(bound=2.0))
    tile = Tile(config)
    for plane, values in config.populate(seed).items():
        tile.write_plane(plane, values)
    tile.set("seed", seed)
    return tile


@rows("Examples: windows")
def test_windows(row):
    seed, at_row, column, pulses, down, event = integers(row, "seed", "row", "column", "pulses", "down", "event behind")
    tile = fresh_tile(seed)
    tile.program(at_row, column, pulses, bool(down))
    assert tile.get("event") == event
    assert tile.planes[Plane.WEIGHT].ravel().tolist() == integers(row, "w00", "w01", "w10", "w11")


@rows("Examples: verify")
def test_verify(row):
    tile = fresh_tile(int(row["seed"]))
    for name, value in {"reads": 2, "tolerance": 300, "limit": int(row["L"]), "patience": int(row["p"])}.items():
        tile.set(f"verify_{name}", value)
    results = tile.verify(0, integers(row, "target 0", "target 1"))
    assert results.tolist() == integers(row, "result 0", "result 1")
    assert tile.get("event") == int(row["event behind"])
    assert tile.planes[Plane.WEIGHT][0].tolist() == integers(row, "w00", "w01")
