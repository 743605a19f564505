"""Clips are levelled by session, bounded, resampled and measured."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
import soxr

from tests.prepare.material import RATE, sentence
from vinovits.prepare.clips import CEILING, Ears, likeness, make_clip
from vinovits.prepare.quality import Mos, clipped, package_file
from vinovits.prepare.speech import RATE as HEARD

NO_EARS = Ears()


def made(samples: np.ndarray, gain: float = 0.0, margin: int = 0, rate: int = RATE) -> np.ndarray:
    content, _ = make_clip(samples, margin, margin, (RATE, rate), gain, NO_EARS)
    found, own = soundfile.read(io.BytesIO(content), dtype="float32")
    assert own == rate
    return np.asarray(found)


def test_a_clip_is_what_was_recorded() -> None:
    own = sentence(1)
    found = made(own)
    assert len(found) == len(own)
    middle = slice(200, -200)
    np.testing.assert_allclose(found[middle], (own - own.mean())[middle], atol=1e-4)
    assert found[0] == found[-1] == 0


def test_the_margin_is_heard_by_the_resampler_alone() -> None:
    own = sentence(1)
    whole = soxr.resample(own - own.mean(), RATE, 44_100, quality="VHQ")
    found = made(own, margin=1200, rate=44_100)
    start = round(1200 * 44_100 / RATE)
    assert len(found) == round((len(own) - 2400) * 44_100 / RATE)
    middle = slice(400, -400)
    np.testing.assert_allclose(found[middle], whole[start : start + len(found)][middle], atol=1e-3)


def test_gain_and_ceiling() -> None:
    own = sentence(2)
    content, measures = make_clip(own, 0, 0, (RATE, RATE), 60.0, NO_EARS)
    found, _ = soundfile.read(io.BytesIO(content))
    assert np.abs(found).max() == pytest.approx(CEILING, abs=1e-3)
    assert measures.lowered == pytest.approx(
        60 + 20 * np.log10(np.abs(own - own.mean()).max() / CEILING), abs=0.1
    )
    quiet = made(own, -20)
    assert np.abs(quiet).max() == pytest.approx(np.abs(own - own.mean()).max() / 10, rel=0.02)


def test_clipping_is_seen_at_any_level() -> None:
    own = sentence(1)
    peak = float(np.abs(own).max())
    assert clipped(own) == 0
    hard = np.clip(own, -peak / 3, peak / 3) / peak
    assert clipped(hard * 3) > 0.005
    assert clipped(hard) > 0.005
    assert clipped(hard / 100) == 0  # nobody hears that
    assert clipped(np.zeros(100, np.float32)) == 0
    assert clipped(np.zeros(0, np.float32)) == 0


def test_copies_are_alike_and_others_are_not() -> None:
    heard = [soxr.resample(sentence(number), RATE, HEARD) for number in (1, 2, 3)]
    first = likeness(heard[0])
    noisy = heard[0] * 0.3 + np.random.default_rng(0).standard_normal(len(heard[0])) * 1e-4
    assert first @ likeness(noisy.astype(np.float32)) > 0.985
    assert first @ likeness(heard[1]) < 0.9
    assert first @ likeness(heard[2]) < 0.9
    assert np.isfinite(likeness(np.zeros(5, np.float32))).all()


def test_dnsmos_is_that_of_the_network() -> None:
    ort = pytest.importorskip("onnxruntime")
    path = package_file("speechmos", "dnsmos_models/sig_bak_ovr.onnx")
    assert path is not None
    heard = soxr.resample(sentence(1), RATE, HEARD)
    found = Mos()(heard)
    window = np.tile(heard, 9)[: int(9.01 * HEARD)]
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    sig, bak, ovrl = session.run(None, {"input_1": np.clip(window, -1, 1)[None]})[0][0]
    wanted = {
        "ovrl": np.polyval((-0.06766283, 1.11546468, 0.04602535), ovrl),
        "sig": np.polyval((-0.08397278, 1.22083953, 0.0052439), sig),
        "bak": np.polyval((-0.13166888, 1.60915514, -0.39604546), bak),
    }
    assert found == pytest.approx(wanted, abs=0.05)  # of bf16
    rng = np.random.default_rng(0)
    noisy = Mos()((heard + rng.standard_normal(len(heard)) * 0.05).astype(np.float32))
    assert noisy["ovrl"] < found["ovrl"] - 0.5
