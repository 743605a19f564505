"""What colours a whole utterance: the style or the emotion of voices that take one."""

from __future__ import annotations

import difflib
import numbers
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from vinovits.engine.emotion import EmotionPrompts
from vinovits.engine.styles import blend_style
from vinovits.errors import UsageError, VoiceError
from vinovits.voices.manifest import EmotionNeed, VoiceManifest

Array = npt.NDArray[np.float32]
Style = str | Array | None
Emotion = str | int | Array | None

STYLE_WEIGHTS = (0.0, 20.0)
"""The least and the greatest weight of a style; what is far beyond 1 is a caricature."""


class Conditions:
    """The graph inputs of a voice that hold for a whole utterance."""

    def __init__(self, folder: Path, manifest: VoiceManifest, device: str, cache_dir: Path) -> None:
        """Read the styles of a voice folder; feature models load when they are needed.

        Args:
            folder: Its files are those that the manifest lists.
            manifest: Of that folder.
            device: Where the feature models run: "cpu", "gpu.1" and so on.
            cache_dir: Where compiled graphs are kept.

        Raises:
            VoiceError: styles.npy can't be read, or doesn't fit the manifest.
        """
        self._manifest = manifest
        self._styles = _read_styles(folder, manifest) if manifest.styles else None
        need = manifest.emotion
        self._prompts = None if need is None else EmotionPrompts(need, device, cache_dir)

    def inputs(
        self, style: Style, style_weight: float | None, emotion: Emotion
    ) -> dict[str, npt.NDArray[Any]]:
        """The inputs of the graph `encoder`: none, or `style`, or `emotion`.

        Args:
            style: Name of a style, or a vector (width,); the mean of all if None.
            style_weight: How strongly to lean towards it, 1 if None.
            emotion: A description, a number or a vector; none in particular if None.

        Returns:
            By name: `style` or `emotion` (1, width), and `emotion_row` (1,) where the voice
            numbers its emotions.

        Raises:
            UsageError: The voice doesn't take it, or there is no such style or emotion.
            VoiceError: The feature model of a description isn't here, or is broken.
        """
        if self._styles is None and (style is not None or style_weight is not None):
            raise UsageError(f"The voice {self._manifest.name!r} has no styles.")
        need, prompts = self._manifest.emotion, self._prompts
        if need is not None and prompts is not None:
            return self._emotion(need, prompts, emotion)
        if emotion is not None:
            raise UsageError(f"The voice {self._manifest.name!r} takes no emotion.")
        if self._styles is not None:
            return {"style": self._style(self._styles, style, style_weight)}
        return {}

    def emotion_from(self, samples: Array, sampling_rate: int, seed: int) -> Array:
        """The emotion of a recording, (width,); see `Voice.emotion_from`."""
        if self._prompts is None:
            raise UsageError(f"The voice {self._manifest.name!r} takes no emotion.")
        return self._prompts.audio(samples, sampling_rate, seed)

    def unload(self) -> None:
        """Let go of the feature model; the next prompt loads it again."""
        if self._prompts is not None:
            self._prompts.unload()

    def _style(self, table: Array, style: Style, weight: float | None) -> Array:
        names, mean = self._manifest.styles, table[0]
        if style is None:
            chosen = mean
        elif isinstance(style, np.ndarray):
            if style.shape != mean.shape or not np.isfinite(style).all():
                raise UsageError(
                    f"A style of this voice has {len(mean)} finite numbers, not the shape "
                    f"{style.shape}."
                )
            chosen = style.astype(np.float32)
        elif isinstance(style, str) and style in names:
            chosen = table[names[style]]
        else:
            close = difflib.get_close_matches(str(style)[:60], names, n=1)
            raise UsageError(
                f"The voice {self._manifest.name!r} has no style {style!r:.60}."
                + (f" Did you mean {close[0]!r}?" if close else "")
                + f" It has: {', '.join(names)}."
            )
        low, high = STYLE_WEIGHTS
        weight = 1.0 if weight is None else weight
        number = isinstance(weight, numbers.Real) and not isinstance(weight, bool)
        if not number or not low <= weight <= high:  # NaN is in no range
            raise UsageError(
                f"The setting style_weight must be from {low:g} to {high:g}, not {weight!r}."
            )
        return blend_style(mean, chosen, weight)[None]

    def _emotion(
        self, need: EmotionNeed, prompts: EmotionPrompts, emotion: Emotion
    ) -> dict[str, npt.NDArray[Any]]:
        if isinstance(emotion, str):
            emotion = prompts.text(emotion)
        row = 0 if emotion is None else -1  # released programs take the first where none is named
        if isinstance(emotion, np.ndarray):
            if emotion.shape != (need.width,) or not np.isfinite(emotion).all():
                raise UsageError(
                    f"An emotion of this voice has {need.width} finite numbers, not the shape "
                    f"{emotion.shape}."
                )
            vector = emotion.astype(np.float32)[None]
        else:
            if emotion is not None:
                row = self._row(need, emotion)
            vector = np.zeros((1, need.width), np.float32)
        inputs: dict[str, npt.NDArray[Any]] = {"emotion": vector}
        if need.rows:
            inputs["emotion_row"] = np.array([row], np.int64)
        return inputs

    def _row(self, need: EmotionNeed, emotion: object) -> int:
        if (
            isinstance(emotion, bool)
            or not isinstance(emotion, int | np.integer)
            or not 0 <= emotion < need.rows
        ):
            kinds = f"a number from 0 to {need.rows - 1}" if need.rows else "a description"
            raise UsageError(
                f"An emotion of the voice {self._manifest.name!r} is {kinds} or a vector of "
                f"{need.width} numbers, not {emotion!r:.60}."
            )
        return int(emotion)


def _read_styles(folder: Path, manifest: VoiceManifest) -> Array:
    path = folder / "styles.npy"
    try:
        table = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise VoiceError(f"{path} can't be read: {error}.") from None
    rows = max(manifest.styles.values()) + 1
    if table.ndim != 2 or table.dtype.kind != "f" or len(table) < rows:
        raise VoiceError(
            f"{path} has the shape {table.shape}, but the manifest names {rows} styles. Get the "
            "voice again."
        )
    styles: Array = table.astype(np.float32)
    return styles
