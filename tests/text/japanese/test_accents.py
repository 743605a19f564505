from __future__ import annotations

from vinovits.text.japanese.accents import align, phrase_tones, steps, word_tones
from vinovits.text.japanese.open_jtalk import Label


def labels(phrases: list[tuple[list[str], int]]) -> list[Label]:
    """Labels of phrases of moras, each with its accent nucleus (0: none)."""
    found = []
    for moras, nucleus in phrases:
        for number, mora in enumerate(moras, 1):
            behind = number - (nucleus or len(moras))
            left = len(moras) - number + 1
            found += [Label(p, behind, number, left, len(moras)) for p in mora.split()]
    return found


HASHI = (["h a", "sh I"], 1)
SAKURA = (["s a", "k U", "r a"], 0)
KOKORO = (["k o", "k o", "r o"], 2)


def test_tones_of_phrases_rise_behind_the_first_mora_and_fall_behind_the_nucleus() -> None:
    found = phrase_tones(labels([HASHI, SAKURA, KOKORO]))
    assert "".join(phone for phone, _ in found) == "hashisakurakokoro"
    assert [tone for _, tone in found] == [1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0]


def test_tones_of_words_begin_anew_in_each() -> None:
    spoken = steps(labels([KOKORO]))
    assert [step for _, step in spoken] == [0, 1, 0, -1, 0, 0]
    assert word_tones([[0, 1, 0, -1], [0, 0]]) == [[0, 0, 1, 1], [0, 0]]
    assert word_tones([[0, -1, 0]]) == [[1, 1, 0]]
    assert word_tones([[None, None], []]) == [[0, 0], []]


def test_what_differs_is_skipped_or_waited_for() -> None:
    spoken = [("k", 1), ("y", 2), ("e", 3), ("m", 4), ("o", 5)]
    assert align(["k", "i", "e", ",", "m", "o"], spoken, tolerant=True) == [1, None, 3, None, 4, 5]
    assert align(["k", "i", "e", ",", "m", "o"], spoken, tolerant=False) == [1, *[None] * 5]
