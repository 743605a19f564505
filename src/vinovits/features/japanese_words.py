"""Japanese texts cut into words, for the one model that was trained on words.

bert-base-japanese-v3 saw words as MeCab (Kudo et al., 2004) cuts them with the dictionary UniDic
2.1.2. Both are an extra, as only voices of releases after 1.1.1 hear this model so.
"""

from __future__ import annotations

import functools
import threading
import unicodedata
from pathlib import Path
from typing import Any

from vinovits.errors import MissingExtraError

_lock = threading.Lock()


def split_words(text: str) -> list[str]:
    """The words of a text after NFKC, spaces left out.

    Raises:
        MissingExtraError: fugashi or unidic-lite isn't installed.
    """
    # UTF-8 has no place for lone surrogates.
    plain = unicodedata.normalize("NFKC", text.encode("utf-8", "ignore").decode())
    with _lock:  # MeCab keeps the sentence that it is at.
        return [word.surface for word in _tagger()(plain)]


@functools.cache
def _tagger() -> Any:
    try:
        import fugashi
        import unidic_lite
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "Cutting Japanese into words needs more packages. Install them with: "
            "pip install 'vinovits[japanese-bert]'"
        ) from error
    folder = Path(unidic_lite.DICDIR)
    return fugashi.GenericTagger(f'-d "{folder}" -r "{folder / "mecabrc"}"')
