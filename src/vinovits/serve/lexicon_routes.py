"""The lexicons that the server's voices read by: shown, added to, taken from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, cast

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from vinovits import lexicons
from vinovits.errors import LexiconError
from vinovits.serve.bodies import Name
from vinovits.serve.errors import ApiError
from vinovits.serve.services import Services
from vinovits.text.lexicon import LexiconEntry, checked
from vinovits.text.lexicon.entry import (
    LONGEST_READING,
    LONGEST_WRITTEN,
    MOST_CONTEXT,
    PRIORITIES,
    USUAL_PRIORITY,
)

_MOST_AT_ONCE = 1000
_MOST_ENTRIES = 20_000
"""Of one lexicon: each request of a voice goes by them."""

Language = Literal["", "zh", "ja", "en"]
Word = Annotated[str, Field(min_length=1, max_length=LONGEST_WRITTEN)]


class Entry(BaseModel):
    """How a word is read."""

    model_config = ConfigDict(strict=True, extra="forbid")

    written: Word = Field(description="The word as texts have it.", examples=["tomato"])
    reading: str = Field(
        min_length=1,
        max_length=LONGEST_READING,
        description='ARPAbet, pinyin with tones, kana, IPA between slashes; or "=" and a text.',
        examples=["T AH0 M AA1 T OW0"],
    )
    language: Language = Field("", description="Of the reading, where it doesn't tell.")
    context: list[Word] = Field(
        default=[],
        max_length=MOST_CONTEXT,
        description="The entry counts only in sentences with one of these words.",
    )
    priority: int = Field(
        USUAL_PRIORITY,
        ge=PRIORITIES[0],
        le=PRIORITIES[-1],
        description="Of several entries for a word the highest counts.",
    )

    def checked(self) -> LexiconEntry:
        """The entry as lexicons have it.

        Raises:
            LexiconError: It can't be right.
        """
        return checked(
            LexiconEntry(
                self.written, self.reading, self.language, tuple(self.context), self.priority
            )
        )


class Entries(BaseModel):
    """What a lexicon holds."""

    entries: list[Entry]


class Additions(BaseModel):
    """Entries to be added, all or none of them."""

    model_config = ConfigDict(strict=True, extra="forbid")

    entries: Annotated[list[Entry], Field(min_length=1, max_length=_MOST_AT_ONCE)]
    voice: Name | None = Field(None, description="For this voice only; by default for all.")


class Added(BaseModel):
    """What became of additions."""

    added: int
    changed: int
    """Those that took the place of another for the same word, language and context."""


class Removed(BaseModel):
    """How many entries are gone."""

    removed: int


def routes(services: Services) -> APIRouter:
    """The routes below /api/lexicon."""
    router = APIRouter(prefix="/api/lexicon", tags=["vinovits"])

    @router.get("")
    def entries(voice: Annotated[Name | None, Query()] = None) -> Entries:
        """The entries for all voices, or those for one."""
        return Entries(
            entries=[
                Entry(
                    written=entry.written,
                    reading=entry.reading,
                    language=cast(Any, entry.language),  # pydantic checks it
                    context=list(entry.context),
                    priority=entry.priority,
                )
                for entry in lexicons.entries_of(_file(services, voice))
            ]
        )

    @router.post("")
    def add(body: Additions) -> Added:
        """Add entries, or change those for the same word, language and context."""
        _check_allowed(services)
        path = _file(services, body.voice)
        try:
            new = [entry.checked() for entry in body.entries]
        except LexiconError as error:
            raise _wrong(error) from None
        with lexicons.changing(path) as kept:
            before = len(kept)
            try:
                changed = lexicons.add(kept, new)
            except LexiconError as error:
                raise _wrong(error) from None
            if len(kept) > _MOST_ENTRIES:
                raise ApiError(
                    413,
                    f"A lexicon has at most {_MOST_ENTRIES:,} entries.",
                    "too_many_entries",
                    param="entries",
                )
            return Added(added=len(kept) - before, changed=len(changed))

    @router.delete("")
    def remove(
        written: Annotated[Word, Query()],
        language: Annotated[Language | None, Query()] = None,
        voice: Annotated[Name | None, Query()] = None,
    ) -> Removed:
        """Take all entries of a word out, or those of one language."""
        _check_allowed(services)
        with lexicons.changing(_file(services, voice)) as kept:
            rest = [
                entry
                for entry in kept
                if entry.written != written or (language is not None and entry.language != language)
            ]
            removed = len(kept) - len(rest)
            if not removed:
                raise ApiError(404, f"There is no entry for {written!r:.80}.", "entry_not_found")
            kept[:] = rest
        return Removed(removed=removed)

    return router


def _file(services: Services, voice: str | None) -> Path:
    """The lexicon for all voices, or for one that there is."""
    if voice is None:
        return lexicons.user_file()
    for info in services.voices.infos():
        if info.name == voice:
            return lexicons.voice_file(info.manifest.name)
    raise ApiError(400, f"There is no voice {voice[:60]!r}.", "voice_not_found", param="voice")


def _check_allowed(services: Services) -> None:
    if not services.settings.change_lexicon:
        raise ApiError(
            403, "The lexicons of this server can't be changed by requests.", "lexicon_read_only"
        )


def _wrong(error: LexiconError) -> ApiError:
    return ApiError(400, str(error), "invalid_lexicon", param="entries")
