"""EPUB 3 with media overlays: the text of a book, and each sentence lit while it is heard.

https://www.w3.org/TR/epub-33/#sec-media-overlays
"""

from __future__ import annotations

import uuid
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from vinovits.books.model import Cover
from vinovits.output.atomic import atomic_file, write_error

_STYLE = ".-epub-media-overlay-active { background: #ffe9a8; color: #000; }\nbody { margin: 5%; }\n"
_AUDIO_TYPES = {".m4a": "audio/mp4", ".m4b": "audio/mp4", ".mp3": "audio/mpeg"}


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence and when it is heard."""

    text: str
    start: float
    """Seconds from the beginning of its chapter's audio."""
    end: float


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A heading or paragraph."""

    element: str
    """Name of its element: "h1" to "h6", "p", "blockquote", "aside"."""
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class SyncedChapter:
    """A chapter's text and its audio."""

    title: str
    blocks: tuple[TextBlock, ...]
    audio: Path
    """An .mp3 or .m4a file."""
    seconds: float


def write_overlay(
    path: Path,
    *,
    title: str,
    author: str,
    language: str,
    chapters: Sequence[SyncedChapter],
    cover: Cover | None = None,
    narrator: str = "",
) -> None:
    """Write an EPUB with the text and audio of chapters, whole or not at all.

    Args:
        path: Where.
        title: Of the book.
        author: "" for unknown.
        language: A language tag; "" for unknown.
        chapters: With audio files that exist.
        cover: A picture.
        narrator: Who reads, as reading programs show it.

    Raises:
        OutputError: It can't be written.
    """
    total = sum(chapter.seconds for chapter in chapters)
    with atomic_file(path) as part:
        try:
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
                # The specification wants it first, and not packed.
                archive.writestr(
                    zipfile.ZipInfo("mimetype"), "application/epub+zip", zipfile.ZIP_STORED
                )
                archive.writestr("META-INF/container.xml", _CONTAINER)
                archive.writestr("EPUB/style.css", _STYLE)
                archive.writestr("EPUB/nav.xhtml", _nav(title, chapters))
                if cover is not None:
                    archive.writestr(f"EPUB/{_cover_name(cover)}", cover.data, zipfile.ZIP_STORED)
                for number, chapter in enumerate(chapters):
                    archive.writestr(f"EPUB/c{number:04}.xhtml", _text(chapter, language))
                    archive.writestr(f"EPUB/c{number:04}.smil", _smil(chapter, number))
                    name = f"EPUB/a{number:04}{chapter.audio.suffix}"
                    archive.write(chapter.audio, name, zipfile.ZIP_STORED)
                package = _package(title, author, language or "und", chapters, cover, narrator)
                archive.writestr("EPUB/package.opf", package.replace("@total@", _clock(total)))
        except OSError as error:
            raise write_error(path, error) from error


_CONTAINER = (
    '<?xml version="1.0"?><container version="1.0" '
    'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile '
    'full-path="EPUB/package.opf" media-type="application/oebps-package+xml"/></rootfiles>'
    "</container>"
)


def _clock(seconds: float) -> str:
    return f"{int(seconds // 3600)}:{int(seconds // 60) % 60:02}:{seconds % 60:06.3f}"


def _cover_name(cover: Cover) -> str:
    return "cover.jpg" if cover.media_type == "image/jpeg" else "cover.png"


def _page(title: str, body: str, language: str = "") -> str:
    lang = f' lang="{escape(language)}" xml:lang="{escape(language)}"' if language else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"'
        f"{lang}><head><title>{_plain(title)}</title>"
        '<link rel="stylesheet" type="text/css" href="style.css"/></head>'
        f"<body>{body}</body></html>\n"
    )


def _plain(text: str) -> str:
    """Text for XML, which has no control characters."""
    kept = "".join(
        sign
        for sign in text
        if sign in "\t\n" or (sign >= " " and not "\ud800" <= sign <= "\udfff")
    )
    return escape(kept, quote=True)


def _nav(title: str, chapters: Sequence[SyncedChapter]) -> str:
    lines = "".join(
        f'<li><a href="c{number:04}.xhtml">{_plain(chapter.title or str(number + 1))}</a></li>'
        for number, chapter in enumerate(chapters)
    )
    return _page(title, f'<nav epub:type="toc"><h1>{_plain(title)}</h1><ol>{lines}</ol></nav>')


def _text(chapter: SyncedChapter, language: str) -> str:
    body = []
    number = 0
    for block in chapter.blocks:
        spans = []
        for line in block.lines:
            spans.append(f'<span id="s{number}">{_plain(line.text)}</span>')
            number += 1
        body.append(f"<{block.element}>{' '.join(spans)}</{block.element}>\n")
    return _page(chapter.title, "".join(body), language)


def _smil(chapter: SyncedChapter, number: int) -> str:
    audio = f"a{number:04}{chapter.audio.suffix}"
    pairs = []
    for place, line in enumerate(line for block in chapter.blocks for line in block.lines):
        begin, end = f"{line.start:.3f}s", f"{max(line.end, line.start + 0.001):.3f}s"
        pairs.append(
            f'<par id="p{place}"><text src="c{number:04}.xhtml#s{place}"/>'
            f'<audio src="{audio}" clipBegin="{begin}" clipEnd="{end}"/></par>'
        )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<smil xmlns="http://www.w3.org/ns/SMIL" xmlns:epub="http://www.idpf.org/2007/ops" '
        f'version="3.0"><body><seq id="q" epub:textref="c{number:04}.xhtml">'
        f"{''.join(pairs)}</seq></body></smil>\n"
    )


def _package(
    title: str,
    author: str,
    language: str,
    chapters: Sequence[SyncedChapter],
    cover: Cover | None,
    narrator: str,
) -> str:
    # The same book has the same identifier, so that a reading program keeps its place.
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"vinovits:{title}:{author}")
    modified = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    metadata = [
        f'<dc:identifier id="id">urn:uuid:{identity}</dc:identifier>',
        f"<dc:title>{_plain(title)}</dc:title>",
        f"<dc:language>{_plain(language)}</dc:language>",
        f"<dc:creator>{_plain(author)}</dc:creator>" if author else "",
        f'<meta property="dcterms:modified">{modified}</meta>',
        '<meta property="media:duration">@total@</meta>',
        '<meta property="media:active-class">-epub-media-overlay-active</meta>',
        f'<meta property="media:narrator">{_plain(narrator)}</meta>' if narrator else "",
    ]
    items = [
        '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>',
        '<item id="css" href="style.css" media-type="text/css"/>',
    ]
    if cover is not None:
        items.append(
            f'<item id="cover" href="{_cover_name(cover)}" media-type="{cover.media_type}" '
            'properties="cover-image"/>'
        )
    references = []
    for number, chapter in enumerate(chapters):
        name = f"{number:04}"
        metadata.append(
            f'<meta property="media:duration" refines="#m{name}">{_clock(chapter.seconds)}</meta>'
        )
        items += [
            f'<item id="c{name}" href="c{name}.xhtml" media-type="application/xhtml+xml" '
            f'media-overlay="m{name}"/>',
            f'<item id="m{name}" href="c{name}.smil" media-type="application/smil+xml"/>',
            f'<item id="a{name}" href="a{name}{chapter.audio.suffix}" '
            f'media-type="{_AUDIO_TYPES[chapter.audio.suffix]}"/>',
        ]
        references.append(f'<itemref idref="c{name}"/>')
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">{"".join(metadata)}</metadata>'
        f"<manifest>{''.join(items)}</manifest><spine>{''.join(references)}</spine></package>\n"
    )
