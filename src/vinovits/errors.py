"""The errors a user may see; every message is a sentence that says what to do."""

from __future__ import annotations

from typing import Any

TOLD = "vinovits: "
"""What the command line puts before the sentence of an error."""


class VinovitsError(Exception):
    """Base of all errors of vinovits. The command line prints it and exits with `exit_code`."""

    exit_code = 1

    def __reduce__(self) -> tuple[Any, ...]:
        """How errors go from one process to another, whatever their initializers take."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[VinovitsError], args: tuple[Any, ...], state: dict[str, Any]) -> Exception:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class UsageError(VinovitsError):
    """A setting, name or option that can't be right, whatever the files hold."""

    exit_code = 2


class TextError(VinovitsError):
    """Text that can't be spoken: empty, too long, nothing readable in it."""


class LanguageError(TextError):
    """Text in a language that the voice can't speak.

    Attributes:
        language: English name of the language or script found, such as "Chinese".
    """

    def __init__(self, message: str, language: str) -> None:
        super().__init__(message)
        self.language = language


class VoiceError(VinovitsError):
    """A voice or feature folder that is missing a file, altered, or of an unknown format."""


class MissingModelError(VoiceError):
    """A feature model that a voice needs and that isn't here.

    Attributes:
        model: Its name.
        command: What gets it; "" if nothing is known that does.
    """

    def __init__(self, message: str, model: str, command: str) -> None:
        super().__init__(message)
        self.model, self.command = model, command


class CheckpointError(VinovitsError):
    """A checkpoint or its config that can't be converted."""


class DataError(VinovitsError):
    """Recordings or a training set that can't be used."""


class TrainingError(VinovitsError):
    """A training that can't go on."""


class DeviceError(UsageError):
    """A device that OpenVINO doesn't have, or that can't compute in the precision asked for."""


class DeviceFailedError(DeviceError):
    """A device that is there but can't compile or run a graph: for its driver, or as it is gone."""

    exit_code = 1


class OutputError(VinovitsError):
    """Audio, timings or a picture that can't be written where they were asked for."""


class LexiconError(VinovitsError):
    """A lexicon's file that can't be read, or an entry that can't be right."""


class DownloadError(VinovitsError):
    """A model or voice that can't be fetched, or isn't what it should be."""


class MissingExtraError(VinovitsError):
    """A feature whose optional packages aren't installed; the message names the install command."""
