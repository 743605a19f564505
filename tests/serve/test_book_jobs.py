"""Books as jobs: a file goes up, and one with chapters comes back."""

from __future__ import annotations

import errno
import io
import re
import signal
import sys
import threading
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import httpx2
import pytest

from tests.books.files import write_epub, write_pdf
from tests.serve.conftest import PATIENCE, HeldVoices, Running, running, settings, until
from tests.serve.test_jobs import ended, process
from tests.serve.test_trust import error
from vinovits.batch.store import UnitStore
from vinovits.books import apart, publish
from vinovits.books.mastering import measure
from vinovits.serve.voices import VoiceFolders

PATH = "/api/jobs/book"
PAGES = {
    "one.xhtml": "<h1>One</h1><p>It was dark. Nobody came.</p><p>The train left.</p>",
    "two.xhtml": "<h1>Two</h1><p>It was light.</p><table><tr><td>Six</td></tr></table>",
    "three.xhtml": "<h1>Three</h1><p>The end.</p>",
}
CONTENTS = [("One", "one.xhtml"), ("Two", "two.xhtml"), ("Three", "three.xhtml")]
TITLES = ["One", "Two", "Three"]


@pytest.fixture
def epub(tmp_path: Path) -> bytes:
    return write_epub(tmp_path / "a.epub", PAGES, CONTENTS).read_bytes()


def send(
    client: httpx2.Client, data: bytes, name: str = "../../etc/a novel.EPUB", **fields: Any
) -> httpx2.Response:
    given = {"voice": "tiny", **{key: str(value) for key, value in fields.items()}}
    return client.post(PATH, files={"file": (name, data)}, data=given)


def nothing_is_left(server: Running) -> bool:
    return not list((server.services.jobs.folder / "uploads").glob("*"))


@pytest.mark.parametrize("kind", ["m4b", "mp3", "opus", "flac", "wav"])
def test_a_book_becomes_one_file_with_chapters(served: Running, epub: bytes, kind: str) -> None:
    with served.client() as client:
        begun = send(client, epub, format=kind, seed=4, speed=1.5, paragraph_pause=0.7)
        assert begun.status_code == 202, begun.text
        assert begun.headers["location"] == f"/api/jobs/{begun.json()['id']}"
        assert [chapter["title"] for chapter in begun.json()["chapters"]] == TITLES
        job = ended(client, begun.json()["id"])
        assert job["state"] == "done", job
        assert (job["title"], job["format"], job["done"]) == ("The Book", kind, job["total"])
        assert (job["settings"]["seed"], job["settings"]["speed"]) == (4, 1.5)
        chapters = job["chapters"]
        assert chapters[0]["start"] == 0
        assert chapters[-1]["end"] == pytest.approx(job["seconds"], abs=0.02)
        for before, behind in pairwise(chapters):
            assert before["start"] < before["end"] == behind["start"]
        audio = client.get(f"/api/jobs/{job['id']}/audio")
        with av.open(io.BytesIO(audio.content)) as file:
            seconds = float(file.duration or 0) / 1e6
            assert seconds == pytest.approx(job["seconds"], abs=0.3)
            if kind in ("m4b", "mp3", "opus"):
                found = file.chapters()
                assert [chapter["metadata"]["title"] for chapter in found] == TITLES
                for told, one in zip(chapters, found, strict=True):
                    start = one["start"] * float(one["time_base"])
                    assert start == pytest.approx(told["start"], abs=0.01)
                assert file.streams.video, "the cover"
                tags = file.metadata or file.streams.audio[0].metadata
                tags = {name.lower(): value for name, value in tags.items()}
                assert (tags["title"], tags["artist"]) == ("The Book", "A. Writer")
        if kind == "m4b":
            assert audio.headers["content-type"] == "audio/mp4"
            assert 'filename="speech.m4b"' in audio.headers["content-disposition"]
        timings = client.get(f"/api/jobs/{job['id']}/timings/json").json()
        starts = {one["text"]: one["start"] for one in timings["sentences"]}
        for chapter in chapters:
            title = next(text for text in starts if text.startswith(chapter["title"]))
            assert starts[title] == pytest.approx(chapter["start"], abs=0.01)
        assert not any("Six" in text for text in starts), "tables aren't read"
        for form, sign in (("srt", "1\n00:00:00"), ("vtt", "WEBVTT"), ("lrc", "[")):
            assert client.get(f"/api/jobs/{job['id']}/timings/{form}").text.startswith(sign)
        folder = served.services.jobs.folder / "results" / job["id"]
        assert folder.is_dir()
        assert client.delete(f"/api/jobs/{job['id']}").status_code == 204
        assert not folder.exists()
        assert nothing_is_left(served)


def test_the_form_says_what_is_read_and_how(served: Running, epub: bytes) -> None:
    with served.client() as client:
        given = {"title": "Mine", "author": "I", "tables": "true", "speaker": "0", "format": "mp3"}
        begun = send(client, epub, **given, lexicon='{"dark": "D AA1 R K"}')
        job = ended(client, begun.json()["id"])
        assert (job["state"], job["title"]) == ("done", "Mine")
        assert job["settings"]["speaker"] == 0
        assert job["settings"]["lexicon"] == {"dark": "D AA1 R K"}
        timings = client.get(f"/api/jobs/{job['id']}/timings/json").json()
        assert any("Six" in one["text"] for one in timings["sentences"])
        with av.open(io.BytesIO(client.get(f"/api/jobs/{job['id']}/audio").content)) as file:
            assert file.metadata["artist"] == "I"
        client.delete(f"/api/jobs/{job['id']}")


@pytest.mark.parametrize("name", ["b.txt", "b.md", "b.html", "b.pdf", "b.docx"])
def test_books_of_other_kinds(served: Running, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    match path.suffix:
        case ".txt":
            path.write_bytes("Chapter 1\n\nCafé.\n\nChapter 2\n\nThe end.\n".encode("utf-16"))
        case ".md":
            path.write_text("# One\n\nIt was dark.\n\n# Two\n\nThe end.\n", encoding="utf-8")
        case ".html":
            path.write_text("<h2>One</h2><p>Dark.</p><h2>Two</h2><p>End.</p>", encoding="utf-8")
        case ".pdf":
            lines = ["It was dark and nobody came.", "The end of it."]
            write_pdf(path, [lines, lines], outline={"One": 0, "Two": 1})
        case _:
            import docx

            document = docx.Document()
            for title in ("One", "Two"):
                document.add_heading(title, 1)
                document.add_paragraph("It was dark.")
            document.save(str(path))
    with served.client() as client:
        job = ended(client, send(client, path.read_bytes(), name, format="wav").json()["id"])
        assert job["state"] == "done", job
        assert len(job["chapters"]) == 2
        client.delete(f"/api/jobs/{job['id']}")


def hostile(tmp_path: Path) -> Iterator[tuple[str, bytes, str]]:
    """Names, contents, and what is said of them."""
    yield "a.epub", b"no zip at all", "Book.epub is broken"
    yield "a.docx", b"PK\x03\x04" + bytes(200), "Book.docx is broken"
    yield "a.pdf", b"%PDF-1.4\n" + b"<<" * 5000, "Book.pdf"
    yield "a.txt", b"\x00\x01\x02", "Book.txt holds null bytes"
    yield "a.txt", b"  \n", "Book.txt has no text"
    yield "a.html", b"<div>" * 100_000, "Book.html"
    whole = write_epub(tmp_path / "whole.epub", PAGES, CONTENTS).read_bytes()
    yield "a.epub", whole[: len(whole) // 2], "Book.epub is broken"
    locked = {"META-INF/rights.xml": b"<rights/>"}
    path = write_epub(tmp_path / "locked.epub", PAGES, CONTENTS, extra=locked)
    yield "a.epub", path.read_bytes(), "locked by DRM"
    path = write_pdf(tmp_path / "pictures.pdf", [[], []])
    yield "a.pdf", path.read_bytes(), "Book.pdf"
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/container.xml", bytes(65 << 20))
    yield "a.epub", bomb.getvalue(), "unpacks to too much"
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes(65 << 20))
        archive.writestr("[Content_Types].xml", b"<Types/>")
    yield "a.docx", bomb.getvalue(), "Book.docx"


def test_hostile_files_are_told_from_books(served: Running, tmp_path: Path) -> None:
    with served.client() as client:
        before = client.get("/api/jobs").json()
        for name, data, told in hostile(tmp_path):
            answer = send(client, data, name)
            assert answer.status_code == 400, (name, told, answer.text)
            fault = error(answer)
            assert told in fault["message"], fault
            assert (fault["code"], fault["param"]) == ("book_not_readable", "file"), fault
            assert str(served.services.jobs.folder) not in answer.text
        assert nothing_is_left(served)
        assert client.get("/api/jobs").json() == before


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"name": "a.exe"}, "not_a_book", "file"),
        ({"name": "epub"}, "not_a_book", "file"),
        ({"name": "a.epub/../../x"}, "not_a_book", "file"),
        ({"voice": "nobody"}, "voice_not_found", "voice"),
        ({"voice": "../tiny"}, "voice_not_found", "voice"),
        ({"format": "pcm"}, "invalid_value", "format"),
        ({"seed": "x"}, "invalid_value", None),
        ({"seed": -1}, "invalid_value", None),
        ({"speed": "nan"}, "invalid_value", "speed"),
        ({"speed": 1000}, "invalid_value", "speed"),
        ({"speaker": "nobody"}, "invalid_value", None),
        ({"speaker": "{" * 5000}, "invalid_value", None),
        ({"notes": "perhaps"}, "invalid_value", "notes"),
        ({"title": "x" * 300}, "invalid_value", "title"),
        ({"encoding": "idna"}, "invalid_value", "encoding"),
        ({"path": "/etc/passwd"}, "invalid_value", "path"),
        ({"paragraph_pause": 11}, "invalid_value", "paragraph_pause"),
        ({"lexicon": '{"dark": "QQ"}'}, "invalid_lexicon", "lexicon"),
    ],
)
def test_a_form_that_cannot_be_right_is_refused(
    served: Running, epub: bytes, changes: dict[str, Any], code: str, param: str | None
) -> None:
    with served.client() as client:
        answer = send(client, epub, **changes)
    assert answer.status_code == 400, answer.text
    assert error(answer)["code"] == code
    assert param is None or error(answer)["param"] == param


def test_other_bodies_are_refused(served: Running) -> None:
    with served.client() as client:
        assert error(client.post(PATH, json={"file": "a"}))["code"] == "not_a_form"
        for form, param in (
            ({"other": ("a.txt", b"text")}, "other"),
            ({"title": (None, "A book")}, "file"),
            ({"file": (None, "text")}, "file"),
        ):
            answer = client.post(PATH, files=form)
            assert (answer.status_code, error(answer)["param"]) == (400, param)
        assert client.post(PATH, data={"file": "text"}).status_code in (400, 415)
        broken = client.post(
            PATH, content=b"--x\r\nno", headers={"Content-Type": "multipart/form-data; boundary=x"}
        )
        assert broken.status_code == 400, broken.text
        assert error(broken)


def test_bounds_hold(folders: VoiceFolders, tmp_path: Path) -> None:
    bounds = settings(max_upload=20_000, max_job_text=60, max_jobs=2)
    with running(bounds, folders) as server, server.client() as client:
        large = send(client, bytes(30_000), "a.txt")
        assert (large.status_code, error(large)["code"]) == (413, "too_large")

        def pieces() -> Iterator[bytes]:
            yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
            for _ in range(30):
                yield b"word " * 200

        form = {"Content-Type": "multipart/form-data; boundary=x"}
        large = client.post(PATH, content=pieces(), headers=form)
        assert (large.status_code, error(large)["code"]) == (413, "too_large")
        long = send(client, b"It was dark. " * 5, "a.txt")
        assert (long.status_code, error(long)["code"]) == (413, "text_too_long")
        assert error(long)["param"] == "file"
        many = "".join(f"# {number}\n\na\n\n" for number in range(12)).encode()
        for _ in range(2):
            assert send(client, many, "a.md", format="wav").status_code == 202
        full = send(client, many, "a.md")
        assert (full.status_code, error(full)["code"]) == (429, "too_many_jobs")
        assert nothing_is_left(server)


def test_books_that_take_long_to_read_are_given_up_and_bounded(
    folders: VoiceFolders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = tmp_path / "begun"
    begun.mkdir()
    script = f"import tempfile, time; tempfile.mkstemp(dir={str(begun)!r}); time.sleep(99)"
    command = apart._COMMAND
    monkeypatch.setattr(apart, "_COMMAND", (sys.executable, "-c", script))
    with (
        running(settings(deadline=5), folders) as server,
        server.client() as client,
        ThreadPoolExecutor(3) as pool,
    ):
        hanging = [pool.submit(send, client, b"text", "a.txt") for _ in range(3)]
        until(lambda: len(list(begun.iterdir())) == 3)
        full = send(client, b"text", "a.txt")
        assert (full.status_code, error(full)["code"]) == (429, "too_many_uploads")
        speech = client.post("/api/speak", json={"text": "Yes.", "voice": "tiny"})
        assert speech.status_code == 200, "workers aren't held"
        for one in hanging:
            late = one.result()
            assert (late.status_code, error(late)["code"]) == (504, "deadline")
        # What hung is gone, and holds no place.
        monkeypatch.setattr(apart, "_COMMAND", command)
        patient = server.services.settings.model_copy(update={"deadline": PATIENCE})
        server.services.settings = patient
        assert send(client, b"text", "a.txt").status_code == 202
        assert nothing_is_left(server)


def test_a_job_that_is_being_written_can_be_cancelled(
    folders: VoiceFolders, epub: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def measured(blocks: Iterable[Any], rate: int) -> Any:
        begun.set()
        assert go_on.wait(PATIENCE)
        return measure(blocks, rate)

    monkeypatch.setattr(publish, "measure", measured)
    with running(settings(), folders) as server, server.client() as client:
        id_ = send(client, epub).json()["id"]
        assert begun.wait(PATIENCE)
        assert client.post(f"/api/jobs/{id_}/cancel").json()["state"] == "cancelled"
        go_on.set()
        until(lambda: not server.services.jobs._active)
        assert client.get(f"/api/jobs/{id_}").json()["state"] == "cancelled"
        folder = server.services.jobs.folder / "results" / id_
        assert [path.name for path in folder.iterdir()] == ["cover"]
        client.post(f"/api/jobs/{id_}/resume")
        assert ended(client, id_)["state"] == "done"


def test_too_many_chapters_are_refused(served: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    from vinovits.serve import job_orders

    monkeypatch.setattr(job_orders, "MOST_CHAPTERS", 2)
    with served.client() as client:
        answer = send(client, b"# A\n\na\n\n# B\n\nb\n\n# C\n\nc\n", "a.md")
    assert answer.status_code == 400
    assert "3 chapters" in error(answer)["message"]
    assert error(answer)["param"] == "file"


def test_nothing_is_left_of_a_book_that_cannot_be_kept(
    served: Running, epub: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    results = served.services.jobs.folder / "results"
    before = set(results.glob("*"))
    monkeypatch.setattr(UnitStore, "add", full)
    with served.client() as client:
        answer = send(client, epub)
    assert (answer.status_code, error(answer)["code"]) == (507, "disk_full")
    assert set(results.glob("*")) == before, "the cover"


def test_what_is_missing_is_told(
    served: Running, epub: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served.client() as client:
        monkeypatch.setitem(sys.modules, "av", None)
        answer = send(client, epub)
        assert (answer.status_code, error(answer)["code"]) == (501, "not_installed")
        assert "pip install 'vinovits[books]'" in error(answer)["message"]
        monkeypatch.undo()

        script = (
            "import sys; sys.modules['lxml'] = None; from vinovits.books import apart; apart.main()"
        )
        monkeypatch.setattr(apart, "_COMMAND", (sys.executable, "-c", script))
        answer = send(client, epub)
        assert answer.status_code == 501
        assert "pip install 'vinovits[books]'" in error(answer)["message"]
    assert nothing_is_left(served)


def test_parts_that_cannot_be_spoken(served: Running) -> None:
    book = "# One\n\nAll is well.\n\nЗдравствуйте, это текст.\n\n# Two\n\nThe end.\n".encode()
    with served.client() as client:
        job = ended(client, send(client, book, "a.md", format="wav").json()["id"])
        assert job["state"] == "failed"
        assert job["error"].startswith("Part 3, from character ")
        client.delete(f"/api/jobs/{job['id']}")
        job = ended(client, send(client, book, "a.md", format="wav", gaps="mark").json()["id"])
        assert (job["state"], job["done"]) == ("done", job["total"])
        assert job["notes"] == ["1 part couldn't be spoken: a low tone stands there."]
        client.delete(f"/api/jobs/{job['id']}")


def test_books_are_cancelled_and_resumed(held: HeldVoices, epub: bytes) -> None:
    with running(settings(job_workers=1), held) as server, server.client() as client:
        id_ = send(client, epub).json()["id"]

        def a_part_is_done() -> bool:
            held.voice.permits.release(1)
            return bool(client.get(f"/api/jobs/{id_}").json()["done"])

        until(a_part_is_done)
        assert client.post(f"/api/jobs/{id_}/cancel").json()["state"] == "cancelled"
        held.voice.permits.release(1)
        until(lambda: not server.services.jobs._active)
        assert client.get(f"/api/jobs/{id_}").json()["chapters"][0]["end"] is None
        assert client.post(f"/api/jobs/{id_}/resume").json()["state"] == "queued"
        held.voice.open()
        job = ended(client, id_)
        assert (job["state"], len(job["chapters"])) == ("done", 3)
        with av.open(io.BytesIO(client.get(f"/api/jobs/{id_}/audio").content)) as file:
            assert len(file.chapters()) == 3
            assert file.streams.video


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_server_finishes_its_book(tiny_voice: Path, tmp_path: Path) -> None:
    jobs = tmp_path / "jobs"
    pages = {
        f"{number}.xhtml": f"<h1>Chapter {number}</h1>"
        + "".join(f"<p>It was dark in {part}, and nobody came.</p>" for part in range(8))
        for number in range(6)
    }
    contents = [(f"Chapter {number}", f"{number}.xhtml") for number in range(6)]
    book = write_epub(tmp_path / "a.epub", pages, contents).read_bytes()
    with process(tiny_voice, jobs, tmp_path) as (client, server):
        until(lambda: client.get("/ready").status_code == 200)
        id_ = send(client, book).json()["id"]
        until(lambda: client.get(f"/api/jobs/{id_}").json()["done"] >= 5)
        server.send_signal(signal.SIGKILL)
        server.wait()
    for name in ("vinovits-1", "mine"):
        (jobs / "uploads" / name).mkdir(parents=True, exist_ok=True)
        (jobs / "uploads" / name / "Book.epub").write_bytes(b"half")
    with process(tiny_voice, jobs, tmp_path) as (client, _):
        job = ended(client, id_)
        assert job["state"] == "done", job
        assert [path.name for path in (jobs / "uploads").glob("*")] == ["mine"]
        with av.open(io.BytesIO(client.get(f"/api/jobs/{id_}/audio").content)) as file:
            assert len(file.chapters()) == 6
            assert file.streams.video, "the cover was kept"
        made = re.search(r'units_total\{how="made"\} (\d+)', client.get("/metrics").text)
        assert made is not None
        assert int(made[1]) <= job["total"] - 5
