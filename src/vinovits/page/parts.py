"""What the tabs share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar

import gradio as gr
from gradio.i18n import I18nData

from vinovits.page.prompts import Prompts
from vinovits.serve.errors import ApiError, api_error
from vinovits.serve.services import Services
from vinovits.voices.manifest import VoiceManifest

P = ParamSpec("P")
R = TypeVar("R")


KEY = "vinovits_"
"""Gradio has texts of its own under plain names."""


@dataclass(slots=True)
class Parts:
    """The page while it is made: what its tabs work with."""

    services: Services
    prompts: Prompts
    page: gr.Blocks
    voice: gr.Dropdown
    """The voice, chosen above the tabs."""
    fields: dict[str, Any] = field(default_factory=dict)
    """The form of the tab Speak, once that is there, by the names that links and scripts use."""

    @staticmethod
    def t(key: str) -> I18nData:
        """A text of words.toml, in the reader's language."""
        return I18nData(KEY + key)

    @staticmethod
    def shown(error: ApiError) -> gr.Error:
        """The message that Gradio shows; it stays until it is closed."""
        return gr.Error(str(error), duration=None, print_exception=False)

    def manifest(self, name: str | None) -> VoiceManifest | None:
        """Of a voice; None if there is none of that name."""
        for info in self.services.voices.infos():
            if info.name == name:
                return info.manifest
        return None


def told(handler: Callable[P, R]) -> Callable[P, R]:
    """A handler of the page whose faults are shown as sentences, as the interface answers them."""

    @functools.wraps(handler)
    def handled(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handler(*args, **kwargs)
        except gr.Error:
            raise
        except Exception as error:  # Gradio would show no more than "Error"
            raise Parts.shown(api_error(error)) from None

    return handled
