"""Web pages and chapters of EPUBs as blocks of text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from html.entities import html5

from lxml import etree
from lxml import html as lxml_html

from vinovits.books.model import Block, Draft, Kind
from vinovits.books.tags import written
from vinovits.errors import TextError
from vinovits.text.markup import escape, parse
from vinovits.text.word_sets import word_set

_EPUB = "{http://www.idpf.org/2007/ops}type"
_ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31};)")
_XML_OWN = frozenset((b"amp;", b"lt;", b"gt;", b"quot;", b"apos;"))
_LEFT_OUT = word_set(
    "head script style template svg canvas object iframe audio video nav form button rp math"
)
_BLOCKS = word_set(
    "address article aside body blockquote caption center dd details div dl dt fieldset figcaption "
    "figure footer h1 h2 h3 h4 h5 h6 header hr html legend li main ol p pre section summary table "
    "tbody td tfoot th thead tr ul"
)
_NOTE_TYPES = word_set("footnote footnotes endnote endnotes rearnote rearnotes note")
_REFERENCE_TYPES = word_set("noteref annoref backlink")
_SKIPPED_TYPES = word_set("pagebreak toc landmarks page-list index")
_ROLES = {
    "doc-footnote": "footnote",
    "doc-endnote": "endnote",
    "doc-endnotes": "endnotes",
    "doc-noteref": "noteref",
    "doc-backlink": "backlink",
    "doc-pagebreak": "pagebreak",
}
_NUMBER = re.compile(r"[\[(]?(?:\d{1,4}|[*†‡§]{1,3}|[ivxlc]{1,6})[\])]?\Z")
_BREAK = re.compile(r"(?:[*＊⁂•·#~—–-]\s*){1,9}\Z|(?:＊\s*)+\Z")
_SPACE = re.compile(r"[ \t\r\n\f]+")
_LINE_END = re.compile(r" *\n *")


@dataclass(frozen=True, slots=True)
class Page:
    """What is read of a page."""

    title: str
    """Of its head; "" for none."""
    author: str
    language: str
    blocks: tuple[Block, ...]
    anchors: dict[str, int]
    """For the id of each element, the index of the first block behind it."""


def read_page(data: bytes, name: str, *, live: bool = False) -> Page:
    """Read a page.

    Args:
        data: HTML or XHTML.
        name: What to call it in messages.
        live: Whether tags of our own markup in it are tags.

    Raises:
        TextError: It is nothing that could be taken for either, or nested too deeply.
    """
    root = _tree(data, name)
    reader = _Reader(live)
    body = next((node for node in root.iter() if _tag(node) == "body"), root)
    try:
        reader.walk(body)
    except RecursionError:
        raise TextError(f"{name} is nested too deeply to be a page of a book.") from None
    reader.close()
    head = {_tag(node): node for node in root.iter() if _tag(node) in ("title",) and node.text}
    author = next(
        (
            node.get("content", "")
            for node in root.iter()
            if _tag(node) == "meta" and (node.get("name") or "").lower() in ("author", "dc.creator")
        ),
        "",
    )
    title = " ".join((head["title"].text or "").split()) if "title" in head else ""
    language = root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang") or ""
    return Page(title, author.strip(), language, tuple(reader.draft.blocks), reader.anchors)


def _tree(data: bytes, name: str) -> etree._Element:
    """Of XHTML by the parser for XML, of all else by the lenient one."""
    known = _ENTITY.sub(_character, data)
    strict = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        return etree.fromstring(known, strict)
    except (etree.XMLSyntaxError, ValueError):
        pass
    try:
        encoding = None if b"charset" in data[:2048] or b"encoding" in data[:200] else "utf-8"
        lenient = lxml_html.HTMLParser(no_network=True, encoding=encoding)
        root = lxml_html.document_fromstring(data, parser=lenient)
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        raise TextError(f"{name} holds nothing that could be read.") from None
    return root


def _character(match: re.Match[bytes]) -> bytes:
    """An entity of HTML, which XML doesn't know, as a number."""
    name = match[1]
    if name in _XML_OWN or name.decode() not in html5:
        return match[0]
    return "".join(f"&#{ord(c)};" for c in unescape(match[0].decode())).encode()


def _tag(node: etree._Element) -> str:
    return etree.QName(node).localname.lower() if isinstance(node.tag, str) else ""


class _Reader:
    """Walks a tree and collects its blocks."""

    def __init__(self, live: bool) -> None:
        self._live = live
        self.draft = Draft()
        self.anchors: dict[str, int] = {}
        self._text: list[str] = []
        self._kind = Kind.TEXT
        self._level = 0

    def close(self) -> None:
        """End the block that is being read."""
        text = _LINE_END.sub("\n", "".join(self._text)).strip()
        if self._live:
            text = written(text, live=True)
        self._text.clear()
        if _BREAK.match(text):
            self.draft.add(Kind.BREAK, "")
        else:
            self.draft.add(self._kind, text, self._level)

    def walk(self, node: etree._Element) -> None:
        """Read an element, without the text behind it."""
        tag = _tag(node)
        types = _types(node)
        if identity := node.get("id") or (node.get("name") if tag == "a" else None):
            if tag in _BLOCKS:
                self.close()
            self.anchors.setdefault(identity, len(self.draft.blocks))
        if not tag or tag in _LEFT_OUT or types & _SKIPPED_TYPES or _is_hidden(node):
            return
        if tag == "br":
            self._text.append("\n")
        elif tag == "hr":
            self.close()
            self.draft.add(Kind.BREAK, "")
        elif tag == "img":
            self._image(node)
        elif tag == "ruby":
            self._text.append(_ruby(node))
        elif tag == "table":
            self._table(node)
        elif types & _REFERENCE_TYPES or (tag in ("a", "sup") and _is_reference(node)):
            return
        elif tag in _BLOCKS:
            self._block(node, tag, types)
        else:
            self._children(node)

    def _children(self, node: etree._Element) -> None:
        self._add(node.text)
        for child in node:
            self.walk(child)
            self._add(child.tail)

    def _add(self, text: str | None) -> None:
        if text:
            text = text if self._kind is Kind.CODE else _SPACE.sub(" ", text)
            # Tags may begin in one element and end in another.
            self._text.append(text if self._live else escape(text))

    def _block(self, node: etree._Element, tag: str, types: frozenset[str]) -> None:
        self.close()
        outer = self._kind, self._level
        # What is in a note or a quote is of it, whatever the element.
        if types & _NOTE_TYPES or self._kind is Kind.NOTE:
            self._kind, self._level = Kind.NOTE, 0
        elif len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self._kind, self._level = Kind.HEADING, int(tag[1])
        elif tag in ("pre", "figcaption", "li", "blockquote"):
            self._kind = {
                "pre": Kind.CODE,
                "figcaption": Kind.CAPTION,
                "li": Kind.ITEM,
                "blockquote": Kind.QUOTE,
            }[tag]
        self._children(node)
        self.close()
        self._kind, self._level = outer

    def _image(self, node: etree._Element) -> None:
        described = (node.get("alt") or "").strip()
        figure = node.getparent()
        while figure is not None and _tag(figure) != "figure":
            figure = figure.getparent()
        has_caption = figure is not None and any(_tag(n) == "figcaption" for n in figure.iter())
        if described and not has_caption and " " in described:
            kind = self._kind
            self.close()
            self._kind = Kind.CAPTION
            self._add(described)
            self.close()
            self._kind = kind

    def _table(self, node: etree._Element) -> None:
        self.close()
        outer = self._kind
        for row in node.iter():
            if _tag(row) == "caption":
                self._kind = Kind.CAPTION
                self._children(row)
                self.close()
            elif _tag(row) == "tr":
                cells = [" ".join("".join(_texts(cell)).split()) for cell in row]
                self.draft.add(Kind.TABLE, escape(", ".join(cell for cell in cells if cell)))
        self._kind = outer


def _texts(node: etree._Element) -> Iterator[str]:
    if _tag(node) in _LEFT_OUT:
        return
    yield node.text or ""
    for child in node:
        yield from _texts(child)
        yield child.tail or ""


def _types(node: etree._Element) -> frozenset[str]:
    if not isinstance(node.tag, str):
        return frozenset()
    words = set((node.get(_EPUB) or node.get("epub:type") or "").lower().split())
    words.update(_ROLES.get(word, "") for word in (node.get("role") or "").lower().split())
    return frozenset(words)


def _is_hidden(node: etree._Element) -> bool:
    style = (node.get("style") or "").replace(" ", "").lower()
    return node.get("hidden") is not None or "display:none" in style


def _is_reference(node: etree._Element) -> bool:
    """Whether an element is but the number of a note."""
    text = "".join(_texts(node)).strip()
    if not _NUMBER.match(text):
        return False
    if _tag(node) == "sup":
        return any(_tag(child) == "a" for child in node.iter()) or (
            (outer := node.getparent()) is not None and _tag(outer) == "a"
        )
    inside_sup = any(_tag(child) == "sup" for child in node)
    return "#" in (node.get("href") or "") and (inside_sup or text[0] in "[(*†‡§")


def _ruby(node: etree._Element) -> str:
    """The base with its reading as a tag, where it is one that our markup takes."""
    pairs: list[tuple[str, str]] = []
    base = node.text or ""
    for child in node:
        tag = _tag(child)
        text = "".join(_texts(child))
        if tag == "rt":
            pairs.append((base.strip(), text.strip()))
            base = ""
        elif tag not in ("rp", "rtc"):
            base += text
        base += child.tail or ""
    whole = "".join(one for one, _ in pairs) + base.strip()
    reading = "".join(one for _, one in pairs)
    if reading and not base.strip() and not set("[]|\n") & set(whole + reading):
        tagged = f"[{whole}|{reading}]"
        try:
            if parse(tagged, "plain").said:
                return tagged
        except TextError:
            pass
    return escape(whole)
