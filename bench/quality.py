"""How well a voice is understood and how clean it sounds, beside the figures of its checkpoint.

    python bench/quality.py [--n 60] [--sentences FILE] [--json FILE] [--voice joe] [--noise 0.5]

speaks sentences and measures the word error rate by Whisper tiny.en and DNSMOS. Settings are the
voice's own but for those that are given; the output says which were used. The sentences of
bench/data/joe_recorded.json come with what the built-in voice's checkpoint reached when it was
trained, in upstream's code with the settings that `joe` has as its own, and with its teacher. A
file of other sentences has one on each line.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table
from speech_metrics import DnsMos, Listener, Mos, resample, word_errors, words

import vinovits
from vinovits.engine.settings import check_settings
from vinovits.voices.manifest import Defaults

RECORDED = Path(__file__).parent / "data" / "joe_recorded.json"
SETTINGS = ("speed", "sdp_ratio", "noise", "noise_w", "pause")
WER_LIMIT, OVRL_LIMIT = 0.065, 3.2
"""What the built-in voice must reach."""


def used_settings(defaults: Defaults, options: argparse.Namespace) -> dict[str, float]:
    """The seed, and each setting as given or else as the voice's own."""
    given: Any = {name: getattr(options, name) for name in ("seed", *SETTINGS)}
    checked = check_settings(defaults, given)
    return {name: getattr(checked, name) for name in ("seed", *SETTINGS)}


def measure(voice: Any, sentences: list[str], settings: dict[str, float]) -> dict[str, Any]:
    """Speak every sentence and listen to it."""
    listen, score = Listener(), DnsMos()
    rows, scores, seconds, wall = [], [], 0.0, 0.0
    for sentence in track(sentences, "speaking and listening", console=Console(stderr=True)):
        start = time.perf_counter()
        audio = voice.speak(sentence, **settings)
        wall += time.perf_counter() - start
        seconds += len(audio.samples) / audio.sampling_rate
        heard_as = resample(audio.samples, audio.sampling_rate)
        heard, mos = listen(heard_as), score(heard_as)
        scores.append(mos)
        rows.append(
            {"ref": sentence, "heard": heard, "errors": word_errors(sentence, heard), **asdict(mos)}
        )
    errors, total = sum(row["errors"] for row in rows), sum(len(words(text)) for text in sentences)
    return {
        "wer": errors / total,
        "errors": errors,
        "words": total,
        "dnsmos": asdict(Mos.mean(scores)),
        "seconds": seconds,
        "real_time_factor": wall / seconds,
        "rows": rows,
    }


def recorded(speaker: str, count: int) -> dict[str, Any]:
    """The recorded figures of "student" or "teacher" for the first sentences."""
    data = json.loads(RECORDED.read_text(encoding="utf-8"))
    part = data["sentences"][:count]
    errors = sum(word_errors(row["ref"], row[speaker]) for row in part)
    total = sum(len(words(row["ref"])) for row in part)
    figures = {"wer": errors / total, "errors": errors, "words": total}
    if count >= len(data["sentences"]):
        # Scores and lengths of single sentences weren't recorded.
        figures |= {"dnsmos": data[speaker]["dnsmos"], "seconds": data[speaker]["seconds"]}
    return figures


def table(columns: dict[str, dict[str, Any]]) -> Table:
    """One column for each set of figures."""
    shown = Table("", *columns)

    def row(label: str, texts: list[str]) -> None:
        shown.add_row(label, *texts)

    sets = columns.values()
    row("word error rate", [f"{one['wer']:.2%}" for one in sets])
    row("errors / words", [f"{one['errors']} / {one['words']}" for one in sets])
    for key in ("ovrl", "sig", "bak", "p808"):
        row(
            f"DNSMOS {key}",
            [f"{one['dnsmos'][key]:.3f}" if "dnsmos" in one else "" for one in sets],
        )
    row("seconds of audio", [f"{one['seconds']:.1f}" if "seconds" in one else "" for one in sets])
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=60, help="how many sentences")
    parser.add_argument("--sentences", type=Path, help="a text file, one sentence on each line")
    parser.add_argument("--json", type=Path, help="write all figures and transcripts here")
    parser.add_argument("--voice", default="joe")
    parser.add_argument("--features", choices=["none"], help="speak without features")
    parser.add_argument("--device", default="CPU")
    parser.add_argument("--seed", type=int, default=0)
    for name in SETTINGS:
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=float, help="instead of the voice's own")
    options = parser.parse_args()
    if options.n < 1:
        parser.error("--n must be at least 1.")

    if options.sentences:
        lines = options.sentences.read_text(encoding="utf-8").splitlines()
        sentences = [line.strip() for line in lines if words(line)]
    else:
        data = json.loads(RECORDED.read_text(encoding="utf-8"))
        sentences = [row["ref"] for row in data["sentences"]]
    sentences = sentences[: options.n]
    if not sentences:
        parser.error(f"There is no sentence in {options.sentences}.")

    voice = vinovits.load(options.voice, device=options.device, features=options.features)
    try:
        settings = used_settings(voice.manifest.defaults, options)
    except vinovits.UsageError as error:
        parser.error(str(error))
    columns = {"vinovits": measure(voice, sentences, settings)}
    if not options.sentences:
        columns["checkpoint, recorded"] = recorded("student", len(sentences))
        columns["its teacher, recorded"] = recorded("teacher", len(sentences))
    ours = columns["vinovits"]
    reached = ours["wer"] <= WER_LIMIT and ours["dnsmos"]["ovrl"] >= OVRL_LIMIT
    console = Console()
    console.print(table(columns))
    console.print("Settings: " + ", ".join(f"{key} {value:g}" for key, value in settings.items()))
    console.print(
        f"Wanted: word error rate at most {WER_LIMIT:.1%}, DNSMOS ovrl at least {OVRL_LIMIT}: "
        f"{'reached' if reached else 'missed'}."
    )
    if options.json:
        result = {
            "voice": options.voice,
            "features": options.features or "as the voice asks",
            "settings": settings,
            "reached": reached,
            "figures": columns,
        }
        options.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
