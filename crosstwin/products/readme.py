# SPDX-License-Identifier: Apache-2.0
"""The README of a packaged tile."""
from crosstwin.products.core import Core
from golden.config import TileConfig
from golden.registers import CONTRACT_VERSION

_TEXT = """\
# {top}

A CrossTwin tile of {config.rows} x {config.cols}, {array}; {summary}.
Written by `crosstwin package` of CrossTwin {version}, numeric contract {contract}.

| file | what it is |
|---|---|
{files}

## Ports

Top module `{top}`, in one Verilog-2001 file without parameters or `include`.

| port | direction | bits | purpose |
|---|---|---|---|
{ports}

## Clock and reset

One clock, `{clock}`, of which every flip-flop takes the rising edge. `{reset}` is synchronous and resets every flag and
every register of the map; hold it for one cycle or more. Memories are not reset{planes}.
Initial values in the Verilog are those of the reset, so an ASIC flow may ignore them. Outputs come from flip-flops,
some through gates, and no input reaches an output combinationally.

## Programming

Registers: `registers/registers.md`, the same as SystemRDL and as a C header. Commands and responses are packets of
32-bit words: section 11 of CrossTwin's `docs/contract.md` defines them, and `docs/integration.md` shows how to wire
and use the core.

## Make it again

    crosstwin package --config configuration.json {arguments} -o FOLDER

`configuration.json` holds every parameter. The same CrossTwin writes the same files, byte by byte.
"""


def readme(core: Core, arguments: str, config: TileConfig, version: str, files: dict[str, str],
           ports: list[tuple[str, str, int, str]]) -> str:
    """Markdown; `arguments` make it again, `files` says what each file is, `ports` are those of `Core.port_list`."""
    clock, reset = ("aclk", "aresetn") if "aclk" in core.ports else tuple(core.hidden)
    array, planes = ("its array behind pins", "") if config.pins else (
        f"emulated {type(config.device).__name__} devices on {config.lanes} lanes",
        ": load all planes before the first operation")
    return _TEXT.format(
        top=core.top, config=config, array=array, planes=planes, summary=core.summary, version=version,
        contract=CONTRACT_VERSION, clock=clock, reset=reset, arguments=arguments,
        files="\n".join(f"| `{name}` | {purpose} |" for name, purpose in files.items()),
        ports="\n".join(f"| `{name}` | {direction} | {bits} | {purpose} |" for name, direction, bits, purpose in ports))
