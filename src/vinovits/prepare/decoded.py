"""Text files as people have them: UTF-8 with and without a mark, UTF-16, GBK, Shift JIS."""

from __future__ import annotations

from pathlib import Path

from vinovits.errors import DataError

_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_LONGEST = 200_000_000


def read_text(path: Path) -> tuple[str, str]:
    """The text of a file, with line ends as "\\n".

    Returns:
        The text; and a sentence for the user where its encoding was guessed, else "".

    Raises:
        DataError: It can't be read, or is in no encoding that is known.
    """
    try:
        if path.stat().st_size > _LONGEST:
            raise DataError(f"{path} has more than {_LONGEST // 10**6} MB. Is it a text?")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path} can't be read: {(error.strerror or str(error)).lower()}."
        ) from None
    named = next((name for mark, name in _MARKS if content.startswith(mark)), "")
    for name in [named] if named else ["utf-8", "gb18030", "cp932", "cp1252"]:
        try:
            text = content.decode(name)
        except UnicodeDecodeError:
            continue
        if name == "gb18030" and _is_kana(content):
            continue
        plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
        guessed = "" if name in ("utf-8", named) else name
        names = {"gb18030": "GBK", "cp932": "Shift JIS", "cp1252": "Windows-1252"}
        note = (
            f"{path.name} isn't UTF-8; it was read as {names[guessed]}. Save it as UTF-8 if "
            "letters are wrong in the report."
            if guessed
            else ""
        )
        return plain, note
    raise DataError(f"{path} is in no encoding that is known. Save it as UTF-8.")


def _is_kana(content: bytes) -> bool:
    """Whether bytes that GBK can read too are rather Shift JIS: many kana of two bytes."""
    try:
        text = content.decode("cp932")
    except UnicodeDecodeError:
        return False
    letters = [character for character in text if not character.isascii()]
    kana = sum("\u3041" <= character <= "\u30fa" for character in letters)
    return len(letters) > 0 and kana > 0.3 * len(letters)
