"""`vinovits convert`: a released checkpoint to a voice folder."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vinovits.cli.inputs import InputPath
from vinovits.cli.needs import needed_extra, tell_needs
from vinovits.errors import UsageError

if TYPE_CHECKING:
    from vinovits.text.front_ends import Reading


precision_option = click.option(
    "--precision",
    type=click.Choice(["f32", "f16", "int8"]),
    default="f32",
    show_default=True,
    help="Of the stored weights: f16 halves the size of the folder, int8 nearly halves it again; "
    "all are computed in f32.",
)


@click.command(short_help="Convert a released checkpoint into a voice folder.")
@click.argument("checkpoint", type=InputPath("checkpoint"))
@click.argument("config", type=InputPath("config"), nargs=-1, metavar="[CONFIG]")
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--variant",
    metavar="NAME",
    help="The checkpoint's family, such as 2.0 or sbv2-jp-extra. Default is the one that its "
    "tensors and its config tell.",
)
@precision_option
@click.option("--name", help="Name of the voice. Default is the name of the folder.")
@click.option(
    "--language",
    "languages",
    multiple=True,
    help="Code of a language that the voice was trained to speak (en, zh, ja). May be given "
    "several times. Default is all that its family knows.",
)
@click.option(
    "--feature-model",
    "feature_models",
    multiple=True,
    metavar="INPUT=NAME",
    help="Feature folder that a feature input was trained with, such as "
    "en_bert=all-MiniLM-L6-v2. Default is its family's.",
)
@click.option(
    "--reading",
    type=click.Choice(["better", "released"]),
    default="better",
    show_default=True,
    help="How the voice's texts are read unless the caller says otherwise: `released` is as the "
    "front end that came with its family did, faults included, for a voice that has learnt them.",
)
@click.option("--title", default="", help="For the card: a line that says what the voice is.")
@click.option("--description", default="", help="For the card: more about it.")
@click.option("--author", default="", help="For the card: who made the voice.")
@click.option("--licence", default="", help="For the card: under which terms it may be used.")
@click.option("--source", default="", help="For the card: what it was made from.")
@click.option("--use", default="", help="For the card: what it may and may not be used for.")
def convert(
    checkpoint: Path,
    config: tuple[Path, ...],
    out: Path,
    variant: str | None,
    precision: str,
    name: str | None,
    languages: tuple[str, ...],
    feature_models: tuple[str, ...],
    reading: Reading,
    **card: str,
) -> None:
    """Convert CHECKPOINT into a voice folder OUT.

    CHECKPOINT is a `G_*.pth` or a .safetensors file, an AIVM file, or a folder, of which the newest
    checkpoint is taken. CONFIG is its config.json, looked for beside the checkpoint if not given;
    the style_vectors.npy of a Style-Bert-VITS2 voice lies beside one of them. The family is found
    and printed.

    The result is checked: each stage runs in torch and in OpenVINO on a test utterance, and the
    largest difference is printed. If one is above a thousandth of the stage's peak, the command
    fails. OUT appears when all is well.

    This needs torch, which speaking doesn't: `pip install 'vinovits[convert]'`.

    \b
    Examples:
      vinovits convert G_0.pth config.json my-voice --precision f16 --language en
      vinovits convert model_assets/anna anna
      vinovits convert anna.aivm anna
    """
    with needed_extra("Converting", "convert"):
        from vinovits.convert.voice import convert_checkpoint
        from vinovits.voices.manifest import Card

    from vinovits.cli.streams import console, print_table, table

    if len(config) > 1:
        raise UsageError("Give one checkpoint, one config at the most, and the folder to make.")
    models = dict(_pair(given) for given in feature_models)
    with console(sys.stderr).status("Converting and comparing with torch ..."):
        made = convert_checkpoint(
            checkpoint,
            config[0] if config else None,
            out,
            variant=variant,
            precision=precision,
            name=name,
            languages=languages or None,
            feature_models=models,
            reading=reading,
            card=Card(**card),
        )

    for note in made.notes:
        click.echo(note, err=True)
    rows = table("stage", "largest difference", "of peak", right=("largest difference", "of peak"))
    for difference in made.differences:
        rows.add_row(difference.stage, f"{difference.absolute:.1e}", f"{difference.relative:.1e}")
    print_table(rows, err=True)
    # A bare name might be that of an installed voice, and one with spaces needs quotes.
    named = str(out) if out.name != str(out) else os.path.join(".", out)  # noqa: PTH118
    options = f"--voice {shlex.quote(named)}"
    if not tell_needs(made.manifest):
        options += " --features none"
    click.echo(f'{out}: speak with it by `vinovits say {options} "..."`', err=True)


def _pair(given: str) -> tuple[str, str]:
    name, equals, model = given.partition("=")
    if not (name and equals and model):
        raise UsageError(
            f"--feature-model takes INPUT=NAME, such as en_bert=all-MiniLM-L6-v2, not {given!r}."
        )
    return name, model
