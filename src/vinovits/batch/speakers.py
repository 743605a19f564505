"""Who makes units: this process, or several processes that each have the voices loaded."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from vinovits.batch.fit import speaker_named
from vinovits.batch.make import Stopped, own_stamp, user_lexicons
from vinovits.batch.store import piece_key
from vinovits.errors import VinovitsError
from vinovits.lexicons import entries_of
from vinovits.text.lexicon import Lexicon, LexiconEntry

if TYPE_CHECKING:
    from vinovits.engine.result import Chunk
    from vinovits.engine.settings import SpeakSettings
    from vinovits.engine.voice import Voice


@dataclass(frozen=True, slots=True)
class VoiceFacts:
    """What is to be known of a voice before it speaks."""

    stamp: str
    """From `own_stamp`."""
    sampling_rate: int
    """Hz."""
    pause: float
    """Seconds of silence between sentences that the voice has by itself."""
    words: tuple[tuple[str, str], ...] = ()
    """Of the user's lexicons: what is written, with its case folded, and all that is said of it."""

    def key(self, text: str, settings: Mapping[str, Any]) -> str:
        """The name of what a text becomes, which a change of a word in it changes too.

        Args:
            text: Of a unit.
            settings: As JSON has them.
        """
        folded = "" if settings.get("lexicon") == "none" else text.casefold()
        found = [entry for written, entry in self.words if written in folded]
        return piece_key(json.dumps([self.stamp, *found]) if found else self.stamp, text, settings)


class WorkerLostError(VinovitsError):
    """The process that made a unit is gone: killed, or out of memory."""


class Speakers(Protocol):
    """Makes units, some at once."""

    @property
    def width(self) -> int:
        """Units that are made at once."""

    def facts(self, voice: str) -> VoiceFacts:
        """Load a voice and tell what it is.

        Raises:
            VinovitsError: It can't be loaded.
        """

    def speak(self, voice: str, text: str, settings: Mapping[str, Any]) -> Future[list[Chunk]]:
        """Begin a unit.

        The future raises `VinovitsError` where it can't be spoken, `WorkerLostError` where whoever
        made it is gone, and `Stopped` behind `stop`.
        """

    def stop(self) -> None:
        """Give up what was begun, as soon as may be."""

    def close(self) -> None:
        """End all."""


class LoadedVoices:
    """Voices in memory, each loaded when it is first asked for."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Load none yet.

        Args:
            options: What `vinovits.load` takes, beside the name.
        """
        self._options = options
        self._voices: dict[str, Voice] = {}
        self._lock = threading.Lock()

    def voice(self, name: str) -> Voice:
        """A voice by its name."""
        import vinovits

        with self._lock:
            if name not in self._voices:
                self._voices[name] = vinovits.load(name, **self._options)
            return self._voices[name]

    def facts(self, name: str) -> VoiceFacts:
        """What is to be known of a voice."""
        voice = self.voice(name)
        about = voice.manifest
        words = tuple(
            (entry.written.casefold(), json.dumps(asdict(entry)))
            for path in user_lexicons(about.name)
            if path.is_file()
            for entry in entries_of(path)
        )
        return VoiceFacts(own_stamp(voice), about.sampling_rate, about.defaults.pause, words)

    def speak(
        self, name: str, text: str, settings: Mapping[str, Any], stop: threading.Event
    ) -> list[Chunk]:
        """Speak a unit; `Stopped` is raised within a window of the decoder once `stop` is set."""
        own = _as_settings(settings)
        voice = self.voice(name)
        if "speaker" in own:
            own["speaker"] = speaker_named(voice.manifest, own["speaker"])
        chunks = []
        with voice.stream(text, ahead=False, **own) as stream:
            for chunk in stream:
                if stop.is_set():
                    raise Stopped
                chunks.append(chunk)
        return chunks


def _as_settings(settings: Mapping[str, Any]) -> SpeakSettings:
    """Settings that were plain JSON: their lexicon is a list of entries there."""
    own = dict(settings)
    if isinstance(entries := own.get("lexicon"), list):
        own["lexicon"] = as_lexicon(entries)
    return cast("SpeakSettings", cast(Any, own))


def as_lexicon(entries: Sequence[Mapping[str, Any]]) -> Lexicon:
    """A lexicon of entries that are plain data.

    Args:
        entries: Fields of `LexiconEntry`, as JSON has them.
    """
    return Lexicon(
        *(LexiconEntry(**{**entry, "context": tuple(entry["context"])}) for entry in entries)
    )


class OwnSpeakers:
    """This process, by all its threads, one unit after the other."""

    width = 1

    def __init__(self, options: Mapping[str, Any]) -> None:
        """Load nothing yet.

        Args:
            options: What `vinovits.load` takes, beside the name.
        """
        self._loaded = LoadedVoices(options)
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(1, "vinovits-units")

    def facts(self, voice: str) -> VoiceFacts:
        """See `Speakers`."""
        return self._loaded.facts(voice)

    def speak(self, voice: str, text: str, settings: Mapping[str, Any]) -> Future[list[Chunk]]:
        """See `Speakers`."""
        return self._pool.submit(self._loaded.speak, voice, text, settings, self._stop)

    def stop(self) -> None:
        """See `Speakers`."""
        self._stop.set()

    def close(self) -> None:
        """See `Speakers`."""
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)


class ProcessSpeakers:
    """Processes that each have the voices loaded, and a share of the threads."""

    def __init__(self, processes: int, options: Mapping[str, Any]) -> None:
        """Start no process yet.

        Args:
            processes: How many.
            options: What `vinovits.load` takes, beside the name; threads are those of each.
        """
        self.width = processes
        self._options = dict(options)
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()

    def facts(self, voice: str) -> VoiceFacts:
        """See `Speakers`."""
        pool = self._opened()
        try:
            # Asked of each, so that all of them load the voice at the same time.
            first, *_ = [pool.submit(_facts, voice) for _ in range(self.width)]
            return first.result()
        except BrokenProcessPool:
            raise self._lost(pool) from None

    def speak(self, voice: str, text: str, settings: Mapping[str, Any]) -> Future[list[Chunk]]:
        """See `Speakers`."""
        told: Future[list[Chunk]] = Future()
        told.set_running_or_notify_cancel()
        pool = self._opened()
        try:
            made = pool.submit(_speak, voice, text, dict(settings))
        except BrokenProcessPool:
            told.set_exception(self._lost(pool))
            return told

        def tell(future: Future[list[Chunk]]) -> None:
            if future.cancelled():
                told.set_exception(Stopped())
            elif isinstance(error := future.exception(), BrokenProcessPool):
                told.set_exception(self._lost(pool))
            elif error is not None:
                told.set_exception(error)
            else:
                told.set_result(future.result())

        made.add_done_callback(tell)
        return told

    def stop(self) -> None:
        """See `Speakers`: the processes are ended."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            for process in list((pool._processes or {}).values()):
                process.terminate()
            pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """See `Speakers`."""
        self.stop()

    def _opened(self) -> ProcessPoolExecutor:
        import multiprocessing

        with self._lock:
            if self._pool is None:
                # A fork would copy OpenVINO's threads in the middle of their work.
                context = multiprocessing.get_context("spawn")
                self._pool = ProcessPoolExecutor(
                    self.width, context, initializer=_begin, initargs=(self._options, os.getpid())
                )
            return self._pool

    def _lost(self, pool: ProcessPoolExecutor) -> WorkerLostError:
        """A pool that has lost a process takes nothing any more: the next call starts another."""
        with self._lock:
            if self._pool is pool:
                self._pool = None
        pool.shutdown(wait=False, cancel_futures=True)
        return WorkerLostError(
            "A process that spoke has ended by itself; the system may have been out of memory."
        )


_process: LoadedVoices
"""The voices of this process, if it is one of `ProcessSpeakers`."""


def _begin(options: Mapping[str, Any], parent: int) -> None:
    global _process
    _process = LoadedVoices(options)
    # Ctrl+C reaches all processes of a terminal; the one that commands ends the others.
    with suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this process when the one that commands is gone, killed perhaps."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _facts(voice: str) -> VoiceFacts:
    return _process.facts(voice)


def _speak(voice: str, text: str, settings: Mapping[str, Any]) -> list[Chunk]:
    return _process.speak(voice, text, settings, threading.Event())
