"""Small things that several tests of the engine build on."""

from __future__ import annotations

from vinovits.text.symbols import TABLE_V2
from vinovits.voices.manifest import FeatureNeed, VoiceManifest

FILES = dict.fromkeys(
    (
        "encoder.xml",
        "encoder.bin",
        "flow.xml",
        "flow.bin",
        "decoder.xml",
        "decoder.bin",
        "speakers.npy",
    ),
    "0" * 64,
)


def minimal_manifest() -> VoiceManifest:
    """A valid manifest of no voice in particular."""
    return VoiceManifest(
        name="test",
        variant="2.3",
        precision="f32",
        sampling_rate=8000,
        hop_length=16,
        latent_channels=4,
        speaker_channels=6,
        decoder_context=3,
        decoder_late_context=1,
        languages=("en",),
        speakers={"ann": 0},
        table=TABLE_V2,
        features=(FeatureNeed("en_bert", 1024, "en", "all-MiniLM-L6-v2"),),
        files=FILES,
    )
