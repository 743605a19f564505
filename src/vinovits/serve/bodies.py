"""What requests ask for: their fields, and the bounds of each."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, field_validator

from vinovits.engine.conditions import STYLE_WEIGHTS
from vinovits.engine.settings import LONGEST_ASSIST, SpeakSettings
from vinovits.engine.speakers import MOST_MIXED
from vinovits.output.audio_stream import Kind
from vinovits.text.front_ends import Reading
from vinovits.text.markup import Markup
from vinovits.voices.manifest import RANGES

_NAME = 200
"""Characters of a name."""

Name = Annotated[str, Field(max_length=_NAME)]
Mix = Annotated[
    dict[Name, Annotated[float, Field(ge=0, allow_inf_nan=False)]],
    Field(min_length=1, max_length=MOST_MIXED),
]
Seed = Annotated[int, Field(ge=0, lt=2**64)]


def _within(limits: tuple[float, float], what: str) -> Any:
    return Field(None, ge=limits[0], le=limits[1], allow_inf_nan=False, description=what)


class Strict(BaseModel):
    """Fields have the types that they have in JSON, and there are no others."""

    model_config = ConfigDict(strict=True, extra="forbid")


class ReadFields(Strict):
    """How a text is to be read."""

    language: Literal["zh", "ja", "en"] | None = Field(
        None, description="The language of the text; by default each part is read in its own."
    )
    markup: Markup = Field("auto", description="What the text is written in.")
    reading: Reading | None = Field(
        None, description='"released" reads as the front end that came with the voice\'s family.'
    )
    lexicon: dict[str, str] | None = Field(
        None,
        description="Readings that go before all others, by word.",
        examples=[{"tomato": "T AH0 M AA1 T OW0"}],
    )


class VoiceFields(ReadFields):
    """How a voice is to speak. What isn't given is the voice's own."""

    speed: float | None = _within(RANGES["speed"], "2 is twice as fast.")
    seed: Seed | Literal["random"] = Field(
        0, description='The same text, settings and seed give the same audio; "random" draws one.'
    )
    sdp_ratio: float | None = _within(RANGES["sdp_ratio"], "From an even rhythm to a lively one.")
    noise: float | None = _within(RANGES["noise"], "How lively the sound is.")
    noise_w: float | None = _within(RANGES["noise_w"], "How lively the rhythm is.")
    pause: float | None = _within(RANGES["pause"], "Seconds of silence between sentences.")
    speaker: Name | Annotated[int, Field(ge=0)] | Mix | None = Field(
        None,
        description="Name or number of a speaker of the voice, or a mix: weights by name. By "
        "default the first.",
        examples=["ann", {"ann": 0.7, "bob": 0.3}],
    )
    style: Name | None = Field(None, description="Name of a style, for voices that have some.")
    style_weight: float | None = _within(STYLE_WEIGHTS, "How strongly; 1 is the style itself.")
    emotion: (
        Annotated[str, Field(max_length=LONGEST_ASSIST)] | Annotated[int, Field(ge=0)] | None
    ) = Field(None, description="A description or a number, for voices that take one.")
    assist_text: Annotated[str, Field(max_length=LONGEST_ASSIST)] | None = Field(
        None, description="A text whose mood colours the speech without being spoken."
    )
    assist_weight: float | None = _within((0.0, 1.0), "How strongly; 0.7 by default.")


class SpeakFields(VoiceFields):
    """How a text is to be spoken, and sent at once."""

    sample_rate: Annotated[int, Field(ge=8000, le=48000)] | None = Field(
        None,
        description="Hz to resample to. By default that of the voice, but 24000 for pcm, as in "
        "OpenAI's interface. Opus takes the next rate that it knows.",
    )


class VoiceId(Strict):
    """A voice, as newer clients of OpenAI name it."""

    id: Name


class SpeechRequest(SpeakFields):
    """`POST /v1/audio/speech`."""

    model: Name = Field(description='"vinovits"; OpenAI\'s names are taken for it.')
    voice: Name | VoiceId = Field(
        description='Name of a voice, or "voice/speaker".', examples=["joe"]
    )
    input: str = Field(description="The text.", examples=["The train leaves at 9:45."])
    response_format: Kind = Field("mp3", description="Of the audio.")
    instructions: Annotated[str, Field(max_length=LONGEST_ASSIST)] | None = Field(
        None,
        description="How to sound, for voices that take a description; the header X-Ignored names "
        "it for others.",
    )
    stream_format: Literal["audio", "sse"] = Field(
        "audio", description="Bytes of audio, or events with pieces of it in base64."
    )
    timings: bool = Field(
        False,
        description="With events: one with the words and phones of each sentence, and when they "
        "are heard, before its audio.",
    )


class SpeakRequest(SpeakFields):
    """`POST /api/speak`."""

    text: str = Field(description="What to say.", examples=["The train leaves at 9:45."])
    voice: Name | None = Field(None, description="Name of a voice; by default the server's.")
    format: Kind = Field("wav", description="Of the audio.")
    reply: Literal["audio", "json", "multipart"] = Field(
        "audio",
        description="The bare audio as it is made; or when all is made, the audio with its timings "
        "as JSON, or as a form with a part for each file.",
    )
    subtitles: list[Literal["srt", "vtt", "lrc"]] = Field(
        default=[], max_length=3, description="Subtitles to add to JSON or a form."
    )


class FormFields(VoiceFields):
    """Fields of a form: numbers and switches are words there."""

    model_config = ConfigDict(strict=False, extra="forbid")

    @field_validator("speaker", "emotion", "lexicon", mode="before")
    @classmethod
    def _of_form(cls, value: Any) -> Any:
        """Numbers, and mixes and lexicons in JSON, as a form has them."""
        if not isinstance(value, str):
            return value
        if value.isascii() and value.isdecimal() and len(value) < 10:
            return int(value)
        if value.lstrip().startswith("{"):
            try:
                return json.loads(value)
            except (ValueError, RecursionError):
                return value
        return value


class SpeakForm(SpeakRequest, FormFields):
    """`POST /api/speak` as a form, which may hold a recording."""

    model_config = ConfigDict(strict=False, extra="forbid")

    @field_validator("subtitles", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        """Formats as a form has them: several fields, or one with commas."""
        return value.split(",") if isinstance(value, str) else value


class JobRequest(VoiceFields):
    """`POST /api/jobs`."""

    text: str = Field(description="What to say.", examples=["Chapter one. It was a dark night."])
    voice: Name | None = Field(None, description="Name of a voice; by default the server's.")
    format: Literal["wav", "mp3", "flac", "opus"] = Field("mp3", description="Of the audio.")
    title: Annotated[str, Field(max_length=_NAME)] = Field("", description="For lists of jobs.")
    paragraph_pause: float | None = _within(
        RANGES["pause"], "Seconds of silence between paragraphs; by default as between sentences."
    )


class BookRequest(FormFields):
    """The form of `POST /api/jobs/book`, beside its file."""

    voice: Name | None = Field(None, description="Name of a voice; by default the server's.")
    format: Literal["m4b", "mp3", "opus", "flac", "wav"] = Field(
        "m4b", description="Of the audio; the first three have chapters."
    )
    title: Annotated[str, Field(max_length=_NAME)] = Field(
        "", description="In place of the book's own."
    )
    author: Annotated[str, Field(max_length=_NAME)] = Field("", description="The same.")
    paragraph_pause: float | None = _within(
        RANGES["pause"], "Seconds of silence between paragraphs; 0.5 by default."
    )
    markup: Literal["auto"] = Field("auto", description="That of the book's own format.")
    notes: bool = Field(False, description="Read foot and end notes.")
    tables: bool = Field(False, description="Read tables.")
    code: bool = Field(False, description="Read code.")
    captions: bool = Field(True, description="Read captions of figures.")
    gaps: Literal["fail", "mark"] = Field(
        "fail",
        description="What becomes of parts that can't be spoken: the job fails, or a low tone "
        "stands for them.",
    )
    encoding: (
        Literal["utf-8", "utf-16", "gb18030", "big5", "shift_jis", "euc_jp", "windows-1252"] | None
    ) = Field(None, description="Of text files; by default it is guessed.")


class ReadRequest(ReadFields):
    """`POST /api/read`."""

    text: str = Field(description="What to read.", examples=["I read what you have read."])
    voice: Name | None = Field(None, description="Name of a voice; by default the server's.")


def speak_settings(fields: VoiceFields, seed: int) -> SpeakSettings:
    """What the engine takes, of those fields that were given.

    Args:
        fields: Of a request.
        seed: That counts.
    """
    names = SpeakSettings.__annotations__.keys() & VoiceFields.model_fields.keys()
    given = {name: getattr(fields, name) for name in names if getattr(fields, name) is not None}
    return cast(SpeakSettings, {**given, "seed": seed})
