"""What bench/quality_zh.py measures, on sounds whose answer is known."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

BENCH = Path(__file__).parent.parent / "bench"
sys.path.insert(0, str(BENCH))  # The scripts there aren't a package.

from speech_distances import compared, path_of, pitch_of  # noqa: E402
from speech_metrics import RATE  # noqa: E402
from syllables import (  # noqa: E402
    Labels,
    SyllableListener,
    SyllableNetwork,
    heard_as,
    syllables,
    wrong_syllables,
)

LABELS = Labels(("b", "m"), ("a", "ao", "i"))
SIZES = {"labels": 11, "width": 16, "heads": 2, "layers": 1, "positions": 100}
SYLLABLE = st.tuples(
    st.sampled_from(LABELS.initials),
    st.sampled_from(LABELS.finals),
    st.sampled_from(("1", "2", "3", "4", "5")),
)


def tone(hertz: NDArray[np.float64] | float, seconds: float = 1.0) -> NDArray[np.float32]:
    """A buzz of ten harmonics."""
    phase = np.cumsum(np.broadcast_to(hertz, int(RATE * seconds))) * 2 * np.pi / RATE
    buzz = sum(np.sin(k * phase) / k for k in range(1, 11))
    return (0.2 * np.asarray(buzz)).astype(np.float32)


def test_a_text_is_its_syllables_after_sandhi() -> None:
    pytest.importorskip("jieba")
    assert syllables("你好，爱。") == [("n", "i", "2"), ("h", "ao", "3"), ("AA", "ai", "4")]


@given(st.lists(SYLLABLE, max_size=8))
def test_labels_give_their_syllables_back(said: list[tuple[str, str, str]]) -> None:
    assert LABELS.grouped(LABELS.numbered(said)) == said


def test_a_syllable_of_which_a_part_was_missed_is_one_syllable() -> None:
    [b, a, one] = LABELS.numbered([("b", "a", "1")])
    assert LABELS.grouped([b, one, a]) == [("b", "", "1"), ("", "a", "")]
    assert LABELS.grouped([b, b, a]) == [("b", "", ""), ("b", "a", "")]


def test_a_neutral_tone_may_be_heard_as_any() -> None:
    said = [("l", "i", "5"), ("h", "ao", "3")]
    assert wrong_syllables(said, [("l", "i", "3"), ("h", "ao", "3")]) == 0
    assert wrong_syllables(said, [("l", "ie", "5"), ("h", "ao", "5")]) == 2
    assert wrong_syllables(said, [("h", "ao", "3")]) == 1


def test_padding_changes_nothing_that_the_network_says() -> None:
    torch.manual_seed(0)
    network = SyllableNetwork(**SIZES, dropout=0.0).eval()
    mel = heard_as(tone(200.0))
    padded = torch.zeros(2, 80, mel.shape[1] + 30)
    padded[0, :, : mel.shape[1]] = mel
    padded[1] = torch.randn(padded.shape[1:])
    alone, _ = network(mel.unsqueeze(0), torch.tensor([mel.shape[1]]))
    beside, counts = network(padded, torch.tensor([mel.shape[1], padded.shape[2]]))
    assert counts.tolist() == [alone.shape[1], 65]
    torch.testing.assert_close(beside[:1, : alone.shape[1]], alone)


def test_a_recogniser_is_read_back(tmp_path: Path) -> None:
    network = SyllableNetwork(**SIZES, dropout=0.1)
    weights = {name: tensor.half() for name, tensor in network.state_dict().items()}
    data = {"initials": ["b", "m"], "finals": ["a", "ao", "i"], "sizes": SIZES, "network": weights}
    torch.save(data, tmp_path / "listener.pt")
    listen = SyllableListener(tmp_path / "listener.pt")
    assert listen.labels == LABELS
    assert all(len(one) == 3 for one in listen(tone(200.0)))


@pytest.mark.parametrize("hertz", [100.0, 180.0, 330.0, 450.0])
def test_pitch_of_a_buzz(hertz: float) -> None:
    found = pitch_of(tone(hertz))[5:-5]
    assert np.abs(found / hertz - 1).max() < 0.03


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(0).normal(size=RATE).astype(np.float32) * 0.1
    assert (pitch_of(noise) > 0).mean() < 0.05
    assert not pitch_of(np.zeros(RATE, np.float32)).any()


def test_a_rendition_is_nearest_to_itself() -> None:
    glide = tone(np.linspace(150, 300, RATE))
    itself, higher = compared(glide, glide), compared(glide, tone(np.linspace(180, 360, RATE)))
    assert itself["cepstral_distortion"] == 0
    assert itself["pitch_correlation"] == pytest.approx(1)
    assert itself["pitch_semitones"] == 0
    assert higher["cepstral_distortion"] is not None
    assert higher["cepstral_distortion"] > 0.5
    assert higher["pitch_semitones"] is not None
    assert higher["pitch_semitones"] > 1


def test_a_slower_rendition_is_warped_onto_the_other() -> None:
    frames = np.random.default_rng(0).normal(size=(20, 3))
    rows, columns = path_of(frames, np.repeat(frames, 2, axis=0))
    np.testing.assert_array_equal(rows, columns // 2)
    assert (rows[0], columns[0], rows[-1], columns[-1]) == (0, 0, 19, 39)


def test_no_voiced_frames_no_pitch_to_compare() -> None:
    noise = np.random.default_rng(0).normal(size=RATE // 2).astype(np.float32) * 0.1
    found = compared(noise, noise)
    assert found["pitch_correlation"] is None
    assert found["pitch_semitones"] is None
