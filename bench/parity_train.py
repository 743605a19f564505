"""Compare one step of training with a recorded one, number by number.

    python bench/parity_train.py FOLDER [--json FILE] [--precision float32|float64] [--all]

FOLDER has one folder per family, each with config.json, G_0.pth, spec.npz, forward.npz,
losses.npz, grads.npz, mas.npz and meta.json, and a folder `wavlm`; a folder of one family is taken
too, if `wavlm` is beside it. Spectrograms, the posterior, the alignment, all losses, gradients and
the first step of every optimiser are recomputed from the recorded inputs and draws, once in
float64 and once in float32. A row fails where its largest absolute difference is above its limit.
In float64 that is five times the rounding error that meta.json measured for the array (or four
units of the last place of its largest value), so that it shows the mathematics to be the same. In
float32, in which the recording was made, two sums in another order differ by chance, most by
little, and those of an array of one number by any multiple of what was measured once: there the
limit is five times the measured error or, if that is larger, the share of the array's largest
value that the recording's notes suggest. In both it is 2e-2 of the largest value at most. Exits
with 1 if a row fails.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from vinovits.convert.detect import detect
from vinovits.errors import VinovitsError
from vinovits.nets.checkpoint import read_state
from vinovits.nets.conditioning import CodebookDraws
from vinovits.nets.config import ModelConfig, read_config
from vinovits.nets.discriminators import (
    DurationDiscriminator,
    Judgement,
    WaveDiscriminators,
    WavlmDiscriminator,
)
from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.text_encoder import TextInputs
from vinovits.nets.variants import Variant
from vinovits.nets.weight_norm import (
    add_weight_norm,
    load_released,
    released_name,
    released_state,
)
from vinovits.train.alignment import add_noise, noise_scale, search
from vinovits.train.generator import Batch, Draws, Generated, generate
from vinovits.train.recipe import RECIPES, TrainingConfig
from vinovits.train.spectrogram import linear_spectrogram, log_mel, mel_filters
from vinovits.train.step import GeneratorLosses, JudgeLosses, Networks, Segments, Trainer
from vinovits.train.wavlm import Wavlm

Array = NDArray[Any]

PRECISIONS = ("float64", "float32")
TIMES = 5.0
"""Of the measured rounding error."""
LAST_DIGITS = 4 * 2.0**-23
"""Of an array's largest value: nothing recorded in float32 is nearer than by chance."""
LOOSEST = 2e-2
"""Of an array's largest value."""
SHARES = {
    "spectrogram": 1e-4,
    "quantiser": 1e-5,
    "plain": 1e-5,
    "noised": 1e-5,
    "losses": 1e-5,
    "gradients": 2e-3,
}
"""Of an array's largest value, in float32, by the part."""
LOSS_SHARES = {
    "y_mel": 1e-4,
    "y_hat_mel": 1e-4,
    "g0.grad_y_hat": 2e-3,
    "g.grad_y_hat.mel": 1e-4,
    "g.grad_y_hat.total": 2e-2,
    **{f"g.loss_{name}": 1e-5 for name in ("dur", "mel", "kl", "commit")},
}
"""The same for single losses."""
AFTER_SHARE = 1e-3
"""The same for losses by discriminators that have made their step: `mpd1.*` and other `g.*`."""
UPDATED = 1e-6
"""The least limit of updated parameters in float32, as it is."""
SMALL = 1e-6
"""Gradient norms below this share of a network's largest are rounding errors themselves."""


@dataclass(frozen=True)
class Row:
    case: str
    precision: str
    part: str
    name: str
    error: float
    limit: float
    passed: bool


@dataclass
class Case:
    """One family's recording and the rows found so far."""

    folder: Path
    precision: str
    """"float64" or "float32"."""
    rows: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.meta = json.loads((self.folder / "meta.json").read_text(encoding="utf-8"))
        self.settings = self.meta["settings"]
        self.tolerance = self.meta["tolerance"]
        self.dtype = getattr(torch, self.precision)

    def arrays(self, name: str) -> dict[str, Array]:
        with np.load(self.folder / f"{name}.npz", allow_pickle=False) as stored:
            return {key: stored[key] for key in stored}

    def tensor(self, array: Array) -> Tensor:
        """Floats in the precision that is tested, whole numbers as they are."""
        found = torch.from_numpy(np.ascontiguousarray(array))
        return found.to(self.dtype) if found.is_floating_point() else found

    def add(self, part: str, name: str, error: float, limit: float) -> None:
        passed = bool(error <= limit)
        self.rows.append(Row(self.folder.name, self.precision, part, name, error, limit, passed))

    def close(self, part: str, name: str, found: Any, expected: Array, measured: float) -> None:
        """Largest absolute difference, against the measured one."""
        found = found.detach().numpy() if isinstance(found, Tensor) else np.asarray(found)
        if found.shape != expected.shape:
            self.add(part, f"{name} {found.shape}", math.inf, 0.0)
            return
        largest = float(np.abs(expected).max(initial=0.0))
        least = largest * LAST_DIGITS
        if self.precision == "float32":
            least = largest * suggested(part, name)
        error = float(np.abs(found.astype(np.float64) - expected).max(initial=0.0))
        limit = min(max(TIMES * measured, least), LOOSEST * largest)
        self.add(part, name, error if math.isfinite(error) else math.inf, limit)

    def equal(self, part: str, name: str, found: Any, expected: Array) -> None:
        """How many places differ; none may."""
        found = found.detach().numpy() if isinstance(found, Tensor) else np.asarray(found)
        same = found.shape == expected.shape
        self.add(part, name, float((found != expected).sum()) if same else math.inf, 0.0)


def suggested(part: str, name: str) -> float:
    """The share of an array's largest value that it may be off by, in float32."""
    if part == "losses" and name in LOSS_SHARES:
        return LOSS_SHARES[name]
    if part == "losses" and name.startswith(("mpd1.", "g.")):
        return AFTER_SHARE
    return SHARES.get(part, 0.0)


def rule(name: str, shape: Iterable[int]) -> Tensor:
    """The recording's rule for weights that aren't stored: from the name and the shape."""
    shape = tuple(shape)
    u = np.uint64
    with np.errstate(over="ignore"):
        numbers = np.arange(1, math.prod(shape) + 1, dtype=u)
        z = (numbers + (u(zlib.crc32(name.encode())) << u(32))) * u(0x9E3779B97F4A7C15)
        z = (z ^ (z >> u(30))) * u(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> u(27))) * u(0x94D049BB133111EB)
        z ^= z >> u(31)
    r = ((z >> u(40)).astype(np.float64) + 0.5) / 2.0**23 - 1.0
    if name.endswith("weight_g"):
        values = 1.5 + 0.25 * r
    elif name.endswith(("gamma", "norm.weight")):
        values = 1.0 + 0.25 * r
    elif len(shape) < 2:
        values = 0.125 * r
    else:
        values = r * math.sqrt(3.0 / math.prod(shape[1:]))
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def fill(network: nn.Module, prefix: str) -> None:
    """Give all parameters the values of the rule."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(rule(f"{prefix}/{released_name(name)}", parameter.shape))


def without_dropout(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0


def build(case: Case) -> tuple[Networks, Variant]:
    """All networks of a case, as they were before the step."""
    tensors = read_state(case.folder / "G_0.pth")
    settings = read_config(case.folder / "config.json")
    variant = detect(tensors, settings).variant
    model = ModelConfig.from_dict(settings, variant)
    config = TrainingConfig.from_dict(settings, model)
    generator = Synthesizer(model, variant)
    add_weight_norm(generator)
    load_released(generator, tensors)
    waves = WaveDiscriminators()
    fill(waves, "MPD")
    durations = wavlm = None
    if config.duration_judge:
        durations = DurationDiscriminator(model.hidden_channels, model.gin_channels)
        fill(durations, "DUR")
        without_dropout(durations)
    wavlm = WavlmDiscriminator(config.wavlm_width, config.wavlm_states, config.wavlm_channels)
    fill(wavlm, "WD")
    without_dropout(generator)
    for network in (generator, waves, durations, wavlm):
        if network is not None:
            network.train().to(case.dtype)
    heard = Wavlm(case.folder.parent / "wavlm").to(case.dtype)
    return Networks(generator, waves, durations, wavlm, heard, RECIPES[variant.name], config), (
        variant
    )


def read_batch(case: Case, variant: Variant) -> Batch:
    recorded, spectra = case.arrays("forward"), case.arrays("spec")
    spectrograms = [case.tensor(spectra[f"{key}.spec"]) for key in "ab"]
    scale = float(spectra["max_wav_value"])
    waves = [case.tensor(spectra[f"{key}.wave_int16"] / np.float32(scale)) for key in "ab"]
    conditions = {"emotion": case.tensor(recorded["emo"])} if "emo" in recorded else {}
    pad = torch.nn.utils.rnn.pad_sequence
    return Batch(
        text=TextInputs(
            case.tensor(recorded["x"]),
            case.tensor(recorded["tone"]),
            case.tensor(recorded["language"]),
            {feature.name: case.tensor(recorded[feature.name]) for feature in variant.features},
            conditions,
        ),
        phone_counts=case.tensor(recorded["x_lengths"]),
        speakers=case.tensor(recorded["sid"]),
        spectrograms=pad([x.T for x in spectrograms], batch_first=True).transpose(1, 2),
        frame_counts=case.tensor(recorded["spec_lengths"]),
        waves=pad(waves, batch_first=True).unsqueeze(1),
    )


def read_draws(case: Case) -> Draws:
    recorded = case.arrays("forward")

    def draw(name: str) -> Tensor | None:
        return case.tensor(recorded[f"draw.{name}"]) if f"draw.{name}" in recorded else None

    uniform = draw("u_vq")
    codebook = None
    if uniform is not None:
        replacements = torch.zeros(uniform.shape[0], uniform.shape[2], dtype=torch.long)
        for head, code, row in recorded["draw.vq_replaced"]:
            replacements[head, code] = int(row)
        codebook = CodebookDraws(uniform, replacements)
    posterior, durations, segments = draw("noise_posterior"), draw("noise_sdp"), draw("u_slice")
    assert posterior is not None
    assert durations is not None
    assert segments is not None
    return Draws(
        posterior, durations, segments, draw("noise_mas"), draw("noise_sdp_reverse"), codebook
    )


def compare_spectrograms(case: Case, networks: Networks) -> None:
    spectra, sizes = case.arrays("spec"), networks.config.spectrogram
    case.close("spectrogram", "mel_basis", mel_filters(sizes), spectra["mel_basis"], 0.0)
    for key in "ab":
        measured = case.tolerance[f"spec.{key}"]
        wave = spectra[f"{key}.wave_int16"] / np.float32(spectra["max_wav_value"])
        spectrogram = linear_spectrogram(case.tensor(wave).unsqueeze(0), sizes)
        for name, found in (
            ("spec", spectrogram),
            ("mel_from_wave", log_mel(spectrogram, sizes)),
            ("mel_from_spec", log_mel(case.tensor(spectra[f"{key}.spec"]).unsqueeze(0), sizes)),
        ):
            expected = spectra[f"{key}.{name}"]
            case.close("spectrogram", f"{key}.{name}", found[0], expected, measured[name])


def compare_alignment(case: Case) -> None:
    recorded = case.arrays("mas")
    for name in sorted({key.rsplit(".", 1)[0] for key in recorded}):
        counts = (torch.from_numpy(recorded[f"{name}.{key}"]) for key in ("frames", "texts"))
        path = search(case.tensor(recorded[f"{name}.neg_cent"]), *counts)
        case.equal("alignment", name, path, recorded[f"{name}.path"])


def compare_forward(
    case: Case, networks: Networks, batch: Batch, draws: Draws, noised: bool
) -> Generated:
    """One forward pass; `noised` with the alignment's noise, as the step has it."""
    kind = "noised" if noised else "plain"
    recorded = case.arrays("forward")
    scale = noise_scale(case.settings["global_step"]) if noised else 0.0
    config, generator = networks.config, networks.generator
    generated = generate(generator, batch, draws, networks.recipe, config.segment_frames, scale)
    found: dict[str, Tensor | None] = {
        "g": generated.g,
        "x_mask": generated.text_mask,
        "y_mask": generated.frame_mask,
        "x_hidden": generated.hidden,
        "m_p_text": generated.text_m,
        "logs_p_text": generated.text_logs,
        "m_q": generated.m_q,
        "logs_q": generated.logs_q,
        "z": generated.z,
        "z_p": generated.z_p,
        "neg_cent": generated.scores,
        "m_p": generated.m_p,
        "logs_p": generated.logs_p,
        "logw_target": generated.logw,
        "logw_dp": generated.logw_regressed,
        "logw_sdp": generated.logw_sampled,
        "sdp_nll": generated.duration_nll,
        "loss_dp_item": generated.regression_losses,
        "loss_sdp_item": generated.stochastic_losses,
        "l_length": generated.regression_losses + generated.stochastic_losses,
        "y_hat": generated.wave,
        "loss_commit": generated.commitment,
    }
    if noised:
        assert draws.alignment is not None
        found["neg_cent_noised"] = add_noise(generated.scores, draws.alignment, scale)
        found["neg_cent_std"] = generated.scores.std()
        found["mas_noise_scale"] = torch.tensor(scale)
    same = set(recorded["noised.same_as_plain"].tolist()) if noised else set()
    measured = case.tolerance[f"forward.{kind}"]
    for name, value in found.items():
        key = f"plain.{name}" if name in same else f"{kind}.{name}"
        if value is not None or key in recorded:
            case.close(kind, name, value, recorded[key], measured[name][0])
    case.equal(kind, "attn", generated.path, recorded[f"{kind}.attn"])
    starts = recorded["plain.ids_slice"]
    case.equal(kind, "ids_slice", generated.starts, starts)
    return generated


def compare_quantiser(case: Case, networks: Networks, batch: Batch, draws: Draws) -> None:
    """What the plain forward pass makes of the codebook; runs before it, on a copy."""
    recorded = case.arrays("forward")
    if draws.codebook is None:
        return
    encoder = networks.generator.enc_p
    state = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    book = encoder.emo_vq._codebook
    # Only the rows that the recording names may have been replaced.
    sizes = book.cluster_size.clone()
    with torch.no_grad():
        emotion = encoder.in_feature_net(batch.text.conditions["emotion"])
        parts = encoder.emo_vq.project_in(emotion).unflatten(1, (encoder.emo_vq.heads, -1))
        parts = parts.transpose(0, 1)
        if encoder.emo_vq.cosine:
            parts = nn.functional.normalize(parts, dim=-1)
        codes = book.pick(parts, draws.codebook.uniform)
        case.equal("quantiser", "vq_codes", codes.T, recorded["plain.vq_codes"])
        image, _ = encoder.learn(
            batch.text.conditions["emotion"], draws.codebook, networks.recipe.codebook_decay
        )
    measured = case.tolerance["forward.plain"]
    picks = nn.functional.one_hot(codes, sizes.shape[1]).sum(1)
    decay = networks.recipe.codebook_decay
    stale = (sizes * decay + picks * (1 - decay) < 2).nonzero().numpy()
    case.equal("quantiser", "vq_replaced", stale, recorded["draw.vq_replaced"][:, :2])
    found = {"emo_emb": image.unsqueeze(1), "vq_cluster_size_after": book.cluster_size}
    for name, tensor in (("embed", book.embed), ("embed_avg", book.embed_avg)):
        found[f"vq_{name}_after_head0"] = tensor[0]
        flat = tensor.double().flatten(1)
        found[f"vq_{name}_after_moments"] = torch.stack([flat.mean(1), flat.square().mean(1)])
    for name, value in found.items():
        case.close("quantiser", name, value, recorded[f"plain.{name}"], measured[name][0])
    encoder.load_state_dict(state)


def summary(judgement: Judgement) -> Tensor:
    """Mean, deviation and the first 16 logits, as recorded."""
    flat = judgement.logits.detach().flatten()
    return torch.cat([torch.stack([flat.mean(), flat.std(unbiased=False)]), flat[:16]])


class Step:
    """The recorded step, taken apart."""

    def __init__(self, case: Case, networks: Networks, batch: Batch, generated: Generated) -> None:
        self.case, self.networks, self.generated = case, networks, generated
        self.recorded, self.grads = case.arrays("losses"), case.arrays("grads")
        self.segments = Segments.of(batch, generated, networks.config)
        self.trainer = Trainer(networks)

    def close(self, name: str, found: Any) -> None:
        expected = self.recorded[name]
        measured = self.case.tolerance["losses"][name][0]
        self.case.close("losses", name, found, expected, measured)

    def run(self) -> None:
        networks, segments = self.networks, self.segments
        self.close("y_slice", segments.wave)
        self.close("y_mel", segments.mel)
        self.close("y_hat_mel", segments.generated_mel)
        before = networks.generator_losses(self.generated, segments)
        self.generator_terms("g0", before)
        first = self.first_gradients(before)
        self.judge_waves("mpd0")

        if networks.durations is not None:
            generated = self.generated
            for suffix, sampled in (("", False), ("_sdp", True)):
                if sampled and generated.logw_sampled is None:
                    continue
                fake = generated.logw_sampled if sampled else generated.logw_regressed
                assert fake is not None
                self.close(
                    f"dur0.real{suffix}", networks.judge_rhythm(generated, generated.logw, None)
                )
                self.close(f"dur0.fake{suffix}", networks.judge_rhythm(generated, fake, None))
            self.judge(
                "durations", "dur", "loss_dur_disc", networks.duration_judge_losses(generated)
            )
        self.judge("waves", "mpd", "loss_disc", networks.wave_judge_losses(segments))
        self.judge_waves("mpd1")
        self.hear()
        self.judge("wavlm", "wd", "loss_slm_disc", networks.wavlm_judge_losses(segments))

        losses = networks.generator_losses(self.generated, segments)
        self.generator_terms("g", losses)
        (mel,) = torch.autograd.grad(losses.mel, self.generated.wave, retain_graph=True)
        self.close("g.grad_y_hat.mel", mel)
        (total,) = torch.autograd.grad(losses.total, self.generated.wave, retain_graph=True)
        # What was recorded as that of the total is the sum of all three that the wave had got.
        self.close("g.grad_y_hat.total", first + mel + total)
        clip = networks.recipe.clip_norm
        self.case.equal("update", "g.max_norm", clip, self.grads["g.max_norm"])
        self.trainer.optimisers["generator"].zero_grad()
        losses.total.backward(retain_graph=True)
        self.gradients("g", networks.generator)
        norm = self.trainer.descend("generator", losses.total, clip)
        relative = self.case.tolerance["grads"]["g"]["norm_relative"]
        expected = self.grads["g.total_norm"]
        self.case.close("update", "g.total_norm", norm, expected, relative * float(expected))
        self.updates("g", networks.generator)

    def generator_terms(self, key: str, losses: GeneratorLosses) -> None:
        terms: dict[str, Tensor | None] = {
            f"{key}.loss_gen": losses.adversarial,
            f"{key}.loss_gen_each": losses.adversarial_parts,
            f"{key}.loss_fm": losses.feature_matching,
            f"{key}.feature_l1": losses.features,
            f"{key}.loss_lm": losses.wavlm,
            f"{key}.loss_lm_gen": losses.wavlm_adversarial,
            f"{key}.loss_dur_gen": losses.duration_adversarial,
            f"{key}.loss_dur_gen_each": losses.duration_adversarial_parts,
            f"{key}.loss_total": losses.total,
        }
        if key == "g":
            terms |= {
                "g.loss_dur": losses.durations,
                "g.loss_mel": losses.mel,
                "g.loss_kl": losses.kl,
                "g.loss_commit": losses.commitment,
            }
        for name, value in terms.items():
            if value is not None or name in self.recorded:
                self.close(name, value)

    def first_gradients(self, losses: GeneratorLosses) -> Tensor:
        """With the discriminators as filled; returns that of the wave."""
        (wave,) = torch.autograd.grad(losses.total, self.generated.wave, retain_graph=True)
        self.close("g0.grad_y_hat", wave)
        losses.total.backward(retain_graph=True)
        self.gradients("g0", self.networks.generator)
        return wave

    def judge_waves(self, key: str) -> None:
        with torch.no_grad():
            for kind, wave in (
                ("real", self.segments.wave),
                ("fake", self.segments.generated),
            ):
                for i, judgement in enumerate(self.networks.waves(wave)):
                    self.close(f"{key}.{kind}.{i}", summary(judgement))
                    shape = self.recorded[f"{key}.{kind}.{i}.shape"]
                    name = f"{key}.{kind}.{i}.shape"
                    self.case.equal("losses", name, judgement.logits.shape, shape)

    def hear(self) -> None:
        networks = self.networks
        assert networks.wavlm is not None
        with torch.no_grad():
            for kind, wave in (
                ("real", self.segments.wave),
                ("fake", self.segments.generated),
            ):
                states = networks.hear(wave)
                self.close(f"wavlm_hidden.{kind}", states)
                self.close(f"wd0.{kind}", networks.wavlm(states))

    def judge(self, name: str, key: str, loss: str, losses: JudgeLosses) -> None:
        """A discriminator's loss, gradients and step."""
        self.close(loss, losses.total)
        for kind, parts in (("real", losses.real), ("fake", losses.fake)):
            if f"{loss}_{kind}" in self.recorded:
                self.close(f"{loss}_{kind}", parts)
        self.trainer.descend(name, losses.total)
        network = getattr(self.networks, name)
        self.gradients(key, network)
        self.updates(key, network)

    def gradients(self, key: str, network: nn.Module) -> None:
        """Norms and first numbers of all gradients; `g0` has the names of `g`."""
        names = self.grads[f"{key.removesuffix('0')}.names"].tolist()
        found = {released_name(name): p.grad for name, p in network.named_parameters()}
        missing = [name for name in names if found.get(name) is None]
        self.case.equal("gradients", f"{key}.missing", len(missing), np.array(0))
        if missing:
            return
        grads = [found[name] for name in names]
        norms = np.array([float(g.double().norm()) for g in grads if g is not None])
        expected = self.grads[f"{key}.grad_norm"]
        measured = self.case.tolerance["grads"][key]
        counted = expected > SMALL * expected.max()
        errors = np.abs(norms - expected)[counted] / expected[counted]
        limit = TIMES * measured["norm_relative"]
        if self.case.precision == "float32":
            limit = max(limit, SHARES["gradients"])
        limit = min(limit, LOOSEST)
        self.case.add("gradients", f"{key}.grad_norm", float(errors.max()), limit)
        self.case.close(
            "gradients",
            f"{key}.grad_first8",
            first8(grads),
            np.nan_to_num(self.grads[f"{key}.grad_first8"]),
            measured["first8_abs"],
        )

    def updates(self, key: str, network: nn.Module) -> None:
        """The first numbers of all parameters after the step, where rounding doesn't decide."""
        names = self.grads[f"{key}.names"].tolist()
        found = {released_name(name): p for name, p in network.named_parameters()}
        stable = self.grads[f"{key}.stable"]
        values = first8([found[name].detach() for name in names])
        expected = np.nan_to_num(self.grads[f"{key}.updated_first8"])
        error = float(np.abs(values - expected)[stable].max())
        limit = TIMES * self.case.tolerance["grads"][key]["updated_abs_stable"]
        if self.case.precision == "float32":
            limit = max(limit, UPDATED)
        self.case.add("update", f"{key}.updated_first8", error, limit)


def first8(tensors: Iterable[Tensor | None]) -> Array:
    """The first eight numbers of each tensor (n, 8), zeros beyond its end."""
    rows = [t.flatten()[:8].double().numpy() for t in tensors if t is not None]
    return np.stack([np.pad(row, (0, 8 - len(row))) for row in rows])


def run_case(folder: Path, precision: str) -> list[Row]:
    """All rows of one family, in "float64" or "float32"."""
    case = Case(folder, precision)
    networks, variant = build(case)
    batch = read_batch(case, variant)
    Step(case, networks, batch, run_generator(case, networks, batch)).run()
    return case.rows


def run_generator(case: Case, networks: Networks, batch: Batch) -> Generated:
    """All rows for which no judge is needed; returns what the generator's step begins with."""
    compare_spectrograms(case, networks)
    compare_alignment(case)
    draws = read_draws(case)
    state = {name: tensor.clone() for name, tensor in released_state(networks.generator).items()}
    compare_quantiser(case, networks, batch, draws)
    with torch.no_grad():
        compare_forward(case, networks, batch, draws, noised=False)
    # The forward pass has moved the codebook.
    load_released(networks.generator, state)
    return compare_forward(case, networks, batch, draws, noised=True)


def find_cases(folder: Path) -> Iterator[Path]:
    """Folders of one family each, in `folder` or that itself."""
    for place in [folder, *sorted(folder.iterdir())]:
        if (place / "forward.npz").is_file() and (place / "meta.json").is_file():
            yield place


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path, help="also write the rows there")
    parser.add_argument("--precision", choices=PRECISIONS, help="compute in this alone")
    parser.add_argument("--all", action="store_true", help="show the rows that pass too")
    arguments = parser.parse_args()
    console = Console()
    if not arguments.folder.is_dir():
        parser.error(f"{arguments.folder} is no folder")
    rows: list[Row] = []
    failures: Mapping[str, str] = {}
    precisions = [arguments.precision] if arguments.precision else PRECISIONS
    for folder in find_cases(arguments.folder):
        for precision in precisions:
            try:
                rows += run_case(folder, precision)
            except VinovitsError as error:
                failures = {**failures, folder.name: str(error)}
    table = Table("case", "precision", "part", "rows", "failed", "nearest to its limit", "share")
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.case, row.precision, row.part), []).append(row)
    for names, chosen in groups.items():
        worst = max(chosen, key=share)
        failed = sum(not row.passed for row in chosen)
        table.add_row(*names, str(len(chosen)), str(failed), worst.name, f"{share(worst):.2f}")
    console.print(table)
    for row in rows:
        if arguments.all or not row.passed:
            console.print(
                f"{row.case} {row.precision} {row.part} {row.name}: {row.error:.3g}, "
                f"limit {row.limit:.3g}",
                style=None if row.passed else "red",
            )
    for name, message in failures.items():
        console.print(f"[red]{name}: {message}")
    bad = sum(not row.passed for row in rows)
    console.print(f"{len(rows) - bad} of {len(rows)} rows pass.")
    if arguments.json:
        arguments.json.write_text(
            json.dumps({"rows": [vars(row) for row in rows], "failures": failures}, indent=1)
        )
    if not rows:
        console.print(f"[red]There is no case in {arguments.folder}.")
    return 0 if rows and not bad and not failures else 1


def share(row: Row) -> float:
    """Of its limit, that a row's error uses up."""
    if row.error == 0:
        return 0.0
    return row.error / row.limit if row.limit else math.inf


if __name__ == "__main__":
    sys.exit(main())
