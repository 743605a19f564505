from __future__ import annotations

import io
import json
import logging
import re
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.cli.conftest import Run

TEXT = "Hello there, world. This is the second sentence!"
SECONDS = 0.3 * 11
Calls = list[dict[str, Any]]


def test_the_default_is_out_wav_and_one_line_on_stderr(run: Run, calls: Calls) -> None:
    result = run("say", TEXT)
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert re.fullmatch(
        r"3\.30 s of audio in 0\.25 s \(real-time factor 0\.08\) on CPU \(f32\): out\.wav\n",
        result.stderr,
    )
    info = soundfile.info("out.wav")
    assert (info.samplerate, info.channels, info.subtype) == (22050, 1, "PCM_16")
    assert info.duration == pytest.approx(SECONDS, abs=1e-3)


def test_settings_that_are_not_given_are_left_to_the_voice(run: Run, calls: Calls) -> None:
    run("say", TEXT)
    load, stream = calls
    assert load == {
        "voice": "joe",
        "device": "cpu",
        "features": None,
        "precision": None,
        "shapes": "auto",
        "warm": False,
    }
    assert stream == {
        "text": TEXT,
        "seed": 0,
        "speed": None,
        "sdp_ratio": None,
        "noise": None,
        "noise_w": None,
        "pause": None,
        "speaker": None,
        **dict.fromkeys(("style", "style_weight", "emotion")),
        "ahead": False,
        "assist_text": None,
        "assist_weight": None,
        "language": None,
        "reading": None,
        "markup": "auto",
        "lexicon": None,
    }


@pytest.mark.parametrize(
    ("name", "options", "markup"),
    [
        ("a.ssml", [], "ssml"),
        ("a.SSML", ["--markup", "auto"], "ssml"),
        ("a.ssml", ["--markup", "off"], "off"),
        ("a.txt", [], "auto"),
        ("a.txt", ["--markup", "html"], "html"),
    ],
)
def test_what_a_text_is_written_in(
    run: Run, calls: Calls, tmp_path: Path, name: str, options: list[str], markup: str
) -> None:
    (tmp_path / name).write_text("Hello.", "utf-8")
    assert run("say", "-f", name, *options, "--lexicon", "mine.csv").exit_code == 0
    assert (calls[1]["markup"], calls[1]["lexicon"]) == (markup, "mine.csv")


def test_settings_that_are_given_reach_the_engine(run: Run, calls: Calls) -> None:
    run(
        *("say", TEXT, "--voice", "x", "--device", "GPU.1", "--features", "none", "--seed", "5"),
        *("--precision", "f32", "--shapes", "static"),
        *("--speed", "1.5", "--sdp-ratio", "0", "--noise", ".3", "--noise-w", "nan"),
        *("--speaker", "ann", "--pause", "0.5"),
        *("--style", "Glad", "--style-weight", "2", "--emotion-text", "calm"),
    )
    load, stream = calls
    assert load == {
        "voice": "x",
        "device": "GPU.1",
        "features": "none",
        "precision": "f32",
        "shapes": "static",
        "warm": False,
    }
    assert stream.pop("noise_w") != stream["noise"]  # NaN: the engine refuses it, not the parser
    assert stream == {
        "text": TEXT,
        "seed": 5,
        "speed": 1.5,
        "sdp_ratio": 0.0,
        "noise": 0.3,
        "pause": 0.5,
        "speaker": "ann",
        **{"style": "Glad", "style_weight": 2.0, "emotion": "calm"},
        "ahead": False,
        "assist_text": None,
        "assist_weight": None,
        "language": None,
        "reading": None,
        "markup": "auto",
        "lexicon": None,
    }


def test_for_a_listener_the_next_sentence_is_prepared(run: Run, calls: Calls) -> None:
    run("say", TEXT, "--out", "-")
    assert calls[1]["ahead"] is True


@pytest.mark.parametrize(
    ("given", "passed"), [("ann", "ann"), ("7", "7"), ("1", 1), ("-1", "-1"), ("bob", "bob")]
)
def test_a_speaker_is_a_name_before_it_is_a_number(
    run: Run, calls: Calls, given: str, passed: str | int
) -> None:
    run("say", TEXT, "--speaker", given)
    assert calls[1]["speaker"] == passed


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.opus", "a.mp3", "A.WAV"])
def test_every_format(run: Run, calls: Calls, name: str) -> None:
    assert run("say", TEXT, "--out", name).exit_code == 0
    assert soundfile.info(name).duration == pytest.approx(SECONDS, abs=0.05)
    assert [path.name for path in Path().iterdir()] == [name]


def test_wav_and_raw_on_standard_output(run: Run, calls: Calls) -> None:
    run("say", TEXT)
    with wave.open("out.wav") as file:
        expected = file.readframes(file.getnframes())
    result = run("say", TEXT, "--out", "-")
    assert result.exit_code == 0
    samples, rate = soundfile.read(io.BytesIO(result.stdout_bytes), dtype="int16")
    assert rate == 22050
    assert samples.tobytes() == expected
    assert result.stderr.endswith(": standard output\n")
    assert run("say", TEXT, "--out", "-", "--raw").stdout_bytes == expected


def test_quiet_prints_nothing(run: Run, calls: Calls) -> None:
    assert run("say", TEXT, "--quiet").output == ""


def test_stats_are_tables_on_stderr(run: Run, calls: Calls) -> None:
    result = run("say", TEXT, "--stats", "--quiet")
    assert result.stdout == ""
    rows = [line.split() for line in result.stderr.splitlines()]
    assert ["decode", "0.200", "95%"] in rows
    assert ["decoder", "CPU", "f32", "dynamic"] in rows
    assert ["first", "sound", "after", "0.050", "s"] in rows


def test_timings_and_a_picture(run: Run, calls: Calls) -> None:
    result = run(
        *("say", TEXT, "--timings", "a.json", "--timings", "a.srt", "--timings", "a.vtt"),
        *("--timings", "a.lrc", "--plot", "a.png", "-o", "a.ogg"),
    )
    assert result.exit_code == 0, result.output
    data = json.loads(Path("a.json").read_text(encoding="utf-8"))
    assert [s["text"] for s in data["sentences"]] == TEXT.replace(". ", ".|").split("|")
    assert data["seconds"] == pytest.approx(SECONDS, abs=1e-3)
    assert Path("a.srt").read_text(encoding="utf-8").startswith("1\n00:00:00,000 --> ")
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")
    assert len(list(Path().iterdir())) == 6


def test_text_from_a_file_and_from_standard_input(run: Run, calls: Calls) -> None:
    Path("a.txt").write_bytes(b"\xef\xbb\xbfCaf\xc3\xa9.\r\n")
    run("say", "--file", "a.txt")
    run("say", "-", stdin="From stdin.")
    run("say", "--file", "-", stdin="From stdin, too.")
    Path("b.txt").write_bytes("Café.".encode("utf-16"))
    run("say", "-f", "b.txt")
    run("say", "-", stdin=b"\xfe\xff" + "Café.".encode("utf-16-be"))
    texts = [call["text"] for call in calls if "text" in call]
    assert texts == ["Café.\r\n", "From stdin.", "From stdin, too.", "Café.", "Café."]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, 'as in `vinovits say "Hello."`'),
        (["a", "--file", "b"], 2, "either a text or --file"),
        (["a", "b"], 2, "unexpected extra argument"),
        (["--file", "none.txt"], 2, "none.txt can't be read: no such file"),
        (["--file", "."], 2, "can't be read: is a directory"),
        (["--file", "latin.txt"], 1, "byte 3 (0xe9) fits nowhere"),
        (["--file", "odd.txt"], 1, "isn't UTF-16 text: byte 4"),
        (["--file", "/dev/zero"], 1, "more than 64 MB"),
        (["caf\udce9"], 1, "byte 3 (0xe9) fits nowhere"),
        ([" "], 1, "text is empty"),
        (["a", "--out", "a.xyz"], 2, "extension .xyz"),
        (["a", "--out", "a"], 2, "no extension"),
        (["a", "--out", "no/a.wav"], 1, "there is no folder no"),
        (["a", "--out", "latin.txt/a.wav"], 1, "is a file, not a folder"),
        (["a", "--out", "/proc/a.wav"], 1, "can't be written"),
        (["a", "--out", "folder.wav"], 1, "is a folder"),
        (["a", "--timings", "a.txt"], 2, "Use one of .json, .srt, .vtt, .lrc"),
        (["a", "--timings", "a.srt", "--timings", "./a.srt"], 2, "more than once"),
        (["a", "--timings", "no/a.srt"], 1, "there is no folder no"),
        (["a", "--plot", "a.pdf"], 2, "Name it a.png"),
        (["a", "--plot", "no/a.png"], 1, "there is no folder no"),
        (["a", "--raw"], 2, "add `--out -`"),
        (["a", "--play"], 1, "There is no audio player here"),
        (["a", "--voice", "nobody"], 2, "There is no voice 'nobody'. There are: joe."),
        (["a", "--seed", "x"], 2, "'x' is not a valid integer"),
        (["a", "--speed", "fast"], 2, "'fast' is not a valid float"),
        (["a", "--features", "all"], 2, "'all' is not 'none'"),
        (["a", "--bogus"], 2, "No such option"),
        (["-hello there"], 2, 'goes after `--`, as in: vinovits say -- "-5 degrees".'),
        (["a", "--out", ""], 2, "--out is empty. Name a file, such as out.wav."),
        (["a", "--timings", ""], 2, "--timings is empty. Name a file, such as words.json."),
        (["a", "--plot", ""], 2, "--plot is empty. Name a file, such as speech.png."),
        (["--file", ""], 2, "--file is empty. Name a file, such as text.txt."),
        (["a", "--out", "folder"], 1, "folder is a folder. Name a file in it, such as folder/out"),
        (["a", "--out", "."], 1, ". is a folder. Name a file in it, such as out.wav."),
        (["crash"], 1, "failed unexpectedly (RuntimeError: the fake engine broke)"),
    ],
)
def test_bad_input_gives_a_sentence_and_leaves_nothing(
    run: Run,
    calls: Calls,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    said: str,
) -> None:
    monkeypatch.setenv("PATH", "")
    Path("folder.wav").mkdir()
    Path("folder").mkdir()
    Path("latin.txt").write_bytes(b"caf\xe9")
    Path("odd.txt").write_bytes(b"\xff\xfea\x00b")
    before = sorted(Path().iterdir())
    result = run("say", *arguments)
    assert result.exit_code == code, result.output
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize(
    "arguments", [["--out", "a.xyz"], ["--out", "no/a.wav"], ["--plot", "no/a.png"]]
)
def test_targets_are_checked_before_a_voice_is_loaded(
    run: Run, calls: Calls, arguments: list[str]
) -> None:
    run("say", TEXT, *arguments)
    assert calls == []


def test_an_old_file_survives_an_error(run: Run, calls: Calls) -> None:
    Path("out.wav").write_bytes(b"old")
    assert run("say", "crash").exit_code == 1
    assert Path("out.wav").read_bytes() == b"old"


def test_debug_shows_the_traceback(run: Run, calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VINOVITS_DEBUG", "1")
    assert isinstance(run("say", "crash").exception, RuntimeError)


def test_notes_of_the_engine_are_shown_once(
    run: Run, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from tests.cli import fake_voice

    found = fake_voice.sentences
    monkeypatch.setattr(
        fake_voice,
        "sentences",
        lambda text: [
            replace(s, notes=("Left out: ☃.", f"Guessed: {min(i, 8)}."))
            for i, s in enumerate(found(text))
        ],
    )
    result = run("say", "One. " * 20)
    lines = result.stderr.splitlines()
    assert lines[0] == "note: Left out: ☃."
    assert lines[4] == "note: Guessed: 3."
    assert "--timings FILE.json lists all" in lines[5]
    assert len(lines) == 7


def test_a_text_that_begins_with_a_dash(run: Run, calls: Calls) -> None:
    assert run("say", "--out", "a.wav", "--", "-5 degrees").exit_code == 0
    assert calls[1]["text"] == "-5 degrees"
    assert "goes after `--`" in " ".join(run("say", "--help").stdout.split())


def test_timings_on_a_full_disk_are_told(
    run: Run, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vinovits.cli import targets

    @contextmanager
    def on_a_full_disk(path: Path) -> Iterator[Path]:
        yield Path("/dev/full") if path.suffix == ".json" else path

    monkeypatch.setattr(targets, "atomic_file", on_a_full_disk)
    result = run("say", TEXT, "--timings", "t.json")
    assert result.exit_code == 1
    assert result.stderr == (
        "vinovits: t.json can't be written: the disk is full. Free some space there.\n"
    )


@pytest.mark.parametrize("quiet", [False, True])
def test_warnings_of_the_library_are_notes(
    run: Run, calls: Calls, monkeypatch: pytest.MonkeyPatch, quiet: bool
) -> None:
    import vinovits

    load = vinovits.load
    logger = logging.getLogger("vinovits.graph_cache")

    def warn(*arguments: Any, **options: Any) -> Any:
        for name in ("a", "a", "b"):
            logger.warning("Compiled graphs can't be kept in %s.", name)
        logger.info("not for users")
        return load(*arguments, **options)

    monkeypatch.setattr(vinovits, "load", warn)
    for _ in range(2):
        result = run("say", TEXT, *(["--quiet"] if quiet else []))
        told = [f"note: Compiled graphs can't be kept in {name}." for name in ("a", "b")]
        assert result.stderr.splitlines()[:-1] == ([] if quiet else told)
    parent = logging.getLogger("vinovits")
    assert (parent.propagate, parent.level, parent.handlers) == (True, logging.NOTSET, [])
