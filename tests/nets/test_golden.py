"""The network in torch and as graphs gives what the released code has recorded."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import GOLDEN, SHARED
from vinovits.convert.compare import run_torch

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "bench"))
import parity  # the bench is no package

COPIED = list(parity.find_cases(GOLDEN / "nets"))
RECORDED = (
    list(parity.find_cases(SHARED / "golden" / "dev"))
    if (SHARED / "golden" / "dev").is_dir()
    else []
)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            marks=pytest.mark.extra
            if case.name.split("/")[0].endswith(("resblock2", "refenc", "wnflow"))
            else (),
        )
        for case in COPIED
    ],
    ids=lambda case: case.name,
)
def test_torch_and_openvino_agree_with_the_recording(case: parity.Case, tmp_path: Path) -> None:
    rows = parity.run_case(case, tmp_path)
    stages = {(row.engine, row.stage) for row in rows}
    for engine in ("torch", "openvino"):
        assert {(engine, "frames"), (engine, "z"), (engine, "audio")} <= stages
    assert [row for row in rows if not row.passed] == []


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case.name)
def test_torch_agrees_with_every_recording_there_is(case: parity.Case) -> None:
    with np.load(case.inputs) as recorded:
        network = parity.load_network(case, recorded.get("emo_codebook"))
    inputs = parity.read_inputs(case.inputs, network.variant)
    found = run_torch(network, inputs)
    found |= parity.run_inside(network, inputs, found["g"])
    with np.load(case.outputs) as expected:
        np.testing.assert_array_equal(found["frames"], expected["w_ceil"])
        if "emo_codes" in expected and "emo_codes" in found:
            np.testing.assert_array_equal(found["emo_codes"], expected["emo_codes"])
        for stage in {"x_hidden", "emo_emb", "style_emb", "m_p", "z_p", "z", "audio"} & set(
            expected
        ):
            peak = np.abs(expected[stage]).max()
            np.testing.assert_allclose(found[stage], expected[stage], atol=1e-5 * peak, rtol=0)


def test_every_switch_of_the_network_is_among_the_copied_cases() -> None:
    assert {case.name for case in COPIED} >= {
        "v2.3/short_release",
        "v2.3-wnflow/short",
        "v2.3-resblock2/short",
        "v2.3-refenc/long",
    }
