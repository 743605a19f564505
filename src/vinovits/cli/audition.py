"""`vinovits audition`: the checkpoints of a training side by side."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vinovits.cli.inputs import InputPath
from vinovits.cli.needs import needed_extra

if TYPE_CHECKING:
    from vinovits.train.audition import Listener, Samples
    from vinovits.train.dataset import Clip

_RATE = 16_000


@click.command(short_help="Compare the checkpoints of a training.")
@click.argument("folder", type=InputPath("training"))
@click.option("--data", type=InputPath("training set"), help="If not what it was trained on.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or xpu.")
@click.option("--transcribe", metavar="MODEL", help="A Whisper model, for word errors.")
def audition(folder: Path, data: Path | None, device: str, transcribe: str | None) -> None:
    """Let each checkpoint of a training say the validation clips, and measure that.

    Mel distances are always measured; DNSMOS where the package speechmos is installed; how like the
    recordings the speaker is where resemblyzer is; word errors with --transcribe. The checkpoint is
    chosen that others beat the least in these. The folder `audition` in FOLDER gets a page to
    listen.

    \b
    Example:
      vinovits audition my-voice
    """
    with needed_extra("Training", "train"):
        from vinovits.train.audition import audition as run
        from vinovits.train.audition import ranks_of

    from vinovits.cli.streams import print_table, table

    found = run(
        folder,
        _listeners(transcribe),
        data=data,
        device=device,
        tell=lambda sentence: click.echo(sentence, err=True),
    )
    names = list(found.rows[0].measures)
    beaten = ranks_of(found.rows)
    rows = table("step", *names, "beaten", "", right=("step", *names, "beaten"))
    for row in found.rows:
        mark = "best" if row.step == found.best else ""
        measured = (f"{row.measures[name]:.3f}" for name in names)
        rows.add_row(str(row.step), *measured, str(beaten[row.step]), mark)
    print_table(rows)
    sys.stdout.flush()
    click.echo(f"Listen: {found.page}", err=True)


def _listeners(transcribe: str | None) -> dict[str, Listener]:
    found: dict[str, Listener] = {}
    if importlib.util.find_spec("speechmos") is not None:
        found["dnsmos"] = _dnsmos()
    from vinovits.prepare.voice_print import weights_file

    if (weights := weights_file()) is not None:
        found["similarity"] = _similarity(weights)
    if transcribe is not None:
        found["wer"] = _word_errors(transcribe)
    return found


def _heard(samples: Samples, rate: int) -> Samples:
    import numpy as np
    import soxr

    resampled: Samples = np.clip(soxr.resample(samples, rate, _RATE), -1, 1)
    return resampled


def _dnsmos() -> Listener:
    from vinovits.prepare.quality import Mos

    mos = Mos()
    return lambda spoken, recorded, rate, clip: mos(_heard(spoken, rate))["ovrl"]


def _similarity(weights: Path) -> Listener:
    from vinovits.prepare.voice_print import VoicePrints

    prints = VoicePrints(weights)

    def listen(spoken: Samples, recorded: Samples, rate: int, clip: Clip) -> float:
        return float(prints(_heard(spoken, rate)) @ prints(_heard(recorded, rate)))

    return listen


def _word_errors(model: str) -> Listener:
    from vinovits.edit_distance import error_rate
    from vinovits.whisper import Whisper

    transcriber = Whisper(model, 1)

    def listen(spoken: Samples, recorded: Samples, rate: int, clip: Clip) -> float:
        """Against what is heard in the recording: normalised texts are spelled otherwise."""
        expected = _words(transcriber(_heard(recorded, rate)).text)
        return error_rate(expected, _words(transcriber(_heard(spoken, rate)).text))

    return listen


def _words(text: str) -> list[str]:
    """Words of a text in lower case; single characters of Chinese and Japanese."""
    import re

    return re.findall(r"[぀-ヿ㐀-鿿]|[^\W぀-ヿ㐀-鿿]+", text.lower())
