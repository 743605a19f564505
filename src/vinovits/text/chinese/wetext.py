"""Normalisation of the later families: the compiled rules of WeTextProcessing.

The rules are finite-state transducers (Apache-2.0, see NOTICE). Which version of them a family's
front end ran decides details such as how 1,400 is read, so each is kept as it was released.
"""

from __future__ import annotations

import lzma
import re
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from vinovits.errors import MissingExtraError
from vinovits.text.chinese.tables import data_file

_ORDERS = {
    "date": ("year", "month", "day"),
    "fraction": ("denominator", "numerator"),
    "measure": ("denominator", "numerator", "value"),
    "money": ("value", "currency"),
    "time": ("noon", "hour", "minute", "second"),
}
"""In which order Chinese says the parts of a token, whatever order they were written in."""
_TOKEN = re.compile(r'(\w+) \{((?: \w+: "(?:[^"\\]|\\.)*")*) \}', re.DOTALL)
_PART = re.compile(r'(\w+): "((?:[^"\\]|\\.)*)"', re.DOTALL)


def normalise(text: str, tagger: str, verbalizer: str) -> str:
    """Write out numbers, dates, units and the like as the rules say.

    Args:
        text: One sentence.
        tagger: File in data/chinese that finds what is to be said, such as "wetext-1.2.0-tagger".
        verbalizer: File that says it.

    Returns:
        The text in simplified characters and half-width marks.

    Raises:
        MissingExtraError: The package kaldifst isn't installed.
    """
    text = text.encode("utf-8", "replace").decode()  # lone surrogates
    tagged = _transducer(tagger).normalize(text)
    return str(_transducer(verbalizer).normalize(_TOKEN.sub(_reorder, tagged))) if tagged else ""


def _reorder(token: re.Match[str]) -> str:
    parts = dict(_PART.findall(token[2]))
    order = parts if parts.get("preserve_order") == "true" else _ORDERS.get(token[1], parts)
    said = "".join(f' {key}: "{parts[key]}"' for key in order if key in parts)
    return f"{token[1]} {{{said} }}"


@cache
def _transducer(name: str) -> Any:
    try:
        import kaldifst
    except ImportError:
        raise MissingExtraError(
            "The normalisation that this voice was trained with needs the package kaldifst. "
            'Install it with `pip install "vinovits[zh]"`.'
        ) from None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.fst"
        path.write_bytes(lzma.decompress(data_file(f"{name}.fst.xz").read_bytes()))
        return kaldifst.TextNormalizer(str(path))
