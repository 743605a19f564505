"""What a whole book costs: hours of audio an hour, memory over time, a kill in the middle, workers.

    python bench/book.py [--words 50000] [--part-words 6000] [--json FILE] [--plot FILE]

The text is the first two books of the King James Bible, which is in the public domain, from the
package `bible-kjv` of Debian (`apt-get install bible-kjv`), or any text given by `--text`. The
built-in voice reads it by `vinovits book`, in processes of their own:

- the whole by one process, with the memory of all its processes every second;
- a part of it by one process, by two, and by Ray on this machine, in turns;
- that part again with a kill -9 in the middle: what is made twice, and whether the result is the
  same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

_VERSE = re.compile(r"^(\w+?)(\d+):(\d+)\s+(.*)$")
_NAMES = {"Ge": "Genesis", "Exo": "Exodus", "Ex": "Exodus"}


@dataclass
class Run:
    """One call of `vinovits book`."""

    name: str
    wall: float = 0.0
    speaking: float = 0.0
    """Seconds from the first unit to the last."""
    audio: float = 0.0
    made: int = 0
    found: int = 0
    before: int = 0
    """Units that were done when it began."""
    memory: list[tuple[float, float]] = field(default_factory=list)
    """Seconds since the start, and MB of all its processes (PSS)."""
    sha256: str = ""

    @property
    def hours_per_hour(self) -> float:
        return self.audio / self.wall if self.wall else 0.0


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


def make(name: str, book: Path, out: Path, *options: str, kill_at: float | None = None) -> Run:
    """Call `vinovits book`.

    Args:
        name: What to call the run.
        book: The text.
        out: The result.
        options: Of the command.
        kill_at: Share of the units after which it is killed; None: it isn't.
    """
    command = [sys.executable, "-m", "vinovits", "book", str(book), "--out", str(out), "--json"]
    run = Run(name)
    began = time.perf_counter()
    process = subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    watch = threading.Thread(target=_watch, args=(process.pid, began, run), daemon=True)
    watch.start()
    first = last = began
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        now = time.perf_counter()
        if event["event"] == "begun":
            first = now
            run.before = event["done"]
        elif event["event"] == "progress":
            last = now
            run.audio = event["seconds"]
            if kill_at is not None and event["done"] >= kill_at * event["units"]:
                process.send_signal(signal.SIGKILL)
                run.made = event["done"]
                break
        elif event["event"] == "done":
            run.made, run.found = event["made"], event["found"]
    process.wait()
    run.wall = time.perf_counter() - began
    run.speaking = last - first
    watch.join()
    if out.exists():
        run.sha256 = hashlib.sha256(out.read_bytes()).hexdigest()
    return run


def _watch(pid: int, began: float, run: Run) -> None:
    """Note the memory of a process and all that it has started, until it ends."""
    try:
        parent = psutil.Process(pid)
        while parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE:
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


def flatness(memory: list[tuple[float, float]]) -> tuple[float, float]:
    """Median of the memory, and by which share it leaves it, behind the first tenth of the time."""
    later = sorted(mb for at, mb in memory if at > memory[-1][0] / 10 and at < memory[-1][0] * 0.95)
    if not later:
        return 0.0, 0.0
    middle = later[len(later) // 2]
    return middle, max(later[-1] / middle - 1, 1 - later[0] / middle)


def plot(path: Path, run: Run) -> None:
    """Draw the memory of a run."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 3))
    axes.plot([at / 60 for at, _ in run.memory], [mb for _, mb in run.memory])
    axes.set(xlabel="minutes", ylabel="MB", ylim=(0, None), title="Memory while a book is made")
    figure.tight_layout()
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--words", type=int, default=50_000, help="of the whole; 0 leaves it out")
    parser.add_argument("--part-words", type=int, default=6_000, help="of the part")
    parser.add_argument("--text", type=Path, help="a Markdown file in place of the Bible")
    parser.add_argument("--rounds", type=int, default=2, help="of each way to make the part")
    parser.add_argument("--no-ray", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()
    text = asked.text.read_text("utf-8") if asked.text else bible()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="book-") as temporary:
        work = Path(temporary)
        part = work / "part.md"
        part.write_text(first_words(text, asked.part_words), encoding="utf-8")
        result: dict[str, Any] = {"part": parts(part, work, asked.rounds, not asked.no_ray)}
        result["kill"] = killed(part, work)
        if asked.words:
            whole = work / "whole.md"
            whole.write_text(first_words(text, asked.words), encoding="utf-8")
            run = make("whole", whole, work / "whole.m4b")
            middle, share = flatness(run.memory)
            result["whole"] = {
                "words": asked.words,
                "memory_mb": middle,
                "memory_varies_by": share,
                "hours_per_hour": run.hours_per_hour,
                **asdict(run),
            }
            if asked.plot:
                plot(asked.plot, run)
    show(console, result)
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=1), encoding="utf-8")


def parts(part: Path, work: Path, rounds: int, with_ray: bool) -> dict[str, list[dict[str, Any]]]:
    """Make a part in each way, in turns."""
    ways: dict[str, tuple[str, ...]] = {"one process": (), "two processes": ("--workers", "2")}
    if with_ray:
        ways["Ray, two actors"] = ("--ray", "local", "--workers", "2")
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in ways}
    for turn in range(rounds):
        for name, options in ways.items():
            out = work / f"{turn}-{name.replace(' ', '-').replace(',', '')}" / "part.flac"
            out.parent.mkdir()
            run = make(name, part, out, *options)
            found[name].append({**asdict(run), "memory": max(mb for _, mb in run.memory)})
            shutil.rmtree(out.parent)
    return found


def killed(part: Path, work: Path) -> dict[str, Any]:
    """Kill a run in the middle, and go on."""
    whole = make("uninterrupted", part, work / "straight" / "part.flac")
    first = make("killed", part, work / "killed" / "part.flac", kill_at=0.5)
    second = make("resumed", part, work / "killed" / "part.flac")
    return {
        "same": whole.sha256 == second.sha256 != "",
        "units": whole.made,
        "done_when_killed": first.made,
        "kept": second.before,
        "made_after": second.made,
        "seconds_lost": first.wall + second.wall - whole.wall,
    }


def show(console: Console, result: dict[str, Any]) -> None:
    table = Table("", "seconds", "speaking", "audio hours an hour", "memory, MB")
    for name, runs in result["part"].items():
        best = min(runs, key=lambda run: run["wall"])
        table.add_row(
            name,
            f"{best['wall']:.1f}",
            f"{best['speaking']:.1f}",
            f"{best['audio'] / best['wall']:.1f}",
            f"{best['memory']:.0f}",
        )
    console.print(table)
    kill = result["kill"]
    console.print(
        f"Killed at {kill['done_when_killed']} of {kill['units']} parts: {kill['kept']} were kept, "
        f"{kill['made_after']} made after it, {kill['seconds_lost']:.1f} s lost, the result is "
        f"{'the same' if kill['same'] else 'ANOTHER'}."
    )
    if whole := result.get("whole"):
        console.print(
            f"{whole['words']:,} words: {whole['audio'] / 3600:.2f} h of audio in "
            f"{whole['wall'] / 60:.1f} min, {whole['hours_per_hour']:.1f} hours an hour; memory "
            f"{whole['memory_mb']:.0f} MB, varies by {whole['memory_varies_by']:.1%}."
        )


if __name__ == "__main__":
    main()
