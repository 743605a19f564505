"""One row of numbers per word piece: a BERT, cut after the layer that voices listen to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vinovits.errors import VoiceError
from vinovits.features.manifest import BertManifest, read_manifest
from vinovits.graphs import GraphInfo, compile_graph


class BertFeatures:
    """Features of word pieces. Any number of threads may use one object at once.

    Attributes:
        name: Name of the feature model.
        width: Numbers per row.
        info: Where the graph really runs and at what precision.

    Args:
        folder: A folder with features.json, the graph and the tokenizer.
        device: The OpenVINO device to run on.
        cache_dir: Where compiled graphs are kept; None for nowhere.

    Raises:
        VoiceError: The folder isn't a sound feature model (see `read_manifest`).
        DeviceError: OpenVINO doesn't have this device.
    """

    def __init__(self, folder: Path, device: str = "cpu", cache_dir: Path | None = None) -> None:
        from tokenizers import Tokenizer

        self._manifest = manifest = read_manifest(folder, BertManifest)
        self.name = manifest.name
        self.width = manifest.width
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # The binding raises bare Exception, whatever went wrong.
            raise VoiceError(f"{folder / 'tokenizer.json'} isn't a tokenizer: {error}.") from error
        sums = [manifest.files["model.xml"], manifest.files["model.bin"]]
        self._graph = compile_graph(folder / "model.xml", device, cache_dir, sums)
        self.info: GraphInfo = self._graph.info

    def pieces(self, word: str) -> list[int]:
        """Ids of the word pieces of one word, tokenised on its own.

        Args:
            word: Any text; [CLS] and [SEP] aren't added.

        Returns:
            The ids in order; none for a word of spaces, control characters or lone surrogates.
        """
        text = word.encode("utf-8", "ignore").decode()  # UTF-8 has no place for lone surrogates.
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def features(self, pieces: Sequence[int]) -> NDArray[np.float32]:
        """Features of a text, given as word pieces.

        A text that is longer than the model can take runs in parts that overlap by half. Each row
        is taken from the part in which its word piece has the most context on its shorter side.

        Args:
            pieces: Ids of the word pieces, without [CLS] and [SEP]; any number.

        Returns:
            Array of shape (len(pieces) + 2, width): rows for [CLS], the pieces and [SEP].

        Raises:
            ValueError: An id isn't in the vocabulary.
        """
        ids = np.asarray(pieces, np.int64).reshape(-1)
        if ids.size and not (ids.min() >= 0 and ids.max() < self._manifest.vocabulary):
            raise ValueError(f"Piece ids run from 0 to {self._manifest.vocabulary - 1}.")
        rows = np.empty((len(ids) + 2, self.width), np.float32)
        for start, stop, first, last in parts(len(ids), self._manifest.max_length - 2):
            part = self._run(ids[start:stop])
            # Row 0 is [CLS]: piece i has row i + 1 here and row i - start + 1 in the part.
            low = 0 if start == 0 else first + 1
            high = len(ids) + 2 if stop == len(ids) else last + 1
            rows[low:high] = part[low - start : high - start]
        return rows

    def _run(self, pieces: NDArray[np.int64]) -> NDArray[np.float32]:
        """One run of the graph: (n,) ids to (n + 2, width) rows."""
        length = len(pieces) + 2
        padded = bucket(length, self._manifest.max_length)
        ids = np.zeros(padded, np.int64)
        ids[0] = self._manifest.first_id
        ids[1 : length - 1] = pieces
        ids[length - 1] = self._manifest.last_id
        mask = np.arange(padded) < length
        return self._graph(input_ids=ids, mask=mask)["features"][:length]


def bucket(length: int, longest: int) -> int:
    """How long a sequence is made by padding.

    OpenVINO keeps about 1 MB for every length that it has seen. With 14 lengths in place of 512,
    memory stays flat.

    Args:
        length: 1 to longest.
        longest: The longest sequence that the model takes.

    Returns:
        The next multiple of 16, of 64 above 128; `longest` if that is nearer.
    """
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
