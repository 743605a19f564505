"""Standard output and error: tables for people, and an end without complaints."""

from __future__ import annotations

import io
import logging
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

import click

from vinovits.errors import OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer
    from rich.console import Console
    from rich.table import Table

STDOUT = "standard output"
OUTPUT_IS_CLOSED = "Standard output is closed."
_WIDE = 400
"""Characters: tables that go to a file or a program are not folded."""
_CONTROLS = dict.fromkeys({*range(32), *range(127, 160)} - {ord("\n"), ord("\t")})
"""Control characters of ASCII and Latin-1, for `str.translate`."""


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
    """An empty table without lines. What would command the terminal is left out of its cells.

    Args:
        columns: Headings; none gives a table without a head.
        right: Headings of the columns that hold numbers.
    """
    from rich.table import Table

    class Readable(Table):
        """A table whose words may be a stranger's: names and cards come with voices."""

        def add_row(self, *cells: Any, **options: Any) -> None:
            plain = (cell.translate(_CONTROLS) if isinstance(cell, str) else cell for cell in cells)
            super().add_row(*plain, **options)

    made = Readable(box=None, pad_edge=False, header_style="bold", show_header=bool(columns))
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


class NoteHandler(logging.Handler):
    """Prints what is logged as lines on standard error, the same only once."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Print a message, if it is new."""
        message = record.getMessage()
        if message not in self._told:
            self._told.add(message)
            click.echo(f"note: {message}", err=True)


def guard_streams() -> None:
    """Make standard output fail with a sentence, and standard error not at all.

    Python gives None for a stream that was closed before the start, raises what the system says
    from wherever it flushes, and at exit flushes once more and complains.
    """
    _keep_numbers()
    if sys.stdout is None:
        sys.stdout = _text(_Closed())
    elif _is_file(sys.stdout):
        sys.stdout.flush()
        sys.stdout = _text(_Output(sys.stdout.fileno(), "wb", closefd=False), sys.stdout)
    if sys.stderr is None:
        sys.stderr = _text(_Nowhere())
    elif _is_file(sys.stderr):
        sys.stderr.flush()
        sys.stderr = _text(_Messages(sys.stderr.fileno(), "wb", closefd=False), sys.stderr)


def is_closed(stream: TextIO | None) -> bool:
    """Whether a standard stream was closed before the start."""
    return stream is None or isinstance(_raw(stream), _Closed)


def _keep_numbers() -> None:
    """Occupy the numbers of closed streams: C code writes to 1 and 2, whatever is there."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _is_file(stream: TextIO) -> bool:
    """Whether a stream is what Python made of a descriptor, other than a Windows console."""
    return isinstance(_raw(stream), io.FileIO)


def _raw(stream: TextIO) -> object:
    buffer = getattr(stream, "buffer", None)
    return getattr(buffer, "raw", buffer)  # with PYTHONUNBUFFERED, there is no buffer


def _text(raw: io.RawIOBase, like: TextIO | None = None) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding="utf-8" if like is None else like.encoding,
        errors="backslashreplace" if like is None else like.errors,
        newline=None,
        line_buffering=getattr(like, "line_buffering", False),
    )


class _Output(io.FileIO):
    """Standard output: tells once that it can't be written, then takes what Python still holds."""

    _failed = False

    def write(self, data: Buffer) -> int:
        if self._failed:
            return memoryview(data).nbytes
        try:
            return super().write(data)
        except OSError as error:
            self._failed = True
            if isinstance(error, BrokenPipeError):
                raise  # not an error: whoever reads has enough
            from vinovits.output.atomic import write_error

            raise write_error(STDOUT, error) from error


class _Messages(io.FileIO):
    """Standard error: what can't be written is lost, and the work goes on."""

    def write(self, data: Buffer) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


class _Nowhere(io.RawIOBase):
    def writable(self) -> bool:
        return True

    def write(self, data: Buffer) -> int:
        return memoryview(data).nbytes


class _Closed(_Nowhere):
    """In place of a closed standard output."""

    _told = False

    def write(self, data: Buffer) -> int:
        if not self._told:
            self._told = True
            raise OutputError(OUTPUT_IS_CLOSED)
        return super().write(data)
