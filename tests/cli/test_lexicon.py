"""`vinovits lexicon`, and how `phones` reads with it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VINOVITS_DATA", str(tmp_path / "data"))
    return tmp_path / "data" / "lexicons"


def listed(run: Run, *arguments: str) -> list[dict[str, Any]]:
    result = run("lexicon", "list", "--json", *arguments)
    assert result.exit_code == 0, result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def readings(run: Run, *arguments: str) -> dict[str, str]:
    return {one["written"]: one["reading"] for one in listed(run, *arguments)}


def test_a_word_is_added_changed_and_taken_out(run: Run, data: Path) -> None:
    result = run("lexicon", "add", "tomato", "t ah m aa1 t ow", "--language", "en")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"tomato: T AH0 M AA1 T OW0, in {data / 'user.json'}\n"
    result = run("lexicon", "add", "tomato", "T AH0 M EY1 T OW0", "--priority", "7")
    assert "(it was T AH0 M AA1 T OW0)" in result.stderr
    assert listed(run) == [
        {
            "written": "tomato",
            "language": "en",
            "reading": "T AH0 M EY1 T OW0",
            "context": [],
            "priority": 7,
            "from": "you",
        }
    ]
    assert run("lexicon", "add", "tomato", "トマト").exit_code == 0
    assert run("lexicon", "rm", "tomato", "--language", "en").exit_code == 0
    assert readings(run) == {"tomato": "トマト"}
    result = run("lexicon", "rm", "tomato")
    assert result.stderr == f"tomato: 1 entry taken out of {data / 'user.json'}\n"
    assert run("lexicon", "list").stderr == "No entries. `vinovits lexicon add` makes one.\n"


def test_the_table(run: Run) -> None:
    run("lexicon", "add", "行", "háng", "-c", "银行", "-c", "分行")
    run("lexicon", "add", "W3C", "=World Wide Web Consortium")
    assert run("lexicon", "list").stdout.splitlines() == [
        "word  language  reading                     context     priority  from",
        "行    zh        hang2                       银行, 分行  5         you",
        "W3C   any       =World Wide Web Consortium              5         you",
    ]


def test_a_long_table_ends(run: Run) -> None:
    text = "".join(f"word{number}\t=x\n" for number in range(1002))
    assert run("lexicon", "import", "-", stdin=text).exit_code == 0
    result = run("lexicon", "list")
    assert len(result.stdout.splitlines()) == 1001
    assert result.stderr == ("note: there are 2 more. --json lists all, `export` writes them.\n")
    assert len(listed(run)) == 1002


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["tomato", "T AX0 Q"], "Q is no phone of ARPAbet (character 7"),
        (["行", "hangg2"], 'There is no syllable "hangg"'),
        (["橋", "ハシ:5"], "write one of ハシ:0 to ハシ:2"),
        (["行", "hang2", "--language", "en"], "no phone of ARPAbet"),
        (["tomato", "tomato"], "neither ARPAbet"),
        (["", "T"], "empty"),
        (["a\nb", "T"], "line break"),
        (["a" * 101, "T"], "101 characters"),
        (["a", "="], "no reading"),
        (["a", "T", "--priority", "11"], "0<=x<=10"),
        (["a", "T", "--language", "fr"], "'zh', 'ja', 'en'"),
        (["a", "T", "--context", ""], "context word"),
        (["a", "T", "--voice", "nobody"], "There is no voice 'nobody'"),
        (["a"], "Missing argument 'READING'"),
    ],
)
def test_wrong_use_changes_nothing(run: Run, data: Path, arguments: list[str], reason: str) -> None:
    result = run("lexicon", "add", *arguments)
    assert result.exit_code == 2
    assert reason in result.stderr
    assert not data.exists()


def test_a_loop_is_refused(run: Run) -> None:
    assert run("lexicon", "add", "W3C", "=the Web").exit_code == 0
    result = run("lexicon", "add", "Web", "=what W3C made")
    assert result.exit_code == 1
    assert "W3C -> Web -> W3C" in result.stderr
    assert list(readings(run)) == ["W3C"]


def test_what_is_not_there_cannot_be_taken_out(run: Run) -> None:
    run("lexicon", "add", "tomato", "T AH0")
    result = run("lexicon", "rm", "tomatoe")
    assert result.exit_code == 2
    assert "Did you mean 'tomato'?" in result.stderr
    assert run("lexicon", "rm", "tomato", "-l", "zh").exit_code == 2
    assert readings(run) == {"tomato": "T AH0"}


def test_a_voice_has_entries_of_its_own(
    run: Run, tiny_voice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = ("--voice", str(tiny_voice))
    run("lexicon", "add", "tomato", "T AH0 M AA1 T OW0")
    run("lexicon", "add", "tomato", "T AH0 M EY1 T OW0", *voice)
    assert readings(run) == {"tomato": "T AH0 M AA1 T OW0"}
    assert readings(run, *voice) == {"tomato": "T AH0 M EY1 T OW0"}
    for arguments, reading in ((voice, "T AH0 M EY1 T OW0"), ((), "T AH0 M AA1 T OW0")):
        result = run("phones", "Tomato.", "--json", *arguments)
        (word, _) = json.loads(result.stdout)["sentences"][0]["words"]
        assert (word["reading"], word["source"]) == (reading, "lexicon")


def test_export_and_import_hold_everything(run: Run, tmp_path: Path, data: Path) -> None:
    run("lexicon", "add", "行", "hang2", "-c", "银行", "--priority", "9")
    run("lexicon", "add", "W3C", "=World Wide Web")
    before = listed(run)
    for name in ("words.csv", "words.json"):
        result = run("lexicon", "export", name)
        assert result.stderr == f"2 entries: {name}\n"
        (data / "user.json").unlink()
        result = run("lexicon", "import", name)
        assert result.stderr == f"2 entries added: {data / 'user.json'}\n"
        assert listed(run) == before
        printed = run("lexicon", "export", "-", "--format", name[6:])
        assert printed.stdout == Path(name).read_text(encoding="utf-8")
    result = run("lexicon", "export", "words")
    assert (result.exit_code, Path("words").exists()) == (2, False)
    assert run("lexicon", "export", "none/words.csv").exit_code == 1


def test_import_takes_all_or_nothing_unless_told_otherwise(run: Run, data: Path) -> None:
    text = "written,reading\ntomato,T AH0\nx,QQ\n行,hang2\ny,\n"
    result = run("lexicon", "import", "-", stdin=text)
    assert result.exit_code == 1
    assert "standard input has 2 entries that can't be taken:\n  line 3: " in result.stderr
    assert "\n  line 5: 'y' has no reading." in result.stderr
    assert not data.exists()
    result = run("lexicon", "import", "-", "--keep-going", stdin=text)
    assert result.exit_code == 0
    first, *notes = result.stderr.splitlines()
    assert first == f"2 entries added, 2 can't be taken: {data / 'user.json'}"
    assert [note[:14] for note in notes] == ["note: line 3: ", "note: line 5: "]
    assert list(readings(run)) == ["tomato", "行"]


def test_import_adds_to_what_is_there_or_replaces_it(run: Run, data: Path) -> None:
    run("lexicon", "add", "a", "EY1")
    run("lexicon", "add", "tomato", "T AH0 M AA1 T OW0")
    Path("some.dict").write_text("TOMATO  T AH0 M EY1 T OW2\nTOMATO(1)  T AA1\nB  B IY1\n")
    result = run("lexicon", "import", "some.dict")
    end = f"1 further reading left out: {data / 'user.json'}\n"
    assert result.stderr == f"1 entry added, 1 changed, {end}"
    assert readings(run) == {"a": "EY1", "tomato": "T AH0 M EY1 T OW2", "b": "B IY1"}
    result = run("lexicon", "import", "some.dict", "--replace")
    assert result.stderr == f"2 entries added, 3 taken out, {end}"
    assert list(readings(run)) == ["tomato", "b"]
    for text in ("written,reading\n", "written,reading\nx,QQ\n"):
        result = run("lexicon", "import", "-", "--replace", "--keep-going", stdin=text)
        assert (result.exit_code, "holds no entries" in result.stderr) == (1, True)
    loop = "written,reading\na,=b\nb,=a\n"
    assert run("lexicon", "import", "-", "--replace", "--keep-going", stdin=loop).exit_code == 1
    assert list(readings(run)) == ["tomato", "b"]


def test_files_that_cannot_be_read(run: Run, data: Path) -> None:
    for missing in (
        ["lexicon", "import", "none.csv"],
        ["phones", "--lexicon", "none.csv", "Hello."],
    ):
        result = run(*missing)
        assert (result.exit_code, result.stderr) == (2, "vinovits: There is no lexicon none.csv.\n")
    run("lexicon", "add", "a", "EY1")
    (data / "user.json").write_text("{")
    for command in (
        ["list"],
        ["add", "b", "B IY1"],
        ["rm", "a"],
        ["export", "words.csv"],
    ):
        result = run("lexicon", *command)
        assert result.exit_code == 1
        assert f"{data / 'user.json'} isn't valid JSON" in result.stderr
    assert (data / "user.json").read_text() == "{"
    assert not Path("words.csv").exists()


def test_readings_of_one_call_go_first(run: Run) -> None:
    run("lexicon", "add", "tomato", "T AH0 M AA1 T OW0")
    run("lexicon", "add", "one", "W AA1 N")
    Path("words.csv").write_text("written,reading\ntomato,T AH0 M EY1 T OW0\n", encoding="utf-8")

    def said(*arguments: str) -> list[str]:
        result = run("phones", "One tomato", "--json", *arguments)
        assert result.exit_code == 0, result.stderr
        words = json.loads(result.stdout)["sentences"][0]["words"]
        return [word["reading"] for word in words[:2]]

    assert said("--lexicon", "words.csv") == ["W AA1 N", "T AH0 M EY1 T OW0"]
    assert said() == ["W AA1 N", "T AH0 M AA1 T OW0"]
    assert said("--lexicon", "none")[0] == "W AH1 N"


DOCS = Path(__file__).parent.parent.parent / "docs" / "lexicon.md"


def test_the_docs_show_what_the_commands_print(run: Run, data: Path) -> None:
    """And what they show is written by this test, with REWRITE=1 in the environment."""
    text = DOCS.read_text(encoding="utf-8")

    def printed(block: re.Match[str]) -> str:
        lines = []
        for line in re.findall(r"^\$ vinovits (.*)$", block[1], re.M):
            result = run(*shlex.split(line))
            output = result.output.replace(f"{data}/", "")
            lines.append(f"$ vinovits {line}\n{output}")
        return "```console\n" + "".join(lines) + "```"

    shown = re.sub(r"```console\n(.*?)```", printed, text, flags=re.S)
    (code,) = re.findall(r"```python\n(.*?)```", text, re.S)
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(code, {})
    shown = re.sub(r"```text\n.*?```", f"```text\n{out.getvalue()}```", shown, flags=re.S)
    if os.environ.get("REWRITE"):
        DOCS.write_text(shown, encoding="utf-8")
    assert shown == text
