"""Where settings come from, and what can't be one."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from vinovits.cli.main import cli
from vinovits.errors import UsageError
from vinovits.serve.keys import Grant, Keys
from vinovits.serve.settings import ServeSettings, read_settings


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "serve.yaml"
    config.write_text("port: 1\nworkers: 3\nmax_queue: 5\nvoices: [a, b]\n", encoding="utf-8")
    monkeypatch.setenv("VINOVITS_PORT", "2")
    monkeypatch.setenv("VINOVITS_WORKERS", "4")
    settings = read_settings({"port": 3}, config)
    assert (settings.port, settings.workers, settings.max_queue) == (3, 4, 5)
    assert settings.voices == (Path("a"), Path("b"))
    monkeypatch.setenv("VINOVITS_VOICES", os.pathsep.join(["c", "d"]))
    assert read_settings({}, config).voices == (Path("c"), Path("d"))
    assert read_settings({}).host == "127.0.0.1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("porter: 1\n", "no setting 'porter'"),
        ("port: high\n", "port can't be 'high'"),
        ("port: 70000\n", "port can't be 70000"),
        ("deadline: .nan\n", "deadline can't be nan"),
        ("workers: 0\n", "workers can't be 0"),
        ("- a\n", "isn't a YAML file"),
        ("a: [\n", "isn't a YAML file"),
        ("!!python/object/apply:os.system ['true']\n", "isn't a YAML file"),
    ],
)
def test_what_cannot_be_a_setting_is_told(tmp_path: Path, content: str, message: str) -> None:
    config = tmp_path / "serve.yaml"
    config.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        read_settings({}, config)
    with pytest.raises(UsageError, match="no file"):
        read_settings({}, tmp_path / "other.yaml")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_others_reach_the_server_with_a_key_only(host: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--insecure"):
        read_settings({"host": host})
    assert read_settings({"host": host, "insecure": True}).host == host
    assert read_settings({"host": host, "api_key_file": tmp_path / "keys.txt"}).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_needs_none(host: str) -> None:
    assert read_settings({"host": host}).is_local


@pytest.mark.parametrize(
    "arguments",
    [
        ["--host", "0.0.0.0"],
        ["--port", "99999"],
        ["--workers", "0"],
        ["--config", "none.yaml"],
        ["--api-key-file", "none.txt", "--no-page"],
        ["--deadline", "nan"],
    ],
)
def test_the_command_ends_with_2_if_used_wrongly(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["serve", *arguments])
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_an_address_that_is_taken_is_told() -> None:
    import socket

    from tests.serve.conftest import free_port

    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        result = CliRunner().invoke(cli, ["serve", "--port", str(port), "--no-page"])
    assert result.exit_code == 1
    assert "can't listen" in result.output


def test_keys_are_made_and_kept_as_hashes(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    made = []
    for name in ("laptop", "phone"):
        result = CliRunner().invoke(cli, ["serve-key", name, "--file", str(file)])
        assert result.exit_code == 0, result.output
        made.append(result.stdout.strip())
    keys = Keys(file)
    assert [keys.find(key) for key in made] == [Grant("laptop"), Grant("phone")]
    assert not any(key in file.read_text("utf-8") for key in made)
    assert file.stat().st_mode & 0o077 == 0
    assert CliRunner().invoke(cli, ["serve-key", "a b"]).exit_code == 2


def test_every_option_is_a_setting() -> None:
    command: Any = cli.commands["serve"]
    options = {parameter.name for parameter in command.params} - {"config"}
    assert options <= set(ServeSettings.model_fields)


def test_keys_have_bounds_and_are_listed_and_revoked(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(cli, ["serve-key", *arguments, "--file", str(file)])

    assert run("old", "--expires", "2001-02-03").exit_code == 0
    bounded = ("--requests", "5", "--characters", "900", "--quota", "70000")
    made = run("guest", *bounded, "--expires", "2999-12-31").stdout.strip()
    kept = run("laptop").stdout.strip()
    keys = Keys(file)
    assert keys.find(made) == Grant("guest", 5, 900, 70000, date(2999, 12, 31))
    assert run("--list").stdout.splitlines() == [
        "old expired=2001-02-03",
        "guest requests=5 characters=900 quota=70000 expires=2999-12-31",
        "laptop",
    ]
    assert run("guest", "--revoke").exit_code == 0
    assert keys.find(made) is None
    assert keys.find(kept) == Grant("laptop")
    assert file.stat().st_mode & 0o077 == 0
    for wrong in (
        ["guest", "--revoke"],
        ["guest", "--list"],
        ["--revoke"],
        [],
        ["a", "--requests", "0"],
        ["a", "--expires", "soon"],
        ["--list", "--quota", "5"],
    ):
        assert run(*wrong).exit_code == 2, wrong
