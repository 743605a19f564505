"""Tags in square brackets, and upstream's lines of speakers and languages."""

from __future__ import annotations

import pytest

from tests.text.markup.scripts import check_places, sentences, spoken
from vinovits.errors import TextError, UsageError
from vinovits.text.markup import escape, parse
from vinovits.text.script import Manner, plain

ORDINARY = (
    "[1] See [sic] and [a|b c], [emphasis added], [soft music], [slow clap].",
    "[pause for laughter] [mark my words] [break a leg] [speed limit ahead] [say what now]",
    r"C:\[x]\[y] and \n, [Pause] [SLOW] [ slow] [] [ ] [|] [a|] [|b] [/] [/nothing] [a|=]",
    "[Y|N] [A|B] [YES|NO] [x|U S A] [car|B M W] [choose|Y OR N] [levels|B1 B2] [row|A1 B]",
    "[say|UH HUH] [yes|no] [v1|v2] [a1|a2] [x|b2] [はい|いいえ] [ア|イ] [苹果|apple] [born|né]",
    "[[東京|トウキョウ]] [[行|hang2]] [[pause 1s]] <zh> <b>bold</b> | a",
    "[two\nlines|AA1] [pause\n1s] [[[[ ]]]] ][ [a [b [c",
    "[link](http://example.com) ![alt](x.png) [^1] [x] [ ] [a][b]",
)


@pytest.mark.parametrize("text", ORDINARY)
def test_text_without_markup_stays_as_it_is(text: str) -> None:
    assert parse(text) == plain(text)
    assert escape(text) == text


def test_a_pause_gets_a_comma_where_no_mark_is() -> None:
    script = parse("Hello [pause 300ms] world.[pause 1.5s] Yes[pause .25 s]no")
    assert script.text == "Hello, world. Yes, no"
    assert script.pauses == ((6, 0.3), (13, 1.5), (19, 0.25))
    assert script.seen.span(5, 6) == (5, 19)
    check_places(script)
    first, second = sentences("Hello [pause 300ms] world.[pause 1.5s] Yes[pause .25 s]no")
    assert [(word.text, word.pause) for word in (*first.words, *second.words)] == [
        *(("Hello", None), (",", 0.3), ("world", None), (".", 1.5)),
        *(("Yes", None), (",", 0.25), ("no", None), (".", None)),
    ]


def test_a_pause_of_nothing_takes_that_of_a_mark_away() -> None:
    script = parse("Well, [pause 0]yes.[pause 0ms] No[pause 0s] more\n[pause 0]words")
    assert script.text == "Well, yes. No more\nwords"
    assert script.pauses == ((6, 0.0), (10, 0.0), (19, 0.0))
    words = [
        (word.text, word.pause)
        for one in sentences("Well, [pause 0]yes.[pause 0ms] No[pause 0s] more[pause 0], so")
        for word in one.words
    ]
    assert words == [
        *(("Well", None), (",", 0.0), ("yes", None), (".", 0.0)),
        *(("No", None), ("more", None), (",", 0.0), ("so", None), (".", None)),
    ]
    assert parse("[pause 0]a[pause 0] b[pause 0]").pauses == ()
    assert parse("a[pause 0s], [pause 1s]b").pauses == ((1, 0.0), (3, 1.0))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Well, [pause 1s]yes", "Well, yes"),
        ("Well[pause 1s], yes", "Well, yes"),
        ('"Well." [pause 1s] Yes', '"Well."  Yes'),
        ("Well [pause 1s] (yes)", "Well, (yes)"),
        ("[pause 1s]Well[pause 1s]", "Well"),
        ("Well[pause 1s][slow][pause 1s]yes[/slow]", "Well, yes"),
        ("one\n[pause 1s]two", "one\ntwo"),
        ("one [break][pause 1s] two", "one  two"),
        ("[speaker A]one[/speaker][pause 1s][speaker B]two[/speaker]", "onetwo"),
        ("你好[pause 1s]世界", "你好, 世界"),
        ("你好。[pause 1s]世界", "你好。世界"),
        ("a[pause 0s]b", "ab"),
    ],
)
def test_commas_stand_between_words_only(text: str, shown: str) -> None:
    assert parse(text).text == shown


def test_readings_are_given_for_what_is_written() -> None:
    text = (
        "[行|hang2] [橋本|ハシモト] [橋|はし:2] [tomato|T AH0 M AA1 T OW0] [A1|/eɪ/] [银行|yínháng]"
    )
    script = parse(text)
    assert script.text == "行 橋本 橋 tomato A1 银行"
    assert [(script.text[s.start : s.end], s.language, s.reading) for s in script.said] == [
        ("行", "zh", "hang2"),
        ("橋本", "ja", "ハシモト"),
        ("橋", "ja", "ハシ:2"),
        ("tomato", "en", "T AH0 M AA1 T OW0"),
        ("A1", "en", "EY1"),
        ("银行", "zh", "yin2 hang2"),
    ]
    assert {said.source for said in script.said} == {"markup"}
    check_places(script)


def test_a_reading_is_spoken() -> None:
    text = "I say [tomato|T AH0 M AA1 T OW0] now."
    (sentence,) = sentences(text)
    word = next(word for word in sentence.words if word.source == "markup")
    assert word.reading == "T AH0 M AA1 T OW0"
    assert text[word.start : word.end] == "tomato"


def test_an_alias_stands_for_what_is_written() -> None:
    text = "The [W3C|=World Wide Web Consortium] met."
    assert spoken(text) == "The World Wide Web Consortium met ."
    (sentence,) = sentences(text)
    assert {text[w.start : w.end] for w in sentence.words if w.text in ("Wide", "Web")} == {"W3C"}


def test_stretches_nest_and_multiply() -> None:
    script = parse("a [slow]b [slow]c[/slow] [volume -6dB]d [loud]e[/loud][/volume][/slow] f")
    assert script.text == "a b c d e f"
    found = {script.text[s:e].strip() or " ": manner for s, e, manner in script.manners}
    assert found["b"] == Manner(rate=0.75)
    assert found["c"] == Manner(rate=0.75 * 0.75)
    assert found["d"].volume == pytest.approx(0.501, abs=1e-3)
    assert found["e"].volume == pytest.approx(0.501 * 1.41, abs=1e-3)
    assert set(found) == {"b", "c", " ", "d", "e"}
    many = parse("[slow]" * 20 + "x" + "[/slow]" * 20 + "[loud]" * 20 + "y" + "[/loud]" * 20)
    assert [manner for *_, manner in many.manners] == [Manner(rate=0.25), Manner(volume=4.0)]


def test_speakers_styles_and_languages() -> None:
    script = parse(
        "[speaker Ann B.]Hi. [style 嬉しい]Yes.[/style][/speaker]"
        "[lang ja]東京[/lang][lang zh-CN]行[/lang]"
    )
    assert [(script.text[s:e], m.speaker, m.style) for s, e, m in script.manners] == [
        ("Hi. ", "Ann B.", ""),
        ("Yes.", "Ann B.", "嬉しい"),
    ]
    assert [(script.text[s:e], code) for s, e, code in script.languages] == [
        ("東京", "ja"),
        ("行", "zh"),
    ]


def test_equal_neighbours_are_one() -> None:
    script = parse("[fast]a[/fast][fast]b[/fast] [lang en]c[/lang][lang en]d[/lang]")
    assert script.manners == ((0, 2, Manner(rate=1.25)),)
    assert script.languages == ((3, 5, "en"),)


def test_marks_and_breaks() -> None:
    script = parse("One [mark a]two[break]three[mark b]")
    assert script.text == "One two three"
    assert (script.marks, script.breaks) == (((4, "a"), (13, "b")), (8,))
    assert spoken("One two[break]three") == "One two . / three ."


def test_lines_of_speakers_and_languages() -> None:
    text = "First.\n[Ann]<zh>你好<JP>こんにちは|さようなら\n[Bob]<en>[slow]Hi[/slow] there <b>"
    script = parse(text)
    assert script.text == "First.\n你好こんにちは さようなら\nHi there <b>"
    assert [(script.text[s:e], code) for s, e, code in script.languages] == [
        ("你好", "zh"),
        ("こんにちは さようなら\n", "ja"),
        ("Hi there <b>", "en"),
    ]
    assert [(script.text[s:e], m.speaker, m.rate) for s, e, m in script.manners] == [
        ("你好こんにちは さようなら\n", "Ann", 1.0),
        ("Hi", "Bob", 0.75),
        (" there <b>", "Bob", 1.0),
    ]
    assert [script.text[s:e].strip() for s, e in script.parts()] == [
        *("First.", "你好こんにちは", "さようなら", "Hi there <b>")
    ]
    check_places(script)


def test_tags_of_languages_count_in_a_turn_only() -> None:
    assert parse("a <zh> b | c [pause 1s]").text == "a <zh> b | c "
    assert parse(r"[A]<zh>a \<jp> \| b").text == r"a <jp> | b"


def test_a_backslash_makes_markup_text() -> None:
    assert parse(r"\[pause 1s] \[slow] \[行|hang2] \[A]<zh>x \[1] \x").text == (
        r"[pause 1s] [slow] [行|hang2] [A]<zh>x \[1] \x"
    )
    assert parse(r"\\[pause 1s]").text == r"\[pause 1s]"
    assert escape("[pause 1s][/slow] [1]") == r"\[pause 1s]\[/slow] [1]"


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ("one [slow]two", "[slow] at", "character 5 (line 1) is never closed; write [/slow]"),
        ("one\ntwo[/slow]", "[/slow] at", "character 8 (line 2) closes nothing: no [slow] is open"),
        ("[slow][loud]x[/slow]", "[/slow] at", "character 14 (line 1) closes nothing: [loud]"),
        ("a [pause]", "[pause] at", "character 3 (line 1) has no time"),
        ("[pause 5]", "[pause 5] at", "has no time"),
        ("[pause -1s]", "[pause -1s] at", "has no time"),
        ("[pause long]", "[pause long] at", "has no time"),
        ("[pause 61s]", "[pause 61s] at", "has at most 60 s"),
        ("[pause 1e9s]", "[pause 1e9s] at", "has no time"),
        ("a[pause 40s] [pause 40s]b", "The pause at", "character 14 (line 1) makes 80 seconds"),
        ('[pause 40s]" ([pause 40s]', "The pause at", "character 15 (line 1) makes 80 seconds"),
        ("[speed]x[/speed]", "[speed] at", "a factor from 0.25 to 4"),
        ("[speed 9]x[/speed]", "[speed 9] at", "a factor from 0.25 to 4"),
        ("[volume x]x[/volume]", "[volume x] at", "[volume -6dB]"),
        ("[volume 99dB]x[/volume]", "[volume 99dB] at", "up to 12"),
        ("[lang fr]x[/lang]", "[lang fr] at", "take en, ja, zh"),
        ("[speaker]x", "[speaker] at", "has no name"),
        ("[say digit]1[/say]", "[say digit] at", "take one of characters, digits"),
        ("[say date xyz]1[/say]", "[say date xyz] at", "date dmy"),
        ("[行|hanq2]", "[行|hanq2] at", 'There is no syllable "hanq"'),
        ("[tomato|T AH0 Q0]", "[tomato|T AH0 Q0] at", "Q0 is no phone"),
        ("[tomato|T QQ1]", "[tomato|T QQ1] at", "QQ1 is no phone of ARPAbet (character 3"),
        ("[tomato|T QQ1]", "vowels AA AE AH", "and B CH D"),
        ("[tomato|T AH M QQ]", "[tomato|T AH M QQ] at", "QQ is no phone"),
        ("[行|xx9]", "[行|xx9] at", 'There is no syllable "xx"'),
        ("[行|hang9]", "[行|hang9] at", "There is no tone 9"),
        ("[橋|ハシ:9]", "[橋|ハシ:9] at", "There is no such accent"),
        ("[x|/☃/]", "[x|/☃/] at", "has a wrong reading"),
        ("[slow]" * 65, "[slow] at", "character 385 (line 1) is nested too deep"),
    ],
)
def test_wrong_markup_is_told_with_its_place(text: str, what: str, where: str) -> None:
    with pytest.raises(TextError) as raised:
        parse(text)
    assert what in str(raised.value)
    assert where in str(raised.value)
    if "seconds" not in where:
        assert str(raised.value).endswith('take --markup off (Python: markup="off").')
    assert parse(text, "off") == plain(text)
    assert parse(escape(text)).text == text


def test_places_count_in_the_original() -> None:
    text = "\x1b[31mred\x1b[0m <!-- a\nb --> [slow]x"
    with pytest.raises(TextError, match=r"at character 27 \(line 2\)"):
        parse(text)


def test_hidden_parts_stay_hidden() -> None:
    script = parse("\x1b[31mred\x1b[0m [slow]x[/slow]<!-- [pause 1s] -->")
    assert script.text == "red x "
    assert not script.pauses
    check_places(script)


def test_directions_may_be_mixed() -> None:
    text = "abc [slow]שלום\u200f [loud]عربي[/loud]\u202e def[/slow] \u2066x[pause 1s]y\u2069"
    script = parse(text)
    assert script.text == "abc שלום\u200f عربي\u202e def \u2066x, y\u2069"
    check_places(script)


def test_there_are_no_other_markups() -> None:
    with pytest.raises(UsageError, match="auto, off, plain, ssml, html, markdown"):
        parse("x", "xml")
