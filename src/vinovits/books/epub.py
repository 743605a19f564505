"""EPUB 2 and 3: https://www.w3.org/TR/epub-33/."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from lxml import etree

from vinovits.books.archive import Archive, joined
from vinovits.books.html import Page, read_page
from vinovits.books.model import (
    Block,
    Book,
    Chapter,
    Cover,
    Kind,
    chapters_at_headings,
    plain_title,
)
from vinovits.errors import TextError
from vinovits.text.markup import escape

_FONT_METHODS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
"""Fonts may be obfuscated in books that anyone may read."""
_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
_PICTURES = {"image/jpeg": "image/jpeg", "image/jpg": "image/jpeg", "image/png": "image/png"}
_SIDE_TITLES = re.compile(r"(table of )?contents|目[录錄次]|cover|封面|表紙|index", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Item:
    """A file of the book."""

    name: str
    media_type: str
    properties: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of the table of contents."""

    title: str
    name: str
    fragment: str
    depth: int


def read_epub(path: Path) -> Book:
    """Read an EPUB.

    Args:
        path: Its file.

    Raises:
        TextError: It is locked by DRM, broken, has no text, or unpacks to too much.
    """
    with Archive(path) as archive:
        _check_locks(archive, path)
        return _Package(archive, path).book()


def _check_locks(archive: Archive, path: Path) -> None:
    locked = "META-INF/rights.xml" in archive or "META-INF/sinf.xml" in archive
    if "META-INF/encryption.xml" in archive:
        root = _xml(archive.read("META-INF/encryption.xml"), path)
        methods = [node.get("Algorithm", "") for node in _named(root, "EncryptionMethod")]
        locked = locked or any(method not in _FONT_METHODS for method in methods)
    if locked:
        raise TextError(
            f"{path.name} is locked by DRM: its shop's programs can read it only. Ask the shop or "
            "the publisher for an edition without."
        )


def _xml(data: bytes, path: Path) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        root = None
    if root is None:
        raise TextError(f"{path.name} is broken: its list of files isn't XML.")
    return root


def _named(root: etree._Element, name: str) -> Iterator[etree._Element]:
    for node in root.iter():
        if isinstance(node.tag, str) and etree.QName(node).localname == name:
            yield node


class _Package:
    """The package of an EPUB: what files it has, and in which order they are read."""

    def __init__(self, archive: Archive, path: Path) -> None:
        self._archive, self._path = archive, path
        self._name = self._root_file()
        self._root = _xml(archive.read(self._name), path)
        self._items = {
            node.get("id", ""): _Item(
                joined(self._name, unquote(node.get("href", ""))),
                node.get("media-type", "").lower(),
                frozenset((node.get("properties") or "").split()),
            )
            for node in _named(self._root, "item")
        }
        self._notes: list[str] = []

    def _root_file(self) -> str:
        if "META-INF/container.xml" in self._archive:
            root = _xml(self._archive.read("META-INF/container.xml"), self._path)
            for node in _named(root, "rootfile"):
                if node.get("full-path"):
                    return node.get("full-path", "")
        raise TextError(f"{self._path.name} is broken: it doesn't say where its list of files is.")

    def book(self) -> Book:
        pages = list(self._pages())
        chapters = self._chapters(pages)
        if not any(block.text for chapter in chapters for block in chapter.blocks):
            raise TextError(f"{self._path.name} has no text; its pages may be pictures.")
        languages = self._metadata("language")
        authors = [name for name in self._metadata("creator") if name]
        titles = self._metadata("title")
        return Book(
            title=titles[0] if titles else self._path.stem,
            author=", ".join(dict.fromkeys(authors)),
            chapters=chapters,
            language=languages[0] if languages else "",
            cover=self._cover(),
            notes=tuple(self._notes),
        )

    def _metadata(self, name: str) -> list[str]:
        head = next(_named(self._root, "metadata"), None)
        nodes = _named(head, name) if head is not None else ()
        return [" ".join((node.text or "").split()) for node in nodes if (node.text or "").strip()]

    def _spine(self) -> list[_Item]:
        """Files in the order of reading; of a book without such an order, all pages by name."""
        spine = next(_named(self._root, "spine"), None)
        references = list(_named(spine, "itemref")) if spine is not None else []
        found = [
            self._items[reference.get("idref", "")]
            for reference in references
            if reference.get("idref", "") in self._items and reference.get("linear") != "no"
        ]
        if not found:
            pages = [item for item in self._items.values() if item.media_type in _PAGES]
            found = sorted(pages, key=lambda item: _natural(item.name))
            self._notes.append(
                "The book doesn't tell the order of its pages: taken by their names."
            )
        return [item for item in found if "nav" not in item.properties]

    def _pages(self) -> Iterator[tuple[str, Page]]:
        for item in self._spine():
            if item.media_type and item.media_type not in _PAGES:
                continue
            try:
                yield item.name, read_page(self._archive.read(item.name), item.name)
            except TextError as error:
                if "unpacks to too much" in str(error):
                    raise
                self._notes.append(f"Left out: {error}")

    def _chapters(self, pages: list[tuple[str, Page]]) -> tuple[Chapter, ...]:
        """Parted by the table of contents; by headings where there is none that would do."""
        starts: dict[str, int] = {}
        anchors: dict[tuple[str, str], int] = {}
        blocks: list[Block] = []
        for name, page in pages:
            starts.setdefault(name, len(blocks))
            for anchor, index in page.anchors.items():
                anchors[name, anchor] = len(blocks) + index
            blocks += page.blocks
        cuts: dict[int, str] = {}
        entries = self._contents()
        depth = 0 if sum(entry.depth == 0 for entry in entries) > 1 else 1
        for entry in entries:
            at = anchors.get((entry.name, entry.fragment), starts.get(entry.name))
            if at is not None and entry.depth <= depth:
                cuts.setdefault(at, entry.title)
        if len(cuts) < 2:
            return chapters_at_headings(blocks)
        bounds = sorted({0, *cuts, len(blocks)})
        found = []
        for start, end in pairwise(bounds):
            title, part = cuts.get(start, ""), _with_heading(blocks[start:end], cuts.get(start, ""))
            # A list of contents is a page for eyes.
            if any(block.text for block in part) and not _SIDE_TITLES.fullmatch(title.strip()):
                found.append(Chapter(title, tuple(part)))
        return tuple(found)

    def _contents(self) -> list[_Entry]:
        for item in self._items.values():
            if "nav" in item.properties:
                return list(self._nav(item.name))
        for item in self._items.values():
            if item.media_type == "application/x-dtbncx+xml":
                return list(self._ncx(item.name))
        return []

    def _nav(self, name: str) -> Iterator[_Entry]:
        root = _xml(self._archive.read(name), self._path)
        navs = list(_named(root, "nav"))
        typed = "{http://www.idpf.org/2007/ops}type"
        nav = next((node for node in navs if "toc" in (node.get(typed) or "").split()), None)
        for link in _named(nav if nav is not None else root, "a"):
            depth = sum(1 for node in link.iterancestors() if etree.QName(node).localname == "ol")
            title = " ".join("".join(str(text) for text in link.itertext()).split())
            yield _entry(title, name, link.get("href", ""), depth - 1)

    def _ncx(self, name: str) -> Iterator[_Entry]:
        root = _xml(self._archive.read(name), self._path)
        for point in _named(root, "navPoint"):
            label = next(_named(point, "text"), None)
            content = next(_named(point, "content"), None)
            depth = sum(
                1 for node in point.iterancestors() if etree.QName(node).localname == "navPoint"
            )
            if content is not None:
                title = "" if label is None else " ".join((label.text or "").split())
                yield _entry(title, name, content.get("src", ""), depth)

    def _cover(self) -> Cover | None:
        by_meta = [
            node.get("content", "")
            for node in _named(self._root, "meta")
            if (node.get("name") or "").lower() == "cover"
        ]
        named = [item for item in self._items.values() if "cover-image" in item.properties]
        named += [self._items[identity] for identity in by_meta if identity in self._items]
        for item in named:
            if item.media_type in _PICTURES and item.name in self._archive:
                return Cover(self._archive.read(item.name), _PICTURES[item.media_type])
        return None


def _entry(title: str, base: str, reference: str, depth: int) -> _Entry:
    name, _, fragment = reference.partition("#")
    return _Entry(title, joined(base, unquote(name)), unquote(fragment), max(depth, 0))


def _with_heading(blocks: list[Block], title: str) -> list[Block]:
    """Blocks of a chapter, with its title read first where its pages don't have it as a heading."""
    first = next((number for number, block in enumerate(blocks) if block.text), None)
    if first is None or not title or blocks[first].kind is Kind.HEADING:
        return blocks
    shown = plain_title(blocks[first].text).casefold()
    if shown == " ".join(title.split()).casefold():
        return [*blocks[:first], Block(Kind.HEADING, blocks[first].text, 1), *blocks[first + 1 :]]
    return [Block(Kind.HEADING, escape(title), 1), *blocks]


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts page2 before page10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
