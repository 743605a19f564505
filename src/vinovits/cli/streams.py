"""Standard output and error: tables for people, and an end without complaints."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WIDE = 400
"""Characters: tables that go to a file or a program are not folded."""


def console(stream: TextIO) -> Console:
    """A rich console on a stream."""
    from rich.console import Console

    return Console(
        file=stream,
        width=None if stream.isatty() else _WIDE,
        highlight=False,
        markup=False,
        emoji=False,
    )


def table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """An empty table without lines.

    Args:
        columns: Headings; none gives a table without a head.
        right: Headings of the columns that hold numbers.
    """
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold", show_header=bool(columns))
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left")
    return made


def print_table(rows: Table, *, err: bool = False) -> None:
    """Print a table, folded only to fit a terminal.

    Args:
        rows: From `table`.
        err: Whether to print on standard error.
    """
    output = console(sys.stderr if err else sys.stdout)
    with output.capture() as capture:
        output.print(rows)
    # rich fills every line with spaces up to the width of the table
    for line in capture.get().splitlines():
        click.echo(line.rstrip(), err=err)


def megabytes(size: float) -> str:
    """Bytes as people read them."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def discard_stdout() -> None:
    """Send to nowhere what Python still writes to standard output when it exits."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):  # not a real file, as in tests
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)
