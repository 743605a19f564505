"""How fast a voice is here: measured in processes of their own, as users run it.

Threads are bounded when a process starts, and memory is that of a whole process, so each setting
that is compared gets one. The processes take turns, text by text: what disturbs the machine
meanwhile disturbs them all.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from vinovits.engine.tuned import CONFIG, Tuned, written
from vinovits.errors import VinovitsError

_SENTENCES = {
    "en": (
        "The ferry leaves the island at half past nine, and it takes an hour to the mainland.",
        "She put the letters back into the drawer, turned the key, and went out to the garden.",
        "When the rain had stopped, a smell of wet earth and pine needles filled the whole valley.",
        "Nobody at the station could tell us when the next train to the north would arrive.",
    ),
    "zh": (
        "今天早上我在公园里看见一位老人正在教孩子们放风筝，天空很蓝，风也不大。",
        "火车穿过长长的隧道以后，窗外忽然出现了一大片金黄色的油菜花田。",
        "晚饭以后，大家坐在院子里喝茶聊天，远处传来几声轻轻的狗叫。",
        "老师说，写文章最要紧的是把话说清楚，漂亮的词语可以以后再学。",
    ),
    "ja": (
        "今朝は早く起きて、川のそばの道をゆっくり歩きました。空気が冷たくて気持ちよかったです。",
        "駅前の小さな本屋は、二十年前から同じ場所で店を開いています。",
        "雨がやんだあと、庭の木の葉から水のしずくが静かに落ちていました。",
        "来週の土曜日に、友達と一緒に山へ登る予定を立てています。",
    ),
}
_BEGINNINGS = {"en": "Number {}: ", "zh": "第{}句，", "ja": "{}番、"}

STAGES = ("read", "features", "encode", "durations", "flow", "decode")


def text_of(language: str, number: int) -> str:
    """A sentence of 4 to 8 s, another one for each of 90 numbers.

    Feature models keep their results, so that a text that comes again costs less.
    """
    sentences = _SENTENCES[language]
    beginning = _BEGINNINGS[language].format(10 + number % 90)
    return beginning + sentences[number % len(sentences)]


class MeasurementError(VinovitsError):
    """A process that was to be measured has failed."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A voice that a process has loaded."""

    import_seconds: float
    """Until Python had what it needs."""
    load_seconds: float
    """Of `vinovits.load`, OpenVINO's start included."""
    voice: str
    language: str
    """The one that is spoken, the voice's first."""
    sampling_rate: int
    graphs: dict[str, list[str]]
    """Of each graph and feature model the devices and, last, the precision."""


@dataclass(frozen=True, slots=True)
class Run:
    """A text, spoken."""

    audio_seconds: float
    wall_seconds: float
    first_seconds: float
    """Until the first chunk."""
    stages: dict[str, float]
    """Seconds of each of `STAGES`."""

    @property
    def real_time_factor(self) -> float:
        """Seconds of work per second of audio."""
        return self.wall_seconds / self.audio_seconds


class Process:
    """A process with a voice in it; `start` makes one."""

    def __init__(self, process: subprocess.Popen[str], complaints: IO[str]) -> None:
        """Wait until the voice is loaded.

        Raises:
            MeasurementError: It can't be.
        """
        self._process, self._complaints = process, complaints
        self.loaded = Loaded(**self._answer())

    def speak(self, text: str) -> Run:
        """Speak a text whole, as `Voice.speak` does."""
        return Run(**self._ask("speak", text))

    def stream(self, text: str) -> Run:
        """Speak a text as `Voice.stream` does."""
        return Run(**self._ask("stream", text))

    def many(self, texts: Sequence[str], workers: int) -> Run:
        """Speak texts as `Voice.speak_many` does."""
        return Run(**self._ask("many", texts, workers))

    def memory(self) -> dict[str, int]:
        """Bytes of memory: `now` and the `peak` since the start; 0 where the system won't tell."""
        return self._ask("memory")

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _ask(self, *request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            print(json.dumps(request), file=self._process.stdin, flush=True)
        except OSError:
            raise self._failed() from None
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._failed()
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise MeasurementError(answer["error"])
        return answer

    def _failed(self) -> MeasurementError:
        self._process.wait()
        self._complaints.seek(0)
        said = self._complaints.read().strip().splitlines() or ["it said nothing"]
        return MeasurementError(f"The process that was measured has failed: {said[-1]}.")


@contextmanager
def start(
    voice: str,
    options: Mapping[str, Any],
    cache: Path,
    tuned: Tuned | None = None,
) -> Iterator[Process]:
    """A process with a voice, which ends with the block.

    Args:
        voice: Name or folder.
        options: What `vinovits.load` takes.
        cache: Folder of compiled graphs.
        tuned: What counts in place of the user's config file and variables of threads; None leaves
            these as they are.

    Raises:
        MeasurementError: The voice can't be loaded.
    """
    environment = dict(os.environ)
    with ExitStack() as stack:
        if tuned is not None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vinovits-")))
            (folder / "config.toml").write_text(written(tuned), encoding="utf-8")
            environment[CONFIG] = str(folder / "config.toml")
            for name in ("VINOVITS_THREADS", "OMP_NUM_THREADS"):
                environment.pop(name, None)
        complaints = stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
        request = json.dumps({"voice": voice, "cache_dir": str(cache), **options})
        process = subprocess.Popen(
            [sys.executable, "-m", "vinovits.engine.measure", request],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            encoding="utf-8",
            env=environment,
        )
        stack.callback(_end, process)
        made = Process(process, complaints)
        yield made
        made.close()


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()


def take_turns(
    processes: Mapping[str, Process], warm_up: int, rounds: int, deadline: float
) -> dict[str, list[Run]]:
    """Let processes speak the same texts, one after the other, another text in each round.

    Args:
        processes: By name; of one voice.
        warm_up: Rounds that don't count.
        rounds: At most, those to warm up not among them.
        deadline: No round begins behind it, by `time.monotonic`.

    Returns:
        The runs of each, all as many; none if there was no time.
    """
    runs: dict[str, list[Run]] = {name: [] for name in processes}
    for number in range(warm_up + rounds):
        if time.monotonic() > deadline:
            break
        for name, process in processes.items():
            run = process.speak(text_of(process.loaded.language, number))
            if number >= warm_up:
                runs[name].append(run)
    return runs


def median_factor(runs: Sequence[Run]) -> float:
    """The median of real-time factors."""
    return statistics.median(run.real_time_factor for run in runs)


def summary(runs: Sequence[Run]) -> dict[str, Any]:
    """Medians over runs.

    Returns:
        `real_time_factor`, `audio_seconds`, and `ms_per_second`: for each stage milliseconds of
        work for a second of audio.
    """
    return {
        "real_time_factor": median_factor(runs),
        "audio_seconds": statistics.median(run.audio_seconds for run in runs),
        "ms_per_second": {
            stage: 1000 * statistics.median(run.stages[stage] / run.audio_seconds for run in runs)
            for stage in STAGES
        },
    }


def _serve(request: dict[str, Any], began: float) -> None:
    """Be the process: load a voice and answer on standard output."""
    import vinovits
    import vinovits.engine.voice
    from vinovits.engine.result import Stats
    from vinovits.runtime import openvino  # noqa: F401 (its import counts as such)

    imported = time.perf_counter()
    voice = vinovits.load(request.pop("voice"), **request)
    loaded = Loaded(
        import_seconds=imported - began,
        load_seconds=time.perf_counter() - imported,
        voice=voice.manifest.name,
        language=voice.manifest.languages[0],
        sampling_rate=voice.manifest.sampling_rate,
        graphs={name: [*info.devices, info.precision] for name, info in voice.graphs().items()},
    )
    _reply(asdict(loaded))
    speaker = None
    if voice.manifest.spectrogram is not None:  # it copies whom it hears: nobody in particular
        speaker = np.zeros(voice.manifest.speaker_channels, np.float32)

    def told(stats: Stats) -> dict[str, Any]:
        return {
            "audio_seconds": stats.audio_seconds,
            "wall_seconds": stats.wall_seconds,
            "first_seconds": stats.first_chunk_seconds,
            "stages": stats.stages,
        }

    for line in sys.stdin:
        match json.loads(line):
            case ["speak", text]:
                _reply(told(voice.speak(text, speaker=speaker).stats))
            case ["stream", text]:
                with voice.stream(text, speaker=speaker) as stream:
                    list(stream)
                _reply(told(stream.stats))
            case ["many", texts, workers]:
                options: dict[str, Any] = {"workers": workers, "speaker": speaker}
                with voice.speak_many(texts[:workers], **options) as warm:
                    list(warm)  # its graphs are compiled, and stay for as long as it does
                    begin = time.perf_counter()
                    seconds = sum(audio.seconds for audio in voice.speak_many(texts, **options))
                    wall = time.perf_counter() - begin
                _reply(
                    {
                        "audio_seconds": seconds,
                        "wall_seconds": wall,
                        "first_seconds": wall,
                        "stages": {},
                    }
                )
            case ["memory"]:
                _reply(_memory())


def _memory() -> dict[str, int]:
    found = {"now": 0, "peak": 0}
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return found
    for line in status.splitlines():
        name, _, rest = line.partition(":")
        if name in ("VmRSS", "VmHWM"):
            found["now" if name == "VmRSS" else "peak"] = int(rest.split()[0]) << 10
    return found


def _reply(answer: Mapping[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _began = time.perf_counter()
    try:
        _serve(json.loads(sys.argv[1]), _began)
    except VinovitsError as _error:
        _reply({"error": str(_error)})
