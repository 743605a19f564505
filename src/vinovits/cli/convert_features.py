"""`vinovits convert-features`: a feature model as it is released to a feature folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vinovits.cli.inputs import InputPath
from vinovits.cli.needs import needed_extra
from vinovits.cli.streams import console, megabytes
from vinovits.errors import UsageError

if TYPE_CHECKING:
    from vinovits.convert.features.builder import Precision


@click.command("convert-features", short_help="Convert a feature model to OpenVINO.")
@click.argument("folder", type=InputPath("folder"))
@click.argument("out", type=click.Path(path_type=Path), required=False)
@click.option(
    "--precision",
    type=click.Choice(["int8", "f16", "f32"]),
    help="Of the stored weights; all are computed in f32. Default is int8, but f16 for g2pW.",
)
@click.option("--name", help="Name of the feature model. Default is the one that voices ask for.")
@click.option(
    "--layer",
    type=int,
    help="Hidden state to keep, counted as Hugging Face does: -1 is the last. Default is the one "
    "that voices were trained on.",
)
@click.option("--source", "origin", default="", help="For people: where the model comes from.")
@click.option("--licence", default="", help="For people: under which terms it may be used.")
def convert_features(
    folder: Path,
    out: Path | None,
    precision: Precision | None,
    name: str | None,
    layer: int | None,
    origin: str,
    licence: str,
) -> None:
    """Convert the model in FOLDER, as Hugging Face has it, into a feature folder OUT.

    OUT is the place where voices look for it, unless given. What the model is, config.json tells:
    the BERTs that voices listen to, CLAP, the emotion model, WavLM, or g2pW by its .onnx file.
    `vinovits models pull NAME` downloads and converts in one go.

    This needs torch, which speaking doesn't: `pip install 'vinovits[convert]'`.

    \b
    Example:
      vinovits convert-features Downloads/deberta-v3-large
    """
    with needed_extra("Converting", "convert"):
        from vinovits.convert import features
        from vinovits.convert.features.known import usual_name
    from vinovits.manifests import check_name
    from vinovits.output.atomic import write_error
    from vinovits.places import own
    from vinovits.store.catalogue import catalogue

    name = name or (out.resolve().name if out else usual_name(folder))
    check_name(name, "The name of the model", UsageError)
    if out is None:
        out = own("features") / name
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(out, error) from error
    known = catalogue().get(name)
    if known is not None:
        origin = origin or f"https://huggingface.co/{known.repository}"
        licence = licence or known.licence
    with bar(name) as progress:
        manifest = features.convert_features(
            folder,
            out,
            layer,
            precision,
            name=name,
            origin=origin,
            licence=licence,
            progress=progress,
        )
    size = sum(path.stat().st_size for path in out.iterdir())
    click.echo(
        f"{out}: {manifest.name}, a {manifest.architecture} in {manifest.precision}, "
        f"{megabytes(size)}",
        err=True,
    )


@contextmanager
def bar(name: str) -> Iterator[Callable[[int, int], None]]:
    """What shows how far the conversion is, on a terminal."""
    if not sys.stderr.isatty():
        yield lambda done, all_: None
        return
    from rich.progress import Progress

    with Progress(console=console(sys.stderr), transient=True) as bars:
        task = bars.add_task(name, total=None)
        yield lambda done, all_: bars.update(task, completed=done, total=all_)
