from __future__ import annotations

import json
import shlex
import shutil
import sys
from importlib import metadata
from pathlib import Path

import click
import pytest

from tests.cli.conftest import Run
from vinovits.cli import doctor, machine
from vinovits.cli.main import cli
from vinovits.voices.store import find_voice, list_voices

DOCS = Path(__file__).parent.parent.parent / "docs"


@pytest.fixture
def tiny(tiny_voice: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VINOVITS_VOICES", str(tiny_voice.parent))
    return tiny_voice


def test_voices_are_listed(run: Run, tiny: Path) -> None:
    result = run("voices")
    assert result.exit_code == 0
    head, *rows = result.stdout.splitlines()
    assert head.split() == ["voice", "languages", "speakers", "rate", "size", "licence"]
    row = next(row.split() for row in rows if row.startswith("tiny"))
    assert row[:5] == ["tiny", "en", "2", "8000", "Hz"]
    assert row[-1] == "CC0-1.0"
    assert all(line == line.rstrip() for line in result.stdout.splitlines())


def test_voices_as_json(run: Run, tiny: Path) -> None:
    voices = {voice["name"]: voice for voice in json.loads(run("voices", "--json").stdout)}
    assert voices["tiny"] == {
        "name": "tiny",
        "path": str(tiny),
        "languages": ["en"],
        "speakers": {"ann": 0, "bob": 1},
        "sampling_rate": 8000,
        "licence": "CC0-1.0",
        "size_bytes": sum(path.stat().st_size for path in tiny.iterdir()),
    }


def test_no_voices_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vinovits.voices.store.roots", lambda *_: [])
    result = run("voices")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No voices are installed" in result.stderr


@pytest.fixture
def with_broken(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of voices: tiny, one of a newer format, one that is no JSON."""
    voices = tmp_path / "voices"
    shutil.copytree(tiny, voices / "tiny")
    for name, text in (("newer", '{"format": 99}'), ("torn", '{"format": 1, "na')):
        (voices / name).mkdir()
        (voices / name / "voice.json").write_text(text, encoding="utf-8")
    monkeypatch.setenv("VINOVITS_VOICES", str(voices))
    return voices


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_voices_tells_which_are_broken(run: Run, with_broken: Path, option: list[str]) -> None:
    result = run("voices", *option)
    assert result.exit_code == 0
    assert "tiny" in result.stdout
    assert "newer" not in result.stdout
    newer, torn = result.stderr.splitlines()
    assert newer.startswith("note: newer can't be used: ")
    assert newer.endswith("has format version 99; this release reads version 1. Update vinovits.")
    assert torn.startswith("note: torn can't be used: ")
    assert "isn't valid JSON" in torn


def test_doctor_tells_which_voices_are_broken(run: Run, with_broken: Path) -> None:
    result = run("doctor")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()]
    for name in ("newer", "torn"):
        assert ["broken", str(with_broken / name)] in rows
    to_do = result.stdout.partition("To do, if you need it:")[2]
    assert f"  - {with_broken / 'newer' / 'voice.json'} has format version 99;" in to_do


def test_listing_warns_of_broken_voices(
    with_broken: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert "tiny" in [info.name for info in list_voices()]
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "The voice newer can't be used",
        "The voice torn can't be used",
    ]


@pytest.mark.parametrize("by_path", [False, True])
def test_info_shows_the_card(run: Run, tiny: Path, by_path: bool) -> None:
    result = run("info", str(tiny) if by_path else "tiny")
    assert result.exit_code == 0
    rows = dict(line.split("  ", 1) for line in result.stdout.splitlines())
    shown = {name: value.strip() for name, value in rows.items()}
    assert shown["title"] == "Tiny"
    assert shown["licence"] == "CC0-1.0"
    assert shown["speakers"] == "ann, bob"
    assert shown["sampling rate"] == "8000 Hz, 16 samples per frame"
    assert shown["reading"] == "better"
    assert shown["features"] == "all-MiniLM-L6-v2 for en"
    assert shown["folder"] == str(tiny)
    assert "author" not in shown


def test_a_card_doesnt_command_the_terminal(run: Run, tiny: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny, tmp_path / "copy")
    manifest = json.loads((folder / "voice.json").read_text())
    manifest["card"]["title"] = "An\x1b]0;evil\x07na \x9b31m\nB"
    (folder / "voice.json").write_text(json.dumps(manifest))
    shown = run("info", str(folder)).stdout
    assert "An]0;evilna 31m" in shown
    assert not set(shown) & {"\x1b", "\x07", "\x9b"}


def test_info_as_json_is_the_manifest(run: Run, tiny: Path) -> None:
    data = json.loads(run("info", "tiny", "--json").stdout)
    manifest = json.loads((tiny / "voice.json").read_text(encoding="utf-8"))
    assert data.pop("path") == str(tiny)
    assert data.pop("size_bytes") > 1000
    assert data == manifest


def test_info_of_nothing_and_of_an_altered_voice(run: Run, tiny: Path, tmp_path: Path) -> None:
    result = run("info", "tinny")
    assert result.exit_code == 2
    assert "Did you mean 'tiny'?" in result.stderr
    altered = tmp_path / "altered"
    shutil.copytree(tiny, altered)
    with (altered / "flow.bin").open("ab") as file:
        file.write(b"x")
    result = run("info", str(altered))
    assert result.exit_code == 1
    assert "flow.bin is truncated or altered" in result.stderr


@pytest.mark.parametrize("command", [["info"], ["say", "Hello.", "--voice"]])
def test_a_file_in_place_of_a_voice_folder(
    run: Run, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert run(*command, str(tiny / "voice.json")).exit_code == 0
    result = run(*command, str(tiny / "flow.bin"))
    assert result.exit_code == 2
    assert result.stderr == (
        f"vinovits: {tiny / 'flow.bin'} is a file of a voice. Name its folder: {tiny}.\n"
    )
    Path("G_0.pth").touch()
    for name in ("G_0.pth", "./G_0.pth"):
        result = run(*command, name)
        assert result.exit_code == 2
        assert "G_0.pth is a file, but a voice is a folder. `vinovits convert`" in result.stderr


def test_the_manifest_of_the_current_folder_names_its_voice(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny)
    assert find_voice("voice.json").resolve() == tiny


def test_say_with_a_real_engine(run: Run, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path("cache").absolute()))
    for name in ("a.wav", "b.wav"):
        result = run(
            *("say", "Hello there. How are you?", "--voice", "tiny", "--out", name),
            *("--precision", "f32"),
        )
        assert result.exit_code == 0, result.output
        assert "on CPU (f32)" in result.stderr
    assert Path("a.wav").read_bytes() == Path("b.wav").read_bytes()
    result = run("say", "Hello.", "--voice", "tiny", "--speaker", "carl")
    assert result.exit_code == 2
    assert "It has: ann (0), bob (1)" in result.stderr


def test_convert(run: Run, tiny_checkpoint: Path) -> None:
    files = (str(tiny_checkpoint / "G_0.pth"), str(tiny_checkpoint / "config.json"))
    result = run(
        *("convert", *files, "made", "--precision", "f16", "--name", "Made", "--language", "en"),
        *("--feature-model", "en_bert=mine"),
        *("--licence", "CC0-1.0", "--use", "Tests."),
    )
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    stages = [line.split()[0] for line in result.stderr.splitlines()]
    assert stages[0] == "The"  # family, and why
    assert {"m_p", "z", "audio"} <= set(stages)
    manifest = json.loads(Path("made/voice.json").read_text(encoding="utf-8"))
    assert (manifest["name"], manifest["precision"]) == ("Made", "f16")
    assert manifest["card"]["licence"] == "CC0-1.0"
    assert manifest["features"][0]["model"] == "mine"
    again = run("convert", *files, "made")
    assert again.exit_code == 1
    assert "isn't empty" in again.stderr


@pytest.mark.parametrize("has_features", [pytest.param(False, marks=pytest.mark.extra), True])
def test_the_hint_of_convert_is_a_command_that_works(
    run: Run,
    tiny_checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    has_features: bool,
) -> None:
    from vinovits.errors import VoiceError
    from vinovits.features import store

    def find(name: str) -> Path:
        if not has_features:
            raise VoiceError(f"There is no feature model {name!r}.")
        return tmp_path

    monkeypatch.setattr(store, "find_features", find)
    files = [str(tiny_checkpoint / name) for name in ("G_0.pth", "config.json")]
    result = run("convert", *files, "my voice", "--language", "en")
    assert result.exit_code == 0, result.output
    hint = result.stderr.splitlines()[-1].split("`")[1]
    wanted = "It listens to deberta-v3-large, which isn't here. Get it by: vinovits models pull"
    assert (wanted in result.stderr) is not has_features
    assert hint == (
        "vinovits say --voice './my voice'"
        + ("" if has_features else " --features none")
        + ' "..."'
    )
    if not has_features:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        _, *arguments = shlex.split(hint.replace("...", "Hello there."))
        assert run(*arguments).exit_code == 0


def test_convert_takes_feature_models_as_pairs(run: Run, tiny_checkpoint: Path) -> None:
    files = [str(tiny_checkpoint / name) for name in ("G_0.pth", "config.json")]
    result = run("convert", *files, "made", "--feature-model", "en_bert")
    assert result.exit_code == 2
    assert "INPUT=NAME" in result.stderr


def test_convert_of_nothing_leaves_nothing(run: Run, tiny_checkpoint: Path) -> None:
    result = run("convert", "none.pth", str(tiny_checkpoint / "config.json"), "made")
    assert result.exit_code == 2
    assert "none.pth" in result.stderr
    assert not list(Path().iterdir())


def test_convert_without_torch_names_the_extra(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("vinovits.convert")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in ("a.pth", "b.json"):
        Path(name).touch()
    result = run("convert", "a.pth", "b.json", "made")
    assert result.exit_code == 1
    assert result.stderr == (
        "vinovits: Converting needs torch, which isn't installed. Install it with: "
        "pip install 'vinovits[convert]'\n"
    )


def test_doctor_tells_what_is_here(run: Run, tiny: Path) -> None:
    result = run("doctor")
    assert result.exit_code == 0
    for name in ("processor", "memory", "OpenVINO", "  CPU", "voices", "player", "cache"):
        assert f"\n{name}  " in result.stdout, name
    assert "tiny" in result.stdout
    assert machine.cpu_model() in result.stdout


def test_doctor_names_the_command_for_what_is_missing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(
        metadata, "requires", lambda name: ["numpy>=1", 'noneski>=2; extra == "plot"', "lost>=1"]
    )
    result = run("doctor")
    assert result.exit_code == 0
    assert "pip install 'vinovits[plot]'" in result.stdout
    assert "pip install lost" in result.stdout
    assert "There is no audio player here" in result.stdout


def test_doctor_works_where_openvino_does_not(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "vinovits.runtime", raising=False)
    monkeypatch.setitem(sys.modules, "openvino", None)
    result = run("doctor")
    assert result.exit_code == 0
    assert "Install it with: pip install openvino" in result.stdout


def test_requirements_by_extra() -> None:
    lines = [
        "click>=8.1",
        "torch>=2.4; extra == 'convert'",
        'vinovits[convert]; extra == "train"',
        'uvicorn[standard]>=0.30; python_version > "3" and extra == "serve"',
    ]
    assert doctor._requirements(lines) == {
        "": ["click"],
        "convert": ["torch"],
        "train": ["torch"],
        "serve": ["uvicorn"],
    }


def test_cpu_features_are_read_from_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "processor\t: 0\nmodel name\t: Intel(R) Core(TM) Ultra 7\nflags\t\t: fpu avx2 avx_vnni\n"
    monkeypatch.setattr(machine, "_read", lambda path: text)
    assert machine.cpu_features() == {"AVX2": True, "AVX-512": False, "VNNI": True, "AMX": False}
    monkeypatch.setattr(machine, "_read", lambda path: "")
    assert machine.cpu_features() is None
    assert machine.memory()[0] != 0


def test_every_command_has_help_with_an_example(run: Run) -> None:
    for name, command in cli.commands.items():
        result = run(name, "--help")
        assert result.exit_code == 0
        assert command.short_help
        if name != "doctor":
            assert "Example" in result.stdout, name
        for parameter in command.params:
            if isinstance(parameter, click.Argument):
                continue  # the command's own text explains them
            help_text = getattr(parameter, "help", None)
            assert help_text, f"{name} {parameter.name}"
            assert help_text.rstrip().endswith("."), f"{name} {parameter.name}"


def test_the_documentation_has_every_command() -> None:
    """The page takes its texts from the commands, and lists each command by hand as well."""
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert "::: mkdocs-click" in page
    assert ":module: vinovits.cli.main" in page
    assert ":command: cli" in page
    for name in cli.commands:
        assert f"vinovits {name}" in page, name
