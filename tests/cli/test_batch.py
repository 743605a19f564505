"""`vinovits batch`: a file for each line, by the tiny voice."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import soundfile

import vinovits
from tests.cli.conftest import Run
from vinovits.batch.lines import Batch


@pytest.fixture
def speak(run: Run, tiny_voice: Path, graph_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Calls the command with the tiny voice and lines of a file."""
    monkeypatch.setattr("vinovits.engine.voice.default_cache_dir", lambda: graph_cache)

    def call(lines: list[str], *options: str, name: str = "lines.txt") -> Any:
        Path(name).write_text("\n".join(lines), encoding="utf-8")
        return run("batch", name, "--out", "out", "--voice", str(tiny_voice), *options)

    return call


def names() -> list[str]:
    """Files that a user sees, without the manifest."""
    files = (path.name for path in Path("out").iterdir() if path.name[0] != ".")
    return sorted(name for name in files if name != "manifest.jsonl")


def manifest() -> list[dict[str, Any]]:
    text = Path("out/manifest.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_each_line_gets_a_file(speak: Any, tiny_voice: Path, workers: str) -> None:
    lines = ["One.", "", "Two, and a little more.\r", "   ", "Three."]
    result = speak(lines, "--workers", workers)
    assert (result.exit_code, result.stdout) == (0, "")
    assert names() == ["0001.wav", "0003.wav", "0005.wav"]
    assert result.stderr.startswith("3 files made; ")
    voice = vinovits.load(tiny_voice)
    for entry, text in zip(manifest()[:2], ("One.", "Two, and a little more."), strict=True):
        samples, rate = soundfile.read(f"out/{entry['file']}")
        assert rate == entry["sampling_rate"] == 8000
        assert len(samples) == len(voice.speak(text).samples)
        assert entry["seconds"] == pytest.approx(len(samples) / rate, abs=1e-4)
        assert entry["text"] == text
        data = Path(f"out/{entry['file']}").read_bytes()
        assert entry["sha256"] == hashlib.sha256(data).hexdigest()


def test_only_what_changed_is_made_again(speak: Any) -> None:
    lines = [f"This is line {number}." for number in range(50)]
    speak(lines)
    before = {name: Path("out", name).stat().st_mtime_ns for name in names()}
    for number in (3, 17, 40):
        lines[number] = "Something else."
    result = speak(lines, "--json")
    done = json.loads(result.stdout.splitlines()[-1])
    assert (done["made"], done["found"]) == (3, 47)
    changed = {name for name in names() if Path("out", name).stat().st_mtime_ns != before[name]}
    assert changed == {"0004.wav", "0018.wav", "0041.wav"}
    assert json.loads(speak(lines, "--json", "--seed", "5").stdout.splitlines()[-1])["made"] == 50
    Path("out/0001.wav").unlink()
    again = json.loads(speak(lines, "--json", "--seed", "5").stdout.splitlines()[-1])
    assert again["made"] == 1


def test_lines_that_are_gone_are_pruned_if_asked(speak: Any) -> None:
    speak(["One.", "Two."], "--timings", "srt")
    Path("out/mine.wav").write_bytes(b"mine")
    speak(["One."], "--timings", "srt")
    assert "0002.wav" in names()
    result = speak(["One."], "--timings", "srt", "--prune")
    assert "1 deleted" in result.stderr
    assert names() == ["0001.srt", "0001.wav", "mine.wav"]
    assert [entry["id"] for entry in manifest()] == ["0001"]


def test_a_killed_batch_goes_on_where_it_was(speak: Any, tiny_voice: Path) -> None:
    lines = [f"This is line {number}." for number in range(80)]
    Path("lines.txt").write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "vinovits", "batch", "lines.txt", "--out", "out", "--json"]
    process = subprocess.Popen([*command, "--voice", str(tiny_voice)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    while json.loads(process.stdout.readline())["event"] != "progress":
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    there = len(names())
    assert 0 < there < 80
    done = json.loads(speak(lines, "--json").stdout.splitlines()[-1])
    # One file may be there that the manifest doesn't know of.
    assert there - 1 <= done["found"] <= there
    assert done["made"] + done["found"] == 80
    assert len(names()) == len(manifest()) == 80


@pytest.mark.parametrize("workers", ["1", "2"])
def test_lines_that_fail_are_told_at_the_end(speak: Any, workers: str) -> None:
    result = speak(["One.", "你好", "[wrong tag", "Four."], "--workers", workers)
    assert result.exit_code == 1
    assert {"0001.wav", "0004.wav"} <= set(names())
    assert "0002.wav" not in names()
    told = result.stderr.splitlines()
    assert any(line.startswith("  line 2: ") and "Chinese" in line for line in told)


def test_entries_of_jsonl_have_ids_and_settings(speak: Any) -> None:
    entries = [
        {"text": "One."},
        {"text": "One.", "id": "slow one", "speed": 0.5},
        {"text": "One.", "speaker": "bob", "seed": 7},
    ]
    result = speak([json.dumps(entry) for entry in entries], "-t", "flac", name="lines.jsonl")
    assert (result.exit_code, names()) == (0, ["0001.flac", "0003.flac", "slow one.flac"])
    assert soundfile.info("out/slow one.flac").frames > soundfile.info("out/0001.flac").frames


def test_a_table_has_ids_and_settings(speak: Any) -> None:
    lines = ["id,text,speed,speaker", 'a,"One, two.",0.5,', "b,One.,,bob", ",Three.,,"]
    result = speak(lines, name="lines.csv")
    assert (result.exit_code, names()) == (0, ["0004.wav", "a.wav", "b.wav"])
    assert [entry["text"] for entry in manifest()] == ["One, two.", "One.", "Three."]


def test_wrong_tables_are_told(speak: Any) -> None:
    assert "no column `text`" in speak(["a,b", "1,2"], name="l.csv").stderr
    result = speak(["text,speed", "One.,1", "Two.,fast", "Three.,1,2"], name="l.csv")
    assert result.exit_code == 1
    assert names() == ["0002.wav"]
    told = [line.split(":")[0] for line in result.stderr.splitlines() if "  line " in line]
    assert told == ["  line 3", "  line 4"]


def test_wrong_entries_are_told_and_stop_no_other(speak: Any) -> None:
    lines = [
        '{"text": "One."}',
        "not JSON",
        '"a text"',
        '{"text": 5}',
        '{"text": "Two.", "id": "../two"}',
        '{"text": "Two.", "id": ".hidden"}',
        '{"text": "Two.", "loudness": 3}',
        '{"text": "Two.", "speed": "fast"}',
        '{"text": "Two.", "speaker": ["ann"]}',
        '{"text": "Two.", "markup": {}}',
        '{"text": "Two.", "emotion": []}',
        '{"text": "Two.", "style": []}',
        '{"text": "Two.", "voice": "nobody"}',
        '{"text": "Two.", "id": "A"}',
        '{"text": "Two.", "id": "a"}',
    ]
    result = speak(lines, name="lines.jsonl")
    assert result.exit_code == 1
    assert names() == ["0001.wav", "A.wav"]
    told = [line.split(":")[0] for line in result.stderr.splitlines() if "  line " in line]
    assert told == [f"  line {number}" for number in (*range(2, 14), 15)]
    assert "There is no setting 'loudness'" in result.stderr
    assert "is that of line 14" in result.stderr


def test_names_of_files_are_names_on_all_systems(speak: Any) -> None:
    ids = [
        "con",
        "Lpt1 .x",
        "\u8bed" * 70,
        "\ud800",
        "a/b",
        "dot.",
        " space",
        "a\u0000",
        7,
        "console",
    ]
    result = speak([json.dumps({"text": "One.", "id": name}) for name in ids], name="lines.jsonl")
    assert names() == ["7.wav", "console.wav"]
    assert result.stderr.count("is no name for a file") == 8
    assert "one that Windows keeps for itself" in result.stderr


def test_programs_are_told_of_lines_that_failed_and_nothing_is_pruned_for_them(speak: Any) -> None:
    good = ['{"text": "One.", "id": "one"}', '{"text": "Two.", "id": "two"}']
    speak(good, name="lines.jsonl")
    wrong = [good[0], good[1].replace("text", "txet")]
    result = speak(wrong, "--prune", "--json", name="lines.jsonl")
    *_, note, failed, done = map(json.loads, result.stdout.splitlines())
    assert "Nothing was deleted" in note["text"]
    assert (failed["event"], failed["line"]) == ("failed", 2)
    assert (done["event"], done["failed"], done["pruned"]) == ("done", 1, 0)
    assert names() == ["one.wav", "two.wav"]


def test_a_speaker_may_be_told_by_its_number(speak: Any) -> None:
    lines = ['{"text": "One.", "speaker": "bob"}', '{"text": "One.", "speaker": "1"}']
    assert speak(lines, name="lines.jsonl").exit_code == 0
    assert Path("out/0001.wav").read_bytes() == Path("out/0002.wav").read_bytes()


def test_wrong_use(speak: Any, run: Run) -> None:
    assert run("batch", "missing.txt", "--out", "out").exit_code == 2
    assert "each line is to be a text" in speak(["", "  "]).stderr
    assert speak(["One."], "--workers", "0").exit_code == 2
    assert speak(["One."], "--voice", "nobody").exit_code == 1
    Path("file").touch()
    Path("lines.txt").write_text("One.", encoding="utf-8")
    assert "is a file" in run("batch", "lines.txt", "--out", "file").stderr
    with Batch(Path("out"), ".wav"):
        result = speak(["One."])
    assert result.exit_code == 2
    assert "Another process works in the folder" in result.stderr


def test_a_manifest_leads_nowhere_else(speak: Any) -> None:
    speak(["One."])
    Path("precious.wav").write_bytes(b"keep")
    [entry] = manifest()
    entry.update(id="x", file="../precious.wav")
    with Path("out/manifest.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(entry) + "\n")
    speak(["One."], "--prune")
    assert Path("precious.wav").read_bytes() == b"keep"


def test_quiet(speak: Any) -> None:
    assert speak(["One."], "--quiet").stderr == ""
