"""`vinovits book`: real files by the tiny voice."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from lxml import etree

from tests.books.files import PNG, write_epub
from tests.cli.conftest import Run
from vinovits.batch.store import UnitStore
from vinovits.books.mastering import TARGET_LUFS, encode, measure
from vinovits.engine.voice import Voice
from vinovits.errors import VinovitsError

STORY = """---
title: A Story
author: Ann Author
---
## Morning

The train leaves. Nobody waits for it.

It rained, and rained again, until the evening came.

## Evening

She came home in the dark.

The end.
"""


@pytest.fixture
def make(run: Run, tiny_voice: Path, graph_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Calls the command with the tiny voice and a story."""
    monkeypatch.setattr("vinovits.engine.voice.default_cache_dir", lambda: graph_cache)

    def call(*options: str, text: str = STORY, name: str = "story.md") -> Any:
        Path(name).write_text(text, encoding="utf-8")
        return run("book", name, "--voice", str(tiny_voice), *options)

    return call


def samples_of(path: Path | str) -> Any:
    return soundfile.read(path, dtype="int16")[0]


def rows(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_a_book_has_chapters_tags_and_subtitles(make: Any) -> None:
    result = make("--out", "story.m4b", "--timings", "srt", "--json")
    assert result.exit_code == 0, result.stderr
    done = rows(result.stdout)[-1]
    assert done["files"] == ["story.m4b", "story.srt"]
    assert (done["made"], done["found"], done["gaps"]) == (6, 0, [])
    with av.open("story.m4b") as file:
        assert file.metadata["title"] == "A Story"
        assert file.metadata["artist"] == "Ann Author"
        marks = file.chapters()
        assert [mark["metadata"]["title"] for mark in marks] == ["Morning", "Evening"]
        assert marks[0]["end"] == marks[1]["start"]
        assert file.duration / 1e6 == pytest.approx(done["seconds"], abs=0.2)
    cues = Path("story.srt").read_text(encoding="utf-8")
    assert cues.startswith("1\n00:00:00,")
    assert "The train leaves." in cues


def test_a_folder_has_a_file_for_each_chapter(make: Any) -> None:
    assert make("--out", "chapters", "--format", "opus", "--timings", "lrc").exit_code == 0
    names = sorted(path.name for path in Path("chapters").iterdir() if path.name[0] != ".")
    expected = ["01 Morning.lrc", "01 Morning.opus", "02 Evening.lrc", "02 Evening.opus"]
    assert names == expected
    with av.open("chapters/02 Evening.opus") as file:
        assert file.streams[0].metadata["title"] == "Evening"


def test_loudness_is_that_of_audiobooks(make: Any) -> None:
    assert make("--out", "story.wav").exit_code == 0
    samples, rate = soundfile.read("story.wav", dtype="float32")
    assert abs(samples).max() <= 10 ** (-3 / 20) + 1e-3
    assert -23 <= measure([samples], rate).lufs <= -18


def test_a_change_makes_only_what_it_touches(make: Any) -> None:
    make("--out", "story.flac")
    changed = STORY.replace("The end.", "The very end.")
    result = make("--out", "story.flac", "--json", text=changed)
    done = rows(result.stdout)[-1]
    assert (done["made"], done["found"]) == (1, 5)
    again = rows(make("--out", "story.flac", "--json", text=changed).stdout)
    assert again[1] == {"event": "begun", "units": 6, "done": 6}
    assert (again[-1]["made"], again[-1]["found"]) == (0, 6)
    progress = [row for row in rows(result.stdout) if row["event"] == "progress"]
    assert progress[-1]["done"] == 6
    assert progress[-1]["seconds_left"] == 0.0


@pytest.mark.parametrize("name", ["story.md", "film.srt"])
def test_nothing_is_left_of_the_parts_if_asked(make: Any, name: str) -> None:
    text = STORY if name == "story.md" else SUBTITLES
    result = make("--out", "a.wav", "--clean", text=text, name=name)
    assert result.exit_code == 0, result.stderr
    assert sorted(path.name for path in Path().iterdir()) == sorted(["a.wav", name])
    assert "The parts are kept" not in result.stderr


def test_an_overlay_takes_no_timings_beside_it(make: Any) -> None:
    result = make("--out", "story.epub", "--timings", "srt")
    assert result.exit_code == 2
    assert "has the timings in it" in result.stderr


def test_room_is_reckoned_by_the_script(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    few = shutil.disk_usage(".")._replace(free=8 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: few)
    # About 110 s of English, and 330 s of Chinese.
    assert make("--out", "story.wav", text="Words of a story. " * 85).exit_code == 0
    result = make("--out", "other.wav", text="一二三四五六七八九。" * 150)
    assert result.exit_code == 1
    assert "Make room" in result.stderr


@pytest.mark.parametrize("name", ["story.md", "film.srt"])
def test_a_word_of_the_users_lexicon_makes_again_what_has_it(
    make: Any, run: Run, name: str
) -> None:
    text = STORY if name == "story.md" else SUBTITLES.replace("No time", "No train")
    make("--out", "a.flac", text=text, name=name)
    before = samples_of("a.flac")
    assert run("lexicon", "add", "train", "T R AY1 N").exit_code == 0
    events = rows(make("--out", "a.flac", "--json", text=text, name=name).stdout)
    begun = next(row for row in events if row["event"] == "begun")
    assert begun["units"] - begun["done"] == 1
    assert not np.array_equal(samples_of("a.flac"), before)


def test_two_processes_make_the_same_book(make: Any) -> None:
    make("--out", "one.wav", "--threads", "1")
    assert make("--out", "two.wav", "--workers", "2", "--threads", "2").exit_code == 0
    assert np.array_equal(samples_of("one.wav"), samples_of("two.wav"))


def test_a_killed_book_goes_on_and_is_the_same(make: Any, tiny_voice: Path, tmp_path: Path) -> None:
    long = STORY + "\n\n".join(f"This is paragraph number {n}." for n in range(60))
    assert make("--out", "whole.wav", text=long).exit_code == 0
    command = [sys.executable, "-m", "vinovits", "book", "story.md", "--voice", str(tiny_voice)]
    process = subprocess.Popen([*command, "--out", "killed.wav", "--json"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "progress":
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not Path("killed.wav").exists()
    result = make("--out", "killed.wav", "--json", text=long)
    begun = next(row for row in rows(result.stdout) if row["event"] == "begun")
    assert 0 < begun["done"] < begun["units"]
    assert Path("killed.wav").read_bytes() == Path("whole.wav").read_bytes()


@pytest.mark.parametrize("command", ["book", "batch"])
def test_who_stops_it_is_told_that_it_goes_on(
    run: Run, make: Any, tiny_voice: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    Path("lines.txt").write_text("One.", encoding="utf-8")
    monkeypatch.setattr(Voice, "stream", stopped)
    result = run(command, "lines.txt", "--voice", str(tiny_voice), "--out", "out")
    assert result.exit_code != 0
    assert "the same command goes on from there" in result.stderr


def test_a_lost_worker_costs_its_unit_only(make: Any, tiny_voice: Path) -> None:
    text = "\n\n".join(f"This is paragraph number {n}, and a bit." for n in range(40))
    Path("long.md").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "vinovits", "book", "long.md", "--voice", str(tiny_voice)]
    process = subprocess.Popen(
        [*command, "--out", "long.wav", "--json", "--workers", "2"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    killed = False
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        if not killed and events[-1]["event"] == "progress":
            for child in _children(process.pid):
                if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                    os.kill(child, signal.SIGKILL)
                    killed = True
                    break
    assert process.wait() == 0
    assert killed
    assert events[-1]["event"] == "done"
    assert events[-1]["gaps"] == []


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in found.split()]


def test_workers_end_with_a_killed_book(make: Any, tiny_voice: Path) -> None:
    text = "\n\n".join(f"This is paragraph number {n}, and a bit." for n in range(200))
    Path("long.md").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "vinovits", "book", "long.md", "--voice", str(tiny_voice)]
    process = subprocess.Popen(
        [*command, "--out", "long.wav", "--json", "--workers", "2"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    while json.loads(process.stdout.readline())["event"] != "progress":
        pass
    children = _children(process.pid)
    process.kill()
    process.wait()
    for _ in range(600):
        if not any(Path(f"/proc/{child}/cmdline").exists() for child in children):
            return
        time.sleep(0.1)
    pytest.fail("Workers are still there.")


@pytest.mark.parametrize("gaps", ["fail", "mark"])
def test_what_cannot_be_spoken_is_told_and_leaves_no_silent_hole(
    make: Any, monkeypatch: pytest.MonkeyPatch, gaps: str
) -> None:
    real = Voice.stream

    def stream(voice: Voice, text: str, **settings: Any) -> Any:
        if "rained" in text:
            raise VinovitsError("The network gave nothing.")
        return real(voice, text, **settings)

    with monkeypatch.context() as patched:
        patched.setattr(Voice, "stream", stream)
        result = make("--out", "story.wav", "--gaps", gaps)
    assert "It rained, and rained again" in result.stderr
    assert "The network gave nothing." in result.stderr
    assert result.exit_code == (1 if gaps == "fail" else 0)
    assert Path("story.wav").exists() == (gaps == "mark")
    again = make("--out", "story.wav", "--json")
    assert rows(again.stdout)[-1]["made"] == 1
    assert rows(again.stdout)[-1]["gaps"] == []


def test_two_runs_in_one_folder_are_wrong_use(make: Any) -> None:
    with UnitStore(Path(".story.wav.units")):
        result = make("--out", "story.wav")
    assert result.exit_code == 2
    assert "in use by another process" in result.stderr


def test_an_overlay_has_text_and_audio_in_step(run: Run, tiny_voice: Path) -> None:
    pages = {"a.xhtml": "<h1>One</h1><p>It rains. It rains &amp; rains.</p>"}
    write_epub(Path("in.epub"), pages, [("One", "a.xhtml")])
    result = run("book", "in.epub", "--voice", str(tiny_voice), "--out", "out.epub")
    assert result.exit_code == 0, result.stderr
    with zipfile.ZipFile("out.epub") as archive:
        assert archive.infolist()[0].filename == "mimetype"
        assert archive.infolist()[0].compress_type == zipfile.ZIP_STORED
        for name in archive.namelist():
            if name.endswith((".xhtml", ".smil", ".opf", ".xml")):
                etree.fromstring(archive.read(name))
        text = etree.fromstring(archive.read("EPUB/c0000.xhtml"))
        smil = etree.fromstring(archive.read("EPUB/c0000.smil"))
        assert archive.read("EPUB/cover.png") == PNG
        names = {
            node.get("href")
            for node in etree.fromstring(archive.read("EPUB/package.opf")).iter("{*}item")
        }
        assert {f"EPUB/{name}" for name in names} <= set(archive.namelist())
    spans = {node.get("id"): node.text for node in text.iter("{*}span")}
    assert list(spans.values()) == ["One", "It rains.", "It rains & rains."]
    times = [
        (float(node.get("clipBegin")[:-1]), float(node.get("clipEnd")[:-1]))
        for node in smil.iter("{*}audio")
    ]
    assert [node.get("src") for node in smil.iter("{*}text")] == [
        f"c0000.xhtml#{name}" for name in spans
    ]
    assert all(begin < end for begin, end in times)
    assert times == sorted(times)


def test_check_lists_words_whose_readings_are_guessed(make: Any) -> None:
    result = make("--check", text="## One\n\nThe blorpification of Xyqwzt is done. Xyqwzt!\n")
    assert result.exit_code == 0
    assert "blorpification" in result.stdout
    line = next(line for line in result.stdout.splitlines() if "xyqwzt" in line.lower())
    assert line.split()[0] == "2"
    assert "Guessed" not in result.stdout  # said by the table already
    assert not Path(".story.m4b.units").exists()


def test_a_cast_of_voices_that_are_not_there_is_found_first(make: Any, tiny_voice: Path) -> None:
    Path("cast.yaml").write_text("dialogue: nobody\n", encoding="utf-8")
    result = make("--cast", "cast.yaml", text="He said “no”.")
    assert result.exit_code == 2
    assert "nobody" in result.stderr
    voice = json.dumps(str(tiny_voice))
    cast = f"dialogue: {{voice: {voice}, speaker: eve}}\n"
    Path("cast.yaml").write_text(cast, encoding="utf-8")
    result = make("--cast", "cast.yaml", text="He said “no”.")
    assert result.exit_code == 2
    assert "no speaker 'eve'" in result.stderr


@pytest.mark.parametrize(
    ("cast", "message"),
    [
        ("narrator: {speed: 100}", "speed must be from 0.25 to 4, not 100. Part 1 asks for it"),
        ("dialogue: {seed: x}", "The seed must be a whole number"),
        ("dialogue: {style: glad}", "has no style 'glad'"),
        ("narrator: {language: xx}", "doesn't speak 'xx'"),
        ("dialogue: {emotion: calm}", "takes no emotion. Part 2 asks for it"),
        ("headings: {speed: 100}", "has no speaker 'Eve'. It has: ann, bob. Part 2 asks for it"),
    ],
)
def test_what_a_voice_does_not_have_is_found_before_any_work(
    make: Any, cast: str, message: str
) -> None:
    Path("cast.yaml").write_text(cast, encoding="utf-8")
    text = "He said “no”.\n\n[speaker Eve]Me too.[/speaker]"
    result = make("--cast", "cast.yaml", text=text)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not Path(".story.m4b.units").exists()


def test_check_lists_parts_that_cannot_be_read(make: Any) -> None:
    result = make("--check", text="One.\n\n你好，你好。\n\nTwo.")
    assert result.exit_code == 1
    assert "part 2, '你好，你好。': The text holds Chinese letters" in result.stderr
    assert "1 of 3 parts can't be spoken" in result.stderr


def test_subtitles_are_checked_too(make: Any) -> None:
    text = SUBTITLES.replace("No time", "No Xyqwzt")
    result = make("--check", text=text, name="film.srt")
    assert result.exit_code == 0
    assert "3" in result.stdout.splitlines()[0]
    assert "Xyqwzt" in result.stdout
    assert make("--check", text="", name="film.srt").exit_code == 1


def test_speakers_of_a_cast_are_heard(make: Any, tiny_voice: Path) -> None:
    Path("cast.yaml").write_text("dialogue: {speaker: bob}\n", encoding="utf-8")
    make("--out", "plain.wav", text="He said “no, never” to her.")
    make("--out", "cast.wav", "--cast", "cast.yaml", text="He said “no, never” to her.")
    assert not np.array_equal(samples_of("plain.wav"), samples_of("cast.wav"))


SUBTITLES = """1
00:00:01,000 --> 00:00:01,010
Hello there, this is far too much for such a short while.

2
00:00:01,020 --> 00:00:01,020
No time.

3
00:00:08,000 --> 00:00:12,000
Good evening.
"""


def test_subtitles_are_spoken_at_their_times(make: Any) -> None:
    result = make("--out", "film.wav", "--json", text=SUBTITLES, name="film.srt")
    assert result.exit_code == 0, result.stderr
    done = rows(result.stdout)[-1]
    assert [late["cue"] for late in done["overruns"]] == [1]
    assert done["faster"] == 1
    assert done["overruns"][0]["speed"] == pytest.approx(1.3)
    samples = samples_of("film.wav")
    assert not samples[:7990].any()
    assert samples[8000:12000].any()
    last = np.flatnonzero(samples[: 8 * 8000 - 10])[-1]
    assert last < 7.9 * 8000
    assert samples[8 * 8000 :].any()


def test_a_limited_peak_stays_below_3_db(tmp_path: Path) -> None:
    rate = 22050
    times = np.arange(rate * 4) / rate
    quiet = (0.01 * np.sin(2 * np.pi * 220 * times)).astype(np.float32)
    quiet[rate : rate + 2] = 0.5
    loudness = measure([quiet], rate)
    path = tmp_path / "a.flac"
    encode(path, [quiet], rate, loudness.gain, tags={})
    samples, _ = soundfile.read(path)
    assert len(samples) == len(quiet)
    assert abs(samples).max() <= 10 ** (-3 / 20) + 1e-3
    assert measure([samples.astype(np.float32)], rate).lufs == pytest.approx(TARGET_LUFS, abs=2.5)


def test_cues_are_told_by_their_place_in_the_file(make: Any) -> None:
    text = SUBTITLES.replace("Hello there, this", "Hello, and this")
    cue = "1\n00:00:00,500 --> 00:00:00,900\n♪\n\n"
    done = rows(make("--out", "f.wav", "--json", text=cue + text, name="film.srt").stdout)[-1]
    assert [late["cue"] for late in done["overruns"]] == [2]


@pytest.mark.parametrize(
    "options",
    [
        ("--timings", "srt"),
        ("--gaps", "mark"),
        ("--proof", "tiny"),
        ("--title", "A Film", "--no-tags"),
        ("--no-captions",),
        ("--format", "mp3"),
    ],
)
def test_what_is_for_books_is_no_use_for_subtitles(make: Any, options: tuple[str, ...]) -> None:
    result = make("--out", "film.wav", *options, text=SUBTITLES, name="film.srt")
    assert result.exit_code == 2
    assert f"Leave out {options[0]}" in result.stderr


@pytest.mark.parametrize(
    ("name", "out"), [("story.md", "a-file/x.m4b"), ("story.md", "a-file/x.epub"),
                      ("story.md", "a-file/x"), ("film.srt", "a-file/x.wav")],
)  # fmt: skip
def test_what_cannot_be_written_is_found_before_any_work(make: Any, name: str, out: str) -> None:
    Path("a-file").touch()
    text = STORY if name == "story.md" else SUBTITLES
    result = make("--out", out, "--work", "work", "--json", text=text, name=name)
    assert result.exit_code == 1
    assert f"{out} can't be written" in result.stderr
    assert result.stdout == ""
    assert not Path("work").exists()


def test_subtitles_that_cannot_be_spoken_are_told_as_such(make: Any) -> None:
    text = SUBTITLES.replace("Good evening.", "你好，你好。")
    result = make("--out", "film.wav", text=text, name="film.srt")
    assert result.exit_code == 1
    assert "1 cue can't be spoken, so nothing was written." in result.stderr
    assert "--gaps" not in result.stderr


def test_a_full_disk_is_told_and_the_next_run_goes_on(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = shutil.disk_usage(".")._replace(free=1000)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda folder: full)
        result = make("--out", "story.wav")
    assert result.exit_code == 1
    assert "Make room, or name another folder." in result.stderr
    real = os.fsync
    calls: list[int] = []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr("vinovits.batch.store.os.fsync", fsync)
        result = make("--out", "story.wav")
    assert result.exit_code == 1
    assert "the disk is full" in result.stderr
    done = rows(make("--out", "story.wav", "--json").stdout)
    assert next(row for row in done if row["event"] == "begun")["done"] == 2
    assert (done[-1]["made"], done[-1]["gaps"]) == (4, [])
