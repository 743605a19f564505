"""What a user gets: the wheel, in an environment of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def _run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_wheel_speaks_in_a_clean_environment_without_torch(tmp_path: Path) -> None:
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", tmp_path, cwd=ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    environment = tmp_path / "env"
    _run(sys.executable, "-m", "venv", environment, cwd=tmp_path)
    python = environment / "bin" / "python"
    install = [python, "-m", "pip", "install", "-q", "--no-compile"]
    _run(*install, "-c", ROOT / "constraints.txt", wheel, cwd=tmp_path)

    installed = _run(python, "-m", "pip", "list", "--format=freeze", cwd=tmp_path).lower()
    assert "openvino==" in installed
    for unwanted in ("torch", "transformers", "nvidia"):
        assert f"\n{unwanted}" not in installed
    size = sum(path.stat().st_size for path in environment.rglob("*") if path.is_file())
    assert size <= 400e6

    out = tmp_path / "out.wav"
    command = environment / "bin" / "vinovits"
    said = _run(command, "say", "It costs $5.", "--out", out, cwd=tmp_path)
    assert "real-time factor" in said
    import soundfile

    samples, rate = soundfile.read(out)
    assert rate == 22050
    assert 0.8 < len(samples) / rate < 4
    assert abs(samples).max() > 0.05
