# SPDX-License-Identifier: Apache-2.0
"""Simulation of the generated Verilog: Verilator in bulk through ctypes, and cocotb for buses and timing."""
