"""A base is grown to what the training set has, and refused where it can't be."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.train.conftest import make_clips, make_data
from vinovits.convert.detect import detect
from vinovits.errors import CheckpointError, DataError, UsageError
from vinovits.nets.variants import VARIANTS
from vinovits.train.base import Base, Start, fit, open_base
from vinovits.train.dataset import Clip, read_data
from vinovits.train.fitness import check_symbols, choose, missing_symbols
from vinovits.train.spectrogram import SpectrogramSizes

SIZES = SpectrogramSizes(8000, 64, 16, 64, 8)


def fitted(base: Base, clips: list[Clip], *speakers: str, **changes: object) -> Start:
    options = {"keep_speakers": False, "without_features": False, "fresh_posterior": False}
    models = {"en": "all-MiniLM-L6-v2"}
    return fit(base, clips, speakers, models, new_symbols=(), **(options | changes))


def test_new_speakers_start_as_the_mean(base: Path, tmp_path: Path) -> None:
    opened = open_base(str(base), None)
    clips = make_clips(tmp_path, 2)
    table = opened.tensors["emb_g.weight"]
    start = fitted(opened, clips, "zoe", "bob")
    assert start.speakers == {"zoe": 0, "bob": 1}
    assert torch.equal(start.tensors["emb_g.weight"], torch.stack([table.mean(0), table[1]]))
    kept = fitted(opened, clips, "zoe", keep_speakers=True)
    assert list(kept.speakers) == ["zoe", "ann", "bob"]
    assert torch.equal(kept.tensors["emb_g.weight"][1:], table)
    assert kept.config["data"]["n_speakers"] == 3


def test_symbols_that_the_base_lacks(base: Path, tmp_path: Path) -> None:
    opened = open_base(str(base), None)
    clips = make_clips(tmp_path, 2)
    clips[1] = replace(clips[1], phones=("_", *("qq",) * (len(clips[1].phones) - 2), "_"))
    with pytest.raises(DataError, match=r"'qq' \(1 clips\).*new_symbols"):
        check_symbols(clips, opened.variant)
    new = sorted(missing_symbols(clips, opened.variant))
    start = fit(
        opened,
        clips,
        ["ann"],
        {},
        keep_speakers=False,
        new_symbols=new,
        without_features=False,
        fresh_posterior=False,
    )
    assert start.variant.table.symbols[-1] == "qq"
    assert len(start.tensors["enc_p.emb.weight"]) == 113
    again = detect(start.tensors, start.config).variant
    assert again.table == start.variant.table, "what is written is known again"
    assert not missing_symbols(clips, again)


def test_bases_that_cannot_be_trained(base: Path, tmp_path: Path, tiny_voice: Path) -> None:
    with pytest.raises(CheckpointError, match="nor a base of that name"):
        open_base("nobody", None)
    with pytest.raises(UsageError, match="--base joe"):
        open_base("", None)
    with pytest.raises(CheckpointError, match="voice folder already"):
        open_base(str(tiny_voice), None)
    opened = open_base(str(base), None)
    clips = make_clips(tmp_path, 2)
    bare = {name: t for name, t in opened.tensors.items() if not name.startswith("enc_q.")}
    with pytest.raises(CheckpointError, match="posterior"):
        fitted(replace(opened, tensors=bare), clips, "ann")
    fitted(replace(opened, tensors=bare), clips, "ann", fresh_posterior=True)


def test_a_base_of_a_family_that_is_not_trained(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "old"
    shutil.copytree(base, folder)
    config = json.loads((folder / "config.json").read_text("utf-8")) | {"version": "2.0"}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"family 2\.0, whose training isn't known"):
        open_base(str(folder), None)


def test_a_base_is_found_by_its_name(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(base, tmp_path / "tiny")
    monkeypatch.setenv("VINOVITS_BASES", str(tmp_path))
    assert open_base("tiny", None).variant.name == "2.3"


def test_features_of_the_base_and_of_the_data(base: Path, tmp_path: Path) -> None:
    opened = open_base(str(base), None)
    clips = make_clips(tmp_path, 2)
    start = fitted(opened, clips, "ann")
    assert start.features == ("en_bert",)
    assert start.silent == start.kept == ("bert", "ja_bert")
    config = start.config
    with pytest.raises(DataError, match=r"all-MiniLM-L6-v2 for en.*other's"):
        fit(
            replace(opened, config=config),
            clips,
            ["ann"],
            {"en": "other"},
            keep_speakers=False,
            new_symbols=(),
            without_features=False,
            fresh_posterior=False,
        )
    with pytest.raises(DataError, match="1 of 2 clips"):
        fitted(opened, [clips[0], replace(clips[1], features={})], "ann")
    without = [replace(clip, features={}) for clip in clips]
    with pytest.raises(DataError, match="without_features"):
        fitted(opened, without, "ann")
    silenced = fitted(opened, without, "ann", without_features=True)
    assert not silenced.features
    assert not silenced.tensors["enc_p.en_bert_proj.weight"].any()


def test_what_clips_are_left_out_and_what_is_to_be_expected(tmp_path: Path) -> None:
    folder = make_data(tmp_path / "data", 6, ("ann", "ann", "bob"), held=0)
    lines = (folder / "clips.jsonl").read_text("utf-8").splitlines()
    clips = [json.loads(line) for line in lines]
    (folder / "clip1.wav").write_bytes(b"")
    (folder / "clip3.wav").unlink()
    clips[4]["phones"] = ["_", *("k",) * 999, "_"]
    clips[4]["tones"] = [0] * 1001
    clips[4]["word2ph"] = [1] * 1001
    clips[5]["tones"][1] = 9
    text = "\n".join(json.dumps(clip) for clip in clips)
    (folder / "clips.jsonl").write_text(text, encoding="utf-8")
    chosen = choose(read_data(folder), VARIANTS["2.3"], SIZES, 20.0, 8)
    told = dict(chosen.left_out)
    assert "no such file" in told["clip3.wav"]
    assert "can't be read" in told["clip1.wav"]
    assert "too short" in told["clip4.wav"]
    assert "tone 9" in told["clip5.wav"]
    assert [clip.path for clip in chosen.train] == ["clip0.wav", "clip2.wav"]
    notes = " ".join(chosen.notes)
    for part in ("4 clips are left out", "only 2 clips", "one clip only: ann, bob", "too few"):
        assert part in notes
    with pytest.raises(DataError, match="Not one of"):
        choose(read_data(folder), VARIANTS["2.3"], SIZES, 0.1, 8)


def test_clips_are_set_aside_where_none_are_named(tmp_path: Path) -> None:
    data = read_data(make_data(tmp_path / "data", 24, ("ann", "bob", "cyd"), held=0))
    chosen = choose(data, VARIANTS["2.3"], SIZES, 20.0, 8)
    assert (len(chosen.train), len(chosen.validation)) == (22, 2)
    again = choose(replace(data, clips=data.clips[::-1]), VARIANTS["2.3"], SIZES, 20.0, 8)
    assert {c.path for c in again.validation} == {c.path for c in chosen.validation}


def test_languages_that_the_family_lacks(tmp_path: Path) -> None:
    data = read_data(make_data(tmp_path / "data"))
    with pytest.raises(UsageError, match="speak ja only"):
        choose(data, VARIANTS["jp-extra"], SIZES, 20.0, 8)
