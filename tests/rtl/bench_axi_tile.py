# SPDX-License-Identifier: Apache-2.0
"""cocotb bench of the AXI tile: the models of cocotbext-axi at its ports, golden beside it.

Run by test_axi_tile with the tile of `tests.support.CONFIGS["tiny"]`; TRANSACTIONS is how many random ones.
"""
import copy
import logging
import os
import warnings

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.task import bridge
from cocotb.triggers import ClockCycles, Combine
from cocotb.utils import get_sim_time

from crosstwin.driver import LinkedTile
from crosstwin.stimulus import draw_operations
from golden.config import MAX_BL, Plane
from golden.controller import Controller
from golden.protocol import Opcode, packet, split
from golden.registers import Interrupt, runs
from golden.tile import Tile
from rtl.axi_lite import OKAY, SLVERR
from sim import bus
from sim.axi import AxiChecker, AxiLink, frames
from sim.bus import sometimes
from tests.support import CONFIGS, assert_bits, device_planes, random_codes, random_updates

with warnings.catch_warnings():  # written for an older cocotb, some of whose names it still uses
    warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"cocotbext\.")
    from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiStreamBus, AxiStreamSink, AxiStreamSource
warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"cocotbext\.")

CONFIG = CONFIGS["tiny"]
PERIOD = 10
STRESS = {"idle": [0.0, 0.4], "stall": [0.0, 0.4]}
TRANSACTIONS = int(os.environ.get("TRANSACTIONS", "500"))


class Bench:
    """The tile between third-party models, with a checker on its channels and golden beside it."""

    def __init__(self, dut):
        self.dut, self.controller = dut, Controller(Tile(CONFIG))
        self.tile = self.controller.tile
        at = (dut.aclk, dut.aresetn, False)
        self.registers = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), *at)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), *at, byte_lanes=1)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), *at, byte_lanes=1)
        self.link = AxiLink(self.source, self.sink)
        write, read = self.registers.write_if, self.registers.read_if
        self.senders = (write.aw_channel, write.w_channel, read.ar_channel, self.source)
        self.receivers = (write.b_channel, read.r_channel, self.sink)
        for end in (write, read, *self.senders, *self.receivers):
            end.log.setLevel(logging.WARNING)  # a line a transfer is most of the time
        self.transactions = 0

    async def begin(self, idle: float = 0.0, stall: float = 0.0, seed: int = 1) -> None:
        self.dut.aresetn.value = 0
        Clock(self.dut.aclk, PERIOD, unit="ns").start()
        self.checker = AxiChecker(self.dut)
        await ClockCycles(self.dut.aclk, 3)
        self.dut.aresetn.value = 1
        await ClockCycles(self.dut.aclk, 2)
        self.hold_up(idle, stall, seed)

    def hold_up(self, idle: float, stall: float, seed: int) -> None:
        """From now on, senders rest and receivers are not ready in these shares of the cycles."""
        for share, ends in ((idle, self.senders), (stall, self.receivers)):
            for n, end in enumerate(ends):
                end.clear_pause_generator()
                end.pause = False
                if share:
                    end.set_pause_generator(sometimes(share, seed * 16 + n))

    async def write(self, address: int, data: bytes) -> int:
        self.transactions += 1
        return (await self.registers.write(address, data)).resp

    async def read(self, address: int, length: int = 4) -> tuple[int, bytes]:
        self.transactions += 1
        answer = await self.registers.read(address, length)
        return answer.resp, answer.data

    async def check_read(self, index: int) -> None:
        """One register, or what is none, against golden."""
        register = self.controller._by_index.get(index)
        expected = (OKAY, self.tile.get(register.name)) if register else (SLVERR, 0)
        response, data = await self.read(4 * index)
        assert_bits(f"read of register {index}", expected, (response, int.from_bytes(data, "little")))

    async def check_write(self, index: int, value: int) -> None:
        """The same for a write, which golden makes first."""
        expected = self.set(self.controller, index, value)
        assert_bits(f"write of {value:#x} to register {index}", expected,
                    await self.write(4 * index, value.to_bytes(4, "little")))

    def set(self, controller: Controller, index: int, value: int) -> int:
        """Write a register of golden: the response that AXI must give."""
        try:
            controller.write(controller._by_index[index].name, value)
        except (KeyError, ValueError):
            return SLVERR
        return OKAY

    async def exchange(self, words, named: str) -> None:
        """Command packets against golden."""
        sent = frames(np.asarray(words).tolist())
        self.transactions += len(sent)
        commands = [word for frame in sent for word in bus.packet(frame)]
        wanted = self.controller.exchange(commands)
        assert_bits(named, wanted, await self.link.send_and_receive(commands, len(split(wanted))))

    async def load(self, seed: int) -> None:
        for plane, values in device_planes(CONFIG, seed).items():
            for row, line in enumerate(values):
                await self.exchange(packet(Opcode.WRITE, plane, row, line), f"WRITE of {plane.name}")

    async def compare_state(self, when: str) -> None:
        """Every register but emulation cycles, which golden does not have, and all weights."""
        for register in self.tile.registers.values():
            if "emulation_cycles" not in register.name:
                response, data = await self.read(4 * register.index)
                assert_bits(f"{register.name} {when}", (OKAY, self.tile.get(register.name)),
                            (response, int.from_bytes(data, "little")))
        for row in range(CONFIG.rows):
            await self.exchange(packet(Opcode.READ, Plane.WEIGHT, row), f"READ {when}")


async def together(*coroutines) -> None:
    await Combine(*(cocotb.start_soon(each) for each in coroutines))


WRITABLE = [register for register in Tile(CONFIG).registers.values() if register.writable]
MAPPED = [register.index for register in Tile(CONFIG).registers.values()
          if "emulation_cycles" not in register.name]
IDENTITY = [index for index in MAPPED if index < 8]
DRAWN = [register for register in WRITABLE if register.name != "watchdog"]
"""When a watchdog is heard depends on the emulation's time, which golden does not have."""
RACED = [register for register in DRAWN if register.stored]
"""Not those whose writes act on what a response leaves behind word by word."""
UNMAPPED = [n for n in range(1024) if n not in {register.index for register in Tile(CONFIG).registers.values()}]


@cocotb.test(timeout_time=2, timeout_unit="ms")
@cocotb.parametrize(**STRESS)
async def every_address_answers_as_golden(dut, idle, stall):
    """Reads and writes of registers and of words between and behind them; values at the ends of every range."""
    bench = Bench(dut)
    await bench.begin(idle, stall)
    for index in (*MAPPED, *UNMAPPED[:20], *UNMAPPED[20::37], UNMAPPED[-1]):
        await bench.check_read(index)
        await bench.check_write(index, 1)
        await bench.check_read(index)
    for register in WRITABLE:
        for value in (0, 1, 2, register.minimum, register.maximum, register.maximum + 1, (1 << 32) - 1):
            await bench.check_write(register.index, value & (1 << 32) - 1)
            await bench.check_read(register.index)
    await bench.compare_state("at the end")


@cocotb.test(timeout_time=200, timeout_unit="us")
@cocotb.parametrize(**STRESS)
async def partial_and_unaligned_accesses_are_refused(dut, idle, stall):
    """Every strobe but the full one, every offset: SLVERR, and nothing is written."""
    bench = Bench(dut)
    await bench.begin(idle, stall)
    seed = 4 * bench.tile.registers["seed"].index
    for offset in range(4):
        for length in range(1, 5 - offset):
            expected = bench.set(bench.controller, seed // 4, 0x03030303) if length == 4 else SLVERR
            assert await bench.write(seed + offset, bytes([3] * length)) == expected, (offset, length)
    write = bench.registers.write_if
    for strobe in (0, 5, 6, 9, 15):
        await write.aw_channel.send(write.aw_channel._transaction_obj(awaddr=seed))
        await write.w_channel.send(write.w_channel._transaction_obj(wdata=7, wstrb=strobe))
        expected = bench.set(bench.controller, seed // 4, 7) if strobe == 15 else SLVERR
        assert int((await write.b_channel.recv()).bresp) == expected, strobe
        await bench.check_read(seed // 4)
    for offset in (1, 2, 3):
        await write.aw_channel.send(write.aw_channel._transaction_obj(awaddr=seed + offset))
        await write.w_channel.send(write.w_channel._transaction_obj(wdata=8, wstrb=15))
        assert int((await write.b_channel.recv()).bresp) == SLVERR, offset
        assert await bench.read(seed + offset, 4 - offset) == (SLVERR, bytes(4 - offset)), offset
    await bench.check_read(seed // 4)


@cocotb.test(timeout_time=200, timeout_unit="us")
@cocotb.parametrize(first=["address", "data"])
async def address_and_data_come_in_either_order(dut, first):
    """One channel far ahead of the other, responses left waiting meanwhile, reads passing them."""
    bench = Bench(dut)
    await bench.begin()
    write, seed = bench.registers.write_if, bench.tile.registers["seed"].index
    address = [(write.aw_channel, write.aw_channel._transaction_obj(awaddr=4 * seed))] * 2
    data = [(write.w_channel, write.w_channel._transaction_obj(wdata=n, wstrb=15)) for n in (5, 6)]
    write.b_channel.pause = True
    ahead, behind = (address, data) if first == "address" else (data, address)
    for channel, item in ahead:
        await channel.send(item)
    await ClockCycles(dut.aclk, 20)
    await bench.check_read(seed)
    for channel, item in behind:
        await channel.send(item)
    await ClockCycles(dut.aclk, 20)
    assert bench.set(bench.controller, seed, 6) == OKAY
    await bench.check_read(seed)  # both writes are in force, though nobody has taken a response
    write.b_channel.pause = False
    assert [int((await write.b_channel.recv()).bresp) for _ in range(2)] == [OKAY, OKAY]


@cocotb.test(timeout_time=200, timeout_unit="us")
async def a_write_is_made_when_its_response_can_leave(dut):
    """Two responses wait in registers; a third write waits with its own, behind a packet that comes meanwhile."""
    bench = Bench(dut)
    await bench.begin()
    write, seed = bench.registers.write_if, bench.tile.registers["seed"].index
    write.b_channel.pause = True
    writes = [cocotb.start_soon(bench.check_write(seed, value)) for value in (5, 6)]
    await ClockCycles(dut.aclk, 20)
    await bench.check_read(seed)
    third = cocotb.start_soon(bench.write(4 * seed, bytes([7, 0, 0, 0])))
    await ClockCycles(dut.aclk, 20)
    await bench.exchange(packet(Opcode.SET, 0, seed, [9]), "SET")
    await bench.check_read(seed)
    write.b_channel.pause = False
    await Combine(*writes, third)
    assert third.result() == bench.set(bench.controller, seed, 7) == OKAY
    await bench.check_read(seed)


@cocotb.test(timeout_time=200, timeout_unit="us")
async def back_to_back_accesses_take_a_cycle_each(dut):
    """Without waits: n accesses take n cycles and a constant."""
    bench = Bench(dut)
    await bench.begin()
    run = max(runs(bench.tile.registers.values()), key=len)

    async def cycles(access) -> int:
        begin = get_sim_time("ns")
        await access
        return round((get_sim_time("ns") - begin) / PERIOD)

    few, many = [await cycles(bench.read(4 * run.start, 4 * n)) for n in (1, len(run))]
    assert_bits("cycles of reads", len(run) - 1, many - few)
    few, many = [await cycles(bench.write(4 * run.start, bytes(4 * n))) for n in (1, len(run))]
    assert_bits("cycles of writes", len(run) - 1, many - few)


@cocotb.test(timeout_time=200, timeout_unit="us")
async def writes_wait_for_an_operation_and_reads_do_not(dut):
    """A write in the midst of an update: the update is that of the old seed, and the write follows it. What is
    refused need not wait, and the mask of interrupts does not.
    """
    bench = Bench(dut)
    await bench.begin()
    await bench.load(1)
    seed, event, enable = (bench.tile.registers[name].index for name in ("seed", "event", "irq_enable"))
    rows, cols, _ = random_updates(CONFIG, 1, 1)
    update = packet(Opcode.UPDATE, MAX_BL, payload=[*rows[0], *cols[0]])
    answered = cocotb.start_soon(bench.exchange(update, "UPDATE"))
    await ClockCycles(dut.aclk, len(update) + 30)
    await bench.check_write(enable, 2)
    written = cocotb.start_soon(bench.write(4 * seed, bytes([1, 2, 3, 4])))
    refused = cocotb.start_soon(bench.write(4 * UNMAPPED[-1], bytes(4)))
    for _ in range(10):
        assert await bench.read(4 * event) == (OKAY, bytes(4))
    assert not written.done()
    assert not answered.done()
    await Combine(written, refused)
    assert [written.result(), refused.result()] == [OKAY, SLVERR]
    await answered
    assert bench.set(bench.controller, seed, 0x04030201) == OKAY
    await bench.compare_state("behind the update")


@cocotb.test(timeout_time=200, timeout_unit="us")
async def the_interrupt_line_follows_status_and_mask(dut):
    """Down without a mask; up behind an operation; down when the status is cleared."""
    bench = Bench(dut)
    await bench.begin()
    await bench.load(1)
    status, enable = (bench.tile.registers[name].index for name in ("irq_status", "irq_enable"))
    forward = packet(Opcode.FORWARD, payload=random_codes(CONFIG, 1, CONFIG.rows, 1)[0])
    for mask, words, pending in ((0, forward, 0), (Interrupt.DONE, forward, 1), (Interrupt.ERROR, forward, 0),
                                 (Interrupt.ERROR, packet(99), 1), (Interrupt.DONE, packet(99), 0)):
        await bench.check_write(enable, mask)
        assert not dut.irq.value
        await bench.exchange(words, "a packet")
        await ClockCycles(dut.aclk, 2)
        assert bool(dut.irq.value) == pending
        await bench.check_read(status)
        await bench.check_write(status, 7)
        await ClockCycles(dut.aclk, 2)
        assert not dut.irq.value


@cocotb.test(timeout_time=500, timeout_unit="us")
@cocotb.parametrize(kept=[True, False])
async def an_operation_is_aborted_beside_the_packets(dut, kept):
    """By `control`, at once; then resumed, unless a setting is written in between."""
    bench = Bench(dut)
    await bench.begin()
    await bench.load(1)
    control, t_slot, enable, aborted = (bench.tile.registers[name].index for name in (
        "control", "t_slot", "irq_enable", "aborted_slots"))
    rows, cols, _ = random_updates(CONFIG, 1, 1)
    update = packet(Opcode.UPDATE, MAX_BL, payload=[*rows[0], *cols[0]]).tolist()
    answered = cocotb.start_soon(bench.link.send_and_receive(update, 1))
    await ClockCycles(dut.aclk, len(update) + 100)
    assert not answered.done()
    assert await bench.write(4 * control, bytes([1, 0, 0, 0])) == OKAY
    answer = await answered
    slots = int.from_bytes((await bench.read(4 * aborted))[1], "little")
    assert 0 < slots < MAX_BL
    bench.controller.abort_at(slots)
    assert_bits("aborted UPDATE", bench.controller.exchange(update), answer)
    await bench.check_write(enable, 1)
    if not kept:
        await bench.check_write(t_slot, 2)
    await bench.check_read(aborted)
    await bench.exchange(packet(Opcode.RESUME), "RESUME")
    await bench.compare_state("behind it")


@cocotb.test(timeout_time=200, timeout_unit="us")
@cocotb.parametrize(**STRESS)
async def reset_in_the_midst(dut, idle, stall):
    """Half a packet, an unanswered write and a running operation are dropped; what follows is as on a new tile."""
    bench = Bench(dut)
    await bench.begin(idle, stall)
    await bench.load(1)
    codes = random_codes(CONFIG, 4, CONFIG.rows, 1)[3]
    forward = packet(Opcode.FORWARD, payload=codes).tolist()
    for wait in (3, 8, 15, 40):
        bench.source.send_nowait(frames(forward)[0])
        bench.registers.init_write(4 * bench.tile.registers["seed"].index, bytes([9] * 4))
        await ClockCycles(dut.aclk, wait)
        dut.aresetn.value = 0
        await ClockCycles(dut.aclk, 2)
        for end in (bench.source, bench.sink):
            end.clear()
        dut.aresetn.value = 1
        await ClockCycles(dut.aclk, 2)
        bench.tile.reset()
        await bench.exchange(forward, f"FORWARD behind a reset after {wait} cycles")
        await bench.compare_state(f"behind a reset after {wait} cycles")


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def the_driver_runs_unchanged(dut):
    """`LinkedTile` as any program uses it, over the pins, against golden's own tile."""
    bench = Bench(dut)
    await bench.begin(0.2, 0.2)
    x, d = random_codes(CONFIG, 5, CONFIG.rows, 1), random_codes(CONFIG, 5, CONFIG.cols, 2)
    levels = random_updates(CONFIG, 3, 3)

    def session(tile) -> list:
        tile.reset()
        tile.set("seed", 77)
        tile.set("t_slot", 2)
        for plane, values in device_planes(CONFIG, 3).items():
            tile.write_plane(plane, values)
        found = [tile.forward(x), tile.backward(d), tile.update(*levels), tile.forward(x),
                 tile.read_plane(Plane.WEIGHT), tile.get("event")]
        counters = tile.counters()
        counters.pop("emulation_cycles")
        return [*found, *counters.values()]

    found = await bridge(lambda: session(LinkedTile(CONFIG, bench.link)))()
    for n, (expected, actual) in enumerate(zip(session(Tile(CONFIG)), found, strict=True)):
        if expected is not None:
            assert_bits(f"step {n} of the session", expected, actual)


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def random_transactions(dut):
    """Registers and packets at once, malformed ones among them, under a stress that changes."""
    bench, rng = Bench(dut), np.random.default_rng(1)
    await bench.begin()
    await bench.load(1)
    operations = draw_operations(rng, CONFIG, TRANSACTIONS)
    round_number = 0
    while bench.transactions < TRANSACTIONS:
        round_number += 1
        bench.hold_up(*rng.choice([0.0, 0.2, 0.7], 2).tolist(), seed=round_number)
        match int(rng.choice(4, p=[0.4, 0.1, 0.35, 0.15])):
            case 0:  # a burst of accesses, in order on each channel
                writes = [(draw_index(rng), draw_value(rng)) for _ in range(rng.integers(1, 9))]
                touched = {index for index, _ in writes}
                reads = [index for index in (draw_index(rng) for _ in range(8)) if index not in touched]
                await together(*(bench.check_write(*each) for each in writes),
                               *(bench.check_read(index) for index in reads))
            case 1:
                for _ in range(int(rng.integers(1, 9))):
                    await bench.check_read(draw_index(rng))
            case 2:  # packets, and meanwhile reads of what they do not change
                batch = [next(operations) for _ in range(rng.integers(1, 5))]
                words = np.concatenate([operation.words for operation in batch])
                named = ", ".join(operation.name for operation in batch)
                indices = [int(rng.choice([*IDENTITY, *UNMAPPED])) for _ in range(rng.integers(9))]
                await together(bench.exchange(words, named), *(bench.check_read(index) for index in indices))
            case 3:
                await race(bench, rng, next(operations))
    await bench.compare_state("at the end")
    assert min(bench.checker.transfers.values()) > 0
    dut._log.info("%d transactions, transfers %s", bench.transactions, bench.checker.transfers)


async def race(bench: Bench, rng, operation) -> None:
    """A packet and a write of a register at the same time: one of them was first, for every bit that follows."""
    register, value, delay = rng.choice(RACED), draw_value(rng), int(rng.integers(60))
    packets = frames(operation.words.tolist())
    words = [word for frame in packets for word in bus.packet(frame)]
    outcomes = []
    for is_write_first in (True, False):
        controller = copy.deepcopy(bench.controller)
        answers = []
        if is_write_first:
            response = bench.set(controller, register.index, value)
        answers = controller.exchange(words).tolist()
        if not is_write_first:
            response = bench.set(controller, register.index, value)
        outcomes.append((controller, answers, response))
    answered = cocotb.start_soon(bench.link.send_and_receive(words, len(packets)))
    await ClockCycles(bench.dut.aclk, delay + 1)
    response = await bench.write(4 * register.index, value.to_bytes(4, "little"))
    answers = await answered
    bench.transactions += len(packets) + CONFIG.rows
    assert response == outcomes[0][2], f"write of {value:#x} to {register.name} beside {operation.name}"
    state = {index: int.from_bytes((await bench.read(4 * index))[1], "little") for index in MAPPED}
    readback = [packet(Opcode.READ, Plane.WEIGHT, row) for row in range(CONFIG.rows)]
    answers += await bench.link.send_and_receive(np.concatenate(readback).tolist(), len(readback))
    fits = [controller for controller, expected, _ in outcomes
            if [*expected, *controller.exchange(np.concatenate(readback)).tolist()] == answers
            and all(controller.tile.get(controller._by_index[index].name) == value for index, value in state.items())]
    assert fits, f"{operation.name} and a write of {value:#x} to {register.name} must happen one after the other"
    bench.controller, bench.tile = fits[0], fits[0].tile


def draw_index(rng) -> int:
    """Mostly registers, mostly writable ones."""
    read_only = [index for index in MAPPED if index not in {register.index for register in WRITABLE}]
    some = ([register.index for register in DRAWN], read_only, UNMAPPED)[rng.choice(3, p=[0.7, 0.2, 0.1])]
    return int(rng.choice(some))


def draw_value(rng) -> int:
    """Small ones, ends of ranges, any."""
    return int(rng.choice([0, 1, 2, 255, 256, (1 << 32) - 1, rng.integers(1, 9), rng.integers(0, 1 << 32)]))
