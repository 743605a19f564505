"""Words and their parts of speech: jieba, loaded without cache files and messages."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from functools import cache, lru_cache
from threading import Lock
from typing import Any

from vinovits.errors import MissingExtraError


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a clause."""

    text: str
    part_of_speech: str
    """As jieba tags it: "v" verb, "n" noun, "r" pronoun, "m" number, "x" mark ..."""


@dataclass(frozen=True, slots=True)
class _Segmenter:
    words: Any
    """A jieba.Tokenizer."""
    tagged: Any
    """A jieba.posseg.POSTokenizer on it."""


_LOADING = Lock()


def tag(clause: str) -> list[Token]:
    """Cut a clause into words with their parts of speech."""
    return [Token(pair.word, pair.flag) for pair in _segmenter().tagged.cut(clause)]


def is_listed(word: str) -> bool:
    """Whether jieba's dictionary has a word; if not, it is a guess."""
    return bool(_segmenter().words.FREQ.get(word))


@lru_cache(maxsize=65536)
def halves(word: str) -> tuple[str, str]:
    """A word's two parts: its shortest word inside, and the rest, in their order; "" for no rest.

    蒙古包 is 蒙古, 包; 纸老虎 is 纸, 老虎.
    """
    first = min(_segmenter().words.cut_for_search(word), key=len)
    if word.startswith(first):
        return first, word[len(first) :]
    return word[: -len(first)], first


def _segmenter() -> _Segmenter:
    with _LOADING:
        return _loaded()


@cache
def _loaded() -> _Segmenter:
    try:
        jieba = _import_jieba()
    except ImportError:
        raise MissingExtraError(
            "Reading Chinese needs the packages jieba and pypinyin. Install them with "
            '`pip install "vinovits[zh]"`.'
        ) from None
    posseg = _import_posseg(jieba)
    frequencies, tags, lengths = _read_dictionary(jieba.dt.get_dict_file())
    posseg.dt.word_tag_tab = tags

    class Words(jieba.Tokenizer):  # type: ignore[misc,name-defined]  # jieba has no types
        """jieba's dictionary, read anew by each process.

        jieba itself keeps a copy in the shared temporary folder, where anyone may have put it, and
        writes what it does to stderr.
        """

        def initialize(self, dictionary: str | None = None) -> None:
            self.FREQ, self.total = frequencies, sum(frequencies.values())
            self.initialized: bool = True

        def get_DAG(self, sentence: str) -> dict[int, list[int]]:  # noqa: N802  # jieba's name
            """The ends of all words by their beginnings."""
            self.check_initialized()
            graph = {}
            for start in range(len(sentence)):
                longest = lengths.get(sentence[start : start + 2], 1)
                ends = [
                    end - 1
                    for end in range(start + 1, min(start + longest, len(sentence)) + 1)
                    if frequencies.get(sentence[start:end])
                ]
                graph[start] = ends or [start]
            return graph

    class Tagged(posseg.POSTokenizer):  # type: ignore[misc,name-defined]
        """The tagger on another tokenizer, with the table of tags that is loaded already."""

        def load_word_tag(self, f: Any) -> None:
            f.close()
            self.word_tag_tab = tags

    words = Words()
    return _Segmenter(words, Tagged(words))


def _import_jieba() -> Any:
    """Import jieba without pkg_resources, which is slow, warns, and is there to open one file."""
    spared = "pkg_resources" not in sys.modules
    if spared:
        sys.modules["pkg_resources"] = None  # type: ignore[assignment]  # unimportable
    try:
        import jieba
    finally:
        if spared:
            del sys.modules["pkg_resources"]
    return jieba


def _import_posseg(jieba: Any) -> Any:
    """Import the tagger, which reads the whole dictionary for itself when it is imported.

    It gets an empty one, and the tags when they are read.
    """
    if "jieba.posseg" not in sys.modules:
        jieba.dt.get_dict_file = io.BytesIO
    try:
        from jieba import posseg
    finally:
        vars(jieba.dt).pop("get_dict_file", None)
    return posseg


def _read_dictionary(file: Any) -> tuple[dict[str, int], dict[str, str], dict[str, int]]:
    """How often each word was counted, its tag, and the longest word by the first two letters."""
    with file:
        lines = file.read().decode("utf-8").splitlines()
    frequencies: dict[str, int] = {}
    tags: dict[str, str] = {}
    lengths: dict[str, int] = {}
    for line in lines:
        word, count, tags[word] = line.split(" ")
        frequencies[word] = int(count)
        if lengths.get(word[:2], 1) < len(word):
            lengths[word[:2]] = len(word)
    return frequencies, tags, lengths
