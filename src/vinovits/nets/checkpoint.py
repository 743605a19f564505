"""Reading released checkpoints into the network."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from vinovits.errors import CheckpointError
from vinovits.nets.config import ModelConfig
from vinovits.nets.synthesizer import Synthesizer
from vinovits.nets.variants import Variant

_LFS_HEADER = b"version https://git-lfs"


_NOT_WEIGHTS = ("iteration",)
"""Tensors that Style-Bert-VITS2 stores beside the weights."""

_NO_GENERATORS = {
    "discriminators.": "a discriminator (D_*.pth)",
    "dur_proj.": "a duration discriminator (DUR_*.pth)",
    "convs.": "a WavLM discriminator (WD_*.pth)",
}
"""What files of other networks of the training hold, by the prefix of a tensor's name."""


def load_checkpoint(path: Path, config: ModelConfig, variant: Variant) -> Synthesizer:
    """Build the network and fill it with the generator weights of a released checkpoint.

    Full checkpoints and those without the posterior encoder are taken, in float32 or float16;
    weight norm is folded. No code of the file is ever run.

    Args:
        path: The file.
        config: Sizes from its config.json.
        variant: Its family.

    Returns:
        The network in evaluation mode, float32.

    Raises:
        CheckpointError: The file can't be read, or its tensors don't fit; the message lists every
            key that is missing, unexpected or of another shape.
    """
    return build_network(read_state(path), config, variant, path)


def build_network(
    tensors: Mapping[str, Tensor], config: ModelConfig, variant: Variant, path: Path
) -> Synthesizer:
    """As `load_checkpoint`, from tensors as `read_state` gives them; `path` is for errors."""
    state = fold_weight_norm(tensors)
    posterior = any(name.startswith("enc_q.") for name in state)
    # Compared before any memory is taken: a config may ask for any size.
    with torch.device("meta"), _WithoutRandomNumbers():
        wanted = Synthesizer(config, variant, posterior=posterior).state_dict()
    problems = _differences(wanted, state)
    if problems:
        raise CheckpointError(
            f"The checkpoint {path} doesn't fit its config and the family {variant.name}, "
            f"{len(problems)} differences:\n" + "\n".join(f"  {problem}" for problem in problems)
        )
    with _WithoutRandomNumbers():
        network = Synthesizer(config, variant, posterior=posterior)
    network.load_state_dict(state)
    return network.eval()


class _WithoutRandomNumbers(TorchFunctionMode):
    """Layers keep the memory that they get, for a file fills it next.

    Drawing first numbers takes time, and on the meta device torch loads its compiler for it.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def read_state(path: Path) -> dict[str, Tensor]:
    """The generator's tensors as float32, by name, of a `G_*.pth` or a .safetensors file.

    Raises:
        CheckpointError: No such file, a git-lfs pointer, truncated, a pickle with code in it, no
            tensors, those of another network, or values that can't be weights.
    """
    _check_head(path)
    if path.suffix in (".safetensors", ".aivm"):
        model = _read_safetensors(path)
    else:
        model = _read_pickle(path)
    model = {name: tensor for name, tensor in model.items() if name not in _NOT_WEIGHTS}
    _check_generator(path, model)
    _check_values(path, model)
    return {name: tensor.float() for name, tensor in model.items()}


def _check_head(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(len(_LFS_HEADER))
    except OSError as error:
        raise CheckpointError(f"The checkpoint {path} can't be read: {error.strerror}.") from None
    if head == _LFS_HEADER:
        raise CheckpointError(
            f"{path} is a git-lfs pointer, not the checkpoint itself. Run `git lfs pull` in its "
            "repository, or download the file from its page."
        )
    if not head:
        raise CheckpointError(f"The checkpoint {path} is an empty file. Download it again.")


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is damaged, or no .safetensors file ({error}). Download it again and compare "
            "its size."
        ) from None


def _read_pickle(path: Path) -> dict[str, Tensor]:
    try:
        with warnings.catch_warnings():
            # torch warns of pickles that it then refuses; the error below says what to do.
            warnings.simplefilter("ignore", UserWarning)
            data = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        if zipfile.is_zipfile(path):
            raise CheckpointError(
                f"The checkpoint {path} holds more than tensors and plain values, so it was not "
                "loaded: such a file can run code. Get the file from its maker, or save its "
                "tensors anew."
            ) from None
        raise CheckpointError(
            f"{path} is damaged, no checkpoint that torch.save has written, or a pickle that holds "
            "code; it was not loaded. Download it again, or ask its maker for the tensors alone."
        ) from None
    except (RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        raise CheckpointError(
            f"The checkpoint {path} is damaged or cut off ({str(error).splitlines()[0]}). "
            "Download it again and compare its size."
        ) from None
    model = data.get("model") if isinstance(data, dict) else None
    if not isinstance(model, dict) or not all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in model.items()
    ):
        raise CheckpointError(
            f'The checkpoint {path} has no table of tensors under "model". A generator is named '
            "G_*.pth."
        )
    return model


def _check_generator(path: Path, model: Mapping[str, Tensor]) -> None:
    if "enc_p.emb.weight" in model:
        return
    for prefix, what in _NO_GENERATORS.items():
        if any(name.startswith(prefix) for name in model):
            raise CheckpointError(
                f"{path} holds {what}, which serves training only and has no voice. Take the "
                "generator that was saved with it, G_*.pth."
            )
    raise CheckpointError(
        f"{path} holds no Bert-VITS2 voice: it has no tensor enc_p.emb.weight"
        + (f", but {', '.join(list(model)[:3])} and so on." if model else " nor any other.")
    )


def _check_values(path: Path, model: Mapping[str, Tensor]) -> None:
    # A few bytes may claim to be a tensor of any size.
    empty = [name for name, tensor in model.items() if not is_stored(tensor)]
    if empty:
        raise CheckpointError(
            f"The checkpoint {path} doesn't hold all values of its tensors, such as those of "
            f"{', '.join(empty[:5])}. Get the file from its maker."
        )
    whole = [name for name, tensor in model.items() if not tensor.is_floating_point()]
    if whole:
        raise CheckpointError(
            f"The checkpoint {path} holds whole numbers where weights should be, in "
            f"{', '.join(whole[:5])}. Is it quantised? Get the original."
        )
    broken = [name for name, tensor in model.items() if not bool(torch.isfinite(tensor).all())]
    if broken:
        raise CheckpointError(
            f"The checkpoint {path} holds values that aren't finite, in {', '.join(broken[:5])}: "
            "its training diverged, or the file is damaged. Take an earlier checkpoint."
        )


def is_stored(tensor: Tensor) -> bool:
    """Whether a tensor is a plain table with a value in memory for each of its places."""
    if tensor.layout is not torch.strided or tensor.device.type != "cpu":
        return False
    return tensor.nelement() * tensor.element_size() <= tensor.untyped_storage().nbytes()


def fold_weight_norm(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Replace each pair `weight_g`, `weight_v` by `weight` = g * v / |v|.

    Weight norm: Salimans and Kingma 2016, https://arxiv.org/abs/1602.07868. The norm runs over all
    axes but the first. Where v is all 0 the direction is undefined; the result is then 0, not NaN.
    Pairs whose shapes don't belong together are left for the comparison of all shapes.
    """
    folded = {}
    for name, tensor in state.items():
        stem = name[:-1]
        if not (name.endswith((".weight_g", ".weight_v")) and _is_pair(state, stem)):
            folded[name] = tensor
        elif name.endswith("g"):
            v = state[f"{stem}v"]
            norm = v.flatten(1).norm(dim=1).reshape(tensor.shape)
            scale = torch.where(norm > 0, tensor / norm, torch.zeros_like(norm))
            folded[stem.removesuffix("_")] = v * scale
    return folded


def _is_pair(state: Mapping[str, Tensor], stem: str) -> bool:
    g, v = state.get(f"{stem}g"), state.get(f"{stem}v")
    if g is None or v is None or v.dim() < 2:
        return False
    return g.shape == (len(v), *(1 for _ in v.shape[1:]))


def _differences(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> list[str]:
    missing = [f"missing: {name}" for name in wanted if name not in found]
    unexpected = [f"unexpected: {name}" for name in found if name not in wanted]
    shapes = [
        f"wrong shape: {name} is {tuple(found[name].shape)}, the config says {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in found and found[name].shape != tensor.shape
    ]
    return missing + unexpected + shapes
