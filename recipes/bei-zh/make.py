"""Last step: the voice folder of a checkpoint.

    python recipes/bei-zh/make.py FOLDER OUT

FOLDER holds G_0.pth and config.json.
"""

from __future__ import annotations

import sys
from pathlib import Path

from vinovits.voices.manifest import Defaults

sys.path.insert(0, str(Path(__file__).parents[1]))
from pieces import make_voice

HERE = Path(__file__).parent

if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    make_voice(
        Path(sys.argv[1]),
        Path(sys.argv[2]),
        HERE / "card.json",
        name="bei",
        languages=["zh"],
        defaults=Defaults(sdp_ratio=0.2, noise=0.5, noise_w=0.6),
    )
