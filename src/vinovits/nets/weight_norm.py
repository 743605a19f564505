"""Weight norm while a network is trained, and the names that released checkpoints give it.

Salimans and Kingma 2016, https://arxiv.org/abs/1602.07868.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import weight_norm

from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.wavenet import WaveNet

_RELEASED = {
    ".parametrizations.weight.original0": ".weight_g",
    ".parametrizations.weight.original1": ".weight_v",
}


def add_weight_norm(network: Synthesizer) -> None:
    """Split the weights of the decoder's blocks and of every WaveNet into size and direction.

    The network computes the same as before; these are the layers that released models train so.
    """
    stacks: list[nn.Module] = [network.dec.ups, network.dec.resblocks]
    stacks += [module for module in network.modules() if isinstance(module, WaveNet)]
    for stack in stacks:
        for module in list(stack.modules()):
            if isinstance(module, nn.Conv1d | nn.ConvTranspose1d):
                weight_norm(module)


def released_name(name: str) -> str:
    """What checkpoints call the tensor that torch names `name`."""
    for ours, theirs in _RELEASED.items():
        if name.endswith(ours):
            return name.removesuffix(ours) + theirs
    return name


def released_state(network: nn.Module) -> dict[str, Tensor]:
    """All tensors of a network under the names of released checkpoints."""
    return {released_name(name): tensor for name, tensor in network.state_dict().items()}


def load_released(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Fill a network under training, from pairs of size and direction or from folded weights.

    Args:
        network: With weight norm.
        state: As `released_state` gives it; a pair may be one `weight` too.

    Raises:
        RuntimeError: Tensors are missing, unexpected or of another shape.
    """
    by_ours = {}
    folded = {}
    for name in network.state_dict():
        theirs = released_name(name)
        plain = theirs.removesuffix("_g").removesuffix("_v")
        if theirs in state:
            by_ours[name] = state[theirs]
        elif theirs != name and plain in state:
            folded[plain.removesuffix(".weight")] = state[plain]
    known = {released_name(name) for name in by_ours} | {f"{name}.weight" for name in folded}
    missing, _ = network.load_state_dict(by_ours, strict=False)
    for path, weight in folded.items():
        module = network.get_submodule(path)
        assert parametrize.is_parametrized(module, "weight")
        module.weight = weight
        missing = [name for name in missing if not name.startswith(f"{path}.")]
    unexpected = [name for name in state if name not in known]
    if missing or unexpected:
        raise RuntimeError(
            f"The tensors don't fit the network: missing {missing[:5]}, unexpected "
            f"{unexpected[:5]}."
        )
