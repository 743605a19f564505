"""From the accents in Open JTalk's labels to tones: 1 is high, 0 is low.

Moras of an accent phrase are low at first, rise behind the first and fall behind the nucleus; the
first is high where it is the nucleus itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vinovits.text.japanese.open_jtalk import Label

_SILENT = frozenset({"sil", "pau"})
Tone = tuple[str, int]
"""A phone, and its tone or the step of tone behind it."""


def phone_of(label: Label) -> str:
    """The model's name of a phone."""
    return (
        "q" if label.phone == "cl" else label.phone if label.phone == "N" else label.phone.lower()
    )


def steps(labels: Sequence[Label]) -> list[Tone]:
    """Each phone with the step of tone behind it: 1 up, -1 down, 0 none."""
    found = []
    for index, label in enumerate(labels):
        if label.phone in _SILENT:
            continue
        following = labels[index + 1].mora if index + 1 < len(labels) else -1
        if label.from_nucleus == 0 and following == label.mora + 1:
            step = -1
        else:
            step = int(label.mora == 1 and following == 2)
        found.append((phone_of(label), step))
    return found


def word_tones(words: Sequence[Sequence[int | None]]) -> list[list[int]]:
    """Tones as the families 2.x count them: from 0 in every word, whatever the phrase.

    Args:
        words: The step behind each phone of each word; None, where there is none, counts from 0.

    Returns:
        One tone for each phone.
    """
    tones = []
    for steps in words:
        levels, level = [], 0
        for step in steps:
            level = 0 if step is None else level + step
            levels.append(level)
        levels = [0, *levels[:-1]][: len(steps)]
        if -1 in levels:
            levels = [level + 1 for level in levels]
        tones.append([min(max(level, 0), 1) for level in levels])
    return tones


def phrase_tones(labels: Sequence[Label]) -> list[Tone]:
    """Each phone with its tone, counted by accent phrase."""
    return [tone for phrase in _phrases(labels) for tone in phrase]


def _phrases(labels: Sequence[Label]) -> Iterator[list[Tone]]:
    phrase: list[Tone] = []
    level = 0
    for index, label in enumerate(labels):
        last = index + 1 == len(labels)
        following = -1 if last else labels[index + 1].mora
        ends = label.phone in _SILENT
        if not ends:
            phrase.append((phone_of(label), level))
            if label.moras_left == 1 and following == 1 and label.phone in _ENDINGS:
                ends = True
            elif label.from_nucleus == 0 and following == label.mora + 1 != label.phrase_length + 1:
                level -= 1
            elif label.mora == 1 and following == 2:
                level += 1
        if ends or last:
            low = min((tone for _, tone in phrase), default=0)
            yield [(phone, min(tone - min(low, 0), 1)) for phone, tone in phrase]
            phrase, level = [], 0


_ENDINGS = frozenset("aeiouAEIOUN") | {"cl"}
"""Phones that a mora may end in."""


def align(phones: Sequence[str], spoken: Sequence[Tone], tolerant: bool) -> list[int | None]:
    """What belongs to each phone of a text that has punctuation in it.

    Args:
        phones: All phones of a sentence.
        spoken: Open JTalk's phones, with the tone or step of each.
        tolerant: Go on behind a difference. Quirk where False: everything waits there for the
            next phone that is the same, which is often none.

    Returns:
        The tone or step of each phone; None where Open JTalk's phones don't have it.
    """
    found: list[int | None] = []
    place = 0
    for index, phone in enumerate(phones):
        if tolerant and place < len(spoken) and phone != spoken[place][0]:
            ahead = [name for name, _ in spoken[place : place + _REACH]]
            if phone in ahead and ahead[0] not in phones[index : index + _REACH]:
                place += ahead.index(phone)
        if place < len(spoken) and phone == spoken[place][0]:
            found.append(spoken[place][1])
            place += 1
        else:
            found.append(None)
    return found


_REACH = 4
"""How many phones may be skipped at once."""
