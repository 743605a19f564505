"""A picture of a speech: waveform and spectrogram, with its words and phones beneath."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vinovits.errors import MissingExtraError, OutputError, UsageError
from vinovits.output.atomic import write_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from vinovits.engine.result import SpokenSentence

LONGEST = 30.0
"""Seconds that are drawn: what comes later would only be a blur."""
_MEL_BANDS = 96
_RANGE_DB = 70.0
_INK = "#20303f"
_WAVE = "#2a6f97"


def check_plot(path: Path) -> None:
    """Find out before the work begins whether a picture can be drawn.

    Args:
        path: Where it shall go; its extension must be .png.

    Raises:
        UsageError: Another extension.
        MissingExtraError: matplotlib isn't installed.
    """
    if path.suffix.lower() != ".png":
        raise UsageError(f"{path} can't be drawn: pictures are PNG. Name it {path.stem}.png.")
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise MissingExtraError(
            "Drawing a picture needs matplotlib. Install it with: pip install 'vinovits[plot]'"
        )


def plot_speech(
    part: Path,
    samples: NDArray[np.float32],
    sampling_rate: int,
    sentences: Sequence[SpokenSentence],
    *,
    title: str = "",
    name: Path | None = None,
) -> None:
    """Draw a PNG: waveform, log mel spectrogram, then words and phones where they are heard.

    Args:
        part: The file to write.
        samples: Shape (n,), in [-1, 1]. Only the first `LONGEST` seconds are drawn.
        sampling_rate: In Hz.
        sentences: Their timings.
        title: A line above.
        name: What to call the file in messages.

    Raises:
        MissingExtraError: matplotlib isn't installed.
        OutputError: The file can't be written.
    """
    check_plot(name or part)
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MultipleLocator

    if not len(samples):
        raise OutputError(f"{name or part} can't be drawn: there is no audio.")
    samples = samples[: int(LONGEST * sampling_rate)]
    seconds = len(samples) / sampling_rate
    figure = Figure(figsize=(min(max(1.9 * seconds, 8.0), 48.0), 5.2), dpi=110, facecolor="white")
    FigureCanvasAgg(figure)
    wave, mel, labels = figure.subplots(
        3, 1, sharex=True, gridspec_kw={"height_ratios": [1.1, 2.6, 0.8], "hspace": 0.06}
    )
    figure.subplots_adjust(
        left=0.62 / figure.get_figwidth(),
        right=1 - 0.2 / figure.get_figwidth(),
        top=0.9,
        bottom=0.1,
    )
    if title:
        figure.suptitle(title, x=0.5, y=0.965, fontsize=11, color=_INK)

    _draw_wave(wave, samples, sampling_rate)
    spectrogram, step = mel_spectrogram(samples, sampling_rate)
    top = float(spectrogram.max())
    mel.imshow(
        spectrogram,
        origin="lower",
        aspect="auto",
        extent=(-step / 2, (spectrogram.shape[1] - 0.5) * step, 0, _MEL_BANDS),
        cmap="magma",
        vmin=top - _RANGE_DB,
        vmax=top,
        interpolation="bilinear",
    )
    ticks = [hz for hz in (250, 500, 1000, 2000, 4000, 8000, 16000) if hz <= sampling_rate / 2]
    highest = float(_mel(np.array(sampling_rate / 2)))
    mel.set_yticks([float(_mel(np.array(hz))) / highest * _MEL_BANDS for hz in ticks])
    mel.set_yticklabels([f"{hz // 1000}k" if hz >= 1000 else str(hz) for hz in ticks])
    mel.set_ylabel("Hz (mel)", color=_INK)
    _draw_labels(labels, mel, sentences, seconds)
    for axes in (wave, mel, labels):
        axes.set_xlim(0, seconds)
        axes.tick_params(colors=_INK, labelsize=8)
        for side in axes.spines.values():
            side.set_visible(False)
    wave.tick_params(bottom=False)
    mel.tick_params(bottom=False)
    labels.xaxis.set_major_locator(MultipleLocator(0.5 if seconds < 8 else 1.0))
    labels.set_xlabel("seconds", color=_INK)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a script that the font lacks
        try:
            figure.savefig(part, format="png")
        except OSError as error:
            raise write_error(name or part, error) from error


def mel_spectrogram(
    samples: NDArray[np.float32], sampling_rate: int
) -> tuple[NDArray[np.float32], float]:
    """Log power in mel bands, for looking at.

    Hann windows of about 23 ms, a step of about 3 ms, triangular bands from 0 Hz to half the
    sampling rate.

    Args:
        samples: Shape (n,).
        sampling_rate: In Hz.

    Returns:
        Decibels of shape (bands, frames), the lowest band first, and the seconds between two
        frames, of which the first is centred on the first sample.
    """
    import numpy as np

    size = 1 << round(np.log2(sampling_rate * 0.023))
    # Frames closer than a pixel would be drawn for nothing.
    hop = max(size // 8, len(samples) // 6000)
    padded = np.pad(samples.astype(np.float32), (size // 2, size // 2))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    window = np.hanning(size).astype(np.float32)
    bank = _mel_bank(size, sampling_rate)
    power = np.concatenate(
        [
            np.abs(np.fft.rfft(frames[start : start + 512] * window)) ** 2 @ bank.T
            for start in range(0, len(frames), 512)
        ]
    ).T
    return (10 * np.log10(np.maximum(power, 1e-10))).astype(np.float32), hop / sampling_rate


def _mel(hertz: NDArray[np.floating]) -> NDArray[np.floating]:
    """O'Shaughnessy's formula."""
    import numpy as np

    mel: NDArray[np.floating] = 2595.0 * np.log10(1.0 + hertz / 700.0)
    return mel


def _mel_bank(size: int, sampling_rate: int) -> NDArray[np.floating]:
    """Triangles of shape (bands, size // 2 + 1), evenly spaced in mel.

    At low pitches a band is narrower than a bin: every triangle reaches at least over one bin to
    both sides, so that no band stays empty.
    """
    import numpy as np

    hertz = np.fft.rfftfreq(size, 1 / sampling_rate)
    edges = np.linspace(0, float(_mel(np.array(sampling_rate / 2))), _MEL_BANDS + 2)
    corners = 700.0 * (10 ** (edges / 2595.0) - 1.0)
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    width = hertz[1]
    rising = (hertz - middle) / np.maximum(middle - low, width) + 1
    falling = (middle - hertz) / np.maximum(high - middle, width) + 1
    bank: NDArray[np.floating] = np.clip(np.minimum(rising, falling), 0, None)
    bank /= bank.sum(axis=1, keepdims=True)
    return bank


def _draw_wave(axes: Any, samples: NDArray[np.float32], sampling_rate: int) -> None:
    """Draw the lowest and highest sample of each stretch: what a line would show, sooner."""
    import numpy as np

    stretch = max(len(samples) // 8000, 1)
    count = -(-len(samples) // stretch)
    padded = np.pad(samples, (0, count * stretch - len(samples)), mode="edge")
    rows = padded.reshape(count, stretch)
    times = (np.arange(count) + 0.5) * stretch / sampling_rate
    axes.fill_between(times, rows.min(axis=1), rows.max(axis=1), color=_WAVE, linewidth=0.4)
    peak = max(float(np.abs(samples).max()), 1e-3)
    axes.set_ylim(-1.05 * peak, 1.05 * peak)
    axes.set_yticks([])


def _draw_labels(axes: Any, mel: Any, sentences: Sequence[SpokenSentence], seconds: float) -> None:
    """Draw a row of phones, one of words, and thin lines between words up the spectrogram."""
    axes.set_ylim(0, 2)
    axes.set_yticks([0.5, 1.5])
    axes.set_yticklabels(["words", "phones"])
    axes.tick_params(left=False)
    room = 0.075 * seconds / axes.figure.get_figwidth()  # seconds per letter of 8 points
    for sentence in sentences:
        for phone in sentence.phones:
            if phone.start < seconds and phone.phone != "_":
                _label(axes, phone.phone, phone.start, min(phone.end, seconds), 1.5, 7.5, room)
        for word in sentence.words:
            if word.start >= seconds or not any(letter.isalnum() for letter in word.text):
                continue
            end = min(word.end, seconds)
            _label(axes, word.text, word.start, end, 0.5, 8.5, room)
            for time in (word.start, end):
                axes.axvline(time, 0.04, 0.46, color="#9fb3c8", linewidth=0.6)
                mel.axvline(time, color="white", linewidth=0.4, alpha=0.35)


def _label(
    axes: Any, text: str, start: float, end: float, height: float, size: float, room: float
) -> None:
    """A label over its time, smaller where it would touch its neighbours, none where unreadable."""
    import unicodedata

    fits = (end - start) / (room * len(text)) * 8.0
    if fits < 4.0:
        return
    shown = "".join(c for c in text if unicodedata.category(c)[0] != "C").replace("$", r"\$")
    axes.text(
        (start + end) / 2,
        height,
        shown,
        ha="center",
        va="center",
        fontsize=min(size, fits),
        color=_INK,
    )
