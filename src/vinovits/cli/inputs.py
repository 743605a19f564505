"""Paths of what a command reads: one that isn't there is wrong use, and found before any work."""

from __future__ import annotations

import os
from pathlib import Path

import click

from vinovits.errors import UsageError


class InputPath(click.Path):
    """The path of a file or folder to read. What it holds is for the command to judge."""

    def __init__(self, what: str) -> None:
        """Say what it is, for messages: "checkpoint"."""
        super().__init__(path_type=Path)
        self._what = what

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """The path, if there is something."""
        try:
            os.stat(value)  # noqa: PTH116 (an empty name isn't the current folder)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UsageError(f"The {self._what} {value} can't be read: {reason}.") from error
        return super().convert(value, param, ctx)


voices_option = click.option(
    "--voices",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="DIR",
    help="A folder of voices, or a voice folder, searched before the usual ones. May be given "
    "several times.",
)
