"""How well a Chinese voice is understood and how near it comes to its teacher.

    python bench/quality_zh.py VOICE TEACHER RECOGNISER [--n 80] [--json FILE] [--reference FOLDER]

speaks held-out sentences with VOICE (a folder or a name) and compares them with the TEACHER's: a
folder of clips with list.txt (`file|voice|ZH|text`). Both are heard by RECOGNISER, which
recipes/syllables-zh made, by DNSMOS and by a speaker encoder (resemblyzer); the speaker that
is aimed at is the mean of up to 60 clips of FOLDER, the teacher's training speech. Pitch and mel
cepstra are compared with the teacher's after dynamic time warping. Exits 1 unless the voice reaches
`LIMITS`.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table
from speech_distances import Voiceprint, compared
from speech_metrics import RATE, DnsMos, Mos, resample
from syllables import SyllableListener, known, syllables, wrong_syllables

import vinovits

LIMITS = {"syllable_errors": 0.08, "dnsmos": 0.25, "speaker": 0.83}
"""More wrong syllables than the teacher; less DNSMOS than the teacher; least similarity."""


def teacher_clips(folder: Path, count: int) -> list[tuple[str, NDArray[np.float32]]]:
    """Texts, and the teacher's speech (n,) at 16 kHz."""
    clips = []
    for line in (folder / "list.txt").read_text(encoding="utf-8").splitlines()[:count]:
        file, _, _, text = line.split("|")
        samples, rate = soundfile.read(folder / file, dtype="float32")
        clips.append((text, resample(samples, rate)))
    return clips


class Judge:
    """All that is measured of one speaker."""

    def __init__(self, recogniser: Path, aim: Voiceprint) -> None:
        self.listen, self.score, self.aim = SyllableListener(recogniser), DnsMos(), aim
        self.errors = self.syllables = 0
        self.scores: list[Mos] = []
        self.likeness: list[float] = []

    def hear(self, text: str, wave: NDArray[np.float32]) -> dict[str, Any]:
        """One sentence: samples (n,) at 16 kHz."""
        expected, heard = syllables(text), self.listen(wave)
        errors = 0
        if known(self.listen.labels, expected):
            errors = wrong_syllables(expected, heard)
            self.errors += errors
            self.syllables += len(expected)
        self.scores.append(self.score(wave))
        self.likeness.append(self.aim.likeness(wave))
        return {"heard": " ".join("".join(one) for one in heard), "errors": errors}

    def figures(self) -> dict[str, Any]:
        """Means over all sentences."""
        return {
            "syllable_errors": self.errors / max(self.syllables, 1),
            "syllables": self.syllables,
            "dnsmos": asdict(Mos.mean(self.scores)),
            "speaker": float(np.mean(self.likeness)),
        }


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Speak, listen and compare."""
    clips = teacher_clips(options.teacher, options.n)
    aims = [wave for _, wave in teacher_clips(options.reference or options.teacher, 60)]
    aim = Voiceprint(aims)
    voice = vinovits.load(options.voice, features="none")
    of_voice, of_teacher = Judge(options.recogniser, aim), Judge(options.recogniser, aim)
    rows, seconds = [], [0.0, 0.0]
    for text, wave in track(clips, "speaking and listening", console=Console(stderr=True)):
        audio = voice.speak(text, seed=options.seed)
        said = resample(audio.samples, audio.sampling_rate)
        heard, taught = of_voice.hear(text, said), of_teacher.hear(text, wave)
        seconds = [seconds[0] + len(said) / RATE, seconds[1] + len(wave) / RATE]
        rows.append(
            {"text": text, **heard, "teacher_errors": taught["errors"], **compared(wave, said)}
        )
    found: dict[str, Any] = {"voice": of_voice.figures(), "teacher": of_teacher.figures()}
    for name in ("pitch_correlation", "pitch_semitones", "cepstral_distortion"):
        values = [row[name] for row in rows if row[name] is not None]
        found["voice"][name] = float(np.mean(values)) if values else None
    found["voice"]["seconds"], found["teacher"]["seconds"] = seconds
    found["rows"] = rows
    return found


def missed(found: dict[str, Any]) -> list[str]:
    """Which limits the voice doesn't reach."""
    voice, teacher = found["voice"], found["teacher"]
    reached = {
        "syllable_errors": voice["syllable_errors"]
        <= teacher["syllable_errors"] + LIMITS["syllable_errors"],
        "dnsmos": voice["dnsmos"]["ovrl"] >= teacher["dnsmos"]["ovrl"] - LIMITS["dnsmos"],
        "speaker": voice["speaker"] >= LIMITS["speaker"],
    }
    return [name for name, good in reached.items() if not good]


def show(found: dict[str, Any]) -> None:
    """A table for people."""
    table = Table("", "voice", "teacher")
    voice, teacher = found["voice"], found["teacher"]
    table.add_row("syllables", str(voice["syllables"]), str(teacher["syllables"]))
    for name, key in (("wrong syllables", "syllable_errors"), ("speaker similarity", "speaker")):
        table.add_row(name, f"{voice[key]:.3f}", f"{teacher[key]:.3f}")
    for key in ("ovrl", "sig", "bak", "p808"):
        table.add_row(
            f"DNSMOS {key}", f"{voice['dnsmos'][key]:.2f}", f"{teacher['dnsmos'][key]:.2f}"
        )
    for key in ("pitch_correlation", "pitch_semitones", "cepstral_distortion"):
        if voice[key] is not None:
            table.add_row(key.replace("_", " "), f"{voice[key]:.3f}", "")
    table.add_row("seconds", f"{voice['seconds']:.1f}", f"{teacher['seconds']:.1f}")
    Console().print(table)


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("voice")
    parser.add_argument("teacher", type=Path)
    parser.add_argument("recogniser", type=Path)
    parser.add_argument("--n", type=int, default=80)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = measure(options)
    if options.json:
        text = json.dumps(found, ensure_ascii=False, indent=1) + "\n"
        options.json.write_text(text, encoding="utf-8")
    show(found)
    if short := missed(found):
        sys.exit(f"The voice doesn't reach its limits: {', '.join(short)}.")


if __name__ == "__main__":
    main()
