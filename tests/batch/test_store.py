"""Units are made once, and never lost: not by an error, a full disk, nor another process."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from vinovits.batch.join import join
from vinovits.batch.store import Unit, UnitStore, piece_key
from vinovits.engine.result import Chunk, PhoneTiming, SpokenSentence, WordTiming
from vinovits.errors import OutputError, UsageError
from vinovits.output.wav import pcm16
from vinovits.text.hidden import Shown, Stretch

RATE = 8000


def unit(number: int, text: str = "Hello.", start: int = 0) -> Unit:
    return Unit(number, text, start, "tiny", {"seed": number}, 0.25)


def sound(number: int) -> np.ndarray:
    return np.random.default_rng(number).uniform(-1, 1, RATE).astype(np.float32)


def chunks(number: int) -> Iterator[Chunk]:
    samples = sound(number)
    shown = Shown("Hello.", (Stretch(0, 2), Stretch(3, 5, 7)))
    word = WordTiming("Hello", 0, 5, 0.1, 0.9, "HH AH0", "dictionary")
    spoken = SpokenSentence(
        "Hello.", 0, 6, 0.0, 1.0, (word,), (PhoneTiming("hh", 0.1, 0.2),), ("a note",), shown=shown
    )
    yield Chunk(samples[:3000], 0, 0, False, spoken)
    yield Chunk(samples[3000:], 3000, 0, True, None)


def make(store: UnitStore, work: str, number: int) -> bool:
    key = piece_key("voice", store.unit(work, number).text, store.unit(work, number).settings)
    found = store.done(work, number, key)
    if not found:
        store.make(key, RATE, chunks(number))
        assert store.done(work, number, key)
    return not found


def test_what_is_done_is_there_after_a_restart_and_joined(tmp_path: Path) -> None:
    with UnitStore(tmp_path) as store:
        store.add("book", [unit(0), unit(1, start=8)], {"title": "A book"}, "ann")
        assert make(store, "book", 0)
        with pytest.raises(UsageError, match="already"):
            store.add("book", [unit(0)], {})
    with UnitStore(tmp_path) as store:
        [work] = store.works()
        assert (work.owner, work.data, work.state) == ("ann", {"title": "A book"}, "queued")
        assert store.waiting("book") == [1]
        assert store.progress("book").done == 1
        with pytest.raises(OutputError, match="Part 2"):
            join(store, "book", tmp_path / "a.wav")
        assert not (tmp_path / "a.wav").exists()
        assert make(store, "book", 1)
        assert not make(store, "book", 0)
        seconds = join(store, "book", tmp_path / "a.wav", [tmp_path / "a.json", tmp_path / "a.srt"])
        assert seconds == 2.25
        found, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
        silence = np.zeros(RATE // 4, np.int16)
        assert np.array_equal(found, np.concatenate([pcm16(sound(0)), silence, pcm16(sound(1))]))
        sentences = [one for _, piece in store.pieces("book") for one in piece.sentences]
        assert sentences[0] == next(chunks(0)).spoken


def test_the_same_is_made_once_and_stays_as_long_as_somebody_has_it(tmp_path: Path) -> None:
    with UnitStore(tmp_path) as store:
        store.add("one", [unit(0)], {})
        store.add("two", [unit(0)], {})
        assert make(store, "one", 0)
        assert not make(store, "two", 0)
        [(_, piece)] = store.pieces("two")
        store.remove("one")
        assert piece.path.exists()
        store.remove("two")
        assert not piece.path.exists()
        assert store.works() == []


def test_an_error_leaves_nothing_half(tmp_path: Path) -> None:
    def full() -> Iterator[Chunk]:
        yield next(chunks(0))
        raise OSError(errno.ENOSPC, "No space left on device")

    with UnitStore(tmp_path) as store:
        store.add("one", [unit(0)], {})
        with pytest.raises(OutputError, match="the disk is full"):
            store.make("ab" * 32, RATE, full())
        assert not store.done("one", 0, "ab" * 32)
        assert [path for path in (tmp_path / "pieces").rglob("*") if path.is_file()] == []
        assert store.failed("one", 0, "why") == 1
        assert store.unit("one", 0).error == "why"


def test_what_a_kill_or_a_power_cut_left_is_put_right(tmp_path: Path) -> None:
    with UnitStore(tmp_path) as store:
        store.add("one", [unit(0), unit(1)], {})
        make(store, "one", 0)
        make(store, "one", 1)
        [(_, piece), _] = store.pieces("one")
    piece.path.unlink()
    unknown = piece.path.with_name(f"{piece.path.parent.name}{'0' * 62}.flac")
    half = piece.path.with_name(".vinovits-1a.part")
    unknown.touch()
    half.touch()
    with UnitStore(tmp_path) as store:
        assert store.waiting("one") == [0]
        assert not unknown.exists()
        assert not half.exists()


def test_a_database_on_a_full_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def execute(self, *_: object) -> None:
            raise sqlite3.OperationalError("disk I/O error")

    with UnitStore(tmp_path) as store, monkeypatch.context() as patched:
        patched.setattr(store, "_database", Full())
        with pytest.raises(OutputError, match="disk I/O error"):
            store.waiting("one")
        full = shutil.disk_usage(tmp_path)._replace(free=1000)
        patched.setattr(shutil, "disk_usage", lambda folder: full)
        with pytest.raises(OutputError, match="the disk is full"):
            store.waiting("one")


def test_a_store_is_deleted_with_its_folder_but_nothing_else(tmp_path: Path) -> None:
    for name, others in (("own", []), ("shared", ["notes.txt"])):
        folder = tmp_path / name
        with UnitStore(folder) as store:
            store.add("one", [unit(0)], {})
            make(store, "one", 0)
            for other in others:
                (folder / other).touch()
            store.delete()
        left = [path.name for path in folder.iterdir()] if folder.exists() else []
        assert left == others
    assert not (tmp_path / "own").exists()


def test_recordings_that_somebody_else_has_there_stay(tmp_path: Path) -> None:
    foreign = [
        tmp_path / "pieces" / name
        for name in ("bach/prelude.flac", "bach/take.part", "ab/fugue.flac", "ab/.take.part")
    ] + [tmp_path / "pieces" / "bach" / f"{'0' * 64}.flac", tmp_path / "pieces" / "list.txt"]
    for path in foreign:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with UnitStore(tmp_path) as store:
        store.add("one", [unit(0)], {})
        make(store, "one", 0)
        [(_, piece)] = store.pieces("one")
        store.delete()
    assert not piece.path.exists()
    left = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert left == set(foreign)


def test_a_store_is_in_use_until_all_of_it_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted: list[str] = []
    unlink = Path.unlink

    def try_to_open(path: Path, missing_ok: bool = False) -> None:
        if not path.name.startswith(".vinovits") and path.name != ".lock":
            with pytest.raises(UsageError, match="in use"):
                UnitStore(tmp_path)
            deleted.append(path.suffix)
        unlink(path, missing_ok=missing_ok)

    with UnitStore(tmp_path) as store:
        store.add("one", [unit(0)], {})
        make(store, "one", 0)
        monkeypatch.setattr(Path, "unlink", try_to_open)
        store.delete()
    assert deleted[:2] == [".flac", ".db"]


def test_one_process_at_a_time_has_a_folder(tmp_path: Path) -> None:
    with UnitStore(tmp_path), pytest.raises(UsageError, match="in use"):
        UnitStore(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        UnitStore(tmp_path / "file")
