// SPDX-License-Identifier: Apache-2.0
// A block RAM and a multiplier as chips have them, for the models of cells in cells.py.

// 2048 bytes of UNIT bits behind two ports of A and B bits, the lower half of each vector being the first port's. An
// address counts eighths of a byte, however many bits a byte has; where a port is of several bytes, the lowest bits
// of a write's address enable them. MODE, of a port that writes: 0 its output holds, 1 it shows what is there
// afterwards, 2 what was there before. Of what chips promise nothing, this makes the worst: bits that one port reads or
// writes while the other one writes them are wrong.
module crosstwin_block_ram #(
    parameter UNIT = 9, A = 18, B = 18, MODE_A = 0, MODE_B = 0, IS_ASYNC = 0,
    parameter [2048 * UNIT - 1:0] INIT = 0
) (
    input [1:0] clk, ce, we, rst, input [27:0] ad, input [71:0] di, output [71:0] data
);
    reg [UNIT-1:0] bytes [0:2047];
    integer n;
    initial for (n = 0; n < 2048; n = n + 1) bytes[n] = INIT[n * UNIT +: UNIT];

    // the word of the wider port in which both are, if they meet, and the bits of it that each port writes
    localparam WIDER = A > B ? A : B, BYTES = WIDER < UNIT ? 1 : WIDER / UNIT;
    wire meet = ad[27:17] / 11'(BYTES) == ad[13:3] / 11'(BYTES);
    wire [71:0] written;

    generate
        if (UNIT != 8 && UNIT != 9) $error("Bytes must have 8 or 9 bits");
        genvar p;
        for (p = 0; p < 2; p = p + 1) begin : port
            localparam W = p == 0 ? A : B, MODE = p == 0 ? MODE_A : MODE_B, N = W < UNIT ? 1 : W / UNIT;
            if (W != 1 && W != 2 && W != 4 && W != UNIT && W != 2 * UNIT && W != 4 * UNIT)
                $error("Width of a port must be 1, 2, 4, or 1, 2 or 4 bytes");
            if (MODE > 2) $error("Mode of a port must be 0, 1 or 2");
            wire [13:0] at = ad[p * 14 +: 14];
            wire [10:0] first = at[13:3] & ~11'(N - 1);
            wire [2:0] shift = W < UNIT ? at[2:0] & ~3'(W - 1) : 3'd0;
            wire [35:0] fresh = di[p * 36 +: 36] << shift;
            localparam [35:0] ALL = 36'((37'd1 << W) - 1);
            wire [35:0] lanes = 36'({{UNIT{at[3]}}, {UNIT{at[2]}}, {UNIT{at[1]}}, {UNIT{at[0]}}});
            wire [35:0] enabled = N > 1 ? lanes & ALL : ALL << shift;
            wire is_write = ce[p] && we[p] && enabled != 0;
            wire [5:0] place = 6'((first & 11'(BYTES - 1)) * 11'(UNIT));
            assign written[p * 36 +: 36] = is_write ? enabled << place : 36'd0;
            wire [35:0] spoilt = meet ? written[(1 - p) * 36 +: 36] >> place : 36'd0;

            reg [35:0] old, now, q = 0;
            integer k;
            always @* begin
                old = 0;
                for (k = 0; k < N; k = k + 1) old[k * UNIT +: UNIT] = bytes[first + 11'(k)];
                now = old & ~enabled | fresh & enabled;
            end
            always @(posedge clk[p])
                for (k = 0; k < N * UNIT; k = k + 1)
                    if (is_write && enabled[k]) bytes[first + 11'(k / UNIT)][k % UNIT] <= now[k] ^ spoilt[k];

            wire [35:0] next = (we[p] && MODE == 1 ? now : old) ^ spoilt;
            wire is_read = ce[p] && !(we[p] && MODE == 0);
            wire at_once = IS_ASYNC != 0 && rst[p];
            always @(posedge clk[p] or posedge at_once)
                if (rst[p]) q <= 0;
                else if (is_read) q <= next >> shift;
            assign data[p * 36 +: 36] = q;
        end
    endgenerate
endmodule

// A product of operands of W bits, each signed or not, without any register.
module crosstwin_multiplier #(parameter W = 18) (
    input [W-1:0] a, b, input signed_a, signed_b, output [2*W-1:0] p
);
    wire signed [2*W-1:0] x = {{W{signed_a & a[W-1]}}, a}, y = {{W{signed_b & b[W-1]}}, b};
    assign p = x * y;
endmodule
