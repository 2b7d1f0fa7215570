# SPDX-License-Identifier: Apache-2.0
from itertools import product

import pytest

from golden.config import MAX_LEVEL, VECTOR, Plane
from golden.controller import Controller
from golden.protocol import SERVED, Opcode, Status, payload_length, served
from golden.pulses import Train
from golden.registers import register_map
from golden.tile import Tile
from rtl.decoder import Decoder
from rtl.registers import RegisterBank
from tests.rtl.simulation import run
from tests.support import CONFIGS, assert_bits


def headers(config, opcode: Opcode):
    """Arguments and indices: all where they mean something, their edges where they do not."""
    match opcode:
        case Opcode.GET:
            return product((*range(9), 15, 29, 30, 31, 64, 128, 255), indices(config))
        case Opcode.WRITE | Opcode.READ:
            return product((*range(17), 64, 128, 255), indices(config))
        case Opcode.UPDATE:
            return product(range(256), (0, 0xFFFF))
        case Opcode.PROGRAM | Opcode.SENSE | Opcode.CALIBRATE:
            return product((*range(11), 128, 255), (*indices(config), 1, 2, 3))
        case _:
            return product((0, 1, 255), indices(config))


def indices(config) -> list[int]:
    edges = {0, 4, 5, 6, 7, 8, 9, 13, 16, 35, 36, 37, 38, 63, 64, 65, 97, 98, 127, 128, 144, 145,
             255, 256, 0x7FFF, 0xFFFF, config.rows - 1, config.rows, config.rows + 1, config.cols}
    return sorted(edges | {i ^ 0x8000 for i in (0, 8, 16)})


def n_data(config, opcode: Opcode, argument: int) -> int:
    """Words of a good command's answer, as the table in golden.protocol has them."""
    match opcode:
        case Opcode.GET:
            return argument
        case Opcode.READ:
            return config.planes[Plane(argument)].cols
        case Opcode.FORWARD | Opcode.FORWARD_VECTOR:
            return config.cols
        case Opcode.BACKWARD | Opcode.BACKWARD_VECTOR:
            return config.rows
        case Opcode.UPDATE_VECTOR:
            return 1
        case Opcode.SENSE | Opcode.VERIFY:
            return config.cols
        case Opcode.CALIBRATE:
            return config.n_converters
        case _:
            return 0


@pytest.mark.parametrize("kind", [Train.STOCHASTIC, Train.WORDS])
@pytest.mark.parametrize("name", CONFIGS)
def test_every_header(name, kind):
    config = CONFIGS[name]
    decoder, tile = Decoder(config), Tile(config)
    tile.set("train", kind)
    has = Controller(tile)._has
    writable = {register.index for register in register_map(config).values() if register.writable}

    cases = [(opcode, argument, index) for opcode in range(256) for argument, index in
             (headers(config, Opcode(opcode)) if opcode in SERVED else ((0, 0), (1, 8), (255, 65535)))]

    def judged(opcode: int, argument: int, index: int) -> tuple[int, ...]:
        """Fault, and the words of payload and response where there is none."""
        if opcode not in served(config):
            return (Status.BAD_OPCODE,)
        if not has(opcode, argument, index):
            return (Status.BAD_ARGUMENT,)
        return Status.OK, payload_length(config, opcode, argument), n_data(config, Opcode(opcode), argument)

    async def bench(ctx):
        ctx.set(decoder.train, kind)
        for case in cases:
            for name, value in zip(("opcode", "argument", "index"), case, strict=True):
                ctx.set(getattr(decoder, name), value)
            await ctx.tick().repeat(RegisterBank.write_latency)
            ctx.set(decoder.writable, case[2] in writable)
            await ctx.tick().repeat(decoder.latency - RegisterBank.write_latency)
            expected = judged(*case)
            found = [int(ctx.get(getattr(decoder, name))) for name in ("fault", "n_payload", "n_data")]
            assert_bits(f"(fault, n_payload, n_data) of opcode, argument, index {case}", expected,
                        found[:len(expected)])

    run(decoder, bench)


@pytest.mark.parametrize("name", CONFIGS)
def test_values_at_both_sides_of_every_bound(name):
    config = CONFIGS[name]
    decoder = Decoder(config)
    cases = [(Opcode.WRITE, plane, shape.format.min, shape.format.max) for plane, shape in config.planes.items()]
    cases += [(Opcode.FORWARD, 0, config.code.min, config.code.max),
              (Opcode.BACKWARD, 0, config.code.min, config.code.max),
              (Opcode.UPDATE, 1, -MAX_LEVEL, MAX_LEVEL)]
    cases += [(opcode, 0, VECTOR.min, VECTOR.max)
              for opcode in (Opcode.FORWARD_VECTOR, Opcode.BACKWARD_VECTOR, Opcode.UPDATE_VECTOR)]

    async def bench(ctx):
        for opcode, argument, low, high in cases:
            ctx.set(decoder.opcode, opcode)
            ctx.set(decoder.argument, argument)
            for value in (low - 1, low, low + 1, -1, 0, 1, high - 1, high, high + 1, -(1 << 31), (1 << 31) - 1,
                          low ^ (1 << 31) if low >= 0 else low + (1 << 31)):
                ctx.set(decoder.value, value)
                await ctx.tick().repeat(decoder.value_latency)
                assert_bits(f"{opcode.name}, argument {argument}, is_good of {value:#x}", low <= value <= high,
                            ctx.get(decoder.is_good))

    run(decoder, bench)


def test_words_may_have_any_value():
    decoder = Decoder(CONFIGS["tiny"])

    async def bench(ctx):
        ctx.set(decoder.opcode, Opcode.UPDATE)
        ctx.set(decoder.argument, 1)
        for kind in Train:
            ctx.set(decoder.train, kind)
            for value in (-(1 << 31), (1 << 31) - 1, MAX_LEVEL + 1):
                ctx.set(decoder.value, value)
                await ctx.tick().repeat(decoder.value_latency)
                assert_bits(f"{kind.name}, is_good of {value:#x}", kind is Train.WORDS, ctx.get(decoder.is_good))

    run(decoder, bench)


def test_value_of_a_register_is_up_to_the_bank():
    decoder = Decoder(CONFIGS["tiny"])

    async def bench(ctx):
        ctx.set(decoder.opcode, Opcode.SET)
        for accepts, value in product((0, 1), (0, -1, 300)):
            ctx.set(decoder.accepts, accepts)
            ctx.set(decoder.value, value)
            await ctx.tick()
            assert ctx.get(decoder.is_good) == accepts

    run(decoder, bench)
