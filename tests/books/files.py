"""Books in files, made for the tests."""

from __future__ import annotations

import zipfile
from pathlib import Path

CONTAINER = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>"""
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8"
    "cfc0f01f0005000201a5f645400000000049454e44ae426082"
)


def page(body: str, title: str = "A page") -> str:
    """XHTML of a chapter."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html>'
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">'
        f"<head><title>{title}</title></head><body>{body}</body></html>"
    )


def write_epub(
    path: Path,
    pages: dict[str, str],
    contents: list[tuple[str, str]] | None = None,
    *,
    spine: bool = True,
    ncx: bool = False,
    language: str = "en",
    extra: dict[str, bytes] | None = None,
) -> Path:
    """Write an EPUB.

    Args:
        path: Where.
        pages: The bodies by the names of their files, in their order.
        contents: Titles and references; None for no table of contents.
        spine: Whether the order of reading is told.
        ncx: Whether the table is that of EPUB 2.
        language: Of the book.
        extra: More files, by their names.
    """
    items = "".join(
        f'<item id="p{number}" href="{name}" media-type="application/xhtml+xml"/>'
        for number, name in enumerate(pages)
    )
    references = "".join(f'<itemref idref="p{number}"/>' for number in range(len(pages)))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", CONTAINER)
        if contents is not None and not ncx:
            lines = "".join(f'<li><a href="{where}">{title}</a></li>' for title, where in contents)
            nav = page(f'<nav epub:type="toc"><ol>{lines}</ol></nav>')
            items += (
                '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" '
                'properties="nav"/>'
            )
            archive.writestr("OEBPS/nav.xhtml", nav)
        if contents is not None and ncx:
            points = "".join(
                f'<navPoint id="n{number}"><navLabel><text>{title}</text></navLabel>'
                f'<content src="{where}"/></navPoint>'
                for number, (title, where) in enumerate(contents)
            )
            items += '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
            archive.writestr(
                "OEBPS/toc.ncx",
                '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1">'
                f"<navMap>{points}</navMap></ncx>",
            )
        items += '<item id="c" href="c.png" media-type="image/png" properties="cover-image"/>'
        archive.writestr("OEBPS/c.png", PNG)
        archive.writestr(
            "OEBPS/content.opf",
            '<package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
            '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The Book</dc:title>'
            f"<dc:creator>A. Writer</dc:creator><dc:language>{language}</dc:language></metadata>"
            f"<manifest>{items}</manifest>"
            + (f"<spine>{references}</spine>" if spine else "")
            + "</package>",
        )
        for name, body in pages.items():
            archive.writestr(f"OEBPS/{name}", page(body))
        for name, data in (extra or {}).items():
            archive.writestr(name, data)
    return path


def write_pdf(path: Path, pages: list[list[str]], *, outline: dict[str, int] | None = None) -> Path:
    """Write a PDF with lines of text, by hand: Helvetica, 12 points, from the top down."""
    objects: list[bytes] = [b"", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    kids = []
    for lines in pages:
        escaped = [
            line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in lines
        ]
        drawn = "".join(f"({line}) Tj T* " for line in escaped)
        stream = f"BT /F1 12 Tf 14 TL 72 720 Td {drawn}ET".encode("latin-1")
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream))
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]"
            b"/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>" % len(objects)
        )
        kids.append(len(objects))
    objects[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (
        len(kids),
        b" ".join(b"%d 0 R" % kid for kid in kids),
    )
    catalog = b"<</Type/Catalog/Pages 2 0 R"
    if outline:
        first = len(objects) + 2
        last = first + len(outline) - 1
        catalog += b"/Outlines %d 0 R" % (first - 1)
        objects.append(b"<</First %d 0 R/Last %d 0 R/Count %d>>" % (first, last, len(outline)))
        for number, (title, at) in enumerate(outline.items()):
            own = first + number
            entry = b"<</Title(%s)/Parent %d 0 R/Dest[%d 0 R/Fit]" % (
                title.encode(),
                first - 1,
                kids[at],
            )
            entry += b"/Next %d 0 R" % (own + 1) if own < last else b""
            entry += b"/Prev %d 0 R" % (own - 1) if number else b""
            objects.append(entry + b">>")
    objects[0] = catalog + b">>"
    data = b"%PDF-1.4\n"
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    data += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    path.write_bytes(data)
    return path
