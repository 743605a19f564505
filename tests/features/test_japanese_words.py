from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from vinovits.errors import MissingExtraError
from vinovits.features import japanese_words


def test_words_after_nfkc_without_spaces() -> None:
    assert japanese_words.split_words("Ｔｏｍは 猫だ。") == ["Tom", "は", "猫", "だ", "。"]
    assert japanese_words.split_words("") == japanese_words.split_words(" \n") == []


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fugashi", None)
    japanese_words._tagger.cache_clear()
    with pytest.raises(MissingExtraError, match=r"pip install 'vinovits\[japanese-bert\]'"):
        japanese_words.split_words("猫")
    monkeypatch.undo()
    assert japanese_words.split_words("猫") == ["猫"]


@pytest.mark.parametrize("text", ["\ud800", "a\x00b", "\x07", "猫" * 5000])
def test_odd_texts(text: str) -> None:
    words = japanese_words.split_words(text)
    assert all(isinstance(word, str) and word for word in words)


def test_many_threads() -> None:
    texts = [f"猫が{number}匹いた。" for number in range(40)]
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(japanese_words.split_words, texts))
    assert together == [japanese_words.split_words(text) for text in texts]
