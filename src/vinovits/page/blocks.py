"""The page: what is above the tabs, and the tabs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr

from vinovits.page import (
    tab_book,
    tab_lexicon,
    tab_read,
    tab_speak,
    tab_status,
    tab_train,
    tab_voices,
)
from vinovits.page.parts import Parts
from vinovits.page.prompts import Prompts
from vinovits.serve.services import Services


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab."""

    key: str
    """Its name, in words.toml."""
    fill: Callable[[Parts, gr.Tab], None]
    """Puts its parts into it."""


TABS = (
    Tab("speak", tab_speak.fill),
    Tab("read", tab_read.fill),
    Tab("book", tab_book.fill),
    Tab("voices", tab_voices.fill),
    Tab("lexicon", tab_lexicon.fill),
    Tab("train", tab_train.fill),
    Tab("status", tab_status.fill),
)


_MOST_WAITING = 256
"""Events of the form; sound is no such event."""
_CACHE = (600, 3600)
"""Seconds: how often uploads are looked through, and the age at which they go."""


def build(services: Services, prompts: Prompts) -> gr.Blocks:
    """Make the page.

    Args:
        services: What it works with.
        prompts: Where recordings are kept.
    """
    names = [info.name for info in services.voices.infos()]
    first = services.settings.voice
    page: gr.Blocks
    with gr.Blocks(
        title="vinovits", analytics_enabled=False, fill_width=True, delete_cache=_CACHE
    ) as page:
        gr.HTML(_HEADER, padding=False)
        voice = gr.Dropdown(
            names,
            value=first if first in names else None,
            label=Parts.t("voice"),
            elem_id="vv-voice",
        )
        parts = Parts(services, prompts, page, voice)
        with gr.Tabs(elem_id="vv-tabs"):
            for tab in TABS:
                with gr.Tab(parts.t(tab.key), id=tab.key) as made:
                    tab.fill(parts, made)
    # The queue that counts is the server's: Gradio's must hold nothing back.
    page.queue(default_concurrency_limit=None, max_size=_MOST_WAITING, api_open=False)
    return page


_HEADER = """
<header class="vv-header">
  <h1>vinovits</h1>
  <label><span data-word="page_language"></span>
    <select id="vv-language">
      <option value="en" lang="en">English</option>
      <option value="zh" lang="zh-CN">中文</option>
      <option value="ja" lang="ja">日本語</option>
    </select>
  </label>
</header>
"""
