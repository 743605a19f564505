"""How good the voice is by now: held-out clips spoken again, compared with what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vinovits.nets.synthesizer import Synthesizer
from vinovits.train.alignment import log_likelihood, search
from vinovits.train.dataset import Clip
from vinovits.train.draws import seed_of
from vinovits.train.generator import Batch, length_mask
from vinovits.train.loading import Loader, moved
from vinovits.train.spectrogram import SpectrogramSizes, linear_spectrogram, log_mel

Array = NDArray[np.float32]

NOISE, NOISE_W = 0.6, 0.8
"""Of the samples that are spoken freely."""
LONGEST_FACTOR = 3.0
"""A freely spoken sample is cut at so many times the length of the recording: early on, durations
can be anything."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One clip as the voice says it now."""

    clip: Clip
    copied: float
    """Mel distance of the recording sent through the posterior encoder and the decoder."""
    aligned: float
    """Mel distance of the text spoken in the rhythm of the recording."""
    spoken: Array
    """Samples of the text spoken freely (n,)."""
    sampling_rate: int
    """Of these, in Hz."""
    mel: Array
    """Logarithmic mel spectrogram of these (mel_channels, F)."""
    recorded_mel: Array
    """That of the recording."""
    path: Array
    """The alignment (phones, F): 1 where a frame of the recording belongs to a phone."""


@dataclass(frozen=True, slots=True)
class Validation:
    """Of several clips."""

    clips: tuple[Heard, ...]

    @property
    def aligned(self) -> float:
        """The mean mel distance that checkpoints are compared by."""
        return float(np.mean([one.aligned for one in self.clips]))

    @property
    def copied(self) -> float:
        """The mean mel distance of copies."""
        return float(np.mean([one.copied for one in self.clips]))


@torch.no_grad()
def validate(
    network: Synthesizer,
    loader: Loader,
    clips: Sequence[Clip],
    sizes: SpectrogramSizes,
    device: torch.device,
    seed: int,
) -> Validation:
    """Speak clips and compare.

    Distances are mean absolute differences of natural logarithms of mel magnitudes: 0 is the same,
    and 1 means that magnitudes are off by a factor of e on average.

    Args:
        network: The generator; it is in training mode again afterwards.
        loader: Reads the clips.
        clips: What to say.
        sizes: Of the spectrograms.
        device: Where the network is.
        seed: Of the noise, the same for every checkpoint.
    """
    network.eval()
    try:
        heard = []
        for number, clip in enumerate(clips):
            batch = moved(loader.batch([clip]), device)
            heard.append(_hear(network, batch, clip, sizes, seed_of(seed, number)))
    finally:
        network.train()
    return Validation(tuple(heard))


def _hear(
    network: Synthesizer, batch: Batch, clip: Clip, sizes: SpectrogramSizes, seed: int
) -> Heard:
    g, text_mask = _speaker(network, batch), _text_mask(batch)
    frame_mask = length_mask(batch.frame_counts, batch.spectrograms.shape[2], batch.spectrograms)
    frames = int(batch.frame_counts[0])
    aim = log_mel(batch.spectrograms, sizes)[:, :, :frames]

    _, m_p, logs_p = network.enc_p(batch.text, text_mask, g)
    z, _, _ = network.enc_q(
        batch.spectrograms, frame_mask, g, torch.zeros_like(batch.spectrograms[:, :1])
    )
    scores = log_likelihood(network.flow(z, frame_mask, g), m_p, logs_p)
    path = search(scores, batch.frame_counts, batch.phone_counts)
    aligned = network.flow(m_p @ path.transpose(1, 2) * frame_mask, frame_mask, g, reverse=True)
    spoken = speak(network, batch, seed, limit=int(LONGEST_FACTOR * frames) + 1)
    return Heard(
        clip=clip,
        copied=_distance(network.dec(z, g), aim, sizes),
        aligned=_distance(network.dec(aligned * frame_mask, g), aim, sizes),
        spoken=spoken.squeeze(0).cpu().numpy(),
        sampling_rate=sizes.sampling_rate,
        mel=_mel(spoken, sizes).squeeze(0).cpu().numpy(),
        recorded_mel=aim.squeeze(0).cpu().numpy(),
        path=path[0, :frames].T.cpu().numpy(),
    )


def _speaker(network: Synthesizer, batch: Batch) -> Tensor:
    if network.config.n_speakers:
        g: Tensor = network.emb_g(batch.speakers).unsqueeze(-1)
        return g
    vector: Tensor = network.ref_enc(batch.spectrograms)
    return vector


def _text_mask(batch: Batch) -> Tensor:
    return length_mask(batch.phone_counts, batch.text.phones.shape[1], batch.spectrograms)


def _mel(wave: Tensor, sizes: SpectrogramSizes) -> Tensor:
    return log_mel(linear_spectrogram(wave, sizes), sizes)


def _distance(wave: Tensor, aim: Tensor, sizes: SpectrogramSizes) -> float:
    found = _mel(wave.squeeze(1), sizes)[:, :, : aim.shape[2]]
    return float((found - aim).abs().mean())


@torch.no_grad()
def speak(
    network: Synthesizer, batch: Batch, seed: int, limit: int, sdp_ratio: float = 0.2
) -> Tensor:
    """Say the text of a batch of one, as synthesis does.

    Args:
        network: In evaluation mode.
        batch: One clip; its recording serves reference encoders only.
        seed: Of the noise.
        limit: Frames at which the sample is cut.
        sdp_ratio: Share of the stochastic durations.

    Returns:
        Samples (1, n).
    """
    own = torch.Generator().manual_seed(seed)
    g, text_mask = _speaker(network, batch), _text_mask(batch)
    count = batch.text.phones.shape[1]
    noise = torch.randn(1, 2, count, generator=own).to(g) * NOISE_W
    m_p, logs_p, sampled, regressed = network.encode(batch.text, text_mask, g, noise)
    logw = sampled * sdp_ratio + regressed * (1 - sdp_ratio)
    # Before the first steps the logarithms can be anything.
    durations = torch.ceil(torch.exp(torch.clamp(logw, max=6.0)) * text_mask).long()[0, 0]
    rows = torch.repeat_interleave(torch.arange(count, device=g.device), durations)[:limit]
    if len(rows) < 8:
        rows = torch.nn.functional.pad(rows, (0, 8 - len(rows)))
    m_p, logs_p = m_p[:, :, rows], logs_p[:, :, rows]
    z_p = m_p + torch.randn(m_p.shape, generator=own).to(g) * torch.exp(logs_p) * NOISE
    mask = torch.ones_like(z_p[:, :1])
    wave: Tensor = network.dec(network.flow(z_p, mask, g, reverse=True), g)
    return wave.squeeze(1)
