"""The tokenizer of RoBERTa: byte pairs of UTF-8, `<s>` and `</s>` around a text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from vinovits.convert.features.source import read_json
from vinovits.errors import CheckpointError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_FIRST, _LAST, _UNKNOWN = "<s>", "</s>", "<unk>"
_SPECIAL = (_FIRST, "<pad>", _LAST, _UNKNOWN, "<mask>")


def roberta_tokenizer(source: Path, vocabulary: int) -> str:
    """The content of a tokenizer.json, without truncation and padding.

    Args:
        source: A model folder with tokenizer.json, or with vocab.json and merges.txt.
        vocabulary: Embeddings of the model.

    Raises:
        CheckpointError: The files are missing or damaged, or don't belong to the model.
    """
    from tokenizers import Tokenizer

    path = source / "tokenizer.json"
    if path.is_file() or not (source / "vocab.json").is_file():
        content = read_json(path)
        content["truncation"] = content["padding"] = None
    else:
        path = source / "vocab.json"
        content = json.loads(_from_pairs(source).to_str())
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"
    try:
        tokenizer = Tokenizer.from_str(text)
    except Exception as error:  # The binding raises bare Exception, whatever went wrong.
        raise CheckpointError(f"{path} isn't a tokenizer: {error}.") from error
    ids = tokenizer.get_vocab()
    ends = [ids.get(_FIRST), ids.get(_LAST)]
    if tokenizer.encode("").ids != ends:
        raise CheckpointError(f"{path} doesn't put {_FIRST} and {_LAST} around a text.")
    if max(ids.values()) >= vocabulary:
        raise CheckpointError(
            f"{path} has ids up to {max(ids.values())}, but the model has {vocabulary} "
            "embeddings: they don't belong together."
        )
    return text


def _from_pairs(source: Path) -> Tokenizer:
    """A tokenizer from the files that older releases have."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

    pieces, merges = source / "vocab.json", source / "merges.txt"
    try:
        model = models.BPE.from_file(str(pieces), str(merges), unk_token=_UNKNOWN)
    except Exception as error:  # As above.
        raise CheckpointError(f"{pieces} and {merges} aren't byte pairs: {error}.") from error
    tokenizer = Tokenizer(model)
    ids = tokenizer.get_vocab()
    if missing := [token for token in _SPECIAL if token not in ids]:
        raise CheckpointError(f"The vocabulary of {pieces} lacks {', '.join(missing)}.")
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(
        (_LAST, ids[_LAST]), (_FIRST, ids[_FIRST]), add_prefix_space=False
    )
    tokenizer.add_special_tokens(
        # A space before the mask belongs to it.
        [AddedToken(token, lstrip=token == "<mask>", normalized=False) for token in _SPECIAL]
    )
    return tokenizer
