"""One file, from a server that misbehaves."""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.store.conftest import FAST
from tests.store.server import Hub, body, cut, serve, stall, status
from vinovits.errors import DownloadError, OutputError, UsageError
from vinovits.store import download
from vinovits.store.download import Fetched, Wanted, fetch
from vinovits.store.remote import NotThereError, Patience, Remote

CONTENT = bytes(range(256)) * 400
SUM = hashlib.sha256(CONTENT).hexdigest()
NAME = "owner/repo/data.txt"


@dataclass
class Told:
    """What a download tells."""

    begun: list[tuple[str, int, int]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bytes: int = 0

    def begin(self, name: str, total: int, done: int) -> None:
        self.begun.append((name, total, done))
        self.bytes = done

    def advance(self, count: int) -> None:
        self.bytes += count

    def note(self, message: str) -> None:
        self.notes.append(message)


Get = Callable[..., Fetched]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return tmp_path / "here" / "data.txt"


@pytest.fixture
def get(hub: Hub, store: Path, target: Path, told: Told) -> Get:
    """Fetches data.txt of the hub."""
    hub.files[NAME] = CONTENT

    def call(
        sha256: str = "",
        size: int = 0,
        path: str = "data.txt",
        mirror: str = "",
        patience: Patience = FAST,
    ) -> Fetched:
        with Remote(mirror, patience) as remote:
            url = remote.file_url("owner/repo", "main", path)
            return fetch(remote, Wanted(url, Path(path).name, sha256, size), target, told)

    return call


def ranges(hub: Hub) -> list[str | None]:
    return [request.headers.get("range") for request in hub.requests]


def test_a_file_arrives(get: Get, hub: Hub, target: Path, told: Told) -> None:
    fetched = get()
    assert target.read_bytes() == CONTENT
    assert fetched == Fetched(SUM, len(CONTENT), hub.commit)
    assert list(target.parent.iterdir()) == [target]
    assert told.begun == [("data.txt", len(CONTENT), 0)]
    assert told.bytes == len(CONTENT)
    assert told.notes == []
    assert hub.requests[0].headers["accept-encoding"] == "identity"
    assert hub.requests[0].headers["user-agent"].startswith("vinovits/")


@pytest.mark.parametrize("lfs", [True, False])
def test_a_cut_connection_is_resumed_where_it_broke(
    get: Get, hub: Hub, target: Path, told: Told, lfs: bool
) -> None:
    hub.lfs = lfs
    hub.script = [cut(hub, CONTENT, 30000), cut(hub, CONTENT, 20000)]
    get()
    assert target.read_bytes() == CONTENT
    assert ranges(hub) == [None, "bytes=30000-", "bytes=50000-"]
    etag = hub.headers(CONTENT)["ETag"]
    assert [request.headers.get("if-range") for request in hub.requests] == [None, etag, etag]
    assert told.begun[1:] == [("data.txt", len(CONTENT), done) for done in (30000, 50000)]
    assert len(told.notes) == 2


def test_a_later_run_resumes(get: Get, hub: Hub, target: Path) -> None:
    hub.script = [cut(hub, CONTENT, 1000), *[status(503)] * 2]
    with pytest.raises(DownloadError, match=r"503 \(3 attempts\).*arrived is kept.*--mirror"):
        get()
    assert not target.exists()
    part = target.with_name("data.txt.part")
    assert part.read_bytes() == CONTENT[:1000]
    get()
    assert ranges(hub)[-1] == "bytes=1000-"
    assert target.read_bytes() == CONTENT


def test_progress_makes_failures_count_anew(
    get: Get, hub: Hub, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_FORGIVING", 10000)
    hub.script = [cut(hub, CONTENT, 10000) for _ in range(8)]
    get()
    assert len(hub.requests) == 9
    assert target.read_bytes() == CONTENT


def test_a_changed_etag_starts_over(get: Get, hub: Hub, target: Path) -> None:
    hub.lfs = False
    hub.script = [cut(hub, CONTENT, 30000), *[status(500)] * 2]
    with pytest.raises(DownloadError):
        get()
    changed = CONTENT[::-1] + b"more"
    hub.files[NAME] = changed
    get()
    # The server saw If-Range, and sent all of the new file.
    assert hub.requests[-1].headers["range"] == "bytes=30000-"
    assert target.read_bytes() == changed


def test_a_server_that_ignores_if_range_cannot_mix_two_files(
    get: Get, hub: Hub, target: Path
) -> None:
    changed = CONTENT[::-1]
    hub.files[NAME] = changed
    hub.script = [cut(hub, CONTENT, 30000), cut(hub, changed, 500)]
    get()
    assert ranges(hub) == [None, "bytes=30000-", None]
    assert target.read_bytes() == changed


def test_pieces_of_unknown_origin_are_found_by_the_sum(get: Get, hub: Hub, target: Path) -> None:
    part = target.with_name("data.txt.part")
    part.write_bytes(b"x" * 700)
    part.with_name("data.txt.part.json").write_text(
        f'{{"url": "elsewhere", "etag": "", "sha256": "{SUM}", "size": {len(CONTENT)}}}'
    )
    get(SUM)
    assert ranges(hub) == ["bytes=700-", None]
    assert target.read_bytes() == CONTENT


def test_a_part_without_a_record_is_not_trusted(get: Get, hub: Hub, target: Path) -> None:
    target.with_name("data.txt.part").write_bytes(CONTENT[:50])
    get()
    assert ranges(hub) == [None]


def test_another_mirror_goes_on_if_the_sum_is_known(get: Get, hub: Hub, target: Path) -> None:
    hub.script = [cut(hub, CONTENT, 30000), *[status(500)] * 2]
    with pytest.raises(DownloadError):
        get(SUM)
    with serve(Hub(files=dict(hub.files))) as mirror:
        get(SUM, mirror=mirror.url)
        assert ranges(mirror) == ["bytes=30000-"]
    assert target.read_bytes() == CONTENT


def test_what_is_complete_is_not_sent_again(get: Get, hub: Hub, target: Path) -> None:
    hub.script = [cut(hub, CONTENT, 30000), *[status(500)] * 2]
    with pytest.raises(DownloadError):
        get()
    target.with_name("data.txt.part").write_bytes(CONTENT)
    get()  # answered with 416
    assert ranges(hub)[-1] == f"bytes={len(CONTENT)}-"
    assert target.read_bytes() == CONTENT


def test_a_part_longer_than_the_file_starts_over(get: Get, hub: Hub, target: Path) -> None:
    hub.script = [cut(hub, CONTENT, 30000), *[status(500)] * 2]
    with pytest.raises(DownloadError):
        get()
    target.with_name("data.txt.part").write_bytes(CONTENT + b"!")
    get()
    assert ranges(hub)[-2:] == [f"bytes={len(CONTENT) + 1}-", None]
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("code", [500, 502, 503, 504, 429, 408])
def test_a_busy_server_is_asked_again(get: Get, hub: Hub, target: Path, code: int) -> None:
    hub.script = [status(code), status(code)]
    get()
    assert len(hub.requests) == 3
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_kept_to(
    get: Get, hub: Hub, as_date: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("vinovits.store.remote.time.sleep", waited.append)
    import time

    asked = formatdate(time.time() + 40, usegmt=True) if as_date else "40"
    hub.script = [status(429, Retry_After=asked)]
    get()
    assert 30 < waited[0] <= 41


def test_a_very_long_retry_after_is_told(get: Get, hub: Hub) -> None:
    hub.script = [status(429, Retry_After="3600")]
    with pytest.raises(DownloadError, match="in 60 minutes"):
        get()
    assert len(hub.requests) == 1


def test_waits_double_and_jitter(get: Get, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("vinovits.store.remote.time.sleep", waited.append)
    hub.script = [status(503)] * 9
    with pytest.raises(DownloadError):
        get(patience=Patience(tries=9, delay=1.0))
    assert len(waited) == 8
    for index, pause in enumerate(waited):
        usual = min(2.0**index, 30.0)
        assert usual * 0.5 <= pause <= usual * 1.5
    assert len(set(waited)) == 8


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (404, "has no data.txt"),
        (401, "without a token.*HF_TOKEN"),
        (403, "without a token.*HF_TOKEN"),
        (400, "refuses data.txt with status 400"),
    ],
)
def test_what_cannot_pass_is_told_at_once(
    get: Get, hub: Hub, target: Path, code: int, message: str
) -> None:
    hub.script = [status(code)]
    with pytest.raises(DownloadError, match=message):
        get()
    assert len(hub.requests) == 1
    assert list(target.parent.iterdir()) == []


def test_404_is_an_error_of_its_own(get: Get, hub: Hub) -> None:
    with pytest.raises(NotThereError):
        get(path="missing.txt")


def test_a_stalled_connection_is_given_up_and_resumed(
    get: Get, hub: Hub, target: Path, told: Told
) -> None:
    hub.script = [stall(1.5, hub, CONTENT, 5000)]
    get(patience=Patience(3, 0.01, 0.2))
    assert ranges(hub) == [None, "bytes=5000-"]
    assert target.read_bytes() == CONTENT
    assert "no answer for" in told.notes[0]


def test_a_server_that_never_answers(get: Get, hub: Hub) -> None:
    hub.script = [stall(1.0)] * 2
    with pytest.raises(DownloadError, match=r"no answer for 0\.2 seconds"):
        get(patience=Patience(2, 0.01, 0.2))


def test_nobody_there(get: Get, store: Path) -> None:
    with pytest.raises(DownloadError, match=r"can't be fetched from http://127\.0\.0\.1:9"):
        get(mirror="http://127.0.0.1:9")


def test_a_wrong_length_is_refused_before_it_is_loaded(
    get: Get, hub: Hub, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_PAGE", 1000)
    with pytest.raises(DownloadError, match=f"has {len(CONTENT)} bytes, not 77"):
        get(size=77)
    assert not target.exists()


def test_a_wrong_sum_is_refused(get: Get, hub: Hub, target: Path) -> None:
    with pytest.raises(DownloadError, match=f"sha256 is {SUM}, not {'a' * 64}"):
        get("a" * 64)
    assert list(target.parent.iterdir()) == []


def test_the_sum_that_the_hub_names_is_checked(get: Get, hub: Hub, target: Path) -> None:
    damaged = b"?" + CONTENT[1:]
    headers = hub.headers(CONTENT)
    hub.script = [body(damaged, **headers)]
    with pytest.raises(DownloadError, match="isn't the file that is expected: its sha256"):
        get()
    assert list(target.parent.iterdir()) == []


def test_a_web_page_in_place_of_the_file(get: Get, hub: Hub, target: Path) -> None:
    hub.script = [body(b"<!doctype html><title>Log in</title>", Content_Type="text/html")]
    with pytest.raises(DownloadError, match=r"is a web page.*asks for a login"):
        get(SUM, len(CONTENT))
    assert list(target.parent.iterdir()) == []


def test_a_pointer_in_place_of_the_file(get: Get, hub: Hub, target: Path) -> None:
    hub.files[NAME] = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"
    with pytest.raises(DownloadError, match="is a git-lfs pointer"):
        get()
    assert list(target.parent.iterdir()) == []


def test_a_packed_answer_is_unpacked(get: Get, hub: Hub, target: Path) -> None:
    hub.script = [body(gzip.compress(CONTENT), Content_Encoding="gzip", ETag='"gz"')]
    assert get(SUM).sha256 == SUM
    assert target.read_bytes() == CONTENT


def test_a_damaged_packed_answer_is_not_taken(get: Get, hub: Hub, target: Path) -> None:
    packed = gzip.compress(os.urandom(5000))
    hub.script = [body(packed[:2000] + b"\0" * 50 + packed[2050:], Content_Encoding="gzip")]
    get(SUM)
    assert target.read_bytes() == CONTENT


def test_redirections_are_followed_and_the_token_stays_behind(
    get: Get, hub: Hub, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with serve(Hub(files=dict(hub.files))) as storage:
        path = f"/{NAME.replace('repo/', 'repo/resolve/x/')}"
        hub.script = [
            lambda handler: handler.reply(302, Location=storage.url + path, **hub.headers(CONTENT))
        ]
        fetched = get()
        assert "authorization" not in storage.requests[0].headers
    assert hub.requests[0].headers["authorization"] == "Bearer hf_secret"
    assert target.read_bytes() == CONTENT
    assert fetched.revision == hub.commit  # which only the first answer says


def test_a_mirror_of_one_command_does_not_get_the_token(
    get: Get, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    get(mirror=hub.url)
    assert "authorization" not in hub.requests[0].headers


def test_redirections_without_end(get: Get, hub: Hub) -> None:
    hub.script = [lambda handler: handler.reply(302, Location=handler.path)] * 50
    with pytest.raises(DownloadError, match="round in circles"):
        get()


def test_a_redirection_to_a_file_of_this_machine(get: Get, hub: Hub) -> None:
    hub.script = [lambda handler: handler.reply(302, Location="file:///etc/passwd")]
    with pytest.raises(DownloadError, match=r"redirects data\.txt to where no file can be"):
        get()


def test_a_length_that_nobody_announced(get: Get, hub: Hub, target: Path) -> None:
    def chunked(handler: Any) -> None:
        handler.begin(200, Transfer_Encoding="chunked")
        for start in range(0, len(CONTENT), 40000):
            piece = CONTENT[start : start + 40000]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")

    hub.script = [chunked]
    get()
    assert target.read_bytes() == CONTENT


def endless(sent: list[int]) -> Callable[[Any], None]:
    """Send chunks until the client hangs up or has far too many, and count them."""

    def act(handler: Any) -> None:
        piece = b" " * 1_000_000
        handler.begin(200, Transfer_Encoding="chunked")
        with contextlib.suppress(OSError):
            for _ in range(400):
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                sent.append(len(piece))
        handler.close_connection = True

    return act


def test_a_file_without_end_doesnt_fill_the_disk(get: Get, hub: Hub, target: Path) -> None:
    sent: list[int] = []
    hub.script = [endless(sent)]
    with pytest.raises(DownloadError, match="not 102400: it isn't the file"):
        get(size=len(CONTENT))
    assert sum(sent) < 50_000_000  # what sockets hold, and more
    assert list(target.parent.iterdir()) == []


def test_an_answer_without_end_doesnt_fill_the_memory(store: Path, hub: Hub) -> None:
    sent: list[int] = []
    hub.script = [endless(sent)]
    with Remote("", FAST) as remote, pytest.raises(DownloadError, match="has no end"):
        remote.json("/api/models/a/b", "repository a/b")
    assert sum(sent) < 200_000_000


def test_a_redirection_to_an_unencrypted_address_isnt_asked(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import httpx2

    asked = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return httpx2.Response(302, headers={"Location": "http://storage.example/file"})

    client = partial(httpx2.Client, transport=httpx2.MockTransport(answer))
    monkeypatch.setattr(httpx2, "Client", client)
    with (
        Remote("https://hub.example", FAST) as remote,
        pytest.raises(DownloadError, match=r"unencrypted address, storage\.example"),
    ):
        remote.json("/api", "a listing")
    assert asked == ["https://hub.example/api"]


@pytest.mark.parametrize("name", ["VINOVITS_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_nothing_is_asked(
    get: Get, hub: Hub, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(DownloadError, match=f"{name} is set"):
        get()
    assert hub.requests == []
    monkeypatch.setenv(name, "0")
    get()


@pytest.mark.parametrize("address", ["ftp://x", "hf-mirror.com", "http://", "http://[x"])
def test_addresses_that_are_none(get: Get, address: str) -> None:
    with pytest.raises(UsageError, match="isn't the address of a server"):
        get(mirror=address)


@pytest.fixture
def proxied() -> Any:
    """A proxy: its address, and what went through it."""
    passed: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            passed.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", passed
    server.shutdown()
    server.server_close()


def test_proxies_are_used(
    get: Get, hub: Hub, target: Path, proxied: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, passed = proxied
    monkeypatch.setenv("HTTP_PROXY", address)
    get(mirror="http://models.example")
    assert passed == ["http://models.example/owner/repo/resolve/main/data.txt"]
    assert target.read_bytes() == CONTENT
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    get()
    assert len(passed) == 1
    assert len(hub.requests) == 1


def test_proxy_settings_that_cannot_be_used(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "gopher://x")
    with pytest.raises(DownloadError, match="proxy settings can't be used"):
        get()


def test_a_full_disk(get: Get, hub: Hub, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(download.os, "fsync", full)
        with pytest.raises(OutputError, match="the disk is full"):
            get()
    assert not target.exists()
    get()
    assert target.read_bytes() == CONTENT


def test_too_little_space_is_found_beforehand(
    get: Get, hub: Hub, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with pytest.raises(OutputError, match="has only 0 MB left"):
        get()
    assert list(target.parent.iterdir()) == []


def test_ctrl_c_leaves_what_can_be_resumed(
    get: Get, hub: Hub, target: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.script = [stall(0.4, hub, CONTENT, 60000)]

    def interrupt(count: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(told, "advance", interrupt)
        with pytest.raises(KeyboardInterrupt):
            get()
    assert not target.exists()
    have = target.with_name("data.txt.part").stat().st_size
    assert 0 < have <= 60000
    get()
    assert ranges(hub)[-1] == f"bytes={have}-"
    assert target.read_bytes() == CONTENT
