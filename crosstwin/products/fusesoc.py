# SPDX-License-Identifier: Apache-2.0
"""A FuseSoC core file (CAPI2) for a packaged tile."""

_TEXT = """\
CAPI=2:
# SPDX-License-Identifier: Apache-2.0
# Written by `crosstwin package`.
name: crosstwin:tiles:{top}:{version}
description: "CrossTwin: {description}"
license: Apache-2.0

filesets:
  rtl:
    files:
      - rtl/{top}.v
    file_type: verilogSource
  header:
    files:
      - registers/crosstwin.h: {{is_include_file: true}}
    file_type: cSource
  registers:
    files:
      - registers/crosstwin.rdl
    file_type: user

targets:
  default:  # as a part of another design
    filesets: [rtl, header, registers]
    toplevel: {top}

  lint:
    flow: lint
    flow_options:
      tool: verilator
      verilator_options: [-Wall]
    filesets: [rtl]
    toplevel: {top}
"""


def core_file(top: str, version: str, description: str) -> str:
    """The text of a .core file for a top module in rtl/TOP.v."""
    return _TEXT.format(top=top, version=version, description=description)
