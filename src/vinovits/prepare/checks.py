"""What is wrong with clips: each by itself, and beside the others of its speaker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vinovits.prepare.clips import Measures
from vinovits.prepare.reading import NAMES, Said
from vinovits.prepare.settings import Settings

_CLIPPED = (0.0005, 0.005)
"""Shares of samples in flat tops: of the one the user is told, of the other a clip is rejected."""
_MOS_WARNED = 0.5
"""Above the worst MOS: up to there the user is told."""
_FEW = 8
"""Clips of a speaker from which on their usual pace is known."""
_PACES = (4.0, 25.0)
"""Phones a second, slow and fast, where it isn't."""
_PACE_SPREAD = 1.7
"""A factor that is always within what is usual, however even the others are."""
_DEVIATIONS = 5.0
"""Median deviations from the usual pace that are too many."""
_SAME_VOICE = 0.68
"""The least likeness of a clip to the voice of its speaker. Clips of one voice have 0.8 and more
with its mean, those of another mostly below 0.65."""
_HEARD = 1.0
"""Seconds of a clip from which on a voice is known."""
_COPY_SECONDS, _COPY = 0.06, 0.985
"""How much two clips may differ in length, and their likeness, to be copies."""


@dataclass(slots=True)
class Candidate:
    """A clip before it is known whether it is used."""

    id: str
    """What the user forces it in by."""
    recording: str
    """Name of the file that it is from."""
    speaker: str
    start: float = 0.0
    """Seconds in the recording."""
    end: float = 0.0
    text: str = ""
    """As it was given or heard."""
    origin: str = ""
    """Where the text is from."""
    path: str = ""
    """Of its sound, relative to the training set; "" if there is none."""
    measures: Measures | None = None
    said: Said | None = None
    noise: float | None = None
    """dB between the speech of the recording and what is behind it."""
    rejections: list[tuple[str, str]] = field(default_factory=list)
    """A word for the kind, and a sentence."""
    warnings: list[tuple[str, str]] = field(default_factory=list)
    forced: bool = False
    split: str = "train"

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.measures.seconds if self.measures else self.end - self.start

    @property
    def trainable(self) -> bool:
        """Whether it could be used, if the user wants it."""
        return bool(self.path and self.said and self.said.phones)

    @property
    def used(self) -> bool:
        """Whether it is."""
        return self.trainable and (self.forced or not self.rejections)

    @property
    def pace(self) -> float | None:
        """Phones a second."""
        return self.said.sounds / self.seconds if self.said and self.seconds > 0 else None


def check(candidates: Sequence[Candidate], settings: Settings) -> None:
    """Find what is wrong with clips, and write it into them."""
    for one in candidates:
        if one.measures is not None:
            check_sound(one, one.measures, settings)
        check_text(one)
    by_speaker: dict[str, list[Candidate]] = defaultdict(list)
    for one in candidates:
        by_speaker[one.speaker].append(one)
    for group in by_speaker.values():
        check_pace([one for one in group if one.said and one.said.sounds])
        heard = [one for one in group if not any(kind == "silence" for kind, _ in one.rejections)]
        check_voices([one for one in heard if one.measures and one.measures.voice])
    check_copies([one for one in candidates if one.measures])
    check_same_texts(candidates)


def check_sound(one: Candidate, sound: Measures, settings: Settings) -> None:
    """Length, clipping, loudness and noise."""
    if sound.peak < 1e-3:
        one.rejections.append(("silence", "It is silent: no sample is above -60 dB."))
        return
    if sound.seconds < settings.shortest:
        one.rejections.append(
            (
                "length",
                f"It is {sound.seconds:.2f} s long; {settings.shortest:g} s are the least.",
            )
        )
    if sound.seconds > settings.longest:
        one.rejections.append(
            (
                "length",
                f"It is {sound.seconds:.1f} s long, more than {settings.longest:g} s. Its text "
                "belongs to the whole, so that it can't be cut: cut both, give subtitles (.srt), "
                "or take a greater --longest.",
            )
        )
    if sound.clipped >= _CLIPPED[1]:
        one.rejections.append(
            (
                "clipping",
                f"It is overdriven: {sound.clipped:.1%} of its samples are cut off. Record it with "
                "less gain.",
            )
        )
    elif sound.clipped >= _CLIPPED[0]:
        share = f"{sound.clipped:.2%}"
        one.warnings.append(("clipping", f"It is slightly overdriven: {share} is cut off."))
    if sound.lowered > 6:
        one.warnings.append(
            (
                "loudness",
                f"It is far louder than the others and was lowered by {sound.lowered:.0f} dB.",
            )
        )
    if sound.mos:
        overall = sound.mos["ovrl"]
        sentence = (
            f"DNSMOS is {overall:.2f} of 5 (speech {sound.mos['sig']:.2f}, what is behind it "
            f"{sound.mos['bak']:.2f})"
        )
        if overall < settings.worst_mos:
            sentence += f", below {settings.worst_mos:g}: noise, music, echo or a poor codec."
            one.rejections.append(("noise", sentence))
        elif overall < settings.worst_mos + _MOS_WARNED:
            one.warnings.append(("noise", f"{sentence}: not very clean."))


def check_text(one: Candidate) -> None:
    """Whether there is a text that can be read."""
    said = one.said
    if said is None:
        if not any(kind in ("text", "recording") for kind, _ in one.rejections):
            one.rejections.append(
                (
                    "text",
                    "There is no text for it. Put one beside it under the same name (.txt), list "
                    "it, or let --transcribe write it.",
                )
            )
        return
    if said.unreadable:
        one.rejections.append(("text", said.unreadable))
    if said.wrong_language:
        one.rejections.append(("language", said.wrong_language))
    one.warnings += [("text", note) for note in said.notes]


def check_pace(group: Sequence[Candidate]) -> None:
    """Texts that don't fit the sound: far more or fewer phones a second than is usual.

    Args:
        group: Clips of one speaker whose texts could be read.
    """
    by_language: dict[str, list[Candidate]] = defaultdict(list)
    for one in group:
        if one.said and one.seconds > 0:
            by_language[one.said.language].append(one)
    for language, clips in by_language.items():
        paces = np.array([one.pace or 0.0 for one in clips])
        logs = np.log(np.maximum(paces, 1e-3))
        middle = float(np.median(logs))
        deviation = 1.4826 * float(np.median(np.abs(logs - middle)))
        width = max(float(np.log(_PACE_SPREAD)), _DEVIATIONS * deviation)
        low, high = float(np.exp(middle - width)), float(np.exp(middle + width))
        usual = f"{np.exp(middle):.1f} are usual for this speaker in {NAMES[language]}"
        if len(clips) < _FEW:
            low, high = _PACES
            usual = f"{low:g} to {high:g} are usual"
        for one, pace in zip(clips, paces, strict=True):
            if not low <= pace <= high:
                more = "than the text says" if pace < low else "than can be said in that time"
                fault = "The sound has more" if pace < low else "The text has more"
                one.rejections.append(
                    (
                        "fit",
                        f"Text and sound don't fit: {pace:.1f} phones a second, where {usual}. "
                        f"{fault} {more}, or they belong to different clips.",
                    )
                )


def check_voices(group: Sequence[Candidate]) -> None:
    """Clips that sound like somebody else.

    Args:
        group: Clips under one speaker's name, with embeddings.
    """
    clear = [one for one in group if one.seconds >= _HEARD]
    if len(clear) < 3:
        return
    prints = np.array([one.measures.voice for one in clear if one.measures], np.float32)
    likenesses = prints @ usual_voice(prints)
    others = [
        (one, like) for one, like in zip(clear, likenesses, strict=True) if like < _SAME_VOICE
    ]
    for one, like in others:
        one.rejections.append(
            (
                "speaker",
                f"It sounds like somebody else: {like:.2f} of 1 like the voice of most clips under "
                f"the name {one.speaker!r}, {len(others)} of {len(clear)} do. Give it another "
                "speaker's name, or force it in.",
            )
        )


def usual_voice(prints: NDArray[np.float32]) -> NDArray[np.float32]:
    """The voice of most of (n, 256) embeddings, (256,) of length 1.

    It starts from the one that most others resemble, so that a mixture of two voices isn't taken
    for a third.
    """
    sample = prints[:: max(1, len(prints) // 1000)]
    central = sample[int(np.argmax(np.median(sample @ sample.T, axis=1)))]
    for _ in range(3):
        near = prints[prints @ central >= _SAME_VOICE]
        if not len(near):
            break
        mean = near.mean(axis=0)
        central = (mean / np.linalg.norm(mean)).astype(np.float32)
    found: NDArray[np.float32] = central
    return found


def check_copies(candidates: Sequence[Candidate]) -> None:
    """Recordings that are there twice; one of them stays."""
    ordered = sorted(candidates, key=lambda one: one.seconds)
    vectors = np.array([one.measures.likeness for one in ordered if one.measures], np.float32)
    lengths = np.array([one.seconds for one in ordered])
    place = {one.id: index for index, one in enumerate(candidates)}
    for index, one in enumerate(ordered):
        behind = int(np.searchsorted(lengths, lengths[index] + _COPY_SECONDS, "right"))
        close = vectors[index + 1 : behind] @ vectors[index]
        for found in np.flatnonzero(close > _COPY):
            other = ordered[index + 1 + int(found)]
            # Of two, one that is sound otherwise stays, else the first.
            first, second = sorted(
                (one, other), key=lambda each: (bool(each.rejections), place[each.id])
            )
            if any(kind == "copy" for kind, _ in second.rejections):
                continue
            second.rejections.append(("copy", f"It is the same recording as {first.id}."))


def check_same_texts(candidates: Iterable[Candidate]) -> None:
    """Sentences that a speaker says twice: no fault, but worth knowing."""
    seen: dict[tuple[str, str], str] = {}
    for one in candidates:
        if one.said is None or not one.trainable:
            continue
        key = one.speaker, " ".join(one.said.phones)
        if key in seen:
            one.warnings.append(("copy", f"Its text is that of {seen[key]}, too."))
        else:
            seen[key] = one.id
