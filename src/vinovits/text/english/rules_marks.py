"""Punctuation and signs. What no rule reads is silent."""

from __future__ import annotations

import re
from functools import cache

from vinovits.text.english.numbers import cardinal
from vinovits.text.english.pieces import Piece, Reading, Rule, Scan, mark, spoken
from vinovits.text.english.rules_money import read_per
from vinovits.text.english.tables import table

_PAUSES = {";": ",", ":": ","}
"""Marks that are written as another phone.

The released front ends write dashes as "-", quotes and brackets as "'". We don't: they are rare in
training, "-" stands there for the hyphen of "well-known" too, and a voice makes no pause of them
(measured with joe, mean of six seeds: "," 240 ms, "-" 63 ms, "'" 47 ms, no mark at all the same
length of sentence). So a dash and a bracket are a comma here, and quotes are silent.
"""


@cache
def rules() -> tuple[Rule, ...]:
    """The rules for marks and signs."""
    return (
        Rule(
            re.compile(r"(?:(?<=\s)|^)(?:[:;=8][-o']?[)(\[\]DPpO|*]+|<3+)(?=[\s,!?]|\.(?!\d)|\Z)"),
            _silent,
        ),
        Rule(re.compile(r"&(?:amp|lt|gt|quot|nbsp|apos|#\d{1,5});"), _entity),
        Rule(re.compile(rf"<(?:{_TAGS})(?:\s[^<>]{{0,300}})?/?>", re.IGNORECASE), _silent),
        # Of names that aren't HTML's, only what can't be a placeholder such as <your name>.
        Rule(re.compile(rf"</{_NAME}\s*>|<{_NAME}(?:{_ATTRIBUTE})*\s*/>"), _silent),
        Rule(re.compile(rf"<{_NAME}(?:{_ATTRIBUTE})+\s*>"), _silent),
        Rule(re.compile(r"/([A-Za-z]+[²³]?)(?![A-Za-z])"), read_per),
        Rule(re.compile(r"(?:-|=)+>"), _arrow),
        Rule(re.compile(r"[-=_*#~+.^|<>\\/`]{4,}"), _ruler),
        Rule(re.compile(r"\.\.+|…+"), _dots),
        Rule(re.compile(r"[!?]+"), _loud),
        Rule(re.compile(r"--+|—+|–|(?<=\s)-(?=\s)"), _dash),
        Rule(re.compile(r"#\s?(?=\d)"), _number_sign),
        Rule(re.compile(r"([²³])|\^?\(?([⁻-]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)|\^\(?(-?\d+)\)?"), _power),
        Rule(re.compile(r"<=|>=|!=|==|[<>]"), _compared),
        Rule(re.compile(r"(?<=[\w)])\*(?=[\w(])|(?<=[\w)]\s)\*\s(?=[\w(])"), _star),
        Rule(re.compile(r"\+"), _plus),
        Rule(re.compile(r"(?<=\s)/\s|\|"), _slash),
        Rule(re.compile(r"(?<=\d)/(?=\d)"), _over),
        Rule(re.compile(r"(?<=\S)\[\d{1,3}\]"), _silent),  # a reference to a footnote
        Rule(re.compile(r"(?:(?<=\s)|^)[(\[{]+|[)\]}]+(?!\w)"), _bracket),
        Rule(re.compile(r"([.,;:])\1*"), _mark),
        Rule(re.compile(r"[^\w\s]"), _sign),
    )


_NAME = r"[A-Za-z][\w:-]{0,40}"
_ATTRIBUTE = r"""\s+[\w:-]{1,40}=(?:"[^"<>]{0,300}"|'[^'<>]{0,300}')"""
_TAGS = (
    "p|br|hr|div|span|a|b|i|u|s|em|strong|small|big|sub|sup|ul|ol|li|dl|dt|dd|h[1-6]|img|table|"
    "thead|tbody|tr|td|th|code|pre|kbd|blockquote|q|cite|script|style|html|head|body|meta|link|"
    "title|section|article|header|footer|nav|main|figure|figcaption|font|center|abbr|wbr|"
    "del|ins|samp|button|textarea|fieldset|svg|iframe|noscript|tfoot|colgroup|hgroup|strike|tt"
)


def _silent(scan: Scan, match: re.Match[str]) -> Reading:
    return []


def _entity(scan: Scan, match: re.Match[str]) -> Reading:
    return [Piece("and", match.start(), match.end())] if match[0] == "&amp;" else []


def _has_word_before(scan: Scan) -> bool:
    return bool(scan.pieces) and not scan.pieces[-1].mark


def _arrow(scan: Scan, match: re.Match[str]) -> Reading:
    return [Piece("to", match.start(), match.end())] if _has_word_before(scan) else []


def _ruler(scan: Scan, match: re.Match[str]) -> Reading:
    """A line drawn with signs; long rows of dots and dashes are a pause."""
    if set(match[0]) == {"."}:
        return [mark("…", match.start(), match.end())]
    return [mark(",", match.start(), match.end())] if _has_word_before(scan) else []


def _dots(scan: Scan, match: re.Match[str]) -> Reading:
    return [mark("…", match.start(), match.end())]


def _loud(scan: Scan, match: re.Match[str]) -> Reading:
    """Of "?!" both are kept, "!!!" is one."""
    signs = list(dict.fromkeys(match[0]))
    first = match[0].index(signs[-1]) if len(signs) > 1 else len(match[0])
    pieces = [mark(signs[0], match.start(), match.start() + first)]
    if len(signs) > 1:
        pieces.append(mark(signs[1], match.start() + first, match.end()))
    return pieces


def _dash(scan: Scan, match: re.Match[str]) -> Reading:
    """A dash is a pause, but not where the sentence hasn't begun (a list, a speaker)."""
    return [mark(",", match.start(), match.end())] if scan.pieces else []


def _number_sign(scan: Scan, match: re.Match[str]) -> Reading:
    return [Piece("number", match.start(), match.start() + 1)]


_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def _power(scan: Scan, match: re.Match[str]) -> Reading | None:
    """x², 10³, 2^10. A raised number behind a word or a full stop is a footnote: silent."""
    if match.start() == 0 or not re.match(r"[\w)\]]", scan.text[match.start() - 1]):
        return None if match[0][0] == "^" else []
    written = (match[1] or match[2] or match[3]).translate(_SUPERSCRIPTS)
    behind = re.search(r"[A-Za-z]+\Z", scan.text[max(0, match.start() - 12) : match.start()])
    if behind and len(behind[0]) > 2 and match[0][0] != "^":
        return []
    if written in ("2", "3"):
        words = "squared" if written == "2" else "cubed"
    else:
        minus = "minus " if written[0] == "-" else ""
        words = f"to the power of {minus}{cardinal(written.strip('-'))}"
    return spoken(words, match.start(), match.end())


def _compared(scan: Scan, match: re.Match[str]) -> Reading:
    """Comparisons between terms; brackets made of < and > are silent."""
    signs = table("symbols")["always"]
    before = scan.text[: match.start()].rstrip()[-1:]
    after = scan.text[match.end() :].lstrip()[:1]
    if not (before.isalnum() and (after.isalnum() or after in "-−.$")):
        return []
    words = {"<": "is less than", ">": "is greater than"}.get(match[0]) or signs[match[0]]
    if match[0] in "<>":
        spaced = scan.text[match.end() : match.end() + 1] == " "
        if not spaced and not (before.isdigit() or len(scan.previous()) == 1):
            return []
    return spoken(words, match.start(), match.end())


def _star(scan: Scan, match: re.Match[str]) -> Reading:
    """Times between numbers and one-letter names; markdown's stars are silent."""
    before, after = scan.text[match.start() - 1], scan.text[match.end()]
    if (before.isdigit() and after.isdigit()) or match[0] == "* ":
        return [Piece("times", match.start(), match.end())]
    return []


def _plus(scan: Scan, match: re.Match[str]) -> Reading:
    if not scan.pieces and scan.text[match.end() : match.end() + 1].isspace():
        return []
    return [Piece("plus", match.start(), match.end())]


def _slash(scan: Scan, match: re.Match[str]) -> Reading:
    """A slash or bar with a space beside it parts lines and columns: a short pause."""
    return [mark(",", match.start(), match.end())] if _has_word_before(scan) else []


def _over(scan: Scan, match: re.Match[str]) -> Reading:
    return [Piece("over", match.start(), match.end())]


def _mark(scan: Scan, match: re.Match[str]) -> Reading:
    sign = match[1]
    if sign in ".,;:" and not scan.pieces:
        return []
    return [mark(_PAUSES.get(sign, sign), match.start(), match.end())]


def _bracket(scan: Scan, match: re.Match[str]) -> Reading:
    """A remark in brackets stands apart; brackets inside a word ("word(s)") don't."""
    return [mark(",", match.start(), match.end())]


def _sign(scan: Scan, match: re.Match[str]) -> Reading:
    return spoken(table("symbols")["always"].get(match[0], ""), match.start(), match.end())
