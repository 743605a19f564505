"""What `vinovits prepare` is told, and the limits that it judges by."""

from __future__ import annotations

from dataclasses import dataclass, field

from vinovits.errors import UsageError
from vinovits.text.front_ends import FRONT_ENDS, Reading

RATES = (8000, 96_000)
"""The least and the greatest sampling rate of a training set in Hz."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How recordings become clips.

    Raises:
        UsageError: A value that can't be right.
    """

    sampling_rate: int = 44_100
    """Of the clips, in Hz."""
    shortest: float = 0.8
    """Seconds; shorter clips are rejected: a voice learns no melody from them."""
    longest: float = 15.0
    """Seconds; what is longer and may be cut is cut, the rest is rejected."""
    pause: float = 0.3
    """Seconds without speech at which a recording may be cut."""
    edge: float = 0.1
    """Seconds that are kept before and behind the speech of a clip."""
    level: float = -24.0
    """The mean power of speech after levelling, in dB below full scale."""
    worst_mos: float = 2.0
    """DNSMOS overall (1 to 5) below which a clip is rejected as noisy."""
    family: str = "2.3"
    """Of the voice: it decides the phones."""
    reading: Reading = "better"
    language: str = ""
    """Code of the language of texts that name none; "" to tell it by their letters."""
    speaker: str = ""
    """Name of the speaker of recordings that name none; "" for that of their folder."""
    feature_models: dict[str, str] = field(default_factory=dict)
    """Names of the models that make the text features, by the code of the language."""
    emotion_model: str = ""
    """Name of the CLAP that makes a vector of each clip; "" for none."""
    validation: int | None = None
    """How many clips are held back to judge the voice by; None: one in fifty, 2 to 20."""
    mos: bool = True
    """Whether DNSMOS is measured."""
    base_languages: tuple[str, ...] = ()
    """Codes of the languages that the voice speaks already; none if that isn't known."""
    licence: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        low, high = RATES
        if not low <= self.sampling_rate <= high:
            raise UsageError(
                f"The sampling rate of a training set is {low} to {high} Hz, not "
                f"{self.sampling_rate}."
            )
        if not 0.1 <= self.shortest < self.longest <= 60:
            raise UsageError(
                "The shortest clip is 0.1 s at the least, the longest 60 s at the most, and the "
                f"one shorter than the other; not {self.shortest:g} and {self.longest:g}."
            )
        if not 0.05 <= self.pause <= 5:
            raise UsageError(f"A pause to cut at is 0.05 to 5 s long, not {self.pause:g}.")
        if not -40 <= self.level <= -10:
            raise UsageError(f"The level of speech is -40 to -10 dB, not {self.level:g}.")
        for language in (*self.feature_models, *filter(None, [self.language])):
            if language not in FRONT_ENDS:
                raise UsageError(
                    f"There is no language {language!r}. Take {', '.join(FRONT_ENDS)}."
                )
