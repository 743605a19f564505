"""MeCab with the dictionary UniDic 2.1.2: words and readings as the family 1.1.1 has them."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from vinovits.errors import MissingExtraError

_PRONUNCIATION = 9
"""Field of UniDic's features: how the word is pronounced, in katakana."""


def readings(text: str) -> Iterator[tuple[str, str]]:
    """The words of a text after NFKC, and the pronunciation of each alone.

    Quirk: a word is read as if nothing were around it, which breaks counters and changes of sound.

    Raises:
        MissingExtraError: fugashi or unidic-lite isn't installed.
    """
    for word in _tagger()(unicodedata.normalize("NFKC", text)):
        yield word.surface, _reading(word.surface)


@functools.lru_cache(maxsize=4096)
def _reading(word: str) -> str:
    return "".join(map(_pronunciation, _tagger()(word)))


def _pronunciation(word: Any) -> str:
    features = word.feature
    known = len(features) > _PRONUNCIATION and features[_PRONUNCIATION] not in ("", "*")
    return str(features[_PRONUNCIATION]) if known else str(word.surface)


@functools.cache
def _tagger() -> Any:
    try:
        import fugashi
        import unidic_lite
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "Reading Japanese as the first families do needs more packages. Install them with: "
            "pip install 'vinovits[japanese-bert]'"
        ) from error
    folder = Path(unidic_lite.DICDIR)
    return fugashi.GenericTagger(f'-d "{folder}" -r "{folder / "mecabrc"}"')
