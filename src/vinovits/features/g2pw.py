"""Which reading a Chinese character has in its sentence: g2pW (Chen et al., 2022).

Texts are in traditional characters; the readings of the model are in bopomofo, the name of the
phonetic script, with a digit for the tone.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vinovits.errors import VoiceError
from vinovits.features.bert import read_tokenizer
from vinovits.features.lazy import LazyGraph
from vinovits.features.manifest import G2pwManifest, read_manifest
from vinovits.graphs import GraphInfo
from vinovits.manifests import build

EXCLUDED_POLYPHONIC = frozenset("一不和咋嗲剖差攢倒難奔勁拗肖瘙誒泊听噢")
"""Characters whose reading the released code doesn't ask the model for."""
EXCLUDED_MONOPHONIC = frozenset("似攢")
"""Characters for which it doesn't take the table's only reading."""

_WORD = re.compile(r"[a-zA-Z0-9]+|\S")
"""What is tokenised as a whole: letters and digits in a row, else a single character."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a character is read."""

    source: str
    """"model", "monophonic" for a character with one reading, or "fallback": then a general
    dictionary of readings has to say."""
    bopomofo: str | None
    """Such as "ㄔㄤ2"; None for a fallback."""
    pinyin: str | None
    """Such as "chang2"."""


@dataclass(frozen=True, slots=True)
class Queries:
    """What the model is asked about one sentence: Q characters in T tokens, of R readings."""

    positions: tuple[int, ...]
    """Where the characters stand in the text."""
    inputs: dict[str, NDArray[Any]]
    """input_ids, token_type_ids, attention_mask int64 (Q, T), phoneme_mask float32 (Q, R), char_ids
    and position_ids int64 (Q,)."""


@dataclass(frozen=True, slots=True)
class _Tables:
    """The content of tables.json."""

    readings: tuple[str, ...]
    """All readings that the model tells apart, in the order of its output."""
    polyphonic: dict[str, Any]
    """Numbers of the readings of each character with several, in the order of the model."""
    monophonic: dict[str, str]
    """The reading of each character with one."""
    pinyin: dict[str, str]
    """Pinyin of bopomofo, both without tone."""


class G2pw:
    """Readings of characters. Any number of threads may use one object at once.

    The graph is compiled when it is first needed. Share one object by
    `vinovits.features.store.shared`.

    Args:
        folder: A folder with features.json, the graph, its tables and the tokenizer.
        device: The OpenVINO device to run on.
        cache_dir: Where compiled graphs are kept; None for nowhere.

    Raises:
        VoiceError: The folder isn't a sound feature model (see `read_manifest`).
        DeviceError: OpenVINO doesn't have this device.
    """

    def __init__(self, folder: Path, device: str = "cpu", cache_dir: Path | None = None) -> None:
        self._manifest = read_manifest(folder, G2pwManifest)
        self.name = self._manifest.name
        self.graph = LazyGraph(folder, "model", self._manifest.files, device, cache_dir)
        self._tables = _read_tables(folder / "tables.json")
        self._numbers = {character: row for row, character in enumerate(self._tables.polyphonic)}
        self._tokenizer = read_tokenizer(folder / "tokenizer.json")

    @property
    def info(self) -> GraphInfo:
        """Where the graph really runs and at what precision; loads it if need be."""
        return self.graph.info

    def unload(self) -> None:
        """Give the memory of the graph back; the next call loads it again."""
        self.graph.unload()

    def readings(self, text: str) -> list[Reading]:
        """A reading for every character of a sentence.

        Args:
            text: One sentence in traditional characters; readings depend on all of it.

        Returns:
            One per character, spaces and marks included.
        """
        chosen = dict(self._choose(text))
        return [self._reading(character, chosen.get(at)) for at, character in enumerate(text)]

    def queries(self, text: str) -> Queries | None:
        """What the model is asked about a sentence; None if there is nothing to ask."""
        asked = [
            at
            for at, character in enumerate(text)
            if character in self._numbers and character not in EXCLUDED_POLYPHONIC
        ]
        ids, places = self._tokens(text)
        longest = self._manifest.max_length
        if len(ids) > longest:
            ids = [*ids[: longest - 1], self._manifest.last_id]
            asked = [at for at in asked if places[at] < longest - 1]
        if not asked:
            return None
        rows = len(asked)
        mask = np.zeros((rows, len(self._tables.readings)), np.float32)
        for row, at in enumerate(asked):
            mask[row, self._tables.polyphonic[text[at]]] = 1
        tokens = np.tile(np.array(ids, np.int64), (rows, 1))
        inputs: dict[str, NDArray[Any]] = {
            "input_ids": tokens,
            "token_type_ids": np.zeros_like(tokens),
            "attention_mask": np.ones_like(tokens),
            "phoneme_mask": mask,
            "char_ids": np.array([self._numbers[text[at]] for at in asked], np.int64),
            "position_ids": np.array([places[at] for at in asked], np.int64),
        }
        return Queries(tuple(asked), inputs)

    def probabilities(self, queries: Queries) -> NDArray[np.float32]:
        """How likely each reading is for each character asked about: (Q, R)."""
        return self.graph(**queries.inputs)["probs"]

    def _choose(self, text: str) -> list[tuple[int, int]]:
        """Positions of the characters that the model reads, and the numbers of their readings."""
        queries = self.queries(text)
        if queries is None:
            return []
        best = self.probabilities(queries).argmax(axis=1).tolist()
        return list(zip(queries.positions, best, strict=True))

    def _reading(self, character: str, number: int | None) -> Reading:
        tables = self._tables
        if number is not None:
            source, bopomofo = "model", tables.readings[number]
        elif character in tables.monophonic and character not in EXCLUDED_MONOPHONIC:
            source, bopomofo = "monophonic", tables.monophonic[character]
        else:
            return Reading("fallback", None, None)
        syllable = tables.pinyin.get(bopomofo[:-1])
        return Reading(source, bopomofo, syllable and f"{syllable}{bopomofo[-1]}")

    def _tokens(self, text: str) -> tuple[list[int], dict[int, int]]:
        """Ids of the tokens with [CLS] and [SEP], and which token each character is in."""
        # One by one, so that places stay: lower case of a few letters is two characters.
        lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
        words = list(_WORD.finditer(lower.encode("utf-8", "replace").decode()))
        tokens = self._tokenizer.encode_batch(
            [word.group() for word in words], add_special_tokens=False
        )
        ids: list[int] = [self._manifest.first_id]
        places: dict[int, int] = {}
        for word, token in zip(words, tokens, strict=True):
            places |= dict.fromkeys(range(*word.span()), len(ids))
            ids += token.ids or [self._manifest.unknown_id]
        return [*ids, self._manifest.last_id], places


def _read_tables(path: Path) -> _Tables:
    try:
        tables = build(_Tables, json.loads(path.read_bytes()), str(path))
    except (OSError, ValueError, RecursionError) as error:
        raise VoiceError(f"{path} can't be read: {error}. Convert the model again.") from None
    for character, numbers in tables.polyphonic.items():
        if not isinstance(numbers, list) or not all(
            type(number) is int and 0 <= number < len(tables.readings) for number in numbers
        ):
            raise VoiceError(f"{path} lists {numbers!r:.60} as the readings of {character!r:.9}.")
    return tables
