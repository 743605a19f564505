"""Many texts, spoken by several threads and given in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, Literal, TypeVar, cast, get_args

from vinovits.engine.result import Audio
from vinovits.errors import UsageError, VinovitsError

Text = str | Mapping[str, Any]
"""What to say; or a mapping of `text` to that, and of settings that are its own."""

Errors = Literal["raise", "yield"]

Given = TypeVar("Given")
"""`Audio`, or that or a `VinovitsError`."""

Speak = Callable[[str, Mapping[str, Any], threading.Event], Audio]
"""From a text and the settings that are its own; it ends early when the event is set."""

MOST_WORKERS = 256

_WAITING = 2
"""Texts beside those of the workers that are begun or wait to be taken."""


class Stopped(Exception):  # noqa: N818 (nobody sees it: it ends a worker's text)
    """The iterator was closed."""


class Many(Generic[Given], Iterator[Given]):
    """The audio of texts in their order, for one thread.

    At most as many texts as there are workers, and two more, are begun before they are asked for.
    Used in a `with` statement, it stops its work when the block is left. It gives its audio once.
    """

    def __init__(
        self, speak: Speak, texts: Iterable[Text], workers: int, errors: Errors = "raise"
    ) -> None:
        """Prepare to speak; `Voice.speak_many` finds the arguments. Work begins with `next`.

        Args:
            speak: Called from several threads at once.
            texts: Taken as they are needed, by the thread that asks for the audio.
            workers: How many texts are spoken at once.
            errors: What becomes of a text that can't be spoken.
        """
        self._speak, self._errors = speak, errors
        self._texts: Iterator[Text] | None = iter(texts)
        self._most = workers + _WAITING
        self._begun: deque[Future[Audio]] = deque()
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(workers, "vinovits-many")

    def __next__(self) -> Given:
        self._begin()
        if not self._begun:
            self.close()
            raise StopIteration
        future = self._begun.popleft()
        given: Any
        try:
            given = future.result()
        except VinovitsError as error:
            if self._errors == "raise":
                raise
            given = error
        return cast(Given, given)

    def close(self) -> None:
        """Stop the work, within one window of the decoder; the audio ends here."""
        self._texts = None
        self._stop.set()
        for future in self._begun:
            future.cancel()
        self._begun.clear()
        self._pool.shutdown(cancel_futures=True)

    def __enter__(self) -> Many[Given]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self) -> None:
        """Let the workers have texts, as many as may wait."""
        while self._texts is not None and len(self._begun) < self._most:
            try:
                text = next(self._texts)
            except StopIteration:
                self._texts = None
            except BaseException as error:
                # What the caller's own iterator raises comes behind the audio of the texts before.
                self._texts = None
                failed: Future[Audio] = Future()
                failed.set_exception(error)
                self._begun.append(failed)
            else:
                self._begun.append(self._pool.submit(self._work, text))

    def _work(self, text: Text) -> Audio:
        words, own = _parted(text)
        return self._speak(words, own, self._stop)


def check_errors(errors: object) -> None:
    """Is it one of `Errors`?

    Raises:
        UsageError: It isn't.
    """
    if errors not in get_args(Errors):
        raise UsageError(f'`errors` is "raise" or "yield", not {errors!r:.40}.')


def check_workers(workers: object) -> int:
    """A number of workers.

    Raises:
        UsageError: It is no whole number from 1 to `MOST_WORKERS`.
    """
    if (
        isinstance(workers, bool)
        or not isinstance(workers, int)
        or not 1 <= workers <= MOST_WORKERS
    ):
        raise UsageError(
            f"The number of workers must be a whole number from 1 to {MOST_WORKERS}, not "
            f"{workers!r:.40}."
        )
    return workers


def _parted(text: Text) -> tuple[str, Mapping[str, Any]]:
    if not isinstance(text, Mapping):
        return text, {}
    if not isinstance(text.get("text"), str):
        raise UsageError('A text that is given as a mapping needs an entry "text".')
    return text["text"], {name: value for name, value in text.items() if name != "text"}
