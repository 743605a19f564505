"""`vinovits pull`: a voice from a repository, converted and listed in `voices`."""

from __future__ import annotations

import importlib.util
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vinovits.cli.convert import precision_option
from vinovits.cli.downloads import Lines, keep_source_option, mirror_option, progress
from vinovits.cli.needs import tell_needs
from vinovits.cli.streams import console
from vinovits.errors import MissingExtraError, OutputError, UsageError

if TYPE_CHECKING:
    from vinovits.convert.voice import Conversion
    from vinovits.store.catalogue import Model

_NEEDED = ("torch", "safetensors")
"""Packages that converting a checkpoint needs."""
_NAME = "The name of a voice"


@click.command(short_help="Fetch a voice, convert it, and list it in `voices`.")
@click.argument("voice")
@click.option("--name", help="What to call it. Default is the name of its folder or repository.")
@precision_option
@mirror_option
@keep_source_option
def pull(voice: str, name: str | None, precision: str, mirror: str, keep_source: bool) -> None:
    """Fetch VOICE, convert it, and put it where `vinovits voices` finds it.

    VOICE is hf:OWNER/REPO for a repository on Hugging Face that holds one voice;
    hf:OWNER/REPO/FOLDER for one in a folder, or hf:OWNER/REPO/FOLDER/FILE for one of several
    checkpoints; hf:OWNER/REPO@REVISION for a commit or branch; the address of such a page; or a
    voice of the catalogue by its name.

    Of a repository, only what the voice needs is downloaded: its newest checkpoint (G_*.pth,
    *.safetensors or *.aivm), config.json and style_vectors.npy. The downloaded files are deleted
    after the conversion, unless --keep-source is given.

    This needs torch, which speaking doesn't: `pip install 'vinovits[convert]'`.

    \b
    Examples:
      vinovits pull jvnv-F1-jp
      vinovits pull hf:litagin/style_bert_vits2_jvnv/jvnv-F1-jp
      vinovits pull hf:someone/a-voice@main --name anna --precision f16
    """
    from vinovits.places import own
    from vinovits.store import models as store

    missing = [package for package in _NEEDED if importlib.util.find_spec(package) is None]
    if missing:
        raise MissingExtraError(
            f"Converting needs {' and '.join(missing)}, which isn't installed. Install it with: "
            "pip install 'vinovits[convert]'"
        )
    called, model = _find(voice, name, mirror)
    out = own("voices") / called
    _check_free(out)
    with store.locked(model.name, Lines()):
        _check_free(out)  # Whoever was waited for may have made it.
        made = _make(model, out, precision, mirror)
        if not keep_source:
            store.remove(store.source_folder(model.name))
    for note in made.notes:
        click.echo(f"note: {note}", err=True)
    tell_needs(made.manifest)
    click.echo(f'{out}: speak with it by `vinovits say --voice {shlex.quote(called)} "..."`')


def _find(voice: str, name: str | None, mirror: str) -> tuple[str, Model]:
    """What to call a voice, and its files."""
    from vinovits.manifests import check_name
    from vinovits.store.catalogue import catalogue, command_for
    from vinovits.store.hub import choose_voice, list_files, read_reference, voice_name
    from vinovits.store.remote import Remote

    known = catalogue().get(voice)
    if known is not None and known.kind != "voice":
        raise UsageError(f"{voice} isn't a voice. Get it by: {command_for(voice)}")
    if known is not None:
        called, model = name or known.name, known
    else:
        if ":" not in voice:
            _raise_unknown(voice)
        reference = read_reference(voice)
        called = name or voice_name(reference)
        check_name(called, _NAME, UsageError)
        with Remote(mirror) as remote:
            model = choose_voice(reference, list_files(remote, reference))
    check_name(called, _NAME, UsageError)
    return called, model


def _raise_unknown(voice: str) -> None:
    from vinovits.store.catalogue import catalogue

    known = ", ".join(model.name for model in catalogue().values() if model.kind == "voice")
    folder = " It is a folder on this machine: `vinovits convert` takes it."
    raise UsageError(
        f"There is no voice {voice!r:.200} in the catalogue (it has {known}). Name a repository: "
        f"hf:OWNER/REPO.{folder if Path(voice).exists() else ''}"
    )


def _check_free(out: Path) -> None:
    if out.exists():
        raise OutputError(
            f"There is a voice {out.name!r} already, in {out}. Choose another --name, or delete "
            "that folder."
        )


def _make(model: Model, out: Path, precision: str, mirror: str) -> Conversion:
    from vinovits.output.atomic import write_error
    from vinovits.store import models as store

    with progress() as shown:
        folder = store.pull(model, shown, mirror=mirror)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(out, error) from error
    from vinovits.convert.voice import convert_checkpoint
    from vinovits.voices.manifest import Card

    card = Card(
        licence=model.licence,
        source=f"https://huggingface.co/{model.repository} at {model.revision}",
    )
    with console(sys.stderr).status("Converting and comparing with torch ..."):
        return convert_checkpoint(folder, None, out, precision=precision, name=out.name, card=card)
