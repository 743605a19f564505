"""The network of Resemblyzer without torch; and a file that would run code is refused."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from vinovits.errors import DataError
from vinovits.prepare.voice_print import VoicePrints, _mel, read_torch

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, torch.nn.ModuleDict]:
    """A random network of the real shape, written as torch did before its release 1.6."""
    torch.manual_seed(0)
    layers = torch.nn.ModuleDict(
        {
            "lstm": torch.nn.LSTM(40, 256, 3, batch_first=True),
            "linear": torch.nn.Linear(256, 256),
        }
    )
    path = tmp_path_factory.mktemp("weights") / "pretrained.pt"
    state = {"step": 1, "model_state": layers.state_dict()}
    torch.save(state, path, _use_new_zipfile_serialization=False)
    return path, layers


def test_weights_are_read_as_they_are(network: tuple[Path, torch.nn.ModuleDict]) -> None:
    path, layers = network
    found = read_torch(path)
    assert set(found) == set(layers.state_dict())
    for name, tensor in layers.state_dict().items():
        np.testing.assert_array_equal(found[name], tensor.numpy())


def test_the_graph_computes_what_torch_does(network: tuple[Path, torch.nn.ModuleDict]) -> None:
    path, layers = network
    samples = np.random.default_rng(0).standard_normal(16_000 * 3).astype(np.float32) * 0.1
    found = VoicePrints(path)(samples)
    mel = _mel(samples)
    starts = np.minimum(np.arange(round((len(mel) - 160) / 80) + 1) * 80, len(mel) - 160)
    parts = torch.from_numpy(np.stack([mel[start : start + 160] for start in starts]))
    with torch.no_grad():
        _, (hidden, _) = layers["lstm"](parts)
        raw = torch.relu(layers["linear"](hidden[-1]))
        wanted = (raw / raw.norm(dim=1, keepdim=True)).mean(dim=0)
    wanted = wanted / wanted.norm()
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-4)
    assert VoicePrints(path)(samples[:800]).shape == (256,)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, ("touch " + str(tmp_path / "ran"),)

    path = tmp_path / "pretrained.pt"
    with path.open("wb") as file:
        for part in (0x1950A86A20F9469CFC6C, 1001, {}, Evil()):
            pickle.dump(part, file, protocol=2)
    with pytest.raises(DataError, match="isn't the weights of Resemblyzer"):
        read_torch(path)
    assert not (tmp_path / "ran").exists()
    path.write_bytes(b"PK not at all")
    with pytest.raises(DataError, match="isn't the weights of Resemblyzer"):
        read_torch(path)
