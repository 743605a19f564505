from __future__ import annotations

import pytest
import torch

from tests.conftest import GOLDEN
from vinovits.nets.checkpoint import fold_weight_norm, read_state
from vinovits.nets.config import ModelConfig
from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.variants import VARIANTS
from vinovits.nets.weight_norm import add_weight_norm, load_released, released_state

FOLDER = GOLDEN / "training" / "v2.3-wnflow"


@pytest.fixture
def network() -> Synthesizer:
    variant = VARIANTS["2.3"]
    network = Synthesizer(ModelConfig.from_file(FOLDER / "config.json", variant), variant)
    add_weight_norm(network)
    return network


def test_a_released_checkpoint_goes_in_and_comes_out(network: Synthesizer) -> None:
    state = read_state(FOLDER / "G_0.pth")
    load_released(network, state)
    out = released_state(network)
    assert out.keys() == state.keys()
    assert all(torch.equal(out[name], state[name]) for name in state)


def test_folded_weights_are_split_and_mean_the_same(network: Synthesizer) -> None:
    folded = fold_weight_norm(read_state(FOLDER / "G_0.pth"))
    load_released(network, folded)
    again = fold_weight_norm(released_state(network))
    for name, tensor in folded.items():
        torch.testing.assert_close(again[name], tensor, atol=1e-6, rtol=1e-6)


def test_tensors_that_do_not_fit_are_named(network: Synthesizer) -> None:
    state = read_state(FOLDER / "G_0.pth")
    state["odd.weight"] = state.pop("dec.conv_pre.weight")
    with pytest.raises(RuntimeError, match=r"missing \['dec.conv_pre.weight'\].*'odd.weight'"):
        load_released(network, state)
