from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.output.speech import spoken
from vinovits.engine.result import SpokenSentence, WordTiming
from vinovits.output.cues import LINE_LENGTH, cues, written_pieces

LONG = (
    "When the sunlight strikes raindrops in the air, they act as a prism and form a rainbow, "
    "which is a division of white light into many beautiful colors; these take the shape of a "
    "long round arch, with its path high above, and its two ends apparently beyond the horizon."
)


def test_a_short_sentence_is_one_cue_of_one_line() -> None:
    (cue,) = cues(spoken("Hello there."))
    assert cue.lines == ("Hello there.",)
    assert (cue.start, round(cue.end, 6)) == (0.0, 0.9)


def test_a_long_sentence_is_cut_behind_its_clauses() -> None:
    found = cues(spoken(LONG))
    assert found[0].lines == ("When the sunlight strikes", "raindrops in the air,")
    assert " ".join(" ".join(cue.lines) for cue in found) == LONG
    assert all(len(cue.lines) <= 2 for cue in found)
    assert all(len(line) <= LINE_LENGTH for cue in found for line in cue.lines)
    for before, after in pairwise(found):
        assert before.end == after.start


def test_quotes_stay_with_their_words() -> None:
    sentence = spoken('"Come in," he said, "and (please) sit down."')
    texts = [piece.text.strip() for piece in written_pieces(sentence)]
    assert texts == ['"Come', 'in,"', "he", "said,", '"and', "(please)", "sit", 'down."']


def test_a_number_that_is_spoken_as_many_words_is_shown_as_written() -> None:
    words = [("It", 0, 2), ("costs", 3, 8), ("twenty", 9, 12), ("five", 9, 12), ("dollars", 9, 12)]
    timed = tuple(WordTiming(w, a, b, i * 0.5, i * 0.5 + 0.5) for i, (w, a, b) in enumerate(words))
    sentence = SpokenSentence("It costs $25.", 0, 13, 0.0, 2.5, timed, ())
    pieces = written_pieces(sentence)
    assert [piece.text for piece in pieces] == ["It ", "costs ", "$25."]
    assert (pieces[2].start, pieces[2].end) == (1.0, 2.5)


def test_a_word_longer_than_a_line_is_not_cut() -> None:
    word = "x" * 100
    assert [cue.lines for cue in cues(spoken(f"See {word} there."))] == [
        ("See",),
        (word,),
        ("there.",),
    ]


def test_a_sentence_whose_words_are_all_signs_is_one_piece() -> None:
    assert [piece.text for piece in written_pieces(spoken("& %"))] == ["& %"]


def test_the_place_in_the_text_does_not_matter() -> None:
    assert cues(spoken(LONG, start_char=1000)) == cues(spoken(LONG))


@given(st.text(alphabet="abc ,.-'\"\n—é5$(", min_size=1, max_size=400))
def test_no_text_is_lost_and_time_runs_forward(text: str) -> None:
    sentence = spoken(text)
    pieces = written_pieces(sentence)
    assert "".join(piece.text for piece in pieces) == text
    found = cues(sentence)
    shown = "".join("".join(line.split()) for cue in found for line in cue.lines)
    assert shown == "".join(text.split())
    for cue in found:
        assert cue.start <= cue.end
        assert len(cue.lines) <= 2
    for before, after in pairwise(found):
        assert before.end <= after.start
