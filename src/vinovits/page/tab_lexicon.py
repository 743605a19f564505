"""The tab Lexicon: the readings that count for all voices, or for one. A script lists them."""

from __future__ import annotations

import gradio as gr

from vinovits.page.parts import Parts
from vinovits.text.lexicon.entry import LONGEST_READING, LONGEST_WRITTEN


def fill(parts: Parts, tab: gr.Tab) -> None:
    """Put the form, and the place for the list, into the tab."""
    t = parts.t
    scope = gr.Radio(
        [(t("lexicon_all"), "all"), (t("lexicon_one"), "one")],
        value="all",
        label=t("lexicon_scope"),
        elem_id="vv-lexicon-scope",
    )
    with gr.Row():
        written = gr.Textbox(label=t("word"), max_length=LONGEST_WRITTEN, elem_id="vv-lexicon-word")
        reading = gr.Textbox(
            label=t("lexicon_reading"), max_length=LONGEST_READING, elem_id="vv-lexicon-reading"
        )
    with gr.Row():
        language = gr.Dropdown(
            [(t("auto"), ""), ("中文", "zh"), ("日本語", "ja"), ("English", "en")],
            value="",
            label=t("lexicon_language"),
        )
        context = gr.Textbox(label=t("lexicon_context"))
    with gr.Row():
        put = gr.Button(t("lexicon_put"), variant="primary", elem_id="vv-lexicon-put")
        remove = gr.Button(t("lexicon_remove"), elem_id="vv-lexicon-remove")
    gr.HTML('<div id="vv-lexicon"></div>', padding=False)
    where = [parts.voice, scope]
    word = [*where, written, reading, language, context]
    for event, inputs, call in (
        (tab.select, where, "lexicon"),
        (scope.change, where, "lexicon"),
        (parts.voice.change, where, "lexicon"),
        (put.click, word, "putWord"),
        (remove.click, [*where, written], "removeWord"),
    ):
        event(
            None,
            inputs,
            None,
            js=f"(...values) => window.vinovits.{call}(...values)",
            api_visibility="private",
        )
