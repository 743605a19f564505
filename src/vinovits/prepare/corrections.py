"""What people have changed after they saw the report: texts, and whether a clip is used."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vinovits.errors import DataError
from vinovits.prepare.checks import Candidate

ORIGIN = "corrected by hand"


@dataclass(frozen=True, slots=True)
class Correction:
    """Of one clip."""

    text: str | None = None
    """What is said in it; None: as it was found."""
    use: bool | None = None
    """Use it though it is rejected, or leave it out; None: as the checks say."""


def read_corrections(path: Path) -> dict[str, Correction]:
    """Read a file of corrections: a JSON object of objects with "text" and "use", by clip.

    Raises:
        DataError: It can't be read as such.
    """
    try:
        data = json.loads(path.read_bytes())
        found = {str(name): Correction(**one) for name, one in data.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path} isn't a file of corrections: {error}.") from None
    for name, one in found.items():
        if not isinstance(one.text, str | None) or not isinstance(one.use, bool | None):
            raise DataError(f'{path}: of {name[:60]!r}, "text" is a text and "use" true or false.')
    return found


def put_texts(candidates: Sequence[Candidate], corrections: Mapping[str, Correction]) -> list[str]:
    """Give clips the texts of their corrections; returns notes for the user."""
    known = {one.id: one for one in candidates}
    for name, correction in corrections.items():
        if correction.text is not None and name in known:
            known[name].text, known[name].origin = correction.text, ORIGIN
    gone = sum(name not in known for name in corrections)
    return [f"{gone} corrections are of clips that aren't there any more."] if gone else []


def put_choices(
    candidates: Sequence[Candidate], corrections: Mapping[str, Correction]
) -> list[str]:
    """Leave out clips that aren't wanted; the names of those that are, though they are rejected."""
    forced = []
    for one in candidates:
        use = corrections.get(one.id, Correction()).use
        if use is False:
            one.rejections.append(("choice", "It was left out by hand."))
        elif use and one.rejections and one.trainable:
            forced.append(one.id)
    return forced
