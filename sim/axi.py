# SPDX-License-Identifier: Apache-2.0
"""What watches and uses the ports of an AXI tile in a cocotb bench, beside third-party models of their far ends."""
from collections.abc import Iterable, Sequence

import cocotb
import numpy as np
from cocotb.task import resume
from cocotb.triggers import FallingEdge, RisingEdge

from sim.bus import LAST, packet

CHANNELS = {
    "s_axil_aw": ("addr", "prot"), "s_axil_w": ("data", "strb"), "s_axil_b": ("resp",),
    "s_axil_ar": ("addr", "prot"), "s_axil_r": ("data", "resp"),
    "s_axis_t": ("data", "last"), "m_axis_t": ("data", "last"),
}
"""Payload signals of every channel of an AXI tile, by the prefix that they share with valid and ready."""


class AxiChecker:
    """Watches all channels of an AXI tile and fails the test in the first cycle that breaks a rule.

    Valid and payload hold until the transfer; no valid in reset; valid, ready and a valid payload are never unknown;
    a response comes behind what it answers, and there is none without: B behind both AW and W, R behind AR.
    `transfers` counts by channel.
    """

    def __init__(self, dut):
        self.transfers = dict.fromkeys(CHANNELS, 0)
        self._dut = dut
        for prefix, payload in CHANNELS.items():
            cocotb.start_soon(self._watch(prefix, [getattr(dut, prefix + name) for name in payload]))
        cocotb.start_soon(self._order())

    async def _watch(self, prefix: str, payload: Sequence) -> None:
        valid, ready = getattr(self._dut, prefix + "valid"), getattr(self._dut, prefix + "ready")
        edge, reset_n, held, is_reset = RisingEdge(self._dut.aclk), self._dut.aresetn, None, False
        while True:
            await edge
            was_reset, is_reset = is_reset, not reset_n.value
            if is_reset:  # the first edge with it is the one that resets
                assert not (was_reset and valid.value), f"{prefix}: valid must be low in reset"
                held = None
                continue
            is_valid, is_ready = valid.value, ready.value
            assert is_valid.is_resolvable, f"{prefix}: valid must be known"
            assert is_ready.is_resolvable, f"{prefix}: ready must be known"
            if not is_valid:
                assert held is None, f"{prefix}: valid must hold until the transfer, but fell"
                continue
            values = [each.value for each in payload]
            assert all(value.is_resolvable for value in values), f"{prefix}: a valid payload must be known"
            found = [int(value) for value in values]
            assert held in (None, found), f"{prefix}: payload must hold, but {held} became {found}"
            held = None if is_ready else found
            self.transfers[prefix] += bool(is_ready)

    async def _order(self) -> None:
        """Looks between the edges, when the counts are those of all edges so far."""
        edge, done, dut = FallingEdge(self._dut.aclk), self.transfers, self._dut
        while True:
            await edge
            asked = {"b": min(done["s_axil_aw"], done["s_axil_w"]), "r": done["s_axil_ar"]}
            for name, count in asked.items():
                answered = done[f"s_axil_{name}"] + bool(getattr(dut, f"s_axil_{name}valid").value)
                assert answered <= count, f"s_axil_{name}: {answered} responses must answer as many, not {count}"
            if not dut.aresetn.value:
                self.transfers.update(dict.fromkeys(done, 0))


class AxiLink:
    """The driver's link over the stream ports of an AXI tile, for blocking Python that `cocotb.task.bridge` runs.

    `source` and `sink` are the far ends' models, of the interface of cocotbext-axi, a word of 32 bits a lane.
    """

    def __init__(self, source, sink):
        self._source, self._sink = source, sink
        self._exchange = resume(self.send_and_receive)

    def exchange(self, words: np.ndarray, n_packets: int) -> np.ndarray:
        """As `crosstwin.driver.Link` has it."""
        return np.array(self._exchange(words.tolist(), n_packets), dtype=np.uint64)

    def close(self) -> None:
        """The bench ends the simulation."""

    async def send_and_receive(self, words: Iterable[int], n_packets: int) -> list[int]:
        """The words of `n_packets` responses to command words, both with framing bits."""
        for frame in frames(words):
            await self._source.send(frame)
        received = [list((await self._sink.recv()).tdata) for _ in range(n_packets)]
        return [word for frame in received for word in packet(frame)]


def frames(words: Iterable[int]) -> list[list[int]]:
    """Data of stream words, cut behind each LAST; the end of the words ends the last packet too."""
    cut: list[list[int]] = [[]]
    for word in words:
        cut[-1].append(word & 0xFFFFFFFF)
        if word & LAST:
            cut.append([])
    return [frame for frame in cut if frame]

