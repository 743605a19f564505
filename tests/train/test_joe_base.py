"""The base of the built-in voice gives back what that voice says."""

from __future__ import annotations

from pathlib import Path

import soxr
import torch

import vinovits
from vinovits.nets.checkpoint import load_checkpoint
from vinovits.nets.config import ModelConfig
from vinovits.train.base import open_base
from vinovits.train.spectrogram import SpectrogramSizes, linear_spectrogram, log_mel


def test_the_base_gives_back_what_joe_says() -> None:
    base = open_base("joe", None)
    assert base.feature_models == {"en": "all-MiniLM-L6-v2"}
    assert "commercial" in base.card.use
    assert base.weights is not None
    config = ModelConfig.from_file(Path(base.weights).parent / "config.json", base.variant)
    network = load_checkpoint(base.weights, config, base.variant)
    audio = vinovits.load("joe", features="none").speak("Is this how it was said?", seed=1)
    rate = config.sampling_rate
    wave = torch.from_numpy(soxr.resample(audio.samples, audio.sampling_rate, rate))
    sizes = SpectrogramSizes(rate, config.filter_length, config.hop_length, config.win_length, 80)
    wave = wave[: len(wave) // sizes.hop_length * sizes.hop_length].unsqueeze(0)
    spectrogram = linear_spectrogram(wave, sizes)
    mask = torch.ones(1, 1, spectrogram.shape[2])
    g = network.emb_g.weight[:1].unsqueeze(-1)
    with torch.no_grad():
        _, mean, _ = network.enc_q(spectrogram, mask, g, torch.zeros_like(mask).expand(1, 192, -1))
        made = linear_spectrogram(network.dec(mean, g).squeeze(1), sizes)
    assert (log_mel(made, sizes) - log_mel(spectrogram, sizes)).abs().mean() < 0.45
