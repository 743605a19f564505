"""A step of training gives what the released code has recorded."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.conftest import GOLDEN, SHARED

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "bench"))
import parity_train  # the bench is no package

COPIED = GOLDEN / "training" / "v2.3-wnflow"
DEV = SHARED / "golden_train" / "dev"
RECORDED = sorted(parity_train.find_cases(DEV)) if DEV.is_dir() else []


@pytest.mark.parametrize("precision", parity_train.PRECISIONS)
@pytest.mark.extra
def test_a_step_agrees_with_the_recording(precision: str) -> None:
    rows = parity_train.run_case(COPIED, precision)
    names = {row.name for row in rows}
    assert {"0", "attn", "g.loss_total", "g.grad_norm", "g.updated_first8"} <= names
    assert {"wd.updated_first8", "dur.updated_first8", "mpd.updated_first8"} <= names
    assert [row for row in rows if not row.passed] == []


@pytest.mark.parametrize("folder", RECORDED, ids=lambda folder: folder.name)
def test_the_generator_of_every_recorded_family_agrees(folder: Path) -> None:
    case = parity_train.Case(folder, "float32")
    networks, variant = parity_train.build(case)
    parity_train.run_generator(case, networks, parity_train.read_batch(case, variant))
    assert {row.part for row in case.rows} >= {"spectrogram", "alignment", "plain", "noised"}
    assert [row for row in case.rows if not row.passed] == []


def test_a_row_fails_where_a_number_is_off() -> None:
    case = parity_train.Case(COPIED, "float64")
    expected = parity_train.np.array([1.0, -2.0], "float32")
    case.close("plain", "near", expected + 4e-8, expected, 1e-8)
    case.close("plain", "far", expected + 2e-6, expected, 1e-7)
    case.close("plain", "loose", expected + 0.05, expected, 1.0)
    case.close("plain", "nan", expected * float("nan"), expected, 1.0)
    case.close("plain", "shape", expected[:1], expected, 1.0)
    assert [row.passed for row in case.rows] == [True, False, False, False, False]
