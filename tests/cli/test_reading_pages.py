"""Pages that show how texts are read show what the commands print and what the code gives."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from vinovits.text.front_ends import Reading, read

ROOT = Path(__file__).parent.parent.parent
READING = ROOT / "docs" / "reading.md"


def rewritten(page: Path, shown: str) -> str:
    """The page as it is; with REWRITE=1 in the environment, as it should be."""
    if os.environ.get("REWRITE"):
        page.write_text(shown, encoding="utf-8")
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["README.md", "docs/reading.md", "docs/mixed.md"])
def test_pages_show_what_the_commands_print(
    name: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VINOVITS_DATA", str(tmp_path / "data"))

    def printed(block: re.Match[str]) -> str:
        lines = []
        for line in re.findall(r"^\$ vinovits (.*)$", block[1], re.M):
            output = run(*shlex.split(line)).output
            lines.append(f"$ vinovits {line}\n{output}".replace(f"{tmp_path}/data/lexicons/", ""))
        return "```console\n" + "".join(lines) + "```"

    page = ROOT / name
    shown, blocks = re.subn(
        r"```console\n(.*?)```", printed, page.read_text(encoding="utf-8"), flags=re.S
    )
    assert blocks
    assert rewritten(page, shown) == shown


def spoken(text: str, language: str, reading: Reading) -> str:
    said = [
        word.reading if language == "ja" and not word.is_punctuation else word.text
        for sentence in read(text, [language], "2.3", reading)
        for word in sentence.words
        if word.phones
    ]
    return " ".join(said).removesuffix(" .")


def test_the_table_of_both_readings_says_what_they_give() -> None:
    page = READING.read_text(encoding="utf-8")
    before, table, behind = re.split("(?<=<!-- readings -->\n)|(?=<!-- end readings -->)", page)
    head, rule, *rows = table.splitlines()
    assert len(rows) > 10
    told = [head, rule]
    for row in rows:
        language, written, *_ = (cell.strip() for cell in row.strip("|").split("|"))
        text = written.strip("`")
        both = [spoken(text, language, kind) for kind in ("released", "better")]
        assert both[0] != both[1], written
        told.append(" | ".join(["| " + language, written, *both]) + " |")
    shown = before + "\n".join(told) + "\n" + behind
    assert rewritten(READING, shown) == shown
