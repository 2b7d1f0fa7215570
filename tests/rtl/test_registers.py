# SPDX-License-Identifier: Apache-2.0
from itertools import product

import numpy as np
import pytest

from golden.config import COUNTERS
from golden.registers import Interrupt, register_map
from golden.tile import Tile
from rtl.registers import IMMEDIATE, RegisterBank
from tests.rtl.simulation import run
from tests.support import CONFIGS, assert_bits

WORD = 1 << 32
WRITABLE = [register.name for register in register_map(CONFIGS["tiny"]).values() if register.writable]


async def write(ctx, bank, index: int, value: int) -> None:
    ctx.set(bank.index, index)
    ctx.set(bank.value, value)
    await ctx.tick().repeat(bank.write_latency)
    ctx.set(bank.write, 1)
    await ctx.tick()
    ctx.set(bank.write, 0)


async def compare(ctx, bank, tile: Tile, when: str) -> None:
    """Every register of the map, by the read port, one a cycle, and by its own output."""
    registers, latency = list(tile.registers.values()), bank.read_latency
    for cycle in range(len(registers) + latency):
        register = registers[min(cycle, len(registers) - 1)]
        ctx.set(bank.read_index, register.index)
        ctx.set(bank.index, register.index)
        if cycle >= latency:
            register = registers[cycle - latency]
            assert_bits(f"{register.name} {when}", tile.get(register.name), ctx.get(bank.read))
        if bank.write_latency <= cycle < len(registers):
            register = registers[cycle - bank.write_latency]
            assert_bits(f"writable of {register.name}", register.writable, ctx.get(bank.writable))
        if register.stored:
            assert_bits(f"output {register.name} {when}", tile.get(register.name),
                        ctx.get(getattr(bank, register.name)))
        await ctx.tick()


@pytest.mark.parametrize("name", CONFIGS)
def test_every_register_at_reset(name):
    config = CONFIGS[name]
    bank, tile = RegisterBank(config), Tile(config)

    async def bench(ctx):
        await compare(ctx, bank, tile, "at reset")

    run(bank, bench)


def test_what_is_no_register_takes_nothing():
    bank, tile = RegisterBank(CONFIGS["tiny"]), Tile(CONFIGS["tiny"])
    present = {register.index for register in tile.registers.values()}

    async def bench(ctx):
        for index in [n for n in (*range(160), 0x108, 0x8009, 0xFFFF) if n not in present]:
            await write(ctx, bank, index, 3)
            assert_bits(f"(writable, accepts) of {index:#x}", (0, 0),
                        (ctx.get(bank.writable), ctx.get(bank.accepts)))
        for register in tile.registers.values():
            if not register.writable:
                await write(ctx, bank, register.index, 3)
                assert not ctx.get(bank.accepts)
        await compare(ctx, bank, tile, "after writes to nothing")

    run(bank, bench)


@pytest.mark.parametrize("name", WRITABLE)
def test_write_takes_what_golden_takes(name):
    bank, tile = RegisterBank(CONFIGS["tiny"]), Tile(CONFIGS["tiny"])
    register = tile.registers[name]
    values = [0, 1, 2, 254, 255, 256, 257, 1 << 16, 1 << 31, WORD - 1, register.minimum, register.maximum,
              register.maximum + 1 & WORD - 1]

    async def bench(ctx):
        for value in values:
            try:
                tile.set(name, value)
                accepts = True
            except ValueError:
                accepts = False
            ctx.set(bank.index, register.index)
            ctx.set(bank.value, value)
            await ctx.tick().repeat(bank.write_latency)
            assert_bits(f"{name}, accepts of {value:#x}", accepts, ctx.get(bank.accepts))
            await write(ctx, bank, register.index, value)
            await compare(ctx, bank, tile, f"after {name} = {value:#x}")

    run(bank, bench)


@pytest.mark.parametrize("seed", [0])
def test_counters_carry_over_32_bits(seed):
    """Random increments, some of them so large that the low word wraps in a few cycles; the operation's own counts
    begin anew.
    """
    rng = np.random.default_rng(seed)
    bank, tile = RegisterBank(CONFIGS["tiny"]), Tile(CONFIGS["tiny"])

    async def bench(ctx):
        for cycle in range(20):
            begin = cycle % 7 == 3
            ctx.set(bank.begin, begin)
            for n, name in enumerate(COUNTERS):
                increment = WORD - 1 if (n + cycle) % 3 == 0 else int(rng.integers(0, 5))
                ctx.set(getattr(bank, name), increment)
                tile.ledger.total[name] += increment
                tile.ledger.last[name] = (tile.ledger.last[name] * (not begin) + increment) % WORD
            await ctx.tick()
            ctx.set(bank.begin, 0)
            for name in COUNTERS:
                ctx.set(getattr(bank, name), 0)
            await ctx.tick().repeat(bank.count_latency)
            await compare(ctx, bank, tile, f"in cycle {cycle}")
        assert all(count > WORD for count in tile.ledger.total.values())

    run(bank, bench)


def test_clear_resets_all():
    """Counters and writable registers, also against an increment in the same cycle."""
    bank, tile = RegisterBank(CONFIGS["tiny"]), Tile(CONFIGS["tiny"])

    async def bench(ctx):
        for name in WRITABLE:
            await write(ctx, bank, tile.registers[name].index, tile.registers[name].maximum)
        for name in COUNTERS:
            ctx.set(getattr(bank, name), 9)
        await ctx.tick().repeat(2)  # the second one's are still on their way when all is cleared
        ctx.set(bank.clear, 1)
        ctx.set(bank.next_event, 1)
        ctx.set(bank.interrupts, 7)
        await ctx.tick()
        for port in ("clear", "next_event", "interrupts", *COUNTERS):
            ctx.set(getattr(bank, port), 0)
        await compare(ctx, bank, tile, "after clear")

    run(bank, bench)


def test_event_counts_and_wraps():
    bank, tile = RegisterBank(CONFIGS["tiny"]), Tile(CONFIGS["tiny"])

    async def bench(ctx):
        tile.set("event", WORD - 2)
        await write(ctx, bank, tile.registers["event"].index, WORD - 2)
        for event in (WORD - 2, WORD - 1, 0, 1):
            await ctx.tick()  # it stands for two cycles
            assert_bits("event", event, ctx.get(bank.event))
            ctx.set(bank.next_event, 1)
            await ctx.tick()
            ctx.set(bank.next_event, 0)

    run(bank, bench)


def test_interrupts_stay_until_they_are_cleared():
    """The line is any pending one that is enabled; a write clears the bits that it has, a raise in that cycle stays."""
    bank, tile = RegisterBank(CONFIGS["tiny"]), Tile(CONFIGS["tiny"])

    async def bench(ctx):
        for enabled, raised, cleared in product(range(8), repeat=3):
            for name in ("irq_status", "irq_enable"):
                await write(ctx, bank, tile.registers[name].index, {"irq_status": 7, "irq_enable": enabled}[name])
                tile.set(name, {"irq_status": 7, "irq_enable": enabled}[name])
            ctx.set(bank.interrupts, raised)
            await ctx.tick()
            ctx.set(bank.interrupts, 0)
            tile.interrupt(Interrupt(raised))
            assert_bits(f"irq, {enabled} enabled, {raised} raised", tile.irq, ctx.get(bank.irq))
            await write(ctx, bank, tile.registers["irq_status"].index, cleared)
            tile.set("irq_status", cleared)
            await compare(ctx, bank, tile, f"{enabled} enabled, {raised} raised, {cleared} cleared")
        ctx.set(bank.interrupts, 2)
        await write(ctx, bank, tile.registers["irq_status"].index, 7)
        ctx.set(bank.read_index, tile.registers["irq_status"].index)
        await ctx.tick().repeat(bank.read_latency)
        assert_bits("irq_status raised as it is cleared", 2, ctx.get(bank.read))

    run(bank, bench)


@pytest.mark.parametrize("value", [0, 1])
def test_control_strobes_and_reads_zero(value):
    bank = RegisterBank(CONFIGS["tiny"])

    async def bench(ctx):
        ctx.set(bank.index, bank.map["control"].index)
        ctx.set(bank.value, value)
        ctx.set(bank.read_index, bank.map["control"].index)
        await ctx.tick().repeat(bank.write_latency)
        assert not ctx.get(bank.abort)
        ctx.set(bank.write, 1)
        assert_bits("abort", value, ctx.get(bank.abort))
        await ctx.tick()
        ctx.set(bank.write, 0)
        await ctx.tick().repeat(bank.read_latency)
        assert_bits("(abort, read)", (0, 0), (ctx.get(bank.abort), ctx.get(bank.read)))

    run(bank, bench)


def test_the_port_takes_what_golden_takes():
    """The second way in: the same answers, and what it writes is what the first way reads."""
    bank, tile = RegisterBank(CONFIGS["tiny"]), Tile(CONFIGS["tiny"])
    port = bank.port

    async def bench(ctx):
        for name in WRITABLE:
            register = tile.registers[name]
            ctx.set(port.write_index, register.index)
            for value in (0, 1, register.minimum, register.maximum, register.maximum + 1 & WORD - 1, WORD - 1):
                try:
                    tile.set(name, value)
                    accepts = True
                except ValueError:
                    accepts = False
                ctx.set(port.value, value)
                assert_bits(f"{name}, accepts of {value:#x}", accepts, ctx.get(port.accepts))
                ctx.set(port.write, 1)
                await ctx.tick()
                ctx.set(port.write, 0)
                ctx.set(bank.read_index, register.index)
                await ctx.tick().repeat(bank.read_latency)
                assert_bits(f"{name} after a write of {value:#x}", tile.get(name), ctx.get(bank.read))
            await compare(ctx, bank, tile, f"after writes to {name}")

    run(bank, bench)


def test_the_port_reads_every_register_and_nothing_else():
    bank, tile = RegisterBank(CONFIGS["tiny"]), Tile(CONFIGS["tiny"])
    by_index = {register.index: register.name for register in tile.registers.values()}

    async def bench(ctx):
        for index in (*range(160), 0x108, 0x8009, 0xFFFF):
            ctx.set(bank.port.read_index, index)
            expected = (1, tile.get(by_index[index])) if index in by_index else (0, 0)
            assert_bits(f"register {index}", expected, (ctx.get(bank.port.readable), ctx.get(bank.port.read)))

    run(bank, bench)


def test_the_port_waits_for_the_first_way_and_for_an_operation():
    """But for the registers of IMMEDIATE, which only wait for the first way; what waits changes nothing."""
    bank, tile = RegisterBank(CONFIGS["tiny"]), Tile(CONFIGS["tiny"])

    async def bench(ctx):
        for name in WRITABLE:
            ctx.set(bank.port.write_index, tile.registers[name].index)
            for busy in ("is_running", "clear", "next_event", "write"):
                ctx.set(getattr(bank, busy), 1)
                waits = busy != "is_running" or name not in IMMEDIATE
                assert_bits(f"{name} waits for {busy}", waits, ctx.get(bank.port.waits))
                ctx.set(getattr(bank, busy), 0)
                assert not ctx.get(bank.port.waits)
            if name not in IMMEDIATE:
                ctx.set(bank.is_running, 1)
                ctx.set(bank.port.value, tile.registers[name].maximum)
                ctx.set(bank.port.write, 1)
                await ctx.tick()
                ctx.set(bank.is_running, 0)
                ctx.set(bank.port.write, 0)
        await compare(ctx, bank, tile, "after writes that waited")

    run(bank, bench)
