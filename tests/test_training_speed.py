"""What bench/train_speed.py takes apart, on a tiny network."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest
import torch

from tests.train.conftest import base, data

BENCH = Path(__file__).parent.parent / "bench"
sys.path.insert(0, str(BENCH))  # The scripts there aren't a package.

from train_speed import measure  # noqa: E402

__all__ = ["base", "data"]


@pytest.mark.extra
def test_every_part_of_a_step_is_timed(base: Path, data: Path) -> None:
    options = argparse.Namespace(
        base=str(base), batch=2, judge_width=0.0625, precision="f32", seconds=0.01
    )
    one = measure(options, data)["by_precision"]["f32"]
    assert one["steps"] >= 1
    times = {part["part"]: part for part in one["parts"]}
    judges = [name for name in times if name.startswith("judge")]
    assert len(judges) == 2 * 6
    assert {"decoder", "flow", "text encoder", "alignment", "optimisers"} <= set(times)
    # What has gradients takes longer with them.
    assert all(times[name]["both"] > times[name]["forward"] for name in ("decoder", "flow"))
    assert one["parts_in_all"] == sum(part["total"] for part in one["parts"])
    assert torch.is_grad_enabled()
