"""What tests look at in a script."""

from __future__ import annotations

from vinovits.text.front_ends import read
from vinovits.text.markup import Markup, parse
from vinovits.text.reading import Sentence
from vinovits.text.script import Script


def check_places(script: Script) -> None:
    """All places are in the text or the original, and in order."""
    length = len(script.original)
    reached = 0
    for index in range(len(script.text)):
        start, end = script.seen.span(index, index + 1)
        assert reached <= start <= end <= length
        reached = start
    spans = [
        [(one.start, one.end) for one in script.said],
        [(start, end) for start, end, _ in script.languages],
        [(start, end) for start, end, _ in script.manners],
    ]
    for stretches in spans:
        position = 0
        for start, end in stretches:
            assert position <= start < end <= len(script.text)
            position = end
    places = [
        [index for index, _ in script.pauses],
        [index for index, _ in script.marks],
        list(script.breaks),
    ]
    for indices in places:
        assert indices == sorted(indices)
        assert all(0 <= index <= len(script.text) for index in indices)


def sentences(text: str, *languages: str, markup: Markup = "auto") -> list[Sentence]:
    """As a voice of the languages reads a text."""
    family = {("zh",): "2.4", ("ja",): "jp-extra"}.get(languages, "2.3")
    return list(read(parse(text, markup), languages or ["en"], family))


def spoken(text: str, *languages: str, markup: Markup = "auto") -> str:
    """Its words and marks, sentences apart."""
    read_out = sentences(text, *languages, markup=markup)
    return " / ".join(" ".join(word.text for word in one.words) for one in read_out)


def readings(text: str, *languages: str) -> list[str]:
    """The readings of its words, and its marks."""
    return [
        word.text if word.is_punctuation else word.reading
        for one in sentences(text, *languages)
        for word in one.words
    ]
