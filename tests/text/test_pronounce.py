from __future__ import annotations

import pytest

from vinovits.text.english import read
from vinovits.text.english.letter_to_sound import predict
from vinovits.text.english.lexicon import is_known, variants
from vinovits.text.english.pronounce import letter_name, pronounce, to_model


def phones_of(text: str, word: str, which: int = 0) -> str:
    found = [w for s in read(text) for w in s.words if w.text.lower() == word]
    return " ".join(
        phone + (str(tone - 1) if phone[0] in "aeiou" else "")
        for phone, tone in zip(found[which].phones, found[which].tones, strict=True)
    )


def test_lookup_finds_first_last_and_middle() -> None:
    assert variants("'bout") == (("B", "AW1", "T"),)
    assert variants("zyuganov's")[0][:2] == ("Z", "Y")
    assert variants("hello")[0] == ("HH", "AH0", "L", "OW1")
    assert len(variants("read")) == 2


@pytest.mark.parametrize("word", ["", "qqqq", "~", "!", "naïve", "hell", "\n", " ", "a b"])
def test_lookup_of_strange_keys(word: str) -> None:
    assert is_known(word) == (word == "hell")


def test_phones_are_written_as_the_voice_has_them() -> None:
    assert to_model(("V", "EH1", "R", "IY0")) == (("V", "eh", "r", "iy"), (3, 2, 3, 1))


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("kubernetes's", "K UW2 B ER0 N EH1 T IY2 Z IH0 Z"),
        ("podcasted", "P AA1 D K AE2 S T IH0 D"),
        ("googled", "G UW1 G AH0 L D"),
        ("vlogs", "V L AA1 G Z"),
        ("unclickable", "AH0 N K L IH1 K AH0 B AH0 L"),
        ("who'd've", "HH UW1 D AH0 V"),
        ("crowdsourcing", "K R AW1 D S AO2 R S IH0 NG"),
        ("lightsaber", "L AY1 T S EY2 B ER0"),
        ("brrr", "B ER1"),
        ("bcdfg", "B IY1 S IY1 D IY1 EH1 F JH IY1"),
    ],
)
def test_derived_forms_are_not_guessed(word: str, phones: str) -> None:
    said, source = pronounce(word)
    assert said == tuple(phones.split())
    assert source in ("rule", "spelled", "dictionary")


def test_an_unknown_word_is_guessed_and_noted() -> None:
    phones, source = pronounce("zorblatt")
    assert source == "network"
    assert phones[0] == "Z"
    (sentence,) = read("The zorblatt.")
    assert sentence.notes == ("Guessed how to say: zorblatt.",)


def test_the_network_gives_what_g2p_en_gives() -> None:
    # Recorded from g2p_en 2.1.0, G2p.predict.
    assert " ".join(predict("activationist")) == "AE2 K T IH0 V EY1 SH AH0 N IH0 S T"


@pytest.mark.parametrize("letter", "abcdefghijklmnopqrstuvwxyz")
def test_every_letter_has_a_name(letter: str) -> None:
    assert letter_name(letter)


def test_the_plural_of_a_letter() -> None:
    assert letter_name("s", "s")[-2:] == ("IH0", "Z")
    assert letter_name("D", "s")[-1] == "Z"
    assert letter_name("F", "'s")[-1] == "S"


@pytest.mark.parametrize(
    ("text", "word", "phones"),
    [
        ("I will read it.", "read", "r iy1 d"),
        ("I have read it.", "read", "r eh1 d"),
        ("She read the book.", "read", "r eh1 d"),
        ("We read books.", "read", "r iy1 d"),
        ("They read it last year.", "read", "r eh1 d"),
        ("It's a good read.", "read", "r iy1 d"),
        ("He took the lead.", "lead", "l iy1 d"),
        ("A lead pipe.", "lead", "l eh1 d"),
        ("I live here.", "live", "l ih1 V"),
        ("A live show.", "live", "l ay1 V"),
        ("He lives in Rome.", "lives", "l ih1 V z"),
        ("Their lives changed.", "lives", "l ay1 V z"),
        ("A world record.", "record", "r eh1 k er0 d"),
        ("He will record it.", "record", "r ah0 k ao1 r d"),
        ("Record the song.", "record", "r ah0 k ao1 r d"),
        ("What's the use?", "use", "y uw1 s"),
        ("I use it.", "use", "y uw1 z"),
        ("I used to swim.", "used", "y uw1 s t"),
        ("It was used daily.", "used", "y uw1 z d"),
        ("Close the door.", "close", "k l ow1 z"),
        ("They are close.", "close", "k l ow1 s"),
        ("Close to home.", "close", "k l ow1 s"),
        ("The wind blew.", "wind", "w ih1 n d"),
        ("To wind it.", "wind", "w ay1 n d"),
        ("She shed a tear.", "tear", "t ih1 r"),
        ("Tear it up.", "tear", "t eh1 r"),
        ("I object.", "object", "ah0 b jh eh1 k t"),
        ("The object.", "object", "aa1 b jh eh0 k t"),
        ("A minute amount.", "minute", "m ay0 n uw1 t"),
        ("Wait a minute.", "minute", "m ih1 n ah0 t"),
        ("He took a bow.", "bow", "b aw1"),
        ("A bow and arrow.", "bow", "b ow1"),
        ("He caught a bass.", "bass", "b ae1 s"),
        ("He plays bass.", "bass", "b ey1 s"),
        ("They refuse.", "refuse", "r ah0 f y uw1 z"),
        ("The refuse.", "refuse", "r eh1 f y uw2 z"),
        ("He was content with it.", "content", "k ah0 n t eh1 n t"),
        ("The content.", "content", "k aa1 n t eh0 n t"),
        ("A separate room.", "separate", "s eh1 p er0 ih0 t"),
        ("To separate them.", "separate", "s eh1 p er0 ey2 t"),
        ("No excuse.", "excuse", "ih0 k s k y uw1 s"),
        ("Excuse me.", "excuse", "ih0 k s k y uw1 z"),
        ("They house them.", "house", "hh aw1 z"),
        ("The house.", "house", "hh aw1 s"),
        ("A perfect day.", "perfect", "p er1 f ih2 k t"),
        ("To perfect it.", "perfect", "p er0 f eh1 k t"),
        ("A Polish man.", "polish", "p ow1 l ih0 sh"),
        ("Polish the shoes.", "polish", "p aa1 l ih0 sh"),
        ("My résumé.", "resume", "r eh1 z ah0 m ey2"),
        ("They resume work.", "resume", "r ih0 z uw1 m"),
    ],
)
def test_heteronyms(text: str, word: str, phones: str) -> None:
    assert phones_of(text, word) == phones


def test_two_readings_in_one_sentence() -> None:
    assert phones_of("The dove dove into the sea.", "dove", 0) == "d ah1 V"
    assert phones_of("The dove dove into the sea.", "dove", 1) == "d ow1 V"
