"""Stand-ins for a tokenizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vinovits.text.sequence import Cut


def cut_into(pieces: Mapping[str, Sequence[int]]) -> Cut:
    """A tokenizer that knows some words, and what each is cut into."""

    def cut(text: str) -> list[tuple[int, int, int]]:
        found: list[tuple[int, int, int]] = []
        at = 0
        while at < len(text):
            known = [word for word in pieces if text.startswith(word, at)]
            word = max(known, key=len) if known else text[at]
            found += [(piece, at, at + len(word)) for piece in pieces.get(word, ())]
            at += len(word)
        return found

    return cut
