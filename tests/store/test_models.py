"""Whole models: pulled, brought by hand, checked, removed."""

from __future__ import annotations

import errno
import hashlib
import json
import multiprocessing
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from tests.store.conftest import FAST, ONNX
from tests.store.server import Hub, cut, serve, status
from vinovits.errors import DownloadError, OutputError, UsageError
from vinovits.store import models
from vinovits.store.catalogue import Model, find_model
from vinovits.store.download import Silence
from vinovits.store.remote import NotThereError

pytestmark = pytest.mark.usefixtures("small_catalogue")

OLD_TORCH = b"\x80\x02" + bytes(range(256)) * 100
CONFIG = b'{"model_type": "bert"}'


@pytest.fixture
def tiny(hub: Hub, store: Path) -> Model:
    """A model of which the catalogue knows neither revision nor sums."""
    hub.files |= {
        "owner/tiny/config.json": CONFIG,
        "owner/tiny/extra.json": b"{}",
        "owner/tiny/pytorch_model.bin": OLD_TORCH,
    }
    return find_model("tiny")


@pytest.fixture
def pinned(hub: Hub, store: Path) -> Model:
    """One of which it does, with a file in a folder and one of another repository."""
    hub.files |= {"owner/pinned/sub/weights.onnx": ONNX, "other/words/vocab.txt": b"a\nb\n"}
    return find_model("pinned")


def pull(model: Model, **options: str) -> Path:
    return models.pull(model, Silence(), patience=FAST, **options)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_model_is_pulled_whole(tiny: Model, hub: Hub, store: Path) -> None:
    folder = pull(tiny)
    assert folder == store / "downloads" / "tiny"
    assert names(folder) == {"config.json", "extra.json", "pytorch_model.bin", "source.json"}
    assert (folder / "pytorch_model.bin").read_bytes() == OLD_TORCH
    # The commit of the first file is what the others are taken from.
    revisions = [request.path.split("/")[4] for request in hub.requests]
    assert revisions == ["main", hub.commit, hub.commit]
    record = json.loads((folder / "source.json").read_bytes())
    assert record["revision"] == hub.commit
    assert record["sha256"]["config.json"] == hashlib.sha256(CONFIG).hexdigest()
    assert names(store / "downloads") == {"tiny", ".remembered"}


def test_what_is_here_asks_no_network(
    tiny: Model, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull(tiny)
    hub.requests.clear()
    monkeypatch.setenv("VINOVITS_OFFLINE", "1")
    pull(tiny)
    assert models.is_downloaded(tiny)
    assert hub.requests == []


def test_an_optional_file_may_be_missing_and_another_may_not(tiny: Model, hub: Hub) -> None:
    del hub.files["owner/tiny/extra.json"]
    assert "extra.json" not in names(pull(tiny))
    models.remove(models.source_folder("tiny"))
    del hub.files["owner/tiny/pytorch_model.bin"]
    with pytest.raises(NotThereError, match=r"has no pytorch_model\.bin .*looked for at http"):
        pull(tiny)
    assert not models.is_downloaded(tiny)


def test_an_interrupted_pull_goes_on(tiny: Model, hub: Hub, store: Path) -> None:
    hub.script = [None, None, cut(hub, OLD_TORCH, 9000), *[status(500)] * 2]
    with pytest.raises(DownloadError):
        pull(tiny)
    assert not (store / "downloads" / "tiny").exists()
    hub.requests.clear()
    pull(tiny)
    assert hub.fetched() == ["pytorch_model.bin"]
    assert hub.requests[0].headers["range"] == "bytes=9000-"
    assert models.verify(tiny) == []


def test_the_first_pull_is_remembered(tiny: Model, hub: Hub) -> None:
    pull(tiny)
    models.remove(models.source_folder("tiny"))
    hub.requests.clear()
    pull(tiny)
    assert [request.path.split("/")[4] for request in hub.requests] == [hub.commit] * 3
    # The same commit with other files can't be.
    models.remove(models.source_folder("tiny"))
    hub.files["owner/tiny/config.json"] = b"{}"
    with pytest.raises(DownloadError, match="has 2 bytes, not 22"):
        pull(tiny)
    hub.files["owner/tiny/config.json"] = CONFIG.replace(b"bert", b"burt")
    with pytest.raises(DownloadError, match="--revision names the commit"):
        pull(tiny)
    # A new release is asked for by name.
    hub.commit = "e" * 40
    pull(tiny, revision="main")
    assert (
        json.loads((models.source_folder("tiny") / "source.json").read_bytes())["revision"]
        == "e" * 40
    )


def test_a_mirror_without_commits_will_do(tiny: Model, hub: Hub) -> None:
    hub.commit = ""
    hub.lfs = False
    pull(tiny)
    assert models.verify(tiny) == []


def test_a_pinned_model(pinned: Model, hub: Hub) -> None:
    folder = pull(pinned)
    assert (folder / "weights.onnx").read_bytes() == ONNX
    assert [request.path for request in hub.requests] == [
        "/other/words/resolve/main/vocab.txt",
        f"/owner/pinned/resolve/{'d' * 40}/sub/weights.onnx",
    ]


def test_sums_of_the_catalogue_are_kept_to(pinned: Model, hub: Hub) -> None:
    hub.files["owner/pinned/sub/weights.onnx"] = b"\x08\x08\x10\x01"
    with pytest.raises(DownloadError, match=r"weights\.onnx isn't the file that is expected"):
        pull(pinned)
    pull(pinned, revision="f" * 40)


def test_another_revision_replaces_what_is_here_when_it_is_whole(tiny: Model, hub: Hub) -> None:
    folder = pull(tiny)
    hub.files["owner/tiny/pytorch_model.bin"] = b"garbage"
    hub.commit = "e" * 40
    with pytest.raises(DownloadError):
        pull(tiny, revision="e" * 40)
    assert models.verify(tiny) == []
    hub.files["owner/tiny/pytorch_model.bin"] = OLD_TORCH + b"new"
    pull(tiny, revision="e" * 40)
    assert (folder / "pytorch_model.bin").read_bytes() == OLD_TORCH + b"new"
    assert names(folder.parent) == {"tiny", ".remembered"}


def test_a_damaged_model_is_found_and_mended(tiny: Model, hub: Hub) -> None:
    folder = pull(tiny)
    weights = folder / "pytorch_model.bin"
    weights.write_bytes(OLD_TORCH[:-1] + b"?")
    assert models.is_downloaded(tiny)  # by names and sizes
    assert models.verify(tiny) == [f"{weights} has been altered or is cut off."]
    weights.write_bytes(OLD_TORCH[:100])
    (folder / "config.json").unlink()
    assert not models.is_downloaded(tiny)
    assert len(models.verify(tiny)) == 2
    hub.requests.clear()
    pull(tiny)
    assert hub.fetched() == ["config.json", "pytorch_model.bin"]
    assert models.verify(tiny) == []


@pytest.mark.parametrize("content", [b"", b"{", b'{"format": 1, "repository": "owner/tiny"}'])
def test_a_broken_record_is_no_model(tiny: Model, content: bytes) -> None:
    record = pull(tiny) / "source.json"
    record.write_bytes(content)
    assert not models.is_downloaded(tiny)
    assert models.verify(tiny)
    pull(tiny)
    assert models.verify(tiny) == []


def test_a_record_that_names_files_elsewhere_is_not_followed(tiny: Model) -> None:
    record = pull(tiny) / "source.json"
    data = json.loads(record.read_bytes())
    data["sha256"]["../../secret"] = "0" * 64
    record.write_text(json.dumps(data))
    [problem] = models.verify(tiny)
    assert "outside of its folder" in problem


def test_files_from_elsewhere_are_linked(tiny: Model, hub: Hub, tmp_path: Path) -> None:
    source = tmp_path / "by hand"
    source.mkdir()
    (source / "config.json").write_bytes(CONFIG)
    (source / "pytorch_model.bin").write_bytes(OLD_TORCH)
    folder = models.take(tiny, source)
    assert (folder / "pytorch_model.bin").stat().st_ino == (
        source / "pytorch_model.bin"
    ).stat().st_ino
    assert models.is_downloaded(tiny)
    assert models.verify(tiny) == []
    assert hub.requests == []


def test_files_on_another_disk_are_copied(
    tiny: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(*_: object) -> None:
        raise OSError(errno.EXDEV, "")

    monkeypatch.setattr(models.os, "link", cannot)
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "config.json").write_bytes(CONFIG)
    (tmp_path / "source" / "pytorch_model.bin").write_bytes(OLD_TORCH)
    folder = models.take(tiny, tmp_path / "source")
    assert (folder / "pytorch_model.bin").stat().st_nlink == 1


def test_a_cache_of_hugging_face_is_taken(tiny: Model, tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "c"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    for name, content in (("config.json", CONFIG), ("pytorch_model.bin", OLD_TORCH)):
        (blobs / name[:3]).write_bytes(content)
        (snapshot / name).symlink_to(Path("../../blobs") / name[:3])
    folder = models.take(tiny, snapshot)
    assert not (folder / "config.json").is_symlink()
    assert models.verify(tiny) == []


def test_the_other_format_of_the_weights_will_do(tiny: Model, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "config.json").write_bytes(CONFIG)
    save_file({"a": torch.ones(3)}, tmp_path / "source" / "model.safetensors")
    folder = models.take(tiny, tmp_path / "source")
    assert "model.safetensors" in names(folder)
    assert models.is_downloaded(tiny)


def test_what_is_wrong_with_brought_files_is_listed(
    tiny: Model, pinned: Model, store: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="There is no folder"):
        models.take(tiny, tmp_path / "nowhere")
    source = tmp_path / "source"
    source.mkdir()
    with pytest.raises(DownloadError, match=r"config\.json is missing; pytorch_model\.bin is miss"):
        models.take(tiny, source)
    (source / "config.json").write_bytes(b"<html>")
    (source / "pytorch_model.bin").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(DownloadError, match=r"is a web page.*is a git-lfs pointer.*git lfs pull"):
        models.take(tiny, source)
    (source / "vocab.txt").write_bytes(b"a")
    (source / "weights.onnx").write_bytes(b"\x08\x08\x10\x01")
    with pytest.raises(DownloadError, match="its sha256 differs"):
        models.take(pinned, source)
    assert not (store / "downloads").exists() or names(store / "downloads") == set()


def test_removing_says_how_much(tiny: Model) -> None:
    folder = pull(tiny)
    size = models.size_of(folder)
    assert size > len(OLD_TORCH)
    assert models.remove(folder, models.partial_folder("tiny")) == size
    assert not folder.exists()
    assert models.remove(folder) == 0


# --- Places that can't be written -----------------------------------------------------------------


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """An empty disk of its own; only root can have one."""
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount a disk")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def read_only(store: Path) -> Iterator[Path]:
    """A data folder that nothing can be written to."""
    store.mkdir()
    store.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with mounted(store, "ro") if os.access(store, os.W_OK) else nullcontext():
        yield store
    store.chmod(stat.S_IRWXU)


def test_a_read_only_folder(read_only: Path, tiny: Model) -> None:
    with pytest.raises(OutputError, match="permission denied"):
        pull(tiny)
    with pytest.raises(OutputError, match="permission denied"), models.locked("tiny", Silence()):
        pass


def test_a_data_folder_that_is_a_file(tiny: Model, store: Path) -> None:
    store.write_text("a file")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        pull(tiny)
    with pytest.raises(OutputError), models.locked("tiny", Silence()):
        pass


@pytest.fixture
def small_disk(store: Path) -> Iterator[Path]:
    """A data folder on a disk of a few kilobytes."""
    with mounted(store, "size=16k"):
        yield store


def test_a_small_disk(small_disk: Path, tiny: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OutputError, match="Free some space"):
        pull(tiny)
    # And when nobody could know beforehand:
    usage = type("Usage", (), {"free": 10**9})()
    monkeypatch.setattr("vinovits.store.download.shutil.disk_usage", lambda _: usage)
    with pytest.raises(OutputError, match="the disk is full"):
        pull(tiny)
    assert not models.is_downloaded(tiny)
    assert not models.source_folder("tiny").exists()


# --- Two at once ----------------------------------------------------------------------------------


def _pull_in_a_process(catalogue: str, results: multiprocessing.Queue[object]) -> None:
    from vinovits.store import catalogue as module

    module._CATALOGUE = Path(catalogue)
    notes: list[str] = []
    silence = Silence()
    silence.note = notes.append
    model = find_model("tiny")
    with models.locked("tiny", silence):
        models.pull(model, silence, patience=FAST)
    results.put((models.verify(model), notes))


def test_two_pulls_at_once_download_once(hub: Hub, tiny: Model, tmp_path: Path) -> None:
    def slowly(handler: object) -> None:
        import time

        time.sleep(0.4)
        hub.answer(handler)

    hub.script = [None, None, slowly]
    context = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[object] = context.Queue()
    arguments = (str(tmp_path / "catalogue.toml"), results)
    processes = [
        context.Process(target=_pull_in_a_process, args=arguments, daemon=True) for _ in range(2)
    ]
    for process in processes:
        process.start()
    answers = [results.get(timeout=20) for _ in processes]
    for process in processes:
        process.join(20)
    assert sorted(hub.fetched()) == ["config.json", "extra.json", "pytorch_model.bin"]
    assert [problems for problems, _ in answers] == [[], []]
    told = [note for _, notes in answers for note in notes]
    assert told == ["tiny: another vinovits is at work on it; waiting"]


def test_another_server_may_take_over(tiny: Model, hub: Hub) -> None:
    hub.script = [None, None, cut(hub, OLD_TORCH, 9000), *[status(500)] * 2]
    with pytest.raises(DownloadError):
        pull(tiny)
    with serve(Hub(files=dict(hub.files))) as mirror:
        pull(tiny, mirror=mirror.url)
        assert mirror.fetched() == ["pytorch_model.bin"]
    assert models.verify(tiny) == []
