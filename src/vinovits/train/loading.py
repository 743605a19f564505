"""Clips as tensors: what is said as numbers, samples, spectrograms, features; and their batches."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vinovits.errors import DataError
from vinovits.nets.text_encoder import TextInputs
from vinovits.nets.variants import Variant
from vinovits.text.sequence import BLANK
from vinovits.train.dataset import Clip, TrainingData
from vinovits.train.generator import Batch
from vinovits.train.spectrogram import SpectrogramSizes, linear_spectrogram

Array = NDArray[np.float32]

_CACHE_BYTES = 1 << 29
"""Of samples that are kept, so that small training sets are read once."""


@dataclass(frozen=True, slots=True)
class Item:
    """One clip with T phones, blanks included, and F frames."""

    phones: Tensor
    """(T,)."""
    tones: Tensor
    """(T,)."""
    languages: Tensor
    """(T,)."""
    features: dict[str, Tensor]
    """By the name of the input (width, T); those that the network listens to."""
    conditions: dict[str, Tensor]
    """By name (width,)."""
    speaker: int
    wave: Tensor
    """(F * hop_length,)."""
    spectrogram: Tensor
    """(bins, F)."""


def text_ids(clip: Clip, variant: Variant) -> tuple[Tensor, Tensor, Tensor]:
    """Ids of phones, tones and languages (T,) with a blank before, between and after the phones."""
    table = variant.table
    index = {symbol: row for row, symbol in enumerate(table.symbols)}
    numbers = [
        table.languages[code] for code in clip.languages or (clip.language,) * len(clip.phones)
    ]
    tones = [tone + own.tone_start for tone, own in zip(clip.tones, numbers, strict=True)]
    rows = ([index[phone] for phone in clip.phones], tones, [own.id for own in numbers])
    phones, tones_, languages = (_with_blanks(row) for row in rows)
    return phones, tones_, languages


def _with_blanks(values: Sequence[int]) -> Tensor:
    spaced = torch.full((2 * len(values) + 1,), BLANK, dtype=torch.long)
    spaced[1::2] = torch.tensor(values, dtype=torch.long)
    return spaced


def read_wave(path: Path, sampling_rate: int) -> Array:
    """Samples (n,) of a recording at a rate, channels averaged.

    Raises:
        DataError: There is no such file, it holds no sound, or can't be read.
    """
    import soundfile
    import soxr

    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, RuntimeError) as error:
        raise DataError(f"The recording {path} can't be read: {error}") from None
    if not len(samples):
        raise DataError(f"The recording {path} is empty.")
    mono = samples.mean(axis=1)
    if not np.isfinite(mono).all():
        raise DataError(f"The recording {path} holds samples that aren't finite.")
    if rate != sampling_rate:
        mono = soxr.resample(mono, rate, sampling_rate, quality="VHQ")
    return np.ascontiguousarray(mono, dtype=np.float32)


def read_rows(path: Path, clip: Clip, width: int) -> Tensor:
    """Text features (width, T) of a clip, spread to its phones; narrow ones are filled with zeros.

    Raises:
        DataError: The file can't be read, or is of another shape.
    """
    steps = 2 * len(clip.phones) + 1
    try:
        if path.suffix == ".pt":
            rows = torch.load(path, map_location="cpu", weights_only=True).float()
        else:
            per_piece = torch.from_numpy(np.load(path, allow_pickle=False).astype(np.float32))
            counts = torch.tensor(clip.word2ph) * 2
            counts[0] += 1
            rows = torch.repeat_interleave(per_piece, counts, dim=0).T
    except Exception as error:  # whatever damaged files make torch and numpy say
        raise DataError(f"The text features {path} can't be read: {error}") from None
    if rows.dim() != 2 or rows.shape[1] != steps or len(rows) > width:
        raise DataError(
            f"The text features {path} are of the shape {tuple(rows.shape)}; the clip has {steps} "
            f"steps, and the voice takes {width} numbers for each. Make them again."
        )
    padded: Tensor = torch.nn.functional.pad(rows, (0, 0, 0, width - len(rows)))
    return padded


def read_vector(path: Path, width: int) -> Tensor:
    """An emotion or style vector (width,).

    Raises:
        DataError: The file can't be read, or is of another shape.
    """
    try:
        if path.suffix == ".pt":
            vector: Tensor = torch.load(path, map_location="cpu", weights_only=True)
        else:
            vector = torch.from_numpy(np.load(path, allow_pickle=False))
    except Exception as error:  # as above
        raise DataError(f"The vector {path} can't be read: {error}") from None
    vector = vector.float().flatten()
    if len(vector) != width:
        raise DataError(f"The vector {path} has {len(vector)} numbers; the voice takes {width}.")
    return vector


class Loader:
    """Reads clips, ahead of their use."""

    def __init__(
        self,
        data: TrainingData,
        variant: Variant,
        sizes: SpectrogramSizes,
        speakers: dict[str, int],
        features: Sequence[str],
        segment_frames: int,
    ) -> None:
        """Remember what to read.

        Args:
            data: The training set.
            variant: The voice's family.
            sizes: Of its spectrograms.
            speakers: Rows of the speaker table by name.
            features: Names of the feature inputs that the network listens to.
            segment_frames: Batches are padded to that many frames at least.
        """
        self.data, self.variant, self.sizes = data, variant, sizes
        self.speakers, self.segment_frames = speakers, segment_frames
        self.inputs = [need for need in variant.features if need.name in features]
        self._waves: OrderedDict[str, Array] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def wave(self, clip: Clip) -> Array:
        """Samples of a clip, a whole number of frames."""
        with self._lock:
            if clip.path in self._waves:
                self._waves.move_to_end(clip.path)
                return self._waves[clip.path]
        wave = read_wave(self.data.at(clip.path), self.sizes.sampling_rate)
        wave = wave[: len(wave) // self.sizes.hop_length * self.sizes.hop_length]
        with self._lock:
            if clip.path not in self._waves:
                self._waves[clip.path] = wave
                self._bytes += wave.nbytes
            while self._bytes > _CACHE_BYTES:
                self._bytes -= self._waves.popitem(last=False)[1].nbytes
        return wave

    def item(self, clip: Clip) -> Item:
        """One clip.

        Raises:
            DataError: A file of it can't be read.
        """
        phones, tones, languages = text_ids(clip, self.variant)
        wave = torch.from_numpy(self.wave(clip))
        features = {}
        for need in self.inputs:
            if path := clip.features.get(need.language):
                features[need.name] = read_rows(self.data.at(path), clip, need.width)
            else:
                features[need.name] = torch.zeros(need.width, len(phones))
        conditions = {}
        if (condition := self.variant.condition) is not None:
            path = clip.style if condition.input == "style" else clip.emotion
            conditions[condition.input] = read_vector(self.data.at(path), condition.width)
        return Item(
            phones,
            tones,
            languages,
            features,
            conditions,
            self.speakers.get(clip.speaker, 0),
            wave,
            linear_spectrogram(wave.unsqueeze(0), self.sizes).squeeze(0),
        )

    def batch(self, clips: Sequence[Clip]) -> Batch:
        """Several clips, padded with zeros to the longest."""
        items = [self.item(clip) for clip in clips]
        frames = max(self.segment_frames, *(item.spectrogram.shape[1] for item in items))
        steps = max(len(item.phones) for item in items)
        hop = self.sizes.hop_length

        def padded(rows: Iterable[Tensor], length: int) -> Tensor:
            return torch.stack(
                [torch.nn.functional.pad(row, (0, length - row.shape[-1])) for row in rows]
            )

        return Batch(
            text=TextInputs(
                padded((item.phones for item in items), steps),
                padded((item.tones for item in items), steps),
                padded((item.languages for item in items), steps),
                {
                    name: padded((item.features[name] for item in items), steps)
                    for name in items[0].features
                },
                {
                    name: torch.stack([item.conditions[name] for item in items])
                    for name in items[0].conditions
                },
            ),
            phone_counts=torch.tensor([len(item.phones) for item in items]),
            speakers=torch.tensor([item.speaker for item in items]),
            spectrograms=padded((item.spectrogram for item in items), frames),
            frame_counts=torch.tensor([item.spectrogram.shape[1] for item in items]),
            waves=padded((item.wave for item in items), frames * hop).unsqueeze(1),
        )

    def ahead(
        self, batches: Iterable[Sequence[Clip]], workers: int
    ) -> Generator[Batch, None, None]:
        """The batches in order; threads read the next ones meanwhile.

        Args:
            batches: The clips of each.
            workers: Threads; 0 reads when asked.
        """
        if not workers:
            yield from map(self.batch, batches)
            return
        waiting: deque[Future[Batch]] = deque()
        with ThreadPoolExecutor(workers) as pool:
            try:
                for clips in batches:
                    waiting.append(pool.submit(self.batch, clips))
                    if len(waiting) > workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()


def moved(batch: Batch, device: torch.device) -> Batch:
    """The same batch on a device."""
    text = batch.text
    return Batch(
        text=TextInputs(
            text.phones.to(device),
            text.tones.to(device),
            text.languages.to(device),
            {name: rows.to(device) for name, rows in text.features.items()},
            {name: rows.to(device) for name, rows in text.conditions.items()},
        ),
        phone_counts=batch.phone_counts.to(device),
        speakers=batch.speakers.to(device),
        spectrograms=batch.spectrograms.to(device),
        frame_counts=batch.frame_counts.to(device),
        waves=batch.waves.to(device),
    )
