"""How long a voice makes moras and pauses: what VOICEVOX's clients show and change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from vinovits.engine.result import PhoneTiming
from vinovits.engine.settings import SpeakSettings
from vinovits.engine.voice import Voice
from vinovits.text.japanese.phrases import MORAIC
from vinovits.text.japanese.words import LONG
from vinovits.text.notation import TO_KATAKANA, split_moras
from vinovits.text.reading import Sentence, Word

_VOWELS = frozenset("aiueoAIUEO")


@dataclass(frozen=True, slots=True)
class MoraTime:
    """How long a mora lasts."""

    consonant: float
    """Seconds; 0 if it has none, or isn't known apart from the vowel."""
    vowel: float


@dataclass(slots=True)
class Times:
    """Of a whole text."""

    moras: list[MoraTime] = field(default_factory=list)
    pauses: dict[int, float] = field(default_factory=dict)
    """Seconds of the marks behind so many moras."""
    words: list[tuple[Word, Sequence[PhoneTiming]]] = field(default_factory=list)
    """All words and marks, with their phones."""


def timed(voice: Voice, text: str, settings: SpeakSettings, check: Callable[[], None]) -> Times:
    """Read a text as a voice would speak it, and time it; nothing is decoded.

    Args:
        voice: Of any language; moras are those of Japanese words.
        text: With markup, if the settings say so.
        settings: Of the speech.
        check: Called between sentences; raises to end the work.

    Raises:
        TextError: Nothing in the text can be spoken.
    """
    times = Times()
    sentences = voice.read(
        text,
        language=settings.get("language"),
        markup=settings.get("markup", "auto"),
    )
    with voice.stream(text, ahead=False, **settings) as stream:
        for sentence, spoken in zip(sentences, stream.timings(), strict=True):
            check()
            _add(times, sentence, spoken.phones)
    return times


def _add(times: Times, sentence: Sentence, phones: Sequence[PhoneTiming]) -> None:
    position = 1  # behind the edge
    for word in sentence.words:
        own = phones[position : position + len(word.phones)]
        position += len(word.phones)
        times.words.append((word, own))
        if word.is_punctuation:
            place = len(times.moras)
            times.pauses[place] = times.pauses.get(place, 0.0) + _seconds(own)
        else:
            times.moras += _moras(word, own)


def _moras(word: Word, phones: Sequence[PhoneTiming]) -> list[MoraTime]:
    """The moras of a word; evenly shared where its phones aren't those of its kana."""
    names = split_moras(word.reading.partition(":")[0].translate(TO_KATAKANA))
    if not names:
        return []
    groups = list(_groups(names, phones))
    if len(groups) == len(names) and sum(map(len, groups)) == len(phones) and all(groups):
        return [MoraTime(_seconds(group[:-1]), _seconds(group[-1:])) for group in groups]
    return [MoraTime(0.0, _seconds(phones) / len(names))] * len(names)


def _groups(names: Sequence[str], phones: Sequence[PhoneTiming]) -> Iterator[Sequence[PhoneTiming]]:
    """The phones of each mora."""
    place = 0
    for name in names:
        end = place + 1
        if name not in MORAIC and name != LONG:
            while end < len(phones) and phones[end - 1].phone[:1] not in _VOWELS:
                end += 1
        yield phones[place:end]
        place = end


def shared(times: Times, counts: Sequence[int]) -> list[tuple[list[MoraTime], float]]:
    """The moras of phrases, and the pause behind each.

    Args:
        times: Of the text that they are made of.
        counts: Moras of each phrase. If they aren't as many as in the text, all share its time.

    Returns:
        For each phrase.
    """
    moras, pauses = times.moras, times.pauses
    if sum(counts) != len(moras):
        total = sum(mora.consonant + mora.vowel for mora in moras)
        moras = [MoraTime(0.0, total / max(1, sum(counts)))] * sum(counts)
        pauses = {}
    found = []
    place = 0
    for count in counts:
        part = moras[place : place + count]
        place += count
        found.append((part, pauses.get(place, 0.0)))
    return found


def _seconds(phones: Sequence[PhoneTiming]) -> float:
    return phones[-1].end - phones[0].start if phones else 0.0
