"""From a text as the user gave it to a script: what markup and lexicons say lies beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from vinovits.errors import UsageError
from vinovits.lexicons import for_voice, load, read_lexicon, user_file
from vinovits.text.checks import MAX_CHARACTERS, check_text
from vinovits.text.lexicon import Lexicon
from vinovits.text.markup import Markup, parse
from vinovits.text.script import Script, plain

Lexicons = Lexicon | Mapping[str, str] | str | Path | Literal[False] | None


def to_script(text: str, markup: Markup, lexicon: Lexicon, languages: Sequence[str]) -> Script:
    """Take in what markup and a lexicon say of a text, and refuse one that can't be spoken.

    Args:
        text: As the user gave it.
        markup: What it is written in.
        lexicon: Of the user and the voice.
        languages: Codes of those that it may be in.

    Raises:
        TextError: Nothing in the text can be spoken, it is too long, or its markup is broken.
        LanguageError: It is in none of the languages.
        UsageError: It is no text, or there is no such markup.
    """
    if not isinstance(text, str):
        raise UsageError(f"The text must be a str, not {type(text).__name__}.")
    # What is too long is refused before its markup is looked through.
    script = parse(text, markup) if len(text) <= MAX_CHARACTERS else plain(text)
    check_text(script, languages)
    return lexicon.applied(script, languages)


def lexicon_of(given: Lexicons, voice: str, folder: Path | None) -> Lexicon:
    """The lexicons that count: the caller's, then those of the user and of the voice.

    Args:
        given: The setting `lexicon`.
        voice: Name of the voice.
        folder: That of the voice; None: no voice in particular.

    Raises:
        LexiconError: One can't be right.
        UsageError: `given` is of no kind that the setting takes.
    """
    if given is False or given == "none":
        return Lexicon()
    if given is None:
        own = Lexicon()
    elif isinstance(given, Lexicon):
        own = given
    elif isinstance(given, Mapping):
        own = Lexicon.of(given)
    elif isinstance(given, str | Path):
        own = read_lexicon(Path(given))
    else:
        raise UsageError(
            "The setting lexicon is a Lexicon, a mapping of words to readings, a file, or False, "
            f"not {type(given).__name__}."
        )
    behind = load(user_file()) if folder is None else for_voice(voice, folder)
    return own.over(behind)
