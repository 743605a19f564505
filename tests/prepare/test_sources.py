"""What is found in folders: every kind of transcript, and lists as people have them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.prepare.material import write
from vinovits.errors import DataError
from vinovits.prepare.sources import Inventory, find

SOUND = np.zeros(800, np.float32)
LIST = "s1.wav|ann|EN|One.\ns2.wav|bob|ZH|二。\n"


def sounds(folder: Path, *names: str) -> Path:
    for name in names:
        write(folder / name, SOUND, 8000)
    return folder


def said(found: Inventory) -> dict[str, tuple[str, str, str]]:
    return {
        found.name(one.recording): (one.speaker, one.language, one.text) for one in found.utterances
    }


BOTH = {"s1.wav": ("ann", "en", "One."), "s2.wav": ("bob", "zh", "二。")}


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (LIST.encode(), ""),
        (b"\xef\xbb\xbf" + LIST.encode(), ""),
        (LIST.encode("utf-16"), ""),
        (LIST.encode("gbk"), "isn't UTF-8; it was read as GBK"),
        (LIST.replace("\n", "\r\n").encode(), ""),
        (LIST.replace("|", "\t").encode(), "tabs between its fields"),
        (LIST.replace("|", "｜").encode(), "full-width"),
        (LIST.replace("|", ";").encode(), "semicolons"),
        (LIST.replace("s1", "D:\\data\\raw\\s1").replace("s2", "raw\\s2").encode(), ""),
        (LIST.replace("s1", "./Data/ann/wavs/s1").encode(), ""),
    ],
)
def test_lists_as_people_have_them(tmp_path: Path, content: bytes, note: str) -> None:
    sounds(tmp_path, "s1.wav", "s2.wav")
    (tmp_path / "esd.list").write_bytes(content)
    found = find(tmp_path)
    assert said(found) == BOTH
    assert not found.problems
    assert (note in " ".join(found.notes)) if note else not found.notes


def test_a_cleaned_list_gives_its_texts(tmp_path: Path) -> None:
    sounds(tmp_path, "s1.wav")
    line = "s1.wav|ann|EN|One|two.|_ w ah n _|0 1 2 3 0|1 3 1\n"
    (tmp_path / "train.list").write_text(line)
    assert said(find(tmp_path)) == {"s1.wav": ("ann", "en", "One|two.")}


def test_metadata_of_ljspeech(tmp_path: Path) -> None:
    sounds(tmp_path, "wavs/LJ1.wav", "wavs/LJ2.wav")
    (tmp_path / "metadata.csv").write_text("LJ1|It is 5.|It is five.\nLJ2|So it is.|So it is.\n")
    found = said(find(tmp_path))
    name = tmp_path.name
    assert found["wavs/LJ1.wav"] == (name, "", "It is 5.")
    assert found["wavs/LJ2.wav"] == (name, "", "So it is.")


def test_a_list_may_be_named_itself(tmp_path: Path) -> None:
    sounds(tmp_path, "s1.wav", "s2.wav", "other.wav")
    (tmp_path / "mine.txt").write_text(LIST, encoding="utf-8")
    assert said(find(tmp_path / "mine.txt")) == BOTH


def test_texts_beside_recordings_and_in_a_folder_of_their_own(tmp_path: Path) -> None:
    sounds(tmp_path, "ann/a.wav", "ann/b.flac", "bob/wavs/c.ogg", "plain.wav")
    (tmp_path / "ann" / "a.txt").write_text("Eins\nzwei.")
    (tmp_path / "ann" / "b.lab").write_text("Three.")
    (tmp_path / "bob" / "texts").mkdir()
    (tmp_path / "bob" / "texts" / "c.txt").write_text("Four.")
    found = find(tmp_path, language="en")
    assert said(found) == {
        "ann/a.wav": ("ann", "en", "Eins zwei."),
        "ann/b.flac": ("ann", "en", "Three."),
        "bob/wavs/c.ogg": ("bob", "en", "Four."),
        "plain.wav": (tmp_path.name, "en", ""),
    }
    assert not found.problems
    assert {one.speaker for one in find(tmp_path, speaker="me").utterances} == {"me"}


def test_subtitles(tmp_path: Path) -> None:
    sounds(tmp_path, "talk.wav", "other.wav")
    (tmp_path / "talk.srt").write_text(
        "1\n00:00:01,000 --> 00:00:02,500\n<i>Hello</i>\nthere.\n\n"
        "2\n00:00:03,000 --> 00:00:04,000\n"
        "[music]\n3\n00:00:05,000 --> 00:00:04,000\nBack.\n"
    )
    (tmp_path / "other.vtt").write_text(
        "WEBVTT\n\n00:01.000 --> 00:02.000 align:left\nTea &amp; milk\n"
    )
    found = find(tmp_path)
    cues = [(one.start, one.end, one.text) for one in found.utterances]
    assert cues == [(1.0, 2.0, "Tea & milk"), (1.0, 2.5, "Hello there.")]
    assert [one.what for one in found.problems] == [
        "The subtitle in line 10 ends before it begins. It is passed over."
    ]


def test_texts_without_recordings_and_bad_lines_are_told(tmp_path: Path) -> None:
    sounds(tmp_path, "s1.wav")
    (tmp_path / "lost.txt").write_text("Nobody says this.")
    (tmp_path / "esd.list").write_text(
        "s1.wav|ann|EN|One.\ngone.wav|ann|EN|Two.\ns1.wav|ann|EN|Again.\ns1.wav|ann|KLINGON|x\n"
        "no bars\ns1.wav|ann\n"
    )
    found = find(tmp_path)
    assert said(found) == {"s1.wav": ("ann", "en", "One.")}
    told = {one.where: one.what for one in found.problems}
    assert "no recording 'gone.wav'" in told["esd.list, line 2"]
    assert "listed twice" in told["esd.list, line 3"]
    assert "'KLINGON' isn't known" in told["esd.list, line 4"]
    assert "has no | in it" in told["esd.list, line 5"]
    assert "has 2 fields" in told["esd.list, line 6"]
    assert "no recording of this name" in told["lost.txt"]


def test_a_name_that_is_there_twice_is_found_by_its_folders(tmp_path: Path) -> None:
    sounds(tmp_path, "ann/1.wav", "bob/1.wav")
    (tmp_path / "all.list").write_text("C:\\x\\ann\\1.wav|ann|EN|A.\nC:\\x\\bob\\1.wav|bob|EN|B.\n")
    found = said(find(tmp_path))
    assert (found["ann/1.wav"][2], found["bob/1.wav"][2]) == ("A.", "B.")


def test_nothing_to_prepare(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no recordings\. It is empty\. Put"):
        find(tmp_path)
    (tmp_path / "picture.png").write_bytes(b"x")
    with pytest.raises(DataError, match=r"There are 1 other files \(.png\)"):
        find(tmp_path)
    with pytest.raises(DataError, match="There is no folder"):
        find(tmp_path / "gone")
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("Said.")
    with pytest.raises(DataError, match=r"There are 1 more such\."):
        find(tmp_path)
    (tmp_path / "esd.list").write_text("one line without fields\n")
    with pytest.raises(DataError, match=r"no line has fields between \| signs"):
        find(tmp_path)


def test_what_was_made_in_the_folder_is_not_its_own_input(tmp_path: Path) -> None:
    sounds(tmp_path, "s1.wav", "out/clips/s1.flac", ".hidden/s2.wav", "older/clips/s1.flac")
    (tmp_path / "older" / "clips.jsonl").touch()
    assert list(said(find(tmp_path, without=tmp_path / "out"))) == ["s1.wav"]
