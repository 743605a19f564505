"""How many characters of graded sentences get the right reading, beside pypinyin and g2pM.

    pip install hsk-sentences-audio g2pM
    python bench/pinyin.py [--json FILE] [--show 20]

The sentences are those of the PyPI package hsk-sentences-audio (4,354, CC-BY-SA 4.0, HSK 1 to 9),
with pinyin by dictionary. Three figures for each reader: syllables without tone; with the tone by
the dictionary, where 一 and 不 count as right in any tone, since pypinyin gives them as they are
spoken and the sentences as they are cited; and with the tone exactly as recorded. For vinovits a
fourth has the tones as they are spoken, which differ from the recorded ones by sandhi. `r` is
counted as `er`. The exit status is 1 if vinovits lies below `REQUIRED`.
"""

from __future__ import annotations

import argparse
import collections
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

REQUIRED = {"syllables": 0.993, "citation": 0.988}

Reading = tuple[str, int]
"""Syllable without tone, and its tone."""

_HANZI = re.compile("[\u4e00-\u9fff〇]+")


def parsed(name: str) -> Reading:
    name = name.replace("u:", "v").replace("ü", "v")
    syllable, tone = (name[:-1], int(name[-1])) if name[-1:].isdigit() else (name, 5)
    return ("er" if syllable == "r" else syllable), tone


def citation_of(text: str) -> list[Reading]:
    """Vinovits before sandhi."""
    from vinovits.text.chinese.citation import citation, tokens_of

    return [(syllable.name, syllable.tone) for syllable in citation(text, tokens_of(text))]


def spoken_of(text: str) -> list[Reading]:
    """Vinovits as it is spoken."""
    from vinovits.text.chinese.citation import citation, tokens_of
    from vinovits.text.chinese.prosody import spoken_tones

    tokens = tokens_of(text)
    syllables = citation(text, tokens)
    tones = spoken_tones(text, tokens, [syllable.tone for syllable in syllables])
    return [(syllable.name, tone) for syllable, tone in zip(syllables, tones, strict=True)]


def pypinyin_of(text: str) -> list[Reading]:
    from pypinyin import Style, lazy_pinyin

    return [
        parsed(name)
        for name in lazy_pinyin(text, style=Style.TONE3, neutral_tone_with_five=True, errors=list)
    ]


def g2pm_reader() -> Callable[[str], list[Reading]]:
    from g2pM import G2pM

    model = G2pM()
    return lambda text: [parsed(name) for name in model(text, tone=True, char_split=True)]


def score(
    sentences: Sequence[dict[str, Any]], read: Callable[[str], list[Reading]]
) -> tuple[dict[str, float], collections.Counter[tuple[str, Reading, Reading]]]:
    counts = collections.Counter[str]()
    mistakes = collections.Counter[tuple[str, Reading, Reading]]()
    for sentence in sentences:
        expected = iter(sentence["pinyin_numbered"].split())
        for clause in _HANZI.findall(sentence["chinese"]):
            found = read(clause)
            if len(found) != len(clause):
                found = [("", 0)] * len(clause)
            for character, reading in zip(clause, found, strict=True):
                right = parsed(next(expected))
                counts["characters"] += 1
                counts["syllables"] += reading[0] == right[0]
                counts["exact"] += reading == right
                cited = reading == right or (character in "一不" and reading[0] == right[0])
                counts["citation"] += cited
                if not cited:
                    mistakes[character, right, reading] += 1
    total = counts["characters"]
    shares = {name: counts[name] / total for name in ("syllables", "citation", "exact")}
    return {"characters": total, **shares}, mistakes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--show", type=int, default=0, help="commonest mistakes shown")
    arguments = parser.parse_args()
    from hsk_sentences_audio import load_sentences

    sentences = load_sentences()
    readers = {
        "vinovits": citation_of,
        "vinovits, spoken": spoken_of,
        "pypinyin": pypinyin_of,
        "g2pM": g2pm_reader(),
    }
    report = {}
    print(f"{'':18} syllables  citation  exact")
    for name, read in readers.items():
        figures, mistakes = score(sentences, read)
        report[name] = figures
        print(
            f"{name:18} {figures['syllables']:9.2%} {figures['citation']:9.2%} "
            f"{figures['exact']:6.2%}"
        )
        if name == "vinovits":
            for (character, right, found), count in mistakes.most_common(arguments.show):
                print(f"    {count:4} {character} {right[0]}{right[1]}, read {found[0]}{found[1]}")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return int(any(report["vinovits"][name] < least for name, least in REQUIRED.items()))


if __name__ == "__main__":
    raise SystemExit(main())
