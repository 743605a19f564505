"""Where `say` and `phones` take their text from: the command line, a file, standard input."""

from __future__ import annotations

import codecs
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vinovits.errors import TextError, UsageError

if TYPE_CHECKING:
    from vinovits.text.markup import Markup

LARGEST = 64 << 20
"""Bytes that are read at most, so that an endless file can't fill the memory."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def markup_of(markup: Markup, file: Path | None) -> Markup:
    """What a text is written in, where `--markup auto` leaves that to the name of its file."""
    is_ssml = file is not None and file.suffix.lower() == ".ssml"
    return "ssml" if is_ssml and markup == "auto" else markup


def get_text(text: str | None, file: Path | None) -> str:
    """The text to speak.

    Args:
        text: From the command line; "-" stands for standard input.
        file: A text file; "-" stands for standard input.

    Returns:
        The text, without a byte order mark.

    Raises:
        UsageError: Both are given, or neither is; the file or standard input can't be read.
        TextError: The bytes are no UTF-8, nor UTF-16 with a byte order mark, or too many.
    """
    if (text is None) == (file is None):
        raise UsageError(
            "Give either a text or --file."
            if text is not None
            else f'Give the text, as in `{click.get_current_context().command_path} "Hello."`, or '
            "--file FILE, or - to read it from standard input."
        )
    if text == "-" or (file is not None and str(file) == "-"):
        if sys.stdin is None:
            raise UsageError("Standard input is closed. Give the text, or --file FILE.")
        try:
            return decode(sys.stdin.buffer.read(LARGEST + 1), "Standard input")
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UsageError(f"Standard input can't be read: {reason}.") from error
    if text is not None:
        # Python keeps bytes of the command line that aren't UTF-8 as lone surrogates.
        return decode(os.fsencode(text), "The text")
    assert file is not None
    try:
        with file.open("rb") as stream:
            return decode(stream.read(LARGEST + 1), str(file))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"The text file {file} can't be read: {reason}.") from error


def decode(data: bytes, name: str) -> str:
    """Text of bytes that someone's editor has written.

    Args:
        data: UTF-8 with or without a byte order mark, or UTF-16 with one.
        name: What to call their source in messages.

    Returns:
        The text without the mark.

    Raises:
        TextError: The bytes are nothing of these, or more than `LARGEST`.
    """
    if len(data) > LARGEST:
        raise TextError(f"{name} holds more than {LARGEST >> 20} MB: too much for one text.")
    mark, encoding = next(
        ((mark, encoding) for mark, encoding in _MARKS if data.startswith(mark)), (b"", "utf-8")
    )
    try:
        return data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        offset = len(mark) + error.start
        kind = "UTF-8" if encoding == "utf-8" else "UTF-16"
        raise TextError(
            f"{name} isn't {kind} text: byte {offset} (0x{data[offset]:02x}) fits nowhere. "
            "Save it as UTF-8 in an editor, or convert it with `iconv -t UTF-8`."
        ) from None
