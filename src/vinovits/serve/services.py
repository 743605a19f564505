"""What routes share."""

from __future__ import annotations

from dataclasses import dataclass

from vinovits.serve.errors import ApiError
from vinovits.serve.jobs import Jobs
from vinovits.serve.log import request
from vinovits.serve.metrics import Metrics
from vinovits.serve.settings import ServeSettings
from vinovits.serve.speech import Order, Speech
from vinovits.serve.voices import ServedVoices
from vinovits.serve.work import Work


@dataclass(slots=True)
class Services:
    """The collaborators of one server."""

    settings: ServeSettings
    voices: ServedVoices
    work: Work
    speech: Speech
    metrics: Metrics
    jobs: Jobs
    ready: bool = False
    """The first voice is loaded."""
    failed: str = ""
    """Why it isn't, and won't be."""

    def check_text(self, text: str, field: str) -> None:
        """Refuse a text that is too long.

        Raises:
            ApiError: It is.
        """
        most = self.settings.max_text
        if len(text) > most:
            raise ApiError(
                413,
                f"The text has {len(text)} characters, and {most} are taken.",
                "text_too_long",
                param=field,
            )

    @property
    def owner(self) -> str | None:
        """Name of the API key of the request that is being answered; None where none is needed."""
        record = request.get()
        return None if record is None else record.key

    def note(self, voice: str) -> None:
        """Put the voice into the log's line for this request."""
        if (record := request.get()) is not None:
            record.voice = voice[:60]

    def taken(self, order: Order, field: str) -> Order:
        """An order that may go to the queue.

        Raises:
            ApiError: Its text is too long.
        """
        self.check_text(order.text, field)
        self.note(order.voice)
        return order
