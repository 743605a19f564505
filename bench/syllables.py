"""A small recogniser of Mandarin syllables: initials, finals and tones, by CTC.

Connectionist temporal classification: Graves et al. 2006. The network is the encoder of Whisper
tiny (https://arxiv.org/abs/2212.04356) with a layer of its own behind it. recipes/syllables-zh
trains it on, on synthetic speech alone; it serves to compare voices: what it makes of a teacher's
speech is what a voice that learned from the teacher can reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from vinovits.edit_distance import edit_distance
from vinovits.text.front_ends import read
from vinovits.train.spectrogram import SpectrogramSizes, mel_filters

RATE = 16_000
MELS = 80
SIZES = SpectrogramSizes(RATE, 400, 160, 400, MELS)
"""Frames of 10 ms."""
TONES = ("1", "2", "3", "4", "5")
NEUTRAL = "5"

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


class _Layer(nn.Module):
    """Self-attention and a feed-forward part, each added to what came in."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.attention_in = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.forward_norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, 4 * width)
        self.outer = nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        parts = self.attention_in(self.attention_norm(x)).chunk(3, dim=2)
        query, key, value = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in parts)
        y = F.scaled_dot_product_attention(query, key, value, seen[:, None, None])
        x = x + self.dropout(self.attention_out(y.transpose(1, 2).flatten(2)))
        y = F.gelu(self.inner(self.forward_norm(x)))
        return x + self.dropout(self.outer(y))


class SyllableNetwork(nn.Module):
    """Whisper's encoder, and a layer that makes its frames probabilities of labels."""

    def __init__(
        self, labels: int, width: int, heads: int, layers: int, positions: int, dropout: float
    ) -> None:
        super().__init__()
        self.first = nn.Conv1d(MELS, width, 3, padding=1)
        self.second = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.positions = nn.Parameter(torch.zeros(positions, width), requires_grad=False)
        self.layers = nn.ModuleList(_Layer(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.last = nn.Linear(width, labels)

    def forward(self, mel: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Judge a batch.

        Args:
            mel: As `heard_as` makes it (B, 80, F), padded; at most 30 s.
            frames: Real frames of each (B,).

        Returns:
            Log probabilities (B, F', labels) at half the rate, and the real F' of each (B,).
        """
        real = (torch.arange(mel.shape[2]) < frames.unsqueeze(1)).unsqueeze(1)
        x = F.gelu(self.first(mel * real)) * real
        x = F.gelu(self.second(x)).transpose(1, 2)
        counts = (frames + 1) // 2
        seen = torch.arange(x.shape[1]) < counts.unsqueeze(1)
        x = x + self.positions[: x.shape[1]]
        for layer in self.layers:
            x = layer(x, seen)
        return self.last(self.norm(x)).log_softmax(-1), counts


def heard_as(wave: NDArray[np.float32]) -> Tensor:
    """Whisper's log mel spectrogram (80, F) of samples (n,) at 16 kHz, 100 frames a second."""
    spectrum = torch.stft(
        torch.from_numpy(np.ascontiguousarray(wave)),
        SIZES.filter_length,
        SIZES.hop_length,
        window=torch.hann_window(SIZES.win_length),
        return_complex=True,
    )[:, :-1]
    power = spectrum.real.square() + spectrum.imag.square()
    mel = torch.log10(torch.clamp(torch.from_numpy(mel_filters(SIZES)) @ power, min=1e-10))
    return (torch.maximum(mel, mel.max() - 8) + 4) / 4


class SyllableListener:
    """A trained recogniser: audio in, syllables out."""

    def __init__(self, path: Path) -> None:
        """Read what recipes/syllables-zh wrote."""
        data = torch.load(path, weights_only=True)
        self.labels = Labels(tuple(data["initials"]), tuple(data["finals"]))
        self.network = SyllableNetwork(**data["sizes"], dropout=0.0)
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


def wrong_syllables(expected: list[Syllable], heard: list[Syllable]) -> int:
    """The least number of syllables put in, left out or replaced that make one the other.

    Where our front end wants a neutral tone any tone is right: a teacher's own front end may have
    read a full one there, as in the second syllables of 东西 or 这里, and both are good Mandarin.
    """

    def same(one: Syllable, other: Syllable) -> bool:
        return one[:2] == other[:2] and one[2] in (NEUTRAL, other[2])

    return edit_distance(expected, heard, same)


def known(labels: Labels, said: list[Syllable]) -> bool:
    """Whether the network has all labels of a sentence."""
    return all(i in labels.initials and f in labels.finals for i, f, _ in said)
