"""A file that isn't there is wrong use in every command: exit code 2, and nothing is written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["say", "--file", "none"], "The text file none can't be read: no such file or directory."),
        (["say", "Hello.", "--voice", "./none"], "There is no voice folder none."),
        (["info", "./none"], "There is no voice folder none."),
        (["convert", "none", "here", "out"], "The checkpoint none can't be read: no such file"),
        (["convert", "here", "none", "out"], "The config none can't be read: no such file"),
        (["convert-features", "none"], "The folder none can't be read: no such file"),
        (["convert", "", "here", "out"], "The checkpoint  can't be read: no such file"),
        (["convert", "here/none", "here", "out"], "The checkpoint here/none can't be read: not a"),
        (["convert", "x" * 300, "here", "out"], "can't be read: file name too long"),
    ],
)
def test_what_is_missing_is_named(run: Run, arguments: list[str], says: str) -> None:
    Path("here").touch()
    result = run(*arguments)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
    assert os.listdir() == ["here"]  # noqa: PTH208
