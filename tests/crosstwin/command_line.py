# SPDX-License-Identifier: Apache-2.0
"""The command line as a function."""
from crosstwin import cli


def status_of(arguments: list[str]) -> int:
    """What it ends with, also where it ends while it reads its arguments."""
    try:
        return cli.main(arguments)
    except SystemExit as stop:
        return stop.code
