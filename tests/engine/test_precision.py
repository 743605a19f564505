"""The decoder computes in bf16 where that is quick and sounds the same, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import vinovits
from vinovits.devices import can_compute
from vinovits.engine import precision
from vinovits.engine.precision import (
    LEAST_SNR,
    Precisions,
    decoder_precision,
    parse_precision,
    stage_precision,
)
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


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("f8", r"'f8'\. There are: auto, f32, bf16, f16; int8 for features"),
        ("int8", "'int8' of the stage decoder: only feature models"),
        ("flow=int8", "'int8' of the stage flow: only feature models"),
        ("decodr=bf16", r"no stage 'decodr' .* Did you mean 'decoder'\?"),
        ("decoder=bf16,decoder=f32", "precision for decoder twice"),
        ("decoder=", "'decoder=' in 'decoder=' isn't a stage and its precision"),
        ("flow=f32,=bf16", "'=bf16' in .* isn't a stage and its precision, as in decoder=bf16"),
        ("decoder=bf16;flow=f32", "no precision 'bf16;flow=f32'"),
        ("", "no precision ''"),
        (16, "is a name"),
    ],
)
def test_what_makes_no_sense_is_told(asked: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        vinovits.load("joe", precision=asked)


def test_stages_that_arent_named_are_left_to_the_device() -> None:
    assert parse_precision("bf16") == Precisions(decoder="bf16")
    assert parse_precision("int8-features") == Precisions(features="int8")
    assert parse_precision(" Decoder=BF16, features=int8") == Precisions(
        decoder="bf16", features="int8"
    )
    assert parse_precision("decoder=auto,encoder=f32").of("style") == "f32"  # a graph of tomorrow


def test_other_stages_are_exact_unless_told_otherwise(chip: set[str]) -> None:
    assert stage_precision("auto", "cpu") == "f32"
    chip.add("bf16")
    assert stage_precision("auto", "cpu") == "f32"
    assert stage_precision("bf16", "cpu") == "bf16"
    with pytest.raises(DeviceError, match="no instructions for f16"):
        stage_precision("f16", "cpu")


@pytest.mark.skipif(not can_compute("cpu", "bf16"), reason="this CPU has no bf16 instructions")
def test_each_stage_computes_in_what_was_asked(graph_cache: Path) -> None:
    asked = "encoder=bf16,flow=bf16,decoder=f32,features=bf16"
    voice = vinovits.load("joe", precision=asked, cache_dir=graph_cache)
    voice.speak("Yes.")
    assert {name: info.precision for name, info in voice.graphs().items()} == {
        "encoder": "bf16",
        "flow": "bf16",
        "decoder": "f32",
        "all-MiniLM-L6-v2": "bf16",
    }


def test_features_in_int8_are_near_and_not_the_same(graph_cache: Path) -> None:
    rows = {}
    for asked in ("auto", "features=f32", "int8-features"):
        voice = vinovits.load("joe", precision=asked, cache_dir=graph_cache)
        voice.stages.load_features("en")
        bert = voice.stages._bert["en_bert"]
        rows[asked] = bert.features(bert.pieces("The harbour lies quiet in the evening."))
    np.testing.assert_array_equal(rows["auto"], rows["features=f32"])  # a narrow model
    exact, rounded = rows["features=f32"], rows["int8-features"]
    cosines = (exact * rounded).sum(1)
    cosines /= np.linalg.norm(exact, axis=1) * np.linalg.norm(rounded, axis=1)
    assert cosines.min() > 0.99
    if can_compute("cpu", "bf16"):  # then it has VNNI as well
        assert np.abs(exact - rounded).max() > 1e-4


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
