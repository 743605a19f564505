"""How long a voice takes to load, and what of its memory several processes share.

    python bench/loading.py [--voice joe | --config 2.3|2.4] [--rounds 5] [--processes 4]
                            [--work FOLDER] [--json FILE]

Each load is that of a new process with compiled graphs in the cache: seconds of `vinovits.load`,
after those of importing it, with the feature model and without. Then several processes load the
voice, and speak a sentence one after the other. `rss` is what a process has in memory, `pss` its
share: pages that n processes have count for 1/n (smaps_rollup of Linux). Private is what no other
process has.

`--config` takes voices of full size with random weights, as bench/speed.py has them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from speed import prepare
from texts import text_of


class Child:
    """A process that has loaded a voice."""

    def __init__(self, voice: str, features: str | None, cache: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--child", json.dumps([voice, features, str(cache)])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.loaded = self._answer()

    def speak(self) -> dict[str, float]:
        return self._ask("speak")

    def memory(self) -> dict[str, float]:
        """Megabytes."""
        return self._ask("memory")

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _ask(self, what: str) -> dict[str, float]:
        assert self._process.stdin is not None
        print(what, file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, float]:
        assert self._process.stdout is not None
        answer: dict[str, float] = json.loads(self._process.stdout.readline())
        return answer


def child(voice: str, features: str | None, cache: str) -> None:
    """Be such a process."""
    began = time.perf_counter()
    import vinovits
    from vinovits.devices import core

    core()
    imported = time.perf_counter()
    loaded = vinovits.load(voice, features=features, cache_dir=cache)
    done = time.perf_counter()
    print(json.dumps({"import_s": imported - began, "load_s": done - imported}), flush=True)
    for line in sys.stdin:
        if line.strip() == "speak":
            began = time.perf_counter()
            loaded.speak(text_of(100, loaded.manifest.languages[0]))
            print(json.dumps({"first_s": time.perf_counter() - began}), flush=True)
        else:
            print(json.dumps(memory()), flush=True)


def memory() -> dict[str, float]:
    """Megabytes of this process."""
    found = {}
    for line in Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]:
        name, size, *_ = line.split()
        found[name.rstrip(":").lower()] = int(size) / 1024
    private = found["private_clean"] + found["private_dirty"]
    return {"rss": found["rss"], "pss": found["pss"], "private": private}


def measure(voice: str, options: argparse.Namespace, cache: Path) -> dict[str, Any]:
    result: dict[str, Any] = {"voice": options.config or options.voice, "load": {}, "memory": {}}
    ways = {"with features": None, "without": "none"}
    for features in ways.values():
        Child(voice, features, cache).close()  # compiles what isn't in the cache
    loads: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for _ in range(options.rounds):
        for name, features in ways.items():
            process = Child(voice, features, cache)
            loads[name].append(process.loaded | process.speak())
            process.close()
    result["load"] = {
        name: {key: statistics.median(one[key] for one in several) for key in several[0]}
        for name, several in loads.items()
    }
    with ExitStack() as stack:
        processes = []
        for _ in range(options.processes):
            processes.append(Child(voice, None, cache))
            stack.callback(processes[-1].close)
        result["memory"]["loaded"] = mean([process.memory() for process in processes])
        for process in processes:
            process.speak()
        result["memory"]["spoken"] = mean([process.memory() for process in processes])
    return result


def mean(several: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.mean(one[key] for one in several) for key in several[0]}


def show(result: dict[str, Any], processes: int) -> None:
    console = Console(width=100)
    table = Table(result["voice"], "importing", "loading", "first sentence")
    for name, one in result["load"].items():
        table.add_row(name, *(f"{one[key]:.2f} s" for key in ("import_s", "load_s", "first_s")))
    console.print(table)
    table = Table(f"each of {processes} processes", "in memory", "its share", "its alone")
    for name, one in result["memory"].items():
        table.add_row(name, *(f"{one[key]:.0f} MB" for key in ("rss", "pss", "private")))
    console.print(table)


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        child(*json.loads(sys.argv[2]))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--voice", default="joe", help="name or folder of a voice")
    which.add_argument("--config", choices=("2.3", "2.4"), help="a voice of full size instead")
    parser.add_argument("--rounds", type=int, default=5, help="processes that are timed")
    parser.add_argument("--processes", type=int, default=4, help="that share memory")
    parser.add_argument("--work", type=Path, help="keep voices of full size here")
    parser.add_argument("--json", type=Path, help="write the result here too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = (options.work or Path(scratch)).absolute()
        voice = options.voice
        if options.config:
            voice = prepare(options.config, work)["voice"]
            os.environ["VINOVITS_FEATURES"] = str(work / "features")
        result = measure(voice, options, Path(scratch) / "cache")
    show(result, options.processes)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
