# SPDX-License-Identifier: Apache-2.0
"""A behavioral crossbar outside a tile's pins, for cocotb: it sees the pins and nothing else of the design.

Charge flows in every cycle in which a line is on; in an update, the lines are read at every strobe of `slot`. Devices
step by golden's own engine, lines are sampled by golden's own arithmetic, and converters answer `delay_ns` after the
pins have changed. Its noise has the addresses of golden's, so that its seed and event must be set to golden's.
"""
import cocotb
import numpy as np
from amaranth.lib.wiring import In
from cocotb.triggers import RisingEdge, Timer

from golden import crossbar
from golden.config import Plane, TileConfig
from rtl.adc_pins import kind_pins
from rtl.analog_port import Mode
from tests.rtl.converter_models import CONVERTERS

SETTLE_NS = 1
"""When in a cycle the pins are looked at."""


class ArrayModel:
    """Devices and converters outside `dut`, whose ports are `pins__*`.

    `planes` are its devices; `seed`, `event`, `t_slot` (the time in which a converter's range fills) and `is_serial`
    (each bit is converted by itself, which only the noise's address knows) are set from outside. It works from `start`
    on.
    """

    def __init__(self, dut, config: TileConfig, delay_ns: float):
        self.dut, self.config, self.delay_ns = dut, config, delay_ns
        self.planes = {plane: np.zeros((shape.rows, shape.cols), dtype=np.int64)
                       for plane, shape in config.planes.items()}
        self.seed = self.event = 0
        self.t_slot = 1
        self.is_serial = False
        self.slots = self._weight = self._holds = 0
        self._converters = CONVERTERS[config.adc.kind](config.adc)
        self._handles = {name: getattr(dut, f"pins__{name}") for name in (
            "mode", "integrate", "slot", "hold", "row_pulse", "row_negative", "col_pulse", "col_negative",
            "weighted", "adc_select")}
        self._lists = {name: [getattr(dut, f"pins__{name}__{n}") for n in range(config.n_adcs)]
                       for name in self._converters.outputs if name == "adc_trial"}
        self._handles |= {name: getattr(dut, f"pins__{name}") for name in self._converters.outputs
                          if name not in self._lists}

    def start(self) -> None:
        for name, member in kind_pins(self.config).items():
            if member.flow is In:
                getattr(self.dut, f"pins__{name}").value = 0
        cocotb.start_soon(self._run())

    async def _run(self) -> None:
        edge, was_open, held = RisingEdge(self.dut.clk), False, None
        while True:
            await edge
            await Timer(SETTLE_NS, "ns")
            pins = {name: _number(handle) for name, handle in self._handles.items()}
            mode, is_open = Mode(pins["mode"]), bool(pins["integrate"])
            assert is_open or not pins["row_pulse"] | pins["col_pulse"], "Lines must be off while the window is closed"
            if is_open and not was_open:
                self._charge, self._train = np.zeros(self.config.n_converters, dtype=np.int64), []
                self._weight = 1
            if mode is Mode.IDLE:
                self._holds = 0
            if is_open:
                self._listen(mode, pins)
            if was_open and not is_open and mode is Mode.UPDATE:
                self._update()
            if pins["hold"]:
                held = self._sample(mode)
            if held is not None:
                pins |= {name: [_number(handle) for handle in handles] for name, handles in self._lists.items()}
                cocotb.start_soon(self._answer(self._converters.answer(pins, self._seen(held, pins["adc_select"]))))
                if mode is Mode.IDLE:
                    held = None
            was_open = is_open

    def _lines(self, pins: dict[str, int], side: str, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Which lines of a side are on, and which polarity each has."""
        return tuple(np.array([pins[f"{side}_{kind}"] >> line & 1 for line in range(n)], dtype=bool)
                     for kind in ("pulse", "negative"))

    def _listen(self, mode: Mode, pins: dict[str, int]) -> None:
        rows, row_negative = self._lines(pins, "row", self.config.rows)
        cols, col_negative = self._lines(pins, "col", self.config.cols)
        weights = self.planes[Plane.WEIGHT] * self._weight
        self.slots += pins["slot"]
        self._weight <<= pins["slot"] & pins["weighted"]
        match mode:
            case Mode.FORWARD:
                assert not cols.any(), "Columns must be off in FORWARD"
                self._charge[:self.config.cols] += np.where(row_negative, -1, 1) * rows @ weights
            case Mode.BACKWARD:
                assert not rows.any(), "Rows must be off in BACKWARD"
                self._charge[:self.config.rows] += weights @ (np.where(col_negative, -1, 1) * cols)
            case Mode.UPDATE if pins["slot"]:
                self._train.append((rows, cols, row_negative, col_negative))

    def _update(self) -> None:
        """All coincidences of a window."""
        rows, cols, row_negative, col_negative = (np.array(lines).T for lines in zip(*self._train, strict=True))
        for pulses, negative in ((rows, row_negative), (cols, col_negative)):
            for line, polarity in zip(pulses, negative, strict=True):
                assert len(set(polarity[line].tolist())) < 2, "A line must keep its polarity in an update"
        crossbar.update(self.config, self.planes, self.seed, self.event, rows, cols,
                        (row_negative & rows).any(axis=1), (col_negative & cols).any(axis=1))

    def _sample(self, mode: Mode) -> np.ndarray:
        """What every converter holds, in 1/256 LSB."""
        n = self.config.cols if mode is Mode.FORWARD else self.config.rows
        charge, rest = np.divmod(self._charge[:n], self.t_slot)
        assert not rest.any(), "Lines must be on for whole slots"
        gain, offset = self.planes[Plane.ADC_GAIN][0, :n], self.planes[Plane.ADC_OFFSET][0, :n]
        converter = self.config.converter
        bit = self.config.code_bits - 2 - self._holds if self.is_serial else 0
        self._holds += 1
        noise = converter.noise(self.seed, np.array([self.event]), n, self.config.rounds, bit << 3)[0]
        return converter.sample(charge, gain, offset, noise)

    def _seen(self, held: np.ndarray, select: int) -> list[int]:
        """The charges of the lines that the converters are connected to; 0 of one that there is not."""
        lines = range(select, self.config.n_adcs * self.config.adc.columns_per_adc, self.config.adc.columns_per_adc)
        return [int(held[line]) if line < len(held) else 0 for line in lines]

    async def _answer(self, lines: dict[str, int]) -> None:
        await Timer(self.delay_ns, "ns")
        for name, value in lines.items():
            getattr(self.dut, f"pins__{name}").value = value


def _number(handle) -> int:
    """A pin's value; signed where it is a code."""
    return handle.value.to_signed() if handle._name.startswith(("pins__adc_trial", "pins__adc_count")) \
        else int(handle.value)
