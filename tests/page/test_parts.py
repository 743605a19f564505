"""What the page is made of, without a browser."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import numpy as np
import pytest

from tests.page.conftest import PATIENCE, Served, serve
from vinovits.errors import UsageError
from vinovits.page.converting import convert
from vinovits.page.prompts import Prompts
from vinovits.page.takes import paused
from vinovits.page.words import LANGUAGES, read_words
from vinovits.serve.errors import ApiError
from vinovits.serve.keys import Grant, new_key
from vinovits.serve.recordings import Recording

PAGE = Path(__file__).parents[2] / "src" / "vinovits" / "page"


def test_every_word_is_there_and_none_is_idle() -> None:
    words = read_words()
    assert set(words) == set(LANGUAGES)
    sources = [*PAGE.glob("*.py"), *(PAGE / "files").glob("*.js")]
    told = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    literal = set(re.findall(r"""["'`]([a-z_]+)["'`]""", told))
    built = {"cut_voice", "cut_paragraph", "cut_sentence", "play_a", "play_b"}
    built |= {"train_judged", "train_use_it", "train_leave"}
    used = literal | built | set(re.findall(r'data-word="([a-z_]+)"', told))
    assert set(words["en"]) <= used
    asked = set(re.findall(r"""(?<![\w.])(?:t|word)\(["']([a-z_]+)["']\)""", told))
    assert asked <= set(words["en"])
    for texts in words.values():
        assert all(text.strip() for text in texts.values())


@pytest.mark.parametrize(
    ("text", "cut", "between", "behind", "expected"),
    [
        ("One.\nTwo.", "voice", 1.0, 1.0, "One.\nTwo."),
        ("One.\n\nTwo.", "paragraph", 9.0, 1.0, "One. [pause 1s]\nTwo."),
        ("One.\nTwo.", "sentence", 2.0, 1.0, "One. [pause 2s]\nTwo."),
        ("One.\nTwo.", "sentence", 0.0, 0.0, "One.\nTwo."),
        ("One | two", "voice", 0.0, 0.0, "One [break] two"),
        ("a [tomato|T AH0 M AA1 T OW0]|b", "voice", 0.0, 0.0,
         "a [tomato|T AH0 M AA1 T OW0][break]b"),
        ("<speak>One\nTwo | three</speak>", "paragraph", 0.0, 1.0,
         "<speak>One\nTwo | three</speak>"),
        ("<3 you\nTwo", "paragraph", 0.0, 1.0, "<3 you [pause 1s]\nTwo"),
    ],
)  # fmt: skip
def test_pauses_of_the_form_are_markup(
    text: str, cut: str, between: float, behind: float, expected: str
) -> None:
    assert paused(text, cut, between, behind) == expected


def test_the_oldest_recordings_are_forgotten() -> None:
    prompts = Prompts()
    keys = [prompts.put(Recording(np.zeros(1, np.float32), 8000)) for _ in range(17)]
    assert len(set(keys)) == 17
    with pytest.raises(ApiError, match="isn't kept any more"):
        prompts.get(keys[0])
    assert prompts.get(keys[-1]).seconds == 1 / 8000


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 65])
def test_names_of_converted_voices_are_no_paths(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="1 to 64 letters"):
        convert([tmp_path / "G_0.pth"], name, "")


def test_uploads_to_be_converted_are_checked_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VINOVITS_DATA", str(tmp_path / "data"))
    config = tmp_path / "config.json"
    config.write_text("{}")
    with pytest.raises(UsageError, match="Give one checkpoint"):
        convert([config], "new", "")
    broken = tmp_path / "x.pth"
    broken.write_bytes(b"no checkpoint")
    with pytest.raises(UsageError, match="neither a checkpoint"):
        convert([broken, tmp_path / "run.sh"], "new", "")
    with pytest.raises(UsageError) as refused:
        convert([broken, config], "new", "")
    assert "Traceback" not in str(refused.value)
    assert str(tmp_path) not in str(refused.value)
    assert not (tmp_path / "data" / "voices" / "new").exists()


def test_the_page_has_a_policy_and_only_its_own_paths(served: Served) -> None:
    with httpx2.Client(base_url=served.url, timeout=PATIENCE) as client:
        document = client.get("/")
        policy = document.headers["content-security-policy"]
        assert "connect-src 'self' blob:;" in policy
        assert "frame-ancestors 'none'" in policy
        assert document.headers["x-content-type-options"] == "nosniff"
        assert document.headers["x-frame-options"] == "DENY"
        # Others keep the strictest policy.
        other = client.get("/health").headers["content-security-policy"]
        assert other.startswith("default-src 'none'")
        for path in (
            *("/gradio_api/info", "/gradio_api/file=/etc/passwd", "/gradio_api/proxy=http://a.b/"),
            *("/gradio_api/openapi.json", "/monitoring", "/login", "/custom_component/a/b/c/d"),
            *("/page/../words.toml", "/page/nothing.js", "/nothing", "/gradio_api/call/x"),
        ):
            answer = client.get(path)
            assert answer.status_code in (404, 405), path
        assert client.get("/nothing").json()["error"]["code"] == "not_found"
        for headers in ({"host": "evil.example"}, {"origin": "http://evil.example"}):
            assert client.get("/", headers=headers).status_code == 403
            asked = client.post("/gradio_api/queue/join", json={}, headers=headers)
            assert asked.status_code == 403
        answer = client.get("/", headers={"origin": served.url})
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@dataclass
class Strict:
    """A server that asks for a key, and takes small files only."""

    url: str
    key: str

    def client(self) -> httpx2.Client:
        headers = {"authorization": f"Bearer {self.key}"}
        return httpx2.Client(base_url=self.url, timeout=PATIENCE, headers=headers)


@pytest.fixture(scope="module")
def strict(voice_folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strict]:
    folder = tmp_path_factory.mktemp("strict")
    key, line = new_key(Grant("ann"))
    (folder / "keys.txt").write_text(line + "\n")
    (folder / "serve.yaml").write_text("max_upload: 4096\n")
    options = ("--api-key-file", str(folder / "keys.txt"), "--config", str(folder / "serve.yaml"))
    server = serve(voice_folders, *options, data=folder)
    try:
        yield Strict(server.url, key)
    finally:
        server.process.kill()
        server.process.wait()


def test_uploads_are_bounded(strict: Strict) -> None:
    with strict.client() as client:
        url = "/gradio_api/upload"
        assert client.post(url, files={"files": ("a.wav", b"x" * 1000)}).status_code == 200
        large = client.post(url, files={"files": ("a.wav", b"x" * 5000)})
        assert large.status_code == 413

        def slowly() -> Iterator[bytes]:
            yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
            for _ in range(100):
                yield b"x" * 1000

        kind = {"content-type": "multipart/form-data; boundary=b"}
        assert client.post(url, content=slowly(), headers=kind).status_code >= 400
        # What is kept of all of them is bounded too.
        for number in range(20):
            part = {"files": (f"{number}.wav", bytes([number]) * 2000)}
            answer = client.post(url, files=part)
        assert answer.status_code == 429
        assert "Try again" in answer.json()["error"]["message"]


def test_browsers_give_the_key_as_a_password(strict: Strict) -> None:
    with httpx2.Client(base_url=strict.url, timeout=PATIENCE) as client:
        asked = client.get("/", headers={"accept": "text/html"})
        assert asked.status_code == 401
        assert asked.headers["www-authenticate"].startswith("Basic ")
        asked = client.get("/")
        assert asked.headers["www-authenticate"] == "Bearer"

        def basic(password: str) -> dict[str, str]:
            pair = base64.b64encode(f"anyone:{password}".encode()).decode()
            return {"authorization": f"Basic {pair}"}

        assert client.get("/", headers=basic(strict.key)).status_code == 200
        assert client.get("/", headers=basic(strict.key + "x")).status_code == 401
        assert client.get("/", headers={"authorization": "Basic !"}).status_code == 401


def test_without_the_page_there_is_none(voice_folders: Path, tmp_path: Path) -> None:
    server = serve(voice_folders, "--no-page", data=tmp_path)
    try:
        assert httpx2.get(server.url, timeout=PATIENCE).status_code == 404
        assert httpx2.get(f"{server.url}/health", timeout=PATIENCE).status_code == 200
        assert "page" not in server.log.read_text()
    finally:
        assert server.stop() < 60
