"""The tab Book: texts and books as jobs, which go on while nobody looks. A script follows them."""

from __future__ import annotations

import json

import gradio as gr

from vinovits.page.markup import word
from vinovits.page.parts import Parts

_FORMATS = ("mp3", "m4b", "opus", "flac", "wav")
_FILES = ".txt,.md,.html,.htm,.xhtml,.epub,.docx,.pdf"


def fill(parts: Parts, tab: gr.Tab) -> None:
    """Put the form, and the place for the jobs, into the tab."""
    t = parts.t
    text = gr.Textbox(label=t("book_text"), lines=8, max_lines=16, elem_id="vv-book-text")
    gr.HTML(
        '<p><label for="vv-book-file" data-word="book_file"></label> '
        f'<input type="file" id="vv-book-file" accept="{_FILES}"></p>'
        '<div id="vv-book-note"></div>',
        padding=False,
    )
    with gr.Row():
        title = gr.Textbox(label=t("book_title"), max_length=200)
        kind = gr.Dropdown(list(_FORMATS), value=_FORMATS[0], label=t("book_format"))
        pause = gr.Slider(0.0, 10.0, value=1.0, step=0.1, label=t("paragraph_pause"))
        seed = gr.Number(0, label=t("seed"), precision=0, minimum=0)
    gr.HTML(f"<p>{word('book_settings')}</p>", padding=False)
    start = gr.Button(t("book_start"), variant="primary", elem_id="vv-book-start")
    gr.HTML(f'<h2>{word("book_jobs")}</h2><div id="vv-jobs"></div>', padding=False)
    own = {"text": text, "title": title, "format": kind, "paragraph_pause": pause, "seed": seed}
    names = json.dumps([*parts.fields, *own])
    start.click(
        None,
        [*parts.fields.values(), *own.values()],
        None,
        js=f"(...values) => window.vinovits.startBook({names}, values)",
        api_visibility="private",
    )
    tab.select(None, None, None, js="() => window.vinovits.followJobs()", api_visibility="private")
