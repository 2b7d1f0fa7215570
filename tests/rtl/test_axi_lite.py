# SPDX-License-Identifier: Apache-2.0
"""AXI4-Lite before a register bank, cycle by cycle; random traffic on the whole tile is in bench_axi_tile."""
import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import connect

from golden.registers import register_map
from rtl.axi_lite import ADDRESS_BITS, OKAY, SLVERR, AxiLite
from rtl.registers import RegisterBank
from tests.rtl.simulation import run
from tests.support import CONFIGS, assert_bits

MAP = register_map(CONFIGS["tiny"])
SEED = 4 * MAP["seed"].index


def design() -> tuple[Module, AxiLite, RegisterBank]:
    m = Module()
    m.submodules.axi, m.submodules.bank = axi, bank = AxiLite(), RegisterBank(CONFIGS["tiny"])
    connect(m, axi.registers, bank.port)
    return m, axi, bank


async def offer(ctx, bus, channel: str, **payload: int) -> None:
    """One transfer on a channel."""
    for name, value in payload.items():
        ctx.set(getattr(bus, channel + name), value)
    ctx.set(getattr(bus, channel + "valid"), 1)
    await ctx.tick().until(getattr(bus, channel + "ready"))
    ctx.set(getattr(bus, channel + "valid"), 0)


def test_the_page_holds_the_map():
    assert 4 * max(register.index for register in MAP.values()) < 1 << ADDRESS_BITS


def test_data_follow_their_address_after_two_cycles():
    m, axi, _ = design()
    registers = [register for register in MAP.values() if register.index < 12]
    found = []

    async def bench(ctx):
        ctx.set(axi.bus.rready, 1)
        ctx.set(axi.bus.arvalid, 1)
        for cycle in range(len(registers) + 2):
            ctx.set(axi.bus.araddr, 4 * registers[min(cycle, len(registers) - 1)].index)
            assert ctx.get(axi.bus.arready)
            assert_bits(f"rvalid in cycle {cycle}", cycle >= 2, ctx.get(axi.bus.rvalid))
            found.append(ctx.get(axi.bus.rdata))
            await ctx.tick()

    run(m, bench)
    assert_bits("rdata", [register.reset for register in registers], found[2:], 2)


@pytest.mark.parametrize("held", ["is_running", "write", "clear", "next_event"])
def test_a_write_waits_while_the_bank_is_busy(held):
    """And only a good one: a refused write has nothing to wait for. Reads pass."""
    m, axi, bank = design()
    bus = axi.bus

    async def bench(ctx):
        ctx.set(bus.bready, 1)
        ctx.set(bus.rready, 1)
        ctx.set(getattr(bank, held), 1)
        await offer(ctx, bus, "w", data=0x1234, strb=15)
        await offer(ctx, bus, "aw", addr=4)
        response, = await ctx.tick().sample(bus.bresp).until(bus.bvalid)
        assert response == SLVERR
        await offer(ctx, bus, "w", data=0x1234, strb=15)
        await offer(ctx, bus, "aw", addr=SEED)
        await offer(ctx, bus, "ar", addr=4)
        data, = await ctx.tick().sample(bus.rdata).until(bus.rvalid)
        assert_bits("rows", MAP["rows"].reset, data)
        for _ in range(20):
            await ctx.tick()
            assert not ctx.get(bus.bvalid)
        assert_bits("seed", 0, ctx.get(bank.seed))
        ctx.set(getattr(bank, held), 0)
        await ctx.tick()
        assert (ctx.get(bus.bvalid), ctx.get(bus.bresp)) == (1, OKAY)
        assert_bits("seed", 0x1234, ctx.get(bank.seed))

    run(m, bench)
