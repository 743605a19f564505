"""The step in one call, against the recording."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from tests.conftest import GOLDEN

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "bench"))
import parity_train  # the bench is no package

from vinovits.train.step import Trainer

COPIED = GOLDEN / "training" / "v2.3-wnflow"


def test_one_call_makes_the_recorded_step() -> None:
    case = parity_train.Case(COPIED, "float32")
    networks, variant = parity_train.build(case)
    frozen = networks.generator.enc_p.bert_proj.requires_grad_(False)
    before = frozen.weight.clone()
    trainer = Trainer(networks)
    batch, draws = parity_train.read_batch(case, variant), parity_train.read_draws(case)
    found = trainer.step(batch, draws, case.settings["global_step"])

    recorded, grads = case.arrays("losses"), case.arrays("grads")
    assert found.durations is not None
    assert found.wavlm is not None
    for value, name in (
        (found.generator.total, "g.loss_total"),
        (found.waves.total, "loss_disc"),
        (found.durations.total, "loss_dur_disc"),
        (found.wavlm.total, "loss_slm_disc"),
    ):
        assert float(value) == pytest.approx(float(recorded[name]), rel=1e-4), name
    # Without what is frozen, the norm is a little less.
    assert float(found.gradient_norm) == pytest.approx(float(grads["g.total_norm"]), rel=1e-2)
    assert torch.equal(frozen.weight, before), "what is frozen doesn't move"

    for key, network in (
        ("mpd", networks.waves),
        ("dur", networks.durations),
        ("wd", networks.wavlm),
    ):
        assert network is not None
        parameters = {parity_train.released_name(n): p for n, p in network.named_parameters()}
        chosen = [parameters[name] for name in grads[f"{key}.names"]]
        first = parity_train.first8([parameter.grad for parameter in chosen])
        expected = parity_train.np.nan_to_num(grads[f"{key}.grad_first8"])
        peak = abs(expected).max()
        assert abs(first - expected).max() < 1e-3 * peak, "the judges' gradients are their own"
    embedding = networks.generator.enc_p.emb.weight.detach().flatten()[:8].numpy()
    row = grads["g.names"].tolist().index("enc_p.emb.weight")
    stable = grads["g.stable"][row]
    difference = abs(embedding - grads["g.updated_first8"][row])[stable]
    assert difference.max(initial=0.0) < 1e-6
