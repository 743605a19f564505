"""What the steps of this recipe share: the teacher's clips, and texts as numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from torch import Tensor

from vinovits.nets.text_encoder import TextInputs
from vinovits.nets.variants import VARIANTS
from vinovits.text.front_ends import read
from vinovits.text.sequence import to_sequence

VARIANT = VARIANTS["2.3"]


@dataclass(frozen=True, slots=True)
class Clip:
    """Something that the teacher said."""

    name: str
    text: str
    path: Path

    def wave(self, rate: int) -> Tensor:
        """Its samples (N,) at `rate`."""
        samples, own = soundfile.read(self.path, dtype="float32")
        return torch.from_numpy(np.ascontiguousarray(soxr.resample(samples, own, rate, "VHQ")))


def listed(folder: Path) -> list[Clip]:
    """The clips of a folder's list.txt: `file|voice|language|text`."""
    clips = []
    for line in (folder / "list.txt").read_text(encoding="utf-8").splitlines():
        file, _, _, text = line.split("|")
        clips.append(Clip(Path(file).stem, text, folder / file))
    return clips


def held_out(folder: Path) -> list[Clip]:
    """The sentences of a folder's eval.txt that the teacher's rendition is there of."""
    clips = []
    for line in (folder / "eval.txt").read_text(encoding="utf-8").splitlines():
        name, _, text = line.partition("\t")
        path = folder / "eval" / f"{name}.opus"
        if path.exists():
            clips.append(Clip(name, text, path))
    return clips


def numbered(text: str) -> TextInputs:
    """A Chinese text as one batch of one, read by our own front end in one go."""
    sentences = list(read(text, ["zh"], VARIANT.name))
    words = tuple(word for sentence in sentences for word in sentence.words)
    sequence = to_sequence(replace(sentences[0], words=words), VARIANT.table, lambda _: no_pieces)
    ids = (sequence.phones, sequence.tones, sequence.languages)
    return TextInputs(*(torch.from_numpy(part).unsqueeze(0) for part in ids), {}, {})


def no_pieces(_: str) -> list[tuple[int, int, int]]:
    """No BERT is used."""
    return []
