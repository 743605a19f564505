"""Who may import whom, and what importing costs."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "vinovits"

# Each package may import those of its own level and below; nets, convert and train are a wing of
# their own, which only the command `convert` reaches for.
BELOW = {
    "text": {"errors", "text"},
    "manifests": {"errors"},
    "voices": {"errors", "manifests", "places", "text", "voices"},
    "places": set(),
    "runtime": set(),
    "threads": {"errors"},
    "edit_distance": set(),
    "whisper": {"errors"},
    "graph_cache": set(),
    "devices": {"errors", "runtime"},
    "winograd": {"runtime"},
    "graphs": {"devices", "errors", "graph_cache", "manifests", "runtime", "threads", "winograd"},
    "features": {"devices", "errors", "graphs", "manifests", "places", "features", "store"},
    "store": {"errors", "manifests", "output", "places", "store"},
    "lexicons": {"errors", "output", "places", "text"},
    "engine": {
        *("devices", "errors", "graph_cache", "graphs", "lexicons", "text", "voices", "features"),
        *("engine", "places", "runtime", "threads"),
    },
    "output": {"errors", "engine", "output", "text"},
    "books": {
        *("batch", "books", "edit_distance", "engine", "errors", "lexicons", "output", "text"),
        *("voices", "whisper"),
    },
    "batch": {"batch", "engine", "errors", "lexicons", "output", "text", "voices"},
    "serve": {
        *("batch", "books", "engine", "errors", "features", "lexicons", "output", "places"),
        *("prepare", "serve", "text", "voices"),
    },
    "page": {"engine", "errors", "output", "page", "places", "serve", "text", "voices"},
    "nets": {"errors", "text", "nets"},
    "prepare": {
        *("devices", "engine", "errors", "features", "graphs", "lexicons", "output", "prepare"),
        *("runtime", "text", "train", "whisper"),
    },
    "train": {
        *("errors", "manifests", "output", "places", "text", "voices"),
        *("convert", "nets", "train"),
    },
    "convert": {
        *("errors", "text", "voices", "graphs", "manifests", "engine", "features", "output"),
        *("nets", "convert", "devices", "runtime", "store"),
    },
}


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


@pytest.mark.parametrize("package", sorted(BELOW))
def test_imports_run_downwards_only(package: str) -> None:
    files = list((SOURCE / package).rglob("*.py")) or [SOURCE / f"{package}.py"]
    assert files
    for path in files:
        for module in _imports(path):
            parts = module.split(".")
            if parts[0] == "vinovits" and len(parts) > 1:
                assert parts[1] in BELOW[package], f"{path.name} imports {module}"


def test_torch_is_imported_in_nets_convert_and_train_only() -> None:
    for path in SOURCE.rglob("*.py"):
        roots = {module.split(".")[0] for module in _imports(path)}
        if path.relative_to(SOURCE).parts[0] not in ("nets", "convert", "train"):
            assert not roots & {"torch", "safetensors", "transformers", "numba"}, path


def test_importing_and_asking_for_help_loads_no_engine() -> None:
    script = """
import sys
import vinovits.cli
sys.argv = ["vinovits", "--help"]
try:
    vinovits.cli.main()
except SystemExit as end:
    assert end.code == 0
heavy = {"torch", "openvino", "tokenizers", "soundfile", "soxr", "matplotlib", "num2words"}
heavy |= {"httpx2", "filelock", "fastapi", "uvicorn", "pydantic", "gradio"}
print(sorted(heavy & {name.split(".")[0] for name in sys.modules}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_public_name_exists() -> None:
    import vinovits

    for name in vinovits.__all__:
        assert getattr(vinovits, name) is not None
    with pytest.raises(AttributeError):
        _ = vinovits.nonsense


def test_openvino_reports_to_nobody(tmp_path: Path) -> None:
    script = """
import sys
from vinovits.devices import core
core()
from openvino import convert_model
import openvino.tools.ovc.convert_impl as impl
print(impl.tm.__name__, "openvino_telemetry" in sys.modules)
"""
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["openvino.tools.ovc.telemetry_stub", "False"]
    assert list(tmp_path.iterdir()) == []
