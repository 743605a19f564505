"""Records what Open JTalk said for the lines of ja_released.jsonl, for test_released.py.

    OPEN_JTALK_DICT_DIR=... python tests/text/japanese/record_open_jtalk.py LINES.jsonl IDS...

The families' recorded lines were made with pyopenjtalk-prebuilt 0.3.0 and the dictionary
open-jtalk-mecab-naist-jdic 1.11; pyopenjtalk 0.4.1 gives the same. The tests run with another build
and get these answers instead.
"""

from __future__ import annotations

import json
import sys
from dataclasses import astuple
from pathlib import Path
from typing import Any

from vinovits.text.japanese import RULES, normalise_and_read, open_jtalk
from vinovits.text.traced import trace

GOLDEN = Path(__file__).parents[2] / "golden" / "text"


def main() -> None:
    source, *ids = sys.argv[1:]
    lines = [json.loads(line) for line in Path(source).read_text(encoding="utf-8").splitlines()]
    kept = [
        {
            key: line[key]
            for key in ("id", "version", "engine", "text", "phones", "tones", "word2ph")
        }
        for line in lines
        if line["id"] in ids and not line["error"] and 0 not in line["word2ph"]
    ]
    answers: dict[str, Any] = {"words": {}, "labels": {}}
    words, labels = open_jtalk.words, open_jtalk.labels

    def recorded_words(text: str, said: object = None) -> list[open_jtalk.Node]:
        nodes = words(text)
        answers["words"][text] = [[node["string"], node["pron"]] for node in nodes]
        return nodes

    def recorded_labels(nodes: list[open_jtalk.Node]) -> list[open_jtalk.Label]:
        found = labels(nodes)
        key = "/".join(node["string"] for node in nodes)
        answers["labels"][key] = [astuple(label) for label in found]
        return found

    open_jtalk.words, open_jtalk.labels = recorded_words, recorded_labels
    for line in kept:
        if "prebuilt" in line["engine"] or "dict" in line["engine"]:
            normalise_and_read(trace(line["text"]), RULES[line["version"]])
    with (GOLDEN / "ja_released.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in kept)
    text = json.dumps(answers, ensure_ascii=False, separators=(",", ":"))
    (GOLDEN / "ja_open_jtalk.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
