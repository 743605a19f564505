from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from vinovits.engine.styles import blend_style

GOLDEN = Path(__file__).parent.parent / "golden" / "features" / "sbv2-style"
CASES = json.loads((GOLDEN / "cases.json").read_bytes())["cases"]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_style_vectors_are_the_recorded_ones(case: dict[str, object]) -> None:
    recorded, table = np.load(GOLDEN / "cases.npz"), np.load(GOLDEN / "style_vectors.npy")
    stored = case["kind"] == "stored"
    style = table[case["style_id"]] if stored else recorded["audio_vector"]
    vector = blend_style(table[0], style, float(str(case["weight"])))
    assert vector.dtype == np.float32
    np.testing.assert_array_equal(vector, recorded[f"{case['id']}.style_vector"])
