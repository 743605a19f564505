"""`vinovits merge`: two checkpoints of one family mixed into a third."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from vinovits.cli.inputs import InputPath
from vinovits.cli.needs import needed_extra

_SHARE = click.FloatRange(0, 1)


@click.command(short_help="Mix two checkpoints of one family into a third.")
@click.argument("first", type=InputPath("checkpoint"), metavar="A")
@click.argument("second", type=InputPath("checkpoint"), metavar="B")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--voice", type=_SHARE, default=0.0, help="Share of B in the sound of the voice.")
@click.option("--pitch", type=_SHARE, default=0.0, help="Share of B in the melody.")
@click.option("--style", type=_SHARE, default=0.0, help="Share of B in the way of speaking.")
@click.option("--tempo", type=_SHARE, default=0.0, help="Share of B in the rhythm.")
def merge(first: Path, second: Path, out: Path, **shares: float) -> None:
    """Mix the checkpoints A and B into a folder OUT, which `vinovits convert` takes.

    A and B are what `convert` takes: files with their config beside them, folders, or AIVM files.
    Both must be of one family and one size. Shares are from 0, all of A, to 1, all of B. Styles
    that both have are mixed as the way of speaking is; the speakers' names are those of A. OUT also
    holds a card that names both and their licences.

    This needs torch, which speaking doesn't: `pip install 'vinovits[convert]'`.

    \b
    Example:
      vinovits merge anna bella mixed --voice 0.5 --pitch 0.5 --style 0.2
      vinovits convert mixed mixed-voice
    """
    with needed_extra("Merging", "convert"):
        from vinovits.convert.merge import merge_checkpoints

    made = merge_checkpoints(first, second, out, shares)
    for note in made.notes:
        click.echo(note, err=True)
    click.echo(
        f"{out}: a checkpoint of the family {made.variant}; make a voice of it by "
        f"`vinovits convert {shlex.quote(str(out))} {shlex.quote(f'{out}-voice')}`",
        err=True,
    )
