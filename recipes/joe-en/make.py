"""Make the built-in voice `joe` from its released checkpoint.

    python recipes/joe-en/make.py FOLDER [OUT]

FOLDER holds G_0.pth and config.json (see README.md beside this file); OUT is
src/vinovits/data/voices/joe if not given. The same folder and the versions of constraints.txt give
the same files.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from vinovits.convert.voice import convert_checkpoint
from vinovits.voices.manifest import Card, Defaults

HERE = Path(__file__).parent
OUT = HERE.parent.parent / "src" / "vinovits" / "data" / "voices" / "joe"


def main(source: Path, out: Path) -> None:
    """Convert the checkpoint in `source` into the folder `out`, replacing what is there."""
    card = Card(**json.loads((HERE / "card.json").read_text(encoding="utf-8")))
    shutil.rmtree(out, ignore_errors=True)
    conversion = convert_checkpoint(
        source / "G_0.pth",
        source / "config.json",
        out,
        precision="f16",
        name="joe",
        languages=["en"],
        feature_models={"en_bert": "all-MiniLM-L6-v2"},
        # The settings that the recorded quality figures were made with. A final "." lasts 70 ms
        # with this voice, too short for listening to one sentence after another.
        defaults=Defaults(sdp_ratio=0.2, noise=0.5, noise_w=0.6, pause=0.2),
        card=card,
    )
    for found in conversion.differences:
        print(f"{found.stage:9} {found.relative:.1e} of its peak from torch")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else OUT)
