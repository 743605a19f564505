"""How fast texts are read, on one core: characters a second, and the time to the first sentence.

    python bench/read_speed.py [--language en] [--reading better] [--file TEXT] [--json FILE]

Reading is everything before the features: text to sentences of words with phones. The English text
is this project's documentation, about 100,000 characters; the Chinese one is bench/data/read_zh.txt
and, where the package hsk-sentences-audio is installed, its 4,354 sentences; for Japanese it is the
recorded sentences in tests/golden/text, over and over. Only one other sentence is read before, to
load the dictionaries. The cold start is the time from the start of a process to its first
sentence, the best of three. The process keeps to one core where the system can do that. The exit
status is 1 if a language lies below its figure in `REQUIRED`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
FAMILY = {"zh": "2.3", "ja": "2.3", "en": "2.3"}
FIRST = {"zh": "你好，世界。", "ja": "こんにちは、世界。", "en": "Hello, world."}
NEEDS = {"zh": "jieba", "ja": "pyopenjtalk", "en": "num2words"}
"""A package without which the language can't be read."""

REQUIRED = {"zh": 5000, "ja": 3000, "en": 20000}
"""Characters a second."""
SLOWEST_START = 1.5
"""Seconds from the start of the process to the first sentence."""

COLD = """
from vinovits.text.front_ends import read
next(iter(read({text!r}, [{language!r}], {family!r}, {reading!r})))
"""


def text_of(language: str) -> str:
    if language == "en":
        pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
        return "\n\n".join(page.read_text("utf-8") for page in pages)
    if language == "zh":
        return (ROOT / "bench" / "data" / "read_zh.txt").read_text("utf-8") + graded_sentences()
    paths = (ROOT / "tests" / "golden" / "text").glob(f"{language}*.jsonl")
    lines = [line for path in sorted(paths) for line in path.read_text("utf-8").splitlines()]
    if not lines:
        raise SystemExit(f"tests/golden/text has no sentences of {language}: give --file.")
    once = "\n".join(dict.fromkeys(json.loads(line)["text"] for line in lines)) + "\n"
    return once * (20_000 // len(once) + 1)


def graded_sentences() -> str:
    try:
        from hsk_sentences_audio import load_sentences
    except ImportError:
        return ""
    return "\n".join(sentence["chinese"] for sentence in load_sentences())


def measure(language: str, text: str, reading: Any) -> dict[str, Any]:
    from vinovits.text.front_ends import read

    list(read(FIRST[language], [language], FAMILY[language], reading))
    began = time.perf_counter()
    sentences = list(read(text, [language], FAMILY[language], reading))
    seconds = time.perf_counter() - began
    return {
        "characters": len(text),
        "sentences": len(sentences),
        "words": sum(len(sentence.words) for sentence in sentences),
        "characters_per_second": round(len(text) / seconds),
        "first_sentence_seconds": round(cold_start(language, reading), 3),
    }


def cold_start(language: str, reading: str) -> float:
    code = COLD.format(
        text=FIRST[language], language=language, family=FAMILY[language], reading=reading
    )
    times = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--language", choices=sorted(REQUIRED), help="only this one")
    parser.add_argument("--reading", choices=["better", "released"], default="better")
    parser.add_argument("--file", type=Path, help="a text of --language to read instead")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    arguments = parser.parse_args()
    if arguments.file and not arguments.language:
        parser.error("--file needs --language")

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.environ["OMP_NUM_THREADS"] = "1"
    report = {}
    failed = False
    table = Table("language", "characters", "a second", "at least", "first sentence", "at most")
    for language, least in REQUIRED.items():
        if arguments.language not in (None, language):
            continue
        if importlib.util.find_spec(NEEDS[language]) is None:
            print(f"{language}: {NEEDS[language]} isn't installed")
            continue
        text = arguments.file.read_text("utf-8") if arguments.file else text_of(language)
        found = report[language] = measure(language, text, arguments.reading)
        speed, start = found["characters_per_second"], found["first_sentence_seconds"]
        failed |= speed < least or start > SLOWEST_START
        table.add_row(
            language,
            f"{found['characters']:,}",
            f"{speed:,}",
            f"{least:,}",
            f"{start:.2f} s",
            f"{SLOWEST_START} s",
        )
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
