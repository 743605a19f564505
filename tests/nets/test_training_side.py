"""What the network does in training, with a padded batch: recorded with the released code."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.conftest import GOLDEN
from vinovits.engine.reference import linear_spectrogram
from vinovits.nets.checkpoint import load_checkpoint
from vinovits.nets.config import ModelConfig
from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.text_encoder import TextInputs
from vinovits.nets.variants import VARIANTS

FOLDER = GOLDEN / "training" / "v2.3-wnflow"
VARIANT = VARIANTS["2.3"]


@pytest.fixture(scope="module")
def recorded() -> dict[str, Tensor]:
    tensors = {}
    for file in ("spec.npz", "forward.npz"):
        with np.load(FOLDER / file) as arrays:
            numbers = {name: arrays[name] for name in arrays if arrays[name].dtype.kind != "U"}
        tensors |= {name: torch.from_numpy(np.asarray(array)) for name, array in numbers.items()}
    return tensors


@pytest.fixture(scope="module")
def network() -> Synthesizer:
    config = ModelConfig.from_file(FOLDER / "config.json", VARIANT)
    return load_checkpoint(FOLDER / "G_0.pth", config, VARIANT)


def _mask(lengths: Tensor) -> Tensor:
    return (torch.arange(int(lengths.max())) < lengths[:, None]).float().unsqueeze(1)


@torch.no_grad()
def test_encoder_and_durations_of_a_padded_batch(
    network: Synthesizer, recorded: dict[str, Tensor]
) -> None:
    mask = _mask(recorded["x_lengths"])
    assert mask.min() == 0, "the recorded batch must hold padding"
    g = network.emb_g(recorded["sid"]).unsqueeze(-1)
    features = {name: recorded[name].float() for name in ("bert", "ja_bert", "en_bert")}
    text = TextInputs(recorded["x"], recorded["tone"], recorded["language"], features, {})
    x, m, logs = network.enc_p(text, mask, g)
    torch.testing.assert_close(x, recorded["plain.x_hidden"], atol=1e-5, rtol=0)
    torch.testing.assert_close(m, recorded["plain.m_p_text"], atol=1e-5, rtol=0)
    torch.testing.assert_close(logs, recorded["plain.logs_p_text"], atol=1e-5, rtol=0)
    logw = network.dp(x, mask, g)
    torch.testing.assert_close(logw, recorded["plain.logw_dp"], atol=1e-5, rtol=0)

    frames = recorded["plain.attn"].float().sum(1, keepdim=True)
    nll = network.sdp.nll(x, mask, g, frames, recorded["draw.noise_sdp"])
    torch.testing.assert_close(nll, recorded["plain.sdp_nll"], atol=1e-3, rtol=1e-5)


@torch.no_grad()
def test_posterior_and_flow_run_forward_and_back(
    network: Synthesizer, recorded: dict[str, Tensor]
) -> None:
    mask = _mask(recorded["spec_lengths"])
    spectrograms = torch.zeros(2, recorded["a.spec"].shape[0], mask.shape[2])
    spectrograms[0, :, : recorded["a.spec"].shape[1]] = recorded["a.spec"]
    spectrograms[1, :, : recorded["b.spec"].shape[1]] = recorded["b.spec"]
    g = network.emb_g(recorded["sid"]).unsqueeze(-1)
    z, m, logs = network.enc_q(spectrograms, mask, g, recorded["draw.noise_posterior"])
    torch.testing.assert_close(m, recorded["plain.m_q"], atol=1e-4, rtol=0)
    torch.testing.assert_close(logs, recorded["plain.logs_q"], atol=1e-4, rtol=0)
    torch.testing.assert_close(z, recorded["plain.z"], atol=1e-4, rtol=0)
    z_p = network.flow(z, mask, g)
    torch.testing.assert_close(z_p, recorded["plain.z_p"], atol=1e-4, rtol=0)
    torch.testing.assert_close(network.flow(z_p, mask, g, reverse=True), z, atol=1e-5, rtol=0)


def test_spectrogram_of_reference_speech(recorded: dict[str, Tensor]) -> None:
    from dataclasses import replace

    from tests.engine.helpers import minimal_manifest
    from vinovits.voices.manifest import Spectrogram

    manifest = replace(
        minimal_manifest(),
        sampling_rate=22050,
        hop_length=256,
        spectrogram=Spectrogram(filter_length=1024, win_length=1024),
    )
    wave = recorded["a.wave_int16"].numpy() / recorded["max_wav_value"].numpy()
    found = linear_spectrogram(wave.astype(np.float32), 22050, manifest)[0]
    expected = recorded["a.spec"].numpy()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-4 * expected.max(), rtol=0)
