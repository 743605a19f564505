from __future__ import annotations

from vinovits.books.casting import Cast, Pauses
from vinovits.books.model import Block, Book, Chapter, Include, Kind
from vinovits.books.plan import make_plan
from vinovits.text.lexicon import LexiconEntry

BOOK = Book(
    "T",
    "A",
    (
        Chapter(
            "One",
            (
                Block(Kind.HEADING, "One", 1),
                Block(Kind.TEXT, "First. “Go,” he said."),
                Block(Kind.BREAK, ""),
                Block(Kind.NOTE, "A note."),
                Block(Kind.TEXT, "***"),
                Block(Kind.TEXT, "Last."),
            ),
        ),
        Chapter("Plates", (Block(Kind.TABLE, "a, b"),)),
        Chapter("Two", (Block(Kind.HEADING, "Two", 1), Block(Kind.TEXT, "x " * 1200))),
    ),
)
CAST = Cast(
    {"narrator": {"voice": "joe", "seed": 1}, "dialogue": {"speed": 1.1}},
    pauses=Pauses(paragraph=0.5, heading=1.0, scene=1.5, chapter=2.5, turn=0.1),
)


def test_a_book_becomes_units_with_their_silence() -> None:
    plan = make_plan(BOOK, CAST, Include())
    spoken = [(unit.text, unit.silence) for unit in plan.units[:5]]
    assert spoken == [
        ("One", 1.0),
        ("First.", 0.1),
        ("“Go,”", 0.1),
        ("he said.", 1.5),
        ("Last.", 2.5),
    ]
    assert [chapter.title for chapter in plan.chapters] == ["One", "Two"]
    assert [(chapter.first, chapter.end) for chapter in plan.chapters] == [(0, 5), (5, 8)]
    assert plan.units[2].settings == {"seed": 1, "speed": 1.1, "markup": "plain"}
    assert [unit.number for unit in plan.units] == list(range(8))


def test_what_is_included_changes_the_units() -> None:
    everything = make_plan(BOOK, CAST, Include(notes=True, tables=True))
    assert [chapter.title for chapter in everything.chapters] == ["One", "Plates", "Two"]
    assert "A note." in [unit.text for unit in everything.units]


def test_a_word_of_the_lexicon_changes_only_units_that_have_it() -> None:
    before = make_plan(BOOK, CAST, Include())
    after = make_plan(BOOK, CAST, Include(), [LexiconEntry("last", "L AE1 S T", "en")])
    changed = [
        unit.text
        for unit, other in zip(before.units, after.units, strict=True)
        if unit.settings != other.settings
    ]
    assert changed == ["Last."]
    assert before.name != after.name
    assert before.name == make_plan(BOOK, CAST, Include()).name
