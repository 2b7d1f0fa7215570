# SPDX-License-Identifier: Apache-2.0
"""The command line: `crosstwin demo | compare | verify | serve | verilog | build | program | package | ...`."""
import argparse
import sys
from typing import NoReturn

import crosstwin
from crosstwin.commands import (
    build,
    compare,
    demo,
    energy,
    estimate,
    explore,
    info,
    package,
    program,
    serve,
    throughput,
    verify,
    verilog,
)
from crosstwin.console import UsageError

FAILED, MISUSED = 1, 2
"""Exit status of a command that found a mismatch, and of one that cannot do what was asked."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(MISUSED, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    result = _Parser(prog="crosstwin", description="A digital twin of an analog in-memory-computing accelerator.")
    result.add_argument("--version", action="version", version=f"crosstwin {crosstwin.__version__}")
    commands = result.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (demo, compare, verify, serve, verilog, build, program, estimate, explore, package,
                    energy, throughput, info):
        command.add(commands)
    return result


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status: 0, 1 for a mismatch or a missing tool, 2 for bad input."""
    chosen = parser().parse_args(arguments)
    try:
        return chosen.run(chosen)
    except UsageError as error:
        print(f"crosstwin {chosen.command}: {error}", file=sys.stderr)
        return MISUSED
    except RuntimeError as error:  # of the protocol, the link, the build, the tools or the simulation
        print(f"crosstwin {chosen.command}: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"crosstwin {chosen.command}: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
