# SPDX-License-Identifier: Apache-2.0
"""Where a design's memories go on a chip, in what yosys does not see by itself.

**Block RAM without logic beside it**, where a design leaves open what a read gives in the cycle of a write. Amaranth's
read ports give the old value then. Dual-port block RAM does not, and yosys mends that with a register and a
choice at every bit, behind which the block's own output register is lost: twice the time of a read. A memory with the
attribute `no_rw_check` says that nobody looks at such a word; Amaranth hands the attribute on, but yosys heeds it only
where it makes a port itself, so that here its ports are told.

**Cells for small memories**, where the family has them: block RAMs are what the size of a tile ends at. Where cells
are few, blocks for all others: yosys goes by what a memory costs, and not by what there is.

**A block instead of registers** that cost as much, where there are no cells: the choice among them costs more.
"""
import re

from boards.family import MemoryBlocks

_MODULE = re.compile(r"(?<=\nmodule )\S.*?\nend(?=\n)", re.DOTALL)
_MEMORY = re.compile(r"(?P<marks>(?:  attribute .*\n)*)"
                     r"  memory width (?P<width>\d+) size (?P<depth>\d+) (?P<name>\\\S+)\n")
_PORT = re.compile(r"  cell \$mem(?P<kind>rd|wr)_v2 .*?\n  end\n", re.DOTALL)
_NAMED = re.compile(r"parameter \\MEMID \"\\(\\\S+)\"")
_COLLISION = re.compile(r"(parameter \\COLLISION_X_MASK \d+')(0+)")
SMALL = 64
"""Words of the largest memory that goes to cells."""


def tell(rtlil: str, blocks: MemoryBlocks) -> str:
    """RTLIL whose memories say where they go: read ports of those with `no_rw_check` may give any value in the cycle of
    a write, and where `blocks` of the family have cells beside them, those of at most `SMALL` words, but for constant
    ones, are asked for there; where these are few, larger ones in blocks, if they are read by a clock, and so where
    there are none those that a block costs no more than.
    """
    return _MODULE.sub(lambda module: _told(module[0], blocks), rtlil)


def _told(module: str, blocks: MemoryBlocks) -> str:
    open_ended = {memory["name"] for memory in _MEMORY.finditer(module) if "\\no_rw_check 1" in memory["marks"]}
    unclocked = {_NAMED.search(port[0])[1] for port in _PORT.finditer(module) if "\\CLK_ENABLE 0" in port[0]}
    written = {_NAMED.search(port[0])[1] for port in _PORT.finditer(module) if port["kind"] == "wr"}

    def port_told(port: re.Match) -> str:
        if port["kind"] == "wr" or _NAMED.search(port[0])[1] not in open_ended:
            return port[0]
        return _COLLISION.sub(lambda mask: mask[1] + "1" * len(mask[2]), port[0])

    def memory_told(memory: re.Match) -> str:
        depth, width = int(memory["depth"]), int(memory["width"])
        to_cells = blocks.has_cells and depth <= SMALL
        is_choice_ours = blocks.has_few or not blocks.has_cells
        to_blocks = is_choice_ours and memory["name"] not in unclocked and blocks.prefers_blocks(depth, width)
        if memory["name"] not in written or not (to_cells or to_blocks):
            return memory[0]
        return f'  attribute \\ram_style "{"distributed" if to_cells else "block"}"\n' + memory[0]

    return _MEMORY.sub(memory_told, _PORT.sub(port_told, module))
