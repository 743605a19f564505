"""Lists and texts of recordings, as people have them: in any encoding, with any line ends."""

from __future__ import annotations

from pathlib import Path

from vinovits.errors import DataError, TextError
from vinovits.text.encoding import decode

_LONGEST = 200_000_000


def read_text(path: Path) -> tuple[str, str]:
    """The text of a file, with line ends as "\\n".

    Returns:
        The text; and a sentence for the user where its encoding was guessed, else "".

    Raises:
        DataError: It can't be read, is too long, or in no encoding that is known.
    """
    try:
        if path.stat().st_size > _LONGEST:
            raise DataError(f"{path} has more than {_LONGEST // 10**6} MB. Is it a text?")
        decoded = decode(path.read_bytes(), path.name)
    except OSError as error:
        raise DataError(
            f"{path} can't be read: {(error.strerror or str(error)).lower()}."
        ) from None
    except TextError as error:
        raise DataError(str(error)) from None
    note = decoded.note and f"{decoded.note} Save it as UTF-8 if letters are wrong."
    return decoded.text.replace("\r\n", "\n").replace("\r", "\n"), note
