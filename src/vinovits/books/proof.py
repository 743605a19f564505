"""Proof-listening: a recogniser hears what was spoken, and what it misses is spoken again.

English only: Whisper hears it well enough that most words it misses were spoken badly.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from vinovits.batch.join import piece_samples
from vinovits.batch.speakers import Speakers, VoiceFacts
from vinovits.batch.store import Piece, Unit, UnitStore
from vinovits.edit_distance import error_rate
from vinovits.errors import TextError, VinovitsError
from vinovits.text.front_ends import read
from vinovits.text.markup import parse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vinovits.whisper import Transcript

THRESHOLD = 0.25
"""Word error rate above which a unit is spoken again."""
_SEEDS = 3
"""Other seeds that are tried."""
_LEAST_WORDS = 3
"""Units of less words say too little about a recogniser's hearing."""
_RATE = 16_000


class Listener(Protocol):
    """Hears English, as `Whisper` does."""

    def __call__(self, samples: NDArray[np.float32]) -> Transcript:
        """What is said in samples (n,) at 16 kHz."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was heard of a unit that wasn't understood at first."""

    unit: Unit
    error_rate: float
    """Of its first speech."""
    best: float
    """Of the one that is kept."""
    seed: int
    """That of the one that is kept."""
    heard: str
    """What was heard at first."""


def words_of(text: str) -> list[str]:
    """The words of a text as they are spoken: numbers in words, nothing but letters.

    Args:
        text: English, in our markup.
    """
    try:
        sentences = list(read(parse(text, "plain"), ("en",), "2.3", "better"))
    except TextError:
        return []
    words = (word.text.casefold() for one in sentences for word in one.words)
    return [kept for word in words if (kept := re.sub(r"[^a-z']+", "", word).strip("'"))]


def proof_listen(
    store: UnitStore,
    work: str,
    speakers: Speakers,
    listener: Listener,
    *,
    threshold: float = THRESHOLD,
    known: frozenset[int] = frozenset(),
    tell: Callable[[int], None] = lambda number: None,
) -> list[Finding]:
    """Hear all English units, and speak those again that weren't understood.

    Args:
        store: Has the work, whose units are done.
        work: Its name.
        speakers: Speak again.
        listener: Hears.
        threshold: Word error rate above which a unit is spoken again.
        known: Numbers of units that were heard before.
        tell: Called with the number of each unit that was heard.

    Returns:
        What was found, in order; the unit's best speech is kept.
    """
    found = []
    voices: dict[str, VoiceFacts] = {}
    for unit, piece in store.pieces_and_gaps(work):
        if piece is not None and unit.number not in known and _is_english(unit):
            words = words_of(unit.text)
            if len(words) >= _LEAST_WORDS:
                if unit.voice not in voices:
                    voices[unit.voice] = speakers.facts(unit.voice)
                facts = voices[unit.voice]
                finding = _judged(
                    store, work, unit, piece, words, speakers, facts, listener, threshold
                )
                found += [finding] if finding else []
        tell(unit.number)
    return found


def _is_english(unit: Unit) -> bool:
    language = unit.settings.get("language")
    if language is not None:
        return bool(language == "en")
    letters = [character for character in unit.text if character.isalpha()]
    return bool(letters) and sum(character < "\u0250" for character in letters) > 0.9 * len(letters)


def other_readings(unit: Unit) -> list[Unit]:
    """What may be kept in place of a unit that wasn't understood: it with other seeds."""
    seeds = range(_seed(unit) + 1, _seed(unit) + 1 + _SEEDS)
    return [replace(unit, settings={**unit.settings, "seed": seed}) for seed in seeds]


def _seed(unit: Unit) -> int:
    return int(unit.settings.get("seed") or 0)


def _judged(
    store: UnitStore,
    work: str,
    unit: Unit,
    piece: Piece,
    words: Sequence[str],
    speakers: Speakers,
    facts: VoiceFacts,
    listener: Listener,
    threshold: float,
) -> Finding | None:
    heard = listener(_at_16_khz(piece)).text
    first = best = error_rate(words, words_of(heard))
    seed, best_key = _seed(unit), piece.key
    if first <= threshold:
        return None
    for again in other_readings(unit):
        key = facts.key(again.text, again.settings)
        # Not recorded as the unit's before the best is known: this may be stopped.
        other_piece = store.piece(key)
        if other_piece is None:
            try:
                chunks = speakers.speak(again.voice, again.text, again.settings).result()
            except VinovitsError:
                continue
            store.make(key, facts.sampling_rate, chunks)
            other_piece = store.piece(key)
        assert other_piece is not None
        rate = error_rate(words, words_of(listener(_at_16_khz(other_piece)).text))
        if rate < best:
            best, seed, best_key = rate, _seed(again), key
        if best <= threshold:
            break
    store.done(work, unit.number, best_key)
    return Finding(unit, first, best, seed, heard)


def _at_16_khz(piece: Piece) -> NDArray[np.float32]:
    import soxr

    samples = np.concatenate([np.zeros(0), *piece_samples(piece)]).astype(np.float32)
    resampled: NDArray[np.float32] = soxr.resample(samples, piece.sampling_rate, _RATE)
    return resampled
