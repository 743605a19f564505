"""tokenizer.json, made from whatever a model folder has: how the released code reads its texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vinovits.convert.features.sentencepiece import read_sentencepiece
from vinovits.convert.features.source import Config, read_json
from vinovits.errors import CheckpointError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER, WORD_PIECES = "tokenizer.json", "word_pieces.json"
"""Files of a feature folder: for whole texts, and for words that another program has cut."""

_VOCABULARY = "vocab.txt"
_PIECES = ("spm.model", "spiece.model")
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_UNKNOWN, _FIRST, _LAST = "[UNK]", "[CLS]", "[SEP]"
_LONGEST_WORD = 100
"""Characters; a longer one is unknown, as in the released code."""
_GAP = "\x01"
"""Stands for a space where characters are normalised; no text holds it, as controls are dropped."""


def write_tokenizers(source: Path, folder: Path, vocabulary: int) -> tuple[int, int]:
    """Write tokenizer.json into `folder`, and word_pieces.json if the model wants words.

    Args:
        source: Has tokenizer.json, vocab.txt or spm.model, and perhaps tokenizer_config.json.
        folder: Where to write.
        vocabulary: Rows of the embedding table.

    Returns:
        The ids of [CLS] and [SEP], which stand around every text.

    Raises:
        CheckpointError: There is none of these files, one is damaged, or its ids go beyond the
            embedding table or leave half of it unused.
    """
    path = source / "tokenizer_config.json"
    settings = Config(path) if path.is_file() else Config(path, {})
    japanese = settings.get("tokenizer_class") == "BertJapaneseTokenizer"
    if (source / TOKENIZER).is_file() and not japanese:
        path = source / TOKENIZER
        content = read_json(path)
        content["truncation"] = content["padding"] = None
        tokenizer = _parse(content, path)
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"
    else:
        path, tokenizer = _make(source, folder, settings, japanese)
        text = tokenizer.to_str() + "\n"
    ids: dict[str, int] = tokenizer.get_vocab(with_added_tokens=True)
    if missing := [token for token in (_FIRST, _LAST) if token not in ids]:
        raise CheckpointError(f"The vocabulary of {path} lacks {', '.join(missing)}.")
    if max(ids.values()) >= vocabulary:
        raise CheckpointError(
            f"{path} has ids up to {max(ids.values())}, but the model has {vocabulary} embeddings: "
            "they don't belong together."
        )
    # Released tables have some rows to spare; what a cut-off file lacks would all be [UNK].
    if 2 * len(ids) < vocabulary:
        raise CheckpointError(
            f"{path} has only {len(ids)} tokens, but the model has {vocabulary} embeddings: it is "
            "cut off, or another model's."
        )
    (folder / TOKENIZER).write_text(text, encoding="utf-8", newline="\n")
    return ids[_FIRST], ids[_LAST]


def write_vocabulary(path: Path, folder: Path) -> dict[str, int]:
    """Write the tokenizer.json of a vocab.txt of BERT into `folder`; returns its ids by token.

    Raises:
        CheckpointError: The file isn't such a vocabulary.
    """
    vocabulary = _read_vocabulary(path)
    text = _word_pieces(vocabulary, Config(path, {})).to_str() + "\n"
    (folder / TOKENIZER).write_text(text, encoding="utf-8", newline="\n")
    return vocabulary


def _parse(content: dict[str, Any], path: Path) -> Tokenizer:
    """The tokenizer of a tokenizer.json."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_str(json.dumps(content))
        tokenizer.get_vocab()
    except Exception as error:  # The binding raises bare Exception, whatever went wrong.
        raise CheckpointError(f"{path} isn't a tokenizer with a vocabulary: {error}.") from error
    return tokenizer


def _make(source: Path, folder: Path, settings: Config, japanese: bool) -> tuple[Path, Tokenizer]:
    """A tokenizer from a vocabulary, and the file that it comes from."""
    for name in _PIECES:
        if (source / name).is_file():
            return source / name, _unigram(source / name, settings)
    path = source / _VOCABULARY
    if not path.is_file():
        raise CheckpointError(
            f"{source / TOKENIZER} is missing, and so are {_VOCABULARY} and {_PIECES[0]}: the "
            "tokenizer is made from one of them."
        )
    vocabulary = _read_vocabulary(path)
    if japanese:
        kinds = settings.get("word_tokenizer_type"), settings.get("subword_tokenizer_type")
        if kinds == ("basic", "character"):
            return path, _characters(vocabulary, settings)
        if kinds != ("mecab", "wordpiece"):
            raise CheckpointError(
                f"{source / 'tokenizer_config.json'} asks for the tokenizers {kinds[0]!r} and "
                f"{kinds[1]!r}; vinovits knows basic with character and mecab with wordpiece."
            )
        words = _words(vocabulary)
        (folder / WORD_PIECES).write_text(words.to_str() + "\n", encoding="utf-8", newline="\n")
        # Without MeCab's settings, as the first releases ran it, the text is read as any BERT does.
        settings = Config(path, {})
    return path, _word_pieces(vocabulary, settings)


def _read_vocabulary(path: Path) -> dict[str, int]:
    """Ids by token; a line is a token, its number the id."""
    try:
        with path.open(encoding="utf-8") as file:
            tokens = {line.rstrip("\n"): index for index, line in enumerate(file)}
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} can't be read as a vocabulary: {error}.") from error
    if missing := [token for token in (_UNKNOWN, _FIRST, _LAST) if token not in tokens]:
        raise CheckpointError(f"The vocabulary of {path} lacks {', '.join(missing)}.")
    return tokens


def _word_pieces(vocabulary: dict[str, int], settings: Config) -> Tokenizer:
    """BERT's: words at spaces, punctuation and hanzi, cut into the longest pieces that fit."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    # Without a word on accents, lower case goes without them.
    strip = settings.flag("strip_accents") if settings.get("strip_accents") is not None else None
    model = models.WordPiece(vocabulary, unk_token=_UNKNOWN, max_input_chars_per_word=_LONGEST_WORD)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=settings.flag("tokenize_chinese_chars", True),
        strip_accents=strip,
        lowercase=settings.flag("do_lower_case", True),
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return _with_special(tokenizer)


def _words(vocabulary: dict[str, int]) -> Tokenizer:
    """Pieces of words that come one by one, cut and normalised already."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    model = models.WordPiece(vocabulary, unk_token=_UNKNOWN, max_input_chars_per_word=_LONGEST_WORD)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def _characters(vocabulary: dict[str, int], settings: Config) -> Tokenizer:
    """A token per character, after NFKC; spaces and controls vanish."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=_UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.BertNormalizer(
                clean_text=True,
                handle_chinese_chars=False,
                strip_accents=None,
                lowercase=settings.flag("do_lower_case", False),
            ),
            normalizers.NFC(),
            # The released code cuts at spaces first: marks don't join what a space parts, and
            # spaces that NFKC makes are characters.
            normalizers.Replace(" ", _GAP),
            normalizers.NFKC(),
            normalizers.Replace(_GAP, ""),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("(?m:.)"), "isolated")
    return _with_special(tokenizer)


def _unigram(path: Path, settings: Config) -> Tokenizer:
    """SentencePiece's: the likeliest pieces, a mark in front of every word."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    proto = read_sentencepiece(path)
    model = models.Unigram([*proto.pieces], proto.unknown_id, byte_fallback=False)
    tokenizer = Tokenizer(model)
    steps: list[Any] = [normalizers.Lowercase()] if settings.flag("do_lower_case", False) else []
    if proto.character_map:
        try:
            steps.append(normalizers.Precompiled(proto.character_map))
        except Exception as error:  # The binding raises bare Exception, whatever went wrong.
            raise CheckpointError(f"{path} has a damaged map of characters: {error}.") from error
    # Last, as the map makes spaces of other characters.
    steps += [normalizers.Replace(Regex(" {2,}"), " "), normalizers.Strip()]
    tokenizer.normalizer = normalizers.Sequence(steps)
    marks: list[Any] = [pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")]
    if settings.flag("split_by_punct", False):
        marks.insert(0, pre_tokenizers.Punctuation("isolated"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(marks)
    return _with_special(tokenizer)


def _with_special(tokenizer: Tokenizer) -> Tokenizer:
    """Find [MASK] and its like in texts; what the vocabulary lacks follows its last id."""
    from tokenizers import AddedToken

    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in _SPECIAL]
    )
    return tokenizer
