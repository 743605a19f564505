"""Recordings without a text are written down by whatever model the user has."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.prepare.material import TEXTS, folder, sentence, write
from vinovits.errors import MissingExtraError, UsageError
from vinovits.prepare.settings import Settings
from vinovits.prepare.work import prepare
from vinovits.whisper import Whisper


@dataclass
class Segment:
    text: str
    avg_logprob: float = -0.2
    no_speech_prob: float = 0.1


class FakeModel:
    """Knows sentences by their length."""

    asked: list[float] = []  # noqa: RUF012 (of all objects)
    answers: dict[int, list[Segment]] = {}  # noqa: RUF012

    def __init__(self, name: str, **options: Any) -> None:
        assert options["local_files_only"]
        if name == "gone":
            raise ValueError("not in the cache")

    def transcribe(self, samples: np.ndarray, **options: Any) -> tuple[list[Segment], Any]:
        self.asked.append(len(samples) / 16_000)
        index = len(self.asked) - 1
        found = self.answers.get(index, [Segment(f" {TEXTS[index]}")])
        return found, SimpleNamespace(language=options["language"] or "en")


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> type[FakeModel]:
    module = ModuleType("faster_whisper")
    module.WhisperModel = FakeModel
    monkeypatch.setitem(sys.modules, "faster_whisper", module)
    FakeModel.asked, FakeModel.answers = [], {}
    return FakeModel


def test_texts_are_heard_once(tmp_path: Path, model: type[FakeModel]) -> None:
    source = folder(tmp_path / "joe", (1, 2), texts=False)
    write(source / "s3.wav", sentence(3))
    (source / "s3.txt").write_text(TEXTS[2])
    model.answers = {1: [Segment(" Hm.", avg_logprob=-2.0)]}
    for _ in range(2):
        result = prepare(
            source, tmp_path / "out", Settings(16_000, mos=False), transcribe="small", jobs=1
        )
        assert len(model.asked) == 2
        first, second, third = result.candidates
        assert (first.text, first.used) == (TEXTS[0], True)
        assert first.origin == "heard by small (en)"
        assert second.rejections[0][1].startswith("It was hardly understood; the text is a guess")
        assert third.origin == "s3.txt"


def test_models_that_are_not_here(
    tmp_path: Path, model: type[FakeModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="There is no Whisper model 'gone' here"):
        Whisper("gone", 1)
    with pytest.raises(UsageError, match=r"has no model\.bin"):
        Whisper(str(tmp_path), 1)
    monkeypatch.setitem(sys.modules, "faster_whisper", None)
    with pytest.raises(MissingExtraError, match="transcribe"):
        Whisper("small", 1)
