"""What VOICEVOX's clients send and get: names and types as in its public OpenAPI description."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from vinovits.voices.manifest import RANGES

_MOST_MORAS = 10_000
_MOST_PHRASES = 5_000
_LONGEST = 60.0
"""Seconds of a mora, or of a silence."""

Seconds = Annotated[float, Field(ge=0, le=_LONGEST, allow_inf_nan=False)]

EXAMPLE_MORAS: list[dict[str, Any]] = [
    {
        "text": "ハ",
        "consonant": "h",
        "consonant_length": 0.08,
        "vowel": "a",
        "vowel_length": 0.1,
        "pitch": 0.0,
    },
    {
        "text": "イ",
        "consonant": None,
        "consonant_length": None,
        "vowel": "i",
        "vowel_length": 0.14,
        "pitch": 0.0,
    },
]
EXAMPLE_PHRASE: dict[str, Any] = {
    "moras": EXAMPLE_MORAS,
    "accent": 1,
    "pause_mora": None,
    "is_interrogative": False,
}
EXAMPLE_QUERY: dict[str, Any] = {
    "accent_phrases": [EXAMPLE_PHRASE],
    "speedScale": 1.0,
    "pitchScale": 0.0,
    "intonationScale": 1.0,
    "volumeScale": 1.0,
    "prePhonemeLength": 0.1,
    "postPhonemeLength": 0.1,
    "pauseLength": None,
    "pauseLengthScale": 1.0,
    "outputSamplingRate": 24000,
    "outputStereo": False,
    "kana": "ハ'イ",
    "text": "はい",
}


class Mora(BaseModel):
    """A mora, or the pause behind an accent phrase ("pau")."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_MORAS[0]]})

    text: str = Field(max_length=40, description="In katakana.")
    consonant: str | None = Field(default=None, max_length=40)
    consonant_length: Seconds | None = Field(default=None, description="Seconds.")
    vowel: str = Field(max_length=40)
    vowel_length: Seconds = Field(description="Seconds.")
    pitch: float = Field(default=0.0, allow_inf_nan=False, description="Always 0; ignored.")

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return (self.consonant_length or 0.0) + self.vowel_length


class AccentPhrase(BaseModel):
    """Moras with one accent."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_PHRASE]})

    moras: list[Mora] = Field(min_length=1, max_length=_MOST_MORAS)
    accent: int = Field(
        ge=0, le=_MOST_MORAS, description="Number of the mora behind which the tone falls."
    )
    pause_mora: Mora | None = Field(default=None, description="The pause behind it.")
    is_interrogative: bool = False

    @property
    def kana(self) -> str:
        """What is said."""
        return "".join(mora.text for mora in self.moras)

    @property
    def falls_behind(self) -> int:
        """Number of the mora behind which the tone falls; 0: it doesn't within the phrase."""
        return self.accent if 0 < self.accent < len(self.moras) else 0

    @property
    def seconds(self) -> float:
        """How long its moras last."""
        return sum(mora.seconds for mora in self.moras)


class AudioQuery(BaseModel):
    """What to speak, and how."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_QUERY]})

    accent_phrases: list[AccentPhrase] = Field(max_length=_MOST_PHRASES)
    speedScale: float = Field(  # noqa: N815
        default=1.0, ge=RANGES["speed"][0], le=RANGES["speed"][1], allow_inf_nan=False
    )
    pitchScale: float = Field(default=0.0, allow_inf_nan=False, description="Ignored.")  # noqa: N815
    intonationScale: float = Field(  # noqa: N815
        default=1.0,
        ge=0,
        le=2,
        allow_inf_nan=False,
        description="How strong the style is, for voices with styles, as in AivisSpeech; ignored "
        "for others.",
    )
    tempoDynamicsScale: float | None = Field(  # noqa: N815
        default=None,
        ge=0,
        le=2,
        allow_inf_nan=False,
        description="How lively the rhythm is, as in AivisSpeech: 1 is the voice's own.",
    )
    volumeScale: float = Field(default=1.0, ge=0, le=4, allow_inf_nan=False)  # noqa: N815
    prePhonemeLength: Seconds = Field(  # noqa: N815
        default=0.1, description="Seconds of silence before the speech."
    )
    postPhonemeLength: Seconds = Field(  # noqa: N815
        default=0.1, description="Seconds of silence behind it."
    )
    pauseLength: Seconds | None = Field(  # noqa: N815
        default=None, description="Seconds of every pause, in place of their own."
    )
    pauseLengthScale: float = Field(default=1.0, ge=0, le=10, allow_inf_nan=False)  # noqa: N815
    outputSamplingRate: int = Field(default=24000, ge=8000, le=96000)  # noqa: N815
    outputStereo: bool = False  # noqa: N815
    kana: str | None = Field(
        default=None,
        max_length=1_000_000,
        description="The reading in VOICEVOX's notation; the text itself for voices that don't "
        "speak Japanese.",
    )
    text: str | None = Field(
        default=None,
        max_length=1_000_000,
        description="Not of VOICEVOX: the text that the query was made for. Sent back, it makes "
        "the speech more natural, since the voice hears the words themselves.",
    )


class Style(BaseModel):
    """A way to speak; its id is what others call `speaker`."""

    name: str
    id: int
    type: str = "talk"


class Morphing(BaseModel):
    """What a speaker can be mixed with."""

    permitted_synthesis_morphing: str = "NOTHING"


class Speaker(BaseModel):
    """A speaker of a voice."""

    name: str
    speaker_uuid: str
    styles: list[Style]
    version: str
    supported_features: Morphing = Morphing()


class UserDictWord(BaseModel):
    """A word of the user's dictionary."""

    surface: str = Field(max_length=200)
    priority: int = Field(default=5, ge=0, le=10)
    context_id: int = 1348
    part_of_speech: str = "名詞"
    part_of_speech_detail_1: str = "固有名詞"
    part_of_speech_detail_2: str = "一般"
    part_of_speech_detail_3: str = "*"
    inflectional_type: str = "*"
    inflectional_form: str = "*"
    stem: str = "*"
    yomi: str = Field(default="", max_length=1000)
    pronunciation: str = Field(max_length=1000)
    accent_type: int = Field(ge=0, le=1000)
    mora_count: int | None = None
    accent_associative_rule: str = "*"
