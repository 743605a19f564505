"""Models of the store that help to read a text; each is loaded when it is first asked."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from vinovits.text.front_ends import Reading, Tools
from vinovits.voices.manifest import FeatureNeed

if TYPE_CHECKING:
    from vinovits.features.bert import BertFeatures
    from vinovits.features.g2pw import G2pw

POLYPHONES = "g2pW"
"""Name of the feature model that tells the readings of Chinese characters apart."""

RELEASED_ENGLISH = "deberta-v3-large"
"""Name of the model that all released families hear English by."""


class ReadingModels:
    """Finds them for one voice; any number of threads may use it at once.

    Args:
        english: Name of the feature model that the voice hears English by, "" for none.
        device: Where the models run: "cpu", "gpu.1" and so on.
        cache_dir: Where compiled graphs are kept.
    """

    def __init__(self, english: str, device: str, cache_dir: Path) -> None:
        self._english = english
        self._where = device, cache_dir
        self._lock = threading.Lock()
        self._bert: BertFeatures | None = None
        self.g2pw: G2pw | None = None
        """The one that has been asked, if any."""

    def tools(self, languages: Sequence[str], reading: Reading) -> Tools:
        """What is here of what a reading asks for; what isn't is done without.

        Args:
            languages: Codes of those that the text may be in.
            reading: Ours asks no tokenizer.

        Returns:
            Tools whose first call loads a model, and raises a `VoiceError` if that is broken.
        """
        from vinovits.features.store import features_folder

        asks_pieces = reading == "released" and "en" in languages and self._english
        return Tools(
            polyphones=self._polyphones
            if "zh" in languages and features_folder(POLYPHONES)
            else None,
            tokenise=self._tokenise if asks_pieces and features_folder(self._english) else None,
        )

    def _polyphones(self, text: str) -> list[str | None]:
        from vinovits.features.g2pw import G2pw
        from vinovits.features.store import find_features, shared

        with self._lock:
            if self.g2pw is None:
                self.g2pw = shared(G2pw, find_features(POLYPHONES), *self._where)
        return [reading.pinyin for reading in self.g2pw.readings(text)]

    def _tokenise(self, text: str) -> Sequence[tuple[str, int, int]]:
        from vinovits.features.bert import BertFeatures
        from vinovits.features.store import find_features, shared
        from vinovits.text.english.word_pieces import SPACE, stand_in

        with self._lock:
            if self._bert is None:
                self._bert = shared(BertFeatures, find_features(self._english), *self._where)
        tokens = self._bert.tokens(text)
        # The front ends that ask were made for pieces of SentencePiece: they tell a word by it.
        return tokens if any(SPACE in token for token, _, _ in tokens) else stand_in(text)


def english_model(needs: Sequence[FeatureNeed]) -> str:
    """Name of the feature model that a voice hears English by, "" for none."""
    return next((need.model for need in needs if need.language == "en"), "")
