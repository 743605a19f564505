"""SentencePiece models (Kudo and Richardson, 2018): the few entries of the file that count.

The file is one protobuf message; its schema is `sentencepiece_model.proto` of the project.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vinovits.errors import CheckpointError

_UNIGRAM = 1
"""`TrainerSpec.ModelType`."""
_UNKNOWN = 2
"""`SentencePiece.Type`."""


@dataclass(frozen=True, slots=True)
class SentencePieceModel:
    """What a unigram tokenizer is made of."""

    pieces: tuple[tuple[str, float], ...]
    """Pieces and their log-probabilities, in the order of their ids."""
    unknown_id: int
    """Id of the piece for what no other covers."""
    character_map: bytes
    """The compiled map that normalises characters; empty for none."""


def read_sentencepiece(path: Path) -> SentencePieceModel:
    """Read a model of the unigram kind.

    Raises:
        CheckpointError: The file is damaged, or a model of another kind.
    """
    pieces: list[tuple[str, float]] = []
    unknown, character_map = None, b""
    kind: int | bytes = _UNIGRAM
    try:
        for field, value in _fields(path.read_bytes()):
            if field == 1:  # pieces
                piece = dict(_fields(_bytes(value)))
                if piece.get(3) == _UNKNOWN:
                    unknown = len(pieces)
                score = struct.unpack("<f", _bytes(piece.get(2, bytes(4))))[0]
                pieces.append((_bytes(piece[1]).decode(), score))
            elif field == 2:  # trainer_spec
                kind = dict(_fields(_bytes(value))).get(3, _UNIGRAM)
            elif field == 3:  # normalizer_spec
                character_map = _bytes(dict(_fields(_bytes(value))).get(2, b""))
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror}.") from None
    except (ValueError, KeyError, IndexError, struct.error):
        raise CheckpointError(
            f"{path} is damaged or no SentencePiece model. Download it again."
        ) from None
    if kind != _UNIGRAM:
        raise CheckpointError(
            f"{path} isn't a SentencePiece model of the unigram kind, the only one that vinovits "
            "knows."
        )
    if unknown is None:
        raise CheckpointError(f"{path} has no piece for unknown characters. Download it again.")
    return SentencePieceModel(tuple(pieces), unknown, character_map)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and values of the fields of a protobuf message."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        match key & 7:
            case 0:
                number, at = _varint(message, at)
                yield key >> 3, number
                continue
            case 1:
                size = 8
            case 2:
                size, at = _varint(message, at)
            case 5:
                size = 4
            case wire:
                raise ValueError(f"wire type {wire}")
        if at + size > len(message):
            raise ValueError("cut off")
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A number, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number where text should be")
    return value
