# SPDX-License-Identifier: Apache-2.0
"""Kinds of command-line arguments, each with a clear sentence for what it refuses."""
import argparse


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
