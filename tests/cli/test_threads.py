"""`--threads` and VINOVITS_THREADS: what bounds all pools."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run


@pytest.mark.parametrize("way", ["option", "variable"])
def test_threads_bound_openvino_and_other_pools(
    tiny_voice: Path, graph_cache: Path, tmp_path: Path, way: str
) -> None:
    script = (
        "import os, sys\n"
        "import vinovits\n"
        "from vinovits.cli.main import cli\n"
        "load, voices = vinovits.load, []\n"
        "def noted(*a, **k):\n"
        f"    voices.append(load(*a, cache_dir={str(graph_cache)!r}, **k))\n"
        "    return voices[-1]\n"
        "vinovits.load = noted\n"
        "cli(sys.argv[1:], standalone_mode=False)\n"
        "graph = voices[0].stages.graphs['encoder']\n"
        "print(graph._compiled.get_property('INFERENCE_NUM_THREADS'))\n"
        "print(os.environ['OPENBLAS_NUM_THREADS'], os.environ['RAYON_NUM_THREADS'])\n"
    )
    unset = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "VINOVITS_THREADS")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    options = ["--threads", "1"] if way == "option" else []
    if way == "variable":
        environment["VINOVITS_THREADS"] = "1"
    done = subprocess.run(
        [sys.executable, "-c", script, "say", "One.", "--voice", str(tiny_voice), *options],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    assert done.stdout.split() == ["1", "1", "1"], done.stderr


def test_a_wrong_variable_is_wrong_use(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VINOVITS_THREADS", "all")
    result = run("say", "One.")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "VINOVITS_THREADS must be a whole number from 1 to 1024, not 'all'" in result.stderr
    assert run("say", "--help").exit_code == 0
