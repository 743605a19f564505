"""Words that are read as other words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vinovits.errors import LexiconError
from vinovits.text.lexicon import Lexicon, LexiconEntry, check_loops
from vinovits.text.reading import Said
from vinovits.text.script import Script, plain


def aliases(**texts: str) -> list[LexiconEntry]:
    return [LexiconEntry(word, f"={text}") for word, text in texts.items()]


def applied(*entries: LexiconEntry, text: str = "a W3C b.") -> Script:
    return Lexicon(*entries).applied(plain(text), ["en"])


def test_an_alias_stands_in_the_place_of_its_word() -> None:
    script = applied(
        *aliases(W3C="World Wide Web Consortium"),
        LexiconEntry("wide", "W AY1 D"),
        LexiconEntry("b", "B IY1"),
    )
    assert script.text == "a World Wide Web Consortium b."
    assert [(script.text[one.start : one.end], one.reading) for one in script.said] == [
        ("Wide", "W AY1 D"),
        ("b", "B IY1"),
    ]
    assert script.seen.span(2, 7) == (2, 5)
    assert script.seen.span(28, 29) == (6, 7)


def test_what_markup_says_moves_along() -> None:
    told = Said(6, 7, "B IY1", "en", "markup")
    script = replace(plain("a W3C b W3C"), said=(told,), marks=((8, "x"),))
    script = Lexicon(*aliases(W3C="World Wide Web")).applied(script, ["en"])
    assert script.text == "a World Wide Web b World Wide Web"
    (said,) = script.said
    assert script.text[said.start : said.end] == "b"
    assert script.marks == ((19, "x"),)


def test_words_in_place_of_signs_stay_words() -> None:
    entries = [
        LexiconEntry("→", "=to"),
        LexiconEntry("to", "T UW1"),
        LexiconEntry("α", "=阿尔法", "zh"),
    ]
    script = Lexicon(*entries).applied(plain("a→b →→3 Ａ→。→ α行"), ["en", "zh"])
    assert script.text == "a to b to to 3 Ａ to。to 阿尔法行"
    assert [script.text[one.start : one.end] for one in script.said] == ["to"] * 5


def test_aliases_lead_on() -> None:
    chain = aliases(W3C="the W W W C", W="double u", double="twice")
    assert applied(*chain).text == "a the twice u twice u twice u C b."


def test_an_alias_has_the_language_that_it_is_given() -> None:
    entries = [LexiconEntry("W3C", "=万维网联盟", "zh")]
    assert applied(*entries).text == "a W3C b."
    script = Lexicon(*entries).applied(plain("W3C组织"), ["zh", "en"])
    assert script.text == "万维网联盟组织"
    script = Lexicon(*entries).applied(
        replace(plain("W3C"), languages=((0, 3, "en"),)), ["zh", "en"]
    )
    assert script.text == "W3C"


@pytest.mark.parametrize(
    ("entries", "chain"),
    [
        (aliases(a="a b"), "a -> a"),
        (aliases(x="y", a="b c", b="c", c="one A two"), "a -> b -> c -> a"),
        (aliases(行="銀行"), "行 -> 行"),
    ],
)
def test_loops_are_refused_with_their_chain(entries: list[LexiconEntry], chain: str) -> None:
    with pytest.raises(LexiconError, match=f"loop: {chain}\\."):
        check_loops(entries)


def test_what_only_looks_like_a_loop_is_none() -> None:
    check_loops(aliases(a="b", b="c", c="ab", ab="d"))
    check_loops([*aliases(US="us"), LexiconEntry("a", "EY1"), *aliases(b="a b's" and "a")])


def test_loops_that_lexicons_make_together_end() -> None:
    one, other = Lexicon(*aliases(a="b b")), Lexicon(*aliases(b="a a"))
    merged = one.over(other)
    for _ in range(2):
        assert merged.applied(plain("a b"), ["en"]).text == "a a a a b b b b"


def test_aliases_that_multiply_stay_small() -> None:
    names = [f"x{number}" for number in range(50)]
    everything = " ".join(names)
    bomb = Lexicon(*(LexiconEntry(name, f"={everything}") for name in names))
    assert len(bomb.applied(plain("x1"), ["en"]).text) < 100 * len(everything)
    with pytest.raises(LexiconError, match="longer"):
        bomb.applied(plain("x1 " * 1000), ["en"])


def test_a_long_chain_and_a_long_loop() -> None:
    chain = [LexiconEntry(f"x{n}", f"=x{n + 1}") for n in range(5000)]
    check_loops(chain)
    assert Lexicon(*chain).applied(plain("x0"), ["en"]).text == "x20"
    with pytest.raises(LexiconError, match=r"x0 -> x1 .* \.\.\. -> x5000 -> x0\."):
        check_loops([*chain, LexiconEntry("x5000", "=x0")])
