"""`vinovits models`: the models that voices listen to, and those to train on."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from vinovits.cli.convert_features import bar
from vinovits.cli.downloads import Lines, keep_source_option, mirror_option, progress
from vinovits.cli.streams import megabytes, print_table, table
from vinovits.errors import DownloadError, MissingExtraError, UsageError, VinovitsError

if TYPE_CHECKING:
    from vinovits.convert.features.builder import Precision
    from vinovits.store.catalogue import Model

_PATH = click.Path(path_type=Path)


@click.group(short_help="Get, list and remove feature models and base models.")
def models() -> None:
    """Get, list and remove the models that voices need, and those to train on.

    A feature model tells a voice what the words mean; which ones a voice needs, `vinovits info`
    says. They are downloaded from Hugging Face, converted, and shared by all voices.

    \b
    Examples:
      vinovits models list
      vinovits models pull deberta-v3-large
      vinovits models pull deberta-v3-large --mirror https://hf-mirror.com
      vinovits models pull deberta-v3-large --from ./deberta-v3-large
    """


@models.command("list", short_help="List the models and what is here of them.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def list_(as_json: bool) -> None:
    """List the models of the catalogue, and feature models that you have besides."""
    rows = _rows()
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    numbers = ("here", "download")
    shown = table("model", "families", "state", *numbers, "licence", right=numbers)
    for row in rows:
        size = row["bytes_to_download"]
        shown.add_row(
            row["name"],
            ", ".join(row["families"]),
            row["state"],
            megabytes(row["bytes_here"]) if row["bytes_here"] else "",
            "" if not row["repository"] else "not known" if size is None else megabytes(size),
            row["licence"] or "not stated",
        )
    print_table(shown)


def _rows() -> list[dict[str, Any]]:
    from vinovits.store.catalogue import catalogue

    converted = _converted()
    rows: list[dict[str, Any]] = []
    for model in catalogue().values():
        if model.kind == "voice":
            continue
        rows.append(
            {
                "name": model.name,
                "kind": model.kind,
                "purpose": model.purpose,
                "families": list(model.families),
                **_state(model.name, converted, model),
                "bytes_to_download": model.size_bytes or None,
                "licence": model.licence,
                "repository": model.repository,
                "revision": model.revision,
                "note": model.note,
            }
        )
    for name in sorted(set(converted) - set(catalogue())):
        rows.append(
            {
                "name": name,
                "kind": "features",
                "purpose": "your own" if _is_own(converted[name]) else "came with vinovits",
                "families": [],
                **_state(name, converted),
                "bytes_to_download": None,
                "licence": _said(converted[name], "licence"),
                "repository": "",
                "revision": "",
                "note": "",
            }
        )
    return rows


def _state(name: str, converted: dict[str, Path], model: Model | None = None) -> dict[str, Any]:
    """What is here of a model, in a word, and how large it is."""
    from vinovits.store.models import is_downloaded, partial_folder, size_of, source_folder

    folders = [source_folder(name), partial_folder(name)]
    if name in converted:
        state = "converted"
        folders.append(converted[name])
    elif model is not None and is_downloaded(model):
        state = "downloaded"
    elif any(folder.exists() for folder in folders):
        state = "incomplete"
    else:
        state = "not here"
    return {"state": state, "bytes_here": sum(size_of(folder) for folder in folders)}


@models.command(short_help="Download models, and convert them.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@mirror_option
@click.option("--revision", default="", help="Commit or branch to take instead of the usual one.")
@click.option(
    "--from",
    "source",
    type=_PATH,
    metavar="DIR",
    help="Folder with the files, downloaded by hand: checked, linked or copied; no network.",
)
@click.option("--no-convert", is_flag=True, help="Only download.")
@click.option(
    "--precision",
    type=click.Choice(["int8", "f16", "f32"]),
    help="Of the converted weights. Default is int8 (f16 for g2pW), or what is here.",
)
@keep_source_option
def pull(
    names: tuple[str, ...],
    mirror: str,
    revision: str,
    source: Path | None,
    no_convert: bool,
    precision: Precision | None,
    keep_source: bool,
) -> None:
    """Download models by NAME, and convert feature models for OpenVINO.

    What is here already is used without asking the network. An interrupted download goes on where
    it stopped: run the command again. After a feature model has been converted, its downloaded
    files are deleted, unless --keep-source is given.

    \b
    Examples:
      vinovits models pull deberta-v3-large chinese-roberta-wwm-ext-large
      vinovits models pull deberta-v3-large --from ~/Downloads/deberta-v3-large
    """
    from vinovits.store import models as store
    from vinovits.store.catalogue import command_for, find_model

    wanted = [find_model(name) for name in dict.fromkeys(names)]
    for model in wanted:
        if model.kind == "voice":
            raise UsageError(f"{model.name} is a voice: {command_for(model.name)}")
    if source is not None and len(wanted) > 1:
        raise UsageError("--from names the folder of one model. Give one NAME with it.")
    if source is not None and (mirror or revision):
        raise UsageError("--from uses no network: leave out --mirror and --revision.")
    for model in wanted:
        ready = partial(
            _ready, model, revision, precision, fresh=source is not None, raw=no_convert
        )
        if not ready():
            with store.locked(model.name, Lines()):
                # Whoever was waited for may have done it.
                if not ready():
                    _get(model, mirror, revision, source)
                    if model.kind == "features" and not no_convert:
                        _convert(model, precision, keep_source=keep_source)
                    continue
        click.echo(f"{model.name}: is here, in {ready()}", err=True)


def _ready(
    model: Model, revision: str, precision: Precision | None, *, fresh: bool, raw: bool
) -> Path | None:
    """The folder of a model if it is here as it is wanted.

    Args:
        model: The model.
        revision: Commit that is asked for.
        precision: Of the converted weights, if it matters.
        fresh: Files are brought, so it can't be.
        raw: Only the downloaded files are wanted.
    """
    from vinovits.store import models as store

    if fresh:
        return None
    if raw or model.kind == "base":
        return store.source_folder(model.name) if store.is_downloaded(model, revision) else None
    folder = _converted().get(model.name)
    if revision or folder is None:
        return None
    return folder if precision in (None, _said(folder, "precision")) else None


def _get(model: Model, mirror: str, revision: str, source: Path | None) -> None:
    from vinovits.store import models as store

    if model.note:
        click.echo(f"note: {model.name} is licensed {model.licence}. {model.note}", err=True)
    if source is not None:
        folder = store.take(model, source)
    else:
        with progress() as shown:
            folder = store.pull(model, shown, mirror=mirror, revision=revision)
    click.echo(f"{model.name}: the files are in {folder}", err=True)


def _convert(model: Model, precision: Precision | None, *, keep_source: bool) -> None:
    """Make the feature folder; say what to do if the packages for it aren't there."""
    from vinovits.output.atomic import replace_folder, write_error
    from vinovits.places import own
    from vinovits.store import models as store

    try:
        from vinovits.convert.features import convert_features
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "vinovits":
            raise
        click.echo(_later(model, f"{error.name} isn't installed"), err=True)
        return
    source, out = store.source_folder(model.name), own("features") / model.name
    staging = out.with_name(f".{model.name}.made")
    click.echo(f"{model.name}: converting ...", err=True)
    try:
        store.remove(staging)
        staging.parent.mkdir(parents=True, exist_ok=True)
        with bar(model.name) as layers:
            convert_features(
                source,
                staging,
                precision=precision,
                name=model.name,
                origin=f"https://huggingface.co/{model.repository}",
                licence=model.licence,
                progress=layers,
            )
        replace_folder(staging, out)
    except MissingExtraError as error:
        click.echo(_later(model, str(error)), err=True)
        return
    except OSError as error:
        raise write_error(out, error) from error
    if not keep_source:
        store.remove(source)
    click.echo(f"{model.name}: ready, in {out} ({megabytes(store.size_of(out))})", err=True)


def _later(model: Model, why: str) -> str:
    return (
        f"{model.name}: not converted, which needs more packages ({why.rstrip('.')}). Run "
        f"`pip install 'vinovits[convert]'`, then `vinovits models pull {model.name}` again."
    )


@models.command(short_help="Print the folder of a model.")
@click.argument("name")
def path(name: str) -> None:
    """Print the folder of a model: the converted one, or else the downloaded one."""
    from vinovits.store.catalogue import command_for, find_model
    from vinovits.store.models import is_downloaded, source_folder

    converted = _converted()
    if name in converted:
        click.echo(converted[name])
        return
    model = find_model(name)
    if not is_downloaded(model):
        raise DownloadError(f"{name} isn't here. Get it by: {command_for(name)}")
    click.echo(source_folder(name))


@models.command(short_help="Delete models.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def rm(names: tuple[str, ...]) -> None:
    """Delete models: what was downloaded of them, complete or not, and what was made of it."""
    from vinovits.store import models as store

    for name in dict.fromkeys(names):
        folders = _own_folders(name)
        with store.locked(name, Lines()):
            freed = store.remove(*folders)
        click.echo(f"{name}: {megabytes(freed)} freed ({freed} bytes)", err=True)


def _own_folders(name: str) -> list[Path]:
    """The folders of a model that may be deleted; there is at least one."""
    from vinovits.store.catalogue import catalogue, find_model
    from vinovits.store.models import partial_folder, source_folder

    converted = _converted()
    if name not in catalogue() and name not in converted:
        find_model(name)
    folders = [source_folder(name), partial_folder(name)]
    if name in converted and _is_own(converted[name]):
        folders.append(converted[name])
    there = [folder for folder in folders if folder.exists()]
    if there:
        return there
    if name in converted:
        raise UsageError(
            f"{name} lies in {converted[name]}, which isn't in your data folder. Delete it there."
        )
    raise UsageError(f"There is nothing of {name} to delete.")


@models.command(short_help="Check the files of models.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def verify(names: tuple[str, ...]) -> None:
    """Compare the files of models with their sums: those of NAME, or of all that are here."""
    from vinovits.store.catalogue import catalogue, find_model
    from vinovits.store.models import source_folder

    converted = _converted()
    here = [
        name
        for name in [*catalogue(), *sorted(set(converted) - set(catalogue()))]
        if name in converted or source_folder(name).is_dir()
    ]
    for name in names:
        if name not in here:
            find_model(name)
            raise DownloadError(f"{name} isn't here: there is nothing to check.")
    if not here:
        click.echo("No models are here. `vinovits models list` shows what there is.", err=True)
    bad = 0
    for name in names or here:
        problems = _problems(name, converted)
        click.echo(f"{name}: {'all is well' if not problems else ' '.join(problems)}")
        bad += bool(problems)
    if bad:
        sys.exit(1)


def _problems(name: str, converted: dict[str, Path]) -> list[str]:
    from vinovits.features.manifest import FeatureManifest, read_manifest
    from vinovits.store import models as store
    from vinovits.store.catalogue import catalogue, command_for

    problems = []
    if name in converted:
        try:
            read_manifest(converted[name], FeatureManifest)
        except VinovitsError as error:
            problems.append(str(error))
    if name in catalogue() and store.source_folder(name).is_dir():
        problems += store.verify(catalogue()[name])
    if problems and command_for(name):
        problems.append(f"Get it anew: vinovits models rm {name}, then {command_for(name)}.")
    return problems


def _converted() -> dict[str, Path]:
    """The folders of feature models that are ready to be used, by name."""
    from vinovits.features.manifest import MANIFEST
    from vinovits.features.store import ENVIRONMENT
    from vinovits.places import find, roots

    return find(roots(ENVIRONMENT, "features"), MANIFEST)


def _is_own(folder: Path) -> bool:
    from vinovits.places import own

    return folder.parent == own("features")


def _said(folder: Path, key: str) -> str:
    """What a feature folder says of itself, without a check of its files."""
    from vinovits.features.manifest import MANIFEST

    try:
        return str(json.loads((folder / MANIFEST).read_bytes()).get(key, ""))
    except (OSError, ValueError, AttributeError):
        return ""
