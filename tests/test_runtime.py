"""OpenVINO as this package imports it."""

from __future__ import annotations

import subprocess
import sys

import pytest

_AT_ONCE = """
import sys
import threading

from vinovits.runtime import openvino as ov

sys.setswitchinterval(1e-6)
threads = 8
constants = [ov.op.Constant(ov.Type.f32, ov.Shape([1]), [float(i)]) for i in range(threads)]
found = [None] * threads
barrier = threading.Barrier(threads)


def first_use(i):
    barrier.wait()
    found[i] = {use}


running = [threading.Thread(target=first_use, args=(i,), daemon=True) for i in range(threads)]
for thread in running:
    thread.start()
for thread in running:
    thread.join(60)
    assert not thread.is_alive()
print(found)
"""


@pytest.mark.parametrize(
    ("use", "said"),
    [
        ("float(constants[i].data[0])", str([float(i) for i in range(8)])),
        ("ov.Type.f32.to_dtype().name", str(["float32"] * 8)),
    ],
)
def test_threads_may_use_it_first_at_the_same_time(use: str, said: str) -> None:
    """They waited for each other for ever, in nearly each of such processes."""
    program = _AT_ONCE.replace("{use}", use)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == said
