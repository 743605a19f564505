"""What makes a text unspeakable, found in one pass before any work begins."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

from vinovits.errors import LanguageError, TextError
from vinovits.text.english import read
from vinovits.text.english.folding import fold, is_emoji
from vinovits.text.place import place
from vinovits.text.script import Script, plain

MAX_CHARACTERS = 1_000_000
MAX_WORD_LENGTH = 500
"""Letters and digits without anything between them, whether they make a word, a number or a key."""
_SHORT = 1200
"""Up to this length a text is read once to see whether a word is left of it."""
_CHARACTERS_PER_HOUR = 54_000
"""Read English runs at about 15 characters a second."""

_LANGUAGES = {"en": "English", "zh": "Chinese", "ja": "Japanese", "jp": "Japanese"}
_SCRIPTS = {
    "en": {"LATIN", "GREEK"},
    "zh": {"LATIN", "GREEK", "HAN"},
    "ja": {"LATIN", "GREEK", "HAN", "KANA"},
    "jp": {"LATIN", "GREEK", "HAN", "KANA"},
}
"""Scripts that each language's front end reads. Single Greek letters are symbols everywhere."""
_SCRIPT_NAMES = {
    "HAN": "Chinese",
    "KANA": "Japanese",
    "HANGUL": "Korean",
    "CYRILLIC": "Cyrillic",
    "BOPOMOFO": "Chinese",
    "YI": "Yi",
}
_UNICODE_SCRIPTS = {
    "CJK": "HAN",
    "KANGXI": "HAN",
    "HIRAGANA": "KANA",
    "KATAKANA": "KANA",
    "KATAKANA-HIRAGANA": "KANA",
    "HALFWIDTH": "KANA",
    "FULLWIDTH": "LATIN",
    "MODIFIER": "LATIN",
    "MATHEMATICAL": "LATIN",
    "DOUBLE-STRUCK": "LATIN",
    "SCRIPT": "LATIN",
    "BLACK-LETTER": "LATIN",
    "FEMININE": "LATIN",
    "MASCULINE": "LATIN",
    "MICRO": "GREEK",
    "OHM": "GREEK",
    "ANGSTROM": "LATIN",
    "KELVIN": "LATIN",
}
"""First words of Unicode names that aren't the name of the script."""
_SUPERSCRIPTS = frozenset("⁰¹²³⁴⁵⁶⁷⁸⁹")
_INVISIBLE = "invisible or control characters"
_GREEK_WORD = re.compile(r"(?:[\u0370-\u03ff\u1f00-\u1fff][\u0300-\u036f]*){3}")
_LETTER_OR_DIGIT = r"[^\W_\u2e80-\uff0f\uff5b-\uffdc]"
# The lookbehind lets a search begin at each word once, not at each of its letters.
_LONG_WORD = re.compile(rf"(?<!{_LETTER_OR_DIGIT}){_LETTER_OR_DIGIT}{{{MAX_WORD_LENGTH + 1},}}")


def check_text(text: str | Script, languages: Sequence[str]) -> None:
    """Refuse a text that can't be spoken, before any work is done on it.

    A text may hold words of languages that the voice lacks, as long as most of its letters are of
    those that it speaks. All voices read Latin letters, and Greek ones that stand alone. What has a
    given reading or language counts for neither side.

    Args:
        text: The text as the user gave it, or what was made of it; places in messages are those in
            the original.
        languages: Codes of the languages that the voice speaks: "en", "zh", "ja".

    Raises:
        TextError: The text is empty, only space, has nothing in it that can be spoken, is longer
            than a million characters, or holds a "word" or number of more than 500 letters and
            digits.
        LanguageError: More than half of the letters are of scripts that none of the languages
            writes.
    """
    original = text if isinstance(text, str) else text.original
    if not original:
        raise TextError("The text is empty. Give some words to speak.")
    if original.isspace():
        raise TextError("The text holds only spaces and line breaks. Give some words to speak.")
    if len(original) > MAX_CHARACTERS:
        hours = len(original) / _CHARACTERS_PER_HOUR
        raise TextError(
            f"The text has {len(original):,} characters, about {hours:.0f} "
            f"hours of speech; at most {MAX_CHARACTERS:,} are read in one go. Split it into "
            "several files, for example one for each chapter."
        )
    script = plain(text) if isinstance(text, str) else text
    if not script.text or script.text.isspace():
        raise TextError(
            "There is nothing to speak in the text: it holds only terminal codes, or scripts, "
            "styles and comments of a web page, or other markup. Add some words or numbers."
        )
    known = [code for code in (language.lower() for language in languages) if code in _SCRIPTS]
    _check_scripts(script, known)
    if not script.said:
        _check_speakable(script.text, known)
    _check_words(script)


def _check_speakable(text: str, languages: Sequence[str]) -> None:
    characters = set(text)
    if not any(_is_speakable(character) for character in characters):
        raise TextError(
            f"There is nothing to speak in the text: it holds only {_kinds(characters)}. "
            "Add some words or numbers."
        )
    if languages == ["en"] and len(text) <= _SHORT and next(read(text), None) is None:
        raise TextError(
            "There is nothing to speak in the text: it holds only tags, emoticons or signs "
            "that are silent. Add some words or numbers."
        )


def _check_words(script: Script) -> None:
    word = _LONG_WORD.search(script.text)
    if word:
        raise TextError(
            f"The text holds a {_kind_of_word(word[0])} "
            f'("{word[0][:20]}...") {_place(script, word)}; at most '
            f"{MAX_WORD_LENGTH} are read. Is it encoded data? Take it out, or put spaces in it."
        )


def _place(script: Script, found: re.Match[str]) -> str:
    return place(script.original, script.seen.origin(found.start()))


def _kind_of_word(word: str) -> str:
    if word.isdecimal():
        return f"number of {len(word):,} digits"
    return f"word of {len(word):,} letters" + ("" if word.isalpha() else " and digits")


def _check_scripts(script: Script, languages: Sequence[str]) -> None:
    allowed = set().union(*(_SCRIPTS[code] for code in languages)) if languages else set()
    text = _without(script.text, script.given_languages())
    own, foreign = 0, dict[str, str]()
    others = sum(len(match[0]) for match in _GREEK_WORD.finditer(text))
    for character, count in Counter(text).items():
        writing = _script(character)
        if writing in allowed or (character.isascii() and character.isalpha()):
            own += count
        elif writing:
            foreign[character] = writing
            others += count
    own -= sum(len(match[0]) for match in _GREEK_WORD.finditer(text))
    if others <= own:
        return
    runs = [re.compile(f"[{''.join(map(re.escape, foreign))}]+").search(text)] if foreign else []
    run = min(filter(None, [*runs, _GREEK_WORD.search(text)]), key=lambda match: match.start())
    language = _language(foreign.values(), foreign.get(run[0][0], "GREEK"))
    letters = run[0][:12] + ("..." if len(run[0]) > 12 else "")
    spoken = " and ".join(dict.fromkeys(_LANGUAGES[code] for code in languages)) or "no language"
    raise LanguageError(
        f'The text holds {language} letters ("{letters}") {_place(script, run)}, more than '
        f"others, but the voice speaks {spoken}. Take them out, or use a voice for that language.",
        language,
    )


def _without(text: str, stretches: Iterable[tuple[int, int, str]]) -> str:
    """The text with spaces in some stretches."""
    parts: list[str] = []
    position = 0
    for start, end, _ in stretches:
        parts += (text[position:start], " " * (end - start))
        position = end
    return "".join([*parts, text[position:]])


def _language(scripts: Iterable[str], first: str) -> str:
    """Name the language; Chinese characters beside kana or Hangul are Japanese or Korean."""
    found = set(scripts)
    if first == "HAN":
        first = next((s for s in ("KANA", "HANGUL") if s in found), first)
    return _SCRIPT_NAMES.get(first, first.capitalize())


def _script(character: str) -> str:
    """Script of a letter, "" for what is no letter."""
    if character.isascii() or not character.isalpha():
        return ""
    name = unicodedata.name(character, "")
    first = name.split(" ")[0]
    if first == "HALFWIDTH" and "HANGUL" in name:
        return "HANGUL"
    if first in ("IDEOGRAPHIC", "VERTICAL", "SQUARED", "CIRCLED", "PARENTHESIZED"):
        return ""
    return _UNICODE_SCRIPTS.get(first, first)


def _is_speakable(character: str) -> bool:
    if _script(character) not in ("", "LATIN", "GREEK"):
        return True  # were most letters of a script that can't be read, it would have been refused
    # Raised numbers are footnotes or powers: alone they aren't read.
    return any(c.isalnum() and c not in _SUPERSCRIPTS for c in fold(character).text)


def _kinds(characters: Iterable[str]) -> str:
    kinds = list(dict.fromkeys(filter(None, map(_kind, sorted(characters)))))
    if "emoji" in kinds and _INVISIBLE in kinds:
        kinds.remove(_INVISIBLE)  # joiners and colour marks are part of the emoji
    return " and ".join(filter(None, (", ".join(kinds[:-1]), kinds[-1])))


def _kind(character: str) -> str:
    category = unicodedata.category(character)
    if character.isspace():
        return ""
    if is_emoji(character):
        return "emoji"
    if category.startswith("P") or category in ("Sm", "Sc", "Sk"):
        return "punctuation and signs"
    if category in ("Cc", "Cf", "Mn", "Me", "Mc"):
        return _INVISIBLE
    if category == "Cs":
        return "broken characters (lone surrogates)"
    return "characters that aren't read"
