"""A lexicon: entries that are found in texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from vinovits.errors import LexiconError
from vinovits.text.lexicon.borders import runs_together
from vinovits.text.lexicon.entry import LexiconEntry, checked
from vinovits.text.lexicon.index import Index
from vinovits.text.lexicon.search import matches
from vinovits.text.reading import Said
from vinovits.text.script import Script, plain

_MOST_REPLACED = 100
"""Aliases within the text of one, so that a few entries can't grow to a book."""
_MOST_GROWTH = 1_000_000
"""Characters that aliases may add to a text: as many as a text may have."""


class _Budget:
    """How many aliases may still be replaced."""

    def __init__(self, left: int) -> None:
        self.left = left


class Lexicon:
    """The user's readings of words, ready to be found in texts.

    Of the words that begin at one character the longest counts; of several entries for it the one
    of the highest priority; of these that of the first lexicon (`over`); of these one with a
    context that is met, one with capitals, and one in the language of the sentence.
    """

    def __init__(self, *entries: LexiconEntry) -> None:
        """Make a lexicon.

        Args:
            entries: Their readings are checked when their words are first met; what isn't one is
                passed over with a warning. `Lexicon.of` tells at once.
        """
        self._layers: tuple[Index, ...] = (Index(entries),) if entries else ()
        self._expanded: dict[tuple[LexiconEntry, tuple[str, ...]], Script] = {}

    @classmethod
    def of(cls, readings: Mapping[str, str], language: str = "") -> Lexicon:
        """A lexicon of words without context.

        Args:
            readings: By the written word.
            language: Theirs; "" for what each reading tells.

        Raises:
            LexiconError: A word or a reading can't be right.
        """
        return cls(
            *(checked(LexiconEntry(word, said, language)) for word, said in readings.items())
        )

    def over(self, *others: Lexicon) -> Lexicon:
        """This lexicon with others behind it, in their order. It costs no time."""
        merged = Lexicon()
        merged._layers = (*self._layers, *(layer for other in others for layer in other._layers))
        return merged

    def __iter__(self) -> Iterator[LexiconEntry]:
        """All entries, the first lexicon's first."""
        return (entry for layer in self._layers for entry in layer.entries)

    def __len__(self) -> int:
        """How many entries there are."""
        return sum(len(layer.entries) for layer in self._layers)

    def applied(self, script: Script, languages: Sequence[str]) -> Script:
        """The script with the readings of this lexicon.

        Args:
            script: A text with what markup says of it; what has a reading there keeps it.
            languages: Codes of the languages that the voice speaks, as for `front_ends.read`:
                entries in others are passed over.

        Returns:
            The script with `Said` spans of the source "lexicon", and aliases in place of words.

        Raises:
            LexiconError: Aliases make the text longer by more than a million characters.
        """
        return self._applied(script, languages, (), _Budget(0)) if self._layers else script

    def _applied(
        self,
        script: Script,
        languages: Sequence[str],
        chain: tuple[LexiconEntry, ...],
        budget: _Budget,
    ) -> Script:
        """The script with readings and aliases.

        Args:
            script: The user's text, or that of the last alias of `chain`.
            languages: Codes.
            chain: Aliases that have led here. They aren't followed again: a loop, which lexicons
                may make together, ends.
            budget: What is left for those within an alias.
        """
        changes: list[tuple[int, int, str]] = []
        said: list[Said] = []
        growth = 0
        for start, end, entry, is_possessive in matches(script, languages, self._layers, chain):
            if not entry.alias:
                reading = entry.reading + (_possessive(entry.reading) if is_possessive else "")
                said.append(Said(start + growth, end + growth, reading, entry.language, "lexicon"))
                continue
            if chain:
                if not budget.left:
                    continue
                budget.left -= 1
            inner = self._expansion(entry, languages, chain, budget)
            # A word in place of a sign isn't to run into its neighbours: a→b.
            before = (
                changes[-1][2]
                if changes and changes[-1][1] == start
                else script.text[start - 1 : start]
            )
            gap = " " if runs_together(before[-1:], inner.text[:1]) else ""
            close = " " if runs_together(inner.text[-1:], script.text[end : end + 1]) else ""
            place = start + growth + len(gap)
            said += (
                replace(one, start=one.start + place, end=one.end + place) for one in inner.said
            )
            changes.append((start, end, f"{gap}{inner.text}{close}"))
            growth += len(changes[-1][2]) - (end - start)
            if growth > _MOST_GROWTH:
                raise LexiconError(
                    f"The aliases of the lexicon make the text more than {_MOST_GROWTH:,} "
                    "characters longer. Shorten them, or the text."
                )
        if changes:
            script = script.rewritten(changes)
        if not said:
            return script
        return replace(script, said=tuple(sorted((*script.said, *said), key=lambda s: s.start)))

    def _expansion(
        self,
        entry: LexiconEntry,
        languages: Sequence[str],
        chain: tuple[LexiconEntry, ...],
        budget: _Budget,
    ) -> Script:
        """The text of an alias with the readings of its words, for themselves."""
        own = [entry.language] if entry.language else []
        wanted = tuple(dict.fromkeys((*own, *languages)))
        if chain:
            return self._applied(plain(entry.alias), wanted, (*chain, entry), budget)
        if (entry, wanted) not in self._expanded:
            self._expanded[entry, wanted] = self._applied(
                plain(entry.alias), wanted, (entry,), _Budget(_MOST_REPLACED)
            )
        return self._expanded[entry, wanted]


def _possessive(reading: str) -> str:
    """The phones of 's behind an English word."""
    last = reading.split()[-1].rstrip("012")
    if last in ("S", "Z", "SH", "ZH", "CH", "JH"):
        return " IH0 Z"
    return " S" if last in ("P", "T", "K", "F", "TH") else " Z"
