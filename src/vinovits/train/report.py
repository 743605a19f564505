"""What people look at while a voice is trained: a page that refreshes itself, and TensorBoard."""

from __future__ import annotations

import html
import io
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vinovits.output.atomic import atomic_file, write_error
from vinovits.train.average import Average
from vinovits.train.board import Board
from vinovits.train.checkpoints import save_weights
from vinovits.train.history import NAME, History
from vinovits.train.pictures import heat_map, png
from vinovits.train.validation import Heard, Validation

PAGE = "report.html"
BOARD = "tensorboard"
BEST = "best"
_SAMPLES = "samples"
_SHOWN_CLIPS = 3
_KEPT_STEPS = 8
"""Steps whose samples are kept, the newest."""
_EVERY = 10.0
"""Seconds between two writings of the page."""
_POINTS = 400
"""Of a curve."""

_CURVES = (
    ("Mel distance of the validation", ("aligned", "copied")),
    ("Mel loss", ("mel",)),
    ("KL divergence", ("kl",)),
    ("Durations", ("durations", "duration_adversarial")),
    ("Feature matching", ("features",)),
    ("Generator against judges", ("adversarial", "wavlm_adversarial")),
    ("Judges", ("judge", "duration_judge", "wavlm_judge")),
    ("WavLM", ("wavlm",)),
    ("Commitment", ("commitment",)),
    ("Gradient norms", ("norm_generator", "norm_waves", "norm_durations", "norm_wavlm")),
    ("Learning rate", ("rate",)),
)
_COLOURS = ("#1f6f8b", "#c8553d", "#5b8e3e", "#7a5195")


class Report:
    """Writes all that is measured, into the folder of a training.

    Attributes:
        history: Of all numbers.
    """

    def __init__(
        self,
        folder: Path,
        title: str,
        steps: int,
        tensorboard: bool,
        card: dict[str, str],
        beside: Mapping[str, bytes],
    ) -> None:
        """Begin, or go on with, a report.

        Args:
            folder: Of the training.
            title: Of the page.
            steps: That are to be done.
            tensorboard: Write for TensorBoard too, where its package is installed.
            card: What the best voice's card says.
            beside: Files by name that its folder gets too.
        """
        self.folder, self.title, self.steps = folder, title, steps
        self.card, self.beside = card, beside
        self.history = History(folder / NAME)
        self.running = True
        self._written = 0.0
        self._board = Board(folder / BOARD) if tensorboard else None

    def add(self, entry: dict[str, Any]) -> None:
        """Keep what the steps since the last time have measured.

        Raises:
            OutputError: It can't be written.
        """
        self.history.add(entry)
        if self._board is not None:
            self._board.add("train", entry["losses"], entry["step"])
        if time.monotonic() - self._written > _EVERY:
            self.write()

    def hear(self, step: int, found: Validation) -> None:
        """Keep a validation: numbers, samples and pictures.

        Raises:
            OutputError: It can't be written.
        """
        numbers = {"aligned": found.aligned, "copied": found.copied}
        said = [one.clip.text for one in found.clips[:_SHOWN_CLIPS]]
        self.history.add({"step": step, "validation": numbers, "said": said})
        folder = self.folder / _SAMPLES
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise write_error(folder, error) from error
        for number, heard in enumerate(found.clips[:_SHOWN_CLIPS]):
            self._keep(folder, step, number, heard)
        self._forget_samples(folder)
        if self._board is not None:
            self._board.add("validation", numbers, step)
        self.write()

    def _keep(self, folder: Path, step: int, number: int, heard: Heard) -> None:
        name = f"{step:08d}-{number}"
        low, high = float(heard.recorded_mel.min()), float(heard.recorded_mel.max()) + 1e-3
        mel = np.concatenate(
            [
                heat_map(rows[:, : heard.recorded_mel.shape[1] * 2], low, high)
                for rows in _as_wide(heard.recorded_mel, heard.mel)
            ]
        )
        path = heat_map(heard.path, 0.0, 1.0)
        rate = heard.sampling_rate
        _write_wav(folder / f"{name}.wav", heard.spoken, rate)
        for kind, pixels in (("mel", mel), ("alignment", path)):
            with atomic_file(folder / f"{name}-{kind}.png") as part:
                part.write_bytes(png(pixels))
        if self._board is not None:
            self._board.show(number, step, heard.spoken, rate, {"mel": mel, "alignment": path})

    def _forget_samples(self, folder: Path) -> None:
        steps = sorted({path.name[:8] for path in folder.glob("????????-*.wav")})
        for old in steps[:-_KEPT_STEPS]:
            for path in folder.glob(f"{old}-*"):
                path.unlink(missing_ok=True)

    def has_best(self) -> bool:
        """Whether a best voice is kept."""
        return (self.folder / BEST).is_dir()

    def keep_best(self, average: Average, config: dict[str, Any], step: int) -> None:
        """Write the best voice so far, as a checkpoint without what training needs beside it.

        Raises:
            OutputError: It can't be written.
        """
        save_weights(self.folder / BEST, f"G_{step}", average, config, self.card, self.beside)

    def write(self) -> None:
        """Write the page.

        Raises:
            OutputError: It can't be written.
        """
        self._written = time.monotonic()
        entries = self.history.entries()
        with atomic_file(self.folder / PAGE) as part:
            part.write_text(self._page(entries), encoding="utf-8", newline="\n")

    def close(self) -> None:
        """Write the page for the last time; it no longer refreshes."""
        self.running = False
        self.write()
        if self._board is not None:
            self._board.close()

    def _page(self, entries: Sequence[dict[str, Any]]) -> str:
        series: dict[str, list[tuple[int, float]]] = {}
        for entry in entries:
            for name, value in {**entry.get("losses", {}), **entry.get("validation", {})}.items():
                series.setdefault(name, []).append((entry["step"], value))
        step = entries[-1]["step"] if entries else 0
        seconds = max((entry.get("seconds", 0.0) for entry in entries), default=0.0)
        state = f"Step {step} of {self.steps}, {seconds / 60:.0f} minutes of computing."
        if self.running:
            state += " This page refreshes itself."
        charts = "".join(
            _chart(title, {name: series[name] for name in names if name in series})
            for title, names in _CURVES
            if any(name in series for name in names)
        )
        refresh = '<meta http-equiv="refresh" content="15">' if self.running else ""
        title = html.escape(self.title)
        return (
            f'<!doctype html><html lang="en"><meta charset="utf-8">{refresh}'
            f"<title>{title}</title><style>{_STYLE}</style><h1>{title}</h1><p>{state}</p>"
            f'<div class="charts">{charts}</div>{self._samples(entries)}</html>\n'
        )

    def _samples(self, entries: Sequence[dict[str, Any]]) -> str:
        said = {entry["step"]: entry["said"] for entry in entries if "said" in entry}
        texts = {
            f"{step:08d}-{number}": html.escape(text)
            for step, spoken in said.items()
            for number, text in enumerate(spoken)
        }
        folder = self.folder / _SAMPLES
        names = sorted((path.stem for path in folder.glob("????????-*.wav")), reverse=True)
        rows = "".join(
            f'<tr><td>{int(name[:8])}<td class="said">{texts.get(name, name[9:])}'
            f'<td><audio controls preload="none" src="{_SAMPLES}/{name}.wav"></audio>'
            f'<td><img alt="spectrograms" src="{_SAMPLES}/{name}-mel.png">'
            f'<td><img alt="alignment" src="{_SAMPLES}/{name}-alignment.png">'
            for name in names
        )
        if not rows:
            return ""
        return (
            "<h2>Samples</h2><p>Spectrograms: above what was recorded, below what the voice says "
            "by itself. Alignments: frames of the recording from left to right, phones from below."
            "</p><table><tr><th>step<th>clip<th>sound<th>spectrograms<th>alignment"
            f"{rows}</table>"
        )


_STYLE = (
    "body{font:15px system-ui,sans-serif;margin:2em;color:#20303f;background:#fff}"
    ".charts{display:flex;flex-wrap:wrap;gap:1.2em}figure{margin:0}figcaption{font-weight:600}"
    "svg{background:#f6f7f8}td,th{padding:.3em .8em;text-align:left}img{max-height:160px;"
    "max-width:420px}.said{max-width:16em}text{font:11px system-ui,sans-serif;fill:#50606f}"
)


def _as_wide(
    first: NDArray[np.float32], second: NDArray[np.float32]
) -> Iterable[NDArray[np.float32]]:
    """Two spectrograms of one height, the narrower filled up with its least value."""
    width = max(first.shape[1], second.shape[1])
    for rows in (first, second):
        yield np.pad(rows, ((0, 0), (0, width - rows.shape[1])), constant_values=rows.min())


def _write_wav(path: Path, samples: NDArray[np.float32], rate: int) -> None:
    import soundfile

    content = io.BytesIO()  # of a disk, libsndfile says no more than "system error"
    soundfile.write(content, samples, rate, format="WAV", subtype="PCM_16")
    with atomic_file(path) as part:
        part.write_bytes(content.getvalue())


def _chart(title: str, lines: dict[str, list[tuple[int, float]]]) -> str:
    """A curve for each name as SVG."""
    width, height, left, below = 420, 200, 52, 22
    points = [point for line in lines.values() for point in line if np.isfinite(point[1])]
    if not points:
        return ""
    steps, values = [p[0] for p in points], [p[1] for p in points]
    first, last, low, high = min(steps), max(steps), min(values), max(values)
    across, up = max(1, last - first), (high - low) or 1.0

    def place(step: int, value: float) -> str:
        x = left + (step - first) / across * (width - left - 8)
        y = height - below - (value - low) / up * (height - below - 10)
        return f"{x:.1f},{y:.1f}"

    drawn, legend = "", ""
    for (name, line), colour in zip(lines.items(), _COLOURS, strict=False):
        shown = line[:: max(1, len(line) // _POINTS)]
        if shown[-1] != line[-1]:
            shown.append(line[-1])
        path = " ".join(place(step, value) for step, value in shown if np.isfinite(value))
        drawn += f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{path}"/>'
        legend += f' <span style="color:{colour}">{name} {line[-1][1]:.4g}</span>'
    return (
        f"<figure><figcaption>{html.escape(title)}{legend}</figcaption>"
        f'<svg width="{width}" height="{height}">{drawn}'
        f'<text x="4" y="16">{high:.4g}</text><text x="4" y="{height - below}">{low:.4g}</text>'
        f'<text x="{left}" y="{height - 6}">{first}</text>'
        f'<text x="{width - 8}" y="{height - 6}" text-anchor="end">{last}</text></svg></figure>'
    )
