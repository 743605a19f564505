"""The tab Voices: a card for each."""

from __future__ import annotations

from html import escape

import gradio as gr

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
