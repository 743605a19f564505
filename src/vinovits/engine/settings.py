"""The settings of one call, checked."""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt

from vinovits.engine.conditions import Emotion, Style
from vinovits.engine.scripts import Lexicons
from vinovits.errors import UsageError
from vinovits.text.front_ends import Reading
from vinovits.text.markup import Markup
from vinovits.voices.manifest import RANGES, Defaults

Speaker = str | int | Mapping[str, float] | Mapping[int, float] | npt.NDArray[np.float32] | None


ASSIST_WEIGHT = 0.7
"""The share of an assist text in the released code, unless told otherwise."""

LONGEST_ASSIST = 2000
"""Characters of an assist text: all of it goes through the feature model before the first sound."""


class SpeakSettings(TypedDict, total=False):
    """How to speak. What is None or not given is the voice's own."""

    seed: int
    """A whole number that all noise is drawn from; 0 if not given."""
    speed: float | None
    """0.25 to 4; 2 is twice as fast."""
    sdp_ratio: float | None
    """0 to 1, the share of the stochastic duration predictor."""
    noise: float | None
    """0 to 2, liveliness of the sound."""
    noise_w: float | None
    """0 to 2, liveliness of the rhythm."""
    pause: float | None
    """0 to 10, seconds of silence between sentences, beside what the voice itself makes of their
    punctuation."""
    speaker: Speaker
    """Name or number of a speaker; a mix of speakers, as weights by name or number; or a speaker
    vector (gin,). The first if None."""
    style: Style
    """Name of a style of a Style-Bert-VITS2 voice, or a vector in place of one; the mean of all if
    None."""
    style_weight: float | None
    """0 to 20, how strongly to lean towards that style; 1 is the style itself."""
    emotion: Emotion
    """For voices that take one: a description of how to sound ("a happy voice"), the number of an
    emotion, or a vector as `Voice.emotion_from` gives it."""
    assist_text: str | None
    """A text, in the language of the other, whose mood colours the speech (the style text of 2.3
    and of the Chinese extra edition, the assist text of Style-Bert-VITS2). It isn't spoken."""
    assist_weight: float | None
    """0 to 1, how strongly; 0.7 if None."""
    language: str | None
    """The language of the text: "zh", "ja" or "en". If None, each part of it is read in the
    language of the voice that it seems to be in."""
    reading: Reading | None
    """"better", or "released": as the front end that came with the voice's family read."""
    markup: Markup
    """What the text is written in: "plain" for our own markup, "ssml", "html", "markdown"; "off"
    speaks signs as they stand; "auto", if not given, is SSML for what begins like it, else
    "plain"."""
    lexicon: Lexicons
    """Readings that go before all others: a `Lexicon`, a mapping of words to readings, or a file of
    either of the formats that `vinovits lexicon import` takes. Behind it, and if None, come those
    that the user and the voice have; False or "none" is without any."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to speak, checked."""

    seed: int
    """From it and the sentence's number all noise is drawn."""
    speed: float
    """1 is the voice's own; 2 is twice as fast."""
    sdp_ratio: float
    """Share of the stochastic duration predictor, 0 to 1: rhythm from even to lively."""
    noise: float
    """Deviation of the prior sample: 0 is flat and stable, 1 is lively."""
    noise_w: float
    """Deviation of the stochastic durations."""
    pause: float
    """Seconds of silence between sentences."""
    assist_text: str | None
    """A text whose features colour those of each sentence."""
    assist_weight: float
    """Its share."""


def check_settings(defaults: Defaults, given: SpeakSettings) -> Settings:
    """Fill settings that aren't given from the voice's defaults, and check them.

    Speaker, style, emotion and language are left to those who know what the voice has.

    Raises:
        UsageError: There is no such setting; a value is no number, not finite, or outside of its
            range; the assist text is no text.
    """
    known = list(SpeakSettings.__annotations__)
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            raise UsageError(
                f"There is no setting {name!r}."
                + (f" Did you mean {close[0]!r}?" if close else "")
                + f" There are: {', '.join(known)}."
            )
    seed = given.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or not 0 <= seed < 2**64:
        raise UsageError(f"The seed must be a whole number from 0 to 2**64 - 1, not {seed!r}.")
    assist = given.get("assist_text")
    if assist is not None and not isinstance(assist, str):
        raise UsageError(f"The setting assist_text must be a str, not {type(assist).__name__}.")
    if assist and len(assist) > LONGEST_ASSIST:
        raise UsageError(
            f"The setting assist_text has {len(assist)} characters; {LONGEST_ASSIST} are read at "
            "most. A sentence or two is enough for a mood."
        )
    if not assist and given.get("assist_weight") is not None:
        raise UsageError("The setting assist_weight is for an assist_text, and there is none.")
    return Settings(
        seed=int(seed),
        speed=_check("speed", given.get("speed"), defaults.speed, RANGES["speed"]),
        sdp_ratio=_check(
            "sdp_ratio", given.get("sdp_ratio"), defaults.sdp_ratio, RANGES["sdp_ratio"]
        ),
        noise=_check("noise", given.get("noise"), defaults.noise, RANGES["noise"]),
        noise_w=_check("noise_w", given.get("noise_w"), defaults.noise_w, RANGES["noise_w"]),
        pause=_check("pause", given.get("pause"), defaults.pause, RANGES["pause"]),
        assist_text=assist or None,
        assist_weight=_check(
            "assist_weight", given.get("assist_weight"), ASSIST_WEIGHT, (0.0, 1.0)
        ),
    )


def _check(name: str, value: Any, default: float, limits: tuple[float, float]) -> float:
    if value is None:
        return default
    low, high = limits
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not low <= value <= high:  # NaN is in no range
        raise UsageError(f"The setting {name} must be from {low:g} to {high:g}, not {value!r}.")
    return float(value)
