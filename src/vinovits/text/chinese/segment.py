"""Words and their parts of speech: jieba, loaded without cache files and messages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
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


@cache
def _segmenter() -> _Segmenter:
    try:
        import jieba
        from jieba import posseg
    except ImportError:
        raise MissingExtraError(
            "Reading Chinese needs the packages jieba and pypinyin. Install them with "
            '`pip install "vinovits[zh]"`.'
        ) from None

    class Words(jieba.Tokenizer):  # type: ignore[misc]  # jieba has no types
        """jieba's dictionary, read anew by each process.

        jieba itself keeps a copy in the shared temporary folder, where anyone may have put it, and
        writes what it does to stderr.
        """

        initialized: bool

        def initialize(self, dictionary: str | None = None) -> None:
            with self.lock:
                if not self.initialized:
                    self.FREQ, self.total = self.gen_pfdict(self.get_dict_file())
                    self.initialized = True

    class Tagged(posseg.POSTokenizer):  # type: ignore[misc]
        """The tagger on another tokenizer, with the table of tags that is loaded already."""

        def load_word_tag(self, f: Any) -> None:
            f.close()
            self.word_tag_tab = posseg.dt.word_tag_tab

    words = Words()
    return _Segmenter(words, Tagged(words))


def tag(clause: str) -> list[Token]:
    """Cut a clause into words with their parts of speech."""
    return [Token(pair.word, pair.flag) for pair in _segmenter().tagged.cut(clause)]


@lru_cache(maxsize=65536)
def halves(word: str) -> tuple[str, str]:
    """A word's two parts: its shortest word inside, and the rest, in their order; "" for no rest.

    蒙古包 is 蒙古, 包; 纸老虎 is 纸, 老虎.
    """
    first = min(_segmenter().words.cut_for_search(word), key=len)
    if word.startswith(first):
        return first, word[len(first) :]
    return word[: -len(first)], first
