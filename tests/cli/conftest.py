"""The command line in this process, with a voice that costs no time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import vinovits
from tests.cli.fake_voice import fake_load
from vinovits.cli.main import cli

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Calls the command line in an empty current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VINOVITS_DEBUG", raising=False)

    def call(*arguments: str, stdin: bytes | str | None = None) -> Result:
        return CliRunner().invoke(cli, arguments, input=stdin, prog_name="vinovits")

    return call


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Replaces the engine by a fake one and lists what it was asked."""
    made: list[dict[str, Any]] = []
    monkeypatch.setattr(vinovits, "load", fake_load(made), raising=False)
    return made
