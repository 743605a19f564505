"""What markup asks for, as it is heard: a tiny voice through the whole engine."""

from __future__ import annotations

import concurrent.futures
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vinovits
from vinovits.engine.result import Audio, WordTiming
from vinovits.engine.voice import Voice
from vinovits.errors import LexiconError, TextError, UsageError
from vinovits.output.cues import cues, written_pieces
from vinovits.output.timings import timings_format

RATE, HOP = 8000, 16
STILL: dict[str, Any] = {"noise": 0, "noise_w": 0, "sdp_ratio": 0}


@pytest.fixture(scope="module")
def voice(tiny_voice: Path, graph_cache: Path) -> Voice:
    return vinovits.load(tiny_voice, cache_dir=graph_cache)


def ssml(inside: str) -> str:
    return f"<speak>{inside}</speak>"


def words_of(audio: Audio) -> dict[str, WordTiming]:
    return {word.text: word for sentence in audio.sentences for word in sentence.words}


def at(seconds: float) -> int:
    """Index of the sample at a time, which is told to better than one."""
    assert seconds * RATE == pytest.approx(round(seconds * RATE), abs=1e-3)
    return round(seconds * RATE)


def sound_of(audio: Audio, word: str) -> np.ndarray:
    timing = words_of(audio)[word]
    return audio.samples[at(timing.start) : at(timing.end)]


def streamed(voice: Voice, text: str, **settings: Any) -> list[vinovits.Chunk]:
    with voice.stream(text, **settings) as stream:
        return list(stream)


@pytest.mark.parametrize("milliseconds", [1, 7, 20, 50, 333, 1000, 2500])
def test_a_pause_lasts_to_the_sample_and_leaves_words_alone(
    voice: Voice, milliseconds: int
) -> None:
    plain = voice.speak("Well, you are here. All of you.", **STILL)
    text = ssml(f'Well, <break time="{milliseconds}ms"/>you are here. All of you.')
    paused = voice.speak(text, **STILL)
    comma = words_of(paused)[","]
    assert at(comma.end) - at(comma.start) == 8 * milliseconds
    before, after = words_of(plain)[","], words_of(paused)["you"]
    assert len(paused.samples) - len(plain.samples) == 8 * milliseconds - (
        at(before.end) - at(before.start)
    )
    assert paused.seconds == pytest.approx(paused.sentences[-1].end)
    assert text[after.start_char : after.end_char] == "you"
    if comma.end - comma.start > before.end - before.start:
        for word in ("Well", "you", "are", "here"):
            np.testing.assert_array_equal(sound_of(paused, word), sound_of(plain, word))
        sound = sound_of(paused, ",")
        silent = 8 * milliseconds - (at(before.end) - at(before.start))
        own = (len(sound) - silent) // 2
        assert not sound[own : own + silent].any()
        assert sound[: own // 2].any()


def test_a_pause_at_the_end_stands_in_for_the_usual_one(voice: Voice) -> None:
    usual = voice.speak("One. Two. Three.", pause=0.5, **STILL)
    asked = voice.speak(ssml('One. <break time="2s"/>Two. Three.'), pause=0.5, **STILL)
    first, second, third = asked.sentences
    stop = first.words[-1]
    assert at(stop.end) - at(stop.start) == 2 * RATE
    assert first.end == second.start
    assert third.start - second.end == pytest.approx(0.5)
    own = usual.sentences[0].words[-1]
    assert asked.seconds - usual.seconds == pytest.approx(2 - (own.end - own.start) - 0.5)


def test_silence_before_the_first_word_is_timed(voice: Voice) -> None:
    plain = voice.speak("One. Two.")
    late = voice.speak(ssml('<break time="1500ms"/>One. Two.'))
    assert late.sentences[0].start == 1.5
    assert not late.samples[:12_000].any()
    np.testing.assert_array_equal(late.samples[12_000:], plain.samples)


def test_a_long_pause_comes_in_pieces(voice: Voice) -> None:
    text = ssml('One <break time="55s"/>two. <break time="50s"/>Three.')
    chunks = streamed(voice, text)
    assert max(len(chunk.samples) for chunk in chunks) <= RATE
    assert all(len(chunk.samples) for chunk in chunks)
    assert sum(not chunk.samples.any() for chunk in chunks) > 90
    assert [chunk.sentence for chunk in chunks if chunk.last_of_sentence] == [0, 1]
    assert [chunk.sentence for chunk in chunks if chunk.spoken] == [0, 1]


TEXT = (
    'Well <break time="300ms"/>you, <prosody rate="50%" volume="-6dB">so slow</prosody> are here'
    '<mark name="here"/>. <voice name="bob">I am Bob. <break time="1200ms"/></voice>'
    '<break time="5ms"/>And <prosody volume="+6dB">this</prosody> is Ann, <break time="2ms"/>yes.'
)


@pytest.mark.parametrize("ahead", [True, False])
@pytest.mark.parametrize("pause", [0, 1.7])
def test_a_stream_is_the_very_samples_of_speak(voice: Voice, ahead: bool, pause: float) -> None:
    whole = voice.speak(ssml(TEXT), seed=3, pause=pause)
    chunks = streamed(voice, ssml(TEXT), seed=3, pause=pause, ahead=ahead)
    np.testing.assert_array_equal(np.concatenate([c.samples for c in chunks]), whole.samples)
    starts = np.cumsum([0] + [len(c.samples) for c in chunks])
    assert [c.start_sample for c in chunks] == starts[:-1].tolist()
    assert tuple(c.spoken for c in chunks if c.spoken) == whole.sentences
    assert [c.sentence for c in chunks if c.last_of_sentence] == list(range(len(whole.sentences)))
    assert whole.sentences[-1].end == pytest.approx(whole.seconds)
    for sentence in whole.sentences:
        edges = [sentence.start, *(phone.end for phone in sentence.phones)]
        assert [phone.start for phone in sentence.phones] == pytest.approx(edges[:-1])
        assert sentence.end == pytest.approx(edges[-1])


def test_the_same_seed_gives_the_same_samples(voice: Voice) -> None:
    one, again = voice.speak(ssml(TEXT), seed=5), voice.speak(ssml(TEXT), seed=5)
    np.testing.assert_array_equal(one.samples, again.samples)
    assert not np.array_equal(one.samples, voice.speak(ssml(TEXT), seed=6).samples)


def test_threads_dont_mix_speakers(voice: Voice) -> None:
    texts = [ssml(f'<voice name="{name}">I am here.</voice> Yes.') for name in ("ann", "bob")] * 4
    expected = [voice.speak(text).samples for text in texts]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for future, samples in zip(
            [pool.submit(voice.speak, text) for text in texts], expected, strict=True
        ):
            np.testing.assert_array_equal(future.result().samples, samples)


@pytest.mark.parametrize("text", ["Hello there. All is well, so far!", "It's 5 o'clock… -- yes?"])
def test_text_without_markup_is_the_same_whatever_it_may_hold(voice: Voice, text: str) -> None:
    off = voice.speak(text, markup="off", lexicon=False)
    for markup in ("auto", "plain"):
        audio = voice.speak(text, markup=markup)
        np.testing.assert_array_equal(audio.samples, off.samples)
        assert audio.sentences == off.sentences
    np.testing.assert_array_equal(voice.speak(ssml(text)).samples, off.samples)


def test_volume_is_a_factor_of_the_samples_within_words(voice: Voice) -> None:
    plain = voice.speak("All of this is so loud.", **STILL)
    soft = voice.speak(ssml('All of <prosody volume="-6dB">this</prosody> is so loud.'), **STILL)
    assert len(soft.samples) == len(plain.samples)
    factor = np.float32(10 ** (-6 / 20))
    ramp = RATE // 200
    np.testing.assert_allclose(
        sound_of(soft, "this")[ramp:-ramp], sound_of(plain, "this")[ramp:-ramp] * factor, rtol=1e-6
    )
    for word in ("All", "so", "loud"):
        np.testing.assert_array_equal(sound_of(soft, word), sound_of(plain, word))
    whole = voice.speak(ssml('<prosody volume="-6dB">All of this is so loud.</prosody>'), **STILL)
    np.testing.assert_allclose(whole.samples, plain.samples * factor, rtol=1e-6)


def test_rate_stretches_the_frames_of_its_words(voice: Voice) -> None:
    plain = voice.speak("You are so slow here.", **STILL)
    slow = voice.speak(ssml('You are <prosody rate="50%">so slow</prosody> here.'), **STILL)
    every = voice.speak("You are so slow here.", speed=0.5, **STILL)
    for word in ("so", "slow"):
        assert len(sound_of(slow, word)) == len(sound_of(every, word)) > len(sound_of(plain, word))
    for word in ("You", "are", "here", "."):
        assert len(sound_of(slow, word)) == len(sound_of(plain, word))
    assert all(at(phone.end - phone.start) % HOP == 0 for phone in slow.sentences[0].phones)


def test_another_speaker_is_heard_as_if_alone(voice: Voice) -> None:
    text = ssml('<voice name="bob">I am Bob.</voice> I am Ann.')
    both = voice.speak(text, **STILL)
    bob = voice.speak("I am Bob.", speaker="bob", **STILL)
    ann = voice.speak("I am Ann.", **STILL)
    first, second = both.sentences
    assert (first.speaker, second.speaker) == ("bob", "")
    np.testing.assert_array_equal(both.samples[: at(first.end)], bob.samples)
    np.testing.assert_allclose(both.samples[at(second.start) :], ann.samples, atol=1e-5)
    numbered = voice.speak(text.replace("bob", "1"), **STILL)
    np.testing.assert_array_equal(numbered.samples, both.samples)
    other = voice.speak(text, speaker="bob", **STILL)
    np.testing.assert_array_equal(other.samples[: at(first.end)], bob.samples)
    assert not np.array_equal(other.samples, both.samples)


@pytest.mark.parametrize("name", ["carol", "2", "-1", "9" * 50])
def test_unknown_speakers_are_told_before_any_sound(voice: Voice, name: str) -> None:
    text = ssml(f'Hello. <voice name="{name}">And me.</voice>')
    with pytest.raises(UsageError, match=f"no speaker '?{name[:30]}") as caught:
        voice.stream(text)
    assert "It has: ann (0), bob (1)." in str(caught.value)


def test_a_voice_that_copies_speakers_knows_no_names(anyone_voice: Path, graph_cache: Path) -> None:
    voice = vinovits.load(anyone_voice, cache_dir=graph_cache, features="none")
    vector = np.zeros(voice.manifest.speaker_channels, np.float32)
    with pytest.raises(UsageError, match="asks for the speaker 'bob', but the voice 'anyone' has"):
        voice.stream(ssml('<voice name="bob">Hello.</voice>'), speaker=vector)


def test_marks_are_told_when_they_are_reached(voice: Voice) -> None:
    text = ssml(
        '<mark name="start"/>One two, <break time="400ms"/><mark name="three"/>three. Four'
        '<mark name="end"/>.'
    )
    first, second = voice.speak(text).sentences
    words = {word.text: word for word in (*first.words, *second.words)}
    assert [(mark.name, mark.time) for mark in first.marks] == [
        ("start", words["One"].start),
        ("three", words["three"].start),
    ]
    [end] = second.marks
    assert (end.name, end.time) == ("end", second.words[1].start)
    assert words["three"].start == pytest.approx(words[","].end)
    assert all(text[: mark.char].endswith((">", " ", "Four")) for mark in first.marks)


def test_words_know_their_place_in_the_text_with_markup(voice: Voice) -> None:
    text = ssml('So <sub alias="World Wide">W3C</sub> &amp; <emphasis>all</emphasis> costs $5.')
    [sentence] = voice.speak(text).sentences
    written = {word.text: text[word.start_char : word.end_char] for word in sentence.words}
    assert written["all"] == "all"
    assert written["five"] == "$5"
    assert written["So"] == "So"
    assert "W3C" in written["World"]
    assert sentence.text == text[sentence.start_char : sentence.end_char]
    assert sentence.words[0].reading == "S OW1"
    assert sentence.words[0].source


def test_subtitles_show_the_text_without_markup(voice: Voice) -> None:
    text = ssml(
        'Hello <prosody rate="slow">dear <emphasis>reader</emphasis></prosody>, you &amp; I. '
        '<voice name="bob">It costs <mark name="x"/>$5!</voice>'
    )
    spoken = voice.speak(text).sentences
    assert ["".join(p.text for p in written_pieces(s)) for s in spoken] == [
        "Hello dear reader, you & I.",
        "It costs $5!",
    ]
    assert [line for s in spoken for cue in cues(s) for line in cue.lines] == [
        "Hello dear reader, you & I.",
        "It costs $5!",
    ]
    pieces = {piece.text.strip(): piece for piece in written_pieces(spoken[1])}
    words = {word.text: word for word in spoken[1].words}
    assert pieces["$5!"].start == words["five"].start


def test_timings_hold_marks_speakers_and_sources(voice: Voice) -> None:
    spoken = voice.speak(
        ssml('<voice name="bob">Hi <mark name="x"/>you.</voice>'), lexicon={"Hi": "HH AY1"}
    ).sentences
    timings = timings_format(Path("a.json"))
    data = json.loads(timings.head("t", RATE) + timings.sentence(spoken[0]) + timings.tail(1.0))
    [sentence] = data["sentences"]
    assert (sentence["speaker"], sentence["style"]) == ("bob", "")
    [mark] = sentence["marks"]
    assert mark["name"] == "x"
    assert mark["time"] == sentence["words"][1]["start"]
    assert re.fullmatch(r"[A-Z0-9 ]+", sentence["words"][0]["reading"])


def test_a_text_that_is_too_long_is_refused_at_once(voice: Voice) -> None:
    with pytest.raises(TextError, match="at most 1,000,000 are read in one go"):
        voice.stream("[never closed" + "a" * 40_000_000)


@pytest.mark.parametrize(
    ("text", "place"), [("<speak>Hi\n<b></speak>", "line 2"), ("[speed 2]Hi", "character 1 ")]
)
def test_broken_markup_is_told_with_its_place(voice: Voice, text: str, place: str) -> None:
    with pytest.raises(TextError, match=re.escape(place)):
        voice.stream(text)
    assert voice.read(text, markup="off")


def test_places_in_errors_are_those_of_the_text_given(voice: Voice) -> None:
    text = ssml(f'<prosody rate="slow">Hi</prosody>\n{"a" * 600}')
    with pytest.raises(TextError, match=rf"at character {text.index('aaa') + 1} \(line 2\)"):
        voice.stream(text)


def test_lexicons_and_markup_say_how_words_are_read(voice: Voice, tmp_path: Path) -> None:
    def read(**settings: Any) -> list[tuple[str, str]]:
        [sentence] = voice.read("A tomato, a [tomato|T UW1].", **settings)
        return [(w.reading, w.source) for w in sentence.words if w.text.lower() == "tomato"]

    given = read(lexicon={"tomato": "T AH0 M AA1 T OW0"})
    assert given == [("T AH0 M AA1 T OW0", "lexicon"), ("T UW1", "markup")]
    path = tmp_path / "words.csv"
    path.write_text("written,reading\ntomato,T AH0 M AA1 T OW0\n", "utf-8")
    for lexicon in (str(path), path, vinovits.Lexicon.of({"tomato": "T AH0 M AA1 T OW0"})):
        assert read(lexicon=lexicon) == given
    for none in (None, False, "none"):
        assert read(lexicon=none)[0][1] == "dictionary"
    plain = voice.speak("A tomato.", **STILL)
    british = voice.speak("A tomato.", lexicon={"tomato": "T AH0 M AA1 T OW0"}, **STILL)
    assert [p.phone for p in british.sentences[0].phones] == [
        *("_", "ah", "t", "ah", "m", "aa", "t", "ow", ".", "_")
    ]
    assert not np.array_equal(plain.samples, british.samples)


def test_the_users_lexicon_counts_unless_it_is_left_out(
    voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vinovits.lexicons import add, changing, user_file
    from vinovits.text.lexicon import LexiconEntry

    monkeypatch.setenv("VINOVITS_DATA", str(tmp_path))
    with changing(user_file()) as entries:
        add(entries, [LexiconEntry("tomato", "T UW1", "en")])

    def reading(**settings: Any) -> str:
        return voice.read("tomato", **settings)[0].words[0].reading

    assert reading() == "T UW1"
    assert reading(lexicon=False) != "T UW1"
    assert reading(lexicon={"tomato": "T IY1"}) == "T IY1"
    assert reading(lexicon={"potato": "T IY1"}) == "T UW1"


@pytest.mark.parametrize(
    ("lexicon", "error", "message"),
    [
        (5, UsageError, "The setting lexicon is a Lexicon, a mapping"),
        ("nowhere.csv", UsageError, "There is no lexicon nowhere.csv"),
        ({"tomato": "T QQ1"}, LexiconError, "QQ"),
    ],
)
def test_lexicons_that_cant_be(
    voice: Voice, lexicon: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        voice.stream("tomato", lexicon=lexicon)


def test_markup_that_cant_be(voice: Voice) -> None:
    with pytest.raises(UsageError, match="no markup 'xml'"):
        voice.stream("Hello.", markup="xml")
