from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vinovits.text.english import (
    RULES,
    WordPiece,
    normalise_and_read,
    read,
    stand_in,
)
from vinovits.text.english.lexicon import released, variants
from vinovits.text.english.released import normalise
from vinovits.text.english.released_numbers import cardinal, ordinal, spell_numbers
from vinovits.text.reading import Word
from vinovits.text.traced import trace

GOLDEN = Path(__file__).parents[2] / "golden" / "text"
CASES = [
    json.loads(line) for line in (GOLDEN / "en_released.jsonl").read_text("utf-8").splitlines()
]
SYMBOLS = frozenset(json.loads((GOLDEN / "symbols.json").read_text("utf-8")))
RELEASED = sorted(name for name, rules in RULES.items() if rules.released)


def words_of(text: str, version: str) -> list[Word]:
    return normalise_and_read(trace(text), RULES[version])[0]


def phones_of(text: str, version: str) -> str:
    return " ".join(phone for word in words_of(text, version) for phone in word.phones)


def word2ph(words: list[Word], by_pieces: bool) -> list[int]:
    counts = [1]
    for word in words:
        pieces = len(stand_in(word.text)) if by_pieces else 1
        share, more = divmod(len(word.phones), pieces)
        counts += [share + (index < more) for index in range(pieces)]
    return [*counts, 1]


@pytest.mark.parametrize("case", CASES, ids=[f"{c['id']}-{c['version']}" for c in CASES])
def test_texts_are_read_as_the_released_front_ends_do(case: dict[str, object]) -> None:
    rules = RULES[str(case["version"])]
    words, _ = normalise_and_read(trace(str(case["text"])), rules)
    phones = ["_", *(phone for word in words for phone in word.phones), "_"]
    tones = [0, *(tone for word in words for tone in word.tones), 0]
    assert normalise(trace(str(case["text"])), rules).text == case["norm_text"]
    assert " ".join(phones) == case["phones"]
    assert "".join(map(str, tones)) == case["tones"]
    if case["word2ph"]:
        assert word2ph(words, rules.by_pieces) == case["word2ph"]


def test_sentences_hold_the_same_words() -> None:
    text = "Dr. Who? I ran 100m — in 9.58s! (Really.)"
    for version in RELEASED:
        sentences = list(read(text, RULES[version]))
        assert len(sentences) > 1
        assert [w for s in sentences for w in s.words] == words_of(text, version)


def test_a_sentence_is_given_no_full_stop() -> None:
    (sentence,) = read("Second line", RULES["2.2"])
    assert [word.text for word in sentence.words] == ["Second", "line"]


def test_marks_without_a_word_are_no_sentence() -> None:
    for version in RELEASED:
        assert list(read('..., "!" — 😀', RULES[version])) == []


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("0", "zero"),
        ("007", "seven"),
        ("1005", "one thousand five"),
        ("1100", "one thousand, one hundred"),
        ("1000005", "one million five"),
        ("1234567", "one million, two hundred thirty-four thousand, five hundred sixty-seven"),
        ("1" + "0" * 33, "one decillion"),
        ("9" * 37, " ".join(["nine"] * 37)),
    ],
)
def test_cardinals_are_spelled_as_inflect_does(digits: str, words: str) -> None:
    assert cardinal(digits) == words


@pytest.mark.parametrize(
    ("digits", "words"),
    [
        ("0", "zeroth"),
        ("12", "twelfth"),
        ("20", "twentieth"),
        ("101", "one hundred and first"),
        ("1005", "one thousand and fifth"),
        ("1100", "one thousand, one hundredth"),
        ("1234", "one thousand, two hundred and thirty-fourth"),
        ("1000000", "one millionth"),
    ],
)
def test_ordinals_are_spelled_as_inflect_does(digits: str, words: str) -> None:
    assert ordinal(digits) == words


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("1,234", "twelve thirty-four"),
        ("2000 2005 2010 1900 1905", "two thousand two thousand five twenty ten nineteen hundred "
         "nineteen oh five"),
        ("1000 3000", "one thousand three thousand"),
        ("£1,000", "one thousand pounds"),
        ("$1.05 $0.50 $2", "one dollar, five cents fifty cents two dollars"),
        ("$1.2.3", "one point two.three dollars"),
        ("$,5", "five dollars"),
        ("9.58s", "nine point fifty-eights"),
        ("€30", "€thirty"),
        ("5things", "fifthings"),
        ("٣", "٣"),
    ],
)  # fmt: skip
def test_numbers_are_spelled_in_the_order_of_the_released_steps(written: str, words: str) -> None:
    assert spell_numbers(trace(written)).text == words


def test_words_lie_where_they_are_written() -> None:
    text = "In 2023, $5 — ok"
    found = [(word.text, text[word.start : word.end]) for word in words_of(text, "2.1")]
    assert found == [
        ("In", "In"),
        ("twenty", "2023"),
        ("twenty-three", "2023"),
        (",", ","),
        ("five", "$5"),
        ("dollars", "$5"),
        ("-", "—"),
        ("ok", "ok"),
    ]


def test_an_older_dictionary_is_asked_before_a_newer_one() -> None:
    assert released("treated")[0] == ("T", "R", "IY1", "T", "AH0", "D")
    assert variants("treated")[0] == ("T", "R", "IY1", "T", "IH0", "D")
    assert released("iphone") == ((), ())
    assert released("hello")[0] == variants("hello")[0]


def test_a_quote_keeps_a_word_from_the_first_dictionary() -> None:
    by_1998, by_g2p = released("record")
    assert by_1998 != by_g2p
    assert phones_of("record", "2.0") == "r ah k ao r d"
    assert phones_of('"record"', "2.0") == "r eh k er d"


def test_hyphens_part_words_in_2_0_only() -> None:
    assert phones_of("well-known", "2.0") == "w eh l - n ow n"
    assert phones_of("well-known", "2.3") == "w eh l - n ow n"
    assert "-" not in phones_of("well-known", "2.1")


def test_an_ellipsis_character_is_silent_in_2_0() -> None:
    assert phones_of("…", "2.0") == ""
    assert phones_of("…", "2.1") == ". . ."


def test_letters_that_english_cannot_read_are_noted() -> None:
    (sentence,) = read("hello 你好", RULES["2.3"])
    assert sentence.notes == ("Left out characters that English can't read: 你 好.",)
    assert [word.phones for word in sentence.words][1] == ()


def pieces(*texts: str) -> list[WordPiece]:
    """Pieces of a text that they make up; "▁" stands for a space, but not at the beginning."""
    found, position = [], 0
    for index, text in enumerate(texts):
        length = len(text) - (index == 0 and text.startswith("▁"))
        found.append(WordPiece(text, position, position + length))
        position += length
    return found


def test_each_piece_of_a_word_is_looked_up_alone_from_2_3_on() -> None:
    def tokenise(_: str) -> list[WordPiece]:
        return pieces("▁out", "side", "...", "▁it", "'", "s")

    words, _ = normalise_and_read(trace("outside... it's"), RULES["2.3"], tokenise)
    assert [word.text for word in words] == ["outside...", "it's"]
    assert words[0].phones == ("aw", "t", "s", "ay", "d", "…")
    assert words[1].phones == ("ih", "t", "s")
    assert (words[1].start, words[1].end) == (11, 15)


def test_digits_that_a_tokenizer_makes_are_read() -> None:
    words, _ = normalise_and_read(
        trace("No ②"), RULES["2.3"], lambda _: [("▁No", 0, 2), ("▁2", 2, 4)]
    )
    assert words[1].phones == ("t", "uw")


def test_a_mark_behind_a_word_stands_alone_and_one_inside_does_not() -> None:
    found = [word.text for word in words_of("He said: 'Don't go-go.'", "2.3")]
    assert found == ["He", "said:", "'Don't", "go-go", ".", "'"]


@pytest.mark.parametrize("family", RELEASED)
def test_our_reading_has_the_tones_of_the_family(family: str) -> None:
    tone = 0 if family in ("2.0", "2.1", "2.2") else 3
    (sentence,) = read("Vets", RULES[f"better/{family}"])
    assert sentence.words[0].phones == ("V", "eh", "t", "s")
    assert sentence.words[0].tones == (tone, 2, tone, tone)


@settings(max_examples=200)
@given(
    st.text(st.characters(), max_size=120)
    | st.text("aAbé019 .,!?'\"-–—…/:$£€%&()[]’“\n\u3000", max_size=120),
    st.sampled_from(RELEASED),
)
def test_any_text_is_read(text: str, version: str) -> None:
    position = 0
    for sentence in read(text, RULES[version]):
        assert position <= sentence.start < sentence.end <= len(text)
        last = (sentence.start, sentence.start)
        for word in sentence.words:
            assert (word.start, word.end) == last or word.start >= last[1]
            assert sentence.start <= word.start <= word.end <= sentence.end
            assert len(word.phones) == len(word.tones)
            assert SYMBOLS.issuperset(word.phones)
            assert set(word.tones) <= {0, 1, 2, 3}
            last = (word.start, word.end)
        position = sentence.end


@pytest.mark.parametrize("version", RELEASED)
@pytest.mark.parametrize("text", ["a" * 5000, "9" * 5000, "-'" * 3000, "a'" * 3000, "." * 5000])
def test_what_is_no_language_takes_bounded_time(text: str, version: str) -> None:
    began = time.perf_counter()
    for sentence in read(text, RULES[version]):
        assert sum(len(word.phones) for word in sentence.words) <= 1000
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("version", ["better", "2.1", "2.3"])
def test_words_say_where_their_reading_is_from(version: str) -> None:
    (sentence,) = read("Hello zorblatt!", RULES[version])
    told = [(word.reading, word.source) for word in sentence.words]
    assert told[0] == ("HH AH0 L OW1", "dictionary")
    assert told[1][1] == "network"
    assert told[2] == ("", "")
