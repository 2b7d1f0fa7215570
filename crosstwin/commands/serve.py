# SPDX-License-Identifier: Apache-2.0
"""`crosstwin serve`: boards, simulated, behind pseudo-terminals that look like their serial ports."""
import argparse
import signal
import sys

from crosstwin import configfile, console
from crosstwin.demo import tile_configs
from crosstwin.links import simulated_board
from golden.presets import DEVICES


def add(commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("serve", help="simulated boards behind pseudo-terminals, until Ctrl-C")
    parser.add_argument("--sim", action="store_true", required=True, help="the verilated design (there is no other)")
    parser.add_argument("--config", action="append", default=[], metavar="NAME|FILE.json", dest="configs",
                        help="a preset or a file; once for each board (default: the preset named default)")
    parser.add_argument("--demo", action="store_true", help="the two boards of `crosstwin demo`, instead of --config")
    parser.add_argument("--device", choices=DEVICES, default="GokmenVlasov", help="at the cross-points, with --demo")
    parser.add_argument("--json", action="store_true", help="print the ports as one line of JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Build the boards, print their ports, and serve them."""
    if arguments.demo and arguments.configs:
        raise console.UsageError("--demo must be given without --config, as it says which two boards")
    try:
        configs = (tile_configs(arguments.device) if arguments.demo
                   else [configfile.named(name) for name in arguments.configs or ["default"]])
    except ValueError as error:
        raise console.UsageError(str(error)) from None
    try:
        from sim.simulated_board import Server, SimulatedBoard
    except ModuleNotFoundError as error:
        if error.name not in ("termios", "tty"):
            raise
        raise RuntimeError("Pseudo-terminals are needed to simulate boards, but this system has none") from None

    server = Server([SimulatedBoard(simulated_board(config)) for config in configs])
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C
    try:
        _print(server, configs, arguments)
        server.run()
    except KeyboardInterrupt:
        print("Stopped", file=sys.stderr)
    finally:
        server.close()
    return 0


def _print(server, configs, arguments: argparse.Namespace) -> None:
    paths = [board.path for board in server.boards]
    if arguments.json:
        console.print_json([{"port": path, "rows": config.rows, "cols": config.cols}
                            for path, config in zip(paths, configs, strict=True)])
    else:
        for path, config in zip(paths, configs, strict=True):
            print(f"Board of {config.rows} x {config.cols} at {path}")
        if arguments.demo:
            print(f"Now run: crosstwin demo --port {paths[0]} --port {paths[1]} --device {arguments.device}")
        print("Ctrl-C ends it.")
    sys.stdout.flush()
