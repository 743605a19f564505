"""The end of a training: its best state as a voice folder with a card that says how it was made."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vinovits.nets.variants import Variant
from vinovits.output.atomic import atomic_file, replace_folder, write_error
from vinovits.train.dataset import Facts
from vinovits.train.fitness import Chosen
from vinovits.train.report import BEST
from vinovits.train.run import Counters
from vinovits.voices.manifest import Card

if TYPE_CHECKING:
    from vinovits.convert.voice import Conversion

VOICE = "voice"
CARD = "CARD.md"


def finish(
    out: Path,
    counters: Counters,
    card: Card,
    chosen: Chosen,
    variant: Variant,
    facts: Facts,
) -> Conversion:
    """Convert the best checkpoint of a training.

    Args:
        out: Of the training; its folder `voice` is made anew.
        counters: Where it stands.
        card: What the voice's card is to say.
        chosen: What it learnt from.
        variant: Of its family.
        facts: Of the training set.

    Raises:
        CheckpointError: The conversion fails its test.
        OutputError: It can't be written.
    """
    from vinovits.convert.voice import convert_checkpoint

    languages = {code for clip in chosen.train for code in (clip.language, *clip.languages)}
    card = replace(card, description=card.description or _description(counters))
    beside = out / f".{VOICE}"
    shutil.rmtree(beside, ignore_errors=True)
    conversion = convert_checkpoint(
        out / BEST,
        None,
        beside,
        variant=variant.name,
        name=_name(out),
        languages=[code for code in variant.languages if code in languages],
        reading="released" if facts.reading == "released" else "better",
        card=card,
    )
    try:
        replace_folder(beside, out / VOICE)
    except OSError as error:
        raise write_error(out / VOICE, error) from error
    with atomic_file(out / CARD) as part:
        part.write_text(_page(card, counters, chosen), encoding="utf-8", newline="\n")
    return replace(conversion, folder=out / VOICE)


def _name(out: Path) -> str:
    return out.resolve().name.lstrip(".") or VOICE


def _description(counters: Counters) -> str:
    return (
        f"Trained in {counters.step} steps; this is step {counters.best_step}, whose mel distance "
        f"on the validation clips, {counters.best:.3f}, was the least."
    )


def _page(card: Card, counters: Counters, chosen: Chosen) -> str:
    speakers = ", ".join(chosen.speakers)
    facts = (
        ("Licence", card.licence or "not stated: ask its maker before you use it"),
        ("Author", card.author or "not stated"),
        ("Use", card.use or "not stated"),
        ("Made from", card.source),
        ("Speakers", speakers),
        ("Clips", f"{len(chosen.train)} to learn from, {len(chosen.validation)} to judge by"),
        ("Steps", f"{counters.step} in {counters.seconds / 3600:.1f} hours of computing"),
        ("Best step", f"{counters.best_step}, mel distance {counters.best:.3f}"),
    )
    rows = "\n".join(f"- {name}: {value}" for name, value in facts)
    return (
        f"# {card.title}\n\n{card.description}\n\n{rows}\n\n"
        "Samples of the validation are in the folder `samples`, all losses in `history.jsonl`, "
        "curves in `report.html`.\n"
    )
