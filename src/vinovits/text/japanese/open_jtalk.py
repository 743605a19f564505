"""Open JTalk: words, readings and accents of Japanese text.

Whichever build of pyopenjtalk is installed is used: `pyopenjtalk-plus` brings its dictionary along.
Builds differ in what they read (docs/japanese.md).
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from vinovits.errors import MissingExtraError
from vinovits.text.japanese.given import STAND_INS, Given

Node = Mapping[str, Any]
"""A word of Open JTalk (its NJD features): "string", "pron", "pos" and so on."""

MARKS = frozenset("、？！")
"""What Open JTalk gives as the reading of everything that it takes for punctuation."""
_MARKS = "".join(MARKS) + "’"
_SILENT = ("sil", "pau")
_LABEL = re.compile(
    r"-(?P<phone>[^+]*)\+.*?/A:(?P<nucleus>-?\d+|xx)\+(?P<mora>\d+|xx)\+(?P<left>\d+|xx)"
    r".*?/F:(?P<length>\d+|xx)_"
)
_STAND_INS = re.compile(f"([{STAND_INS}])")
_NONE = -50
_MAX_WORDS = 30
_MAX_CHARACTERS = 1500
"""Open JTalk has a buffer of 8192 bytes for a text, with four for a character at most."""
_LOCK = threading.Lock()
"""Not every build may be called by several threads."""


@dataclass(frozen=True, slots=True)
class Label:
    """What is needed of the full-context label of one phone."""

    phone: str
    """As Open JTalk writes it: "cl", "N", "I" for an i without voice, "sil", "pau"."""
    from_nucleus: int
    """Moras behind the accent nucleus; -50 in silence, as the next two."""
    mora: int
    """Number of the mora in its accent phrase, from 1."""
    moras_left: int
    """Number of the mora from the end of its accent phrase, from 1."""
    phrase_length: int
    """Moras of the accent phrase."""


def words(text: str, said: Mapping[str, Given] = MappingProxyType({})) -> list[Node]:
    """Cut a text into words, with readings and accents.

    Args:
        text: Without control characters.
        said: Words whose reading is given, by the characters that stand for them in the text. With
            builds other than pyopenjtalk-plus each is an accent phrase of its own.

    Raises:
        MissingExtraError: No build of pyopenjtalk is installed.
    """
    if not text:
        return []
    with_own = bool(said) and is_plus()
    found: list[Node] = []
    for start in range(0, len(text), _MAX_CHARACTERS):
        part = text[start : start + _MAX_CHARACTERS]
        if with_own:
            found += _words_with_own(part, said)
        else:
            found += [own for node in _words(part) for own in _replaced(node, said)]
    return found


def _words(text: str) -> list[Node]:
    jtalk, options = _jtalk()
    with _LOCK:
        return list(jtalk.run_frontend(text, **options))


def _features(text: str) -> list[str]:
    """MeCab's words."""
    with _LOCK:
        return list(_jtalk()[0].run_mecab(text))


def _words_with_own(text: str, said: Mapping[str, Given]) -> list[Node]:
    """What run_frontend does, with given words as proper nouns among the words of MeCab."""
    jtalk, options = _jtalk()
    features: list[str] = []
    for feature in _features(text):
        surface = feature.partition(",")[0]
        if said.keys().isdisjoint(surface):
            features.append(feature)
            continue
        # To MeCab they are unknown characters, which it puts together with other unknown ones.
        for part in filter(None, _STAND_INS.split(surface)):
            features += [_feature(part, said[part])] if part in said else _features(part)
    with _LOCK:
        nodes = jtalk.run_njd_from_mecab(features, restore_unknown_katakana=True)
        for node in nodes:
            node["is_reading_protected"] = node["string"] in said
        return list(jtalk.apply_postprocessing(text, nodes, **options))


def _replaced(node: Node, said: Mapping[str, Given]) -> Iterator[Node]:
    """The node itself, or the given words that the dictionary didn't know."""
    if said.keys().isdisjoint(node["string"]):
        yield node
        return
    for sign in filter(None, _STAND_INS.split(node["string"])):
        if sign not in said:
            yield from _words(sign)
            continue
        word = said[sign]
        noun = {"pos": "名詞", "pos_group1": "固有名詞", "pos_group2": "一般"}
        reading = {"orig": sign, "read": word.kana, "pron": word.kana, "acc": word.accent or 0}
        place = {"mora_size": word.moras, "chain_rule": "*", "chain_flag": 0}
        yield {**node, **noun, **reading, **place, "string": sign}


def _feature(sign: str, word: Given) -> str:
    """A line of MeCab's output in the format of NAIST-jdic."""
    accent = f"{word.accent or 0}/{word.moras}"
    return f"{sign},名詞,固有名詞,一般,*,*,*,{sign},{word.kana},{word.kana},{accent},*"


def labels(nodes: Sequence[Node]) -> list[Label]:
    """The phones of words as they are said one after the other, with the pauses between them.

    Args:
        nodes: As `words` returned them.

    Returns:
        One label for each phone, and one for each pause.
    """
    jtalk, _ = _jtalk()
    found: list[Label] = []
    for stretch, behind_pause in _stretches(nodes):
        with _LOCK:
            lines = jtalk.make_label([dict(node) for node in stretch])
        if found and behind_pause:
            found.append(Label("pau", _NONE, _NONE, _NONE, _NONE))
        found += [_label(line) for line in lines[1:-1]]
    return found


def _stretches(nodes: Sequence[Node]) -> Iterator[tuple[list[Node], bool]]:
    """Words without marks between them, and whether a mark is in front.

    What is used of the labels depends on the accent phrase alone, which a mark may stand in. Open
    JTalk takes quadratic time for what it gets at once, and complains on the terminal about marks
    that nothing is between, and about a ー that lengthens nothing.
    """
    stretch: list[Node] = []
    marks: list[Node] = []
    pause = False
    for node in nodes:
        spoken = node["pron"].strip(_MARKS)
        if not spoken:
            marks.append(node)
            continue
        if stretch and (marks or len(stretch) >= _MAX_WORDS) and node["chain_flag"] != 1:
            yield stretch, pause
            stretch, pause = [], bool(marks)
        elif stretch:
            stretch += marks
        marks = []
        if stretch or spoken.strip("ー"):
            stretch.append(node)
    if stretch:
        yield stretch, pause


def is_plus() -> bool:
    """Whether the installed build is pyopenjtalk-plus, which reads differently from the others."""
    return "predict_nani" in inspect.signature(_jtalk()[0].run_frontend).parameters


def _label(line: str) -> Label:
    match = _LABEL.search(line)
    assert match is not None, line
    phone, *numbers = match.group("phone", "nucleus", "mora", "left", "length")
    if phone in _SILENT:
        return Label(phone, _NONE, _NONE, _NONE, _NONE)
    return Label(phone, *(_NONE if number == "xx" else int(number) for number in numbers))


@functools.cache
def _jtalk() -> tuple[Any, dict[str, Any]]:
    """The installed build, and the options that keep it from needing more than it brings."""
    try:
        # Some builds print that a model is missing, which isn't asked for.
        with contextlib.redirect_stdout(None):
            import pyopenjtalk
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            'Reading Japanese needs more packages. Install them with: pip install "vinovits[ja]"'
        ) from error
    folder = Path(os.fsdecode(pyopenjtalk.OPEN_JTALK_DICT_DIR))
    if not folder.is_dir():
        # Other builds would fetch one from the network now.
        raise MissingExtraError(
            f"Open JTalk's dictionary isn't at {folder}. Install a build that brings it along: "
            'pip install "vinovits[ja]", or name a folder in the variable OPEN_JTALK_DICT_DIR.'
        )
    known = inspect.signature(pyopenjtalk.run_frontend).parameters
    # The model that chooses between "nan" and "nani" needs onnxruntime.
    return pyopenjtalk, {"predict_nani": False} if "predict_nani" in known else {}
