"""What whole books and big batches cost: audio an hour, memory, a kill in the middle, workers.

    python bench/book.py [--json FILE] [--plot FILE] [whole] [ways] [kill] [batch]

The text is the first two books of the King James Bible, which is in the public domain, from the
package `bible-kjv` of Debian (`apt-get install bible-kjv`), or any Markdown given by `--text`. The
voice reads it by `vinovits book`, in processes of their own:

- whole: the first 50,000 words by one process, with its memory every second;
- ways: a part of it by one process, by two, and by Ray on this machine, in turns;
- kill: that part with a kill -9 in the middle: what is made twice, and whether the result is the
  same;
- batch: `vinovits batch` with 10,000 short lines, again with 100 of them changed, and once more.

Each part of the result replaces that of an earlier call in the JSON file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

_VERSE = re.compile(r"^(\w+?)(\d+):(\d+)\s+(.*)$")
_NAMES = {"Ge": "Genesis", "Exo": "Exodus", "Ex": "Exodus"}
_PARTS = ("whole", "ways", "kill", "batch")


@dataclass
class Run:
    """One call of `vinovits book` or `vinovits batch`; times are seconds since its beginning."""

    name: str
    wall: float = 0.0
    cpu: float = 0.0
    """Seconds of all processors that it used, with its children."""
    units: int = 0
    before: int = 0
    """Units that were done when it began."""
    made: int = 0
    found: int = 0
    audio: float = 0.0
    """Seconds that were made."""
    done: list[tuple[float, int, float]] = field(default_factory=list)
    """When so many units were done, and how much audio was made for them."""
    stages: list[tuple[float, str]] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    """When its processes held so many MB (proportional set size)."""
    resident: list[tuple[float, float]] = field(default_factory=list)
    """When its first process alone held so many MB: other programs that have the same libraries
    loaded don't change it."""
    killed_at: float = 0.0
    """Seconds since 1970."""
    sha256: str = ""

    @property
    def first(self) -> float:
        """When the first unit was done: before it, processes start and load the voice."""
        return self.done[0][0] if self.done else 0.0

    @property
    def last(self) -> float:
        """When the last unit was done: behind it, the book is written."""
        return self.done[-1][0] if self.done else 0.0

    @property
    def steady(self) -> float:
        """Seconds of audio a second, from the first unit to the last."""
        span = self.last - self.first
        return (self.done[-1][2] - self.done[0][2]) / span if span else 0.0

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            **asdict(self),
            "first_unit": self.first,
            "steady": self.steady,
            "writing": self.wall - self.last,
            "hours_an_hour": self.audio / self.wall if self.wall else 0.0,
            "peak_mb": max((mb for _, mb in self.memory), default=0.0),
        }


def bible() -> str:
    """Genesis and Exodus as Markdown: a heading for each chapter, a paragraph for each verse."""
    if shutil.which("bible") is None:
        raise SystemExit("Install the text first: apt-get install bible-kjv; or give --text FILE.")
    raw = subprocess.run(
        ["bible", "-f", "gen1:1-exo40:38"], capture_output=True, text=True, check=True
    ).stdout
    lines = ["# The King James Bible"]
    before = None
    for line in raw.splitlines():
        if match := _VERSE.match(line):
            book, chapter, _, text = match.groups()
            if (book, chapter) != before:
                lines.append(f"## {_NAMES.get(book, book)}, chapter {chapter}")
                before = book, chapter
            lines.append(text)
    return "\n\n".join(lines)


def first_words(text: str, words: int) -> str:
    """The paragraphs that hold the first so many words."""
    kept, count = [], 0
    for paragraph in text.split("\n\n"):
        kept.append(paragraph)
        count += len(paragraph.split())
        if count >= words:
            break
    return "\n\n".join(kept)


def call(name: str, *command: str, out: Path | None = None, kill_at: float | None = None) -> Run:
    """Call a command of vinovits that tells its progress.

    Args:
        name: What to call the run.
        command: Its arguments.
        out: The file that it writes.
        kill_at: Share of the units after which it is killed; None: it isn't.
    """
    run = Run(name)
    cpu, began = _children_cpu(), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "vinovits", *command, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    errors: list[str] = []
    assert process.stdout is not None
    assert process.stderr is not None
    watchers = [
        threading.Thread(target=_watch, args=(process.pid, began, run), daemon=True),
        threading.Thread(target=errors.extend, args=(process.stderr,), daemon=True),
    ]
    for watcher in watchers:
        watcher.start()
    for line in process.stdout:
        _note(run, json.loads(line), time.perf_counter() - began)
        if kill_at is not None and run.done and run.done[-1][1] >= kill_at * run.units:
            process.send_signal(signal.SIGKILL)
            run.killed_at = time.time()
            break
    process.wait()
    run.wall = time.perf_counter() - began
    run.cpu = _children_cpu() - cpu
    for watcher in watchers:
        watcher.join(5)
    if process.returncode and kill_at is None:
        raise SystemExit(f"{name} has failed:\n{''.join(errors)}")
    if out is not None and out.exists():
        run.sha256 = hashlib.sha256(out.read_bytes()).hexdigest()
    return run


def _note(run: Run, event: dict[str, Any], at: float) -> None:
    match event["event"]:
        case "begun":
            run.units, run.before = event["units"], event["done"]
        case "progress":
            run.done.append((at, event["done"], event["seconds"]))
            run.audio = event["seconds"]
        case "stage":
            run.stages.append((at, event["name"]))
        case "done":
            run.made, run.found = event["made"], event["found"]


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(pid: int, began: float, run: Run) -> None:
    """Note the memory of a process and all that it has started, until it ends."""
    try:
        parent = psutil.Process(pid)
        while parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE:
            run.resident.append((time.perf_counter() - began, parent.memory_info().rss / 1e6))
            total = 0
            for one in (parent, *parent.children(recursive=True)):
                try:
                    total += one.memory_full_info().pss
                except psutil.Error:
                    continue
            run.memory.append((time.perf_counter() - began, total / 1e6))
            time.sleep(1.0)
    except psutil.Error:
        return


def whole(text: str, words: int, work: Path, options: list[str], picture: Path | None) -> Any:
    """Make a long book, and look at its memory."""
    source = work / "whole.md"
    source.write_text(text := first_words(text, words), encoding="utf-8")
    out = work / "whole.m4b"
    run = call("whole", "book", str(source), "--out", str(out), *options)
    # Each heading and verse is a unit; the first chapter stands behind a title and its own heading.
    paragraphs = text.split("\n\n")
    headings = (n for n, one in enumerate(paragraphs) if n > 1 and one.startswith("#"))
    chapter = next(headings, len(paragraphs) // 10)
    after = next((at for at, done, _ in run.done if done >= chapter), run.first)
    speaking = [mb for at, mb in run.resident if after < at < run.last]
    writing = [mb for at, mb in run.resident if at >= run.last]
    middle = sorted(speaking)[len(speaking) // 2] if speaking else 0.0
    if picture is not None:
        plot(picture, run, after)
    return {
        **run.told(),
        "words": len(text.split()),
        "first_chapter": after,
        "memory_mb": middle,
        "memory_above": max(speaking, default=middle) / middle - 1 if middle else 0.0,
        "memory_below": 1 - min(speaking, default=middle) / middle if middle else 0.0,
        "memory_mb_writing": max(writing, default=0.0),
        "bytes": out.stat().st_size,
    }


def plot(path: Path, run: Run, after: float) -> None:
    """Draw the memory of a run."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 3))
    axes.plot([at / 60 for at, _ in run.resident], [mb for _, mb in run.resident])
    axes.axvline(after / 60, color="gray", linestyle=":", label="the first chapter is spoken")
    axes.axvline(run.last / 60, color="gray", linestyle="--", label="all is spoken")
    title = f"Memory while a book of {run.audio / 3600:.1f} hours is made"
    axes.set(xlabel="minutes", ylabel="MB", ylim=(0, None), xlim=(0, None), title=title)
    axes.legend(loc="lower center")
    figure.tight_layout()
    figure.savefig(path)


def ways(part: Path, work: Path, rounds: int, with_ray: bool, options: list[str]) -> Any:
    """Make a part in each way, in turns."""
    known = {"one process": [], "two processes": ["--workers", "2"]}
    if with_ray:
        known["Ray, two actors"] = ["--ray", "local", "--workers", "2"]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in known}
    for _ in range(rounds):
        for name, own in known.items():
            folder = work / "way"
            out = folder / "part.flac"
            run = call(name, "book", str(part), "--out", str(out), *own, *options, out=out)
            found[name].append(run.told())
            shutil.rmtree(folder)
    return found


def killed(part: Path, work: Path, options: list[str]) -> Any:
    """Kill a run in the middle, and go on."""
    straight, out = work / "straight" / "part.flac", work / "killed" / "part.flac"
    command = ("book", str(part), *options, "--out")
    whole = call("uninterrupted", *command, str(straight), out=straight)
    first = call("killed", *command, str(out), kill_at=0.5)
    units = out.parent / f".{out.name}.units"
    half = len(list(units.rglob("*.part")))
    with closing(sqlite3.connect(units / "units.db")) as database:
        [(last,)] = database.execute("SELECT max(made) FROM pieces")
    second = call("resumed", *command, str(out), out=out)
    return {
        "same": whole.sha256 == second.sha256 != "",
        "units": whole.units,
        "kept": second.before,
        "half_written": half,
        "made_after": second.made,
        "seconds_lost": first.wall + second.wall - whole.wall,
        "seconds_until_first_unit": second.first,
        "seconds_since_last_unit": first.killed_at - last,
        "seconds_a_unit": (whole.last - whole.first) / max(1, whole.units - 1),
        "runs": [run.told() for run in (whole, first, second)],
    }


def batch(work: Path, lines: int, changed: int, options: list[str]) -> Any:
    """Speak a list of lines, again with some of them changed, and once more."""
    source, folder = work / "lines.jsonl", work / "lines"
    entries = [{"id": f"line-{n:05}", "text": f"Yes {n}."} for n in range(1, lines + 1)]
    runs = []
    for name, step in (("all", 0), ("changed", lines // changed), ("unchanged", 0)):
        for entry in entries[::step] if step else ():
            entry["text"] = entry["text"].replace("Yes", "No")
        source.write_text("".join(json.dumps(one) + "\n" for one in entries), encoding="utf-8")
        before = _times(folder)
        run = call(name, "batch", str(source), "--out", str(folder), *options)
        after = _times(folder)
        written = sum(before.get(file) != at for file, at in after.items())
        runs.append({**run.told(), "files": len(after), "files_written": written})
    return {"lines": lines, "changed": changed, "runs": runs}


def _times(folder: Path) -> dict[str, int]:
    """Inodes of the audio files: what is written anew is another file."""
    if not folder.is_dir():
        return {}
    return {one.name: one.inode() for one in os.scandir(folder) if one.name.endswith(".wav")}


def show(console: Console, result: dict[str, Any]) -> None:
    if found := result.get("ways"):
        columns = ("start, s", "all, s", "audio a second", "CPU, s", "MB")
        table = Table("", *columns)
        for name, runs in found.items():
            for run in runs:
                table.add_row(
                    name,
                    f"{run['first_unit']:.1f}",
                    f"{run['wall']:.1f}",
                    f"{run['steady']:.2f}",
                    f"{run['cpu']:.0f}",
                    f"{run['peak_mb']:.0f}",
                )
        console.print(table)
    if kill := result.get("kill"):
        console.print(
            f"Killed: {kill['kept']} of {kill['units']} parts were kept, {kill['made_after']} made "
            f"after it; {kill['seconds_since_last_unit']:.2f} s of speaking lost, where a part "
            f"takes {kill['seconds_a_unit']:.2f} s, and {kill['seconds_lost']:.1f} s in all, "
            f"{kill['seconds_until_first_unit']:.1f} s of it to start again. The result is "
            f"{'the same' if kill['same'] else 'ANOTHER'}."
        )
    if book := result.get("whole"):
        console.print(
            f"{book['words']:,} words: {book['audio'] / 3600:.2f} h of audio in "
            f"{book['wall'] / 60:.1f} min ({book['writing']:.0f} s of it to write the file), "
            f"{book['hours_an_hour']:.1f} hours an hour; memory {book['memory_mb']:.0f} MB, "
            f"+{book['memory_above']:.1%} -{book['memory_below']:.1%} after the first chapter, "
            f"{book['memory_mb_writing']:.0f} MB at most while the file is written."
        )
    for run in result.get("batch", {}).get("runs", ()):
        console.print(
            f"Batch, {run['name']}: {run['units']:,} lines, {run['files_written']:,} files "
            f"written, {run['wall']:.1f} s."
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(_PARTS)}")
    parser.add_argument("--words", type=int, default=50_000, help="of the whole")
    parser.add_argument("--part-words", type=int, default=6_000, help="of the part")
    parser.add_argument("--lines", type=int, default=10_000, help="of the batch")
    parser.add_argument("--changed", type=int, default=100, help="of those lines")
    parser.add_argument("--text", type=Path, help="a Markdown file in place of the Bible")
    parser.add_argument("--voice", default="joe")
    parser.add_argument("--rounds", type=int, default=2, help="of each way to make the part")
    parser.add_argument("--no-ray", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path, help="of the memory, such as memory.svg")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(_PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    wanted = asked.parts or _PARTS
    text = asked.text.read_text("utf-8") if asked.text else bible()
    options = ["--voice", asked.voice]
    result: dict[str, Any] = {}
    if asked.json and asked.json.exists():
        result = json.loads(asked.json.read_text("utf-8"))
    with tempfile.TemporaryDirectory(prefix="book-") as temporary:
        work = Path(temporary)
        part = work / "part.md"
        part.write_text(first_words(text, asked.part_words), encoding="utf-8")
        if "ways" in wanted:
            result["ways"] = ways(part, work, asked.rounds, not asked.no_ray, options)
        if "kill" in wanted:
            result["kill"] = killed(part, work, options)
        if "whole" in wanted:
            result["whole"] = whole(text, asked.words, work, options, asked.plot)
        if "batch" in wanted:
            result["batch"] = batch(work, asked.lines, asked.changed, options)
    show(Console(), result)
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
