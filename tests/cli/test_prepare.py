"""`vinovits prepare`: what it tells, and its exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.prepare.material import folder, sentence, write
from vinovits.cli.main import cli
from vinovits.prepare import work


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, ["prepare", *map(str, words)])


def test_three_clips_say_what_can_be_expected(tmp_path: Path) -> None:
    source = folder(tmp_path / "joe")
    done = run(source, tmp_path / "out", "--base", "joe", "--validation", 0)
    assert done.exit_code == 0, done.stderr
    assert "3 clips, 0:08 of speech, 1 speaker" in done.stderr
    assert "too little for a voice: it shows whether the road is right, no more" in done.stderr
    data = json.loads((tmp_path / "out" / "data.json").read_text())
    assert (data["sampling_rate"], data["feature_models"]) == (22050, {"en": "all-MiniLM-L6-v2"})
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert all(clip["mos"]["ovrl"] > 2.5 for clip in report["clips"])
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "data:audio/mpeg;base64," in page
    assert page.count("<svg") >= 3
    assert not re.search(r'(?:src|href)="(?!data:)', page)  # it needs no other file
    assert "<!--" not in page.replace("<!DOCTYPE", "")


def test_a_speaker_with_one_clip_is_named(tmp_path: Path) -> None:
    folder(tmp_path / "in" / "ann", range(1, 6))
    folder(tmp_path / "in" / "bob", (6,))
    done = run(tmp_path / "in", tmp_path / "out", "--no-mos", "--rate", 16000)
    assert done.exit_code == 0, done.stderr
    assert "Fewer than ten clips are of ann, bob" in done.stderr


def test_rejected_clips_are_counted_and_forced(tmp_path: Path) -> None:
    source = folder(tmp_path / "joe", (1, 2))
    (source / "s1.txt").write_text("No.")
    words = (source, tmp_path / "out", "--no-mos", "--rate", 16000)
    done = run(*words)
    assert done.exit_code == 0
    assert "rejected: 1 for text that doesn't fit" in done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    [name] = [clip["id"] for clip in report["clips"] if clip["rejected"]]
    assert run(*words, "--force", name).exit_code == 0
    (tmp_path / "ids.txt").write_text(f"# mine\n{name}\n")
    assert "2 clips" in run(*words, "--force-from", tmp_path / "ids.txt").stderr
    wrong = run(*words, "--force", "nobody")
    assert wrong.exit_code == 1
    assert "There is no clip 'nobody' to force in." in wrong.stderr


def test_nothing_that_can_be_used(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.wav", sentence(1))
    done = run(tmp_path / "in", tmp_path / "out", "--no-mos")
    assert done.exit_code == 1
    assert "No clip can be used: all 1 were rejected. a.wav: There is no text" in done.stderr
    assert (tmp_path / "out" / "report.html").is_file()
    (tmp_path / "none").mkdir()
    empty = run(tmp_path / "none", tmp_path / "out2")
    assert empty.exit_code == 1
    assert "holds no recordings. It is empty." in empty.stderr
    assert not (tmp_path / "out2").exists()


def test_clips_that_are_of_no_use_for_no_reason_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepared(*given: Any, **options: Any) -> work.Result:
        result = prepare(*given, **options)
        for one in result.candidates:
            one.rejections.clear()
        return result

    prepare = work.prepare
    monkeypatch.setattr(work, "prepare", prepared)
    write(tmp_path / "in" / "a.wav", sentence(1))
    done = run(tmp_path / "in", tmp_path / "out", "--no-mos")
    assert done.exit_code == 1
    assert "No clip can be used: all 1 were rejected. " in done.stderr
    assert "report.html has all reasons." in done.stderr


def test_a_language_that_the_base_does_not_speak_is_told(tmp_path: Path) -> None:
    source = folder(tmp_path / "joe", (1, 2))
    (source / "s1.txt").write_text("我们明天去公园看花，后天再回家吃饭。", encoding="utf-8")
    done = run(source, tmp_path / "out", "--no-mos", "--base", "joe")
    assert done.exit_code == 0, done.stderr
    assert "The base speaks English only: it has to learn Chinese from the 1 clip" in done.stderr
    only = run(source, tmp_path / "out", "--no-mos", "--base", "joe", "--language", "en")
    assert "has to learn" not in only.stderr
    assert "rejected: 1 for wrong language" in only.stderr


def test_stopping_says_that_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*given: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("vinovits.prepare.work.prepare", stopped)
    done = run(folder(tmp_path / "joe", (1,)), tmp_path / "out")
    assert done.exit_code == 130
    assert "The same command goes on where it was." in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gone", "out"], "input gone can't be read"),
        ([".", "out", "--base", "joe", "--rate", "16000"], "--base decides --rate"),
        ([".", "out", "--family", "9.9"], "There is no family '9.9'"),
        ([".", "out", "--rate", "1"], "sampling rate of a training set"),
    ],
)
def test_wrong_use(words: list[str], said: str) -> None:
    done = run(*words)
    assert done.exit_code == 2
    assert said in done.stderr


def test_texts_cannot_break_the_page(tmp_path: Path) -> None:
    source = folder(tmp_path / "joe", (1, 2))
    (source / "s1.txt").write_text("</script><script>alert(1)</script> and so on, my dear friend.")
    assert run(source, tmp_path / "out", "--no-mos", "--rate", 16000).exit_code == 0
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "<script>alert(1)" not in page
    assert "\\u003cscript>alert(1)" in page
