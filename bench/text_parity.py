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


def chinese(rules: str, text: str) -> Recorded:
    from vinovits.text.chinese import RULES, normalise_and_read
    from vinovits.text.chinese.traced import trace

    return recorded(normalise_and_read(trace(text), RULES[rules]))


def recorded(words: Any) -> Recorded:
    """What the recordings hold, from words whose spread is known."""
    text, phones, tones, word2ph = "", ["_"], [0], [1]
    for word in words:
        text += word.text
        phones += word.phones
        tones += word.tones
        word2ph += word.spread
    return text, [*phones, "_"], [*tones, 0], [*word2ph, 1]


READERS: dict[str, Callable[[str, str], Recorded]] = {"zh": chinese}
"""By language: what a row of the language's `RULES` makes of a text."""

REQUIRED = {"zh": {"": 0.99}, "en": {"": 0.99}, "ja": {"": 0.95}}
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
    differences: list[tuple[dict[str, Any], Recorded]] = field(default_factory=list)

    @property
    def share(self) -> float:
        return self.equal / self.exact if self.exact else 1.0


def score(lines: Iterator[dict[str, Any]], read: Callable[[str, str], Recorded]) -> dict[str, Score]:
    scores: dict[str, Score] = {}
    for line in lines:
        found = scores.setdefault(rules_of(line), Score())
        if line["error"]:
            found.errors += 1
            read(rules_of(line), line["text"])  # it must not raise, whatever the released one did
            continue
        ours = read(rules_of(line), line["text"])
        compared = zip(ours[1:], (line["phones"], line["tones"], line["word2ph"]), strict=True)
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
            }
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
