"""Each format is read back by a strict reader that knows nothing of the writer."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html import unescape
from pathlib import Path

import pytest

from tests.output.speech import sentences
from vinovits.engine.result import SpokenSentence
from vinovits.errors import UsageError
from vinovits.output.timings import timings_format

TEXT = (
    "Mr. Smith said: “Hello, world!” Then <b>he</b> left & never --> came back? "
    "When the sunlight strikes raindrops in the air, they act as a prism and form a rainbow, "
    "which is a division of white light into many beautiful colors. [The end]"
)
Cue = tuple[float, float, str]


def written(kind: str, spoken: Sequence[SpokenSentence]) -> str:
    timings = timings_format(Path(f"a{kind}"))
    parts = [timings.head("joe", 22050), *(timings.sentence(sentence) for sentence in spoken)]
    return "".join(parts) + timings.tail(spoken[-1].end)


def seconds(hours: str, minutes: str, rest: str) -> float:
    return int(hours) * 3600 + int(minutes) * 60 + float(rest.replace(",", "."))


def read_srt(text: str) -> list[Cue]:
    found = []
    blocks = text.removesuffix("\n\n").split("\n\n")
    for number, block in enumerate(blocks, 1):
        index, times, *lines = block.split("\n")
        assert index == str(number)
        clock = r"(\d\d+):([0-5]\d):([0-5]\d,\d{3})"
        match = re.fullmatch(f"{clock} --> {clock}", times)
        assert match, times
        assert 1 <= len(lines) <= 2
        assert all(line and "-->" not in line for line in lines)
        found.append((seconds(*match.groups()[:3]), seconds(*match.groups()[3:]), " ".join(lines)))
    return found


def read_vtt(text: str) -> list[Cue]:
    signature, *blocks = text.removesuffix("\n\n").split("\n\n")
    assert signature == "WEBVTT"
    found = []
    for block in blocks:
        times, *lines = block.split("\n")
        clock = r"(\d\d+):([0-5]\d):([0-5]\d\.\d{3})"
        match = re.fullmatch(f"{clock} --> {clock}", times)
        assert match, times
        payload = " ".join(lines)
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", payload)
        found.append(
            (seconds(*match.groups()[:3]), seconds(*match.groups()[3:]), unescape(payload))
        )
    return found


def check(found: list[Cue], spoken: Sequence[SpokenSentence]) -> None:
    shown = " ".join(text for _, _, text in found)
    assert shown.replace("-->", "->") == " ".join(s.text for s in spoken).replace("-->", "->")
    last = 0.0
    for start, end, _ in found:
        assert last <= start < end
        last = end
    assert last == pytest.approx(spoken[-1].end, abs=0.001)


def test_srt() -> None:
    spoken = sentences(TEXT)
    check(read_srt(written(".srt", spoken)), spoken)


def test_vtt() -> None:
    spoken = sentences(TEXT)
    check(read_vtt(written(".vtt", spoken)), spoken)


def test_lrc() -> None:
    spoken = sentences(TEXT)
    head, *lines = written(".lrc", spoken).splitlines()
    assert re.fullmatch(r"\[[a-z]+:[^\]]+\]", head)
    tag = r"(\d\d+):([0-5]\d\.\d\d)"
    for line, sentence in zip(lines, [*spoken, None], strict=True):
        match = re.match(rf"\[{tag}\]", line)
        assert match
        start = seconds("0", *match.groups())
        rest = line[match.end() :]
        if sentence is None:
            assert rest == ""
            assert start == pytest.approx(spoken[-1].end, abs=0.006)
            continue
        assert start == pytest.approx(sentence.start, abs=0.006)
        words = re.split(rf"<{tag}>", rest)
        times = [seconds("0", a, b) for a, b in zip(words[1::3], words[2::3], strict=True)]
        assert times == sorted(times)
        shown = " ".join("".join(words[::3]).split())
        expected = sentence.text.translate(str.maketrans("[]<>", "()()"))
        assert shown == " ".join(expected.split())


def test_json_has_all_and_a_line_for_each_sentence() -> None:
    spoken = sentences(TEXT)
    text = written(".json", spoken)
    data = json.loads(text)
    assert (data["format"], data["voice"], data["sampling_rate"]) == (1, "joe", 22050)
    assert data["seconds"] == pytest.approx(spoken[-1].end)
    assert len(text.splitlines()) == len(spoken) + 2
    for found, sentence in zip(data["sentences"], spoken, strict=True):
        assert TEXT[found["start_char"] : found["end_char"]] == sentence.text == found["text"]
        assert len(found["phones"]) == len(sentence.phones)
        for word, timing in zip(found["words"], sentence.words, strict=True):
            assert TEXT[word["start_char"] : word["end_char"]] == word["text"]
            assert word["start"] == pytest.approx(timing.start, abs=1e-5)


@pytest.mark.parametrize("kind", [".json", ".srt", ".vtt", ".lrc"])
def test_odd_characters_do_not_break_the_file(kind: str) -> None:
    spoken = sentences("One\x00two \ud800 three\x1b[0m.\n\nFour \u202efive\u2028six.")
    text = written(kind, spoken)
    text.encode("utf-8")
    assert "\x00" not in text
    assert "\x1b" not in text
    if kind == ".json":
        assert json.loads(text)["sentences"][0]["text"] == spoken[0].text
    if kind == ".srt":
        assert len(read_srt(text)) == len(spoken)
    if kind == ".vtt":
        assert len(read_vtt(text)) == len(spoken)


def test_long_audio_has_hours() -> None:
    (sentence,) = sentences("Late.")
    late = SpokenSentence(sentence.text, 0, 5, 36_000.0, 36_001.0, sentence.words, sentence.phones)
    assert written(".lrc", [late]).splitlines()[-1] == "[600:01.00]"
    assert '"seconds": 36001.0' in written(".json", [late])


def test_unknown_extensions_are_refused() -> None:
    with pytest.raises(UsageError, match=r"Use one of \.json, \.srt, \.vtt, \.lrc"):
        timings_format(Path("a.txt"))
