"""Where sentences begin and end, as spans into the original text.

The rules are few and lean towards not splitting: a full stop inside a spoken sentence still gives
its pause, while a wrong split gives a wrong melody. Chinese and Japanese marks are known too, so
that every front end can use this module.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator

from vinovits.text.word_sets import word_set

Span = tuple[int, int]
"""Index of the first character, and behind the last."""

MAX_CHARACTERS = 1200
"""A longer "sentence" (a list without marks, a table) is cut, so that memory stays bounded."""

_CLOSERS = "\"'”’»›)]}」』）】》〉*_"
_WIDE = r"\u2e80-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uffdc"
"""Chinese, Japanese and Korean; letters and digits of full width are Latin ones: ３.１４."""
_CANDIDATE = re.compile(
    rf"""(?P<paragraph>\n[ \t\r\f\v]*\n\s*|[\f\v\x1c-\x1e\x85\u2028\u2029])
      |(?P<line>\r?\n[ \t]*|\r[ \t]*)
      |(?P<wide>(?<![。！？｡])[。！？｡]++[{re.escape(_CLOSERS)}]*+)
      |(?<![.!?…‽⁇⁈⁉])(?P<mark>[.!?…‽⁇⁈⁉]++)
       (?P<closers>[{re.escape(_CLOSERS)}]*+(?:\[\d+\])*+)(?=\s|$|[{_WIDE}]|--|[—–])
    """,
    re.VERBOSE,
)
"""Possessive quantifiers and lookbehinds keep the search linear on a million dots or quotes."""
_BULLET = re.compile(r"(?:[-*+•‣▪◦·–—>#]+\s|\d{1,3}[.)]\s|[a-zA-Z][.)]\s|[|])")
_LAST_WORD = re.compile(r"[^\s\"'“”‘’(\[{]*\Z")
_CUT_BACKWARDS = (
    re.compile(r"\s[^\w\s]*?[.!?…;:。！？；：]"),
    re.compile(r"\s[^\w\s]*?[,，、—–]|[，、—]"),
    re.compile(r"\s"),
)
"""Where a text without sentences is cut, the best kind of place first. They are matched against the
reversed text: the last place is the one that counts, and forwards a run of marks is looked through
again from each of them."""
_WRAP_WIDTH = 50
"""A line at least this long that ends without a mark is taken as wrapped text, not as a list."""

_TITLES = word_set(
    "mr mrs ms mx messrs mme mlle dr prof rev fr sr hon gov gen sen rep capt cpt lt col sgt "
    "maj cmdr adm pvt cpl pres supt insp det amb st ste mt ft no nos nr vs cf viz e.g i.e ca "
    "approx fig figs eq eqs vol vols pp pg ch sec sect art op ed eds trans jan feb mar apr "
    "jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat al"
)
"""Abbreviations that something always follows: they never end a sentence before a capital."""
_AMBIGUOUS = word_set(
    "etc inc ltd co corp llc jr sr bros dept univ assn ave blvd rd ln ct hwy apt est esq u.s "
    "u.k u.n e.u u.s.a a.m p.m b.c a.d b.c.e c.e ph.d m.d b.a m.a b.sc m.sc d.c in ft lb lbs "
    "oz hr hrs min sec mi yd gal kg km cm mm"
)
"""Abbreviations that may end a sentence: they do where the next word is one that starts many."""
_NUMBERED = word_set("p c tel ext apt chap ver par para ex no rs")
"""Abbreviations that don't end a sentence before a number."""
_STARTERS = word_set(
    "a about after all although an and another any anyway are as at because before both but "
    "by can can't could did do does don't during each even every finally first for from had "
    "has have he he's her here hers his how however i i'd i'll i'm i've if in instead is it "
    "it's its just last later let's like many maybe meanwhile more most my nevertheless next "
    "no nobody none nor not nothing now of on once one only or other our people perhaps "
    "please she she's should since so some someone something sometimes soon still such thanks "
    "that that's the their then there there's therefore these they they're they've this those "
    "though through thus to today tomorrow two under unfortunately until was we we'll we're "
    "we've well were what what's when where whether which while who why will with without "
    "would yes yesterday yet you you'll you're you've your"
)


def split_sentences(text: str, whole: Iterable[Span] = ()) -> Iterator[Span]:
    """Yield the sentences of a text, one after the other, without looking far ahead.

    Args:
        text: Any text, of any length, with any characters.
        whole: Stretches that no sentence ends within, in order.

    Yields:
        Spans in order that don't overlap. No span begins or ends with a space, and every character
        that isn't a space lies in one of them.
    """
    spans = _split(text)
    last = next(spans, None)
    rest = deque(whole)
    for span in spans:
        assert last is not None
        while rest and rest[0][1] <= span[0]:
            rest.popleft()
        if rest and rest[0][0] < span[0]:
            last = (last[0], span[1])
            continue
        yield last
        last = span
    if last is not None:
        yield last


def _split(text: str) -> Iterator[Span]:
    start = 0
    for match in _CANDIDATE.finditer(text):
        if match.start() < start or not _ends_sentence(text, start, match):
            continue
        end = match.start() if match["paragraph"] or match["line"] else match.end()
        yield from _trimmed(text, start, end)
        start = match.end()
    yield from _trimmed(text, start, len(text))


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    """Drop spaces at both ends, and cut what is too long at the best place there is."""
    while True:
        while start < end and text[start].isspace():
            start += 1
        while start < end and text[end - 1].isspace():
            end -= 1
        if end - start <= MAX_CHARACTERS:
            break
        cut = _best_cut(text, start)
        stop = cut
        while text[stop - 1].isspace():
            stop -= 1
        yield start, stop
        start = cut
    if start < end:
        yield start, end


def _best_cut(text: str, start: int) -> int:
    limit = start + MAX_CHARACTERS
    backwards = text[start + MAX_CHARACTERS // 4 : limit][::-1]
    for pattern in _CUT_BACKWARDS:
        if match := pattern.search(backwards):
            return limit - match.start()
    return limit


def _ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    if match["paragraph"] or match["wide"]:
        return True
    if match["line"] is not None:
        return _line_ends_sentence(text, start, match)
    following = _following(text, match.end())
    if not following:
        return True
    starts_lower = following[0].islower()
    if match["mark"] != ".":
        # "Stop!" he said. - and "well... maybe" go on.
        return not (starts_lower and (match["closers"] or match["mark"].startswith((".", "…"))))
    if starts_lower or following[0] in ",;:":
        return False
    if match["closers"] and match["closers"][0] in "\"'”’»":
        return True
    word = _LAST_WORD.search(text, max(start, match.start() - 40), match.start())
    return _full_stop_ends(word.group() if word else "", following, _at_start(text, start, word))


def _at_start(text: str, start: int, word: re.Match[str] | None) -> bool:
    return word is not None and not text[start : word.start()].strip()


def _full_stop_ends(word: str, following: str, first: bool) -> bool:
    """Whether the full stop after `word` ends a sentence, before the capital word `following`."""
    lower = word.lower()
    if first and (word.isdigit() or len(word) == 1):
        return False  # "1. Open the door": a list number belongs to what it counts
    if following[0].isdigit() and lower in _NUMBERED:
        return False
    if lower in _TITLES:
        return lower == "no" and word[:1].islower() and not following[0].isdigit()
    starter = following.lower().replace("’", "'") in _STARTERS
    if lower in _AMBIGUOUS:
        return starter or not following[0].isalnum()
    if len(word) == 1 and word.isalpha() and word.isupper() and word != "I":
        return starter  # "John F. Kennedy", but "vitamin C. It ..."
    if re.fullmatch(r"(?:[a-zA-Z]\.)+[a-zA-Z]", word):
        return starter
    return True


def _line_ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    before = text[max(start, match.start() - 1) : match.start()]
    if not before or before.isspace():
        return True
    if before in '.!?…"”’)':
        mark = text[max(start, match.start() - 3) : match.start()].rstrip(_CLOSERS)
        if mark.endswith(("!", "?")):
            return True
    following = text[match.end() : match.end() + 8]
    if not following or _BULLET.match(following):
        return True
    if following[0].islower():
        return False
    line_start = max(text.rfind("\n", start, match.start()) + 1, start)
    if match.start() - line_start < _WRAP_WIDTH:
        return True
    if before == ".":
        word = _LAST_WORD.search(text, max(start, match.start() - 40), match.start() - 1)
        following_word = _following(text, match.end())
        return bool(following_word) and _full_stop_ends(
            word.group() if word else "", following_word, _at_start(text, start, word)
        )
    return False


_FOLLOWING = re.compile(r"\s*[\"'“”‘’«‹(\[{*_—–-]*\s*([\w'’]{1,40}|\S)?")


def _following(text: str, position: int) -> str:
    """The next word or mark after a position, without quotes and brackets; "" at the end."""
    match = _FOLLOWING.match(text, position, position + 120)
    return (match[1] or "") if match else ""
