"""docs/server.md says what the server does."""

from __future__ import annotations

import re
from pathlib import Path

from tests.serve.conftest import Running
from vinovits.serve.bodies import SpeechRequest
from vinovits.serve.settings import ServeSettings

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = (DOCS / "server.md").read_text("utf-8")
CLIENTS = (DOCS / "clients.md").read_text("utf-8")


def test_every_setting_is_documented_with_its_default() -> None:
    table = PAGE.split("| setting | default | |")[1].split("\n\n")[0]
    told: dict[str, str] = {}
    for names, default in re.findall(r"^\| (`.*?`) \| (.*?) ?\|", table, re.M):
        for name, value in zip(re.findall(r"`(\w+)`", names), default.split(", "), strict=True):
            told[name] = value
    assert told.keys() == ServeSettings.model_fields.keys()
    for name, value in told.items():
        default = ServeSettings.model_fields[name].default
        shown = f"{default:g}" if isinstance(default, float) else str(default)
        assert value == {"None": "", "()": "", "False": "no", "True": "yes"}.get(shown, shown), name


def test_every_path_and_field_is_documented(served: Running) -> None:
    for path in served.get("/openapi.json").json()["paths"]:
        assert f"{path.removesuffix('/{name}')}`" in PAGE + CLIENTS, path
    for name in SpeechRequest.model_fields:
        assert f"`{name}`" in PAGE, name
