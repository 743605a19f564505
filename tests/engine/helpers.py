"""Small things that several tests of the engine build on."""

from __future__ import annotations

from collections.abc import Iterable

from vinovits.engine.windows import Reach, Window
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


def check_windows(windows: Iterable[Window], frames: int, reach: Reach) -> None:
    """Each frame is in one window, in order, with real context on both sides in both stages.

    At the true ends of the sentence there is less.
    """
    done = 0
    for window in windows:
        assert window.first == done < window.last
        assert 0 <= window.start <= window.kept_from <= window.first
        assert window.last <= window.kept_to <= window.stop <= frames
        assert window.kept_from == 0 or window.first - window.kept_from >= reach.late
        assert window.kept_to == frames or window.kept_to - window.last >= reach.late
        assert window.start == 0 or window.first - window.start >= reach.context
        assert window.stop == frames or window.stop - window.last >= reach.context
        done = window.last
    assert done == frames
