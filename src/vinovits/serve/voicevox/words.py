"""VOICEVOX's user dictionary: the Japanese words of the user's lexicon, under UUIDs."""

from __future__ import annotations

import threading
import unicodedata
import uuid
from collections.abc import Mapping, Sequence

from vinovits import lexicons
from vinovits.errors import LexiconError, TextError
from vinovits.serve.details import refuse
from vinovits.serve.voicevox.models import UserDictWord
from vinovits.text.japanese.phrases import phones_of, written_out
from vinovits.text.lexicon import LexiconEntry, checked
from vinovits.text.notation import to_reading

_SPACE = uuid.UUID("8d2f3a0e-51b5-4a8e-9a9f-0d0f7a3c9b11")
"""Ours: words become UUIDs in it."""
_MOST_WORDS = 20_000
"""Of the lexicon: each request of a voice goes by them."""


class Words:
    """The words that clients see, change and add; each is an entry of the user's lexicon."""

    def __init__(self) -> None:
        """Know no other names of words yet than those that they have by themselves."""
        self._aliases: dict[str, str] = {}
        self._lock = threading.Lock()

    def all(self) -> dict[str, UserDictWord]:
        """The words by UUID. Entries that hold in some sentences only aren't among them."""
        entries = lexicons.entries_of(lexicons.user_file())
        named = {surface: key for key, surface in self._aliases.items()}
        return {
            named.get(entry.written, _key(entry.written)): _word(entry)
            for entry in entries
            if _is_ours(entry)
        }

    def add(self, word: UserDictWord) -> str:
        """Add a word, or change the one that is written so.

        Returns:
            Its UUID.

        Raises:
            ApiError: It can't be right.
        """
        entry = _entry(word)
        with lexicons.changing(lexicons.user_file()) as entries:
            lexicons.add(entries, [entry])
            _check_count(entries)
        return self._key_of(entry.written)

    def change(self, key: str, word: UserDictWord) -> None:
        """Put another word in the place of one; it keeps its UUID while the server runs.

        Raises:
            ApiError: There is none, or the new one can't be right.
        """
        entry = _entry(word)
        surface = self._surface(key)
        with lexicons.changing(lexicons.user_file()) as entries:
            entries[:] = [one for one in entries if not (_is_ours(one) and one.written == surface)]
            lexicons.add(entries, [entry])
        with self._lock:
            if _key(entry.written) != key:
                self._aliases[key] = entry.written

    def remove(self, key: str) -> None:
        """Remove a word.

        Raises:
            ApiError: There is none.
        """
        surface = self._surface(key)
        with lexicons.changing(lexicons.user_file()) as entries:
            entries[:] = [one for one in entries if not (_is_ours(one) and one.written == surface)]
        with self._lock:
            self._aliases.pop(key, None)

    def take(self, words: Mapping[str, UserDictWord], *, override: bool) -> None:
        """Add many words.

        Args:
            words: By UUID.
            override: Change words that are there already.

        Raises:
            ApiError: One can't be right: none is added.
        """
        new = [_entry(word) for word in words.values()]
        with lexicons.changing(lexicons.user_file()) as entries:
            there = {one.written for one in entries if _is_ours(one)}
            lexicons.add(entries, [one for one in new if override or one.written not in there])
            _check_count(entries)
        with self._lock:
            for key, entry in zip(words, new, strict=True):
                if key != _key(entry.written) and entry.written not in there:
                    self._aliases[key] = entry.written

    def _surface(self, key: str) -> str:
        found = self.all().get(key)
        if found is None:
            raise refuse(422, "There is no word with this UUID.")
        return _narrow(found.surface)

    def _key_of(self, written: str) -> str:
        with self._lock:
            return next(
                (key for key, surface in self._aliases.items() if surface == written),
                _key(written),
            )


def _check_count(entries: Sequence[LexiconEntry]) -> None:
    if len(entries) > _MOST_WORDS:
        raise refuse(422, f"The lexicon has at most {_MOST_WORDS} words.")


def _key(written: str) -> str:
    return str(uuid.uuid5(_SPACE, written))


def _is_ours(entry: LexiconEntry) -> bool:
    is_kana = not entry.alias and bool(written_out(entry.reading.partition(":")[0]))
    return is_kana and entry.language in ("", "ja") and not entry.context


def _word(entry: LexiconEntry) -> UserDictWord:
    kana, _, accent = entry.reading.partition(":")
    moras = len(written_out(kana))
    return UserDictWord(
        surface=_wide(entry.written),
        priority=entry.priority,
        yomi=kana,
        pronunciation=kana,
        accent_type=min(int(accent), moras) if accent.isdecimal() else 0,
        mora_count=moras,
    )


def _entry(word: UserDictWord) -> LexiconEntry:
    """The entry of a lexicon.

    Raises:
        ApiError: The word can't be right.
    """
    pronunciation = word.pronunciation
    moras = written_out(pronunciation)
    if not moras or not all(phones_of(mora)[1] for mora in moras):
        raise refuse(422, f"The pronunciation {pronunciation!r:.60} isn't katakana.")
    if word.accent_type > len(moras):
        raise refuse(
            422,
            f"The accent_type {word.accent_type} is behind the last of {len(moras)} moras.",
        )
    try:
        language, reading = to_reading(f"{pronunciation}:{word.accent_type}", "kana")
        return checked(
            LexiconEntry(_narrow(word.surface), reading, language, priority=word.priority)
        )
    except (LexiconError, TextError) as error:
        raise refuse(422, str(error)) from None


def _narrow(surface: str) -> str:
    """A word as texts have it: VOICEVOX writes ASCII in full width."""
    return unicodedata.normalize("NFKC", surface).strip()


def _wide(written: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in written)
