"""Make the built-in voice `joe` from its released checkpoint.

    python recipes/joe-en/make.py FOLDER [OUT]

FOLDER holds G_0.pth and config.json (see README.md beside this file); OUT is
src/vinovits/data/voices/joe if not given. The same folder and the versions of constraints.txt give
the same files.
"""

from __future__ import annotations

import sys
from pathlib import Path

from vinovits.voices.manifest import Defaults

sys.path.insert(0, str(Path(__file__).parents[1]))
from pieces import make_voice

HERE = Path(__file__).parent
OUT = HERE.parent.parent / "src" / "vinovits" / "data" / "voices" / "joe"

if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    make_voice(
        Path(sys.argv[1]),
        Path(sys.argv[2]) if len(sys.argv) == 3 else OUT,
        HERE / "card.json",
        name="joe",
        languages=["en"],
        feature_models={"en_bert": "all-MiniLM-L6-v2"},
        # The settings that the recorded quality figures were made with. A final "." lasts 70 ms
        # with this voice, too short for listening to one sentence after another.
        defaults=Defaults(sdp_ratio=0.2, noise=0.5, noise_w=0.6, pause=0.2),
    )
