"""Words, abbreviations, initialisms, Roman numerals, and tokens of letters and digits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from vinovits.text.english.numbers import in_pairs, plural
from vinovits.text.english.pieces import DOT, Piece, Reading, Rule, Scan, spelled, spoken
from vinovits.text.english.pronounce import is_word
from vinovits.text.english.rules_roman import (
    read_numeral_letter,
    read_roman,
    read_roman_ordinal,
)
from vinovits.text.english.tables import table, words_in
from vinovits.text.word_sets import word_set

_VOWELS = frozenset("AEIOUY")
_CASE_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[A-Z]")
_MAX_INITIALISM = 4
"""Unknown capitals up to this length are letters; longer ones are an unknown word."""


@cache
def rules() -> tuple[Rule, ...]:
    """The rules for words; some patterns are made from the table of abbreviations."""
    irregular = "|".join(
        re.escape(form[:-1]).replace(r"\.", r"\.?").replace(r"\ ", r"\s")
        for form in table("abbreviations")["irregular"]
    )
    return (
        Rule(
            re.compile(
                rf"(?P<form>{irregular})(?:(?P<ending>\.?'?s)|{DOT})(?![A-Za-z])", re.IGNORECASE
            ),
            _irregular,
        ),
        Rule(re.compile(r"(?:[A-Za-z]\.){2,}(?P<ending>'?s)(?![A-Za-z.])"), _dotted_letters),
        Rule(re.compile(r"(?:[A-Za-z]\.){2,}(?![A-Za-z])(?P<ending>(?!))?"), _dotted_letters),
        Rule(
            re.compile(rf"(?:[A-Za-z]\.)+[A-Za-z]{DOT}(?![A-Za-z])(?P<ending>(?!))?"),
            _dotted_letters,
        ),
        Rule(
            re.compile(r"(?P<word>[A-Za-z]{1,6})(?P<dot>\.?)(?=\s?(?:\d|[IVXLC]{2,}\b|[VX]\b))"),
            _numbered,
        ),
        Rule(re.compile(rf"(?P<word>St|Dr|Ft|Mt){DOT}(?![A-Za-z])"), _by_context),
        Rule(re.compile(r"(?P<word>[A-Za-z]{2,8})\.(?![A-Za-z])"), _abbreviation),
        Rule(re.compile(r"(?P<word>[A-Z])\.(?=[ \u00a0][A-Z])"), _initial),
        Rule(re.compile(r"(?=[A-Za-z0-9]*[A-Za-z])(?=[A-Za-z0-9]*\d)[A-Za-z0-9]+"), _mixed),
        Rule(re.compile(r"[A-Z]{1,3}(?:&[A-Z]{1,3})+(?![A-Za-z])"), _ampersand),
        Rule(re.compile(r"(?P<numeral>[IVX]{1,7})(?:st|nd|rd|th)(?![A-Za-z])"), read_roman_ordinal),
        Rule(re.compile(r"(?P<capitals>[A-Z]{2,})(?P<ending>'s|'S|s)?(?![A-Za-z])"), _capitals),
        Rule(
            re.compile(r"'(?:em|til|tis|twas|cause|bout|round|n)\b(?!')", re.IGNORECASE), _clipped
        ),
        Rule(re.compile(r"(?P<word>[A-Za-z]{3,})\(e?s\)"), _optional_plural),
        Rule(re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*(?:(?<=[sS])'(?![\w'\"]))?"), _word),
        Rule(re.compile(r"[Α-ω]"), _greek),
    )


@cache
def before_numbers() -> tuple[Rule, ...]:
    """The rule for fixed expressions with signs or digits in them: "24/7", "C++"."""
    slashed = "|".join(
        re.escape(form) for form in sorted(table("abbreviations")["slashed"], key=len, reverse=True)
    )
    return (Rule(re.compile(rf"(?:{slashed})(?![A-Za-z0-9+#/])", re.IGNORECASE), _slashed),)


def _said(words: str, start: int, end: int) -> Reading:
    """Pieces of a table entry, where a single capital stands for the name of a letter."""
    return [
        Piece(word, start, end, letter=len(word) == 1 and word.isupper()) for word in words.split()
    ]


def _slashed(scan: Scan, match: re.Match[str]) -> Reading:
    return _said(table("abbreviations")["slashed"][match[0].lower()], match.start(), match.end())


def _irregular(scan: Scan, match: re.Match[str]) -> Reading | None:
    plain = match["form"].lower().replace(".", "").replace("\u00a0", " ")
    if (
        "." not in match[0]
        and plain in ("ie", "eg", "nb", "aka", "et al")
        and not match[0].islower()
    ):
        return None
    for form, words in table("abbreviations")["irregular"].items():
        if form.replace(".", "") == plain:
            pieces = _said(words, match.start(), match.end())
            if match["ending"]:
                pieces[-1] = _with_suffix(pieces[-1], "s", match.end())
            return pieces
    return None


def _dotted_letters(scan: Scan, match: re.Match[str]) -> Reading | None:
    """U.S., J.R.R., a.m.: letter by letter. At the end the last full stop stays a mark."""
    if re.fullmatch(r"[a-z]\.[a-z]{2,}", match[0]):
        return None
    pieces: Reading = []
    ending = match["ending"] or ""
    for letter in re.compile(r"[A-Za-z]").finditer(
        scan.text, match.start(), match.end() - len(ending)
    ):
        pieces += spelled(letter[0], letter.start())
    if ending:
        pieces[-1] = _with_suffix(pieces[-1], ending, match.end())
    elif match[0].endswith(".") and re.compile(r"[\"')\]\s]*\Z").match(scan.text, match.end()):
        pieces.append(Piece(".", match.end() - 1, match.end(), mark=True))
    return pieces


def _with_suffix(piece: Piece, suffix: str, end: int) -> Piece:
    return Piece(piece.text, piece.start, end, letter=True, suffix=suffix)


def _numbered(scan: Scan, match: re.Match[str]) -> Reading | None:
    """No. 5, p. 12, vol. 3."""
    word = match["word"].lower()
    if len(word) < 3 and not match["dot"] and word != "pp":
        return None
    if scan.text[match.end() : match.end() + 1] != " " and not match["dot"]:
        return None
    words = table("abbreviations")["numbered"].get(word)
    return spoken(words, match.start(), match.end()) if words else None


def _by_context(scan: Scan, match: re.Match[str]) -> Reading | None:
    """St. and Dr. before a name are saint and doctor, behind one street and drive."""
    word = match["word"]
    before = scan.written_before(match.start())
    after = scan.written_after(match.end())
    names_follow = after[:1].isupper()
    behind_name = before[:1].isupper() and len(scan.pieces) > 1 and not scan.pieces[-1].mark
    full_stop = scan.text[match.start("word") + 2 : match.start("word") + 3] == "."
    if word == "St":
        said = "saint" if names_follow and not behind_name else "street"
    elif word == "Dr":
        said = "drive" if behind_name and not names_follow else "doctor"
    elif word == "Ft":
        said = "fort" if names_follow else ""
    else:
        said = "mount" if names_follow else ""
    if not said or (not full_stop and word in ("St", "Dr") and not (names_follow or behind_name)):
        return None
    return [Piece(said, match.start(), match.end())]


def _abbreviation(scan: Scan, match: re.Match[str]) -> Reading | None:
    """A listed abbreviation with its full stop, which is a mark too where the sentence ends."""
    tables = table("abbreviations")
    word = match["word"]
    said = tables["titles"].get(word) or tables["capitalised"].get(word)
    if said is None:
        said = tables["dotted"].get(word.lower())
        if (
            said
            and word in ("Max", "Gen", "Temp", "Ext", "Rep")
            and not scan.written_after(match.end())
        ):
            said = None
    if said is None:
        return None
    at_end = re.compile(r"[\"')\]\s]*\Z").match(scan.text, match.end()) is not None
    if at_end and word in _ALSO_WORDS:
        return None
    pieces = spoken(said, match.start(), match.end() - at_end)
    if at_end:
        pieces.append(Piece(".", match.end() - 1, match.end(), mark=True))
    return pieces


_ALSO_WORDS = word_set(
    "max temp sat sun mar mon wed fri jun gen rep rev hon col det dist ext ave Max Sat Sun "
    "Mar Mon Wed Jan Ed Pl Co Fr resp"
)
"""Abbreviations that are words or names themselves: at the end of a sentence they stay so."""


def _initial(scan: Scan, match: re.Match[str]) -> Reading:
    return spelled(match["word"], match.start())


def _clipped(scan: Scan, match: re.Match[str]) -> Reading:
    return [Piece(match[0], match.start(), match.end())]


def _optional_plural(scan: Scan, match: re.Match[str]) -> Reading:
    """word(s): "words"."""
    return [Piece(match[0].replace("(", "").replace(")", ""), match.start(), match.end())]


def _ampersand(scan: Scan, match: re.Match[str]) -> Reading:
    """AT&T, R&B: letters and "and"."""
    pieces: Reading = []
    for index, character in enumerate(match[0], match.start()):
        if character == "&":
            pieces.append(Piece("and", index, index + 1))
        else:
            pieces += spelled(character, index)
    return pieces


def _capitals(scan: Scan, match: re.Match[str]) -> Reading:
    word, ending = match["capitals"], match["ending"] or ""
    numeral = read_roman(scan, word, match.start(), match.end())
    if numeral is not None and ending != "s":
        last = numeral[-1]
        return [*numeral[:-1], Piece(last.text + ending.lower(), last.start, last.end)]
    if is_spelled(word, scan.shouted):
        pieces = spelled(word, match.start())
        if ending:
            pieces[-1] = _with_suffix(pieces[-1], ending.lower(), match.end())
        return pieces
    return [Piece(match[0], match.start(), match.end())]


def is_spelled(word: str, shouted: bool = False) -> bool:
    """Whether a word in capitals is read letter by letter.

    Args:
        word: Capitals A-Z.
        shouted: Whether everything around it is in capitals too.

    Returns:
        True for initialisms. In shouted text only what can't be a word is one.
    """
    if word in words_in("abbreviations", "words", "words"):
        return False
    if shouted:
        return not is_word(word.lower()) and (not _VOWELS & set(word) or len(word) < 3)
    if word in words_in("abbreviations", "spelled", "words"):
        return True
    if len(word) == 2:
        return word not in words_in("abbreviations", "letters2", "words")
    if is_word(word.lower()):
        return False
    return len(word) <= _MAX_INITIALISM or not _VOWELS & set(word)


def _lone_letter(scan: Scan, match: re.Match[str]) -> Reading | None:
    """V, X and I behind what numerals follow, and "A" where it is a letter and no article."""
    letter, start, end = match[0], match.start(), match.end()
    before = scan.written_before(start)
    numeral = read_numeral_letter(scan, letter, start, end)
    if numeral is not None:
        return numeral
    following = scan.text[end : end + 1]
    if letter == "A" and (
        following == "-" or (scan.pieces and not scan.shouted and following != " ")
    ):
        return spelled(letter, start)
    if letter == "A" and before and before.lower() in _LETTERED and not scan.shouted:
        return spelled(letter, start)
    if letter == "a" and following == ")":
        return spelled(letter, start)
    return None


_LETTERED = word_set("vitamin plan grade type group class section option hepatitis team exhibit")


def _word(scan: Scan, match: re.Match[str]) -> Reading:
    word, start = match[0], match.start()
    if word[-1] == "'" and _closes_quotation(scan, start):
        word = word[:-1]
    if len(word) == 1:
        letter = _lone_letter(scan, match)
        if letter is not None:
            return letter
    bare = table("abbreviations")["bare"].get(word) or table("abbreviations")["titles"].get(word)
    if bare:
        return spoken(bare, start, start + len(word))
    return read_token(scan, word, start)


def _closes_quotation(scan: Scan, start: int) -> bool:
    """Whether a ' behind an s ends a quotation that began before, rather than a plural's."""
    return re.search(r"(?<!\w)'(?=\w)", scan.text[:start]) is not None


def read_token(scan: Scan, word: str, start: int) -> Reading:
    """Read one written word: as it is, or by its parts where capitals show them ("YouTube").

    Args:
        scan: The sentence.
        word: Letters, with "'" inside at most.
        start: Where it begins in the folded sentence.

    Returns:
        One piece or several.
    """
    inner_capital = any(c.isupper() for c in word[1:])
    if not inner_capital:
        return [Piece(word, start, start + len(word))]
    if word.isupper() and len(word) > 1 and word.isalpha():
        if is_spelled(word, scan.shouted):
            return spelled(word, start)
        return [Piece(word, start, start + len(word))]
    if "'" in word or is_word(word.lower()) or scan.shouted:
        return [Piece(word, start, start + len(word))]
    parts = list(split_case(word))
    if len(parts) > 2 and len(word) < 2.5 * len(parts):
        return [Piece(word, start, start + len(word))]
    pieces: Reading = []
    for offset, part in parts:
        begin = start + offset
        if len(part) == 1 or (part.isupper() and is_spelled(part)):
            pieces += spelled(part, begin)
        else:
            pieces.append(Piece(part, begin, begin + len(part)))
    return pieces


def split_case(word: str) -> Iterator[tuple[int, str]]:
    """Parts of "PostgreSQL" with their offsets: (0, "Postgre"), (7, "SQL")."""
    for part in _CASE_PARTS.finditer(word):
        yield part.start(), part[0]


_RUNS = re.compile(r"[A-Za-z]+|\d+")


def _mixed(scan: Scan, match: re.Match[str]) -> Reading:
    """MP3, B2B, COVID19, iPhone15, x86: letters and words, and numbers between them."""
    runs = list(_RUNS.finditer(match[0]))
    scattered = len(runs) > 4
    pieces: Reading = []
    for run in runs:
        start, end = match.start() + run.start(), match.start() + run.end()
        written = run[0]
        if written[0].isdigit():
            if scattered or written[0] == "0" or len(written) > 4:
                pieces += spelled(written, start)
            else:
                pieces += spoken(in_pairs(written), start, end)
        elif scattered or len(written) < 3 or is_spelled_run(written):
            pieces += spelled(written, start)
        else:
            pieces += read_token(scan, written, start)
    if len(runs) > 1 and runs[-1][0] == "s":
        return _with_plural(pieces[:-1], match.end())
    return pieces


def _with_plural(pieces: Reading, end: int) -> Reading:
    """Take the s of "A380s" into the last word; all words of that number span it."""
    last = pieces[-1]
    head = [replace(p, end=end) if p.start == last.start else p for p in pieces[:-1]]
    if last.letter:
        return [*head, _with_suffix(last, "s", end)]
    return [*head, Piece(plural(last.text), last.start, end)]


def is_spelled_run(written: str) -> bool:
    """Whether letters next to digits are read one by one."""
    if written.isupper():
        return is_spelled(written)
    return not is_word(written.lower()) and len(written) < 4 and written.islower()


def _greek(scan: Scan, match: re.Match[str]) -> Reading | None:
    name = table("symbols")["greek"].get(match[0].upper().replace("Σ", "Σ"))
    return [Piece(name, match.start(), match.end())] if name else []
