"""Last step: the voice folder of a checkpoint.

    python recipes/bei-zh/make.py FOLDER OUT

FOLDER holds G_0.pth and config.json.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from vinovits.convert.voice import convert_checkpoint
from vinovits.voices.manifest import Card, Defaults

HERE = Path(__file__).parent


def main(source: Path, out: Path) -> None:
    """Convert the checkpoint in `source` into the folder `out`, replacing what is there."""
    card = Card(**json.loads((HERE / "card.json").read_text(encoding="utf-8")))
    shutil.rmtree(out, ignore_errors=True)
    conversion = convert_checkpoint(
        source / "G_0.pth",
        source / "config.json",
        out,
        precision="f16",
        name="bei",
        languages=["zh"],
        defaults=Defaults(sdp_ratio=0.2, noise=0.5, noise_w=0.6),
        card=card,
    )
    for found in conversion.differences:
        print(f"{found.stage:9} {found.relative:.1e} of its peak from torch")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
