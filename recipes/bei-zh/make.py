"""Last step: the voice folder of a checkpoint.

    python recipes/bei-zh/make.py FOLDER OUT

FOLDER holds G_0.pth and config.json.

bei learned without BERT: what the projections of BERT features add is their bias, which moves to
the embedding of the languages here, so that the voice asks for no feature model.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import torch

from vinovits.voices.manifest import Defaults

sys.path.insert(0, str(Path(__file__).parents[1]))
from pieces import make_voice

HERE = Path(__file__).parent


def without_bert(source: Path, out: Path) -> None:
    """Write a checkpoint that gives what `source` gives for BERT features that are all 0."""
    content = torch.load(source / "G_0.pth", weights_only=True)
    weights = content["model"]
    for name in ("bert", "ja_bert", "en_bert"):
        bias = weights[f"enc_p.{name}_proj.bias"]
        languages = weights["enc_p.language_emb.weight"].float() + bias.float()
        weights["enc_p.language_emb.weight"] = languages
        bias.zero_()
        weights[f"enc_p.{name}_proj.weight"].zero_()
    torch.save(content, out / "G_0.pth")
    shutil.copyfile(source / "config.json", out / "config.json")


def main() -> None:
    """Parse the command line and make the voice."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as work:
        without_bert(Path(sys.argv[1]), Path(work))
        make_voice(
            Path(work),
            Path(sys.argv[2]),
            HERE / "card.json",
            name="bei",
            languages=["zh"],
            # With less noise than the latents were made with, more syllables are understood.
            defaults=Defaults(sdp_ratio=0.2, noise=0.2, noise_w=0.3, pause=0.2),
        )


if __name__ == "__main__":
    main()
