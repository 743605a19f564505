"""From a folder of recordings and a base to a voice: what `vinovits train` calls."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import yaml

from vinovits.convert.source import OWN, STYLES_NAME
from vinovits.errors import (
    CheckpointError,
    DataError,
    OutputError,
    TrainingError,
    UsageError,
)
from vinovits.nets.config import ModelConfig
from vinovits.nets.variants import Variant
from vinovits.output.atomic import atomic_file, write_error
from vinovits.text.symbols import TABLES
from vinovits.train.base import Base, Start, fit, open_base
from vinovits.train.building import build, in_bf16, training_device
from vinovits.train.checkpoints import Checkpoints, put_back, sweep
from vinovits.train.crew import Crew, join, local_rank
from vinovits.train.dataset import TrainingData, read_data
from vinovits.train.finish import finish
from vinovits.train.fitness import Chosen, check_symbols, choose, missing_symbols
from vinovits.train.loading import Loader, read_vector
from vinovits.train.recipe import TrainingConfig
from vinovits.train.report import BEST, Report
from vinovits.train.run import Run, Tell, Watch
from vinovits.train.settings import Settings, defaults, read_settings, settings_of
from vinovits.train.spectrogram import SpectrogramSizes
from vinovits.train.step import Trainer
from vinovits.voices.manifest import Card

if TYPE_CHECKING:
    from vinovits.convert.voice import Conversion

SETTINGS_NAME = "train.yaml"
_CARD_NAME = "card.json"
CHECKPOINTS = "checkpoints"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a training has led to."""

    folder: Path
    steps: int
    best: float
    """The least mel distance of a validation."""
    conversion: Conversion | None
    """The voice folder; None where none was asked for, and in processes that don't lead."""


def train(
    data: Path | None,
    out: Path,
    given: Mapping[str, Any],
    *,
    config: Path | None = None,
    resume: bool = False,
    convert: bool = True,
    card: Card | None = None,
    tell: Tell = lambda sentence: None,
    watch: Watch = lambda step, steps, numbers: None,
) -> Outcome:
    """Train a voice and convert it.

    Args:
        data: A training set as `read_data` takes it; None for that of the training that is resumed.
        out: The folder of the training.
        given: Settings that the user gives; of the others, those of a training that is resumed are
            taken, and else defaults by the size of the training set.
        config: A released config.json, for a training from nothing or a base without one.
        resume: Go on with the training in `out`.
        convert: Make a voice folder of the best checkpoint at the end.
        card: What the voice's card is to say.
        tell: Gets sentences for the user.
        watch: Gets the progress.

    Raises:
        CheckpointError: The base can't be trained on.
        DataError: The training set can't be used.
        OutputError: `out` can't be written.
        Stopped: The user has stopped it.
        TrainingError: It went wrong too often, or another one runs in the folder.
        UsageError: Settings that can't be, or a folder that is taken.
    """
    device = training_device(str(given.get("device", "auto")))
    if device.type != "cpu" and device.index is None:
        device = torch.device(device.type, local_rank())
    crew = join(device.type)
    if not crew.leads:
        tell, watch = (lambda sentence: None), (lambda step, steps, numbers: None)
    try:
        with _alone(out, crew):
            return _train(
                data, out, given, config, resume, convert, card or Card(), tell, watch, crew, device
            )
    finally:
        crew.leave()


def _train(
    data: Path | None,
    out: Path,
    given: Mapping[str, Any],
    config: Path | None,
    resume: bool,
    convert: bool,
    card: Card,
    tell: Tell,
    watch: Watch,
    crew: Crew,
    device: torch.device,
) -> Outcome:
    checkpoints = Checkpoints(out / CHECKPOINTS)
    stored = _stored(out, checkpoints, resume)
    if data is not None:
        stored |= {"data": str(data.absolute())}
    asked = settings_of(stored, given)  # before anything large is read
    if not asked.data:
        raise UsageError("Name the training set.")
    training_set = read_data(Path(asked.data))
    base = _newest(checkpoints) if resume else open_base(asked.base, config)
    chosen, start = match(training_set, base, asked)
    settings = settings_of(defaults(chosen.minutes, device.type), stored, given)
    built = build(start, settings, base.weights)
    beside = _styles(training_set, chosen, start.variant, built.config)
    checkpoints = replace(checkpoints, beside=beside)
    for note in () if resume else (*start.notes, *built.notes):
        tell(note)
    for note in chosen.notes:
        tell(note)
    for _, network in _parts(built.networks):
        network.to(device)
        crew.same(network)
    trainer = Trainer(built.networks, crew, in_bf16(settings.precision, device), settings.clip_norm)
    loader = Loader(
        training_set,
        start.variant,
        built.networks.config.spectrogram,
        start.speakers,
        start.features,
        built.networks.config.segment_frames,
    )
    card = _told_before(card, out) if resume else card
    about = _card(card, built.config, training_set, chosen, out)
    report = Report(
        out,
        f"Training of {out.resolve().name}",
        settings.steps,
        settings.tensorboard and crew.leads,
        asdict(about),
        beside,
    )
    if crew.leads:
        for folder in (out, checkpoints.folder):
            sweep(folder)
        put_back(out / BEST)
        _write_settings(out, settings)
        with atomic_file(out / _CARD_NAME) as part:
            part.write_text(json.dumps(asdict(card), ensure_ascii=False), encoding="utf-8")
    run = Run(settings, trainer, chosen, loader, checkpoints, built.config, report, tell, watch)
    if resume:
        run.resume()
    tell(
        f"{len(chosen.train)} clips, {chosen.minutes:.1f} minutes, to learn from; "
        f"{len(chosen.validation)} to judge by. {settings.steps} steps on {device}"
        f"{' in bf16' if trainer.bf16 else ''}"
        f"{f', {crew.size} processes' if crew.size > 1 else ''}."
    )
    run.train()
    conversion = None
    if crew.leads:
        if convert:
            try:
                conversion = finish(
                    out, run.counters, about, chosen, start.variant, training_set.facts
                )
            except OutputError as error:
                raise OutputError(
                    f"{error} The training is done and kept; --resume makes the voice of it."
                ) from None
        report.close()
    crew.wait()
    return Outcome(out, run.counters.step, run.counters.best, conversion)


def match(data: TrainingData, base: Base, settings: Settings) -> tuple[Chosen, Start]:
    """Bring a training set and a base together.

    Args:
        data: The training set.
        base: What to start from.
        settings: As far as they say what may be grown or taken away.

    Raises:
        CheckpointError: The base can't be trained on.
        DataError: The two don't fit, or no clip can be used.
        UsageError: The base doesn't speak a language of the set.
    """
    _check_family(data, base, settings.new_symbols)
    chosen = choose(data, base.variant, _sizes(base), settings.longest, settings.validation_clips)
    clips = (*chosen.train, *chosen.validation)
    start = fit(
        base,
        clips,
        chosen.speakers,
        data.facts.feature_models,
        keep_speakers=settings.keep_speakers,
        new_symbols=sorted(missing_symbols(clips, base.variant)),
        without_features=settings.without_features,
        fresh_posterior=settings.fresh_posterior,
    )
    return chosen, start


def _parts(networks: Any) -> Iterator[tuple[str, Any]]:
    for name in ("generator", "waves", "durations", "wavlm", "hidden_states"):
        if (network := getattr(networks, name)) is not None:
            yield name, network


def _newest(checkpoints: Checkpoints) -> Base:
    """The newest checkpoint that can be read, as a base of its own continuation."""
    failures = ""
    for step in checkpoints.numbers():
        try:
            return open_base(str(checkpoints.folder / str(step)), None)
        except CheckpointError as error:
            failures = f"{failures} {error}"
    raise CheckpointError(f"No checkpoint in {checkpoints.folder} can be read.{failures}")


def _check_family(training_set: TrainingData, base: Base, new_symbols: bool) -> None:
    """Refuse a base whose symbols aren't those of the training set."""
    family = training_set.facts.family
    if family and TABLES.get(family) != TABLES[base.variant.name]:
        raise DataError(
            f"The training set was prepared for the family {family}, but the base is of "
            f"{base.variant.name}, whose symbols differ. Prepare it again for {base.variant.name}, "
            "or take another base."
        )
    if not new_symbols:
        check_symbols(training_set.clips, base.variant)


def _sizes(base: Base) -> SpectrogramSizes:
    model = ModelConfig.from_dict(base.config, base.variant)
    return TrainingConfig.from_dict(base.config, model).spectrogram


def _styles(
    data: TrainingData, chosen: Chosen, variant: Variant, config: dict[str, Any]
) -> dict[str, bytes]:
    """The file of styles of families that have them: one, the mean of all clips.

    Others can be made of recordings once the voice is there.
    """
    condition = variant.condition
    if condition is None or condition.input != "style":
        return {}
    clips = (*chosen.train, *chosen.validation)
    mean = torch.stack([read_vector(data.at(clip.style), condition.width) for clip in clips]).mean(
        0
    )
    config["data"] |= {"num_styles": 1, "style2id": {"Neutral": 0}}
    content = io.BytesIO()
    np.save(content, mean.numpy()[None], allow_pickle=False)
    return {STYLES_NAME: content.getvalue()}


def _stored(out: Path, checkpoints: Checkpoints, resume: bool) -> dict[str, Any]:
    """The settings of the training that is resumed; none for a new one.

    Raises:
        UsageError: The folder holds a training, and it isn't to be resumed, or the other way round.
    """
    there = bool(checkpoints.numbers())
    if there and not resume:
        raise UsageError(
            f"{out} holds a training already. Go on with it by --resume, or choose another folder."
        )
    if not there and resume:
        raise UsageError(f"{out} holds no training to go on with. Leave out --resume.")
    if not resume:
        return {}
    return read_settings(out / SETTINGS_NAME)


def _write_settings(out: Path, settings: Settings) -> None:
    text = yaml.safe_dump(json.loads(settings.model_dump_json()), sort_keys=False)
    with atomic_file(out / SETTINGS_NAME) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def _told_before(card: Card, out: Path) -> Card:
    """A card with what an earlier call was told for it, where this one isn't."""
    path = out / _CARD_NAME
    before = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return Card(**{name: value or before.get(name, "") for name, value in asdict(card).items()})


def _card(
    card: Card, config: Mapping[str, Any], data: TrainingData, chosen: Chosen, out: Path
) -> Card:
    origin = config.get(OWN, {}).get("base", {})
    title, licence = origin.get("title") or "nothing", origin.get("licence") or ""
    speech = f"{len(chosen.train)} clips, {chosen.minutes:.1f} minutes of speech"
    return replace(
        card,
        title=card.title or out.resolve().name,
        licence=card.licence or data.facts.licence,
        source=card.source
        or " ".join(
            part
            for part in (
                data.facts.source,
                f"Trained on {speech}, starting from {title}"
                + (f" (licence: {licence})." if licence else "."),
            )
            if part
        ),
    )


@contextmanager
def _alone(out: Path, crew: Crew) -> Iterator[None]:
    """Keep a second training out of the folder.

    Raises:
        OutputError: The folder can't be made.
        TrainingError: There is another one.
    """
    if not crew.leads:
        yield
        return
    from filelock import FileLock, Timeout

    try:
        (out / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(out, error) from error
    try:
        lock = FileLock(out / ".lock")
        lock.acquire(timeout=0)
    except Timeout:
        raise TrainingError(
            f"Another training runs in {out}. Stop it first, or choose another folder."
        ) from None
    except OSError as error:
        raise OutputError(f"{out} can't be locked: {error}.") from None
    try:
        yield
    finally:
        lock.release()
