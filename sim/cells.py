# SPDX-License-Identifier: Apache-2.0
"""Models of the block RAMs and multipliers of ECP5 and Gowin, which yosys has as black boxes only.

They do what Lattice's FPGA-TN-02204 (memory) and FPGA-TN-02205 (DSP) and Gowin's UG285 (memory) and UG287 (DSP)
describe, as far as synthesis uses it: memories without a register behind their output, multipliers without registers.
A cell whose parameters ask for more is refused when it is verilated. See ``cells.v`` for collisions.
"""

import re
from pathlib import Path

WAIVERS = ("MULTIDRIVEN", "UNOPTFLAT", "WIDTHEXPAND", "WIDTHTRUNC", "PINMISSING", "PINCONNECTEMPTY", "UNUSEDPARAM",
           "UNDRIVEN", "TIMESCALEMOD", "SPECIFYIGN", "INITIALDLY", "CASEINCOMPLETE", "COMBDLY", "GENUNNAMED", "BLKSEQ",
           "VARHIDDEN", "SYNCASYNCNET", "EOFNEWLINE", "LATCH", "CASEX", "MULTITOP", "UNUSEDLOOP", "ASCRANGE")
"""Verilator's warnings that a netlist with vendors' models gives; its style is nobody's."""

_MODULE = re.compile(r"^module +(\w+)\b.*?\bendmodule\b", re.MULTILINE | re.DOTALL)
_CELL = re.compile(r"\b([A-Za-z]\w*)\s+(?:#\s*\(|\S+\s*\()")


def complete(netlist: str, library: str) -> str:
    """A netlist, followed by models of its cells: this module's where it has one, otherwise the library's."""
    known = {found[1]: found[0] for text in (library, OWN) for found in _MODULE.finditer(text)}
    added, more = set(), [netlist]
    while more:
        names = {name for part in more for name in _CELL.findall(part)} & known.keys() - added
        added |= names
        more = [known[name] for name in names]
    macros = library[:next(_MODULE.finditer(library)).start()]
    return "\n".join([netlist, macros, *(known[name] for name in sorted(added))])


def _bits(name: str, width: int) -> str:
    """Ports of a bit each as one list, as Lattice has them."""
    return ", ".join(f"{name}{n}" for n in reversed(range(width)))


def _init(name: str, width: int) -> str:
    return ", ".join(f"{name}_{n:02X} = {width}'d0" for n in range(64))


def _all_of(name: str) -> str:
    return ", ".join(f"{name}_{n:02X}" for n in reversed(range(64)))


def _must(condition: str, sentence: str) -> str:
    return f'if (!({condition})) $error("{sentence}");'


_DP16KD = f"""
module DP16KD #(
    parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18, REGMODE_A = "NOREG", REGMODE_B = "NOREG", RESETMODE = "SYNC",
    ASYNC_RESET_RELEASE = "SYNC", CSDECODE_A = "0b000", CSDECODE_B = "0b000", CLKAMUX = "CLKA", CLKBMUX = "CLKB",
    WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL", GSR = "ENABLED", INIT_DATA = "STATIC",
    {_init("INITVAL", 320)}
) (
    input CLKA, CEA, OCEA, WEA, RSTA, CSA2, CSA1, CSA0, {_bits("ADA", 14)}, {_bits("DIA", 18)},
    input CLKB, CEB, OCEB, WEB, RSTB, CSB2, CSB1, CSB0, {_bits("ADB", 14)}, {_bits("DIB", 18)},
    output {_bits("DOA", 18)}, {_bits("DOB", 18)}
);
    generate
        {_must('REGMODE_A == "NOREG" && REGMODE_B == "NOREG"', "DP16KD must have no output register")}
        {_must('RESETMODE == "SYNC" || RESETMODE == "ASYNC"', "RESETMODE of DP16KD must be SYNC or ASYNC")}
        {_must('CSDECODE_A == "0b000" && CSDECODE_B == "0b000"', "CSDECODE of DP16KD must be 0b000")}
        {_must('CLKAMUX == "CLKA" && CLKBMUX == "CLKB"', "Clocks of DP16KD must not be inverted")}
        {_must('WRITEMODE_A == "NORMAL" || WRITEMODE_A == "WRITETHROUGH" || WRITEMODE_A == "READBEFOREWRITE"',
               "WRITEMODE_A of DP16KD must be a known one")}
        {_must('WRITEMODE_B == "NORMAL" || WRITEMODE_B == "WRITETHROUGH" || WRITEMODE_B == "READBEFOREWRITE"',
               "WRITEMODE_B of DP16KD must be a known one")}
        {_must('DATA_WIDTH_A != 36 || DATA_WIDTH_B != 36 || WRITEMODE_A == "NORMAL"',
               "DP16KD of 36 bits must write at one port only and read at the other")}
    endgenerate
    function automatic [287:0] words(input [319:0] value);  // 16 of 18 bits, each in 20
        integer n;
        for (n = 0; n < 16; n = n + 1) words[n * 18 +: 18] = value[n * 20 +: 18];
    endfunction
    localparam A_36 = DATA_WIDTH_A == 36, B_36 = DATA_WIDTH_B == 36;
    wire [17:0] dia = {{{_bits("DIA", 18)}}}, dib = {{{_bits("DIB", 18)}}};
    wire [35:0] doa, dob;
    // a port of 36 bits has both ports' data lines, the other port's for the upper half
    assign {{{_bits("DOA", 18)}}} = B_36 ? dob[17:0] : doa[17:0];
    assign {{{_bits("DOB", 18)}}} = B_36 ? dob[35:18] : dob[17:0];
    wire a = CEA && {{CSA2, CSA1, CSA0}} == 0, b = CEB && {{CSB2, CSB1, CSB0}} == 0;
    wire is_sync = RESETMODE == "SYNC";
    crosstwin_block_ram #(
        .UNIT(9), .A(DATA_WIDTH_A), .B(DATA_WIDTH_B), .IS_ASYNC(RESETMODE == "ASYNC"),
        .MODE_A(WRITEMODE_A == "NORMAL" ? 0 : WRITEMODE_A == "WRITETHROUGH" ? 1 : 2),
        .MODE_B(WRITEMODE_B == "NORMAL" ? 0 : WRITEMODE_B == "WRITETHROUGH" ? 1 : 2),
        .INIT({{{", ".join(f"words(INITVAL_{n:02X})" for n in reversed(range(64)))}}})
    ) ram (
        .clk({{CLKB, CLKA}}), .ce({{b, a}}), .rst({{RSTB, RSTA}}),
        .we({{WEB && !(is_sync && RSTB), WEA && !(is_sync && RSTA)}}),
        .ad({{{_bits("ADB", 14)}, {_bits("ADA", 14)}}}),
        .di({{18'd0, dib, A_36 ? dib : 18'd0, dia}}), .data({{dob, doa}})
    );
endmodule
"""

_MULT18X18D = f"""
module MULT18X18D #(
    parameter REG_INPUTA_CLK = "NONE", REG_INPUTB_CLK = "NONE", REG_INPUTC_CLK = "NONE", REG_PIPELINE_CLK = "NONE",
    REG_OUTPUT_CLK = "NONE", MULT_BYPASS = "DISABLED", SOURCEB_MODE = "B_SHIFT"
) (
    input {_bits("A", 18)}, {_bits("B", 18)}, {_bits("C", 18)}, SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
    output {_bits("P", 36)}
);
    generate
        {_must('REG_INPUTA_CLK == "NONE" && REG_INPUTB_CLK == "NONE" && REG_INPUTC_CLK == "NONE"'
               ' && REG_PIPELINE_CLK == "NONE" && REG_OUTPUT_CLK == "NONE"', "MULT18X18D must have no registers")}
        {_must('MULT_BYPASS == "DISABLED" && SOURCEB_MODE == "B_SHIFT"', "MULT18X18D must multiply A by B")}
    endgenerate
    always @* if (SOURCEA || SOURCEB) $fatal(1, "SOURCEA and SOURCEB of MULT18X18D must be 0");
    crosstwin_multiplier #(.W(18)) multiplier (
        .a({{{_bits("A", 18)}}}), .b({{{_bits("B", 18)}}}), .signed_a(SIGNEDA), .signed_b(SIGNEDB),
        .p({{{_bits("P", 36)}}})
    );
endmodule
"""


def _gowin_multiplier(width: int) -> str:
    has_chain = width < 36
    chain = f", input [{width - 1}:0] SIA, SIB, input ASEL, BSEL, output [{width - 1}:0] SOA, SOB" if has_chain else ""
    registers = ["AREG", "BREG", "PIPE_REG", "ASIGN_REG", "BSIGN_REG",
                 *(["OUT_REG", "SOA_REG"] if has_chain else ["OUT0_REG", "OUT1_REG"])]
    name = f"MULT{width}X{width}"
    unchained = f"""
    assign {{SOA, SOB}} = 0;
    always @* if (ASEL || BSEL) $fatal(1, "ASEL and BSEL of {name} must be 0");""" if has_chain else ""
    return f"""
module {name} #(
    parameter {", ".join(f"{register} = 1'b0" for register in registers)}, MULT_RESET_MODE = "SYNC"
) (
    input CLK, CE, RESET, ASIGN, BSIGN, input [{width - 1}:0] A, B, output [{2 * width - 1}:0] DOUT{chain}
);
    generate {_must(" && ".join(f"!{register}" for register in registers), f"{name} must have no registers")}
    endgenerate{unchained}
    crosstwin_multiplier #(.W({width})) multiplier (.a(A), .b(B), .signed_a(ASIGN), .signed_b(BSIGN), .p(DOUT));
endmodule
"""


def _gowin_ram(name: str, unit: int) -> str:
    """SP or DPB, of bytes of 8 bits, or a like of it with 9. There is no SDPB: synthesis takes DPB instead."""
    kind, most = name.replace("X9", ""), 4 * unit
    init = f"RESET_MODE = \"SYNC\", {_init('INIT_RAM', 32 * unit)}"
    match kind:
        case "SP":
            parameters = f"READ_MODE = 1'b0, WRITE_MODE = 2'b00, BIT_WIDTH = {most}, BLK_SEL = 3'b000"
            ports = (f"input CLK, CE, OCE, RESET, WRE, input [2:0] BLKSEL, input [13:0] AD, input [{most - 1}:0] DI, "
                     f"output [{most - 1}:0] DO")
            checks = _must("!READ_MODE", f"{name} must have no output register")
            of = ("BIT_WIDTH", "1", "WRITE_MODE", "0")
            lines = {"clk": "{1'b0, CLK}", "ce": "{1'b0, CE && BLKSEL == BLK_SEL}", "we": "{1'b0, WRE}",
                     "rst": "{1'b0, RESET}", "ad": "{14'd0, AD}", "di": "{36'd0, 36'(DI)}"}
            data = "assign DO = data[0 +: " + f"{most}];"
        case "SDPB":
            parameters = (f"READ_MODE = 1'b0, BIT_WIDTH_0 = {most}, BIT_WIDTH_1 = {most}, "
                          "BLK_SEL_0 = 3'b000, BLK_SEL_1 = 3'b000")
            ports = ("input CLKA, CEA, RESETA, CLKB, CEB, RESETB, OCE, input [2:0] BLKSELA, BLKSELB, "
                     f"input [13:0] ADA, ADB, input [{most - 1}:0] DI, output [{most - 1}:0] DO")
            checks = _must("!READ_MODE", f"{name} must have no output register")
            of = ("BIT_WIDTH_0", "BIT_WIDTH_1", "0", "0")
            lines = {"clk": "{CLKB, CLKA}", "ce": "{CEB && BLKSELB == BLK_SEL_1, CEA && BLKSELA == BLK_SEL_0}",
                     "we": "2'b01", "rst": "{RESETB, RESETA}", "ad": "{ADB, ADA}", "di": "{36'd0, 36'(DI)}"}
            data = f"assign DO = data[36 +: {most}];"
        case _:
            most //= 2
            parameters = (f"READ_MODE0 = 1'b0, READ_MODE1 = 1'b0, WRITE_MODE0 = 2'b00, WRITE_MODE1 = 2'b00, "
                          f"BIT_WIDTH_0 = {most}, BIT_WIDTH_1 = {most}, BLK_SEL_0 = 3'b000, BLK_SEL_1 = 3'b000")
            ports = ("input CLKA, CEA, OCEA, RESETA, WREA, CLKB, CEB, OCEB, RESETB, WREB, "
                     f"input [2:0] BLKSELA, BLKSELB, input [13:0] ADA, ADB, input [{most - 1}:0] DIA, DIB, "
                     f"output [{most - 1}:0] DOA, DOB")
            checks = _must("!READ_MODE0 && !READ_MODE1", f"{name} must have no output register")
            of = ("BIT_WIDTH_0", "BIT_WIDTH_1", "WRITE_MODE0", "WRITE_MODE1")
            lines = {"clk": "{CLKB, CLKA}", "ce": "{CEB && BLKSELB == BLK_SEL_1, CEA && BLKSELA == BLK_SEL_0}",
                     "we": "{WREB, WREA}", "rst": "{RESETB, RESETA}", "ad": "{ADB, ADA}",
                     "di": "{36'(DIB), 36'(DIA)}"}
            data = f"assign DOA = data[0 +: {most}];\n    assign DOB = data[36 +: {most}];"
    a, b, mode_a, mode_b = of
    connections = ", ".join(f".{line}({value})" for line, value in lines.items())
    return f"""
module {name} #(
    parameter {parameters},
    {init}
) (
    {ports}
);
    generate
        {checks}
        {_must('RESET_MODE == "SYNC" || RESET_MODE == "ASYNC"', f"RESET_MODE of {name} must be SYNC or ASYNC")}
    endgenerate
    wire [71:0] data;
    {data}
    crosstwin_block_ram #(
        .UNIT({unit}), .A({a}), .B({b}), .MODE_A({mode_a}), .MODE_B({mode_b}), .IS_ASYNC(RESET_MODE == "ASYNC"),
        .INIT({{{_all_of("INIT_RAM")}}})
    ) ram ({connections}, .data(data));
endmodule
"""


OWN = "".join([
    Path(__file__).with_name("cells.v").read_text(encoding="utf-8"), _DP16KD, _MULT18X18D,
    *map(_gowin_multiplier, (9, 18, 36)),
    *(_gowin_ram(name, 9 if "X9" in name else 8) for name in ("SP", "SPX9", "SDPX9B", "DPB", "DPX9B")),
])
"""Verilog of all models of this module."""
