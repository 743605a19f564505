"""The generator's forward pass in training.

VITS, https://arxiv.org/abs/2106.06103, section 2; VITS2, https://arxiv.org/abs/2307.16430.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vinovits.nets.conditioning import ClapTextEncoder, CodebookDraws
from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.text_encoder import TextInputs
from vinovits.train.alignment import add_noise, log_likelihood, search
from vinovits.train.losses import duration_distance, full
from vinovits.train.recipe import Recipe
from vinovits.train.segments import cut, segment_starts


@dataclass(frozen=True, slots=True)
class Batch:
    """B utterances of up to T phones and F frames, padded with zeros."""

    text: TextInputs
    phone_counts: Tensor
    """(B,)."""
    speakers: Tensor
    """Rows of the speaker table (B,)."""
    spectrograms: Tensor
    """Linear magnitudes (B, bins, F)."""
    frame_counts: Tensor
    """(B,)."""
    waves: Tensor
    """Samples in [-1, 1] (B, 1, N), N at least F * hop_length."""


@dataclass(frozen=True, slots=True)
class Draws:
    """All that is random in a step."""

    posterior: Tensor
    """Normal (B, inter, F)."""
    durations: Tensor
    """Normal (B, 2, T), for the likelihood of the durations."""
    segments: Tensor
    """From [0, 1), (B,)."""
    alignment: Tensor | None = None
    """Normal (B, F, T), where the search is blurred."""
    sampled_durations: Tensor | None = None
    """Normal (B, 2, T), where durations are sampled too."""
    codebook: CodebookDraws | None = None
    """Where the family quantises its condition."""


@dataclass(frozen=True, slots=True)
class Generated:
    """What the generator gives in training."""

    text_mask: Tensor
    """(B, 1, T)."""
    frame_mask: Tensor
    """(B, 1, F)."""
    g: Tensor
    """Speaker vector (B, gin, 1)."""
    hidden: Tensor
    """Of the text encoder (B, hidden, T)."""
    text_m: Tensor
    """Prior means per phone (B, inter, T)."""
    text_logs: Tensor
    """Logarithms of the prior's deviations per phone (B, inter, T)."""
    z: Tensor
    """Sample of the posterior (B, inter, F)."""
    m_q: Tensor
    """Its means (B, inter, F)."""
    logs_q: Tensor
    """Logarithms of its deviations (B, inter, F)."""
    z_p: Tensor
    """z behind the flow (B, inter, F)."""
    scores: Tensor
    """Log likelihood of each frame under each phone, before noise (B, F, T)."""
    path: Tensor
    """1 where a frame belongs to a phone (B, F, T)."""
    m_p: Tensor
    """Prior means per frame (B, inter, F)."""
    logs_p: Tensor
    """Logarithms of the prior's deviations per frame (B, inter, F)."""
    logw: Tensor
    """Logarithms of the frames that the path gives a phone (B, 1, T)."""
    logw_regressed: Tensor
    """As the deterministic predictor has them (B, 1, T)."""
    logw_sampled: Tensor | None
    """As the stochastic one draws them (B, 1, T), in families that sample in training."""
    duration_nll: Tensor
    """Negative log likelihood of the durations, per item (B,)."""
    regression_losses: Tensor
    """Of the deterministic predictor, per item (B,)."""
    stochastic_losses: Tensor
    """Of the stochastic predictor, per item (B,)."""
    starts: Tensor
    """First frames of the segments (B,)."""
    wave: Tensor
    """The decoded segments (B, 1, segment_size)."""
    commitment: Tensor | None
    """Of the quantiser, in families that have one."""

    @property
    def duration_loss(self) -> Tensor:
        """Of both predictors."""
        return (self.regression_losses + self.stochastic_losses).sum()


def length_mask(lengths: Tensor, longest: int, like: Tensor) -> Tensor:
    """1 for what is real, 0 for padding: (B, 1, longest) for lengths (B,), typed as `like`."""
    places = torch.arange(longest, device=lengths.device)
    return (places < lengths.unsqueeze(1)).unsqueeze(1).to(like)


def uncast(like: Tensor) -> torch.autocast:
    """Within it nothing is computed in half of the digits, on the device of `like`."""
    return torch.autocast(like.device.type, enabled=False)


def generate(
    network: Synthesizer,
    batch: Batch,
    draws: Draws,
    recipe: Recipe,
    segment_frames: int,
    noise_scale: float = 0.0,
) -> Generated:
    """Run the generator as training needs it.

    Args:
        network: With its posterior encoder. Where it has a quantiser in training mode, the
            codebook moves.
        batch: What was recorded.
        draws: Noise.
        recipe: Of the network's family.
        segment_frames: Frames to be decoded, of an utterance.
        noise_scale: Of the alignment search (see `alignment.add_noise`).
    """
    spectrograms = batch.spectrograms
    if network.config.n_speakers > 0:
        g = network.emb_g(batch.speakers).unsqueeze(-1)
    else:
        g = full(network.ref_enc(spectrograms))
    text_mask = length_mask(batch.phone_counts, batch.text.phones.shape[1], spectrograms)
    frame_mask = length_mask(batch.frame_counts, spectrograms.shape[2], spectrograms)

    commitment = None
    text = batch.text
    if isinstance(network.enc_p, ClapTextEncoder) and network.training:
        assert draws.codebook is not None
        with uncast(spectrograms):
            image, commitment = network.enc_p.learn(
                text.conditions["emotion"], draws.codebook, recipe.codebook_decay
            )
        hidden, text_m, text_logs = network.enc_p(text, text_mask, g, image)
    else:
        hidden, text_m, text_logs = network.enc_p(text, text_mask, g)
    z, m_q, logs_q = network.enc_q(spectrograms, frame_mask, g, draws.posterior)
    z_p = network.flow(z, frame_mask, g)

    hidden, text_m, text_logs = full(hidden), full(text_m), full(text_logs)
    z_p, logs_q = full(z_p), full(logs_q)

    with torch.no_grad(), uncast(z_p):
        scores = log_likelihood(z_p, text_m, text_logs)
        blurred = scores
        if noise_scale > 0:
            assert draws.alignment is not None
            blurred = add_noise(scores, draws.alignment, noise_scale)
        path = search(blurred, batch.frame_counts, batch.phone_counts)
    frames = path.sum(1, keepdim=True)
    logw = torch.log(frames + 1e-6) * text_mask

    with uncast(z_p):
        # The durations' losses must not move the text encoder nor the speakers.
        logw_regressed = network.dp(hidden.detach(), text_mask, g.detach())
        regression_losses = duration_distance(logw_regressed, logw, text_mask)
        nll = network.sdp.nll(hidden, text_mask, g, frames, draws.durations)
        stochastic_losses = nll / text_mask.sum()
        logw_sampled = None
        if recipe.samples_durations:
            assert draws.sampled_durations is not None
            logw_sampled = network.sdp(hidden, text_mask, g, draws.sampled_durations)
            stochastic_losses = stochastic_losses + duration_distance(logw_sampled, logw, text_mask)
        m_p, logs_p = text_m @ path.transpose(1, 2), text_logs @ path.transpose(1, 2)

    starts = segment_starts(draws.segments, batch.frame_counts, segment_frames)
    wave = full(network.dec(cut(z, starts, segment_frames), g))
    return Generated(
        text_mask=text_mask,
        frame_mask=frame_mask,
        g=g,
        hidden=hidden,
        text_m=text_m,
        text_logs=text_logs,
        z=z,
        m_q=m_q,
        logs_q=logs_q,
        z_p=z_p,
        scores=scores,
        path=path,
        m_p=m_p,
        logs_p=logs_p,
        logw=logw,
        logw_regressed=logw_regressed,
        logw_sampled=logw_sampled,
        duration_nll=nll,
        regression_losses=regression_losses,
        stochastic_losses=stochastic_losses,
        starts=starts,
        wave=wave,
        commitment=commitment,
    )
