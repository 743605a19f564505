"""Plain text as a book: paragraphs and chapters by how they look."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from vinovits.books.model import Block, Kind
from vinovits.books.tags import written

_NUMBER = r"(?:\d{1,4}|[IVXLC]{1,8}|(?:the\s+)?(?:one|two|three|four|five|six|seven|eight|nine|ten|\
eleven|twelve|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last))"
_REST = r"(?![^\W_])(?:[ \t]*[.:—–-].{0,70}|[ \t]+(?-i:[^a-z\s]).{0,70})?"
"""Behind a number: "Chapter two of his life" is no heading."""
_HAN_NUMBER = "第[0-9０-９一二三四五六七八九十百千零〇两]{1,6}"
_HEADING = re.compile(
    rf"""(?:(?P<part>(?:part|book|volume)\s+{_NUMBER}{_REST}
            |{_HAN_NUMBER}[部卷編编].{{0,40}})
       |(?:chapter|canto|act|scene|letter|stave)\s+{_NUMBER}{_REST}
       |(?:prologue|epilogue|preface|foreword|introduction|afterword|contents)(?:[.:—–-].{{0,40}})?
       |{_HAN_NUMBER}[章回节節話话幕].{{0,40}}
       |序章?|楔子|引子|尾声|尾聲|后记|後記|あとがき|まえがき|プロローグ|エピローグ
       )[ \t　]*\Z""",
    re.VERBOSE | re.IGNORECASE,
)
_UNDERLINE = re.compile(r"(=|-|~){3,}\s*\Z")
_BREAK = re.compile(r"[ \t　]*(?:[*＊⁂•·#~—–_-][ \t　]*){1,20}\Z")
_GUTENBERG = (
    re.compile(r"^\*{3}\s*START OF (?:THE|THIS) PROJECT GUTENBERG[^\n]*$", re.M | re.I),
    re.compile(r"^\*{3}\s*END OF (?:THE|THIS) PROJECT GUTENBERG[^\n]*$", re.M | re.I),
)
_FIELD = re.compile(r"^(Title|Author|Language):[ \t]*(.+?)[ \t\r]*$", re.MULTILINE)
_PAGE = re.compile(
    r"[ \t]*(?:-[ \t]*)?(?:\[?(?:page|p\.)[ \t]*)?\d{1,4}\]?(?:[ \t]*-)?[ \t]*\Z", re.I
)
_WRAPPED = (45, 110)
"""Characters of lines that an editor has broken: the longest of most paragraphs lies there."""


def read_plain(text: str, *, live: bool = False) -> tuple[dict[str, str], tuple[Block, ...]]:
    """Read a plain text.

    Args:
        text: All of it.
        live: Whether tags in it are tags.

    Returns:
        What its head says (title, author, language: of books by Project Gutenberg), and the blocks.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")
    fields: dict[str, str] = {}
    if start := _GUTENBERG[0].search(text):
        fields = {found[1].lower(): found[2] for found in _FIELD.finditer(text[: start.start()])}
        end = _GUTENBERG[1].search(text, start.end())
        text = text[start.end() : end.start() if end else len(text)]
    return fields, tuple(_blocks(text, live))


def _blocks(text: str, live: bool) -> Iterator[Block]:
    lines = text.split("\n")
    is_wrapped = _is_wrapped(lines)
    for paragraph in _paragraphs(lines, by_line=not is_wrapped):
        first = paragraph[0].strip()
        if len(paragraph) == 1 and _PAGE.match(first):
            continue
        if len(paragraph) == 1 and _BREAK.match(first):
            yield Block(Kind.BREAK, "")
            continue
        if first.startswith("#") and (marked := re.match(r"(#{1,6})[ \t]+(\S.*)", first)):
            yield Block(Kind.HEADING, written(marked[2].rstrip("# "), live=live), len(marked[1]))
            paragraph = paragraph[1:]
        elif len(paragraph) == 2 and _UNDERLINE.match(paragraph[1]) and len(first) < 100:
            level = 1 if paragraph[1].lstrip()[0] == "=" else 2
            yield Block(Kind.HEADING, written(first, live=live), level)
            continue
        elif heading := _HEADING.match(first):
            # The title of a chapter may stand in the line below its number.
            rest = [line.strip() for line in paragraph[1:]]
            is_title = len(rest) == 1 and len(rest[0]) < 80
            title = f"{first.rstrip('.: ')}. {rest[0]}" if is_title else first
            if not is_title and rest and is_wrapped:
                yield Block(Kind.TEXT, written(_one_line(paragraph), live=live))
                continue
            yield Block(Kind.HEADING, written(title, live=live), 1 if heading["part"] else 2)
            paragraph = [] if is_title else paragraph[1:]
        if joined := _one_line(paragraph):
            yield Block(Kind.TEXT, written(joined, live=live))


def _is_wrapped(lines: Sequence[str]) -> bool:
    """Whether paragraphs are broken into lines of about one length."""
    lengths: list[int] = []
    widest = count = 0
    for line in (*lines[:20_000], ""):
        if line.strip():
            widest, count = max(widest, len(line.strip())), count + 1
        elif count:
            if count > 1:
                lengths.append(widest)
            widest = count = 0
    if not lengths:
        return False
    lengths.sort()
    return lengths[len(lengths) // 2] <= _WRAPPED[1] and lengths[len(lengths) // 2] >= 20


def _paragraphs(lines: Sequence[str], *, by_line: bool) -> Iterator[list[str]]:
    """Lines that belong together: to the next empty one, or each by itself."""
    waiting: list[str] = []
    for line in (*lines, ""):
        if not line.strip():
            if waiting:
                yield waiting
            waiting = []
        elif by_line and not _UNDERLINE.match(line):
            if waiting:
                yield waiting
            waiting = [line]
        else:
            waiting.append(line)


def _one_line(lines: Sequence[str]) -> str:
    """Lines as one: with a space between, but in scripts without; parted words are joined."""
    joined = ""
    for line in (line.strip() for line in lines):
        if not joined or not line:
            joined += line
        elif joined.endswith("-") and joined[-2:-1].isalpha() and line[0].islower():
            joined = joined[:-1] + line
        elif ord(joined[-1]) >= 0x2E80 and ord(line[0]) >= 0x2E80:
            joined += line
        else:
            joined += " " + line
    return joined
