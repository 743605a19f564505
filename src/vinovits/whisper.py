"""What is said in recordings, by faster-whisper with a model that the user has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vinovits.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_UNSURE = -1.0
"""Mean logarithm of the probability of a word piece, below which a text is rather guessed."""
_NO_SPEECH = 0.6
_WINDOW = 30 * 16_000
"""Samples that Whisper hears at a time."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard in a clip."""

    text: str
    language: str
    """As Whisper names it: "en"."""
    unsure: str = ""
    """A sentence, if the text is rather a guess."""


class Whisper:
    """Whisper on the CPU.

    Args:
        model: A folder with a model in the format of CTranslate2, or the name of one that was
            downloaded before; nothing is fetched.
        threads: How many it may use; 0 lets the library choose.
        language: Code of the language; "" lets it be told from the sound.

    Raises:
        MissingExtraError: faster-whisper isn't installed.
        UsageError: There is no such model here.
    """

    def __init__(self, model: str, threads: int = 0, language: str = "") -> None:
        try:
            from faster_whisper import WhisperModel
        except ModuleNotFoundError:
            raise MissingExtraError(
                "Whisper needs faster-whisper, which isn't installed. Install it with: "
                "pip install 'vinovits[transcribe]'"
            ) from None
        if Path(model).is_dir() and not (Path(model) / "model.bin").is_file():
            raise UsageError(
                f"{model} has no model.bin. A Whisper model is wanted in the format of "
                "CTranslate2, as faster-whisper has them."
            )
        try:
            self._model: Any = WhisperModel(
                model, device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
            )
        except Exception as error:  # whatever hub and engine say of a model that isn't there
            what = " ".join(str(error).split())
            raise UsageError(
                f"There is no Whisper model {model!r} here ({what:.200}). Name the folder of one."
            ) from None
        self._language = language or None

    def __call__(self, samples: NDArray[np.float32]) -> Transcript:
        """What is said in samples (n,) at 16 kHz."""
        segments, info = self._model.transcribe(
            samples,
            language=self._language,
            beam_size=5,
            condition_on_previous_text=False,
            # Without them a window is heard faster; with them, none ends in the midst of a word.
            without_timestamps=len(samples) <= _WINDOW,
        )
        parts = list(segments)
        text = " ".join(part.text.strip() for part in parts).strip()
        unsure = ""
        if not text:
            unsure = "No words were understood in it."
        elif min(part.avg_logprob for part in parts) < _UNSURE:
            unsure = f"It was hardly understood; the text is a guess: {text[:60]!r}."
        elif max(part.no_speech_prob for part in parts) > _NO_SPEECH:
            unsure = "There seem to be no words in it."
        return Transcript(text, str(info.language), unsure)
