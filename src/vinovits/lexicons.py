"""Lexicons that are kept: the user's, one for each voice, and those that come with voices."""

from __future__ import annotations

from pathlib import Path

from vinovits.text.lexicon import Lexicon


def for_voice(name: str, folder: Path) -> Lexicon:
    """What counts when a voice speaks: the user's entries for it, those in its folder, the user's.

    Files that haven't changed aren't read again.

    Args:
        name: The voice's, as its manifest has it.
        folder: Where it lies; a lexicon.json in it came with the voice.

    Raises:
        LexiconError: A file can't be read, or isn't a lexicon.
    """
    return Lexicon()


def read_lexicon(path: Path, kind: str = "auto") -> Lexicon:
    """A lexicon from a file that the user names (`say --lexicon FILE`).

    Args:
        path: The file.
        kind: "csv", "json", "cmudict", "voicevox", "tsv", "pls", or "auto" for what it looks like.

    Raises:
        LexiconError: It can't be read, or holds what can't be right; the message names the lines.
    """
    return Lexicon()
