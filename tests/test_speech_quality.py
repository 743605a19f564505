"""What people would hear: speech that is understood, measured as bench/quality.py does."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import pytest

import vinovits
from vinovits.voices.manifest import Defaults

BENCH = Path(__file__).parent.parent / "bench"
sys.path.insert(0, str(BENCH))  # The scripts there aren't a package.

from quality import used_settings  # noqa: E402
from speech_metrics import DnsMos, Listener, log_mel, resample, word_errors, words  # noqa: E402

RECORDED = json.loads((BENCH / "data" / "joe_recorded.json").read_text(encoding="utf-8"))


def test_quality_is_measured_with_the_voices_own_settings_but_for_those_given() -> None:
    own = Defaults(sdp_ratio=0.3, noise=0.5, noise_w=0.6, speed=0.9, pause=0.1)
    given = argparse.Namespace(
        seed=3, speed=None, sdp_ratio=0.0, noise=None, noise_w=None, pause=None
    )
    assert used_settings(own, given) == {
        "seed": 3,
        "speed": 0.9,
        "sdp_ratio": 0.0,
        "noise": 0.5,
        "noise_w": 0.6,
        "pause": 0.1,
    }


@pytest.mark.parametrize("speaker", ["student", "teacher"])
def test_recorded_transcripts_give_the_recorded_word_error_rate(speaker: str) -> None:
    rows = RECORDED["sentences"]
    errors = sum(word_errors(row["ref"], row[speaker]) for row in rows)
    total = sum(len(words(row["ref"])) for row in rows)
    assert (errors, total) == (RECORDED[speaker]["errors"], RECORDED[speaker]["words"])
    assert round(errors / total, 4) == RECORDED[speaker]["wer"]


@pytest.mark.parametrize(
    ("reference", "heard", "errors"),
    [
        ("", "", 0),
        ("Fifty bonds!", "50 bonds.", 0),
        ("one hundred five", "105", 1),  # "one hundred and five"
        ("It’s a dog", "it's a dog", 0),
        ("a b c", "", 3),
        ("", "a b c", 3),
        ("a b c", "a x c", 1),
        ("a b c", "b c d", 2),
        ("rain forest", "rainforest", 2),
    ],
)
def test_word_errors(reference: str, heard: str, errors: int) -> None:
    assert word_errors(reference, heard) == errors


def test_mel_spectrogram_peaks_at_the_tone() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    mel = log_mel(tone)
    assert mel.shape == (100, 120)
    assert mel.max() == 1.0
    assert mel.min() >= -1.0
    # 1 kHz is 15 mel of 45.2 in 121 steps: band 39 of those counted from 0.
    assert abs(int(mel[50].argmax()) - 39) <= 1


@pytest.mark.slow
def test_five_sentences_are_understood_and_clean() -> None:
    sentences = [row["ref"] for row in RECORDED["sentences"][20:25]]
    voice, listen, score = vinovits.load("joe"), Listener(), DnsMos()
    errors, clean = 0, []
    for sentence in sentences:
        audio = voice.speak(sentence, noise=0.5, noise_w=0.6, sdp_ratio=0.2)
        speech = resample(audio.samples, audio.sampling_rate)
        errors += word_errors(sentence, listen(speech))
        clean.append(score(speech).ovrl)
    # The recorded checkpoint is heard without an error here; one stray word is luck.
    assert errors / sum(len(words(sentence)) for sentence in sentences) < 0.05
    assert np.mean(clean) > 3.1
