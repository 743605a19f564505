"""Subtitles as people have them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinovits.text.subtitles import read_subtitles

SRT = """\ufeff1
00:00:01,500 --> 00:00:03,250
<i>Hello</i>
there

2
00:00:04,000 --> 00:00:04,000 X1:100 X2:200
{\\an8}Now & then
3
01:00:00,5 --> 01:00:01
[music]
"""
VTT = """WEBVTT - a film

STYLE
::cue(.loud) { color: red }

NOTE two speakers

intro
00:05.000 --> 00:06.000 align:left position:10%
<v.loud Ann>Tea &amp; <c.loud>milk</c>, <00:05.500>x &lt; 5

00:01.000 --> 00:02.000
- Yes?
- No! It is
-5 degrees

00:07.000 --> 00:08.000
&lrm;
"""


def test_sub_rip_with_what_is_often_wrong() -> None:
    found = [(cue.start, cue.end, cue.text, cue.line) for cue in read_subtitles(SRT)]
    assert found == [
        (1.5, 3.25, "Hello there", 2),
        (4.0, 4.0, "Now & then", 7),
        (3600.5, 3601.0, "[music]", 10),
    ]


def test_web_vtt() -> None:
    found = [(cue.start, cue.text, cue.speaker) for cue in read_subtitles(VTT)]
    assert found == [(1.0, "Yes? No! It is -5 degrees", ""), (5.0, "Tea & milk, x < 5", "Ann")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_number_without_an_empty_line_before_it_is_not_said(end: str) -> None:
    text = "00:01.000 --> 00:02.000\nIn\n1984\n2\n00:03.000 --> 00:02.000\nBack.\n"
    cues = read_subtitles(text.replace("\n", end))
    assert [(cue.text, cue.line) for cue in cues] == [("In 1984", 1), ("Back.", 5)]
    assert cues[1].end < cues[1].start


@pytest.mark.parametrize(
    ("text", "is_speech"),
    [
        ("[door creaks]", False),
        ("[door (of a car)] [steps]", False),
        ("♪ la la ♪", False),
        ("（笑）", False),
        ("[sighs] Well.", True),
        ("[door] Who is there? [music]", True),
    ],
)
def test_sounds_are_told_from_speech(text: str, is_speech: bool) -> None:
    [cue] = read_subtitles(f"00:01.000 --> 00:02.000\n{text}")
    assert cue.is_speech == is_speech


@given(text=st.text() | st.text("0123456789:.,-> \n<v&;[]{\\", max_size=80))
def test_any_text_is_read(text: str) -> None:
    for cue in read_subtitles(text):
        assert cue.text == " ".join(cue.text.split()) != ""
