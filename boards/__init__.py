# SPDX-License-Identifier: Apache-2.0
"""FPGA boards, one file a board: pins, clocks, build and report."""
