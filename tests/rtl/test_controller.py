# SPDX-License-Identifier: Apache-2.0
"""The controller by itself, with the bench at its analog port; whole packets against golden are in test_tile."""
import numpy as np
import pytest

from golden.protocol import LAST, Opcode, Status, packet
from golden.registers import Interrupt, register_map
from rtl.controller import Controller
from tests.rtl.simulation import run
from tests.support import CONFIGS, assert_bits

CONFIG = CONFIGS["narrow"]
REGISTERS = register_map(CONFIG)


def set_of(name: str, value: int) -> np.ndarray:
    return packet(Opcode.SET, 0, REGISTERS[name].index, [value])


def get_of(name: str) -> np.ndarray:
    return packet(Opcode.GET, 1, REGISTERS[name].index)


async def send(ctx, controller, words) -> None:
    i = controller.i
    for word in np.asarray(words).tolist():
        ctx.set(i.payload.data, word & 0xFFFFFFFF)
        ctx.set(i.payload.first, word >> 32 & 1)
        ctx.set(i.payload.last, word >> 33)
        ctx.set(i.valid, 1)
        for _ in range(3000):
            is_taken = ctx.get(i.ready)
            await ctx.tick()
            if is_taken:
                break
        else:
            raise AssertionError(f"{word:#x} must be taken some time")
    ctx.set(i.valid, 0)


async def receive(ctx, controller) -> list[int]:
    """One response."""
    o, words = controller.o, []
    ctx.set(o.ready, 1)
    for _ in range(3000):
        if ctx.get(o.valid):
            words.append(int(ctx.get(o.payload.data)) | int(ctx.get(o.payload.first)) << 32
                         | int(ctx.get(o.payload.last)) << 33)
        await ctx.tick()
        if words and words[-1] & LAST:
            ctx.set(o.ready, 0)
            return words
    raise AssertionError("a response must come some time")


async def ask(ctx, controller, words) -> list[int]:
    await send(ctx, controller, words)
    return await receive(ctx, controller)


FORWARD = packet(Opcode.FORWARD, payload=[1] * CONFIG.rows)


@pytest.mark.parametrize("words", [FORWARD, packet(Opcode.UPDATE, 2, payload=[65536] * (CONFIG.rows + CONFIG.cols))],
                         ids=["FORWARD", "UPDATE"])
def test_array_that_is_never_ready(words):
    """TIMEOUT and the error interrupt; the controller answers on, and works again when the array does."""
    controller = Controller(CONFIG)

    async def bench(ctx):
        opcode = int(words[0]) >> 24 & 0xFF
        ctx.set(controller.sequencer.port.busy, 1)
        await ask(ctx, controller, set_of("watchdog", 30))
        await ask(ctx, controller, set_of("irq_enable", Interrupt.ERROR))
        for _ in range(2):
            assert not ctx.get(controller.irq)
            assert_bits("answer", packet(opcode, Status.TIMEOUT), await ask(ctx, controller, words))
            assert ctx.get(controller.irq)
            assert_bits("event", packet(Opcode.GET, 0, 1, [0]), await ask(ctx, controller, get_of("event")))
            assert_bits("RESUME", packet(Opcode.RESUME, Status.BAD_ARGUMENT),
                        await ask(ctx, controller, packet(Opcode.RESUME)))
            await ask(ctx, controller, set_of("irq_status", 7))
        ctx.set(controller.sequencer.port.busy, 0)
        answer = await ask(ctx, controller, words)
        assert_bits("status", Status.OK, answer[0] >> 16 & 0xFF)
        assert_bits("event", packet(Opcode.GET, 0, 1, [1]), await ask(ctx, controller, get_of("event")))

    run(controller, bench)


@pytest.mark.parametrize("way", ["strobe", "control"])
def test_abort_from_beside_the_packets(way):
    """It cuts the operation that runs, and nothing else: before and behind one it does nothing."""
    controller = Controller(CONFIG)

    async def strobe(ctx):
        if way == "strobe":
            ctx.set(controller.abort, 1)
        else:
            ctx.set(controller.bank.port.write_index, REGISTERS["control"].index)
            ctx.set(controller.bank.port.value, 1)
            ctx.set(controller.bank.port.write, 1)
        await ctx.tick()
        ctx.set(controller.abort, 0)
        ctx.set(controller.bank.port.write, 0)

    async def bench(ctx):
        await ask(ctx, controller, set_of("t_settle", 20))
        await strobe(ctx)
        assert_bits("status", Status.OK, (await ask(ctx, controller, FORWARD))[0] >> 16 & 0xFF)
        await strobe(ctx)
        await send(ctx, controller, FORWARD)
        for _ in range(8):
            await ctx.tick()
        await strobe(ctx)
        assert_bits("answer", packet(Opcode.FORWARD, Status.ABORTED), await receive(ctx, controller))
        assert_bits("event", packet(Opcode.GET, 0, 1, [1]), await ask(ctx, controller, get_of("event")))
        answer = await ask(ctx, controller, packet(Opcode.RESUME))
        assert_bits("header", packet(Opcode.FORWARD, Status.OK, CONFIG.cols, [0] * CONFIG.cols)[0], answer[0])

    run(controller, bench)
