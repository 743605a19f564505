"""What isn't here: packages that a command needs, feature models that a new voice listens to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from vinovits.errors import MissingExtraError, VoiceError

if TYPE_CHECKING:
    from vinovits.voices.manifest import VoiceManifest


@contextmanager
def needed_extra(doing: str, extra: str) -> Iterator[None]:
    """Let a block import what an extra brings.

    Args:
        doing: What needs it, for the message: "Converting".
        extra: Its name.

    Raises:
        MissingExtraError: A package isn't installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "vinovits":
            raise
        raise MissingExtraError(
            f"{doing} needs {error.name}, which isn't installed. Install it with: "
            f"pip install 'vinovits[{extra}]'"
        ) from error


def tell_needs(manifest: VoiceManifest) -> bool:
    """Say on standard error how to get what is missing.

    Returns:
        Whether some language of the voice can be spoken with its features.
    """
    from vinovits.features.store import find_features
    from vinovits.store.catalogue import command_for

    spoken = [need.model for need in manifest.features if need.language in manifest.languages]
    prompts = [manifest.emotion.model] if manifest.emotion is not None else []
    missing = []
    for model in dict.fromkeys([*spoken, *prompts]):
        try:
            find_features(model)
        except VoiceError:
            missing.append(model)
            how = command_for(model)
            click.echo(
                f"It listens to {model}, which isn't here. "
                + (f"Get it by: {how}" if how else "The catalogue doesn't have it."),
                err=True,
            )
    return not spoken or not set(spoken) <= set(missing)
