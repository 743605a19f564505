"""`vinovits info`: all about one voice."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vinovits.cli.report import graph_table
from vinovits.cli.streams import megabytes, print_table, table

if TYPE_CHECKING:
    from vinovits.graphs import GraphInfo
    from vinovits.voices.manifest import EmotionNeed

_SPEAKERS_SHOWN = 20


@click.command(short_help="Show what a voice is, and check its files.")
@click.argument("voice")
@click.option(
    "--device",
    help="Compile the voice there and show where each graph really runs, as for `vinovits say`.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def info(voice: str, device: str | None, as_json: bool) -> None:
    """Show what VOICE is: its card and licence, languages, speakers, settings and files.

    VOICE is a name that `vinovits voices` lists, or the path of a voice folder. Its files are
    checked against the sums that it carries; what is missing or altered is an error.

    \b
    Examples:
      vinovits info joe
      vinovits info ./my-voice --json
      vinovits info joe --device auto
    """
    from vinovits.voices.manifest import FORMAT, open_folder
    from vinovits.voices.store import VoiceInfo, find_voice

    folder = find_voice(voice)
    manifest = open_folder(folder)
    size = VoiceInfo(folder, manifest).size_bytes
    graphs = {} if device is None else _graphs(folder, device)
    if as_json:
        data = {"path": str(folder), "size_bytes": size, "format": FORMAT, **manifest.to_dict()}
        if device is not None:
            data["graphs"] = {name: asdict(found) for name, found in graphs.items()}
        click.echo(json.dumps(data, ensure_ascii=False, indent=2))
        return
    rows = table()
    card = manifest.card
    speakers = list(manifest.speakers)
    named = ", ".join(speakers[:_SPEAKERS_SHOWN])
    if len(speakers) > _SPEAKERS_SHOWN:
        named += f" and {len(speakers) - _SPEAKERS_SHOWN} more (--json lists them)"
    features = [f"{need.model} for {need.language}" for need in manifest.features]
    defaults = manifest.defaults
    for name, value in {
        "voice": manifest.name,
        "title": card.title,
        "about": card.description,
        "author": card.author,
        "licence": card.licence or "not stated",
        "made from": card.source,
        "use": card.use,
        "languages": ", ".join(manifest.languages),
        "speakers": named
        if manifest.spectrogram is None
        else "copied from a recording (--speaker)",
        "sampling rate": f"{manifest.sampling_rate} Hz, {manifest.hop_length} samples per frame",
        "network": f"Bert-VITS2 {manifest.variant}, weights in {manifest.precision}",
        "reading": manifest.reading,
        "features": ", ".join(features) or "none",
        "styles": ", ".join(manifest.styles),
        "emotion": _emotion(manifest.emotion),
        "settings": f"speed {defaults.speed:g}, sdp-ratio {defaults.sdp_ratio:g}, "
        f"noise {defaults.noise:g}, noise-w {defaults.noise_w:g}, pause {defaults.pause:g}",
        "size": megabytes(size),
        "folder": str(folder),
    }.items():
        if value:
            rows.add_row(name, value)
    print_table(rows)
    if graphs:
        click.echo()
        print_table(graph_table(graphs))
        for name, found in graphs.items():
            if found.note:
                click.echo(f"{name} isn't where it was wanted: {found.note}")


def _graphs(folder: Path, device: str) -> dict[str, GraphInfo]:
    import vinovits

    return vinovits.load(folder, device=device, features="none", warm=False).graphs()


def _emotion(need: EmotionNeed | None) -> str:
    if need is None:
        return ""
    taken = "a description or a recording"
    if need.rows:
        taken = f"a number from 0 to {need.rows - 1} or a recording"
    return f"{taken}, heard by {need.model}"
