"""`vinovits voices`: the voices that can be loaded by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from vinovits.cli.streams import megabytes, print_table, table

if TYPE_CHECKING:
    from rich.table import Table

    from vinovits.voices.store import VoiceInfo


@click.command(short_help="List the voices that are installed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def voices(as_json: bool) -> None:
    """List the voices that can be named with --voice.

    They are looked for in the folders that VINOVITS_VOICES names, in your data folder, and among
    those that came with vinovits. A voice elsewhere is named by the path of its folder. A folder
    that is broken, or of a newer format, is told on standard error.

    \b
    Examples:
      vinovits voices
      vinovits voices --json
    """
    from vinovits.voices.store import scan_voices

    found, broken = scan_voices()
    if as_json:
        data = [
            {
                "name": voice.name,
                "path": str(voice.path),
                "languages": list(voice.manifest.languages),
                "speakers": voice.manifest.speakers,
                "sampling_rate": voice.manifest.sampling_rate,
                "licence": voice.manifest.card.licence,
                "size_bytes": voice.size_bytes,
            }
            for voice in found
        ]
        click.echo(json.dumps(data, ensure_ascii=False, indent=2))
    elif found:
        print_table(_rows(found))
    else:
        click.echo("No voices are installed. `vinovits convert` makes one.", err=True)
    for one in broken:
        click.echo(f"note: {one.path.name} can't be used: {one.reason}", err=True)


def _rows(found: list[VoiceInfo]) -> Table:
    rows = table(
        "voice",
        "languages",
        "speakers",
        "rate",
        "size",
        "licence",
        right=("speakers", "rate", "size"),
    )
    for voice in found:
        manifest = voice.manifest
        rows.add_row(
            voice.name,
            ", ".join(manifest.languages),
            str(len(manifest.speakers)) if manifest.spectrogram is None else "any",
            f"{manifest.sampling_rate} Hz",
            megabytes(voice.size_bytes),
            manifest.card.licence or "not stated",
        )
    return rows
