from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from vinovits import load


def test_a_table_of_words_for_each_sentence(run: Run) -> None:
    result = run("phones", "I read it. The zorblatt!")
    assert result.exit_code == 0
    first, second = result.stdout.split("\n\n")
    assert first.splitlines()[0] == "I read it."
    assert second.splitlines()[0] == "The zorblatt!"
    head, *rows = [line.split() for line in second.splitlines()[1:]]
    assert head == ["word", "reading", "language", "phones", "tones", "source"]
    assert rows[0] == ["The", "DH", "AH0", "en", "dh", "ah", "3", "1", "dictionary"]
    assert rows[1][-1] == "network"
    assert rows[2] == ["!", "!", "0"]
    assert result.stderr == "note: Guessed how to say: zorblatt.\n"


def test_json_has_every_word_with_its_place(run: Run) -> None:
    text = "Pay $5. Café…"
    sentences = json.loads(run("phones", "--json", text).stdout)["sentences"]
    words = [word for sentence in sentences for word in sentence["words"]]
    assert [text[s["start_char"] : s["end_char"]] for s in sentences] == ["Pay $5.", "Café…"]
    assert [word["text"] for word in words] == ["Pay", "five", "dollars", ".", "Cafe", "…"]
    assert [text[word["start_char"] : word["end_char"]] for word in words[:3]] == [
        "Pay",
        "$5",
        "$5",
    ]
    assert words[0] == {
        "text": "Pay",
        "language": "en",
        "start_char": 0,
        "end_char": 3,
        "punctuation": False,
        "reading": "P EY1",
        "source": "dictionary",
        "phones": ["p", "ey"],
        "tones": [3, 2],
    }


def test_released_readings_of_a_family(run: Run) -> None:
    command = ("phones", "--json", "--family", "2.1", "--reading", "released", "100m")
    (sentence,) = json.loads(run(*command).stdout)["sentences"]
    assert [word["text"] for word in sentence["words"]] == ["one", "hundredm"]
    assert sentence["words"][0]["tones"] == [0, 2, 0]


def test_our_reading_has_the_tones_of_the_family(run: Run) -> None:
    def tones(family: str) -> list[int]:
        output = run("phones", "--json", "--family", family, "Hi").stdout
        found: list[int] = json.loads(output)["sentences"][0]["words"][0]["tones"]
        return found

    assert (tones("2.1"), tones("2.3")) == ([0, 2], [3, 2])


def test_what_is_read_is_what_the_voice_reads(run: Run) -> None:
    text = "It costs $2.50, e.g. on 3/4/2024."
    sentences = json.loads(run("phones", "--json", text).stdout)["sentences"]
    words = [word["text"] for sentence in sentences for word in sentence["words"]]
    assert words == [word.text for s in load("joe").read(text) for word in s.words]


def test_markup_is_read_and_told(run: Run, tmp_path: Path) -> None:
    text = "[tomato|T AH0 M AA1 T OW0], yes. [pause 2s] A"
    first, second = json.loads(run("phones", "--json", text).stdout)["sentences"]
    word = first["words"][0]
    assert (word["reading"], word["source"]) == ("T AH0 M AA1 T OW0", "markup")
    assert text[second["start_char"] : second["end_char"]] == "A"
    assert run("phones", text).stdout.startswith("tomato, yes.\n")
    off = json.loads(run("phones", "--json", "--markup", "off", text).stdout)["sentences"]
    assert "pause" in [word["text"] for sentence in off for word in sentence["words"]]
    path = tmp_path / "text.ssml"
    path.write_text("Hello <sub alias='two'>2nd</sub>.", "utf-8")
    assert run("phones", "-f", str(path)).exit_code == 1
    path.write_text("<speak>Hello <sub alias='two'>2nd</sub>.</speak>", "utf-8")
    assert "T UW1" in run("phones", "-f", str(path), "--family", "2.1").stdout


def test_the_reading_is_the_one_that_the_voice_wants(
    run: Run, tiny_voice: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_voice, tmp_path / "mine")
    manifest = json.loads((folder / "voice.json").read_text("utf-8"))
    (folder / "voice.json").write_text(json.dumps({**manifest, "reading": "released"}), "utf-8")

    def words(*options: str) -> list[str]:
        output = run("phones", "--json", "-v", str(folder), *options, "100m").stdout
        return [word["text"] for word in json.loads(output)["sentences"][0]["words"]]

    assert words() == words("--reading", "released") != words("--reading", "better")
    assert words() == [word.text for s in load(folder).read("100m") for word in s.words]


def test_a_file_and_standard_input(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("Hello.", "utf-8")
    assert run("phones", "-f", str(path)).stdout == run("phones", "Hello.").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["-l", "fr", "hi"], 2, "The voice 'joe' doesn't speak 'fr'. It speaks en."),
        (["-l", "zh", "你好"], 2, "The voice 'joe' doesn't speak 'zh'. It speaks en."),
        (
            ["--family", "2.1", "-l", "fr", "hi"],
            2,
            "Voices of the family 2.1 don't speak 'fr'. They speak zh, ja, en.",
        ),
        (
            ["--family", "9", "hi"],
            2,
            "There is no family '9'. There are 1.0.1, 1.1.0, 1.1.1, 2.0, 2.1, 2.2, 2.3, 2.4, "
            "jp-extra, sbv2, sbv2-jp-extra.",
        ),
        (["--family", "2.1", "--voice", "joe", "hi"], 2, "Give either --voice or --family."),
        (["--voice", "nobody", "hi"], 2, "nobody"),
        (["--family", "2.4", "--reading", "released", "hi"], 2, 'Take the reading "better".'),
        (["-f", "nothing.txt"], 2, "nothing.txt can't be read"),
        ([""], 1, "The text is empty."),
        (["😀"], 1, "emoji"),
        (["你好"], 1, "Chinese"),
        ([], 2, 'as in `vinovits phones "Hello."`'),
    ],
)
def test_errors_are_sentences(run: Run, arguments: list[str], code: int, message: str) -> None:
    result = run("phones", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr


def test_a_long_text_comes_at_once(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("It was a long, long road to the end of this text. " * 2000, "utf-8")
    began = time.perf_counter()
    assert run("phones", "--json", "-f", str(path)).exit_code == 0
    assert time.perf_counter() - began < 10
