"""`vinovits models` and `vinovits pull`, against a server on this machine."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.cli.conftest import Run
from tests.features.tiny_bert import write_source
from tests.store.conftest import ONNX, hub, small_catalogue, store
from tests.store.server import Hub, cut, serve, stall, status
from vinovits.errors import MissingExtraError

__all__ = ["hub", "small_catalogue", "store"]  # fixtures

pytestmark = pytest.mark.usefixtures("small_catalogue")

OLD_TORCH = b"\x80\x02" + bytes(range(256)) * 100


@pytest.fixture
def tiny(hub: Hub, store: Path, tmp_path: Path) -> Path:
    """A server with the catalogue's feature model, a BERT that can be converted; its source."""
    from safetensors.torch import load_file
    from torch import save

    source = write_source(tmp_path / "source")
    save(load_file(source / "model.safetensors"), source / "pytorch_model.bin")
    (source / "model.safetensors").unlink()
    # The catalogue's optional file is the tokenizer here.
    catalogue = tmp_path / "catalogue.toml"
    text = catalogue.read_text(encoding="utf-8").replace("extra.json", "tokenizer.json")
    catalogue.write_text(text, encoding="utf-8")
    hub.files |= {f"owner/tiny/{path.name}": path.read_bytes() for path in source.iterdir()}
    return source


@pytest.fixture
def pinned(hub: Hub, store: Path) -> None:
    hub.files |= {"owner/pinned/sub/weights.onnx": ONNX, "other/words/vocab.txt": b"a\nb\n"}


@pytest.fixture
def voice(hub: Hub, store: Path, tiny_checkpoint: Path) -> None:
    for path in tiny_checkpoint.iterdir():
        hub.files[f"owner/voices/anna/{path.name}"] = path.read_bytes()
        hub.files[f"owner/voices/bob/{path.name}"] = path.read_bytes()


def states(run: Run) -> dict[str, str]:
    result = run("models", "list", "--json")
    assert result.exit_code == 0, result.stderr
    return {row["name"]: row["state"] for row in json.loads(result.stdout)}


def test_the_real_catalogue_is_listed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from vinovits.store import catalogue

    monkeypatch.undo()
    catalogue.catalogue.cache_clear()
    result = run("models", "list")
    assert result.exit_code == 0
    rows = {line.split()[0]: line for line in result.stdout.splitlines()}
    assert rows["model"].split() == ["model", "families", "state", "here", "download", "licence"]
    assert "876.1 MB  MIT" in rows["deberta-v3-large"]
    assert "2.0, 2.1, 2.2, 2.3, sbv2" in rows["deberta-v3-large"]
    assert "not known" in rows["Erlangshen-MegatronBert-1.3B-Chinese"]
    assert "converted" in rows["all-MiniLM-L6-v2"]
    assert "jvnv-F1-jp" not in rows


def test_a_feature_model_is_pulled_converted_found_and_removed(
    run: Run, tiny: Path, hub: Hub, store: Path
) -> None:
    from vinovits.features.bert import BertFeatures
    from vinovits.features.store import find_features

    assert states(run)["tiny"] == "not here"
    result = run("models", "pull", "tiny")
    assert result.exit_code == 0, result.output
    assert "ready, in" in result.stderr
    assert states(run)["tiny"] == "converted"
    folder = find_features("tiny")
    assert folder == store / "features" / "tiny"
    assert run("models", "path", "tiny").stdout.strip() == str(folder)
    bert = BertFeatures(folder)
    assert bert.features(bert.pieces("abc")).shape[1] == 32
    manifest = json.loads((folder / "features.json").read_bytes())
    assert manifest["precision"] == "int8"
    assert manifest["licence"] == "MIT"
    assert manifest["source"] == "https://huggingface.co/owner/tiny"
    # What was downloaded is not kept, and nothing is asked again.
    assert not (store / "downloads" / "tiny").exists()
    hub.requests.clear()
    again = run("models", "pull", "tiny")
    assert again.exit_code == 0
    assert f"tiny: is here, in {folder}" in again.stderr
    assert hub.requests == []
    assert run("models", "verify").stdout.splitlines()[0] == "tiny: all is well"
    size = sum(path.stat().st_size for path in folder.iterdir())
    assert f"({size} bytes)" in run("models", "rm", "tiny").stderr
    assert states(run)["tiny"] == "not here"


def test_another_precision_is_converted_anew(run: Run, tiny: Path, store: Path) -> None:
    assert run("models", "pull", "tiny", "--keep-source").exit_code == 0
    manifest = store / "features" / "tiny" / "features.json"
    assert run("models", "pull", "tiny", "--precision", "f32", "--keep-source").exit_code == 0
    assert json.loads(manifest.read_bytes())["precision"] == "f32"
    assert (store / "downloads" / "tiny" / "pytorch_model.bin").is_file()
    names = {path.name for path in (store / "features").iterdir()}
    assert names == {"tiny"}


def test_only_downloading(run: Run, tiny: Path, hub: Hub, store: Path) -> None:
    assert run("models", "pull", "tiny", "--no-convert").exit_code == 0
    assert states(run)["tiny"] == "downloaded"
    folder = store / "downloads" / "tiny"
    assert run("models", "path", "tiny").stdout.strip() == str(folder)
    hub.requests.clear()
    again = run("models", "pull", "tiny", "--no-convert")
    assert f"is here, in {folder}" in again.stderr
    assert run("models", "pull", "tiny").exit_code == 0
    assert hub.requests == []
    assert states(run)["tiny"] == "converted"


def test_without_the_packages_the_command_is_told(
    run: Run, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def convert(*_: object, **__: object) -> None:
        raise MissingExtraError("Reading the weights needs torch.")

    monkeypatch.setattr("vinovits.convert.features.convert_features", convert)
    result = run("models", "pull", "tiny")
    assert result.exit_code == 0, result.output
    assert "pip install 'vinovits[convert]'`, then `vinovits models pull tiny`" in result.stderr
    assert states(run)["tiny"] == "downloaded"


def test_a_base_model_is_kept_as_it_is(run: Run, pinned: None, store: Path) -> None:
    assert run("models", "pull", "pinned").exit_code == 0
    assert states(run)["pinned"] == "downloaded"
    assert run("models", "verify", "pinned").stdout == "pinned: all is well\n"
    (store / "downloads" / "pinned" / "weights.onnx").write_bytes(b"\x08\x07\x10\x02")
    result = run("models", "verify")
    assert result.exit_code == 1
    assert "weights.onnx has been altered" in result.stdout
    assert "vinovits models rm pinned, then vinovits models pull pinned" in result.stdout


def test_files_brought_by_hand(
    run: Run, tiny: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VINOVITS_OFFLINE", "1")
    result = run("models", "pull", "tiny", "--from", str(tiny))
    assert result.exit_code == 0, result.output
    assert states(run)["tiny"] == "converted"
    assert hub.requests == []
    assert (tiny / "pytorch_model.bin").is_file()


def test_an_interrupted_download_is_told_and_goes_on(run: Run, tiny: Path, hub: Hub) -> None:
    weights = hub.files["owner/tiny/pytorch_model.bin"]
    hub.script = [None, None, cut(hub, weights, 5000), status(503), status(503)]
    result = run("models", "pull", "tiny")
    assert result.exit_code == 1
    assert "what has arrived is kept" in result.stderr
    assert states(run)["tiny"] == "incomplete"
    result = run("models", "pull", "tiny")
    assert result.exit_code == 0
    assert "are here already" in result.stderr


def test_a_mirror(run: Run, tiny: Path, hub: Hub) -> None:
    with serve(Hub(files=dict(hub.files))) as mirror:
        assert run("models", "pull", "tiny", "--no-convert", "--mirror", mirror.url).exit_code == 0
        assert len(mirror.requests) == 3
    assert hub.requests == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["pull", "tinny"], 2, "Did you mean 'tiny'?"),
        (["pull", "anna"], 2, "anna is a voice: vinovits pull anna"),
        (["pull", "tiny", "pinned", "--from", "x"], 2, "Give one NAME"),
        (["pull", "tiny", "--from", "x", "--mirror", "http://y"], 2, "uses no network"),
        (["pull", "tiny", "--from", "nowhere"], 2, "There is no folder nowhere"),
        (["pull", "tiny", "--mirror", "y"], 2, "isn't the address of a server"),
        (["pull", "tiny"], 1, "has no config.json"),
        (["path", "tiny"], 1, "vinovits models pull tiny"),
        (["path", "../tiny"], 2, "no model '../tiny'"),
        (["rm", "tiny"], 2, "nothing of tiny to delete"),
        (["rm", "../../x"], 2, "no model '../../x'"),
        (["rm", "all-MiniLM-L6-v2"], 2, "isn't in your data folder"),
        (["verify", "tiny"], 1, "tiny isn't here"),
    ],
)
def test_errors_are_sentences(
    run: Run, store: Path, arguments: list[str], code: int, message: str
) -> None:
    result = run("models", *arguments)
    assert result.exit_code == code, result.output
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_offline_is_told(run: Run, store: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for command in (["models", "pull", "tiny"], ["pull", "hf:owner/voices/anna"]):
        result = run(*command)
        assert result.exit_code == 1
        assert "HF_HUB_OFFLINE is set" in result.stderr
    assert hub.requests == []


# --- Voices ---------------------------------------------------------------------------------------


def test_a_voice_is_pulled_and_listed(run: Run, voice: None, hub: Hub, store: Path) -> None:
    result = run("pull", "hf:owner/voices/anna", "--name", "anna2", "--precision", "f16")
    assert result.exit_code == 0, result.output
    folder = store / "voices" / "anna2"
    assert result.stdout.startswith(f"{folder}: speak with it by `vinovits say --voice anna2")
    assert "It listens to deberta-v3-large, which isn't here." in result.stderr
    manifest = json.loads((folder / "voice.json").read_bytes())
    assert manifest["precision"] == "f16"
    source = f"https://huggingface.co/owner/voices at {hub.commit}"
    assert (manifest["card"]["source"], manifest["card"]["licence"]) == (source, "cc-by-4.0")
    listed = {entry["name"] for entry in json.loads(run("voices", "--json").stdout)}
    assert "anna2" in listed
    assert {path.name for path in (store / "downloads").iterdir()} == {".locks", ".remembered"}
    # A second time, nothing is overwritten, and nothing is asked.
    hub.requests.clear()
    again = run("pull", "anna", "--name", "anna2")
    assert again.exit_code == 1
    assert "There is a voice 'anna2' already" in again.stderr
    assert hub.requests == []


def test_who_waited_for_the_same_voice_downloads_nothing(
    run: Run, voice: None, hub: Hub, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def locked(name: str, progress: object) -> Iterator[None]:
        (store / "voices" / "anna").mkdir(parents=True)  # as the other one left it
        yield

    monkeypatch.setattr("vinovits.store.models.locked", locked)
    result = run("pull", "hf:owner/voices/anna")
    assert result.exit_code == 1
    assert "There is a voice 'anna' already" in result.stderr
    assert [request for request in hub.requests if "/resolve/" in request.path] == []


@pytest.mark.parametrize(
    ("voice_given", "name"), [("anna", "anna"), ("hf:owner/voices/bob/G_0.pth", "G_0")]
)
def test_other_ways_to_name_a_voice(
    run: Run, voice: None, store: Path, monkeypatch: pytest.MonkeyPatch, voice_given: str, name: str
) -> None:
    given: list[set[str]] = []

    def convert(folder: Path, config: None, out: Path, **options: object) -> SimpleNamespace:
        given.append({path.name for path in folder.iterdir()})
        assert out == store / "voices" / name
        return SimpleNamespace(
            notes=("A note.",), manifest=SimpleNamespace(features=(), emotion=None)
        )

    monkeypatch.setattr("vinovits.convert.voice.convert_checkpoint", convert)
    result = run("pull", voice_given, "--keep-source")
    assert result.exit_code == 0, result.output
    assert given == [{"config.json", "G_0.pth", "source.json"}]
    assert "note: A note." in result.stderr
    [kept] = [path for path in (store / "downloads").iterdir() if path.name[0] != "."]
    assert (kept / "G_0.pth").is_file()


def test_a_repository_of_many_voices_lists_them(run: Run, voice: None) -> None:
    result = run("pull", "hf:owner/voices")
    assert result.exit_code == 1
    assert "hf:owner/voices/anna, hf:owner/voices/bob" in result.stderr


def test_a_checkpoint_that_cannot_be_converted_leaves_no_voice(
    run: Run, voice: None, hub: Hub, store: Path
) -> None:
    hub.files["owner/voices/anna/config.json"] = b"{}"
    result = run("pull", "hf:owner/voices/anna")
    assert result.exit_code == 1
    assert list((store / "voices").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tiny"], "Get it by: vinovits models pull tiny"),
        (["nobody"], "in the catalogue (it has anna)"),
        (["hf:nobody"], "names no place in a repository"),
        (["hf:a/b", "--name", "../c"], "The name of a voice can't be '../c'"),
    ],
)
def test_what_is_no_voice(run: Run, store: Path, arguments: list[str], message: str) -> None:
    result = run("pull", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_without_torch_nothing_is_downloaded(
    run: Run, voice: None, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vinovits.cli.pull._NEEDED", ("no_such_package",))
    result = run("pull", "anna")
    assert result.exit_code == 1
    assert "pip install 'vinovits[convert]'" in result.stderr
    assert hub.requests == []


# --- As a process of its own ----------------------------------------------------------------------

RUN = """
import sys
from pathlib import Path
from vinovits.store import catalogue
catalogue._CATALOGUE = Path(sys.argv.pop(1))
from vinovits.cli import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_process_leaves_what_can_be_resumed(
    run: Run, tiny: Path, hub: Hub, store: Path, tmp_path: Path, number: signal.Signals
) -> None:
    weights = hub.files["owner/tiny/pytorch_model.bin"]
    hub.script = [None, None, stall(5, hub, weights, 7000)]
    catalogue = str(tmp_path / "catalogue.toml")
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, catalogue, "models", "pull", "tiny", "--no-convert"],
        stderr=subprocess.PIPE,
        text=True,
    )
    part = store / "downloads" / ".tiny.partial" / "pytorch_model.bin.part"
    deadline = time.monotonic() + 20
    while not (part.exists() and part.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert "Traceback" not in told
    hub.requests.clear()
    assert run("models", "pull", "tiny", "--no-convert").exit_code == 0
    assert [request.headers.get("range") for request in hub.requests] == [
        f"bytes={len(weights[:7000])}-"
    ]
