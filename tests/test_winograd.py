"""Feed-forward layers by minimal filtering give what the convolutions give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import openvino as ov
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vinovits import winograd
from vinovits.graphs import recipe
from vinovits.nets.attention import FeedForward

EXACT = {"INFERENCE_PRECISION_HINT": "f32"}


def graph_of(kernel: int = 5, hidden: int = 768) -> ov.Model:
    torch.manual_seed(0)
    layer = FeedForward(192, hidden, kernel, 0.0).eval()
    example = (torch.randn(1, 192, 20), torch.ones(1, 1, 20))
    graph = ov.convert_model(layer, example_input=example)
    for port, name, channels in zip(graph.inputs, ("x", "mask"), (192, 1), strict=True):
        port.get_tensor().set_names({name})
        port.get_node().set_partial_shape(ov.PartialShape([1, channels, -1]))
    graph.validate_nodes_and_infer_types()
    return graph


def saved(folder: Path, graph: ov.Model, half: bool = False) -> Path:
    ov.save_model(graph, folder / "flow.xml", compress_to_fp16=half)
    return folder / "flow.xml"


def convolutions(graph: ov.Model) -> int:
    return sum(node.get_type_name() == "Convolution" for node in graph.get_ops())


@given(seed=st.integers(0, 2**32 - 1))
def test_transforms_are_a_filter(seed: int) -> None:
    draw = np.random.default_rng(seed)
    x, w = draw.standard_normal(8), draw.standard_normal(5)
    inputs, weights, outputs = winograd.transforms()
    found = outputs @ ((weights @ w) * (inputs @ x))
    assert np.abs(found - np.correlate(x, w, "valid")).max() <= 1e-5


@pytest.fixture(scope="module", params=[False, True], ids=["f32", "f16"])
def sides(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[ov.CompiledModel, ov.CompiledModel]:
    """As the graph is, and rewritten; from files whose weights are in float32 and float16."""
    path = saved(tmp_path_factory.mktemp("graph"), graph_of(), request.param)
    plain, rewritten = ov.Core().read_model(path), ov.Core().read_model(path)
    assert winograd.rewrite(rewritten) == 1
    assert winograd.rewrite(rewritten) == 0
    assert (convolutions(plain), convolutions(rewritten)) == (2, 0)
    core = ov.Core()
    return core.compile_model(plain, "CPU", EXACT), core.compile_model(rewritten, "CPU", EXACT)


@given(steps=st.integers(1, 70), hidden=st.integers(0, 9), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=40)
def test_every_length_and_mask(
    sides: tuple[ov.CompiledModel, ov.CompiledModel], steps: int, hidden: int, seed: int
) -> None:
    x = np.random.default_rng(seed).standard_normal((1, 192, steps), np.float32)
    mask: npt.NDArray[np.float32] = np.ones((1, 1, steps), np.float32)
    mask[..., max(steps - hidden, 1) :] = 0
    expected, found = (side({"x": x, "mask": mask})[0] for side in sides)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_one_length() -> None:
    graph = graph_of()
    graph.reshape({"x": [1, 192, 33], "mask": [1, 1, 33]})
    inputs = {"x": np.ones((1, 192, 33), np.float32), "mask": np.ones((1, 1, 33), np.float32)}
    expected = ov.Core().compile_model(graph, "CPU", EXACT)(inputs)[0]
    assert winograd.rewrite(graph) == 1
    found = ov.Core().compile_model(graph, "CPU", EXACT)(inputs)[0]
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize(("kernel", "hidden"), [(3, 768), (4, 768), (5, 64)])
def test_other_layers_stay(kernel: int, hidden: int) -> None:
    graph = graph_of(kernel, hidden)
    assert winograd.rewrite(graph) == 0
    assert convolutions(graph) == 2


@pytest.mark.parametrize(("precision", "left"), [("f32", 0), ("bf16", 2), ("f16", 2)])
def test_only_what_is_computed_in_float32(tmp_path: Path, precision: str, left: int) -> None:
    path = saved(tmp_path, graph_of())
    assert convolutions(recipe(path, "cpu", None, precision=precision).read()) == left
