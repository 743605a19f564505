"""SSML 1.1, and what XML can be abused for."""

from __future__ import annotations

import pytest

from tests.text.markup.scripts import check_places, sentences, spoken
from vinovits.errors import TextError
from vinovits.text.markup import parse
from vinovits.text.script import Manner, Script, plain


def speak(content: str, attributes: str = "") -> Script:
    script = parse(f"<speak{attributes}>{content}</speak>")
    check_places(script)
    return script


def manners(script: Script) -> dict[str, Manner]:
    return {script.text[start:end].strip(): manner for start, end, manner in script.manners}


def test_a_document_is_read() -> None:
    text = """\ufeff<?xml version="1.0" encoding="UTF-16"?>
<!-- a comment -->
<speak version="1.1" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="en-US">
  <p>
    <s>Hello <emphasis>dear</emphasis>
       world.</s>
    <s>It's <say-as interpret-as="ordinal">3</say-as> &amp; last</s>
  </p>
  Bye<break time="250ms"/>now
</speak>
"""
    assert spoken(text) == "Hello dear world . / It's third and last . / Bye , now ."
    first, *_, last = sentences(text)
    assert text[first.start : first.end].startswith("Hello <emphasis>dear")
    assert [word.rate for word in first.words] == [1.0, 0.9, 1.0, 1.0]
    assert [word.pause for word in last.words] == [None, 0.25, None, None]
    check_places(parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "<speaker>x</speaker>",
        "speak <speak>x</speak>",
        "<p>x</p>",
        "<!-- <speak> -->",
        "<!--" * 10 + "<speak>",
    ],
)
def test_only_what_begins_as_ssml_is(text: str) -> None:
    assert parse(text) == plain(text)
    with pytest.raises(TextError, match="The text is no SSML: that begins with <speak>"):
        parse(text, "ssml")


def test_spaces_are_one_and_nothing_is_glued() -> None:
    script = speak(
        "\n one\r\n\t<emphasis>two</emphasis> three  <mark name='x'/> four<p>five</p>six "
    )
    assert script.text == "one two three four five six "
    assert speak("a&#32;&#10;b<s>c</s><s>d</s>e").text == "a b c d e"
    assert speak("un<emphasis>believ</emphasis>able").text == "unbelievable"


def test_references_and_cdata() -> None:
    script = speak("a &amp; b &lt;&#x4e00;&#20108;&gt; <![CDATA[c & <d>]]>")
    assert script.text == "a & b <一二> c & <d>"
    assert script.original[slice(*script.seen.span(2, 3))] == "&amp;"
    assert script.original[slice(*script.seen.span(7, 8))] == "&#x4e00;"
    assert script.original[slice(*script.seen.span(15, 18))] == "<d>"


def test_places_are_those_of_characters_not_of_bytes() -> None:
    text = "<speak>日本<s>語 &amp; 𠮷</s>é<break/>x</speak>"
    script = parse(text)
    check_places(script)
    for character in "日本語𠮷éx":
        index = script.text.index(character)
        assert text[slice(*script.seen.span(index, index + 1))] == character


def test_breaks() -> None:
    script = speak(
        "a<break/>b<break strength='x-strong'/>c<break strength='none'/>d"
        "<break time='1.5s' strength='weak'/>e.<break time='+20ms'/>f"
    )
    assert script.text == "a, b, cd, e.f"
    assert [seconds for _, seconds in script.pauses] == [0.5, 1.2, 1.5, 0.02]
    for nothing in ("strength='none'", "time='0s'", "time='0ms' strength='strong'"):
        script = speak(f"a, <break {nothing}/>b<break {nothing}/> c.")
        assert (script.text, script.pauses) == ("a, b c.", ((3, 0.0),))


def test_phonemes_of_all_alphabets() -> None:
    script = speak(
        "<phoneme ph='təˈmɑːtəʊ'>tomato</phoneme>, "
        "<phoneme alphabet='x-cmu' ph='T AH0 M AA1 T OW0'> tomato </phoneme>"
        "<phoneme alphabet='x-pinyin' ph='hang2'>行</phoneme>"
        "<phoneme alphabet='x-kana' ph='ハシモト'>橋本</phoneme>"
        "<phoneme alphabet='x-kana' ph='ハシ:1'/>"
    )
    assert [(script.text[s.start : s.end], s.language, s.reading) for s in script.said] == [
        ("tomato", "en", "T AH0 M AA1 T OW0"),
        ("tomato", "en", "T AH0 M AA1 T OW0"),
        ("行", "zh", "hang2"),
        ("橋本", "ja", "ハシモト"),
        ("ハシ:1", "ja", "ハシ:1"),
    ]


def test_aliases() -> None:
    script = speak("the <sub alias='World  Wide Web'> W3C </sub>, <sub alias='new'/>!")
    assert script.text == "the World Wide Web, new!"
    assert script.original[slice(*script.seen.span(4, 5))] == "W3C"


def test_prosody_and_emphasis() -> None:
    script = speak(
        "<prosody rate='80%' volume='-6dB' pitch='+2st' contour='x' range='y'>a</prosody> "
        "<prosody rate='+20%' volume='loud'>b</prosody> <prosody rate='x-slow'>c</prosody> "
        "<prosody rate='0.5' volume='50'>d</prosody> <prosody volume='silent'>e</prosody> "
        "<emphasis level='strong'>f</emphasis> <emphasis level='none'>g</emphasis> "
        "<prosody rate='900%' volume='+60dB'>h</prosody> "
        "<prosody volume='+10%'><prosody volume='soft'>i</prosody></prosody> "
    )
    found = manners(script)
    assert found["a"].rate == 0.8
    assert found["a"].volume == pytest.approx(0.501, abs=1e-3)
    assert found["b"] == Manner(rate=1.2, volume=1.41)
    assert found["c"] == Manner(rate=0.5)
    assert found["d"] == Manner(rate=0.5, volume=0.5)
    assert found["e"] == Manner(volume=0.0)
    assert found["f"] == Manner(rate=0.8, volume=1.41)
    assert "g" not in found
    assert found["h"] == Manner(rate=4.0, volume=4.0)
    assert found["i"].volume == pytest.approx(0.55)


def test_voices_styles_and_languages() -> None:
    script = speak(
        "<voice name='Ann' xml:lang='ja'>a<mstts:express-as style='cheerful'>b</mstts:express-as>"
        "</voice> <lang xml:lang='zh-TW'>行</lang> <lang xml:lang='fr'>bon</lang> "
        "<amazon:effect name='whispered'>c</amazon:effect>"
    )
    assert manners(script) == {
        "a": Manner(speaker="Ann"),
        "b": Manner(speaker="Ann", style="cheerful"),
    }
    assert [(script.text[s:e], code) for s, e, code in script.languages] == [
        ("ab", "ja"),
        ("行", "zh"),
    ]
    assert script.text == "ab 行 bon c"


def test_the_documents_language_is_that_of_chinese_characters() -> None:
    content = "我在GitHub上<lang xml:lang='ja'>東京</lang>"
    script = speak(content, " xml:lang='zh-CN'")
    assert [(script.text[s:e], code) for s, e, code in script.languages] == [
        *(("我在", "zh"), ("上", "zh"), ("東京", "ja"))
    ]
    assert len(speak(content, " xml:lang='en-US'").languages) == 1
    assert len(speak(content, " xml:lang='de'").languages) == 1


def test_marks_and_sentences() -> None:
    script = speak("<mark name='a'/>One<mark name='b'/> two<p>x<s>y</s></p>")
    assert script.marks == ((0, "a"), (3, "b"))
    assert [script.text[s:e].strip() for s, e in script.parts()] == ["One two", "x", "y"]


def test_say_as() -> None:
    script = speak(
        "<say-as interpret-as='characters'>BC</say-as> <say-as interpret-as='spell-out'>D</say-as> "
        "<say-as interpret-as='date' format='dd/mm/yyyy'>01/02/2024</say-as> "
        "<say-as interpret-as='date' format='odd'>2024-03-01</say-as> "
        "<say-as interpret-as='number'>1984</say-as> <say-as interpret-as='time'>2:30pm</say-as> "
        "<say-as interpret-as='unheard-of'>x</say-as>"
    )
    assert script.text == "B, C D 2024-02-01 2024-03-01 1,984 2:30pm x"


def test_what_is_fetched_or_told_about_is_not_read() -> None:
    script = speak(
        "<lexicon uri='http://x/y.pls'/><meta name='a' content='b'/><metadata><rdf:x>no<p>no</p>"
        "</rdf:x></metadata><audio src='http://x/y.wav'><desc>no</desc>instead</audio> "
        "<lookup ref='z'><token>to</token> <w>be</w></lookup><?php no ?><!-- no -->"
    )
    assert script.text == "instead to be"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\n<foo>x</foo>", "<foo> at character 10 (line 2) isn't one of SSML"),
        ("<break time='5'/>", '<break> at character 8 (line 1) has time="5"; take a time such as'),
        ("<break time='61s'/>", "at most 60 s"),
        ("x<break time='40s'/><break time='40s'/>", "The pause at character 28"),
        ("<break strength='big'/>", "take none, x-weak, weak, medium, strong, x-strong"),
        ("<prosody rate='quick'>x</prosody>", 'has rate="quick"; take a percentage such as "80%"'),
        ("<prosody volume='much'>x</prosody>", 'has volume="much"; take decibels such as "-6dB"'),
        ("<emphasis level='x'>x</emphasis>", "take strong, moderate, none, reduced"),
        ("<phoneme>x</phoneme>", "The element <phoneme> at character 8 (line 1) has no ph."),
        ("<phoneme alphabet='sampa' ph='x'>x</phoneme>", "take ipa, x-cmu, x-pinyin, x-kana"),
        ("<phoneme alphabet='x-pinyin' ph='hanq2'>行</phoneme>", 'no syllable "hanq" in pinyin'),
        ("<phoneme ph='a'><p>x</p></phoneme>", "stands in <phoneme>, which can't hold elements"),
        ("<sub>x</sub>", "has no alias"),
        ("<mark/>", "has no name"),
        ("<say-as>x</say-as>", "has no interpret-as"),
        ("<speak>x</speak>", "<speak> at character 8 (line 1) stands in another one"),
        ("日本 a & b", "at character 14 (line 1) isn't well-formed XML"),
        ("a & b", "A bare & is written &amp;."),
        ("a &nbsp; b", "at character 10 (line 1) names an entity that XML doesn't know"),
        ("<p>x</s>", "closes another element than <p>, which is open"),
        ("<p>x", "closes another element than <p>"),
        ("a < b", "isn't well-formed XML"),
        ("\x01", "isn't well-formed XML"),
        ("a\ud800b", "at character 9 (line 1) isn't well-formed XML"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(content: str, message: str) -> None:
    with pytest.raises(TextError) as raised:
        speak(content)
    assert message in str(raised.value)


@pytest.mark.parametrize("text", ["<speak>a", "<speak><p>a</p>", "<speak>a</speak>b"])
def test_documents_end_where_they_must(text: str) -> None:
    with pytest.raises(TextError, match=r"at character \d+ \(line 1\)"):
        parse(text, "ssml")


LAUGHS = "".join(
    f'<!ENTITY l{number} "{f"&l{number - 1};" * 10 if number else "lol"}">' for number in range(12)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"<!DOCTYPE speak [{LAUGHS}]><speak>&l11;</speak>", "DOCTYPE"),
        (f'<?xml version="1.0"?>\n<!DOCTYPE speak [{LAUGHS}]><speak>&l11;</speak>', "(line 2)"),
        ('<!DOCTYPE speak [<!ENTITY x SYSTEM "file:///etc/passwd">]><speak>&x;</speak>', "DOCTYPE"),
        ('<!DOCTYPE speak SYSTEM "http://example.com/x.dtd"><speak/>', "DOCTYPE"),
        ('<!DOCTYPE speak [<!ENTITY % x SYSTEM "http://a.b/c">%x;]><speak/>', "DOCTYPE"),
        ("<speak>&xxe;</speak>", "names an entity"),
        ("<speak>" + "<p>" * 500_000, "nested too deep; 64 levels"),
        ("<speak>" + "<emphasis>" * 64, "nested too deep; 64 levels"),
        ("<speak>" + "<s/>" * 100_001 + "</speak>", "is one too many; 100,000 are taken"),
        ("<speak>" + "x" * 2_000_000 + "</speak>", "at most 2,000,000 are taken"),
        ("<speak>" + "<" * 1_000_000, "isn't well-formed"),
        ("<speak " + "a" * 1_000_000, "isn't well-formed"),
        ("<speak><metadata>" + "<x>" * 100 + "</speak>", "nested too deep"),
    ],
)
@pytest.mark.timeout(20)
def test_bombs_are_refused(text: str, message: str) -> None:
    with pytest.raises(TextError) as raised:
        parse(text, "ssml")
    assert message in str(raised.value)
    assert len(str(raised.value)) < 500


def test_an_empty_document_is_empty() -> None:
    assert speak("").text == ""
    assert parse("<speak/>").text == ""
    assert speak("<break time='1s'/>").pauses == ((0, 1.0),)
