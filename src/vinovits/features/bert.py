"""One row of numbers per token: a text network, cut after the layer that voices listen to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vinovits.errors import TextError, VoiceError
from vinovits.features.cache import ResultCache
from vinovits.features.lazy import LazyGraph
from vinovits.features.manifest import BertManifest, read_manifest
from vinovits.graphs import GraphInfo

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

Rows = NDArray[np.float32]

_SURROGATES = re.compile("[\ud800-\udfff]")

STATIC_BUCKETS = (32, 64, 128, 256)
"""Tokens of a text where shapes are static. Of 62 Chinese sentences half have at most 42
characters, and nine tenths 48; a token is a character there, and most of a word elsewhere."""

STYLE_WEIGHT = 0.7
"""The share of the style text in the released code, unless told otherwise."""


class BertFeatures:
    """Features of tokens. Any number of threads may use one object at once.

    The graph is compiled when features are first asked for, and results are kept (see
    `vinovits.features.cache`). Voices share one object: see `vinovits.features.store.shared`.

    Attributes:
        name: Name of the feature model.
        width: Numbers per row.
        graph: From input_ids (T), int64, and mask (T), bool, to features (T, width).
        words: True if the model may be asked for texts that MeCab has cut (`pieces_of_words`).

    Args:
        folder: A folder with features.json, the graph and the tokenizer.
        device: The OpenVINO device to run on.
        cache_dir: Where compiled graphs are kept; None for nowhere.
        static: As `LazyGraph` takes it.
        threads: Likewise.
        precision: Likewise.

    Raises:
        VoiceError: The folder isn't a sound feature model (see `read_manifest`).
        DeviceError: OpenVINO doesn't have this device.
    """

    def __init__(
        self,
        folder: Path,
        device: str = "cpu",
        cache_dir: Path | None = None,
        static: bool | None = None,
        threads: int | None = None,
        precision: str | None = None,
    ) -> None:
        self._manifest = manifest = read_manifest(folder, BertManifest)
        how = device, cache_dir, static, threads, precision
        self.graph = LazyGraph(folder, "model", manifest.files, *how)
        self.name = manifest.name
        self.width = manifest.width
        self.words = bool(manifest.word_splitter)
        self._tokenizer = read_tokenizer(folder / "tokenizer.json")
        self._word_tokenizer = (
            read_tokenizer(folder / "word_pieces.json") if self.words else self._tokenizer
        )
        self._results = ResultCache()

    @property
    def info(self) -> GraphInfo:
        """Where the graph really runs and at what precision; loads it if need be."""
        return self.graph.info

    def unload(self) -> None:
        """Give the memory of the graph and of the results back; the next call loads it again."""
        self.graph.unload()
        self._results.clear()

    def pieces(self, text: str) -> list[int]:
        """Ids of the tokens of a text, be it a sentence or a single word.

        Args:
            text: Any text; [CLS] and [SEP] aren't added.

        Returns:
            The ids in order; none for a text of spaces, control characters or lone surrogates.
        """
        ids: list[int] = self._tokenizer.encode(_sound(text), add_special_tokens=False).ids
        return ids

    def pieces_in_place(self, text: str) -> list[tuple[int, int, int]]:
        """Ids of the tokens of a text, with their places.

        Args:
            text: Any text; [CLS] and [SEP] aren't added.

        Returns:
            For each token its id, the index of its first character in the text (of the space in
            front, if the token has it), and the index behind its last.
        """
        encoding = self._encode(text)
        places = zip(encoding.ids, encoding.offsets, strict=True)
        return [(number, start, end) for number, (start, end) in places]

    def tokens(self, text: str) -> list[tuple[str, int, int]]:
        """Tokens of a text, with their places: what front ends of 2.3 part words by.

        Args:
            text: Any text; [CLS] and [SEP] aren't added.

        Returns:
            For each token its entry of the vocabulary ("▁" in front stands for a space), the index
            of its first character in the text, that space included, and the index behind its last.
        """
        encoding = self._encode(text)
        places = zip(encoding.tokens, encoding.offsets, strict=True)
        return [(token, start, end) for token, (start, end) in places]

    def _encode(self, text: str) -> Encoding:
        replaced = _SURROGATES.sub("\ufffd", text)  # one for one, so that places stay right
        return self._tokenizer.encode(replaced, add_special_tokens=False)

    def pieces_of_words(self, words: Sequence[str]) -> list[int]:
        """Ids of the tokens of words that MeCab has cut (`japanese_words.split_words`).

        Raises:
            VoiceError: The model was not made with a tokenizer for words.
        """
        if not self.words:
            raise VoiceError(
                f"The feature model {self.name} has no tokenizer for words. Convert it again from "
                "a folder with its tokenizer_config.json."
            )
        ids: list[int] = self._word_tokenizer.encode(
            [_sound(word) for word in words], is_pretokenized=True, add_special_tokens=False
        ).ids
        return ids

    def features(self, pieces: Sequence[int]) -> Rows:
        """Features of a text, given as tokens.

        A text that is longer than the model can take runs in parts that overlap by half. Each row
        is taken from the part in which its token has the most context on its shorter side.

        Args:
            pieces: Ids of the tokens, without [CLS] and [SEP]; any number.

        Returns:
            Array of shape (len(pieces) + 2, width): rows for [CLS], the tokens and [SEP],
            normalised as the voices of this model were trained.

        Raises:
            ValueError: An id isn't in the vocabulary.
        """
        rows = self.states(pieces)
        return normalise_columns(rows) if self._manifest.normalise == "columns" else rows

    def states(self, pieces: Sequence[int]) -> Rows:
        """The same before normalisation."""
        ids = np.asarray(pieces, np.int64).reshape(-1)
        if ids.size and not (ids.min() >= 0 and ids.max() < self._manifest.vocabulary):
            raise ValueError(f"Piece ids run from 0 to {self._manifest.vocabulary - 1}.")
        key = ids.tobytes()
        if (known := self._results.get(key)) is not None:
            return known
        rows = np.empty((len(ids) + 2, self.width), np.float32)
        for start, stop, first, last in parts(len(ids), self._manifest.max_length - 2):
            part = self._run(ids[start:stop])
            # Row 0 is [CLS]: piece i has row i + 1 here and row i - start + 1 in the part.
            low = 0 if start == 0 else first + 1
            high = len(ids) + 2 if stop == len(ids) else last + 1
            rows[low:high] = part[low - start : high - start]
        self._results.put(key, rows)
        return rows

    def mean(self, pieces: Sequence[int]) -> Rows:
        """What a style text gives to every row of another: the mean (width,) of all its rows."""
        mean: Rows = self.features(pieces).mean(axis=0)
        return mean

    def _run(self, pieces: NDArray[np.int64]) -> Rows:
        """One run of the graph: (n,) ids to (n + 2, width) rows."""
        length = len(pieces) + 2
        padded = bucket(length, self._manifest.max_length, self.graph.static)
        ids = np.zeros(padded, np.int64)
        ids[0] = self._manifest.first_id
        ids[1 : length - 1] = pieces
        ids[length - 1] = self._manifest.last_id
        mask = np.arange(padded) < length
        return self.graph(input_ids=ids, mask=mask)["features"][:length]


def normalise_columns(rows: Rows) -> Rows:
    """Bring every column of rows (T, width) to the length 1, unless it is shorter than 1e-12.

    All T rows count, so that the same token has other features in a longer text.
    """
    lengths = np.linalg.norm(rows, axis=0, keepdims=True)
    normal: Rows = rows / np.maximum(lengths, np.float32(1e-12))
    return normal


def mix_style(rows: Rows, mean: Rows, weight: float = STYLE_WEIGHT) -> Rows:
    """Let a style text (assist text) colour the rows of the text that is spoken.

    Args:
        rows: (T, width).
        mean: (width,), by `BertFeatures.mean` from the style text.
        weight: Its share: 0 leaves the rows alone, 1 replaces them.

    Returns:
        (T, width).
    """
    mixed: Rows = rows * np.float32(1 - weight) + mean * np.float32(weight)
    return mixed


def spread_rows(rows: Rows, word2ph: Sequence[int], entries: int | None = None) -> Rows:
    """Repeat each row for the phones of its token.

    Args:
        rows: (T, width), [CLS] and [SEP] included.
        word2ph: Phones per row, 0 or more; rows beyond its end are left out, as in the released
            code.
        entries: How many entries word2ph must have by the rule of its language, such as the
            characters of a Chinese text and 2; None if there is no such rule.

    Returns:
        (width, sum(word2ph)).

    Raises:
        TextError: There are fewer rows than entries, or not as many entries as there should be:
            phones would get the features of other words.
    """
    if entries is not None and len(word2ph) != entries:
        raise TextError(
            f"The text has {entries} tokens, but phones are counted for {len(word2ph)}. "
            "Its features don't fit its phones: was it read by another front end?"
        )
    if len(word2ph) > len(rows):
        raise TextError(
            f"The text gives {len(rows)} rows of features, but phones are counted for "
            f"{len(word2ph)}. Spell out letters, digits and symbols as words first."
        )
    spread: Rows = np.repeat(rows[: len(word2ph)], word2ph, axis=0).T
    return spread


def read_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer of a feature folder.

    Raises:
        VoiceError: The file isn't one.
    """
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # The binding raises bare Exception, whatever went wrong.
        raise VoiceError(f"{path} isn't a tokenizer: {error}.") from error


def _sound(text: str) -> str:
    """The text without lone surrogates, for which UTF-8 has no place."""
    return text.encode("utf-8", "ignore").decode()


def bucket(length: int, longest: int, static: bool = False) -> int:
    """How long a sequence is made by padding.

    OpenVINO keeps about 1 MB for every length that it has seen. With 14 lengths in place of 512,
    memory stays flat.

    Args:
        length: 1 to longest.
        longest: The longest sequence that the model takes.
        static: Each length is compiled, and holds the weights once more: take few.

    Returns:
        The next multiple of 16, of 64 above 128; the next of `STATIC_BUCKETS` if these are static.
        `longest` if that is nearer.
    """
    if static:
        return min(next((one for one in STATIC_BUCKETS if one >= length), longest), longest)
    step = 16 if length <= 128 else 64
    return min(-(-length // step) * step, longest)


def parts(length: int, window: int) -> Iterator[tuple[int, int, int, int]]:
    """Cut a sequence into windows that overlap by half.

    Args:
        length: Items of the sequence, 0 or more.
        window: The largest size of a window, 1 or more.

    Yields:
        (start, stop, first, last) per window: it covers the items start <= i < stop, and its
        results for the items first <= i < last are the ones to keep. Together these cover the
        sequence once.
    """
    if length <= window:
        yield 0, length, 0, length
        return
    step = max(1, window // 2)
    starts = [*range(0, length - window, step), length - window]
    # Two neighbours share the middle of their overlap.
    seams = [0, *((a + window + b) // 2 for a, b in pairwise(starts)), length]
    for start, (first, last) in zip(starts, pairwise(seams), strict=True):
        yield start, start + window, first, last
