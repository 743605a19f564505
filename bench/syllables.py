"""A small recogniser of Mandarin syllables: initials, finals and tones, by CTC.

Connectionist temporal classification: Graves et al. 2006. The blocks are the convolution modules of
Conformer (https://arxiv.org/abs/2005.08100) with feed-forward layers, without attention. It is
trained by recipes/syllables-zh, on synthetic speech alone, and serves to compare voices: what it
makes of a teacher's speech is what a voice that learned from the teacher can reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from vinovits.text.front_ends import read
from vinovits.train.spectrogram import SpectrogramSizes, linear_spectrogram, log_mel

RATE = 16_000
SIZES = SpectrogramSizes(RATE, 512, 160, 400, 80, 20.0, 7600.0)
"""Frames of 10 ms."""
TONES = ("1", "2", "3", "4", "5")

Syllable = tuple[str, str, str]
"""Initial, final and tone; a syllable that begins with its vowel has an initial too ("AA")."""


def syllables(text: str) -> list[Syllable]:
    """How a text is said, by our own front end."""
    found = []
    for sentence in read(text, ["zh"], "2.3"):
        for word in sentence.words:
            if not word.is_punctuation:
                pairs = zip(word.phones[::2], word.phones[1::2], word.tones[::2], strict=True)
                found += [(initial, final, str(tone)) for initial, final, tone in pairs]
    return found


@dataclass(frozen=True, slots=True)
class Labels:
    """What the network tells apart; 0 is CTC's blank."""

    initials: tuple[str, ...]
    finals: tuple[str, ...]

    @classmethod
    def of(cls, said: list[list[Syllable]]) -> Labels:
        """All initials and finals that occur."""
        every = [syllable for one in said for syllable in one]
        return cls(
            tuple(sorted({initial for initial, _, _ in every})),
            tuple(sorted({final for _, final, _ in every})),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """All labels behind the blank, in order."""
        return (*self.initials, *self.finals, *TONES)

    def numbered(self, said: list[Syllable]) -> list[int]:
        """Three labels for each syllable."""
        first, last = 1 + len(self.initials), 1 + len(self.initials) + len(self.finals)
        numbers = []
        for initial, final, tone in said:
            numbers += [
                1 + self.initials.index(initial),
                first + self.finals.index(final),
                last + TONES.index(tone),
            ]
        return numbers

    def grouped(self, numbers: list[int]) -> list[Syllable]:
        """Syllables of labels: an initial or a final behind a final or a tone begins a new one."""
        found: list[list[str]] = []
        level = 2
        for number in numbers:
            name = self.names[number - 1]
            own = (number > len(self.initials)) + (number > len(self.initials) + len(self.finals))
            if own <= level or not found:
                found.append(["", "", ""])
            found[-1][own] = name
            level = own
        return [(initial, final, tone) for initial, final, tone in found]


class _Block(nn.Module):
    """A gated convolution and a feed-forward layer, each added to what came in."""

    def __init__(self, width: int, size: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.gate = nn.Linear(width, 2 * width)
        self.depth = nn.Conv1d(width, width, size, padding=size // 2, groups=width)
        self.depth_norm = nn.LayerNorm(width)
        self.point = nn.Linear(width, width)
        self.forward_norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, 2 * width)
        self.outer = nn.Linear(2 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        y = F.glu(self.gate(self.norm(x))) * mask
        y = self.depth(y.transpose(1, 2)).transpose(1, 2)
        x = x + self.dropout(self.point(F.silu(self.depth_norm(y)))) * mask
        y = self.outer(self.dropout(F.silu(self.inner(self.forward_norm(x)))))
        return x + self.dropout(y) * mask


class SyllableNetwork(nn.Module):
    """Log mel spectrogram to the logarithms of the labels' probabilities."""

    def __init__(self, labels: int, width: int, blocks: int, size: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Conv1d(SIZES.mel_channels, width, 5, stride=2, padding=2)
        self.second = nn.Conv1d(width, width, 3, padding=1)
        self.blocks = nn.ModuleList(_Block(width, size, dropout) for _ in range(blocks))
        self.norm = nn.LayerNorm(width)
        self.last = nn.Linear(width, labels)

    def forward(self, mel: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Judge a batch.

        Args:
            mel: Normalised log mel (B, 80, F), padded.
            frames: Real frames of each (B,).

        Returns:
            Log probabilities (B, F', labels) at half the rate, and the real F' of each (B,).
        """
        x = F.silu(self.first(mel))
        counts = (frames + 1) // 2
        mask = (torch.arange(x.shape[2]) < counts.unsqueeze(1)).unsqueeze(2).to(x)
        x = F.silu(self.second(x * mask.transpose(1, 2))).transpose(1, 2) * mask
        for block in self.blocks:
            x = block(x, mask)
        return self.last(self.norm(x)).log_softmax(-1), counts


def heard_as(wave: NDArray[np.float32]) -> Tensor:
    """The normalised log mel (80, F) of samples (n,) at 16 kHz: no loudness, no channel."""
    samples = torch.from_numpy(np.ascontiguousarray(wave)).unsqueeze(0)
    mel = log_mel(linear_spectrogram(samples, SIZES), SIZES)[0]
    normalised: Tensor = (mel - mel.mean()) / (mel.std() + 1e-3)
    return normalised


class SyllableListener:
    """A trained recogniser: audio in, syllables out."""

    def __init__(self, path: Path) -> None:
        """Read what recipes/syllables-zh wrote."""
        data = torch.load(path, weights_only=True)
        self.labels = Labels(tuple(data["initials"]), tuple(data["finals"]))
        self.network = SyllableNetwork(len(self.labels.names) + 1, **data["sizes"], dropout=0.0)
        self.network.load_state_dict(
            {name: tensor.float() for name, tensor in data["network"].items()}
        )
        self.network.eval()

    @torch.no_grad()
    def __call__(self, wave: NDArray[np.float32]) -> list[Syllable]:
        """What is said in samples (n,) at 16 kHz, by the likeliest label of each frame."""
        mel = heard_as(wave)
        scores, _ = self.network(mel.unsqueeze(0), torch.tensor([mel.shape[1]]))
        best = torch.unique_consecutive(scores[0].argmax(1)).tolist()
        return self.labels.grouped([number for number in best if number])


def known(labels: Labels, said: list[Syllable]) -> bool:
    """Whether the network has all labels of a sentence."""
    return all(i in labels.initials and f in labels.finals for i, f, _ in said)
