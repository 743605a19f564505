"""The adversarial training of a decoder alone, with networks as small as they get."""

from __future__ import annotations

import importlib.util
import signal
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from vinovits.nets.config import ModelConfig
from vinovits.nets.decoder import Decoder

RECIPES = Path(__file__).parents[2] / "recipes"
CHOSEN: dict[str, Any] = {
    "batch": 2,
    "frames": 24,
    "margin": 2,
    "posterior": 0.5,
    "posterior_noise": 0.6,
    "judge_channels": [1, 4, 4],
    "periods": [2, 3],
    "transforms": [256],
    "spectrum_channels": 4,
    "mel_weight": 30,
    "feature_weight": 15,
    "learning_rate": 1e-3,
    "halved_every": 100,
    "judge_rate": 1e-3,
    "betas": [0.8, 0.99],
    "alone": 1,
    "average": 0.9,
    "check_every": 100,
}
CONFIG = ModelConfig(
    sampling_rate=22050,
    filter_length=1024,
    hop_length=256,
    win_length=1024,
    spec_channels=513,
    inter_channels=4,
    hidden_channels=4,
    filter_channels=4,
    n_heads=1,
    n_layers=1,
    kernel_size=3,
    p_dropout=0.0,
    resblock="2",
    resblock_kernel_sizes=(3,),
    resblock_dilation_sizes=((1, 2),),
    upsample_rates=(16, 16),
    upsample_initial_channel=16,
    upsample_kernel_sizes=(32, 32),
    n_speakers=1,
    gin_channels=4,
    transformer_flow=False,
    couplings=1,
    flow_layers=1,
    speakers={"one": 0},
)


@pytest.fixture(scope="module")
def training() -> ModuleType:
    """recipes/decoder/train.py, which isn't in a package."""
    pytest.importorskip("onnxruntime")
    sys.path[:0] = [str(RECIPES / "decoder"), str(RECIPES)]
    spec = importlib.util.spec_from_file_location(
        "recipes_decoder_train", RECIPES / "decoder" / "train.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def clips() -> list[dict[str, Any]]:
    torch.manual_seed(0)
    return [
        {
            "m_q": torch.randn(4, frames).half(),
            "logs_q": torch.randn(4, frames).half(),
            "flowed": torch.randn(3, 4, frames).half(),
            "wave": (torch.randn(frames * 256) * 3000).to(torch.int16),
        }
        for frames in (10, 24, 40)
    ]


def new_run(training: ModuleType) -> Any:
    torch.manual_seed(1)
    return training.Run(Decoder(CONFIG), torch.zeros(1, 4, 1), CHOSEN, 22050)


def test_segments_are_of_clips_that_are_long_enough(training: ModuleType) -> None:
    made = clips()
    for number, clip in enumerate(made):
        clip["wave"] = torch.arange(len(clip["wave"])).to(torch.int16)
        clip["m_q"] = (torch.arange(clip["m_q"].shape[1]) + 100.0 * number).expand(4, -1).half()
        clip["flowed"] = clip["m_q"].expand(3, 4, -1)
        clip["logs_q"] = torch.full_like(clip["m_q"], -20.0)
    segments = training.Segments(made, CHOSEN, 256)
    for _ in range(10):
        z, wave = segments.draw()
        assert z.shape == (2, 4, 24)
        assert wave.shape == (2, 1, 20 * 256)
        for frames, samples in zip(z[:, 0], wave[:, 0] * 32767, strict=True):
            number, start = divmod(round(float(frames[0])), 100)
            assert number in (1, 2)
            assert round(float(samples[0])) == (start + 2) * 256


def test_the_judges_learn_alone_at_first(training: ModuleType) -> None:
    run = new_run(training)
    before = [parameter.clone() for parameter in run.decoder.parameters()]
    losses = run.step(*training.Segments(clips(), CHOSEN, 256).draw())
    assert set(losses) == {"judged"}
    assert all(map(torch.equal, before, run.decoder.parameters()))
    losses = run.step(*training.Segments(clips(), CHOSEN, 256).draw())
    assert {"mel", "adversarial", "features", "judged"} <= set(losses)
    assert not all(map(torch.equal, before, run.decoder.parameters()))


def test_a_run_that_was_taken_up_goes_on_as_if_it_had_not_stopped(
    training: ModuleType, tmp_path: Path
) -> None:
    segments = training.Segments(clips(), CHOSEN, 256)
    whole = new_run(training)
    losses = [whole.step(*segments.draw()) for _ in range(4)]

    first = new_run(training)
    found = [first.step(*segments.draw()) for _ in range(2)]
    torch.save(first.state(), tmp_path / "state.pt")
    second = new_run(training)
    torch.randn(5)
    second.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    found += [second.step(*segments.draw()) for _ in range(2)]
    assert found == losses
    for one, other in zip(whole.average.parameters(), second.average.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_training_is_written_when_it_is_told_to_end(
    training: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers: list[Any] = []
    monkeypatch.setattr(signal, "signal", lambda number, handler: handlers.append(handler))
    run = new_run(training)
    run.chosen = CHOSEN | {"check_every": 4}
    checked = training.train(
        run, training.Segments(clips(), CHOSEN, 256).draw, tmp_path / "state.pt", 1000
    )
    losses = next(checked)
    assert run.steps == 4
    assert losses["judged"] > 0
    assert not (tmp_path / "state.pt").exists()
    handlers[0](signal.SIGTERM, None)
    assert list(checked) == []
    assert torch.load(tmp_path / "state.pt", weights_only=True)["steps"] == run.steps


def test_half_as_loud_is_its_logarithm_away(training: ModuleType) -> None:
    wave = torch.randn(1, 5000)
    assert float(training.mel_distance(wave, wave, 22050)) == 0
    assert float(training.mel_distance(wave, 0.5 * wave, 22050)) == pytest.approx(0.69, abs=0.01)
