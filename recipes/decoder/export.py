"""Put trained parts into a checkpoint.

    python recipes/decoder/export.py CHECKPOINT OUT [--decoder STATE] [--posterior STATE]

CHECKPOINT is a folder with G_0.pth and config.json; OUT gets both, with the averaged weights of the
decoder of train.py's state.pt, or of the posterior encoder of recipes/joe-en/train_base.py's, in
float16 under the names of released checkpoints.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))
from pieces import load_network, save

from vinovits.nets.posterior import PosteriorEncoder
from vinovits.nets.weight_norm import add_weight_norm, released_state


def defined(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same weights, without directions of length 0, which other programs divide by."""
    return {
        name: torch.where(tensor.flatten(1).norm(dim=1).reshape(-1, 1, 1) > 0, tensor, 0.01)
        if name.endswith(".weight_v")
        else tensor
        for name, tensor in state.items()
    }


def main() -> None:
    """Parse the command line and write the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--decoder", type=Path)
    parser.add_argument("--posterior", type=Path)
    options = parser.parse_args()
    network = load_network(options.checkpoint)
    if options.posterior and not hasattr(network, "enc_q"):
        network.enc_q = PosteriorEncoder(network.config)
    add_weight_norm(network)
    steps = 0
    for path, name in ((options.decoder, "dec"), (options.posterior, "enc_q")):
        if path:
            state: dict[str, Any] = torch.load(path, weights_only=True)
            # The decoder is trained with its last layer wrapped.
            average = {
                key.replace("conv_post.layer.", "conv_post."): tensor
                for key, tensor in state["average"].items()
            }
            network.get_submodule(name).load_state_dict(average)
            steps = state["steps"]
    options.out.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.half() for name, tensor in defined(released_state(network)).items()}
    save(
        {"model": weights, "iteration": steps, "optimizer": None, "learning_rate": 2e-4},
        options.out / "G_0.pth",
    )
    shutil.copyfile(options.checkpoint / "config.json", options.out / "config.json")


if __name__ == "__main__":
    main()
