# SPDX-License-Identifier: Apache-2.0
"""What commands show: progress bars on a terminal, tables, JSON, and errors of one sentence."""
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table


class UsageError(ValueError):
    """Something was asked for that cannot be; its message is the one sentence that the user sees."""


@contextmanager
def progress(label: str, total: int, quiet: bool = False) -> Iterator[Callable[[], None]]:
    """A bar on stderr, if that is a terminal, and a function that moves it by one."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda: None
        return
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(label, total=total)
        yield lambda: bar.advance(task)


@contextmanager
def steps(label: str, names: list[str], quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Progress by step: a bar, or a line each where there is no terminal, on stderr; the function begins a step."""
    console, n = Console(stderr=True), len(names)
    if quiet:
        yield lambda name: None
    elif not console.is_terminal:
        yield lambda name: print(f"{label}: {name} ({names.index(name) + 1} of {n})", file=sys.stderr, flush=True)
    else:
        with Progress(TextColumn("{task.description:<44}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                      console=console) as bar:
            task = bar.add_task(label, total=n)
            yield lambda name: bar.update(task, description=f"{label}: {name}", completed=names.index(name))


def table(title: str, columns: list[str], rows: list[list]) -> None:
    """Print a table; the first column is left-aligned, numbers after it are right-aligned."""
    result = Table()
    for n, column in enumerate(columns):
        result.add_column(column, justify="right" if n else "left")
    for row in rows:
        result.add_row(*(number(cell) for cell in row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)
    console.print(title, style="bold", highlight=False)
    console.print(result)


def number(cell) -> str:
    """A cell as text: thousands apart, four digits of a float, a dash for nothing."""
    if cell is None:
        return "-"
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return str(cell)
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:.4g}"


def print_json(value) -> None:
    """Print a value as JSON on stdout."""
    json.dump(value, sys.stdout, indent=2)
    print()
