"""Checkpoints that are broken in every way that people meet."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from vinovits.errors import CheckpointError
from vinovits.nets.checkpoint import fold_weight_norm, load_checkpoint, read_state
from vinovits.nets.config import ModelConfig, read_config
from vinovits.nets.variants import VARIANTS

VARIANT = VARIANTS["2.3"]


@pytest.fixture
def config(tiny_config: dict[str, Any]) -> ModelConfig:
    return ModelConfig.from_dict(tiny_config, VARIANT)


@pytest.fixture
def data(tiny_checkpoint: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = torch.load(tiny_checkpoint / "G_0.pth", weights_only=True)
    return loaded


def test_all_misfits_are_named_in_one_message(
    data: dict[str, Any], config: ModelConfig, tmp_path: Path
) -> None:
    model = data["model"]
    del model["dp.proj.weight"], model["flow.flows.0.pre.bias"]
    model["extra.weight"] = torch.zeros(2)
    model["emb_g.weight"] = torch.zeros(5, 6)
    torch.save(data, tmp_path / "G_0.pth")
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(tmp_path / "G_0.pth", config, VARIANT)
    message = str(caught.value)
    assert "missing: dp.proj.weight" in message
    assert "missing: flow.flows.0.pre.bias" in message
    assert "unexpected: extra.weight" in message
    assert "emb_g.weight is (5, 6), the config says (2, 6)" in message


def test_a_stripped_half_precision_file_gives_float32_without_posterior(
    data: dict[str, Any], config: ModelConfig, tmp_path: Path
) -> None:
    data["model"] = {
        name: tensor.half() for name, tensor in data["model"].items() if "enc_q" not in name
    }
    torch.save(data, tmp_path / "G_0.pth")
    network = load_checkpoint(tmp_path / "G_0.pth", config, VARIANT)
    assert not hasattr(network, "enc_q")
    assert {tensor.dtype for tensor in network.state_dict().values()} == {torch.float32}


def test_folding_restores_the_weight_and_gives_zero_for_zero_gain() -> None:
    weight = torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(0))
    norm = weight.flatten(1).norm(dim=1).reshape(4, 1, 1)
    state = {
        "a.weight_g": norm * 2,
        "a.weight_v": weight,
        "off.weight_g": torch.zeros(4, 1, 1),
        "off.weight_v": torch.zeros(4, 3, 5),
        "plain.bias": torch.ones(1),
    }
    folded = fold_weight_norm(state)
    assert set(folded) == {"a.weight", "off.weight", "plain.bias"}
    torch.testing.assert_close(folded["a.weight"], weight * 2)
    assert torch.equal(folded["off.weight"], torch.zeros(4, 3, 5))


@pytest.mark.parametrize(
    ("g", "v"),
    [((), (4, 3, 5)), ((3, 1, 1), (4, 3, 5)), ((0,), (4, 3, 5)), ((4, 1, 1), (4,)), ((4,), ())],
)
def test_halves_of_a_weight_that_dont_fit_each_other_are_left(
    g: tuple[int, ...], v: tuple[int, ...]
) -> None:
    state = {"a.weight_g": torch.ones(g), "a.weight_v": torch.ones(v)}
    assert fold_weight_norm(state) == state


class _Evil:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch pwned",)


def test_a_bare_pickle_with_code_is_refused_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "G_0.pth").write_bytes(pickle.dumps({"model": _Evil()}))
    with pytest.raises(CheckpointError, match="holds code; it was not loaded"):
        read_state(tmp_path / "G_0.pth")
    assert not (tmp_path / "pwned").exists()


def test_a_pickle_with_code_is_refused_and_the_code_doesnt_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"model": {"x": torch.zeros(1)}, "evil": _Evil()}, tmp_path / "G_0.pth")
    with pytest.raises(CheckpointError, match="can run code"):
        read_state(tmp_path / "G_0.pth")
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_truncated_file(tiny_checkpoint: Path, tmp_path: Path, part: float) -> None:
    whole = (tiny_checkpoint / "G_0.pth").read_bytes()
    (tmp_path / "G_0.pth").write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(CheckpointError, match="Download it again"):
        read_state(tmp_path / "G_0.pth")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
        (b"", "empty file"),
        (b"<html>404</html>", "Download it again"),
        (b"\x80\x04K\x01.", "Download it again"),
    ],
)
def test_files_that_are_no_checkpoint(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "G_0.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        read_state(tmp_path / "G_0.pth")


def test_a_zip_that_torch_didnt_write(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "G_0.pth", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(CheckpointError):
        read_state(tmp_path / "G_0.pth")


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        ("discriminators.0.convs.0.weight_g", r"a discriminator \(D_"),
        ("dur_proj.weight", "a duration discriminator"),
        ("convs.0.weight_g", "a WavLM discriminator"),
        ("encoder.layer.0.weight", "no Bert-VITS2 voice.*encoder.layer.0.weight"),
    ],
)
def test_other_networks_are_called_by_their_name(tmp_path: Path, tensor: str, message: str) -> None:
    torch.save({"model": {tensor: torch.zeros(2)}}, tmp_path / "G_0.pth")
    with pytest.raises(CheckpointError, match=message):
        read_state(tmp_path / "G_0.pth")


def test_safetensors_are_read_without_their_counter(tiny_checkpoint: Path, tmp_path: Path) -> None:
    state = read_state(tiny_checkpoint / "G_0.pth")
    path = tmp_path / "model.safetensors"
    save_file({**state, "iteration": torch.tensor([5])}, path)
    assert set(read_state(path)) == set(state)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="Download it again"):
        read_state(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match="Download it again"):
        read_state(path)


@pytest.mark.parametrize("content", [{"weights": {}}, {"model": [1]}, [1, 2]])
def test_a_checkpoint_without_a_generator(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "D_0.pth")
    with pytest.raises(CheckpointError, match=r"G_\*\.pth"):
        read_state(tmp_path / "D_0.pth")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="No such file"):
        read_state(tmp_path / "G_9.pth")


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("data", "hop_length", None, "no 'hop_length'"),
        ("data", "hop_length", 20, "multiply to 16"),
        ("model", "n_layers", 2, "at least 3"),
        ("model", "n_heads", 3, "can't share evenly"),
        ("model", "inter_channels", 5, "odd inter_channels"),
        ("model", "hidden_channels", 0, "at least 1"),
        ("model", "hidden_channels", 10**9, "at most 1000000"),
        ("model", "n_flow_layer", 101, "at most 100"),
        ("model", "upsample_rates", "x", "wrong kind"),
        ("model", "p_dropout", [], "wrong kind"),
        ("model", "p_dropout", float("nan"), "from 0 to 1"),
        ("data", "n_speakers", -3, "can't be negative"),
        ("data", "sampling_rate", float("inf"), "wrong kind"),
        ("model", "upsample_kernel_sizes", [8], "two lengths"),
        ("model", "resblock_dilation_sizes", [], "two lengths"),
        ("model", "flow_share_parameter", True, "flow_share_parameter"),
        ("model", "use_spk_conditioned_encoder", False, "use_spk_conditioned_encoder"),
    ],
)
def test_configs_that_cant_be(
    tiny_config: dict[str, Any], section: str, key: str, value: Any, message: str
) -> None:
    if value is None:
        del tiny_config[section][key]
    else:
        tiny_config[section][key] = value
    with pytest.raises(CheckpointError, match=message):
        ModelConfig.from_dict(tiny_config, VARIANT)


@pytest.mark.parametrize(
    ("content", "message"),
    [("[1]", "no JSON object"), ("{", "valid JSON"), ('{"data": 1}', "no section")],
)
def test_config_files_that_are_no_config(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(CheckpointError, match=message):
        ModelConfig.from_dict(read_config(tmp_path / "config.json"), VARIANT)


def _flow(config: dict[str, Any], family: str) -> tuple[bool, int, int]:
    sizes = ModelConfig.from_dict(config, VARIANTS[family])
    return sizes.transformer_flow, sizes.couplings, sizes.flow_layers


def test_the_depth_of_the_flow_is_the_familys_where_the_config_names_none(
    tiny_config: dict[str, Any],
) -> None:
    model = tiny_config["model"]
    assert _flow(tiny_config, "2.3") == (False, 4, 1)
    del model["n_flow_layer"]
    assert _flow(tiny_config, "2.3") == (False, 4, 4)
    del model["use_transformer_flow"]
    assert [_flow(tiny_config, family)[2] for family in VARIANTS] == [3, 6, 6, *[4] * 4, 6, 6, 4, 6]


def test_keys_of_the_flow_mean_what_the_released_code_takes_them_for(
    tiny_config: dict[str, Any],
) -> None:
    tiny_config["model"].update(n_flow_layer=2, n_layers_trans_flow=5)
    assert _flow(tiny_config, "2.3") == (False, 4, 2)
    tiny_config["model"]["use_transformer_flow"] = True
    assert _flow(tiny_config, "2.3") == (True, 2, 5)
    # The loader of Style-Bert-VITS2 passes over all of them.
    tiny_config["model"].update(use_transformer_flow=False, flow_share_parameter=True)
    assert _flow(tiny_config, "sbv2") == (True, 4, 4)


@pytest.mark.parametrize(
    ("given", "kind", "dilations"), [("1", "1", 3), ("2", "2", 2), ("3", "2", 2), (1, "2", 2)]
)
def test_only_the_string_1_is_the_first_kind_of_residual_block(
    tiny_config: dict[str, Any], given: object, kind: str, dilations: int
) -> None:
    tiny_config["model"].update(resblock=given, resblock_dilation_sizes=[[1, 3, 5, 7]])
    sizes = ModelConfig.from_dict(tiny_config, VARIANT)
    assert (sizes.resblock, len(sizes.resblock_dilation_sizes[0])) == (kind, dilations)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (torch.zeros(1, dtype=torch.int64), "whole numbers.*in dp.proj.bias"),
        (torch.full((1,), torch.nan), "aren't finite, in dp.proj.bias"),
        (torch.full((1,), torch.inf), "aren't finite"),
    ],
)
def test_weights_that_cant_be(
    data: dict[str, Any], tmp_path: Path, value: torch.Tensor, message: str
) -> None:
    data["model"]["dp.proj.bias"] = value
    torch.save(data, tmp_path / "G_0.pth")
    with pytest.raises(CheckpointError, match=message):
        read_state(tmp_path / "G_0.pth")


def test_a_config_of_an_absurd_size_takes_no_memory(
    tiny_config: dict[str, Any], tiny_checkpoint: Path
) -> None:
    tiny_config["model"]["hidden_channels"] = 10**6
    config = ModelConfig.from_dict(tiny_config, VARIANT)
    with pytest.raises(CheckpointError, match="wrong shape"):
        load_checkpoint(tiny_checkpoint / "G_0.pth", config, VARIANT)


@pytest.mark.parametrize(
    "value",
    [
        torch.zeros(8).to_sparse(),
        torch.zeros(8, device="meta"),
        torch.zeros(1).expand(10**5, 10**6),  # 4 bytes that claim to be 400 GB
    ],
)
def test_tensors_without_values_of_their_own(
    data: dict[str, Any], tmp_path: Path, value: torch.Tensor
) -> None:
    data["model"]["dp.proj.bias"] = value
    torch.save(data, tmp_path / "G_0.pth")
    with pytest.raises(CheckpointError, match=r"all values of its tensors.*of dp\.proj\.bias"):
        read_state(tmp_path / "G_0.pth")


def test_tensors_without_names(data: dict[str, Any], tmp_path: Path) -> None:
    data["model"][1] = torch.zeros(1)
    torch.save(data, tmp_path / "G_0.pth")
    with pytest.raises(CheckpointError, match="no table of tensors"):
        read_state(tmp_path / "G_0.pth")
