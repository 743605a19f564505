"""From a text to VOICEVOX's accent phrases, and from those that a client has changed to a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vinovits.engine.scripts import lexicon_of, to_script
from vinovits.engine.settings import SpeakSettings
from vinovits.engine.voice import Voice
from vinovits.errors import TextError, UsageError
from vinovits.serve.voicevox.kana import mora_of, pause_mora, to_kana
from vinovits.serve.voicevox.models import AccentPhrase, AudioQuery, Mora
from vinovits.serve.voicevox.timing import MoraTime, Times, shared, timed
from vinovits.text.japanese.phrases import accent_phrases, phones_of
from vinovits.text.markup import escape
from vinovits.text.spellings import told_by_spelling
from vinovits.voices.manifest import RANGES

_SAME = 0.002
"""Seconds that lengths may differ by, for rounding on the way to a client and back."""
_NOTICED = 0.01
"""By what share a phrase must be longer or shorter to be spoken so."""
_PLAIN = re.compile(r"[^\[\]|\\\n<>]+")
"""What may stand in the brackets of a reading."""
_SIGNS = frozenset("[]\\<>|")
_MOST_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class Analysed:
    """A text by accent phrases."""

    text: str
    phrases: list[AccentPhrase]
    spans: list[tuple[int, int]]
    """Of each phrase in the text."""

    @property
    def can_be_marked(self) -> bool:
        """Whether markup can be put around the phrases.

        It can't where a character is in two of them, as those of a number may be, and where the
        text has signs that would become markup beside ours.
        """
        apart = all(first[1] <= second[0] for first, second in pairwise(self.spans))
        return apart and _SIGNS.isdisjoint(self.text)


def speaks_japanese(voice: Voice) -> bool:
    """Whether a voice's phrases are moras that can be changed."""
    return "ja" in voice.manifest.languages


def analysed(
    voice: Voice, text: str, settings: SpeakSettings, check: Callable[[], None]
) -> Analysed:
    """Cut a text into accent phrases; of other languages than Japanese, each word is one.

    Args:
        voice: Whose lengths they get.
        text: Any text, without markup.
        settings: Of the speech.
        check: Raises to end the work.

    Raises:
        TextError: Nothing in the text can be spoken.
    """
    plain: SpeakSettings = {**settings, "markup": "off"}
    if not speaks_japanese(voice):
        return _by_words(text, timed(voice, text, plain, check))
    lexicon = lexicon_of(None, voice.manifest.name, voice.folder)
    script = told_by_spelling(to_script(text, "off", lexicon, ("ja",)), ("ja",))
    found = accent_phrases(script.text, script.said)
    if not found:
        raise TextError("There is nothing in this text that can be spoken.")
    phrases = [
        AccentPhrase(
            moras=[mora_of(mora) for mora in one.moras],
            accent=one.accent,
            pause_mora=pause_mora(0.0) if one.pause and one is not found[-1] else None,
            is_interrogative=one.question,
        )
        for one in found
    ]
    with_lengths(phrases, timed(voice, text, plain, check))
    return Analysed(text, phrases, [script.seen.span(one.start, one.end) for one in found])


def with_lengths(phrases: Sequence[AccentPhrase], times: Times) -> None:
    """Put lengths into phrases.

    Args:
        phrases: Changed in place.
        times: Of a text that says them.
    """
    counts = [len(phrase.moras) for phrase in phrases]
    for phrase, (moras, pause) in zip(phrases, shared(times, counts), strict=True):
        for mora, time in zip(phrase.moras, moras, strict=True):
            _set_length(mora, time)
        if phrase.pause_mora is not None:
            phrase.pause_mora = pause_mora(round(pause, 6))


def _set_length(mora: Mora, time: MoraTime) -> None:
    if mora.consonant:
        mora.consonant_length = round(time.consonant, 6)
        mora.vowel_length = round(time.vowel, 6)
    else:
        mora.consonant_length = None
        mora.vowel_length = round(time.consonant + time.vowel, 6)


def _by_words(text: str, times: Times) -> Analysed:
    phrases: list[AccentPhrase] = []
    spans: list[tuple[int, int]] = []
    for word, phones in times.words:
        seconds = round(phones[-1].end - phones[0].start, 6) if phones else 0.0
        if word.is_punctuation:
            if phrases:
                before = phrases[-1].pause_mora
                earlier = before.vowel_length if before else 0.0
                phrases[-1].pause_mora = pause_mora(earlier + seconds)
                phrases[-1].is_interrogative |= word.text == "?"
            continue
        mora = Mora(text=word.text[:40], vowel=word.phones[-1], vowel_length=seconds, pitch=0.0)
        phrases.append(AccentPhrase(moras=[mora], accent=1))
        spans.append((word.start, word.end))
    if phrases:
        phrases[-1].pause_mora = None
    return Analysed(text, phrases, spans)


def lengthened(
    voice: Voice,
    phrases: Sequence[AccentPhrase],
    settings: SpeakSettings,
    check: Callable[[], None],
) -> None:
    """Put a voice's lengths into phrases that a client has made or changed.

    Args:
        voice: That speaks Japanese.
        phrases: Changed in place.
        settings: Of the speech.
        check: Raises to end the work.

    Raises:
        UsageError: A mora isn't one, or the voice doesn't speak Japanese.
    """
    if not phrases:
        return
    text = _written(voice, [], phrases, None)
    for phrase in phrases:
        for mora in phrase.moras:
            consonant, mora.vowel = phones_of(mora.text)
            mora.consonant = consonant or None
    with_lengths(phrases, timed(voice, text, {**settings, "markup": "plain"}, check))


@dataclass(frozen=True, slots=True)
class Spoken:
    """What to give to the voice."""

    text: str
    settings: SpeakSettings


def to_be_spoken(
    voice: Voice, query: AudioQuery, settings: SpeakSettings, check: Callable[[], None]
) -> Spoken:
    """The text that says a query, with markup for what has been changed in it.

    Args:
        voice: Who speaks.
        query: What was sent.
        settings: Of the speech.
        check: Raises to end the work.

    Raises:
        UsageError: A mora isn't one; or a voice that doesn't speak Japanese would have to say
            something else than the text.
        TextError: Nothing can be spoken.
    """
    phrases = query.accent_phrases
    text = query.text or (None if speaks_japanese(voice) else query.kana)
    base = None if text is None else analysed(voice, text, settings, check)
    if base is not None and (
        len(base.phrases) != len(phrases)
        or not (base.can_be_marked or _same_readings(base.phrases, phrases))
    ):
        base = None
    is_read_alike = base is not None and _same_readings(base.phrases, phrases)
    if not phrases:
        raise TextError("There is nothing in this query that can be spoken.")
    plain: SpeakSettings = {**settings, "speed": query.speedScale, "markup": "off"}
    marked: SpeakSettings = {**plain, "markup": "plain"}
    own = [phrase.model_copy(deep=True) for phrase in phrases]
    if is_read_alike:
        assert base is not None
        natural = base.phrases
    else:
        # What the voice makes of the changed readings is what lengths are compared with.
        natural = own
        first: SpeakSettings = {**settings, "markup": "plain"}
        with_lengths(natural, timed(voice, _written(voice, [], phrases, base), first, check))
    changes = [
        _change(query, phrase, usual) for phrase, usual in zip(phrases, natural, strict=True)
    ]
    changes[-1] = _Change(changes[-1].rate, None)
    if is_read_alike and not any(changes):
        assert base is not None
        return Spoken(base.text, plain)
    if is_read_alike and base is not None and not base.can_be_marked:
        base = None
    return Spoken(_written(voice, changes, phrases, base), marked)


@dataclass(frozen=True, slots=True)
class _Change:
    """What is to be done to a phrase that isn't as the voice has it."""

    rate: float
    pause: float | None
    """Seconds of the pause behind it."""

    def __bool__(self) -> bool:
        return self.rate != 1.0 or self.pause is not None


_NO_CHANGE = _Change(1.0, None)


def _change(query: AudioQuery, phrase: AccentPhrase, usual: AccentPhrase) -> _Change:
    rate = 1.0
    if phrase.seconds > _SAME and usual.seconds > _SAME:
        ratio = usual.seconds / phrase.seconds
        if abs(usual.seconds - phrase.seconds) > _SAME and abs(ratio - 1) > _NOTICED:
            rate = min(max(ratio, RANGES["speed"][0]), RANGES["speed"][1])
    own = 0.0 if usual.pause_mora is None else usual.pause_mora.vowel_length
    wanted = 0.0 if phrase.pause_mora is None else phrase.pause_mora.vowel_length or own
    if phrase.pause_mora is not None:
        if query.pauseLength is not None:
            wanted = query.pauseLength
        wanted *= query.pauseLengthScale
    if abs(wanted - own) <= _SAME:
        return _Change(rate, None)
    return _Change(rate, min(wanted / query.speedScale, _MOST_PAUSE))


def _same_readings(first: Sequence[AccentPhrase], second: Sequence[AccentPhrase]) -> bool:
    return all(
        (one.kana, one.falls_behind) == (other.kana, other.falls_behind)
        for one, other in zip(first, second, strict=True)
    )


def _written(
    voice: Voice,
    changes: Sequence[_Change],
    phrases: Sequence[AccentPhrase],
    base: Analysed | None,
) -> str:
    """Phrases as a text with markup.

    Args:
        voice: Who speaks.
        changes: Of each phrase; none of any.
        phrases: As they are to be said.
        base: A text of as many phrases whose words they are; None: there is only the kana.

    Raises:
        UsageError: A mora isn't one, or the voice doesn't speak Japanese.
    """
    changes = changes or [_NO_CHANGE] * len(phrases)
    alike = base is not None and _same_readings(base.phrases, phrases)
    if not alike:
        _check_moras(voice, phrases)
    parts: list[str] = []
    position = 0
    for number, (phrase, change) in enumerate(zip(phrases, changes, strict=True)):
        stretch = phrase.kana
        if base is not None:
            start, end = base.spans[number]
            parts.append(escape(base.text[position:start]))
            stretch, position = base.text[start:end], end
        if alike:
            said = escape(stretch)
        else:
            shown = stretch if _PLAIN.fullmatch(stretch) else phrase.kana
            said = f"[{shown}|{phrase.kana}:{phrase.falls_behind}]"
        if change.rate != 1.0:
            said = f"[speed {change.rate:.4f}]{said}[/speed]"
        parts.append(said)
        if change.pause is not None:
            parts.append(f"[pause {change.pause:.4f}s]")
        if base is None:
            parts.append(_mark(phrase, number + 1 == len(phrases)))
    if base is not None:
        parts.append(escape(base.text[position:]))
    return "".join(parts)


def _mark(phrase: AccentPhrase, is_last: bool) -> str:
    if phrase.is_interrogative:
        return "？"
    if is_last:
        return "。"
    return "" if phrase.pause_mora is None else "、"


def _check_moras(voice: Voice, phrases: Sequence[AccentPhrase]) -> None:
    if not speaks_japanese(voice):
        raise UsageError(
            f"The voice {voice.manifest.name} doesn't speak Japanese: its accent phrases can't be "
            "changed, and its queries need the text that they were made for."
        )
    for phrase in phrases:
        for mora in phrase.moras:
            if not phones_of(mora.text)[1] or len(mora.text) > 2:
                raise UsageError(f"{mora.text!r:.40} isn't a mora in katakana.")
        if len(phrase.kana) > 900:
            raise UsageError("An accent phrase has at most 900 kana.")


def query_of(found: Analysed, sampling_rate: int, *, has_kana: bool) -> AudioQuery:
    """The query that a client gets for a text.

    Args:
        found: The text by phrases.
        sampling_rate: Of the voice.
        has_kana: Its phrases are moras.
    """
    return AudioQuery(
        accent_phrases=found.phrases,
        outputSamplingRate=sampling_rate,
        kana=to_kana(found.phrases) if has_kana else found.text,
        text=found.text,
    )
