"""The whole preparation: what comes in, what comes out, and what is done but once."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from tests.prepare.material import RATE, TEXTS, folder, joined, sentence, write
from vinovits.errors import DataError, OutputError, UsageError
from vinovits.prepare import making
from vinovits.prepare.checks import Candidate
from vinovits.prepare.settings import Settings
from vinovits.prepare.work import Result, prepare
from vinovits.train.dataset import read_data

SETTINGS = Settings(sampling_rate=22_050, mos=False)


def run(source: Path, out: Path, settings: Settings = SETTINGS, **options: Any) -> Result:
    return prepare(source, out, settings, jobs=2, **options)


def by_recording(result: Result) -> dict[str, Candidate]:
    return {one.recording: one for one in result.candidates}


def level(path: Path) -> float:
    samples, _ = soundfile.read(path)
    return 10 * float(np.log10(np.mean(samples[np.abs(samples) > 0.01] ** 2)))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A number for each clip that is made, rather than found."""
    done: list[int] = []
    before = making.make_clip

    def counting(*args: Any) -> Any:
        done.append(1)
        return before(*args)

    monkeypatch.setattr(making, "make_clip", counting)
    return done


def test_a_folder_becomes_a_training_set(tmp_path: Path) -> None:
    source = folder(tmp_path / "joe", range(1, 7))
    result = run(source, tmp_path / "out", Settings(22_050, mos=False, validation=1, licence="CC0"))
    assert len(result.used) == 6, [one.rejections for one in result.candidates]
    data = read_data(tmp_path / "out")
    assert (data.facts.sampling_rate, data.facts.licence, data.facts.family) == (
        22_050,
        "CC0",
        "2.3",
    )
    assert [clip.split for clip in data.clips].count("validation") == 1
    for clip in data.clips:
        samples, rate = soundfile.read(data.at(clip.path))
        assert rate == 22_050
        assert clip.seconds == pytest.approx(len(samples) / rate, abs=1e-3)
        assert (clip.speaker, clip.language) == ("joe", "en")
        assert np.abs(samples).max() <= 0.8913
    listed = (tmp_path / "out" / "filelist.txt").read_text().splitlines()
    assert sorted(line.split("|")[1:] for line in listed) == sorted(
        ["joe", "EN", text] for text in TEXTS
    )


def test_long_recordings_are_cut_and_subtitles_followed(tmp_path: Path) -> None:
    samples, places = joined(range(1, 7))
    write(tmp_path / "in" / "long.wav", soxr.resample(samples, RATE, 96_000), 96_000, "FLOAT")
    result = run(tmp_path / "in", tmp_path / "plain", Settings(22_050, mos=False, longest=7.5))
    assert [kind for one in result.candidates for kind, _ in one.rejections] == ["text"] * len(
        result.candidates
    )
    assert 3 <= len(result.candidates) <= 6
    covered = [
        any(one.start <= start + 0.3 and one.end >= end - 0.3 for one in result.candidates)
        for start, end in places
    ]
    assert all(covered)
    cues = "".join(
        f"{n}\n00:00:{start:06.3f} --> 00:00:{end:06.3f}\n{TEXTS[n - 1]}\n\n".replace(".", ",", 2)
        for n, (start, end) in enumerate(places, 1)
    )
    (tmp_path / "in" / "long.srt").write_text(cues)
    result = run(tmp_path / "in", tmp_path / "out")
    assert [one.text for one in result.used] == list(TEXTS)
    whole = soxr.resample(samples, RATE, 22_050)
    for one in result.used:
        clip, _ = soundfile.read(tmp_path / "out" / one.path, dtype="float32")
        start = round(one.start * 22_050)
        own = whole[start : start + len(clip)]
        assert np.corrcoef(own, clip[: len(own)])[0, 1] > 0.97  # half a sample off


def test_the_same_again_makes_nothing_and_changes_nothing(tmp_path: Path, made: list[int]) -> None:
    source, out = folder(tmp_path / "joe"), tmp_path / "out"
    run(source, out)
    listed = (out / "clips.jsonl").read_bytes()
    assert len(made) == 3
    run(source, out)
    assert len(made) == 3
    assert (out / "clips.jsonl").read_bytes() == listed
    # A new recording is all that is made; one that is gone takes its clip away.
    write(source / "s4.wav", sentence(4) * 0.999)
    (source / "s4.txt").write_text(TEXTS[3])
    (source / "s1.wav").unlink()
    run(source, out, Settings(22_050, mos=False, level=-24))
    names = sorted(path.name.partition("-")[0] for path in (out / "clips").iterdir())
    assert names == ["s2", "s3", "s4"]


def test_what_was_stopped_goes_on(tmp_path: Path, made: list[int]) -> None:
    source, out = folder(tmp_path / "joe", range(1, 7)), tmp_path / "out"

    def stop(stage: str, done: float, total: float) -> None:
        if stage == "cutting" and done >= 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(source, out, progress=stop)
    assert not (out / "clips.jsonl").exists()
    first = len(made)
    assert not list(out.rglob("*.part"))
    left = out / "clips" / ".vinovits-0123.part"  # as `kill -9` leaves them
    left.write_bytes(b"half a clip")
    result = run(source, out)
    assert len(result.used) == 6
    assert not left.exists()
    assert first >= 2
    assert len(made) == 6  # those that were being made when it was stopped are done


def test_sessions_are_levelled_as_wholes(tmp_path: Path) -> None:
    for name, gain in (("loud", 0.8), ("soft", 0.02)):
        write(tmp_path / "in" / name / "ann" / "1.wav", sentence(1) * gain)
        write(tmp_path / "in" / name / "ann" / "2.wav", sentence(2) * gain * 0.5)
        for number in (1, 2):
            path = tmp_path / "in" / name / "ann" / f"{number}.txt"
            path.write_text(TEXTS[number - 1], encoding="utf-8")
    result = run(tmp_path / "in", tmp_path / "out")
    found = by_recording(result)
    for one in result.recordings:
        assert one.gain == pytest.approx(found[one.name].measures.gain)
    levels = {name: level(tmp_path / "out" / one.path) for name, one in found.items()}
    # Both sessions come to one level, and what was softer within one still is, by 6 dB.
    assert levels["loud/ann/1.wav"] == pytest.approx(levels["soft/ann/1.wav"], abs=2)
    own = {n: 10 * np.log10(np.mean(sentence(n) ** 2)) for n in (1, 2)}
    wanted = own[1] - own[2] + 6
    softer = levels["loud/ann/1.wav"] - levels["loud/ann/2.wav"]
    assert softer == pytest.approx(wanted, abs=2.5)


def test_every_bad_recording_is_named(tmp_path: Path) -> None:
    source = folder(tmp_path / "joe", (1, 2))
    (source / "empty.wav").write_bytes(b"")
    (source / "broken.mp3").write_bytes(b"no sound" * 50)
    write(source / "header.wav", np.zeros(0, np.float32))
    write(source / "silent.wav", np.zeros(RATE * 2, np.float32))
    (source / "silent.txt").write_text("Nothing is heard.")
    write(source / "copy.flac", sentence(1) * 0.7)
    (source / "copy.txt").write_text(TEXTS[0])
    write(source / "untold.wav", sentence(3))
    write(source / "odd.wav", sentence(4))
    (source / "odd.txt").write_text("?!")
    write(source / "short.wav", sentence(5)[:9000])
    (source / "short.txt").write_text("She closed.")
    write(source / "driven.wav", np.clip(sentence(6) * 20, -0.9, 0.9))
    (source / "driven.txt").write_text(TEXTS[5])
    write(source / "unfit.wav", sentence(5) * 0.9)
    (source / "unfit.txt").write_text("No.")
    (source / "lost.txt").write_text("Nobody.")
    result = run(source, tmp_path / "out")
    found = by_recording(result)
    kinds = {name: [kind for kind, _ in one.rejections] for name, one in found.items()}
    assert kinds == {
        "s1.wav": ["copy"],
        "s2.wav": [],
        "empty.wav": ["recording"],
        "broken.mp3": ["recording"],
        "header.wav": ["recording"],
        "silent.wav": ["silence"],
        "copy.flac": [],
        "untold.wav": ["text"],
        "odd.wav": ["text"],
        "short.wav": ["length"],
        "driven.wav": ["clipping"],
        "unfit.wav": ["fit"],
    }
    assert "no bytes at all" in found["empty.wav"].rejections[0][1]
    assert (
        found["s1.wav"].rejections[0][1] == f"It is the same recording as {found['copy.flac'].id}."
    )
    assert [one.where for one in result.problems] == ["lost.txt"]
    assert {clip.path for clip in read_data(tmp_path / "out").clips} == {
        found["s2.wav"].path,
        found["copy.flac"].path,
    }


def test_forcing_in(tmp_path: Path) -> None:
    source = folder(tmp_path / "joe", (1, 2))
    (source / "s1.txt").write_text("No.")
    write(source / "untold.wav", sentence(3))
    found = by_recording(run(source, tmp_path / "out"))
    assert not found["s1.wav"].used
    result = run(source, tmp_path / "out", forced=[found["s1.wav"].id])
    assert by_recording(result)["s1.wav"].used
    rows = read_data(tmp_path / "out").clips
    assert [clip.forced for clip in rows if clip.path == found["s1.wav"].path] == [True]
    with pytest.raises(DataError, match="no clip 'x1' to force in, nor 1 others"):
        run(source, tmp_path / "out", forced=["x1", "x2"])
    with pytest.raises(DataError, match="can't be forced in: There is no text for it"):
        run(source, tmp_path / "out", forced=[found["untold.wav"].id])


def test_text_features_are_made_once_and_have_a_row_for_each_piece(tmp_path: Path) -> None:
    source = folder(tmp_path / "joe", (1, 2))
    settings = Settings(22_050, mos=False, feature_models={"en": "all-MiniLM-L6-v2"})
    run(source, tmp_path / "out", settings)
    data = read_data(tmp_path / "out")
    assert data.facts.feature_models == {"en": "all-MiniLM-L6-v2"}
    times = {}
    for clip in data.clips:
        path = data.at(clip.features["en"])
        rows = np.load(path)
        assert rows.shape == (len(clip.word2ph), 384)
        assert np.isfinite(rows).all()
        times[path] = path.stat().st_mtime_ns
    run(source, tmp_path / "out", settings)
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())
    missing = run(
        source, tmp_path / "no", Settings(22_050, mos=False, feature_models={"en": "none-such"})
    )
    assert "none-such" in " ".join(missing.notes)


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    source = folder(tmp_path / "joe", (1,))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.doc").write_text("x")
    with pytest.raises(OutputError, match="isn't empty, and not one that"):
        run(source, tmp_path / "full")
    with pytest.raises(OutputError, match="is a file"):
        run(source, source / "s1.wav")
    from filelock import FileLock

    (tmp_path / "busy" / "cache").mkdir(parents=True)
    with (
        FileLock(tmp_path / "busy" / "cache" / "lock"),
        pytest.raises(OutputError, match="Another preparation is writing"),
    ):
        run(source, tmp_path / "busy")


def test_a_full_disk_is_told_and_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, out = folder(tmp_path / "joe"), tmp_path / "out"
    before: Callable[..., int] = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        if data[:4] == b"fLaC":
            before(self, data[:1000])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return before(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="the disk is full"):
        run(source, out)
    assert not list(out.rglob("*.flac")) + list(out.rglob("*.part"))
    monkeypatch.undo()
    assert len(run(source, out).used) == 3


def test_more_validation_than_clips(tmp_path: Path) -> None:
    source = folder(tmp_path / "joe", (1, 2))
    with pytest.raises(DataError, match="2 clips can't be held back for validation: 2 are used"):
        run(source, tmp_path / "out", Settings(22_050, mos=False, validation=2))


@pytest.mark.parametrize(
    "wrong",
    [
        {"sampling_rate": 4000},
        {"shortest": 5.0, "longest": 4.0},
        {"pause": 0.0},
        {"level": 3.0},
        {"language": "fr"},
    ],
)
def test_settings_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Settings(**wrong)


def test_memory_does_not_grow_with_the_recording(tmp_path: Path) -> None:
    import tracemalloc

    peaks = []
    for copies in (1, 3):
        samples, _ = joined(list(range(1, 7)) * 2 * copies)
        write(tmp_path / str(copies) / "long.wav", samples)
        del samples
        tracemalloc.start()
        result = run(
            tmp_path / str(copies),
            tmp_path / f"out{copies}",
            Settings(16_000, mos=False, longest=4),
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(result.candidates) == 12 * copies
    assert peaks[1] < 1.5 * peaks[0] + 2e6
