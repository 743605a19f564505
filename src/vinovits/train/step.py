"""One step of training: the judges first, then the generator, each with its optimiser."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from vinovits.errors import TrainingError
from vinovits.nets.discriminators import (
    DurationDiscriminator,
    WaveDiscriminators,
    WavlmDiscriminator,
)
from vinovits.nets.synthesizer import Synthesizer
from vinovits.train.alignment import noise_scale
from vinovits.train.crew import ALONE, Crew
from vinovits.train.generator import Batch, Draws, Generated, generate, uncast
from vinovits.train.losses import (
    discriminator_parts,
    feature_distances,
    generator_parts,
    kl_divergence,
)
from vinovits.train.recipe import Recipe, TrainingConfig
from vinovits.train.resample import resample
from vinovits.train.segments import cut
from vinovits.train.spectrogram import linear_spectrogram, log_mel

HiddenStates = Callable[[Tensor], Tensor]
"""All hidden states of WavLM (B, states, F, width) of samples (B, N) at its rate."""


@dataclass(frozen=True, slots=True)
class Segments:
    """What was recorded and what was generated at the same places."""

    wave: Tensor
    """Recorded (B, 1, segment_size)."""
    mel: Tensor
    """Logarithmic, of the recorded utterance (B, mel_channels, segment_frames)."""
    generated: Tensor
    """(B, 1, segment_size)."""
    generated_mel: Tensor
    """Of the generated segment alone (B, mel_channels, segment_frames)."""

    @classmethod
    def of(cls, batch: Batch, generated: Generated, config: TrainingConfig) -> Segments:
        """Cut them out of a batch."""
        sizes, frames = config.spectrogram, config.segment_frames
        hop = sizes.hop_length
        with uncast(generated.wave):
            return cls(
                wave=cut(batch.waves, generated.starts * hop, config.segment_size),
                mel=cut(log_mel(batch.spectrograms, sizes), generated.starts, frames),
                generated=generated.wave,
                generated_mel=log_mel(linear_spectrogram(generated.wave.squeeze(1), sizes), sizes),
            )


@dataclass(frozen=True, slots=True)
class JudgeLosses:
    """Of one discriminator, by its parts."""

    real: Tensor
    """For recorded things (n,)."""
    fake: Tensor
    """For generated ones (n,)."""

    @property
    def total(self) -> Tensor:
        """Their sum."""
        return self.real.sum() + self.fake.sum()


@dataclass(frozen=True, slots=True)
class GeneratorLosses:
    """Terms of the generator, weighted as they enter the total."""

    mel: Tensor
    kl: Tensor
    durations: Tensor
    adversarial_parts: Tensor
    """Of each wave discriminator (6,)."""
    features: Tensor
    """Mean absolute differences of the discriminators' maps (37,), unweighted."""
    commitment: Tensor | None
    """Unweighted."""
    duration_adversarial_parts: Tensor | None
    """By the duration discriminator, of each item (B,)."""
    wavlm: Tensor | None
    """Difference of WavLM's hidden states."""
    wavlm_adversarial: Tensor | None
    total: Tensor

    @property
    def adversarial(self) -> Tensor:
        """Of all wave discriminators."""
        return self.adversarial_parts.sum()

    @property
    def feature_matching(self) -> Tensor:
        """Of all maps."""
        return 2 * self.features.sum()

    @property
    def duration_adversarial(self) -> Tensor | None:
        """Of all items."""
        parts = self.duration_adversarial_parts
        return None if parts is None else parts.sum()


@dataclass(frozen=True, slots=True)
class Networks:
    """The generator, its judges, and what says how they are trained."""

    generator: Synthesizer
    waves: WaveDiscriminators
    durations: DurationDiscriminator | None
    wavlm: WavlmDiscriminator | None
    hidden_states: HiddenStates | None
    """WavLM itself, where it has a judge."""
    recipe: Recipe
    config: TrainingConfig

    def judge_rhythm(
        self, generated: Generated, logw: Tensor, logw_sampled: Tensor | None
    ) -> Tensor:
        """Judge durations (B, T, 1): those given, and where they are sampled too, the sum of both.

        Args:
            generated: For its text.
            logw: Log frames per phone (B, 1, T).
            logw_sampled: The second ones, in families that sample in training.
        """
        assert self.durations is not None
        text = generated.hidden, generated.text_mask, generated.g
        judged: Tensor = self.durations(*text, logw)
        if logw_sampled is not None:
            judged = judged + self.durations(*text, logw_sampled)
        return judged

    def duration_judge_losses(self, generated: Generated) -> JudgeLosses:
        """Of the duration discriminator; no gradient goes to the generator."""
        sampled = generated.logw_sampled
        aim = generated.logw.detach()
        real = self.judge_rhythm(generated, aim, None if sampled is None else aim)
        fake = self.judge_rhythm(
            generated,
            generated.logw_regressed.detach(),
            None if sampled is None else sampled.detach(),
        )
        return JudgeLosses(*discriminator_parts(real, fake))

    def wave_judge_losses(self, segments: Segments) -> JudgeLosses:
        """Of the wave discriminators; no gradient goes to the generator."""
        real = [judgement.logits for judgement in self.waves(segments.wave)]
        fake = [judgement.logits for judgement in self.waves(segments.generated.detach())]
        return JudgeLosses(*discriminator_parts(real, fake))

    def hear(self, wave: Tensor) -> Tensor:
        """Hidden states (B, states, F, width) of WavLM for a wave (B, 1, N) at the voice's rate."""
        assert self.hidden_states is not None
        rate = self.config.spectrogram.sampling_rate
        return self.hidden_states(resample(wave.squeeze(1), rate, self.config.wavlm_rate))

    def wavlm_judge_losses(self, segments: Segments) -> JudgeLosses:
        """Of the WavLM discriminator; no gradient goes to the generator."""
        assert self.wavlm is not None
        with torch.no_grad():
            real, fake = self.hear(segments.wave), self.hear(segments.generated)
        return JudgeLosses(*discriminator_parts([self.wavlm(real)], [self.wavlm(fake)]))

    def generator_losses(self, generated: Generated, segments: Segments) -> GeneratorLosses:
        """Of the generator, with the discriminators as they are now."""
        config, recipe = self.config, self.recipe
        mel = config.c_mel * (segments.mel - segments.generated_mel).abs().mean()
        kl = config.c_kl * kl_divergence(
            generated.z_p, generated.logs_q, generated.m_p, generated.logs_p, generated.frame_mask
        )
        with torch.no_grad():
            real = self.waves(segments.wave)
        fake = self.waves(segments.generated)
        adversarial = generator_parts(judgement.logits for judgement in fake)
        features = feature_distances(
            [found for judgement in real for found in judgement.maps],
            [found for judgement in fake for found in judgement.maps],
        )
        total = mel + kl + generated.duration_loss + adversarial.sum() + 2 * features.sum()

        duration_parts = None
        if self.durations is not None:
            duration_parts = generator_parts(
                self.judge_rhythm(generated, generated.logw_regressed, generated.logw_sampled)
            )
            total = total + duration_parts.sum()
        wavlm = wavlm_adversarial = None
        if self.wavlm is not None:
            with torch.no_grad():
                heard = self.hear(segments.wave)
            found = self.hear(segments.generated)
            wavlm = feature_distances(heard.unbind(1), found.unbind(1)).sum()
            wavlm_adversarial = generator_parts([self.wavlm(found)]).sum()
            if self.durations is not None or not recipe.needs_duration_judge_for_wavlm:
                total = total + wavlm + wavlm_adversarial
        if generated.commitment is not None and recipe.commitments:
            times = recipe.commitments + (self.durations is not None and self.wavlm is not None)
            total = total + times * config.c_commit * generated.commitment
        return GeneratorLosses(
            mel=mel,
            kl=kl,
            durations=generated.duration_loss,
            adversarial_parts=adversarial,
            features=features,
            commitment=generated.commitment,
            duration_adversarial_parts=duration_parts,
            wavlm=wavlm,
            wavlm_adversarial=wavlm_adversarial,
            total=total,
        )


def optimiser(network: nn.Module, config: TrainingConfig) -> torch.optim.AdamW:
    """AdamW (https://arxiv.org/abs/1711.05101) for all of a network that isn't frozen."""
    return torch.optim.AdamW(
        [parameter for parameter in network.parameters() if parameter.requires_grad],
        config.learning_rate,
        betas=config.betas,
        eps=config.eps,
        weight_decay=config.weight_decay,
    )


@dataclass(frozen=True, slots=True)
class StepLosses:
    """What one step has found; all without gradients."""

    generator: GeneratorLosses
    waves: JudgeLosses
    durations: JudgeLosses | None
    wavlm: JudgeLosses | None
    gradient_norm: Tensor
    """Of the generator, before it was clipped."""
    loudness: Tensor
    """Deviation of the generated samples, as a share of that of the recorded ones."""

    def numbers(self) -> dict[str, float]:
        """All by name, for people to look at."""
        own = self.generator
        found: dict[str, Tensor | None] = {
            "mel": own.mel,
            "kl": own.kl,
            "durations": own.durations,
            "adversarial": own.adversarial,
            "features": own.feature_matching,
            "commitment": own.commitment,
            "duration_adversarial": own.duration_adversarial,
            "wavlm": own.wavlm,
            "wavlm_adversarial": own.wavlm_adversarial,
            "total": own.total,
            "judge": self.waves.total,
            "duration_judge": None if self.durations is None else self.durations.total,
            "wavlm_judge": None if self.wavlm is None else self.wavlm.total,
            "loudness": self.loudness,
        }
        return {name: float(value) for name, value in found.items() if value is not None}


_SILENCE = 1e-3
"""Added to the loudness of recordings, some of whose segments are silent."""

_Losses = TypeVar("_Losses", GeneratorLosses, JudgeLosses)


def _detached(losses: _Losses) -> _Losses:
    """The same numbers, which keep no graph in memory."""
    values = {part.name: getattr(losses, part.name) for part in fields(losses)}
    return replace(losses, **{k: v.detach() for k, v in values.items() if v is not None})


class NotFiniteError(TrainingError):
    """A gradient that is no number: the step wasn't taken.

    Attributes:
        network: Whose: "generator", "waves", "durations" or "wavlm".
    """

    def __init__(self, network: str) -> None:
        super().__init__(f"The gradient of the network {network!r} isn't finite.")
        self.network = network


class Trainer:
    """The networks with their optimisers.

    Attributes:
        networks: In training mode.
        optimisers: "generator", "waves", "durations" and "wavlm", those that there are.
        norms: Of their gradients in the last step, before they were clipped.
    """

    def __init__(
        self,
        networks: Networks,
        crew: Crew = ALONE,
        bf16: bool = False,
        clip_norm: float | None = None,
    ) -> None:
        """Make the optimisers.

        Args:
            networks: In training mode.
            crew: The processes that train together.
            bf16: Compute in bfloat16 where that does no harm.
            clip_norm: Largest norm of the generator's gradient; None for that of the recipe.
        """
        self.networks, self.crew, self.bf16 = networks, crew, bf16
        self.norms: dict[str, Tensor] = {}
        self.clip_norm = networks.recipe.clip_norm if clip_norm is None else clip_norm
        self.optimisers = {
            name: optimiser(network, networks.config) for name, network in self.parts()
        }

    def parts(self) -> Iterator[tuple[str, nn.Module]]:
        """The networks that are trained, by name."""
        networks = self.networks
        trained: dict[str, nn.Module | None] = {
            "generator": networks.generator,
            "waves": networks.waves,
            "durations": networks.durations,
            "wavlm": networks.wavlm,
        }
        for name, network in trained.items():
            if network is not None:
                yield name, network

    def set_rate(self, rate: float) -> None:
        """Give all optimisers a learning rate."""
        for chosen in self.optimisers.values():
            for group in chosen.param_groups:
                group["lr"] = rate

    def step(self, batch: Batch, draws: Draws, number: int) -> StepLosses:
        """Train all networks by one batch.

        Args:
            batch: What was recorded.
            draws: Noise.
            number: Steps that were done before this one.

        Raises:
            NotFiniteError: A gradient isn't finite; that network and those behind it weren't moved.
        """
        [found] = self.learn([(batch, draws)], number)
        return found

    def learn(self, parts: Sequence[tuple[Batch, Draws]], number: int) -> list[StepLosses]:
        """Train all networks by one step on the mean gradients of several batches.

        The judges make their step at the last of them, so that with one batch the generator meets
        judges that have learnt, as in the released code.

        Args:
            parts: Each batch and its noise.
            number: Steps that were done before this one.

        Returns:
            What each batch gave; the gradient's norm is that of the step.

        Raises:
            NotFiniteError: As for `step`.
        """
        for chosen in self.optimisers.values():
            chosen.zero_grad()
        found = []
        for place, (batch, draws) in enumerate(parts):
            found.append(self._one(batch, draws, number, 1 / len(parts), place == len(parts) - 1))
        norm = self._advance("generator", self.clip_norm)
        # The codebook moves by what each process has seen.
        self.crew.same_buffers(self.networks.generator)
        return [replace(losses, gradient_norm=norm) for losses in found]

    def _one(self, batch: Batch, draws: Draws, number: int, share: float, last: bool) -> StepLosses:
        networks, config = self.networks, self.networks.config

        def judge(name: str, losses: JudgeLosses) -> None:
            self._add(name, losses.total * share)
            if last:
                self._advance(name)

        with torch.autocast(batch.waves.device.type, torch.bfloat16, enabled=self.bf16):
            generated = generate(
                networks.generator,
                batch,
                draws,
                networks.recipe,
                config.segment_frames,
                noise_scale(number) if config.noisy_alignment else 0.0,
            )
            segments = Segments.of(batch, generated, config)
            durations = wavlm = None
            if networks.durations is not None:
                durations = networks.duration_judge_losses(generated)
                judge("durations", durations)
            waves = networks.wave_judge_losses(segments)
            judge("waves", waves)
            if networks.wavlm is not None:
                wavlm = networks.wavlm_judge_losses(segments)
                judge("wavlm", wavlm)
            losses = networks.generator_losses(generated, segments)
        self._add("generator", losses.total * share)
        return StepLosses(
            generator=_detached(losses),
            waves=_detached(waves),
            durations=None if durations is None else _detached(durations),
            wavlm=None if wavlm is None else _detached(wavlm),
            gradient_norm=torch.tensor(math.nan),
            loudness=segments.generated.detach().std() / (segments.wave.std() + _SILENCE),
        )

    def descend(self, name: str, loss: Tensor, clip_norm: float = float("inf")) -> Tensor:
        """Take one step of the optimiser `name` down a loss; returns the gradient's norm."""
        self.optimisers[name].zero_grad()
        self._add(name, loss)
        return self._advance(name, clip_norm)

    def _parameters(self, name: str) -> list[Tensor]:
        return [p for group in self.optimisers[name].param_groups for p in group["params"]]

    def _add(self, name: str, loss: Tensor) -> None:
        """Add a loss to the gradient of one network."""
        # What the generator's loss would leave in its judges is of no use.
        loss.backward(inputs=self._parameters(name))  # type: ignore[no-untyped-call]  # torch has no type for it

    def _advance(self, name: str, clip_norm: float = float("inf")) -> Tensor:
        parameters = self._parameters(name)
        self.crew.mean_gradients(parameters)
        norm = nn.utils.clip_grad_norm_(parameters, clip_norm)
        if not bool(torch.isfinite(norm)):
            raise NotFiniteError(name)
        self.norms[name] = norm.detach()
        self.optimisers[name].step()
        return norm
