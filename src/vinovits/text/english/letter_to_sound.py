"""Pronunciation of words that no dictionary has: a small GRU from letters to phones.

The weights are those of g2p_en (Kyubyong Park and Jongseok Kim, Apache-2.0), trained on the CMU
dictionary. The network is Cho et al. 2014, "Learning Phrase Representations using RNN
Encoder-Decoder for Statistical Machine Translation", with the gates in the order reset, update,
new and the reset gate applied to the new gate's recurrent term (as cuDNN does).
"""

from __future__ import annotations

import threading
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from vinovits.text.english.lexicon import Phones
from vinovits.text.english.tables import data_file

Array = NDArray[np.float32]

MAX_LETTERS = 24
"""The network was trained on words; beyond about this length its answer is noise."""
_MAX_PHONES = 32
_RELEASED_MAX_PHONES = 20
_REST_LEVELS = 14  # recipes/english/make_data.py counts the rest of a weight in these
_LETTERS = {letter: index + 3 for index, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}
_END_OF_WORD = 2
_START, _END = 2, 3
_PHONE_CLASSES = (
    "AA0 AA1 AA2 AE0 AE1 AE2 AH0 AH1 AH2 AO0 AO1 AO2 AW0 AW1 AW2 AY0 AY1 AY2 B CH D DH "
    "EH0 EH1 EH2 ER0 ER1 ER2 EY0 EY1 EY2 F G HH IH0 IH1 IH2 IY0 IY1 IY2 JH K L M N NG "
    "OW0 OW1 OW2 OY0 OY1 OY2 P R S SH T TH UH0 UH1 UH2 UW UW0 UW1 UW2 V W Y Z ZH"
)
# The network's output classes are four marks, then the phones.
_CLASSES = ("", "", "", "", *_PHONE_CLASSES.split())
_LOCK = threading.Lock()


class LetterToSound:
    """Sequence-to-sequence GRU, run greedily in numpy.

    Args:
        weights: Arrays by name: enc_/dec_ with emb (classes, 256), w_ih and w_hh (768, 256), b_ih
            and b_hh (768,), and fc_w (74, 256), fc_b (74,).
    """

    def __init__(self, weights: dict[str, Array]) -> None:
        self._fc_w, self._fc_b = weights["fc_w"], weights["fc_b"]
        # The input side of both GRUs only sees one of a few embeddings: multiply them out once.
        self._enc_inputs = weights["enc_emb"] @ weights["enc_w_ih"].T + weights["enc_b_ih"]
        self._dec_inputs = weights["dec_emb"] @ weights["dec_w_ih"].T + weights["dec_b_ih"]
        self._enc = (weights["enc_w_hh"], weights["enc_b_hh"])
        self._dec = (weights["dec_w_hh"], weights["dec_b_hh"])

    def predict(self, word: str, max_phones: int = _MAX_PHONES) -> Phones:
        """Predict the phones of a word.

        Args:
            word: Letters a-z; others are read as "unknown letter".
            max_phones: Where to stop.

        Returns:
            ARPAbet phones with stress digits; may be empty for a meaningless string.
        """
        state: Array = np.zeros(self._fc_w.shape[1], np.float32)
        for letter in [*(_LETTERS.get(c, 1) for c in word), _END_OF_WORD]:
            state = _gru(self._enc_inputs[letter], state, *self._enc)
        phones: list[str] = []
        last = _START
        while len(phones) < max_phones:
            state = _gru(self._dec_inputs[last], state, *self._dec)
            last = int(np.argmax(self._fc_w @ state + self._fc_b))
            if last == _END:
                break
            phones.append(_CLASSES[last])
        return tuple(phone for phone in phones if phone)


def _gru(inputs: Array, state: Array, w_hh: Array, b_hh: Array) -> Array:
    """One step: inputs (768,) already projected, state (256,) -> new state (256,)."""
    size = state.shape[0]
    recurrent = w_hh @ state + b_hh
    gates = 1 / (1 + np.exp(-(inputs[: 2 * size] + recurrent[: 2 * size])))
    reset, update = gates[:size], gates[size:]
    new = np.tanh(inputs[2 * size :] + reset * recurrent[2 * size :])
    mixed = (1 - update) * new + update * state
    return mixed.astype(np.float32, copy=False)


def _arrays(name: str) -> dict[str, Array]:
    with data_file(name).open("rb") as file, np.load(file) as arrays:
        return {name: arrays[name] for name in arrays.files}


@cache
def _load(released: bool) -> LetterToSound:
    weights = _arrays("letter_to_sound.npz")
    rest = _arrays("letter_to_sound_rest.npz") if released else {}
    whole = {}
    for name, rounded in weights.items():
        whole[name] = rounded.astype(np.float32)
        if name in rest:
            unit = np.spacing(np.abs(rounded)).astype(np.float32) / _REST_LEVELS
            whole[name] += rest[name] * unit
    return LetterToSound(whole)


@lru_cache(maxsize=8192)
def predict(word: str, released: bool = False) -> Phones:
    """Predict the phones of a lower-case word with the shipped weights, read at first need.

    Args:
        word: See `LetterToSound.predict`.
        released: As g2p_en does: with its weights nearly to the last bit, and at most 20 phones.
            Else they are rounded to float16, which changes one answer in some 600.
    """
    with _LOCK:
        network = _load(released)
    return network.predict(word, _RELEASED_MAX_PHONES if released else _MAX_PHONES)
