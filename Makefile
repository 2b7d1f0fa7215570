# SPDX-License-Identifier: Apache-2.0
# Each target makes the virtual environment first if there is none. The work is done by Python.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test regress formal verilog bitstream bitstreams lint bench clean

demo: .venv/.ready ; crosstwin demo
test: .venv/.ready ; pytest -n 2 -m "not synthesis and not regress"
regress: .venv/.ready ; crosstwin compare --configs 200 --ops 40 --workers 2 && pytest -n 2 -m "cocotb or regress"
formal: .venv/.ready ; python -m tests.formal && pytest -n 2 tests/formal
verilog: .venv/.ready ; crosstwin verilog --config default -o build/verilog/tile.v
bitstream: .venv/.fpga ; crosstwin build --board $(BOARD)
bitstreams: .venv/.fpga
	@for board in $$(python -c "import boards; print(*boards.NAMES)"); do crosstwin build --board $$board || exit 1; done
	@python -m boards.report
lint: .venv/.ready ; ruff check . && basedpyright
bench: .venv/.ready ; python -m crosstwin.bench
clean: ; rm -rf build .venv

.venv/.ready: pyproject.toml constraints.txt
	@command -v $(PYTHON) > /dev/null || { echo "Python 3.11 or newer is needed, but $(PYTHON) was not found: install it."; exit 1; }
	@$(PYTHON) .ci/prerequisites.py
	@echo "Installing into .venv: a minute or two, the first time only."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[fast,dev]"
	@touch $@

.venv/.fpga: .venv/.ready
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[fast,dev,fpga]"
	@touch $@
