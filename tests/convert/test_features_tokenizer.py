"""tokenizer.json from whatever a folder has, and vocabularies that don't fit."""

from __future__ import annotations

import contextlib
import json
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from tests.conftest import GOLDEN
from vinovits.convert.features.sentencepiece import read_sentencepiece
from vinovits.convert.features.tokenizer import write_tokenizers, write_vocabulary
from vinovits.errors import CheckpointError, VinovitsError

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def make(folder: Path, tokens: list[str], vocabulary: int = 12, **settings: object) -> Tokenizer:
    source, out = folder / "source", folder / "out"
    source.mkdir()
    out.mkdir()
    (source / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    if settings:
        (source / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    ends = write_tokenizers(source, out, vocabulary)
    assert ends == (tokens.index("[CLS]"), tokens.index("[SEP]"))
    return Tokenizer.from_file(str(out / "tokenizer.json"))


def pieces(tokenizer: Tokenizer, text: str) -> list[str]:
    return list(tokenizer.encode(text, add_special_tokens=False).tokens)


def test_a_vocabulary_alone_makes_the_lower_casing_tokenizer(tmp_path: Path) -> None:
    tokenizer = make(tmp_path, [*SPECIAL, "good", "##ly", "か", "中", "文", "!"])
    assert pieces(tokenizer, "GOODly 中文!") == ["good", "##ly", "中", "文", "!"]
    assert pieces(tokenizer, "が") == ["か"], "voicing marks are stripped"
    assert pieces(tokenizer, "龘中") == ["[UNK]", "中"]
    assert pieces(tokenizer, "a" * 101) == ["[UNK]"]
    assert pieces(tokenizer, " \x00\t ") == []


def test_case_is_kept_where_the_settings_say_so(tmp_path: Path) -> None:
    tokenizer = make(tmp_path, [*SPECIAL, "Good", "が"], do_lower_case=False)
    assert pieces(tokenizer, "Good good が") == ["Good", "[UNK]", "が"]


def test_characters_after_nfkc(tmp_path: Path) -> None:
    tokenizer = make(
        tmp_path,
        [*SPECIAL, *"がか.A1"],
        tokenizer_class="BertJapaneseTokenizer",
        do_lower_case=False,
        word_tokenizer_type="basic",
        subword_tokenizer_type="character",
    )
    assert pieces(tokenizer, "…") == [".", ".", "."]
    assert pieces(tokenizer, "ｶﾞＡ１") == ["[UNK]", "A", "1"], "no katakana in the vocabulary"
    assert pieces(tokenizer, "か か\u3099 が\n") == ["か", "が", "が"]
    assert pieces(tokenizer, "か \u3099") == ["か", "[UNK]"], "a space parts a mark from its letter"
    assert pieces(tokenizer, "[CLS]か[MASK]") == ["[CLS]", "か", "[MASK]"]


def test_other_japanese_tokenizers_are_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="asks for the tokenizers 'sudachi' and 'wordpiece'"):
        make(
            tmp_path,
            SPECIAL,
            tokenizer_class="BertJapaneseTokenizer",
            word_tokenizer_type="sudachi",
            subword_tokenizer_type="wordpiece",
        )


def test_a_vocabulary_larger_than_the_model(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="ids up to 6, but the model has 6 embeddings"):
        make(tmp_path, [*SPECIAL, "a", "b"], 6)


def test_a_vocabulary_cut_off(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="only 7 tokens, but the model has 15 embeddings"):
        make(tmp_path, [*SPECIAL, "a", "b"], 15)


def test_a_vocabulary_without_what_every_text_needs(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_text("a\nb\n", encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"lacks \[UNK\], \[CLS\], \[SEP\]"):
        write_vocabulary(tmp_path / "vocab.txt", tmp_path)
    (tmp_path / "vocab.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CheckpointError, match="can't be read as a vocabulary"):
        write_vocabulary(tmp_path / "vocab.txt", tmp_path)


def test_nothing_to_make_a_tokenizer_from(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"tokenizer\.json is missing, and so are vocab\.txt"):
        write_tokenizers(tmp_path, tmp_path, 10)


SPM = GOLDEN / "features" / "deberta-v3-large" / "spm.model"


def test_sentencepiece_model() -> None:
    model = read_sentencepiece(SPM)
    assert [piece for piece, _ in model.pieces[:4]] == ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    assert model.unknown_id == 3
    assert len(model.character_map) > 100_000
    assert all(score <= 0 for _, score in model.pieces)


def test_sentencepiece_texts(tmp_path: Path) -> None:
    (tmp_path / "spm.model").write_bytes(SPM.read_bytes())
    out = tmp_path / "out"
    out.mkdir()
    assert write_tokenizers(tmp_path, out, 174) == (1, 2)
    tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    assert pieces(tokenizer, "") == pieces(tokenizer, " \n ") == []
    assert pieces(tokenizer, "  Hello   there! ") == ["▁He", "l", "lo", "▁the", "re", "!"]
    assert pieces(tokenizer, "Ｈｅｌｌｏ there!") == ["▁He", "l", "lo", "▁the", "re", "!"]
    ids = tokenizer.encode("范范 a", add_special_tokens=False).ids
    assert ids.count(3) == 1, "characters that are unknown together are one token"
    with pytest.raises(CheckpointError, match="embeddings: they don't belong together"):
        write_tokenizers(tmp_path, out, 50)


def test_sentencepiece_models_cut_off_or_of_another_kind(tmp_path: Path) -> None:
    whole, path = SPM.read_bytes(), tmp_path / "spm.model"
    for length in (0, 1, 10, 100, 1000, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            read_sentencepiece(path)
    piece = b"\x0a\x01a\x15" + struct.pack("<f", -1.0)
    pieces = b"\x0a" + bytes([len(piece)]) + piece
    path.write_bytes(pieces)
    with pytest.raises(CheckpointError, match="no piece for unknown"):
        read_sentencepiece(path)
    path.write_bytes(pieces + b"\x12\x02\x18\x02")
    with pytest.raises(CheckpointError, match="isn't a SentencePiece model of the unigram kind"):
        read_sentencepiece(path)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_whatever_a_file_holds_there_is_a_model_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("spm") / "spm.model"
    path.write_bytes(content)
    with contextlib.suppress(VinovitsError):
        assert read_sentencepiece(path).pieces


def test_sentencepiece_texts_with_spaces_that_do_not_look_like_it(tmp_path: Path) -> None:
    (tmp_path / "spm.model").write_bytes(SPM.read_bytes())
    out = tmp_path / "out"
    out.mkdir()
    write_tokenizers(tmp_path, out, 174)
    tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    # As the sentencepiece library reads them.
    assert pieces(tokenizer, "\u200b \u00a0\ufffd") == []
    assert pieces(tokenizer, "\u3000Hello\u200b\u2028there!\u200b") == pieces(
        tokenizer, "Hello there!"
    )
