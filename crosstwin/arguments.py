# SPDX-License-Identifier: Apache-2.0
"""Command-line arguments that several commands take, each with a clear sentence for what it refuses."""
import argparse
from collections.abc import Iterable, Mapping
from dataclasses import replace

from crosstwin import configfile
from crosstwin.console import UsageError
from golden.config import TileConfig
from golden.presets import DEVICES

CONFIG_HELP = "preset or .json file of a tile (default: the board's)"
THE_BOARDS = " (default: the board's)"
SIZES = {"rows": "rows of the tile", "cols": "columns of the tile", "lanes": "multiply-accumulate lanes"}


def count(low: int, high: int):
    """An integer in low..high."""
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise argparse.ArgumentTypeError(f"must be an integer in {low}..{high}, not {text!r}")
        return value
    return parse


seed = count(0, 2 ** 32 - 1)
"""A seed: 32 bits."""


def given(arguments: argparse.Namespace, names: Iterable[str]) -> dict:
    """The values of those options of these names that were given."""
    return {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}


def tile_options(parser: argparse.ArgumentParser, over: str, names: Mapping[str, str] = SIZES) -> None:
    """Declare what `tile` takes but for --config; `over` says in their help what it is instead of."""
    for name, text in names.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, metavar="N", help=f"{text}{over}")
    parser.add_argument("--device", choices=DEVICES, help=f"at the cross-points{over}")


def tile(arguments: argparse.Namespace, default: TileConfig, names: Iterable[str] = SIZES) -> TileConfig:
    """The tile of option --config, where there is one and it was given, or else the default; with those options of
    these names and the --device that were given. UsageError.
    """
    options = vars(arguments)
    try:
        base = configfile.named(options["config"]) if options.get("config") else default
        device = {"device": DEVICES[options["device"]]} if options.get("device") else {}
        return replace(base, **given(arguments, names), **device)
    except ValueError as error:
        raise UsageError(str(error)) from None


def board(name: str, what: str):
    """The board of that name, for `what` needs it; UsageError."""
    try:
        from boards.build import named
    except ImportError as error:
        raise UsageError(f"{what} {error.name}: pip install crosstwin[fpga]") from None
    try:
        return named(name)
    except ValueError as error:
        raise UsageError(str(error)) from None
