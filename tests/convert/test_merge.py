"""Merged checkpoints are between their parents, and can be converted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from tests.engine.test_conditions import save_checkpoint
from vinovits.convert.merge import merge_checkpoints
from vinovits.convert.source import open_source
from vinovits.convert.voice import convert_checkpoint
from vinovits.errors import CheckpointError, OutputError, UsageError

STYLES = {"Neutral": 0, "Glad": 1, "Sad": 2}


@pytest.fixture(scope="module")
def parents(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two voices with styles, of which one has another name."""
    folder = tmp_path_factory.mktemp("parents")
    first = save_checkpoint(folder / "anna", "sbv2", style2id=STYLES)
    second = save_checkpoint(
        folder / "bella", "sbv2", style2id={"Neutral": 0, "Glad": 2, "Angry": 1}
    )
    tensors = load_file(second / "tiny_s7.safetensors")
    tensors = {n: t + 1 if t.is_floating_point() else t for n, t in tensors.items()}
    save_file(tensors, second / "tiny_s7.safetensors")
    (first / "card.json").write_text('{"title": "Anna", "licence": "CC0-1.0", "author": "A"}')
    (second / "card.json").write_text('{"title": "Bella", "licence": "MIT", "author": "B"}')
    return first, second


def _tensors(folder: Path) -> dict[str, torch.Tensor]:
    tensors = load_file(open_source(folder).weights)
    return {name: tensor for name, tensor in tensors.items() if name != "iteration"}


@given(shares=st.fixed_dictionaries({p: st.floats(0, 1) for p in ("voice", "pitch", "tempo")}))
@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_tensor_moves_by_the_share_of_its_part(
    parents: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory, shares: dict[str, float]
) -> None:
    out = tmp_path_factory.mktemp("merged") / "out"
    merge_checkpoints(*parents, out, shares)
    first, merged = _tensors(parents[0]), _tensors(out)
    assert set(first) == set(merged)
    parts = {"dec": "voice", "emb_g": "voice", "enc_q": "voice", "flow": "pitch"}
    parts |= {"sdp": "tempo", "dp": "tempo", "enc_p": "style"}
    for name, tensor in merged.items():
        share = shares.get(parts[name.partition(".")[0]], 0.0)  # B is A + 1
        torch.testing.assert_close(tensor - first[name], torch.full_like(tensor, share))


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_ends_are_the_parents_themselves(
    parents: tuple[Path, Path], tmp_path: Path, share: float
) -> None:
    merge_checkpoints(
        *parents, tmp_path / "out", dict.fromkeys(("voice", "pitch", "style", "tempo"), share)
    )
    expected, merged = _tensors(parents[int(share)]), _tensors(tmp_path / "out")
    assert all(torch.equal(merged[name], expected[name]) for name in expected)


def test_styles_and_card_tell_of_both_parents(parents: tuple[Path, Path], tmp_path: Path) -> None:
    made = merge_checkpoints(*parents, tmp_path / "out", {"style": 0.25})
    source, a, b = (open_source(folder) for folder in (tmp_path / "out", *parents))
    assert source.styles is not None
    assert a.styles is not None
    assert b.styles is not None
    names, vectors = source.styles.names, source.styles.vectors
    assert list(names) == ["Neutral", "Glad", "Sad", "Angry"]
    assert names["Neutral"] == 0
    mixed = 0.75 * a.styles.vectors[1] + 0.25 * b.styles.vectors[2]
    np.testing.assert_allclose(vectors[names["Glad"]], mixed, rtol=1e-6)
    np.testing.assert_array_equal(vectors[names["Sad"]], a.styles.vectors[2])
    np.testing.assert_array_equal(vectors[names["Angry"]], b.styles.vectors[1])
    assert "Sad, Angry" in made.notes[0]
    assert source.card.description == "Merged from Anna and Bella."
    assert source.card.licence == "CC0-1.0 and MIT"
    assert source.card.author == "A, B"
    assert "Bella: style 0.25" in source.card.source


@pytest.mark.extra
def test_what_was_merged_can_be_converted(parents: tuple[Path, Path], tmp_path: Path) -> None:
    merge_checkpoints(*parents, tmp_path / "out", {"voice": 0.01})
    made = convert_checkpoint(tmp_path / "out", None, tmp_path / "voice")
    assert made.manifest.variant == "sbv2"
    assert made.manifest.card.licence == "CC0-1.0 and MIT"
    assert set(made.manifest.styles) == {"Neutral", "Glad", "Sad", "Angry"}


def test_tensors_that_lie_transposed_in_memory(parents: tuple[Path, Path], tmp_path: Path) -> None:
    for parent in parents:
        folder = shutil.copytree(parent, tmp_path / parent.name)
        weights = open_source(folder).weights
        tensors = {
            name: tensor.t().contiguous().t() if tensor.dim() == 2 else tensor
            for name, tensor in load_file(weights).items()
        }
        torch.save({"model": tensors}, folder / "G_1.pth")
        weights.unlink()
    folders = [tmp_path / parent.name for parent in parents]
    merge_checkpoints(*folders, tmp_path / "out", {"style": 0.5})
    merge_checkpoints(*parents, tmp_path / "expected", {"style": 0.5})
    expected, merged = _tensors(tmp_path / "expected"), _tensors(tmp_path / "out")
    assert all(torch.equal(merged[name], expected[name]) for name in expected)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ({"voice": 1.1}, "share of voice must be from 0 to 1, not 1.1"),
        ({"voice": float("nan")}, "from 0 to 1, not nan"),
        ({"mood": 0.5}, "no part 'mood'; there are voice, pitch, style, tempo"),
    ],
)
def test_shares_that_cant_be(
    parents: tuple[Path, Path], tmp_path: Path, shares: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        merge_checkpoints(*parents, tmp_path / "out", shares)
    assert not (tmp_path / "out").exists()


def test_checkpoints_that_dont_fit_together(parents: tuple[Path, Path], tmp_path: Path) -> None:
    other = save_checkpoint(tmp_path / "other", "2.1")
    with pytest.raises(CheckpointError, match=r"family sbv2 and .* of 2\.1"):
        merge_checkpoints(parents[0], other, tmp_path / "out", {})
    more = save_checkpoint(tmp_path / "more", "sbv2", n_speakers=3)
    with pytest.raises(CheckpointError, match=r"1 tensors differ:\n  emb_g.weight: \(2, 6\) and"):
        merge_checkpoints(parents[0], more, tmp_path / "out", {})
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(OutputError, match="isn't empty"):
        merge_checkpoints(*parents, tmp_path / "out", {})


def test_the_command(parents: tuple[Path, Path], tmp_path: Path) -> None:
    from click.testing import CliRunner

    from vinovits.cli.main import cli

    arguments = ["merge", *map(str, parents), str(tmp_path / "out"), "--voice", "0.5"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    assert "a checkpoint of the family sbv2" in result.stderr
    assert json.loads((tmp_path / "out" / "card.json").read_text())["title"] == "out"
    assert CliRunner().invoke(cli, [*arguments[:4], "--voice", "2"]).exit_code == 2


def test_parents_without_titles_are_told_by_their_folders(
    parents: tuple[Path, Path], tmp_path: Path
) -> None:
    for folder in (tmp_path / "carl", tmp_path / "dora"):
        shutil.copytree(parents[0], folder)
        (folder / "card.json").unlink()
    shutil.copy(
        tmp_path / "carl" / "tiny_s7.safetensors", tmp_path / "carl" / "tiny_s3.safetensors"
    )
    made = merge_checkpoints(tmp_path / "carl", tmp_path / "dora", tmp_path / "out", {})
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    told = "Merged from carl/tiny_s7.safetensors and dora/tiny_s7.safetensors."
    assert card["description"] == told
    assert "Of 2 checkpoints" in made.notes[0]
