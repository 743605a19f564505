"""The tab Voices: a card for each."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from vinovits.errors import UsageError
from vinovits.page.converting import WEIGHTS, convert, has_converter
from vinovits.page.markup import word
from vinovits.page.parts import Parts, told
from vinovits.serve.services import Services
from vinovits.voices.store import VoiceInfo

_SAMPLES = {
    "en": "The train leaves at nine forty-five.",
    "zh": "火车九点四十五分开。",
    "ja": "電車は九時四十五分に出ます。",
}
_NAMES = {"en": "English", "zh": "中文", "ja": "日本語"}
_MOST_NAMES = 30
"""Speakers or styles named on a card."""


def fill(parts: Parts, tab: gr.Tab) -> None:
    """Put the cards into the tab."""
    refresh = gr.Button(parts.t("refresh"), size="sm", elem_id="vv-voices-refresh")
    cards = gr.HTML(padding=False)

    @told
    def shown() -> str:
        return cards_html(parts.services)

    for event in (tab.select, refresh.click):
        event(shown, None, cards, show_progress="hidden", api_visibility="private")
    # Whoever may convert may fill the disk: that is for the user of this machine.
    if parts.services.settings.is_local:
        _converter(parts, cards)


def _converter(parts: Parts, cards: gr.HTML) -> None:
    t = parts.t
    with gr.Accordion(t("convert"), open=False, elem_id="vv-convert"):
        if not has_converter():
            gr.HTML(f"<p>{word('convert_missing')}</p>", padding=False)
            return
        files = gr.File(
            label=t("convert_file"),
            file_count="multiple",
            file_types=[*WEIGHTS, ".json", ".npy"],
            type="filepath",
            height=140,
            elem_id="vv-convert-files",
        )
        with gr.Row():
            name = gr.Textbox(label=t("convert_name"), max_length=64, elem_id="vv-convert-name")
            licence = gr.Textbox(label=t("convert_licence"), max_length=200)
        most = parts.services.settings.max_upload >> 20
        gr.HTML(f"<p>{word('convert_limit')} {most} MiB (max_upload)</p>", padding=False)
        start = gr.Button(t("convert_start"), elem_id="vv-convert-start")
        note = gr.Textbox(label=t("convert_told"), interactive=False, elem_id="vv-convert-note")

    @told
    def converted(given: list[str] | None, name: str, licence: str) -> tuple[Any, ...]:
        if not given:
            raise UsageError("Choose a checkpoint and its config.json first.")
        said = convert([Path(one) for one in given], name.strip(), licence.strip())
        for one in given:
            Path(one).unlink(missing_ok=True)
        names = [info.name for info in parts.services.voices.infos()]
        return said, cards_html(parts.services), gr.update(choices=names), None

    start.click(
        converted,
        [files, name, licence],
        [note, cards, parts.voice, files],
        api_visibility="private",
    )


def cards_html(services: Services) -> str:
    """The cards of all voices."""
    loaded = services.voices.loaded()
    return (
        '<div class="vv-cards">'
        + "".join(_card(info, info.name in loaded) for info in services.voices.infos())
        + "</div>"
    )


def _card(info: VoiceInfo, loaded: bool) -> str:
    manifest, card = info.manifest, info.manifest.card
    sample = _SAMPLES[manifest.languages[0]] if manifest.languages else _SAMPLES["en"]
    rows = [
        ("languages", ", ".join(_NAMES.get(code, code) for code in manifest.languages)),
        ("licence", card.licence or "—"),
        ("use", card.use),
        ("author", card.author),
        ("made_from", card.source),
        ("family", manifest.variant),
        ("rate", f"{manifest.sampling_rate} Hz"),
        ("speakers", _list(list(manifest.speakers))),
        ("styles", _list(list(manifest.styles))),
    ]
    told = "".join(f"<dt>{word(key)}</dt><dd>{escape(value)}</dd>" for key, value in rows if value)
    name = escape(info.name)
    return (
        f'<article class="vv-card" aria-labelledby="vv-card-{name}">'
        f'<h2 id="vv-card-{name}">{escape(card.title or info.name)}</h2>'
        f"<p><code>{name}</code>{' · ' + word('loaded') if loaded else ''}</p>"
        f"<p>{escape(card.description)}</p><dl>{told}</dl>"
        f'<p><button type="button" class="vv-button" data-sample="{escape(sample)}" '
        f'data-voice="{name}">{word("sample")}</button></p></article>'
    )


def _list(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES])
    return f"{shown} … ({len(names)})" if len(names) > _MOST_NAMES else shown
