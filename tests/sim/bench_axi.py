# SPDX-License-Identifier: Apache-2.0
"""cocotb bench of ``AxiChecker``: every port is driven from here, by the rules or against one of them."""
import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge

from sim.axi import CHANNELS, AxiChecker


class Ports:
    """All ports of an AXI tile as values that change behind a rising edge."""

    def __init__(self, dut):
        self.dut, self.edge = dut, RisingEdge(dut.aclk)

    async def begin(self) -> AxiChecker:
        for prefix, payload in CHANNELS.items():
            for name in ("valid", "ready", *payload):
                getattr(self.dut, prefix + name).value = 0
        self.dut.aresetn.value = 0
        Clock(self.dut.aclk, 10, unit="ns").start()
        checker = AxiChecker(self.dut)
        await ClockCycles(self.dut.aclk, 2)
        self.dut.aresetn.value = 1
        return checker

    async def cycle(self, prefix: str, **values: int) -> None:
        """Hold these values of a channel for a cycle."""
        for name, value in values.items():
            getattr(self.dut, prefix + name).value = value
        await self.edge

    async def transfer(self, prefix: str) -> None:
        await self.cycle(prefix, valid=1, ready=1)
        await self.cycle(prefix, valid=0, ready=0)


@cocotb.test(timeout_time=10, timeout_unit="us")
async def what_keeps_to_the_rules_passes(dut):
    """Payload may change while nothing is valid, and with every transfer; reset drops everything."""
    ports = Ports(dut)
    checker = await ports.begin()
    for _ in range(2):
        for prefix, payload in CHANNELS.items():
            await ports.cycle(prefix, **{payload[0]: 1})
            await ports.cycle(prefix, valid=1, **{payload[0]: 2})
            await ports.cycle(prefix, ready=1)
            await ports.cycle(prefix, **{payload[0]: 3})
            await ports.cycle(prefix, valid=0, ready=1)
            await ports.cycle(prefix, ready=0)
    await ports.edge
    assert set(checker.transfers.values()) == {4}
    await ports.cycle("s_axil_ar", valid=1)
    dut.aresetn.value = 0
    await ports.cycle("s_axil_ar", valid=0)
    await ClockCycles(dut.aclk, 2)
    assert set(checker.transfers.values()) == {0}
    dut.aresetn.value = 1
    await ports.transfer("s_axil_ar")
    await ports.transfer("s_axil_r")


@cocotb.test(timeout_time=10, timeout_unit="us", expect_fail=True)
@cocotb.parametrize(prefix=list(CHANNELS), what=["valid", "payload"])
async def what_does_not_hold_is_caught(dut, prefix, what):
    """On every channel; what is answered goes before, so that it is not the order that is caught."""
    ports = Ports(dut)
    await ports.begin()
    for each in ("s_axil_aw", "s_axil_w", "s_axil_ar"):
        await ports.transfer(each)
    payload = CHANNELS[prefix][-1]
    await ports.cycle(prefix, valid=1)
    await ports.cycle(prefix, **{"valid": {"valid": 0}, "payload": {payload: 1}}[what])
    await ClockCycles(dut.aclk, 2)


@cocotb.test(timeout_time=10, timeout_unit="us", expect_fail=True)
@cocotb.parametrize(before=[("s_axil_aw",), ("s_axil_w",), ("s_axil_aw", "s_axil_w", "s_axil_b", "s_axil_aw"),
                            ("s_axil_ar",)])
async def a_response_too_many_is_caught(dut, before):
    """B without both AW and W; a second one; R, or a second one, without AR."""
    ports = Ports(dut)
    await ports.begin()
    for each in before:
        await ports.transfer(each)
    response = "s_axil_b" if before[0] != "s_axil_ar" else "s_axil_r"
    if response == "s_axil_r":
        await ports.transfer(response)
    await ports.cycle(response, valid=1)
    await FallingEdge(dut.aclk)
    await ClockCycles(dut.aclk, 1)


@cocotb.test(timeout_time=10, timeout_unit="us", expect_fail=True)
async def valid_in_reset_is_caught(dut):
    ports = Ports(dut)
    await ports.begin()
    dut.aresetn.value = 0
    await ports.cycle("m_axis_t", valid=1)
    await ClockCycles(dut.aclk, 3)
