"""What only a real process shows: signals, pipes, full devices, memory, time."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import soundfile

ROOT = Path(__file__).parent.parent.parent
FAKE = [sys.executable, "-m", "tests.cli.fake_voice"]
REAL = [sys.executable, "-m", "vinovits"]
LONG_TEXT = "One two three four five six seven. " * 3000


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **more}


def start(
    folder: Path, *arguments: str, pause: float = 0.0, stdout: int = subprocess.PIPE, **more: str
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*FAKE, *arguments],
        cwd=folder,
        env=environment(FAKE_PAUSE=str(pause), **more),
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.PIPE,
        # Under nohup it would be ignored.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )


def wait_for_part(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Until there is a temporary file with something in it."""
    deadline = time.monotonic() + 100  # on a busy machine; usually it is one or two
    while process.poll() is None and time.monotonic() < deadline:
        if any(path.stat().st_size > 60_000 for path in folder.glob(".*.part")):
            return
        time.sleep(0.02)
    process.kill()
    raise AssertionError("the command didn't get to writing")


@pytest.fixture(autouse=True)
def none_is_left() -> Iterator[None]:
    yield
    for child in psutil.Process().children():
        if "say" in child.cmdline():
            child.kill()


@pytest.mark.parametrize("extension", ["wav", "opus"])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_signals_end_it_quietly_and_leave_nothing(
    tmp_path: Path, number: signal.Signals, code: int, extension: str
) -> None:
    (tmp_path / f"a.{extension}").write_bytes(b"old")
    (tmp_path / "text.txt").write_text(LONG_TEXT * 3)
    process = start(
        *(tmp_path, "say", "-f", "text.txt", "-o", f"a.{extension}", "--timings", "a.json"),
        pause=0.001,
    )
    wait_for_part(tmp_path, process)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == code
    assert stderr == b""
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a.{extension}", "text.txt"]
    assert (tmp_path / f"a.{extension}").read_bytes() == b"old"


@pytest.mark.slow
def test_ctrl_c_with_the_built_in_voice(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(LONG_TEXT)
    process = subprocess.Popen(
        [*REAL, "say", "-f", "text.txt", "-o", "a.mp3", "--timings", "a.vtt"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_for_part(tmp_path, process)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout, stderr) == (130, b"", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


def test_ctrl_c_while_it_waits_for_text(tmp_path: Path) -> None:
    process = start(tmp_path, "say", "-")
    deadline = time.monotonic() + 30
    while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr, list(tmp_path.iterdir())) == (130, b"", [])


@pytest.mark.parametrize("raw", [(), ("--raw",)])
def test_a_closed_pipe_ends_it_quietly(tmp_path: Path, raw: tuple[str, ...]) -> None:
    (tmp_path / "text.txt").write_text(LONG_TEXT)
    process = start(tmp_path, "say", "-f", "text.txt", "-o", "-", "--timings", "a.srt", *raw)
    assert process.stdout is not None
    assert len(process.stdout.read(10_000)) == 10_000
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait(30) == 141
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


@pytest.mark.parametrize("command", [["--help"], ["voices"], ["say", "--help"]])
def test_other_output_may_be_cut_off_too(tmp_path: Path, command: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = start(tmp_path, *command, stdout=writer)
    os.close(writer)
    _, stderr = process.communicate(timeout=30)
    assert stderr == b""
    assert process.returncode == 141


FULL = "vinovits: standard output can't be written: the disk is full. Free some space there.\n"
CLOSED = "vinovits: Standard output is closed.\n"
PRINTING = ["--help", "--version", "say --help", "voices", "voices --json", "info joe", "doctor"]


def shell(folder: Path, line: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs a line of the shell, in which `$V` is the command."""
    return subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env=environment(V=" ".join(FAKE), **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", [*PRINTING, "say Hello. --out -", "say Hello. --out - --raw"])
def test_a_full_device_is_told(tmp_path: Path, command: str, unbuffered: str) -> None:
    done = shell(tmp_path, f"$V {command} >/dev/full", PYTHONUNBUFFERED=unbuffered)
    assert (done.returncode, done.stderr) == (1, FULL)


@pytest.mark.parametrize("command", [*PRINTING, "say Hello. --out -", "say Hello. --out - --raw"])
def test_a_closed_standard_output_is_told(tmp_path: Path, command: str) -> None:
    done = shell(tmp_path, f"$V {command} >&-")
    assert (done.returncode, done.stderr) == (1, CLOSED)


def test_a_closed_standard_input_is_told(tmp_path: Path) -> None:
    done = shell(tmp_path, "$V say - <&-")
    assert (done.returncode, done.stderr) == (
        2,
        "vinovits: Standard input is closed. Give the text, or --file FILE.\n",
    )


@pytest.mark.parametrize("streams", ["2>/dev/full", "2>&-", ">&-", "<&- >&- 2>&-", "2> >(true)"])
def test_what_is_not_needed_may_be_full_or_closed(tmp_path: Path, streams: str) -> None:
    done = shell(tmp_path, f"$V say Hello. --stats --timings a.json {streams}")
    assert done.returncode == 0
    assert soundfile.info(tmp_path / "out.wav").duration == pytest.approx(0.6, abs=0.01)
    assert (tmp_path / "a.json").read_text().endswith("}\n")
    assert shell(tmp_path, f"$V say Hello. --bogus {streams}").returncode == 2


def test_a_redirected_wav_has_its_true_size(tmp_path: Path) -> None:
    with (tmp_path / "a.wav").open("wb") as file:
        process = start(tmp_path, "say", "Hello there.", "--out", "-", stdout=file.fileno())
    process.communicate(timeout=30)
    data = (tmp_path / "a.wav").read_bytes()
    assert int.from_bytes(data[4:8], "little") == len(data) - 8


def test_a_wav_that_is_appended_is_not_patched(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"before")
    with (tmp_path / "a").open("ab") as file:
        process = start(tmp_path, "say", "Hello there.", "--out", "-", stdout=file.fileno())
    process.communicate(timeout=30)
    data = (tmp_path / "a").read_bytes()
    assert data.startswith(b"beforeRIFF\xff\xff\xff\xffWAVE")
    assert data.count(b"RIFF") == 1


def test_audio_does_not_go_to_a_terminal(tmp_path: Path) -> None:
    terminal, other = pty.openpty()
    process = start(tmp_path, "say", "Hello.", "--out", "-", stdout=other)
    os.close(other)
    _, stderr = process.communicate(timeout=30)
    os.close(terminal)
    assert process.returncode == 2
    assert b"Audio can't go to a terminal" in stderr


def test_progress_is_shown_on_a_terminal_only(tmp_path: Path) -> None:
    terminal, other = pty.openpty()
    process = subprocess.Popen(
        [*FAKE, "say", "One two. Three four."],
        cwd=tmp_path,
        env=environment(TERM="xterm", COLUMNS="80"),
        stdout=subprocess.PIPE,
        stderr=other,
    )
    os.close(other)
    shown = b""
    try:
        while data := os.read(terminal, 4096):
            shown += data
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    assert process.wait(30) == 0
    assert b"speaking" in shown
    assert b"100 %" in shown
    assert b"1.80 s of audio" not in shown.split(b"speaking")[0]


@pytest.mark.parametrize(("extension", "words"), [("wav", 6000), ("opus", 1500)])
def test_memory_does_not_grow_with_the_text(tmp_path: Path, extension: str, words: int) -> None:
    def peak(words: int) -> int:
        (tmp_path / "text.txt").write_text("One two three four. " * (words // 4))
        process = start(
            *(tmp_path, "say", "-f", "text.txt", "-o", f"a.{extension}", "--quiet"),
            *("--timings", "a.json", "--timings", "a.srt"),
        )
        most = 0
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                most = max(most, watched.memory_info().rss)
            except psutil.Error:
                break
            time.sleep(0.01)
        assert process.wait(60) == 0
        assert soundfile.info(tmp_path / f"a.{extension}").duration > words * 0.3
        return most

    peak(100)
    assert peak(words) - peak(200) < 20e6


PLAYER = """#!/bin/sh
echo "$@" > arguments
{body}
"""


def player(folder: Path, name: str, body: str) -> str:
    programs = folder / "programs"
    programs.mkdir()
    program = programs / name
    program.write_text(PLAYER.format(body=body))
    program.chmod(0o755)
    return f"{programs}:/usr/bin:/bin"


@pytest.mark.parametrize(
    ("name", "body", "offset"),
    [
        ("aplay", "cat > heard", 44),
        ("paplay", "cat > heard", 0),
        ("ffplay", "cat > heard", 44),
        ("pw-play", 'cp "$1" heard', 80),
        ("afplay", 'cp "$1" heard', 80),
    ],
)
def test_players_get_the_very_samples(tmp_path: Path, name: str, body: str, offset: int) -> None:
    path = player(tmp_path, name, body)
    # /usr/bin may hold real players, which come later in PATH but perhaps earlier in our list.
    process = start(tmp_path, "say", "Hello there.", "--play", "--out", "a.wav", PATH=path)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 0, stderr
    heard = (tmp_path / "heard").read_bytes()
    assert heard[offset:] == (tmp_path / "a.wav").read_bytes()[80:]
    assert {p.name for p in tmp_path.iterdir()} == {"programs", "heard", "arguments", "a.wav"}


def test_playing_alone_writes_no_file(tmp_path: Path) -> None:
    path = player(tmp_path, "aplay", "cat > /dev/null")
    process = start(tmp_path, "say", "Hello there.", "--play", PATH=path)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 0
    assert stderr.endswith(b": played\n")
    assert not list(tmp_path.glob("*.wav"))


@pytest.mark.parametrize("name", ["aplay", "pw-play"])
def test_a_player_that_fails_is_told_with_its_own_words(tmp_path: Path, name: str) -> None:
    path = player(tmp_path, name, 'echo "audio open error: no such device" >&2; exit 1')
    process = start(tmp_path, "say", LONG_TEXT[:4000], "--play", "--out", "a.wav", PATH=path)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"player {name} stopped before the end".encode() in stderr
    assert b"It says: audio open error: no such device" in stderr
    assert not list(tmp_path.glob("*.wav"))


@pytest.mark.parametrize("command", [["--help"], ["say", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(tmp_path: Path, command: list[str]) -> None:
    script = (
        "import sys, atexit\n"
        "from vinovits.cli import main\n"
        "atexit.register(lambda: print(*sorted(m for m in ('torch', 'openvino', 'numpy', 'rich',"
        " 'soundfile', 'soxr', 'tokenizers', 'num2words', 'matplotlib') if m in sys.modules),"
        " file=sys.stderr))\n"
        f"sys.argv[1:] = {command!r}\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment(), capture_output=True
    )
    assert done.returncode == 0
    assert done.stderr.strip() == b""


def test_python_m_vinovits_is_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [*REAL, "--help"], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    assert done.stdout.startswith("Usage: vinovits [OPTIONS] COMMAND")
