"""Lists of recordings and texts: `path|speaker|language|text`, LJSpeech's metadata.csv, and kin."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from vinovits.errors import DataError
from vinovits.prepare.recording import SUFFIXES
from vinovits.train.text_files import read_text

LANGUAGES = {
    **dict.fromkeys(("zh", "cn", "zh-cn", "cmn", "chinese", "mandarin"), "zh"),
    **dict.fromkeys(("jp", "ja", "ja-jp", "jpn", "japanese"), "ja"),
    **dict.fromkeys(("en", "en-us", "en-gb", "eng", "english"), "en"),
}
"""Codes by what lists call the languages, in small letters."""

_SEPARATORS = {"|": "", "｜": "the full-width ｜", "\t": "tabs", ";": "semicolons", ",": "commas"}
_LOOKED_AT = 30
"""Lines that tell what a file is."""
_BAD_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a list."""

    path: str
    """As it stands there."""
    speaker: str
    """"" where the list has none."""
    language: str
    """Its code, or ""."""
    text: str
    where: str
    """The file and the line, for people."""


def looks_like_list(path: Path) -> bool:
    """Whether a file seems to name recordings, line by line."""
    try:
        text, _ = read_text(path)
    except DataError:
        return path.suffix.lower() == ".list" or path.name.casefold() == "metadata.csv"
    lines = [line for line in text.split("\n")[: _LOOKED_AT * 2] if line.strip()][:_LOOKED_AT]
    if not lines:
        return False
    if path.suffix.lower() == ".list" or path.name.casefold() == "metadata.csv":
        return True
    split = [line.split(separator) for separator in _SEPARATORS for line in lines]
    named = sum(len(parts) > 1 and _is_recording(parts[0]) for parts in split)
    barred = sum(1 < line.count("|") + 1 <= 7 for line in lines)
    return named > len(lines) / 2 or barred > len(lines) * 0.8


def read_list(path: Path, name: str) -> tuple[list[Entry], list[tuple[str, str]], list[str]]:
    """Read a list.

    Args:
        path: The file.
        name: As it is called in messages.

    Returns:
        Its lines; for those that make no sense where they are and what is wrong; and notes.

    Raises:
        DataError: It can't be read, or isn't a list.
    """
    text, note = read_text(path)
    notes = [note] if note else []
    numbered = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not numbered:
        return [], [(name, "The list is empty.")], notes
    separator = _separator([line for _, line in numbered])
    if separator is None:
        raise DataError(
            f"{name} isn't a list that can be read: no line has fields between | signs. Each line "
            f"is to be path|speaker|language|text; the first is {numbered[0][1][:60]!r}."
        )
    if separator != "|":
        notes.append(
            f"{name} has {_SEPARATORS[separator]} between its fields where | is usual; it was read "
            "so."
        )
    split = {n: [part.strip() for part in line.split(separator)] for n, line in numbered}
    width = Counter(len(parts) for parts in split.values() if len(parts) > 1).most_common(1)[0][0]
    entries: list[Entry] = []
    bad: list[tuple[str, str]] = []
    for n, parts in split.items():
        where = f"{name}, line {n}"
        made = _entry(parts, width, separator, where)
        if isinstance(made, Entry):
            entries.append(made)
        else:
            bad.append((where, made))
    if len(bad) > _BAD_SHOWN:
        bad = [*bad[:_BAD_SHOWN], (name, f"{len(bad) - _BAD_SHOWN} more lines make no sense.")]
    return entries, bad, notes


def _separator(lines: list[str]) -> str | None:
    """What stands between the fields of most lines."""
    for separator in _SEPARATORS:
        split = [line.split(separator) for line in lines]
        several = [parts for parts in split if len(parts) > 1]
        if separator == "|" and len(several) >= len(lines) / 2:
            return separator
        if sum(_is_recording(parts[0]) for parts in several) >= len(lines) / 2:
            return separator
    # Names without suffixes, as LJSpeech has them, but with tabs: one or two words, then a text.
    tabs = [line.split("\t") for line in lines]
    if all(len(parts) > 1 and " " not in parts[0].strip() for parts in tabs):
        return "\t"
    return "|" if any("|" in line for line in lines) else None


def _entry(parts: list[str], width: int, separator: str, where: str) -> Entry | str:
    """One line; or a sentence on what is wrong with it."""
    if len(parts) < 2:
        return (
            f"The line has no {'|' if separator == '|' else _SEPARATORS[separator]} in it, where "
            "the others have. It is passed over."
        )
    if not parts[0]:
        return "The line names no recording. It is passed over."
    language = LANGUAGES.get(parts[2].casefold()) if len(parts) >= 4 else None
    if width >= 4 or language:
        if len(parts) < 4:
            return (
                f"The line has {len(parts)} fields, where path|speaker|language|text are four. It "
                "is passed over."
            )
        if language is None and parts[2]:
            return (
                f"The language {parts[2]!r:.20} isn't known; take ZH, JP or EN. It is passed over."
            )
        # A cleaned list goes on with phones, tones and word2ph: they are made anew.
        cleaned = len(parts) >= 7 and _are_numbers(parts[-1]) and _are_numbers(parts[-2])
        text = separator.join(parts[3:-3] if cleaned else parts[3:])
        return Entry(parts[0], parts[1], language or "", text, where)
    # LJSpeech: name|text|text with numbers as words. The first is what our own reader wants.
    return Entry(parts[0], "", "", parts[1] or parts[-1], where)


def _are_numbers(field: str) -> bool:
    return bool(field) and all(part.isdecimal() for part in field.split())


def _is_recording(field: str) -> bool:
    return ("." + field.strip().strip('"').rpartition(".")[2].casefold()) in SUFFIXES
