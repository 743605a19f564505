"""All checkpoints of a training side by side: what they say, and what can be measured of it."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray

from vinovits.errors import CheckpointError, UsageError
from vinovits.output.atomic import atomic_file, atomic_folder, write_error
from vinovits.train.average import Average
from vinovits.train.base import open_base
from vinovits.train.building import Built, build, training_device
from vinovits.train.checkpoints import Checkpoints
from vinovits.train.dataset import Clip, TrainingData, read_data
from vinovits.train.loading import Loader
from vinovits.train.run import Tell
from vinovits.train.session import CHECKPOINTS, SETTINGS_NAME, match
from vinovits.train.settings import Settings, read_settings, settings_of
from vinovits.train.validation import Heard, validate

Samples = NDArray[np.float32]

Listener = Callable[[Samples, Samples, int, Clip], float]
"""From what is spoken, what was recorded, the rate of both in Hz, and the clip to one number."""

FOLDER = "audition"
_MEANINGS = {
    "aligned": "mel distance of the clips, said in the rhythm of their recordings; less is better",
    "copied": "that of recordings sent through posterior encoder and decoder; it doesn't count",
    "dnsmos": "how good the sound is, 1 to 5; more is better",
    "similarity": "of the speaker to the recordings, up to 1; more is better",
    "wer": "share of words that are heard otherwise than in the recordings; less is better",
}
_FEW = 8
"""Clips below which the page says so."""
LESS_IS_BETTER = ("aligned", "copied", "wer")
"""Measures that are distances or errors; of the others more is better."""


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured of one checkpoint, the mean of all clips."""

    step: int
    measures: dict[str, float]


@dataclass(frozen=True, slots=True)
class Audition:
    """Of a whole training."""

    rows: tuple[Row, ...]
    """By step."""
    best: int
    """The step that is chosen."""
    page: Path


def ranks_of(rows: Sequence[Row]) -> dict[int, int]:
    """By step, how many times another one is better, in all measures together.

    The copied distance doesn't count: it says nothing of the text side.
    """
    sums = dict.fromkeys((row.step for row in rows), 0)
    for name in rows[0].measures:
        if name == "copied":
            continue
        sign = 1.0 if name in LESS_IS_BETTER else -1.0
        values = np.array([sign * row.measures[name] for row in rows])
        for row, value in zip(rows, values, strict=True):
            sums[row.step] += int((values < value).sum())
    return sums


def best_of(rows: Sequence[Row]) -> int:
    """The step that is beaten the least; of equals the later one."""
    sums = ranks_of(rows)
    return min(sums, key=lambda step: (sums[step], -step))


def audition(
    out: Path,
    listeners: Mapping[str, Listener],
    *,
    data: Path | None = None,
    device: str = "cpu",
    tell: Tell = lambda sentence: None,
) -> Audition:
    """Let all checkpoints of a training say the validation clips, and measure that.

    Writes the folder `audition` in `out` anew: index.html, audition.json and the sound.

    Args:
        out: The folder of the training.
        listeners: More measures by name, beside the mel distances.
        data: Its training set; that which it was trained on if None.
        device: Where to speak.
        tell: Gets sentences for the user.

    Raises:
        CheckpointError: There is no checkpoint, or one can't be read.
        DataError: The training set can't be used.
        OutputError: The folder can't be written.
        UsageError: `out` holds no training.
    """
    checkpoints = Checkpoints(out / CHECKPOINTS)
    steps = sorted(checkpoints.numbers())
    if not steps:
        raise UsageError(f"{out} holds no training: there is no checkpoint in it.")
    settings = settings_of(read_settings(out / SETTINGS_NAME))
    training_set = read_data(data or Path(settings.data))
    rows = []
    with atomic_folder_anew(out / FOLDER) as work:
        for step in steps:
            heard, wanted = _say(checkpoints.folder / str(step), training_set, settings, device)
            rows.append(Row(step, _measure(heard, wanted, listeners)))
            _keep(work, step, heard)
            if step == steps[0]:
                _keep_recordings(work, heard, wanted)
            told = ", ".join(f"{name} {value:.3f}" for name, value in rows[-1].measures.items())
            tell(f"Step {step}: {told}.")
        best = best_of(rows)
        beaten = ranks_of(rows)
        told_rows = [{**asdict(row), "beaten": beaten[row.step]} for row in rows]
        result = {"best": best, "clips": len(heard), "rows": told_rows}
        (work / "audition.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        (work / "index.html").write_text(
            _page(rows, best, [one.clip for one in heard]), encoding="utf-8"
        )
    return Audition(tuple(rows), best, out / FOLDER / "index.html")


def atomic_folder_anew(target: Path) -> Any:
    """As `atomic_folder`, for one that may be there already and is then replaced."""
    import shutil

    try:
        shutil.rmtree(target)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise write_error(target, error) from error
    return atomic_folder(target)


def _say(
    folder: Path, data: TrainingData, settings: Settings, device: str
) -> tuple[tuple[Heard, ...], list[Samples]]:
    """The clips as one checkpoint says them, and their recordings."""
    base = open_base(str(folder), None)
    chosen, start = match(data, base, settings)
    built = build(start, settings.model_copy(update={"wavlm": ""}), None)
    network = built.networks.generator
    average = Average(network, settings.average)
    try:
        state = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
        average.load(state["average"])
    except Exception as error:  # whatever a damaged file makes torch say
        what = " ".join(str(error).split())
        raise CheckpointError(f"{folder / 'state.pt'} can't be read: {what:.200}") from None
    place = training_device(device)
    loader = _loader(data, built, start.speakers, start.features)
    clips = (chosen.validation or chosen.train)[: settings.validation_clips]
    sizes = built.networks.config.spectrogram
    with average.applied():
        network.to(place)
        found = validate(network, loader, clips, sizes, place, settings.seed)
    return found.clips, [loader.wave(clip) for clip in clips]


def _loader(
    data: TrainingData, built: Built, speakers: dict[str, int], features: Sequence[str]
) -> Loader:
    networks = built.networks
    return Loader(
        data,
        networks.generator.variant,
        networks.config.spectrogram,
        speakers,
        features,
        networks.config.segment_frames,
    )


def _measure(
    heard: Sequence[Heard], recorded: Sequence[Samples], listeners: Mapping[str, Listener]
) -> dict[str, float]:
    measures = {
        "aligned": float(np.mean([one.aligned for one in heard])),
        "copied": float(np.mean([one.copied for one in heard])),
    }
    for name, listen in listeners.items():
        found = [
            listen(one.spoken, wave, one.sampling_rate, one.clip)
            for one, wave in zip(heard, recorded, strict=True)
        ]
        measures[name] = float(np.mean(found))
    return measures


def _keep(folder: Path, step: int, heard: Sequence[Heard]) -> None:
    for number, one in enumerate(heard):
        _write(folder / f"{step}-{number}.wav", one.spoken, one.sampling_rate)


def _keep_recordings(folder: Path, heard: Sequence[Heard], recorded: Sequence[Samples]) -> None:
    for number, (one, wave) in enumerate(zip(heard, recorded, strict=True)):
        _write(folder / f"recorded-{number}.wav", wave, one.sampling_rate)


def _write(path: Path, samples: Samples, rate: int) -> None:
    with atomic_file(path) as part:
        soundfile.write(part, np.clip(samples, -1, 1), rate, format="WAV", subtype="PCM_16")


def _page(rows: Sequence[Row], best: int, clips: Sequence[Clip]) -> str:
    names = list(rows[0].measures)
    beaten = ranks_of(rows)
    head = "".join(f"<th>{name}" for name in names) + "<th>beaten"
    numbers = "".join(
        f"<tr{' class=best' if row.step == best else ''}><td>{row.step}"
        + "".join(f"<td>{row.measures[name]:.3f}" for name in names)
        + f"<td>{beaten[row.step]}"
        for row in rows
    )
    meanings = "".join(f"<dt>{name}<dd>{_MEANINGS[name]}" for name in names if name in _MEANINGS)
    few = "" if len(clips) >= _FEW else " With so few clips, chance has a say."
    sounds = "".join(
        f"<h3>{html.escape(clip.text)}</h3><p>recorded {_player(f'recorded-{number}')}"
        + "".join(f"<p>step {row.step} {_player(f'{row.step}-{number}')}" for row in rows)
        for number, clip in enumerate(clips)
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Audition</title>'
        "<style>body{font:15px system-ui,sans-serif;margin:2em;color:#20303f;background:#fff}"
        "td,th{padding:.3em .9em;text-align:right}.best{background:#dff0d8}"
        "audio{vertical-align:middle}dt{float:left;width:6em;font-weight:600}"
        "dd{margin:0 0 .3em 7em}</style>"
        f"<h1>Audition</h1><p>Step {best} is chosen: another one is better than it "
        f"{beaten[best]} times, measure by measure, the least of all; of equals the later one.{few}"
        " Listen before you believe.</p>"
        f"<table><tr><th>step{head}{numbers}</table><dl>{meanings}</dl>{sounds}</html>\n"
    )


def _player(name: str) -> str:
    return f'<audio controls preload="none" src="{name}.wav"></audio>'
