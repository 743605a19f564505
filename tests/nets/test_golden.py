"""The network in torch and as graphs gives what the released code has recorded."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import GOLDEN, SHARED
from vinovits.convert.compare import run_torch
from vinovits.nets.checkpoint import load_checkpoint
from vinovits.nets.config import ModelConfig
from vinovits.nets.variants import VARIANTS

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "bench"))
import parity  # the bench is no package

COPIED = list(parity.find_cases(GOLDEN / "nets"))
RECORDED = (
    [c for c in parity.find_cases(SHARED / "golden" / "dev") if parity.variant_of(c) == "2.3"]
    if (SHARED / "golden" / "dev").is_dir()
    else []
)


@pytest.mark.parametrize("case", COPIED, ids=lambda case: case.name)
def test_torch_and_openvino_agree_with_the_recording(case: parity.Case) -> None:
    rows = parity.run_case(case, "2.3")
    stages = {(row.engine, row.stage) for row in rows}
    for engine in ("torch", "openvino"):
        assert {(engine, "frames"), (engine, "z"), (engine, "audio")} <= stages
    assert [row for row in rows if not row.passed] == []


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.name)
def test_torch_agrees_with_every_recording_there_is(case: parity.Case) -> None:
    variant = VARIANTS["2.3"]
    config = ModelConfig.from_file(case.config, variant)
    network = load_checkpoint(case.checkpoint, config, variant)
    inputs = parity.read_inputs(case.inputs, ("bert", "ja_bert", "en_bert"))
    found = run_torch(network, inputs)
    with np.load(case.outputs) as expected:
        np.testing.assert_array_equal(found["frames"], expected["w_ceil"])
        for stage in ("m_p", "logs_p", "z_p", "z", "audio"):
            peak = np.abs(expected[stage]).max()
            np.testing.assert_allclose(found[stage], expected[stage], atol=1e-5 * peak, rtol=0)


def test_every_switch_of_the_network_is_among_the_copied_cases() -> None:
    assert {case.name for case in COPIED} >= {
        "v2.3/short_release",
        "v2.3-wnflow/short",
        "v2.3-resblock2/short",
        "v2.3-refenc/long",
    }
