# SPDX-License-Identifier: Apache-2.0
"""Command-line arguments that several commands take, each with a clear sentence for what it refuses."""
import argparse
from collections.abc import Iterable
from dataclasses import replace

from crosstwin import configfile
from crosstwin.console import UsageError
from golden.config import TileConfig

CONFIG_HELP = "preset or .json file of a tile (default: the board's)"


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


def tile(arguments: argparse.Namespace, board, names: Iterable[str]) -> TileConfig:
    """The tile of option --config, or else the board's, with those options of these names that were given; UsageError.
    """
    try:
        base = configfile.named(arguments.config) if arguments.config else board.config
        return replace(base, **given(arguments, names))
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
