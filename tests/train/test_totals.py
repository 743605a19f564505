"""Which terms move the generator, by family and by the judges that are used."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from vinovits.nets.discriminators import Judgement
from vinovits.train.recipe import RECIPES
from vinovits.train.step import Networks

# The family, whether durations and WavLM are judged; then whether the terms of durations and of
# WavLM count, and how often the commitment does.
CASES = [
    ("2.3", True, True, True, True, 0),
    ("2.3", True, False, True, False, 0),
    ("2.3", False, True, False, True, 0),
    ("2.4", True, True, True, True, 0),
    ("2.4", True, False, True, False, 0),
    ("2.4", False, True, False, False, 0),
    ("jp-extra", False, False, False, False, 1),
    ("jp-extra", False, True, False, False, 1),
    ("jp-extra", True, False, True, False, 1),
    ("jp-extra", True, True, True, True, 2),
]


@pytest.mark.parametrize(("family", "dur", "wavlm", "rhythm", "heard", "commitments"), CASES)
def test_the_total_has_the_terms_of_the_family(
    family: str, dur: bool, wavlm: bool, rhythm: bool, heard: bool, commitments: int
) -> None:
    torch.manual_seed(0)

    def judge_waves(wave: torch.Tensor) -> list[Judgement]:
        return [Judgement(wave.mean(2), [wave, wave.square()])]

    networks = Networks(
        generator=None,
        waves=judge_waves,
        durations=(lambda *text: text[3].transpose(1, 2)) if dur else None,
        wavlm=(lambda states: states.mean((1, 2, 3))) if wavlm else None,
        hidden_states=lambda wave: wave.unflatten(1, (2, -1, 4)),
        recipe=RECIPES[family],
        config=SimpleNamespace(
            c_mel=45.0,
            c_kl=1.0,
            c_commit=100.0,
            wavlm_rate=16_000,
            spectrogram=SimpleNamespace(sampling_rate=16_000),
        ),
    )
    logw = torch.randn(2, 1, 5)
    generated: Any = SimpleNamespace(
        **{name: torch.randn(2, 4, 6) for name in ("z_p", "logs_q", "m_p", "logs_p")},
        frame_mask=torch.ones(2, 1, 6),
        duration_loss=torch.tensor(3.0),
        commitment=None if family == "2.3" else torch.tensor(0.25),
        logw_regressed=logw,
        logw_sampled=logw.flip(2) if RECIPES[family].samples_durations else None,
        **dict.fromkeys(("hidden", "text_mask", "g")),
    )
    segments: Any = SimpleNamespace(
        wave=torch.randn(2, 1, 64),
        generated=torch.randn(2, 1, 64),
        mel=torch.randn(2, 8, 4),
        generated_mel=torch.randn(2, 8, 4),
    )
    found = networks.generator_losses(generated, segments)
    wanted = found.mel + found.kl + 3.0 + found.adversarial + found.feature_matching
    if rhythm:
        assert found.duration_adversarial is not None
        wanted += found.duration_adversarial
    assert (found.wavlm is not None) == wavlm, "it is written down where it doesn't count, too"
    if heard:
        assert found.wavlm is not None
        assert found.wavlm_adversarial is not None
        wanted += found.wavlm + found.wavlm_adversarial
    wanted += commitments * 100.0 * 0.25
    assert float(found.total) == pytest.approx(float(wanted), rel=1e-6)
