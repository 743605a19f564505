"""The tab Read: words with their readings, to be heard and changed. A script fills it."""

from __future__ import annotations

import gradio as gr

from vinovits.page.parts import Parts


def fill(parts: Parts, tab: gr.Tab) -> None:
    """Put the text, and the place for its words, into the tab."""
    t = parts.t
    text = gr.Textbox(label=t("text"), lines=4, max_lines=20, elem_id="vv-read-text")
    with gr.Row():
        show = gr.Button(t("show_readings"), variant="primary", elem_id="vv-read", min_width=120)
        put = gr.Button(t("apply_readings"), elem_id="vv-read-apply", min_width=120)
        speak = gr.Button(t("use_in_speak"), elem_id="vv-read-speak", min_width=120)
    gr.HTML('<div id="vv-readings"></div>', padding=False)
    for button, call, target in (
        (show, "read", text),
        (put, "applyReadings", text),
        (speak, "readToSpeak", parts.fields["text"]),
    ):
        button.click(
            None,
            [parts.voice, text],
            target,
            js=f"(voice, text) => window.vinovits.{call}(voice, text)",
            api_visibility="private",
        )
