"""The decoder computes in bf16 where that is quick and sounds the same, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vinovits
from vinovits.devices import can_compute
from vinovits.engine import precision
from vinovits.engine.precision import LEAST_SNR, decoder_precision
from vinovits.errors import DeviceError, UsageError


@pytest.fixture
def chip(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What the chip has instructions for; free to be changed."""
    able = {"f32"}
    monkeypatch.setattr(precision, "can_compute", lambda device, wanted: wanted in able)
    return able


def _unasked() -> float:
    raise AssertionError("a CPU isn't asked for f16")


@pytest.mark.parametrize(
    ("has_bf16", "device", "snr", "expected"),
    [
        (True, "cpu", LEAST_SNR, "bf16"),
        (True, "CPU", 60.0, "bf16"),
        (True, "cpu", LEAST_SNR - 0.1, "f32"),
        (True, "cpu", 0.0, "f32"),  # a folder of before that was measured
        (False, "cpu", 60.0, "f32"),
    ],
)
def test_auto(chip: set[str], has_bf16: bool, device: str, snr: float, expected: str) -> None:
    if has_bf16:
        chip.add("bf16")
    assert decoder_precision("auto", device, snr, _unasked) == expected


def test_what_is_asked_for_is_taken_whatever_the_voice(chip: set[str]) -> None:
    chip.add("bf16")
    assert decoder_precision("bf16", "cpu", 0.0, _unasked) == "bf16"
    assert decoder_precision("f32", "cpu", 60.0, _unasked) == "f32"


def test_a_chip_without_bf16_says_so(chip: set[str]) -> None:
    with pytest.raises(DeviceError, match="'cpu' has no instructions for bf16"):
        decoder_precision("bf16", "cpu", 60.0, _unasked)


def test_an_unknown_precision_is_named_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"'f8'\. There are: auto, f32, bf16, f16"):
        vinovits.load("joe", precision="f8")  # type: ignore[arg-type]


def test_f32_is_what_every_device_computes_in() -> None:
    assert can_compute("cpu", "f32")
    with pytest.raises(DeviceError):
        can_compute("tpu", "f32")


def test_only_the_decoder_is_rounded(graph_cache: Path) -> None:
    wanted = "bf16" if can_compute("cpu", "bf16") else "f32"
    voice = vinovits.load("joe", features="none", cache_dir=graph_cache)
    found = {name: info.precision for name, info in voice.graphs().items()}
    assert found == {"encoder": "f32", "flow": "f32", "decoder": wanted}


@pytest.mark.skipif(not can_compute("cpu", "bf16"), reason="this CPU has no bf16 instructions")
def test_bf16_moves_no_phone_and_adds_as_little_noise_as_the_folder_says(graph_cache: Path) -> None:
    text = "The harbour lies quiet in the evening."
    exact, rounded = (
        vinovits.load("joe", precision=wanted, cache_dir=graph_cache).speak(text, pause=0)
        for wanted in ("f32", "bf16")
    )
    assert rounded.sentences == exact.sentences
    noise = np.square(rounded.samples - exact.samples).sum()
    snr = 10 * np.log10(np.square(exact.samples).sum() / noise)
    assert snr >= LEAST_SNR
