from __future__ import annotations

import logging
from pathlib import Path

import docx
import pytest

from tests.books.files import PNG, write_epub, write_pdf
from vinovits.books.model import Block, Book, Include, Kind, chapters_at_headings
from vinovits.books.reading import read_book, read_cues
from vinovits.errors import TextError, UsageError


def outline(book: Book) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (chapter.title, [(block.kind.value, block.text) for block in chapter.blocks])
        for chapter in book.chapters
    ]


def test_an_epub_has_its_chapters_cover_and_author(tmp_path: Path) -> None:
    body = (
        '<h1>One</h1><p>It was<sup><a href="#n1">1</a></sup> a&nbsp;dark night [slow]now[/slow].'
        "</p><hr/><p>He <i>ran</i>.</p>"
        '<aside epub:type="footnote" id="n1"><p>Really.</p></aside>'
        "<table><tr><td>a</td><td>b</td></tr></table>"
    )
    second = (
        '<p id="x">Two</p><p>He said <q>no</q>.<span epub:type="pagebreak">12</span></p>'
        '<figure><img alt="A big dog" src="x"/></figure><script>alert(1)</script>'
    )
    contents = [("One", "one.xhtml"), ("Two", "two.xhtml#x")]
    path = write_epub(tmp_path / "a.epub", {"one.xhtml": body, "two.xhtml": second}, contents)
    book = read_book(path)
    assert (book.title, book.author, book.language) == ("The Book", "A. Writer", "en")
    assert book.cover is not None
    assert book.cover.data == PNG
    assert outline(book) == [
        (
            "One",
            [
                ("heading", "One"),
                ("text", "It was a\xa0dark night \\[slow]now\\[/slow]."),
                ("break", ""),
                ("text", "He ran."),
                ("note", "Really."),
                ("table", "a, b"),
            ],
        ),
        ("Two", [("heading", "Two"), ("text", "He said no."), ("caption", "A big dog")]),
    ]


def test_a_contents_of_epub_2_parts_a_file_at_its_anchors(tmp_path: Path) -> None:
    body = '<h2>One</h2><p>a</p><h2 id="q">Two</h2><p>b</p>'
    contents = [("First", "one.xhtml"), ("Second", "one.xhtml#q")]
    book = read_book(write_epub(tmp_path / "b.epub", {"one.xhtml": body}, contents, ncx=True))
    assert [chapter.title for chapter in book.chapters] == ["First", "Second"]
    assert [block.text for block in book.chapters[1].blocks] == ["Two", "b"]


def test_without_a_spine_pages_come_by_their_numbers(tmp_path: Path) -> None:
    pages = {"p10.xhtml": "<p>ten</p>", "p2.xhtml": "<p>two</p>"}
    book = read_book(write_epub(tmp_path / "c.epub", pages, spine=False))
    assert [block.text for block in book.chapters[0].blocks] == ["two", "ten"]
    assert "order of its pages" in book.notes[0]


def test_ruby_is_a_reading(tmp_path: Path) -> None:
    body = "<p><ruby>漢<rt>かん</rt>字<rt>じ</rt></ruby>と<ruby>謎<rp>(</rp><rt>?</rt></ruby></p>"
    book = read_book(write_epub(tmp_path / "r.epub", {"a.xhtml": body}, language="ja"))
    assert book.chapters[0].blocks[0].text == "[漢字|かんじ]と謎"


@pytest.mark.parametrize("name", ["META-INF/rights.xml", "META-INF/encryption.xml"])
def test_a_locked_epub_says_so(tmp_path: Path, name: str) -> None:
    method = "http://www.w3.org/2001/04/xmlenc#aes128-cbc"
    data = f'<encryption><EncryptionMethod Algorithm="{method}"/></encryption>'.encode()
    path = write_epub(tmp_path / "drm.epub", {"a.xhtml": "<p>x</p>"}, extra={name: data})
    with pytest.raises(TextError, match="locked by DRM"):
        read_book(path)


def test_obfuscated_fonts_lock_nothing(tmp_path: Path) -> None:
    data = (
        b'<encryption><EncryptionMethod Algorithm="http://www.idpf.org/2008/embedding"/>'
        b"</encryption>"
    )
    extra = {"META-INF/encryption.xml": data}
    book = read_book(write_epub(tmp_path / "f.epub", {"a.xhtml": "<p>x</p>"}, extra=extra))
    assert book.chapters[0].blocks[0].text == "x"


def test_a_zip_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    bomb = "<p>" + "a" * (65 << 20) + "</p>"
    path = write_epub(tmp_path / "bomb.epub", {"a.xhtml": bomb})
    assert path.stat().st_size < 1 << 20
    with pytest.raises(TextError, match="unpacks to too much"):
        read_book(path)


@pytest.mark.parametrize("suffix", [".epub", ".docx", ".pdf"])
@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 nothing", b"%PDF-1.4 nothing", b"\0" * 999])
def test_broken_files_are_errors_that_name_them_and_nothing_else_is_told(
    tmp_path: Path, suffix: str, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(data)
    with pytest.raises(TextError, match="broken"):
        read_book(path)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_folder_is_no_book(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        read_book(tmp_path)


def test_a_cut_epub_is_an_error_wherever_it_is_cut(tmp_path: Path) -> None:
    whole = write_epub(tmp_path / "w.epub", {"a.xhtml": "<p>text</p>"}).read_bytes()
    for length in range(10, len(whole) - 1, 97):
        path = tmp_path / "cut.epub"
        path.write_bytes(whole[:length])
        with pytest.raises(TextError):
            read_book(path)


def test_a_text_has_chapters_and_paragraphs_again(tmp_path: Path) -> None:
    path = tmp_path / "novel.txt"
    path.write_text(
        "CHAPTER I\nThe Beginning\n\n"
        "It was the best of times, it was the worst of times, it was the age of\n"
        "wisdom, it was the age of foolish-\nness.\n\n   * * *\n\n12\n\n"
        "CHAPTER II.\n\nChapter two of his life was over, and nothing could be done about\n"
        "it. He went.\n",
        encoding="utf-8",
    )
    assert outline(read_book(path)) == [
        (
            "CHAPTER I. The Beginning",
            [
                ("heading", "CHAPTER I. The Beginning"),
                (
                    "text",
                    "It was the best of times, it was the worst of times, it was the age of wisdom,"
                    " it was the age of foolishness.",
                ),
                ("break", ""),
            ],
        ),
        (
            "CHAPTER II.",
            [
                ("heading", "CHAPTER II."),
                (
                    "text",
                    "Chapter two of his life was over, and nothing could be done about it. "
                    "He went.",
                ),
            ],
        ),
    ]


def test_the_frame_of_project_gutenberg_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "pg.txt"
    path.write_text(
        "Title: The Tale\nAuthor: Jane Doe\nLanguage: English\n\n"
        "*** START OF THE PROJECT GUTENBERG EBOOK THE TALE ***\n\nIt begins.\n\n"
        "*** END OF THE PROJECT GUTENBERG EBOOK THE TALE ***\nLicence\n",
        encoding="utf-8",
    )
    book = read_book(path)
    assert (book.title, book.author, book.language) == ("The Tale", "Jane Doe", "English")
    assert [block.text for block in book.chapters[0].blocks] == ["It begins."]


CHINESE = "第一章 开始\n　　天下大势，分久必合，合久必分。\n第二章 结束\n　　话说周末七国分争。\n"
JAPANESE = "第一章\n　吾輩は猫である。名前はまだ無い。\n　どこで生れたかとんと見当がつかぬ。\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (CHINESE, "gb18030"),
        (CHINESE, "utf-16"),
        (CHINESE, "utf-8-sig"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        ("第一章\n他們說這個國家很大，沒有人會來。\n", "big5"),
        ("Über den Wolken muß die Freiheit grenzenlos sein – “naïve” café.\n", "cp1252"),
    ],
)
def test_the_encoding_is_found_out(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(text.encode(encoding))
    said = "".join(block.text for chapter in read_book(path).chapters for block in chapter.blocks)
    assert said == "".join(line.strip("　") for line in text.split("\n"))


def test_a_wrong_encoding_or_no_text_at_all_is_told(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes("天下".encode("gb18030"))
    with pytest.raises(TextError, match="isn't utf-8 text at byte 0"):
        read_book(path, "utf-8")
    with pytest.raises(TextError, match="no encoding 'klingon'"):
        read_book(path, "klingon")
    path.write_bytes(b"a\0b")
    with pytest.raises(TextError, match="null bytes"):
        read_book(path)
    path.write_bytes(b" \n\n")
    with pytest.raises(TextError, match="has no text"):
        read_book(path)


def test_a_text_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as stream:
        stream.truncate(400 << 20)
    with pytest.raises(TextError, match="more than 64 MB"):
        read_book(path)


def test_markdown_has_titles_notes_and_code(tmp_path: Path) -> None:
    path = tmp_path / "book.md"
    path.write_text(
        "---\ntitle: Md Book\nauthor: Me\n---\n# Md Book\n\n## A\n\nText[^1] *em* [link](x).\n\n"
        "```py\nx = 1\n```\n\n## B\n\n> quote\n\n- item\n\n[^1]: A note\n    goes on.\n",
        encoding="utf-8",
    )
    book = read_book(path)
    assert (book.title, book.author) == ("Md Book", "Me")
    assert outline(book) == [
        (
            "A",
            [
                ("heading", "Md Book"),
                ("heading", "A"),
                ("text", "Text em link."),
                ("code", "x = 1"),
            ],
        ),
        (
            "B",
            [
                ("heading", "B"),
                ("quote", "quote"),
                ("item", "item"),
                ("note", "A note goes on."),
            ],
        ),
    ]


def test_a_web_page_is_read_without_its_furniture(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(
        "<html lang=en><title>T</title><meta name=author content=Ann><nav>Home</nav>"
        "<h1>T</h1><p>One &amp; two<br>three <b>four</b><script>x()</script>"
        "<p style='display: none'>no</p><ul><li>five</ul>",
        encoding="utf-8",
    )
    book = read_book(path)
    assert (book.title, book.author, book.language) == ("T", "Ann", "en")
    kinds = [("heading", "T"), ("text", "One & two\nthree four"), ("item", "five")]
    assert outline(book) == [("T", kinds)]


def test_a_document_has_its_headings_and_tables(tmp_path: Path) -> None:
    document = docx.Document()
    document.core_properties.author = "Ann"
    document.add_heading("My Doc", 0)
    document.add_heading("One", 1)
    document.add_paragraph("Hello there.")
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "a", "b"
    document.add_heading("Two", 1)
    document.add_paragraph("It ends.")
    document.save(str(tmp_path / "w.docx"))
    book = read_book(tmp_path / "w.docx")
    assert (book.title, book.author) == ("My Doc", "Ann")
    assert outline(book) == [
        (
            "One",
            [
                ("heading", "My Doc"),
                ("heading", "One"),
                ("text", "Hello there."),
                ("table", "a, b"),
            ],
        ),
        ("Two", [("heading", "Two"), ("text", "It ends.")]),
    ]


def test_a_pdf_loses_its_running_titles_and_line_ends(tmp_path: Path) -> None:
    pages = [
        [
            "The Tale of a Tail",
            f"It was in {month} that the first men came at last over the",
            f"sea number {number} and found the land that they had been promised,",
            "and that was all.",
            "The next day they went on and on for hours, without any",
            "rest or food.",
            f"- {number} -",
        ]
        for number, month in enumerate(["May", "June", "July", "August", "October"], 1)
    ]
    path = write_pdf(tmp_path / "p.pdf", pages, outline={"Start": 0, "Middle": 3})
    book = read_book(path)
    assert [chapter.title for chapter in book.chapters] == ["Start", "Middle"]
    texts = [block.text for block in book.chapters[1].blocks]
    assert texts[0] == "Middle"
    assert texts[1] == (
        "It was in August that the first men came at last over the sea number 4 and found the land "
        "that they had been promised, and that was all."
    )
    assert "Tale" not in "".join(texts)
    assert "- 4 -" not in "".join(texts)


def test_a_pdf_of_pictures_says_so(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="pictures of pages"):
        read_book(write_pdf(tmp_path / "scan.pdf", [[], []]))


def test_subtitles_have_slots_and_speakers(tmp_path: Path) -> None:
    srt = tmp_path / "s.srt"
    srt.write_text(
        "1\n00:00:01,500 --> 00:00:03,250\n<i>Hello</i>\nthere\n\n"
        "2\n00:00:04,000 --> 00:00:04,000\n{\\an8}Now\n",
        encoding="utf-8",
    )
    cues = read_cues(srt)
    slots = [(1.5, 3.25, "Hello there"), (4.0, 4.0, "Now")]
    assert [(cue.start, cue.end, cue.text) for cue in cues] == slots
    vtt = tmp_path / "s.vtt"
    vtt.write_text("WEBVTT\n\n00:01.500 --> 00:03.250\n<v Ann>Hello\n", encoding="utf-8")
    assert [(cue.text, cue.speaker) for cue in read_cues(vtt)] == [("Hello", "Ann")]


@pytest.mark.parametrize("text", ["", "nothing", "1\n00:00:01,500 -> 3\nx\n", "WEBVTT\n"])
def test_what_are_no_subtitles_is_an_error(tmp_path: Path, text: str) -> None:
    for kind in ("srt", "vtt"):
        path = tmp_path / f"s.{kind}"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(TextError):
            read_cues(path)


def test_other_files_are_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.epub"):
        read_book(tmp_path / "x.mobi")
    for kind in ("txt", "epub", "pdf"):
        with pytest.raises(UsageError, match="There is no file"):
            read_book(tmp_path / f"x.{kind}")


def test_parts_give_their_titles_to_the_first_of_their_chapters() -> None:
    def heading(text: str, level: int) -> Block:
        return Block(Kind.HEADING, text, level)

    text = Block(Kind.TEXT, "text")
    blocks = [heading("P1", 1), heading("A", 2), text, heading("B", 2), text, heading("P2", 1)]
    blocks += [heading("C", 2), text]
    titles = [chapter.title for chapter in chapters_at_headings(blocks, depth=2)]
    assert titles == ["P1: A", "B", "P2: C"]
    assert [chapter.title for chapter in chapters_at_headings(blocks)] == ["P1", "P2"]


def test_what_is_read_can_be_chosen() -> None:
    kinds = (Kind.TEXT, Kind.NOTE, Kind.TABLE, Kind.CODE, Kind.CAPTION)
    blocks = [Block(kind, "x") for kind in kinds]
    assert [b.kind for b in blocks if Include().takes(b)] == [Kind.TEXT, Kind.CAPTION]
    everything = Include(notes=True, tables=True, code=True)
    assert all(everything.takes(block) for block in blocks)
