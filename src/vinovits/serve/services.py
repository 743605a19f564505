"""What routes share."""

from __future__ import annotations

from dataclasses import dataclass

from vinovits.serve.errors import ApiError
from vinovits.serve.jobs import Jobs
from vinovits.serve.limits import Limits
from vinovits.serve.log import request
from vinovits.serve.metrics import Metrics
from vinovits.serve.settings import ServeSettings
from vinovits.serve.speech import Order, Speech
from vinovits.serve.trainings import Trainings
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
    limits: Limits
    trainings: Trainings
    ready: bool = False
    """The first voice is loaded."""
    failed: str = ""
    """Why it isn't, and won't be."""

    def check_text(self, text: str, field: str) -> None:
        """Refuse a text that is too long, or more than the key has left.

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
        self.charge(len(text))

    def charge(self, characters: int, *, more: bool = False) -> None:
        """Count a text against the bounds of the request's key.

        Args:
            characters: Of the text.
            more: It is another text than the one that was counted before, if any was.

        Raises:
            ApiError: It is beyond them.
        """
        record = request.get()
        if record is None or record.grant is None:
            return
        before = 0 if more else record.charged or 0
        if characters > before or record.charged is None:
            texts = 1 if more or record.charged is None else 0
            self.limits.charge(record.grant, texts, max(0, characters - before))
            record.charged = characters

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
