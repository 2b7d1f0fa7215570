# SPDX-License-Identifier: Apache-2.0
"""The verilated board at its pins: bytes, damaged symbols, slices of time."""
from functools import cache

import numpy as np
import pytest

from golden.frame import Deframer, Frame, Kind
from golden.link import VERSION
from rtl.verilog import verilog_of
from sim.instance import SimulationError
from sim.serial_model import SerialModel, symbols_of
from tests.rtl.echo import EchoBoard

HELLO = Frame(Kind.HELLO, 0, 5).encode()
WELCOME = [Frame(Kind.WELCOME, 1, 5, (VERSION,))]
DIVISORS = [2, 5]


@cache
def verilog(divisor: int) -> str:
    return verilog_of(EchoBoard(divisor), "echo_board")


@pytest.fixture(params=DIVISORS)
def model(request):
    with SerialModel(verilog(request.param), "echo_board", request.param) as model:
        yield model


def test_symbols():
    assert symbols_of(b"\x00\xff\x31").tolist() == [0x200, 0x3FE, 0x262]


def test_an_answer_comes_and_time_stands_still_then(model):
    assert model.is_idle
    model.send(HELLO)
    assert not model.is_idle
    assert Deframer().feed(model.run(100_000)) == WELCOME
    assert model.is_idle
    cycles = model.cycles
    assert model.run(100_000) == b""
    assert model.cycles - cycles < 10 * model.divisor + 20
    n_bytes = len(HELLO) + len(WELCOME[0].encode())
    assert cycles < (n_bytes + 3) * 10 * model.divisor + 60


def test_time_in_slices_is_the_same(model):
    model.send(HELLO)
    found = b""
    for _ in range(10_000):
        found += model.run(7)
        if model.is_idle:
            break
    assert Deframer().feed(found) == WELCOME


def test_any_symbol_can_be_sent(model):
    wrong = symbols_of(HELLO)
    wrong[4] &= 0x1FF  # no stop bit: the rest is no frame either
    model.send_symbols(np.concatenate([wrong, [0x3FF], symbols_of(HELLO)]))
    kinds = [frame.kind for frame in Deframer().feed(model.run(100_000)) if frame]
    assert Kind.NAK in kinds
    assert Kind.WELCOME in kinds


def test_reset_forgets(model):
    model.send(HELLO)
    model.run(5 * model.divisor)
    model.reset()
    assert model.is_idle
    model.send(HELLO)
    assert Deframer().feed(model.run(100_000)) == WELCOME


def test_a_closed_model_says_so():
    model = SerialModel(verilog(2), "echo_board", 2)
    model.close()
    model.close()
    with pytest.raises(SimulationError, match="must be open to be used, but this one was closed"):
        model.run(1)
