"""Finding the fastest settings for a machine, one after the other."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from vinovits.engine import measure
from vinovits.engine.tuned import Tuned
from vinovits.engine.windows import GROWTH
from vinovits.threads import usable

LATER_WINDOWS = (128, 192, 320)
"""Longest later windows that are tried, in frames. The first window is what the first sound waits
for, and stays."""

WORTH = 0.97
"""What takes more than this share of the time isn't faster: its difference may be noise."""

_WARM_UP = 2
_ROUNDS = 8
_LEAST_ROUNDS = 2
_MANY = 8
"""Texts that are spoken side by side, or as many as there are workers, and then some."""


@dataclass(frozen=True, slots=True)
class Try:
    """A value that was tried."""

    what: str
    value: str
    real_time_factor: float
    """0 if there was no time for it."""
    taken: bool


def tune(
    voice: str, seconds: float, progress: Callable[[str], None] = lambda what: None
) -> tuple[Tuned, list[Try]]:
    """Measure what is fastest on this machine's CPU.

    Each setting is tried with the best of those before it. One is left as it comes if no other
    value is faster by 3 %, or if there isn't time to know.

    Args:
        voice: Name or folder.
        seconds: About how long it may take.
        progress: Told what is measured next.

    Returns:
        What was found, and all that was tried.

    Raises:
        MeasurementError: The voice can't be loaded, or doesn't speak.
    """
    began = time.monotonic()
    best, tries = Tuned(), list[Try]()
    steps = {"threads": _threads, "precision": _precisions, "windows": _windows}
    with tempfile.TemporaryDirectory(prefix="vinovits-") as folder:
        cache = Path(folder)
        for number, (what, candidates) in enumerate(steps.items(), 1):
            several = candidates(best)
            if len(several) > 1:
                progress(what)
                deadline = began + seconds * number / (len(steps) + 1)
                name, found = _contest(what, voice, several, cache, deadline)
                best = several[name]
                tries += found
        progress("workers")
        workers, found = _workers(voice, best, cache, began + seconds)
        tries += found
    return replace(best, workers=workers if workers > 1 else None), tries


def fastest(factors: Mapping[str, float]) -> str:
    """The fastest of several, but the first if none is so by enough to be sure.

    Args:
        factors: Real-time factors by name, as it comes first.
    """
    first = next(iter(factors))
    best = min(factors, key=lambda name: factors[name])
    return best if factors[best] < WORTH * factors[first] else first


def _threads(best: Tuned) -> dict[str, Tuned]:
    here = usable()
    counts = sorted({-(-here // 2), -(-here // 4)} - {here}, reverse=True)
    return {
        f"{here}, as it comes": best,
        **{str(count): replace(best, threads=count) for count in counts},
    }


def _precisions(best: Tuned) -> dict[str, Tuned]:
    from vinovits.devices import can_compute

    # Where there is nothing but f32, "auto" is that.
    if not can_compute("cpu", "bf16"):
        return {}
    return {"auto": best, "f32": replace(best, precision="f32")}


def _windows(best: Tuned) -> dict[str, Tuned]:
    usual = {f"{GROWTH[0]}, {GROWTH[-1]}": best}
    for later in LATER_WINDOWS:
        if later != GROWTH[-1]:
            usual[f"{GROWTH[0]}, {later}"] = replace(best, windows=(GROWTH[0], later))
    return usual


def _contest(
    what: str, voice: str, candidates: Mapping[str, Tuned], cache: Path, deadline: float
) -> tuple[str, list[Try]]:
    """Let candidates take turns; the first is what stays if none is faster."""
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(measure.start(voice, {}, cache, tuned))
            for name, tuned in candidates.items()
        }
        runs = measure.take_turns(processes, _WARM_UP, _ROUNDS, deadline)
    if min(map(len, runs.values())) < _LEAST_ROUNDS:
        name, factors = next(iter(candidates)), dict.fromkeys(candidates, 0.0)
    else:
        factors = {name: measure.median_factor(several) for name, several in runs.items()}
        name = fastest(factors)
    return name, _tries(what, factors, name)


def _workers(voice: str, best: Tuned, cache: Path, deadline: float) -> tuple[int, list[Try]]:
    """How many texts at once are fastest for many texts."""
    counts = sorted({1, min(usable(), 16), max(1, usable() // 4)})
    count = max(_MANY, 2 * counts[-1])
    with measure.start(voice, {}, cache, best) as process:
        language = process.loaded.language
        runs: dict[str, list[measure.Run]] = {str(count): [] for count in counts}
        for turn in range(_LEAST_ROUNDS + 1):
            if time.monotonic() > deadline:
                break
            numbers = range(turn * count, (turn + 1) * count)
            texts = [measure.text_of(language, number) for number in numbers]
            for name, several in runs.items():
                several.append(process.many(texts, int(name)))
    if min(map(len, runs.values())) < _LEAST_ROUNDS:
        return 1, _tries("workers", dict.fromkeys(runs, 0.0), "1")
    factors = {
        name: statistics.median(run.real_time_factor for run in several)
        for name, several in runs.items()
    }
    name = fastest(factors)
    return int(name), _tries("workers", factors, name)


def _tries(what: str, factors: Mapping[str, float], taken: str) -> list[Try]:
    return [Try(what, name, factor, name == taken) for name, factor in factors.items()]
