from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vinovits.books.casting import Cast, plain_cast, read_cast
from vinovits.books.model import Block, Kind
from vinovits.errors import UsageError


@pytest.fixture
def cast(tmp_path: Path) -> Cast:
    path = tmp_path / "cast.yaml"
    path.write_text(
        """
narrator: {voice: joe, speed: 0.95}
dialogue: {noise: 0.7}
headings: {speed: 0.8}
speakers:
  Ann: {voice: other, speaker: F1}
  Bob: tiny
rules:
  - {speaker: Ann, says: "Ann (said|cried)"}
  - {speaker: Bob, line: "^Bob: "}
pauses: {paragraph: 0.4}
""",
        encoding="utf-8",
    )
    return read_cast(path, {"voice": "default", "seed": 3})


def turns(cast: Cast, text: str, kind: Kind = Kind.TEXT) -> list[tuple[str, str]]:
    return cast.turns(Block(kind, text))


def test_roles_complete_the_narrators_settings(cast: Cast) -> None:
    assert cast.role("narrator") == {"voice": "joe", "speed": 0.95, "seed": 3}
    assert cast.role("Ann") == {"voice": "other", "speaker": "F1", "speed": 0.95, "seed": 3}
    assert cast.role("Bob")["voice"] == "tiny"
    assert cast.pauses.paragraph == 0.4
    assert cast.pauses.chapter == 2.5


def test_what_is_in_quotes_is_spoken_by_who_says_it(cast: Cast) -> None:
    assert turns(cast, "“Go,” Ann said. “Now!”") == [
        ("Ann", "“Go,”"),
        ("narrator", "Ann said."),
        ("Ann", "“Now!”"),
    ]
    assert turns(cast, 'He said "no" to it.') == [
        ("narrator", "He said"),
        ("dialogue", '"no"'),
        ("narrator", "to it."),
    ]
    assert turns(cast, "他说：“好。”") == [("narrator", "他说："), ("dialogue", "“好。”")]
    assert turns(cast, "「行こう") == [("dialogue", "「行こう")]


def test_lines_and_tags_name_their_speakers(cast: Cast) -> None:
    assert turns(cast, "Bob: I am here.") == [("Bob", "I am here.")]
    tagged = "And [speaker Ann]she said[/speaker] so."
    assert turns(cast, tagged) == [("narrator", "And"), ("Ann", "she said"), ("narrator", "so.")]
    # A name that the cast doesn't have is one of the voice.
    other = "And [speaker Eve]she said[/speaker] so."
    assert turns(cast, other) == [("narrator", other)]
    assert turns(cast, "Chapter 1", Kind.HEADING) == [("headings", "Chapter 1")]


def test_markup_is_not_cut_in_the_middle(cast: Cast) -> None:
    text = '[slow]He said "no[/slow]" again.'
    assert turns(cast, text) == [("narrator", text)]


@given(st.text(alphabet='ab.,“”"「」 ', max_size=40))
def test_nothing_is_lost_between_turns(text: str) -> None:
    cast = Cast({"narrator": {"voice": "a"}, "dialogue": {"voice": "b"}})
    joined = "".join(part for _, part in turns(cast, text))
    assert joined.replace(" ", "") == text.replace(" ", "")
    for role, part in turns(cast, text)[1:]:
        assert any(character.isalnum() for character in part), (role, part)


def test_one_voice_reads_all() -> None:
    cast = plain_cast({"voice": "joe"})
    assert turns(cast, "“Go,” he said.") == [("narrator", "“Go,” he said.")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "isn't a mapping"),
        ("narator: joe", "Did you mean 'narrator'"),
        ("narrator: {voice: joe, sped: 1}", "Did you mean 'speed'"),
        ("rules: [{speaker: Anne, says: x}]\nspeakers: {Ann: joe}", "Did you mean 'Ann'"),
        ("rules: [{speaker: Ann}]\nspeakers: {Ann: joe}", "needs `says` or `line`"),
        ("rules: [{speaker: Ann, says: '('}]\nspeakers: {Ann: joe}", "no regular expression"),
        ("pauses: {chapter: long}", "0 to 60 seconds"),
        ("pauses: {chapters: 1}", "Did you mean 'chapter'"),
        ("quotes: [a]", "no pair of quotes"),
        ("a: [", "isn't YAML"),
        ("speakers: {narrator: joe}", "name of a role"),
        ("!!python/object/apply:os.system [id]", "isn't YAML"),
    ],
)
def test_a_wrong_cast_is_told(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "cast.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        read_cast(path, {"voice": "joe"})


def test_a_cast_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read: no such file"):
        read_cast(tmp_path / "no.yaml", {"voice": "joe"})
