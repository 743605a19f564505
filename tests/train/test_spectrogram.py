from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from vinovits.train.resample import resample
from vinovits.train.segments import cut, segment_starts
from vinovits.train.spectrogram import (
    MEL_FLOOR,
    SpectrogramSizes,
    linear_spectrogram,
    log_mel,
    mel_filters,
)

SIZES = SpectrogramSizes(22050, 1024, 256, 1024, 80)


def tone(hertz: float, rate: int, samples: int) -> torch.Tensor:
    return torch.sin(2 * math.pi * hertz * torch.arange(samples, dtype=torch.float64) / rate)[None]


def test_a_tone_is_loudest_in_its_bin() -> None:
    found = linear_spectrogram(tone(22050 * 40 / 1024, 22050, 256 * 20), SIZES)
    assert found.shape == (1, 513, 20)
    assert (found[0, :, 4:-4].argmax(0) == 40).all()


def test_silence_is_the_floor() -> None:
    found = log_mel(linear_spectrogram(torch.zeros(1, 2560), SIZES), SIZES)
    assert torch.isfinite(found).all()
    padding = log_mel(torch.zeros(1, 513, 3), SIZES)
    torch.testing.assert_close(padding, torch.full_like(padding, math.log(MEL_FLOOR)))


def test_mel_triangles_have_one_area_and_cover_the_range() -> None:
    sizes = SpectrogramSizes(44100, 8192, 512, 8192, 64, 50.0, 16000.0)
    filters = mel_filters(sizes)
    areas = filters.sum(1) * 44100 / 8192
    np.testing.assert_allclose(areas, 1.0, atol=0.02)
    frequencies = np.linspace(0, 22050, 4097)
    used = frequencies[filters.sum(0) > 0]
    assert used.min() > 50
    assert used.max() < 16000


@pytest.mark.parametrize("rates", [(44100, 16000), (22050, 16000), (8000, 16000)])
def test_resampling_keeps_a_tone(rates: tuple[int, int]) -> None:
    before, after = rates
    found = resample(tone(440, before, before // 4), before, after)
    assert found.shape == (1, after // 4)
    inner = slice(200, -200)
    expected = tone(440, after, after // 4)
    torch.testing.assert_close(found[:, inner], expected[:, inner], atol=2e-3, rtol=0)


def test_resampling_to_the_same_rate_changes_nothing() -> None:
    wave = torch.randn(2, 50)
    assert resample(wave, 16000, 16000) is wave


def test_segments_lie_within_their_items() -> None:
    lengths = torch.tensor([10, 10, 10, 4, 3])
    uniform = torch.tensor([0.0, 0.999999, 0.5, 0.999999, 0.9])
    assert segment_starts(uniform, lengths, 4).tolist() == [0, 6, 3, 0, 0]


def test_segments_are_cut_where_they_start() -> None:
    x = torch.arange(24.0).reshape(2, 2, 6)
    found = cut(x, torch.tensor([1, 3]), 2)
    assert found.tolist() == [[[1, 2], [7, 8]], [[15, 16], [21, 22]]]
