"""Which clips can be trained on, and what is to be expected of them all."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from vinovits.errors import DataError, UsageError
from vinovits.nets.variants import Variant
from vinovits.train.dataset import Clip, TrainingData
from vinovits.train.spectrogram import SpectrogramSizes

FEW_CLIPS = 20
FEW_SECONDS = 120.0
_NAMED = 10
"""Clips that are named in a sentence."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a training set comes to for one base."""

    train: tuple[Clip, ...]
    validation: tuple[Clip, ...]
    left_out: tuple[tuple[str, str], ...]
    """Paths of clips that can't be trained on, and why."""
    notes: tuple[str, ...]

    @property
    def minutes(self) -> float:
        """Of speech to learn from."""
        return sum(clip.seconds for clip in self.train) / 60

    @property
    def speakers(self) -> list[str]:
        """Names, in the order of their first clips."""
        return list(dict.fromkeys(clip.speaker for clip in (*self.train, *self.validation)))


def missing_symbols(clips: Sequence[Clip], variant: Variant) -> Counter[str]:
    """Symbols that a family's table lacks, and the number of clips with each."""
    known = set(variant.table.symbols)
    return Counter(phone for clip in clips for phone in set(clip.phones) - known)


def check_symbols(clips: Sequence[Clip], variant: Variant) -> None:
    """Refuse clips with symbols that the base lacks.

    Raises:
        DataError: There are some; the message names them.
    """
    missing = missing_symbols(clips, variant)
    if missing:
        told = ", ".join(f"{symbol!r} ({count} clips)" for symbol, count in missing.most_common(20))
        raise DataError(
            f"The base, of the family {variant.name}, lacks these symbols of the data: "
            f"{told}. Prepare the data for this family, or set new_symbols: true to add them."
        )


def choose(
    data: TrainingData,
    variant: Variant,
    sizes: SpectrogramSizes,
    longest: float,
    validation_clips: int,
) -> Chosen:
    """Sort the clips of a training set into those to learn from, to judge by, and to leave out.

    Args:
        data: The training set; its symbols are known.
        variant: Of the base.
        sizes: Of its spectrograms.
        longest: Seconds; longer clips are left out.
        validation_clips: Clips to judge by, where the set names none.

    Raises:
        DataError: No clip is left.
        UsageError: A clip is in a language that the family doesn't speak.
    """
    good, bad = [], []
    for clip in data.clips:
        for code in {clip.language, *clip.languages}:
            if code not in variant.languages:
                raise UsageError(
                    f"The clip {clip.path} is in {code!r}, but voices of the family {variant.name} "
                    f"speak {', '.join(variant.languages)} only. Take another base."
                )
        measured, reason = _measured(clip, data)
        reason = reason or _fault(measured, variant, sizes, longest)
        if reason:
            bad.append((clip.path, reason))
        else:
            good.append(measured)
    if not good:
        told = "".join(f"\n  {path}: {reason}" for path, reason in bad[:_NAMED])
        raise DataError(f"Not one of {len(data.clips)} clips can be trained on:{told}")
    train = [clip for clip in good if clip.split == "train"]
    held = [clip for clip in good if clip.split == "validation"]
    if not held:
        train, held = _held_out(train, validation_clips)
    if not train:
        raise DataError("All clips are for validation; there is none to learn from.")
    notes = [*data.notes, *_expectations(train, held)]
    if bad:
        told = "; ".join(f"{path}: {reason}" for path, reason in bad[:_NAMED])
        more = f"; and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        notes.insert(0, f"{len(bad)} clips are left out: {told}{more}.")
    return Chosen(tuple(train), tuple(held), tuple(bad), tuple(notes))


def _measured(clip: Clip, data: TrainingData) -> tuple[Clip, str]:
    """The clip with its length, and why it can't be read."""
    import soundfile

    path = data.at(clip.path)
    if not path.is_file():
        return clip, "there is no such file"
    try:
        info = soundfile.info(path)
    except (OSError, RuntimeError):
        return clip, "it can't be read as sound"
    if not info.frames:
        return clip, "it is empty"
    return replace(clip, seconds=info.frames / info.samplerate), ""


def _fault(clip: Clip, variant: Variant, sizes: SpectrogramSizes, longest: float) -> str:
    if clip.seconds > longest:
        return f"it lasts {clip.seconds:.1f} s, longer than {longest:g} s"
    samples = int(clip.seconds * sizes.sampling_rate)
    frames = samples // sizes.hop_length
    steps = 2 * len(clip.phones) + 1
    if frames < steps or samples <= sizes.filter_length:
        return (
            f"it lasts {clip.seconds:.2f} s, {frames} frames, too short for the {steps} steps of "
            "its text"
        )
    codes = clip.languages or (clip.language,) * len(clip.phones)
    for tone, code in zip(clip.tones, codes, strict=True):
        if not 0 <= tone < variant.table.languages[code].tones:
            return f"it has tone {tone}, which {code} hasn't in this family"
    condition = variant.condition
    if condition is not None and not (clip.style if condition.input == "style" else clip.emotion):
        return f"it has no {condition.input} vector, which voices of {variant.name} need"
    return ""


def _held_out(clips: list[Clip], most: int) -> tuple[list[Clip], list[Clip]]:
    """Set a few clips aside, never the last two of a speaker; the order of all doesn't matter."""
    count = min(most, len(clips) // 10)
    left = Counter(clip.speaker for clip in clips)
    held: list[Clip] = []
    for clip in sorted(clips, key=lambda clip: (zlib.crc32(clip.path.encode()), clip.path)):
        if len(held) < count and left[clip.speaker] > 2:
            left[clip.speaker] -= 1
            held.append(clip)
    chosen = {id(clip) for clip in held}
    return [clip for clip in clips if id(clip) not in chosen], held


def _expectations(train: list[Clip], held: list[Clip]) -> list[str]:
    notes = []
    seconds = sum(clip.seconds for clip in train)
    if len(train) < FEW_CLIPS or seconds < FEW_SECONDS:
        notes.append(
            f"There are only {len(train)} clips, {seconds:.0f} s of speech. Expect the timbre of "
            "the voice at best: rhythm and rare sounds will stay those of the base, and more steps "
            "make it worse, not better. A few minutes help a lot."
        )
    counts = Counter(clip.speaker for clip in train)
    single = [name for name, count in counts.items() if count == 1]
    if single and len(counts) > 1:
        notes.append(
            f"{len(single)} speakers have one clip only: {', '.join(single[:_NAMED])}. They will "
            "hardly be told apart from the others; leave them out, or record more."
        )
    if not held:
        notes.append(
            "There are too few clips to set some aside: the voice is judged by clips that it "
            "learns from, so its figures look better than it is."
        )
    return notes
