"""Lexicons on disk: whole or not at all, one change at a time, read again only when changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vinovits.errors import LexiconError, OutputError
from vinovits.lexicons import (
    SHIPPED,
    add,
    changing,
    entries_of,
    for_voice,
    load,
    user_file,
    voice_file,
)
from vinovits.text.lexicon import LexiconEntry
from vinovits.text.lexicon.formats import to_json
from vinovits.text.script import plain


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VINOVITS_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def put(path: Path, *entries: LexiconEntry) -> None:
    with changing(path) as kept:
        add(kept, entries)


def tomato(sound: str, priority: int = 5) -> LexiconEntry:
    return LexiconEntry("tomato", sound, "en", priority=priority)


def test_of_a_voice_the_users_own_entries_come_first_then_what_came_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "ann"
    folder.mkdir()

    def said() -> str:
        script = for_voice("Ann", folder).applied(plain("tomato"), ["en"])
        return script.said[0].reading if script.said else ""

    assert said() == ""
    put(user_file(), tomato("T AH1"))
    assert said() == "T AH1"
    (folder / SHIPPED).write_text(to_json([tomato("T EY1")]), encoding="utf-8")
    assert said() == "T EY1"
    put(voice_file("Ann"), tomato("T OW1"))
    assert said() == "T OW1"
    put(voice_file("Bob"), tomato("T IY1", 10))
    assert said() == "T OW1"
    put(user_file(), tomato("T AH1", 6))
    assert said() == "T AH1"


def test_files_are_read_again_only_when_they_have_changed(tmp_path: Path) -> None:
    put(user_file(), tomato("T AH1"))
    before = for_voice("Ann", tmp_path)
    assert for_voice("Ann", tmp_path) is before
    put(voice_file("Ann"), tomato("T OW1"))
    after = for_voice("Ann", tmp_path)
    assert after is not before
    assert [entry.reading for entry in after] == ["T OW1", "T AH1"]
    user_file().unlink()
    assert [entry.reading for entry in for_voice("Ann", tmp_path)] == ["T OW1"]


def test_names_of_voices_make_names_of_files(data: Path) -> None:
    assert voice_file("Ann (f1) 橋").name == "Ann (f1) 橋.json"
    names = ['a:b"c', "a?b", "a%3Fb", "..."]
    paths = [voice_file(name) for name in names]
    assert len(set(paths)) == len(names)
    for path in paths:
        assert path.parent == data / "lexicons" / "voices"
        assert not set(path.name) & set('<>:"|?*')


def test_an_entry_makes_way_for_one_of_the_same_word_language_and_context() -> None:
    entries: list[LexiconEntry] = []
    others = [
        LexiconEntry("tomato", "トマト:1", "ja"),
        LexiconEntry("tomato", "T AH1", "en", ("pot",)),
    ]
    assert add(entries, [tomato("T AH1"), *others]) == []
    assert add(entries, [tomato("T EY1"), others[0]]) == [tomato("T AH1")]
    assert entries == [tomato("T EY1"), *others]


def test_a_loop_changes_nothing() -> None:
    put(user_file(), LexiconEntry("a", "=b c"))
    before = user_file().read_bytes()
    with pytest.raises(LexiconError, match="a -> b -> a"):
        put(user_file(), tomato("T AH1"), LexiconEntry("b", "=an a"))
    assert user_file().read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [b"{", b"", b"[]", b'{"format": 1, "entries": [{"written": "a"}]}', b"\xff", b'{"format": 9}'],
)
def test_a_broken_file_is_named_and_stays(content: bytes, tmp_path: Path) -> None:
    path = user_file()
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    for use in (
        lambda: put(path, tomato("T AH1")),
        lambda: load(path),
        lambda: for_voice("Ann", tmp_path),
    ):
        with pytest.raises(LexiconError) as caught:
            use()
        assert str(path) in str(caught.value)
        assert "Repair" in str(caught.value)
    assert path.read_bytes() == content


def test_what_cannot_be_read_or_written_is_told() -> None:
    user_file().mkdir(parents=True)
    with pytest.raises(LexiconError, match="is no file"):
        load(user_file())
    voice_file("Ann").parent.write_bytes(b"")
    with pytest.raises(OutputError, match="can't be written"):
        put(voice_file("Ann"), tomato("T AH1"))


def test_a_failing_change_leaves_the_file_as_it_was() -> None:
    put(user_file(), tomato("T AH1"))

    def fail() -> None:
        with changing(user_file()) as entries:
            entries.clear()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert entries_of(user_file()) == [tomato("T AH1")]
    put(user_file(), tomato("T EY1"))  # the lock is free again


SCRIPT = """
import sys
from vinovits.lexicons import add, changing, user_file
from vinovits.text.lexicon import LexiconEntry
for number in range(40):
    with changing(user_file()) as entries:
        add(entries, [LexiconEntry(f"{sys.argv[1]}{number}", "=x")])
"""


def test_two_processes_at_once_lose_nothing() -> None:
    both = [
        subprocess.Popen([sys.executable, "-c", SCRIPT, name], env=dict(os.environ))
        for name in ("a", "b")
    ]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    words = {entry.written for entry in entries_of(user_file())}
    assert words == {f"{name}{number}" for name in "ab" for number in range(40)}
