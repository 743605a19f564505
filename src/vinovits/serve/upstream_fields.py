"""What the requests of upstream's clients mean: Bert-VITS2's, and those of Style-Bert-VITS2."""

from __future__ import annotations

import codecs
import secrets
from typing import Any, Literal
from urllib.parse import unquote

from pydantic import BaseModel, Field

from vinovits.engine.conditions import STYLE_WEIGHTS
from vinovits.engine.settings import LONGEST_ASSIST, SpeakSettings
from vinovits.serve.clips import Clip
from vinovits.serve.details import refuse
from vinovits.serve.errors import ApiError
from vinovits.voices.manifest import RANGES
from vinovits.voices.store import VoiceInfo

Dialect = Literal["bert-vits2", "style-bert-vits2"]

_STYLE_BERT_ONLY = frozenset(
    [
        "model_name",
        "split_interval",
        "assist_text",
        "assist_text_weight",
        "style",
        "encoding",
        "reference_audio_path",
    ]
)
_BERT_ONLY = frozenset(["style_text", "emotion", "auto_translate"])
_LENGTHS = (1 / RANGES["speed"][1], 1 / RANGES["speed"][0])
_NAME = 200
_LANGUAGES = {"zh": "zh", "jp": "ja", "ja": "ja", "en": "en", "auto": None, "mix": None}
_ENCODINGS = frozenset(
    [
        "utf-8",
        "ascii",
        "iso8859-1",
        "cp1252",
        "shift_jis",
        "cp932",
        "euc_jp",
        "iso2022_jp",
        "gbk",
        "gb2312",
        "gb18030",
        "big5",
    ]
)
"""What a text may be in: others that Python knows are no encodings of texts, or slow."""


def _range(setting: str, what: str) -> Any:
    low, high = RANGES[setting]
    return Field(None, ge=low, le=high, allow_inf_nan=False, description=what)


class VoiceQuery(BaseModel):
    """The query of `/voice`, of both servers; fields that there aren't are passed over."""

    text: str | None = Field(None, description="What to say.", examples=["Good morning."])
    model_id: int | None = Field(
        None, description="Number of a voice, as `/models/info` has it.", examples=[0]
    )
    model_name: str | None = Field(
        None, max_length=_NAME, description="Name of a voice; goes before model_id."
    )
    speaker_name: str | None = Field(None, max_length=_NAME, description="Of the voice's speakers.")
    speaker_id: int | None = Field(None, description="Number of one of the voice's speakers.")
    sdp_ratio: float | None = _range("sdp_ratio", "0.2 by default.")
    noise: float | None = _range("noise", "0.2 by default; 0.6 for Style-Bert-VITS2.")
    noisew: float | None = _range("noise_w", "0.9 by default; 0.8 for Style-Bert-VITS2.")
    length: float | None = Field(
        None,
        ge=_LENGTHS[0],
        le=_LENGTHS[1],
        allow_inf_nan=False,
        description="2 is half as fast; 1 by default.",
    )
    language: str | None = Field(
        None,
        max_length=_NAME,
        description="ZH, JP, EN, auto or mix. By default the language that each part of the text "
        "is in; for Style-Bert-VITS2 JP, where the voice speaks it.",
        examples=["EN"],
    )
    auto_split: bool | None = Field(
        None,
        description="Speak line by line, as Style-Bert-VITS2 does by default. Sentences are parted "
        "in any case.",
    )
    split_interval: float | None = Field(
        None,
        ge=RANGES["pause"][0],
        le=RANGES["pause"][1],
        allow_inf_nan=False,
        description="Seconds of silence between lines; 0.5 by default.",
    )
    style: str | None = Field(None, max_length=_NAME, description="Name of a style.")
    style_weight: float | None = Field(
        None,
        ge=STYLE_WEIGHTS[0],
        le=STYLE_WEIGHTS[1],
        allow_inf_nan=False,
        description="Of the style (Style-Bert-VITS2), or of style_text (0 to 1, 0.7 by default).",
    )
    style_text: str | None = Field(
        None, max_length=LONGEST_ASSIST, description="A text whose mood colours the speech."
    )
    assist_text: str | None = Field(
        None, max_length=LONGEST_ASSIST, description="The same, as Style-Bert-VITS2 names it."
    )
    assist_text_weight: float | None = Field(
        None, ge=0, le=1, allow_inf_nan=False, description="Its share; 1 by default."
    )
    emotion: str | None = Field(
        None,
        max_length=LONGEST_ASSIST,
        description="A number or a description, for voices that take one.",
    )
    encoding: str | None = Field(
        None, max_length=40, description="Of a text that is URL-encoded twice."
    )
    auto_translate: bool | None = Field(None, description="Ignored: texts aren't translated.")
    reference_audio_path: str | None = Field(
        None, description="Ignored: no path of a request is opened."
    )
    seed: str | None = Field(
        None,
        pattern=r"^([0-9]{1,19}|random)$",
        description='Not of upstream: a number, 0 by default, or "random".',
    )


def dialect_of(query: VoiceQuery, has_recording: bool, voice: VoiceInfo | None) -> Dialect:
    """Whose client this is.

    A field that only one of the servers has tells it; else a request without model_id is for
    Style-Bert-VITS2, where it may be left out; else the voice's family does.

    Args:
        query: What was sent.
        has_recording: A recording came with it.
        voice: The one that model_id names, if there is one.
    """
    given = query.model_dump(exclude_none=True).keys()
    if given & _STYLE_BERT_ONLY:
        return "style-bert-vits2"
    if has_recording or given & _BERT_ONLY:
        return "bert-vits2"
    if query.model_id is None:
        return "style-bert-vits2"
    is_style = voice is not None and voice.manifest.variant.startswith("sbv2")
    return "style-bert-vits2" if is_style else "bert-vits2"


class UpstreamError(ApiError):
    """An error that Bert-VITS2's clients know by a number of its own."""

    def __init__(self, status: int, number: int, message: str) -> None:
        """Say what is wrong.

        Args:
            status: Of HTTP. Upstream sends 200, which proxies and libraries take for success.
            number: 10 to 13.
            message: A sentence.
        """
        super().__init__(status, message, "invalid_value")
        self.number = number


def clip_of(query: VoiceQuery, dialect: Dialect, info: VoiceInfo) -> Clip:
    """What to speak.

    Args:
        query: What was asked for.
        dialect: Whose defaults count.
        info: The voice.

    Raises:
        ApiError: A field can't be right.
    """
    is_style = dialect == "style-bert-vits2"
    text = _text(query)
    ignored = [
        name
        for name in ("auto_translate", "reference_audio_path")
        if getattr(query, name) not in (None, False)
    ]
    language = _language(query.language, is_style, info)
    settings: SpeakSettings = {
        "seed": _seed(query.seed),
        "sdp_ratio": _or(query.sdp_ratio, 0.2),
        "noise": _or(query.noise, 0.6 if is_style else 0.2),
        "noise_w": _or(query.noisew, 0.8 if is_style else 0.9),
        "speed": 1 / _or(query.length, 1.0),
        "language": language,
        # Of upstream's markup, which is that of "mix", the rest is text.
        "markup": "plain" if (query.language or "").lower() == "mix" else "off",
    }
    speaker = _speaker(query, is_style, info)
    if speaker is not None:
        settings["speaker"] = speaker
    assist = query.assist_text if is_style else query.style_text
    if assist:
        weight = query.assist_text_weight if is_style else query.style_weight
        settings["assist_text"] = assist
        settings["assist_weight"] = min(1.0, _or(weight, 1.0 if is_style else 0.7))
    if is_style:
        ignored += _add_style(settings, query, info)
    elif query.emotion:
        ignored += _add_emotion(settings, query.emotion, info)
    by_line = is_style and query.auto_split is not False
    lines = [line for line in text.splitlines() if line.strip()] if by_line else [text]
    between = _or(query.split_interval, 0.5) if by_line else 0.0
    return Clip(info.name, lines or [text], settings, between, ignored=tuple(ignored))


def _text(query: VoiceQuery) -> str:
    text = query.text or ""
    if query.encoding:
        try:
            name = codecs.lookup(query.encoding).name
        except (LookupError, ValueError):
            name = ""
        if name not in _ENCODINGS:
            raise refuse(422, f"There is no encoding {query.encoding!r:.60} of texts.")
        text = unquote(text, encoding=name, errors="replace")
    return text


def _language(asked: str | None, is_style: bool, info: VoiceInfo) -> str | None:
    spoken = info.manifest.languages
    if not asked:
        return "ja" if is_style and "ja" in spoken else None
    if asked.lower() not in _LANGUAGES:
        raise refuse(422, f"There is no language {asked!r:.40}. There are: ZH, JP, EN, auto, mix.")
    code = _LANGUAGES[asked.lower()]
    if code is not None and code not in spoken:
        names = {"zh": "ZH", "ja": "JP", "en": "EN"}
        able = ", ".join(names.get(one, one) for one in spoken)
        raise refuse(422, f"The voice {info.name} doesn't speak {asked.upper()}. It speaks {able}.")
    return code


def _speaker(query: VoiceQuery, is_style: bool, info: VoiceInfo) -> str | None:
    """The name of the speaker, by name or number; None: the voice has none by name."""
    names = info.manifest.speakers
    if query.speaker_name is not None:
        if query.speaker_name not in names:
            raise UpstreamError(404, 13, f"There is no speaker {query.speaker_name!r:.80}.")
        return query.speaker_name
    number = query.speaker_id
    if number is None:
        if not is_style:
            raise UpstreamError(400, 11, "Give a speaker_name or a speaker_id.")
        return min(names, key=lambda name: names[name]) if names else None
    by_number = {row: name for name, row in names.items()}
    if number not in by_number:
        if is_style and query.speaker_id == 0 and names:
            return min(names, key=lambda name: names[name])
        raise UpstreamError(404, 12, f"There is no speaker with the number {number}.")
    return by_number[number]


def _add_style(settings: SpeakSettings, query: VoiceQuery, info: VoiceInfo) -> list[str]:
    """Add style and weight to the settings; the fields that the voice has no use for."""
    styles = info.manifest.styles
    if not styles:
        return [name for name in ("style", "style_weight") if getattr(query, name) is not None]
    style = query.style or ("Neutral" if "Neutral" in styles else None)
    if style is not None and style not in styles:
        known = ", ".join(list(styles)[:20])
        raise refuse(422, f"There is no style {style!r:.80}. There are: {known}.")
    if style is not None:
        settings["style"] = style
    if query.style_weight is not None:
        settings["style_weight"] = query.style_weight
    return []


def _add_emotion(settings: SpeakSettings, emotion: str, info: VoiceInfo) -> list[str]:
    """Add an emotion to the settings; the fields that the voice has no use for."""
    need = info.manifest.emotion
    if need is not None and emotion.isdecimal() and len(emotion) < 10 and need.rows:
        settings["emotion"] = int(emotion)
    elif need is not None and need.kind == "clap" and not emotion.isdecimal():
        settings["emotion"] = emotion
    else:
        return ["emotion"]
    return []


def _seed(given: str | None) -> int:
    if given == "random":
        return secrets.randbits(32)
    return int(given or 0)


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
