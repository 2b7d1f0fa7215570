# SPDX-License-Identifier: Apache-2.0
"""cocotb bench of the tile with pins: a behavioral crossbar outside, golden with the same devices beside it.

Run by test_pins_tile. What the emulator would give inside is what golden gives; both must be what comes back here.
"""
import os
from dataclasses import replace

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge, SimTimeoutError, with_timeout

from crosstwin.stimulus import draw_operations, readback
from golden.adc import AdcKind
from golden.config import PINS_LATENCY, Plane, TileConfig
from golden.controller import Controller
from golden.protocol import LAST, Opcode, Status, packet
from golden.pulses import Encoding
from golden.tile import Tile
from sim.bus import StreamDriver, StreamMonitor, start
from tests.rtl.array_model import ArrayModel
from tests.support import CONFIGS, assert_bits, device_planes, random_codes, random_updates

ADCS = {"sar": {}, "shared": {"columns_per_adc": 3}, "ramp": {"kind": "ramp", "bits": 5},
        "cco": {"kind": "cco", "bits": 6, "columns_per_adc": 4}, "spi": {"kind": "spi"}}
"""Converters by name; the bench is run with each."""


def config_of(adc: str) -> TileConfig:
    """The tile of that name."""
    config = CONFIGS["softbounds"]
    return replace(config, pins=True, adc=replace(config.adc, **ADCS[adc]))


CONFIG = config_of(os.environ.get("ADC", "sar"))
PERIOD = 10
DELAY = 5.0
"""Nanoseconds that the array takes to answer: with what is looked at late, well within a cycle."""


BEYOND_THE_MODEL = range(Opcode.FORWARD_VECTOR, Opcode.CALIBRATE + 1)
"""Commands of several windows: which of them is a repeat only the tile knows, and with it the noise's address."""


class Bench:
    """The tile between a driver and a monitor, an array at its pins, and golden beside it."""

    def __init__(self, dut, delay_ns: float = DELAY):
        self.dut, self.controller = dut, Controller(Tile(CONFIG))
        self.tile, self.array = self.controller.tile, ArrayModel(dut, CONFIG, delay_ns)

    async def begin(self, seed: int) -> None:
        """Reset, with the same devices in golden and outside."""
        await start(self.dut, period_ns=PERIOD)
        self.array.start()
        for plane, values in device_planes(CONFIG, seed).items():
            self.tile.planes[plane][:] = self.array.planes[plane][:] = values
        for plane in CONFIG.loadable:
            for row, values in enumerate(self.tile.planes[plane]):
                await self.compare(packet(Opcode.WRITE, plane, row, values), f"WRITE of {plane.name}")

    async def exchange(self, words, named: str) -> tuple[np.ndarray, np.ndarray]:
        """Golden's answer and the tile's to one packet; none where it should answer, but does not."""
        self.array.seed, self.array.event = self.tile.get("seed"), self.tile.get("event")
        self.array.t_slot = self.tile.get("t_slot")
        self.array.is_serial = self.tile.get("encoding") == Encoding.SERIAL
        words = np.asarray(words, dtype=np.uint64)
        wanted = self.controller.exchange(words)
        sent = cocotb.start_soon(StreamDriver(self.dut, "i").send(words.tolist()))
        answer = StreamMonitor(self.dut, "o").receive(int(np.count_nonzero(wanted & np.uint64(LAST))))
        try:
            found = await with_timeout(answer, 200, "us")
            await with_timeout(sent, 10, "us")
        except SimTimeoutError:
            found = []
        return wanted, np.array(found, dtype=np.uint64)

    async def compare(self, words, named: str) -> np.ndarray:
        wanted, found = await self.exchange(words, named)
        assert_bits(f"PinsTile.o, {named}", wanted, found)
        return found

    async def set(self, name: str, value: int) -> None:
        await self.compare(packet(Opcode.SET, 0, self.tile.registers[name].index, [value]), f"SET of {name}")

    async def end(self) -> None:
        """Registers and counters of the tile, weights of the array."""
        await self.compare(packet(Opcode.GET, 1, 1), "GET")  # ends a packet that was cut short
        for operation in readback(CONFIG):
            await self.compare(operation.words, operation.name)
        for plane in CONFIG.planes.keys() - CONFIG.loadable.keys():
            assert_bits(f"the array's {plane.name}", self.tile.planes[plane], self.array.planes[plane])


def operations(seed: int) -> list[tuple[str, np.ndarray]]:
    """Forward, backward and update, rails and zeros among them."""
    x, d = random_codes(CONFIG, 4, CONFIG.rows, seed), random_codes(CONFIG, 4, CONFIG.cols, seed + 1)
    row, col, bl = random_updates(CONFIG, 3, seed + 2)
    updates = [packet(Opcode.UPDATE, int(n), payload=[*r, *c]) for r, c, n in zip(row, col, bl, strict=True)]
    return ([("FORWARD", packet(Opcode.FORWARD, payload=codes)) for codes in x]
            + [("UPDATE", words) for words in updates]
            + [("BACKWARD", packet(Opcode.BACKWARD, payload=codes)) for codes in d])


@cocotb.test(timeout_time=5, timeout_unit="ms")
@cocotb.parametrize(t_slot=[1, 3])
async def operations_are_those_of_an_emulated_array(dut, t_slot):
    bench = Bench(dut)
    await bench.begin(1)
    await bench.set("seed", 1)
    await bench.set("t_slot", t_slot)
    weights = bench.array.planes[Plane.WEIGHT].copy()
    for named, words in operations(1):
        await bench.compare(words, named)
    assert (bench.array.planes[Plane.WEIGHT] != weights).any()
    assert bench.array.slots == bench.tile.counters()["slots"]
    await bench.end()


@cocotb.test(timeout_time=3, timeout_unit="ms")
@cocotb.parametrize(seed=[1, 2])
async def soak(dut, seed):
    """Random packets, malformed ones among them; every plane of the array is a bad argument."""
    bench = Bench(dut)
    await bench.begin(seed)
    for operation in draw_operations(np.random.default_rng(seed), CONFIG, 80):
        if int(operation.words[0]) >> 24 & 0xFF not in BEYOND_THE_MODEL:
            await bench.compare(operation.words, operation.name)
    for plane in set(Plane) - set(CONFIG.loadable):
        for opcode, payload in ((Opcode.READ, ()), (Opcode.WRITE, [0] * CONFIG.cols)):
            answer = await bench.compare(packet(opcode, plane, 0, payload), f"{opcode.name} of {plane.name}")
            assert int(answer[0]) >> 16 & 0xFF == Status.BAD_ARGUMENT
    await bench.end()


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(late=[0, 1, 3])
async def a_slow_array_needs_longer_trials(dut, late):
    """Each cycle that converters take more is one more of t_convert, and not one less."""
    bench = Bench(dut, DELAY + late * PERIOD)
    await bench.begin(3)
    name, words = operations(3)[3]
    least = PINS_LATENCY + 1 + late
    await bench.set("t_convert", least)
    await bench.compare(words, name)
    if late:
        await bench.set("t_convert", least - 1)
        wanted, found = await bench.exchange(words, name)
        is_in_time = CONFIG.adc.kind is AdcKind.SPI  # whose bits stand for two steps
        assert (wanted == found).all() if is_in_time else (wanted != found).any()
    else:
        index = bench.tile.registers["t_convert"].index
        answer = await bench.compare(packet(Opcode.SET, 0, index, [least - 1]), "SET of t_convert")
        assert int(answer[0]) >> 16 & 0xFF == Status.BAD_VALUE


@cocotb.test(timeout_time=100, timeout_unit="us")
async def lines_are_off_after_reset(dut):
    """Also in the midst of an update."""
    bench = Bench(dut)
    await bench.begin(1)
    _, words = operations(1)[4]
    cocotb.start_soon(StreamDriver(dut, "i").send(words.tolist()))
    while not int(dut.pins__row_pulse.value):
        await RisingEdge(dut.clk)
    dut.rst.value = 1
    await ClockCycles(dut.clk, 2)
    for pin in ("mode", "integrate", "slot", "hold", "row_pulse", "col_pulse"):
        assert int(getattr(dut, f"pins__{pin}").value) == 0, pin
