"""Numbers on their own: cardinals, ordinals, years, fractions, telephone numbers, addresses."""

from __future__ import annotations

import re

from vinovits.text.english.numbers import (
    MAX_DIGITS,
    VULGAR,
    cardinal,
    decimal,
    digits,
    fraction,
    in_pairs,
    mixed,
    ordinal,
    plural,
    quantity,
    year,
)
from vinovits.text.english.pieces import NUMBER, Piece, Reading, Rule, Scan, mark, spelled, spoken
from vinovits.text.word_sets import word_set

_YEAR_AFTER = word_set(
    "in since by until till before after during circa from of to year between early late mid "
    "around spring summer autumn fall winter january february march april may june july "
    "august september october november december and years copyright"
)
NO_NOUN = word_set(
    "a an and as at after also although are because before but by could did during finally "
    "for from had has have he her his i if in is it its may might of on onwards or our she "
    "should so that the their then there they this to until was we were when where which "
    "while who will with would you"
)
"""Words that don't follow a count: "in 1650 he" has a year, "in 1650 houses" has none."""
_NUMBERED_THINGS = word_set(
    "room flight route highway interstate apartment suite channel bus gate platform hwy "
    "boeing airbus"
)


def _read_number(scan: Scan, match: re.Match[str]) -> Reading:
    written = match[0].replace("\u00a0", "").replace(" ", "")
    start, end = match.span()
    if not written.isdigit():
        if len(written) > 2 * MAX_DIGITS:
            return _one_by_one(match)
        return spoken(decimal(written.replace(",", "")), start, end)
    if len(written) > MAX_DIGITS or (written[0] == "0" and len(written) > 1):
        return _one_by_one(match)
    if len(written) >= 10 and match[0] == written and not written.endswith("000"):
        return _one_by_one(match)  # an account or telephone number, which nobody counts up
    if len(written) == 4 and match[0] == written and _is_year(scan, match):
        return spoken(year(written), start, end)
    follows_letters = bool(scan.pieces) and scan.pieces[-1].letter and not written.endswith("00")
    if scan.written_before(start).lower() in _NUMBERED_THINGS or follows_letters:
        return spoken(in_pairs(written), start, end)
    return spoken(cardinal(written), start, end)


def _one_by_one(match: re.Match[str]) -> Reading:
    """Digit by digit, each with its own span."""
    pieces: Reading = []
    for index, character in enumerate(match[0], match.start()):
        if character == ".":
            pieces.append(Piece("point", index, index + 1))
        elif character in "0123456789":
            pieces += spelled(character, index)
    return pieces


def _is_year(scan: Scan, match: re.Match[str]) -> bool:
    number = int(match[0])
    if 1900 <= number <= 2099:
        return True
    if not 1000 <= number <= 1899:
        return False
    text = scan.text
    if re.compile(r"\s?(?:AD|BC|CE|BCE|A\.D\.|B\.C\.)(?!\w)|\s?[-–]\s?\d{2,4}(?!\d)|s\b").match(
        text, match.end()
    ):
        return True
    if text[match.start() - 1 : match.start()] == "(" and text[match.end() : match.end() + 1] in (
        *")-–,",
    ):
        return True
    if re.search(r"\d{4}\s?[-–]\s?\Z", text[: match.start()]):
        return True
    if scan.written_before(match.start()).lower() not in _YEAR_AFTER:
        return False
    following = scan.written_after(match.end())
    return not following or not following.islower() or following in NO_NOUN


def _read_ordinal(scan: Scan, match: re.Match[str]) -> Reading:
    return spoken(ordinal(match[1]), match.start(), match.end())


def _read_counted(scan: Scan, match: re.Match[str]) -> Reading:
    """747s, 1984's: a number with the ending of a noun."""
    number, ending = match["number"], match["ending"]
    words = year(number) if re.fullmatch(r"1[1-9]\d\d|20\d\d", number) else in_pairs(number)
    words = f"{words}'s" if ending == "'s" else plural(words)
    return spoken(words, match.start(), match.end())


def _read_vulgar(scan: Scan, match: re.Match[str]) -> Reading:
    return spoken(quantity(match[0])[0], match.start(), match.end())


def _read_fraction(scan: Scan, match: re.Match[str]) -> Reading | None:
    whole, above, below = match["whole"], match["above"], match["below"]
    start, end = match.span()
    if max(len(above), len(below)) > 4:
        return None
    if "." in above:
        said = "out of" if below in ("5", "10", "20", "100") and not whole else "over"
        return (
            spoken(f"{decimal(above)} {said} {cardinal(below)}", start, end) if not whole else None
        )
    over, under = int(above), int(below)
    if whole and 0 < over < under:
        return spoken(mixed(whole, above, below), start, end)
    if whole:
        return None
    if over >= under and under in (5, 10, 100) and over == under:
        return spoken(f"{cardinal(above)} out of {cardinal(below)}", start, end)
    if under in (10, 100) and over > 1 and scan.written_after(end).lower() != "of":
        return spoken(f"{cardinal(above)} out of {cardinal(below)}", start, end)
    if 0 < over < under and (under <= 20 or under in (32, 64, 100, 1000)):
        return spoken(fraction(above, below), start, end)
    return spoken(f"{cardinal(above)} over {cardinal(below)}", start, end)


_CALLED = re.compile(r"(?:pages?|pp?|lines?|verses?|years?|from|between|about)\.?\s\Z", re.I)


def _read_telephone(scan: Scan, match: re.Match[str]) -> Reading | None:
    """Digit by digit, with a short pause between the groups."""
    count = sum(c.isdigit() for c in match[0])
    if count > 15 or _CALLED.search(scan.text[: match.start()]):
        return None
    return _grouped(match)


def _grouped(match: re.Match[str]) -> Reading:
    pieces: Reading = []
    for group in re.finditer(r"\+|\d+", match[0]):
        start = match.start() + group.start()
        if group[0] == "+":
            pieces.append(Piece("plus", start, start + 1))
            continue
        if pieces and pieces[-1].text != "plus":
            pieces.append(mark(",", start - 1, start))
        pieces += spelled(group[0], start)
    return pieces


def _read_hyphenated(scan: Scan, match: re.Match[str]) -> Reading:
    return _grouped(match)


def _read_address(scan: Scan, match: re.Match[str]) -> Reading:
    """192.168.0.1: "one ninety-two dot one sixty-eight dot zero dot one"."""
    pieces: Reading = []
    for part in re.finditer(r"[./:]|\d+", match[0]):
        start, end = match.start() + part.start(), match.start() + part.end()
        said = {".": "dot", "/": "slash", ":": "port"}.get(part[0]) or in_pairs(part[0])
        pieces += spoken(said, start, end)
    return pieces


def _read_version(scan: Scan, match: re.Match[str]) -> Reading:
    """2.3.1, v2.0: every part a number, "point" between."""
    pieces: Reading = []
    for part in re.finditer(r"[vV]|\.|\d+", match[0]):
        start, end = match.start() + part.start(), match.start() + part.end()
        said = {".": "point", "v": "version", "V": "version"}.get(part[0]) or (
            cardinal(part[0]) if len(part[0]) < 5 else digits(part[0][:20])
        )
        pieces += spoken(said, start, end)
    return pieces


def _read_to(scan: Scan, match: re.Match[str]) -> Reading | None:
    """The sign between two numbers: a range or score, or minus in a sum; not in "i7-13700"."""
    if not _BARE_NUMBER.search(scan.text, 0, match.start()):
        return None
    spaced_hyphen = match[0] == "- "
    word = "minus" if spaced_hyphen and "=" in scan.text else "to"
    return [Piece(word, match.start(), match.end())]


def _read_by(scan: Scan, match: re.Match[str]) -> Reading:
    product = "=" in scan.text or re.compile(r"\s?10[\^⁰¹²³⁴⁵⁶⁷⁸⁹⁻]").match(scan.text, match.end())
    word = "times" if product or match[0] == "× " else "by"
    return [Piece(word, match.start(), match.end())]


def _read_pixels(scan: Scan, match: re.Match[str]) -> Reading:
    """1920x1080: "nineteen twenty by ten eighty"."""
    return spoken(in_pairs(match[0]), match.start(), match.end())


def _read_times(scan: Scan, match: re.Match[str]) -> Reading:
    """2x faster."""
    return [
        *spoken(quantity(match[1])[0], match.start(), match.end(1)),
        Piece("times", match.end(1), match.end()),
    ]


def _read_scientific(scan: Scan, match: re.Match[str]) -> Reading:
    """1.5e-3: "one point five times ten to the power of minus three"."""
    sign = "minus " if match[2] == "-" else ""
    return [
        *spoken(decimal(match[1]), *match.span(1)),
        *spoken(f"times ten to the power of {sign}{cardinal(match[3])}", match.end(1), match.end()),
    ]


def _read_sign(scan: Scan, match: re.Match[str]) -> Reading:
    return [Piece(_SIGNS[match[0][0]], match.start(), match.end())]


def _read_ratio(scan: Scan, match: re.Match[str]) -> Reading:
    """16:9, 3:1."""
    return [
        *spoken(cardinal(match[1]), *match.span(1)),
        Piece("to", match.end(1), match.start(2)),
        *spoken(cardinal(match[2]), *match.span(2)),
    ]


_BARE_NUMBER = re.compile(
    r"(?:^|[\s(\[\"'$£€¥₹~])[-−+]?[$£€¥₹]?(?:[\d.,:/]*\d(?:%|°)?|\d{1,2}(?::\d\d)?\s?[ap]\.?m\.?)\s?\Z",
    re.I,
)
_SIGNS = {"-": "minus", "−": "minus", "+": "plus", "~": "about", "≈": "about"}
_AMOUNT = r"(?=[$£€¥₹]?\.?\d)"
_VULGAR = "".join(VULGAR)

BEFORE_DATES = (
    Rule(
        re.compile(r"(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2}|:\d{1,5})?(?![\d.]*\d)"),
        _read_address,
    ),
    Rule(re.compile(r"[vV]\d+(?:\.\d+)*(?![\w])"), _read_version),
)
"""Rules that see a number before the rules for dates do."""

RULES = (
    Rule(re.compile(r"\d+(?:\.\d+){2,}(?!\w)"), _read_version),
    Rule(
        re.compile(r"\+\d{1,3}(?:[ .\-\u00a0]?\(?\d{1,4}\)?){2,6}(?!\d)|\+\d{8,15}(?!\d)"),
        _read_telephone,
    ),
    Rule(
        re.compile(r"(?:1[-. ])?(?:\(\d{3}\)[ -]?|\d{3}[-. ])\d{3}[-.]\d{4}(?![\d-])"),
        _read_telephone,
    ),
    Rule(re.compile(r"\d{3}-\d{4}(?![\d-])|0\d{2,4} \d{3,4} \d{3,4}(?!\d)"), _read_telephone),
    Rule(re.compile(r"\d+(?:-\d+){2,}(?![\w])"), _read_hyphenated),
    Rule(re.compile(r"(?:(?<=\s)|(?<=[(\[\"'])|^)(?:[-−+≈]|~\s?)" + _AMOUNT), _read_sign),
    Rule(re.compile(r"(?:(?<=[\d%mM.])|(?<=[\d%]\s))[-–](?:(?<=\s.)\s)?" + _AMOUNT), _read_to),
    Rule(re.compile(r"(?<=\d)[x×](?=\d)|(?<=\d\s)[x×]\s(?=\d)"), _read_by),
    Rule(re.compile(r"\d{3,4}(?=[x×]\d)|(?:(?<=\dx)|(?<=\d×))\d{3,4}(?!\d|[.,]\d)"), _read_pixels),
    Rule(re.compile(r"\d+(?:\.\d+)?(?=x\d)"), _read_number),
    Rule(re.compile(r"(\d+(?:\.\d+)?)x\b"), _read_times),
    Rule(re.compile(r"(\d+(?:\.\d+)?)[eE]([+-]?)(\d{1,3})\b"), _read_scientific),
    Rule(re.compile(r"(\d{1,3}):(\d{1,3})(?![\d:])"), _read_ratio),
    Rule(re.compile(r"(\d[\d,]*)(?:st|nd|rd|th)\b"), _read_ordinal),
    Rule(re.compile(r"(?P<number>\d{2,4})(?P<ending>s|'s)\b"), _read_counted),
    Rule(re.compile(rf"(?:\d+\s?)?[{_VULGAR}]"), _read_vulgar),
    Rule(
        re.compile(
            r"(?:(?P<whole>\d+)[ \u00a0-])?(?P<above>\d+(?:\.\d+)?)/(?P<below>\d+)(?![\w/])"
        ),
        _read_fraction,
    ),
)

PLAIN = (Rule(re.compile(NUMBER), _read_number),)
"""What is left of numbers, after tokens of letters and digits have been read."""
