from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.store.server import Hub, serve
from vinovits.store import catalogue, remote

FAST = remote.Patience(tries=3, delay=0.01, timeout=0.5)

CATALOGUE = """
[[models]]
name = "tiny"
kind = "features"
repository = "owner/tiny"
licence = "MIT"
files = [
    { name = "config.json" },
    { name = "extra.json", optional = true },
    { name = "pytorch_model.bin" },
]

[[models]]
name = "pinned"
kind = "base"
repository = "owner/pinned"
revision = "dddddddddddddddddddddddddddddddddddddddd"
files = [
    { name = "vocab.txt", repository = "other/words" },
    { name = "weights.onnx", path = "sub/weights.onnx", size = 4, sha256 = "%s" },
]

[[models]]
name = "anna"
kind = "voice"
repository = "owner/voices"
licence = "CC0-1.0"
files = [
    { name = "config.json", path = "anna/config.json" },
    { name = "G_0.pth", path = "anna/G_0.pth" },
]
"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve(Hub()) as running:
        yield running


@pytest.fixture
def store(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of a user who has nothing yet, and whose Hugging Face is the hub."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("HF_TOKEN", *remote.OFFLINE, "VINOVITS_FEATURES", "VINOVITS_VOICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VINOVITS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setattr(remote, "Patience", partial(remote.Patience, 3, 0.01, 0.5))
    return tmp_path / "data"


@pytest.fixture
def small_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A catalogue of three models, one of each kind."""
    import hashlib

    path = tmp_path / "catalogue.toml"
    path.write_text(CATALOGUE % hashlib.sha256(ONNX).hexdigest(), encoding="utf-8")
    monkeypatch.setattr(catalogue, "_CATALOGUE", path)
    catalogue.catalogue.cache_clear()
    yield
    catalogue.catalogue.cache_clear()


ONNX = b"\x08\x07\x10\x01"
"""Two numbers in protobuf: as ONNX begins."""
