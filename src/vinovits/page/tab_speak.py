"""The tab Speak: its form. Scripts speak what it says, and draw what comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from vinovits.engine.conditions import STYLE_WEIGHTS
from vinovits.engine.settings import ASSIST_WEIGHT, LONGEST_ASSIST
from vinovits.page.parts import Parts, told
from vinovits.serve.recordings import read_recording
from vinovits.voices.manifest import RANGES, VoiceManifest

_LANGUAGE_NAMES = {"zh": "中文", "ja": "日本語", "en": "English"}
_SENTENCE_PAUSE, _PARAGRAPH_PAUSE = 0.2, 1.0
"""Seconds, as upstream's page starts with."""
_MOST_SEED = 2**53 - 1
"""JavaScript counts no further."""
_LENGTHS = tuple(1 / speed for speed in reversed(RANGES["speed"]))
_SOUNDS = (".wav", ".flac", ".mp3", ".ogg", ".opus")

Fields = dict[str, Any]
"""The parts of the form, by the name that a link and the scripts have for them."""


def fill(parts: Parts, tab: gr.Tab) -> None:
    """Put the form into the tab, and the place for what it makes."""
    fields = parts.fields
    fields["voice"] = parts.voice
    groups: Fields = {}
    with gr.Row():
        with gr.Column(scale=3, min_width=300):
            buttons = _text(parts, fields, groups)
            _sound(parts, fields)
            _pauses(parts, fields)
            _mood(parts, fields, groups)
        with gr.Column(scale=4, min_width=300):
            gr.HTML('<div id="vv-takes"></div>', padding=False)
    names = json.dumps(list(fields))
    for key, button in buttons.items():
        button.click(
            None,
            list(fields.values()),
            fields["seed"],
            js=f"(...values) => window.vinovits.speak({key!r}, {names}, values)",
            api_visibility="private",
        )
    shaped = [*fields.values(), *groups.values()]

    def chosen(voice: str) -> Fields:
        return _named(fields | groups, _shape(parts.manifest(voice), {}))

    def opened(request: gr.Request) -> Fields:
        query = {name: request.query_params[name] for name in request.query_params}
        infos = [info.name for info in parts.services.voices.infos()]
        first = parts.services.settings.voice
        voice = query.get("voice") if query.get("voice") in infos else first
        updates = _shape(parts.manifest(voice), query)
        updates["voice"] = gr.update(choices=infos, value=voice if voice in infos else None)
        updates |= _asked(query)
        return _named(fields | groups, updates)

    quiet: Any = {"show_progress": "hidden", "api_visibility": "private"}
    parts.voice.input(told(chosen), parts.voice, shaped, **quiet)
    parts.page.load(opened, None, shaped, **quiet)


def _text(parts: Parts, fields: Fields, groups: Fields) -> dict[str, gr.Button]:
    t = parts.t
    fields["text"] = gr.Textbox(
        label=t("text"),
        placeholder=t("text_hint"),
        lines=5,
        max_lines=20,
        elem_id="vv-text",
    )
    with gr.Row():
        buttons = {
            "speak": gr.Button(t("speak"), variant="primary", elem_id="vv-speak", min_width=90),
            "again": gr.Button(t("again"), elem_id="vv-again", min_width=90),
            "another": gr.Button(t("another"), elem_id="vv-another", min_width=90),
        }
    with gr.Row():
        fields["speaker"] = gr.Dropdown([], label=t("speaker"), elem_id="vv-speaker")
        fields["language"] = gr.Dropdown([], label=t("language"), elem_id="vv-language-of-text")
        fields["seed"] = gr.Number(
            0,
            label=t("seed"),
            info=t("seed_hint"),
            precision=0,
            minimum=0,
            maximum=_MOST_SEED,
            elem_id="vv-seed",
        )
    groups["to_mixed"] = gr.Button(t("to_mixed"), size="sm", elem_id="vv-to-mixed")

    groups["to_mixed"].click(
        None,
        [fields["voice"], fields["speaker"], fields["text"], fields["language"]],
        [fields["text"], fields["language"]],
        js="(...values) => window.vinovits.toMixed(...values)",
        api_visibility="private",
    )
    return buttons


def _sound(parts: Parts, fields: Fields) -> None:
    t = parts.t
    with gr.Accordion(t("sound"), open=True):
        for name in ("sdp_ratio", "noise", "noise_w"):
            low, high = RANGES[name]
            fields[name] = gr.Slider(
                low,
                high,
                step=0.05,
                label=t(name),
                elem_id=f"vv-{name.replace('_', '-')}",
                buttons=[],  # what Gradio would reset to isn't the voice's own
            )
        fields["length"] = gr.Slider(
            _LENGTHS[0],
            _LENGTHS[1],
            value=1.0,
            step=0.05,
            label=t("length"),
            elem_id="vv-length",
            buttons=[],
        )


def _pauses(parts: Parts, fields: Fields) -> None:
    t = parts.t
    cuts = [(t(f"cut_{name}"), name) for name in ("voice", "paragraph", "sentence")]
    with gr.Accordion(t("pauses"), open=False):
        fields["cut"] = gr.Radio(cuts, value="voice", label=t("cut"), elem_id="vv-cut")
        for name, most, value in (
            ("sentence_pause", 5.0, _SENTENCE_PAUSE),
            ("paragraph_pause", 10.0, _PARAGRAPH_PAUSE),
        ):
            fields[name] = gr.Slider(0.0, most, value=value, step=0.1, label=t(name))


def _mood(parts: Parts, fields: Fields, groups: Fields) -> None:
    t = parts.t
    groups["mood"] = gr.Accordion(t("mood"), open=False, elem_id="vv-mood")
    with groups["mood"]:
        fields["style"] = gr.Dropdown([], label=t("style"), elem_id="vv-style")
        fields["style_weight"] = gr.Slider(
            STYLE_WEIGHTS[0], STYLE_WEIGHTS[1], value=1.0, step=0.1, label=t("style_weight")
        )
        fields["assist_text"] = gr.Textbox(
            label=t("assist_text"), max_length=LONGEST_ASSIST, elem_id="vv-assist-text"
        )
        fields["assist_weight"] = gr.Slider(
            0.0, 1.0, value=ASSIST_WEIGHT, step=0.05, label=t("assist_weight")
        )
        fields["emotion_kind"] = gr.Radio(
            [], value="none", label=t("emotion_kind"), elem_id="vv-emotion-kind"
        )
        fields["emotion_text"] = gr.Textbox(
            "Happy", label=t("emotion_text"), max_length=LONGEST_ASSIST
        )
        fields["emotion_number"] = gr.Number(0, label=t("emotion_number"), precision=0, minimum=0)
        groups["recording"] = gr.File(
            label=t("recording"),
            file_types=list(_SOUNDS),
            type="filepath",
            elem_id="vv-recording",
            height=120,
        )
        groups["recording_note"] = gr.Markdown("", elem_id="vv-recording-note")
        fields["prompt"] = gr.Textbox("", visible="hidden", label="prompt")

    @told
    def uploaded(path: str) -> tuple[str, str]:
        file = Path(path)
        try:
            given = read_recording(file, file.name[:80])
        finally:
            file.unlink(missing_ok=True)
        return parts.prompts.put(given), f"{file.name[:80]}: {given.seconds:.1f} s"

    recording: Any = {"show_progress": "hidden", "api_visibility": "private"}
    outputs = [fields["prompt"], groups["recording_note"]]
    groups["recording"].upload(uploaded, groups["recording"], outputs, **recording)
    groups["recording"].clear(lambda: ("", ""), None, outputs, **recording)
    fields["emotion_kind"].change(
        lambda kind: (
            gr.update(visible=kind == "text"),
            gr.update(visible=kind == "number"),
            gr.update(visible=kind == "audio"),
        ),
        fields["emotion_kind"],
        [fields["emotion_text"], fields["emotion_number"], groups["recording"]],
        **recording,
    )


def _shape(manifest: VoiceManifest | None, given: Mapping[str, str]) -> dict[str, Any]:
    """What the form has for a voice: what the voice has no use for is hidden."""
    if manifest is None:
        return {}
    speakers, styles = list(manifest.speakers), list(manifest.styles)
    languages = [(_LANGUAGE_NAMES[code], code) for code in manifest.languages]
    ways = [(Parts.t("auto"), "auto"), (Parts.t("mixed"), "mixed"), *languages]
    emotions = _emotions(manifest)
    emotion = _one_of(given.get("emotion_kind"), emotions, emotions[0])
    defaults = manifest.defaults
    updates: dict[str, Any] = {
        "speaker": gr.update(
            choices=speakers,
            value=_one_of(given.get("speaker"), speakers, speakers[0] if speakers else None),
            visible=len(speakers) > 1,
        ),
        "language": gr.update(
            choices=ways,
            value=_one_of(given.get("language"), [value for _, value in ways], "auto"),
        ),
        "to_mixed": gr.update(visible=len(languages) > 1),
        "length": gr.update(value=round(1 / defaults.speed, 3)),
        "style": gr.update(
            choices=[(Parts.t("style_mean"), ""), *((name, name) for name in styles)],
            value=_one_of(given.get("style"), styles, ""),
            visible=bool(styles),
        ),
        "style_weight": gr.update(visible=bool(styles)),
        "assist_text": gr.update(visible=bool(manifest.features)),
        "assist_weight": gr.update(visible=bool(manifest.features)),
        "emotion_kind": gr.update(
            choices=[(Parts.t(_EMOTIONS[kind]), kind) for kind in emotions],
            value=emotion,
            visible=len(emotions) > 1,
        ),
        "emotion_text": gr.update(visible=emotion == "text"),
        "emotion_number": gr.update(visible=emotion == "number"),
        "recording": gr.update(visible=emotion == "audio", value=None),
        "prompt": gr.update(value=""),
        "recording_note": gr.update(value=""),
        "mood": gr.update(visible=bool(styles or manifest.features or emotions != ["none"])),
    }
    for name in ("sdp_ratio", "noise", "noise_w"):
        updates[name] = gr.update(value=getattr(defaults, name))
    return updates


_EMOTIONS = {
    "none": "emotion_none",
    "text": "emotion_by_text",
    "audio": "emotion_by_audio",
    "number": "emotion_by_number",
}
_TAKEN: dict[str, Callable[[str], Any]] = {
    "text": str,
    "assist_text": str,
    "emotion_text": str,
    "cut": str,
    **dict.fromkeys(
        ("sdp_ratio", "noise", "noise_w", "length", "sentence_pause", "paragraph_pause"), float
    ),
    **dict.fromkeys(("style_weight", "assist_weight"), float),
    **dict.fromkeys(("seed", "emotion_number"), int),
}
"""What a link may say beside what is chosen from lists."""


def _emotions(manifest: VoiceManifest) -> list[str]:
    need = manifest.emotion
    if manifest.spectrogram is not None:
        return ["audio"]  # of a recording such a voice takes the speaker
    if need is None:
        return ["none"]
    return ["none", *(["text"] if need.kind == "clap" else []), *(["number"] if need.rows else []),
            "audio"]  # fmt: skip


def _asked(query: Mapping[str, str]) -> dict[str, Any]:
    """What a link says; the server checks it when it is spoken."""
    updates = {}
    for name, read in _TAKEN.items():
        if name in query:
            try:
                updates[name] = gr.update(value=read(query[name]))
            except ValueError:
                continue
    return updates


def _one_of(value: str | None, known: list[str], otherwise: str | None) -> str | None:
    return value if value in known else otherwise


def _named(parts: Fields, updates: Mapping[str, Any]) -> Fields:
    return {parts[name]: update for name, update in updates.items()}
