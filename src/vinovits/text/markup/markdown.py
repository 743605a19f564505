"""Markdown (CommonMark with tables): its signs are taken out, its text is read."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from vinovits.text.hidden import shown
from vinovits.text.markup.composer import Composer
from vinovits.text.markup.html import flow_html
from vinovits.text.markup.ruby import CLOSING as RUBY_CLOSING
from vinovits.text.script import Script

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(?:(?!---)[^\n]*\n)*+---[ \t]*(?:\r?\n|\Z)")
_TARGET = re.compile(r"\](?:\((?:[^()\\]|\\.|\([^()]*\))*+\)|\[[^\]]*\])?|>", re.DOTALL)
"""What follows the text of a link."""
_ASIDE = re.compile(r"\[\^[^\]\s]{1,40}\]:?[ ]?|\A\[[ xX]\][ ]")
"""Footnotes' numbers, and the boxes of tasks."""
_RUBY = re.compile(r"<ruby[\s>]", re.IGNORECASE)
_ENDS = frozenset(
    ("paragraph_close", "heading_close", "list_item_close", "tr_close", "hr", "fence")
)


def parse_markdown(text: str) -> Script:
    """Take the signs of Markdown out of a text.

    Args:
        text: Any text.
    """
    seen = shown(text)
    composer = Composer(text, seen)
    _Page(seen.text, composer).flow()
    return composer.done()


class _Page:
    """Finds the text of Markdown's tokens again in the source, which they don't tell the place of.

    They come in order, and all but the characters that were escaped are as they stand there.
    """

    def __init__(self, text: str, composer: Composer) -> None:
        self._text = text
        self._composer = composer
        front = _FRONT_MATTER.match(text)
        self._first = front.end() if front else 0
        self._lines = [m.span() for m in _LINE.finditer(text, self._first)]
        self._at = self._first
        """Where reading is in the source; everything before is done with."""

    def flow(self) -> None:
        # What was escaped must stay apart from the text around it, to be found.
        parser = MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable("text_join")
        in_row = False
        for token in parser.parse(self._text[self._first :]):
            match token.type:
                case "inline":
                    self._inline(token)
                case "tr_open":
                    in_row = False
                case "td_open" | "th_open":
                    if in_row:
                        self._composer.comma(self._at, self._at)
                    in_row = True
                case "list_item_open" if token.info and token.map:
                    self._copy(f"{token.info}{token.markup}", *self._span(token))
                    self._composer.put(" ", self._at, self._at)
                case "code_block":
                    start, end = self._span(token)
                    self._composer.copy(max(start, self._at), end)
                    self._at = end
                    self._composer.end_sentence(self._at, self._at)
                case "html_block":
                    start, end = self._span(token)
                    start = max(start, self._at)
                    flow_html(self._composer, self._text, start, max(start, end))
                    self._reach(end, len(self._text))
                    self._composer.end_sentence(self._at, self._at)
                case kind if kind in _ENDS:
                    self._composer.end_sentence(self._at, self._at)

    def _span(self, token: Token) -> tuple[int, int]:
        """Where the lines of a token are in the source."""
        first, behind = token.map or (0, 0)
        last = min(behind, len(self._lines)) - 1
        return self._lines[min(first, last)][0], self._lines[last][1]

    def _reach(self, start: int, end: int) -> None:
        """Go on in the source, never back."""
        self._at = max(self._at, min(start, end))

    def _copy(self, text: str, start: int, end: int) -> None:
        """Add a text that stands in [start:end] of the source."""
        start = max(start, self._at)
        found = self._text.find(text, start, end)
        if found < 0:
            self._composer.put(text, start, max(start, min(start + len(text), end)))
            self._reach(start, end)
            return
        position = found
        for aside in _ASIDE.finditer(text):
            self._composer.copy(position, found + aside.start())
            position = found + aside.end()
        self._composer.copy(position, found + len(text))
        self._at = found + len(text)

    def _inline(self, token: Token) -> None:
        start, end = self._span(token)
        ends = [behind for _, behind in self._lines_of(start, end)]
        self._tokens(token.children or [], end, ends)

    def _lines_of(self, start: int, end: int) -> Sequence[tuple[int, int]]:
        first = bisect_right(self._lines, (start, len(self._text))) - 1
        behind = bisect_right(self._lines, (end - 1, len(self._text)))
        return self._lines[max(first, 0) : behind]

    def _tokens(self, tokens: Sequence[Token], end: int, line_ends: Sequence[int]) -> None:
        behind_ruby = 0
        rubies = self._rubies(tokens)
        for number, token in enumerate(tokens):
            if number < behind_ruby:
                continue
            match token.type:
                case "text" | "code_inline":
                    self._copy(token.content, self._at, end)
                case "text_special":
                    found = self._text.find(token.markup, self._at, end)
                    if found >= 0:
                        behind = found + len(token.markup)
                        self._composer.put(token.content, found, behind)
                        self._at = behind
                case "softbreak" | "hardbreak":
                    number = bisect_right(line_ends, self._at)
                    behind = line_ends[number] if number < len(line_ends) else end
                    self._composer.put("\n", behind - 1, behind)
                    self._reach(behind, end)
                case "html_inline":
                    found = self._text.find(token.content, self._at, end)
                    if found >= 0:
                        self._at = found + len(token.content)
                        if number in rubies and (
                            closing := RUBY_CLOSING.search(self._text, self._at, end)
                        ):
                            flow_html(self._composer, self._text, found, closing.end())
                            self._at, behind_ruby = closing.end(), rubies[number] + 1
                        elif token.content.lower().startswith("<br"):
                            self._composer.put("\n", found, self._at)
                case "image":
                    self._reach(self._text.find("![", self._at, end) + 2, end)
                    self._tokens(token.children or [], end, line_ends)
                    self._skip_target(end)
                case "link_close":
                    self._skip_target(end)

    def _rubies(self, tokens: Sequence[Token]) -> dict[int, int]:
        """The tokens that open an element ruby, and those that close each."""
        found: dict[int, int] = {}
        opened = None
        for number, token in enumerate(tokens):
            if token.type != "html_inline":
                continue
            if RUBY_CLOSING.match(token.content) and opened is not None:
                found[opened], opened = number, None
            elif opened is None and _RUBY.match(token.content):
                opened = number
        return found

    def _skip_target(self, end: int) -> None:
        """Go behind the address of a link."""
        if match := _TARGET.search(self._text, self._at, min(end, self._at + 5000)):
            self._at = match.end()
