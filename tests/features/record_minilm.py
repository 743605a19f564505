"""Record what all-MiniLM-L6-v2 gives in float64, for a test of the packaged graph.

    python -m tests.features.record_minilm FOLDER

FOLDER holds the released model.safetensors and tokenizer.json. A few rows of each sentence are
kept.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from tests.features.reference_bert import hidden_state

RECORDED = Path(__file__).parent / "minilm.npz"
SENTENCES = (
    "The quick brown fox jumps over the lazy dog .",
    "Humorists always sit at the children's table .",
    "Would you like to come with us to the theater on Saturday evening ?",
    "Unbelievably , Zürich's floccinaucinihilipilification committee met !",
    "Yes .",
)
"""Words between spaces, each of which is tokenised on its own."""


def main() -> None:
    folder = Path(sys.argv[1])
    weights = load_file(folder / "model.safetensors")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    arrays = {}
    for index, sentence in enumerate(SENTENCES):
        words = [tokenizer.encode(word, add_special_tokens=False) for word in sentence.split()]
        ids = [101, *(piece for word in words for piece in word.ids), 102]
        state = hidden_state(weights, ids, layers=4, heads=12, epsilon=1e-12)
        kept = np.unique([0, 1, len(ids) // 2, len(ids) - 2, len(ids) - 1])
        arrays |= {
            f"ids{index}": np.array(ids, np.int32),
            f"kept{index}": kept.astype(np.int32),
            f"rows{index}": state[kept].astype(np.float32),
        }
    np.savez_compressed(RECORDED, **arrays)


if __name__ == "__main__":
    main()
