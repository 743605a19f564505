"""Training sets: prepared folders and lists of Bert-VITS2."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.train.conftest import make_clips, make_data
from vinovits.errors import DataError
from vinovits.nets.variants import VARIANTS
from vinovits.train.dataset import Clip, Facts, read_data, write_data
from vinovits.train.loading import read_rows, read_vector, read_wave, text_ids


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    clips = make_clips(tmp_path, 3)
    clips[1] = replace(clips[1], rejected="Too loud.")
    clips[2] = replace(clips[2], rejected="Noisy.", forced=True, languages=("en",) * 7)
    clips[2] = replace(clips[2], phones=("_", *"lkdtw", "_"), tones=(0,) * 7, word2ph=(1, 5, 1))
    facts = Facts(8000, {"en": "some"}, "2.3", "released", "CC0-1.0", "Tones.")
    write_data(tmp_path, facts, clips)
    found = read_data(tmp_path)
    assert found.facts == facts
    assert found.clips == (clips[0], clips[2]), "what was rejected counts only where it's forced"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tones": [0]}, "must agree"),
        ({"word2ph": [1, -1, 3]}, "must agree"),
        ({"split": "test"}, "a split is"),
        ({"phones": "abc"}, "wrong kind"),
        ({"tones": ["a"]}, "wrong kind"),
        ({"colour": 1}, "unknown keys: colour"),
    ],
)
def test_a_clip_that_makes_no_sense_is_named(
    data: Path, change: dict[str, object], message: str
) -> None:
    lines = (data / "clips.jsonl").read_text("utf-8").splitlines()
    lines[1] = json.dumps(json.loads(lines[1]) | change)
    (data / "clips.jsonl").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        read_data(data)
    assert "line 2" in str(caught.value)


def test_folders_without_a_training_set(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no training set"):
        read_data(tmp_path)
    with pytest.raises(DataError, match="There is no training set"):
        read_data(tmp_path / "nothing.list")
    write_data(tmp_path, Facts(), [])
    with pytest.raises(DataError, match="no clip to train on"):
        read_data(tmp_path)


def line_of(clip: Clip, path: str) -> str:
    parts = (path, clip.speaker, "EN", clip.text, " ".join(clip.phones))
    return "|".join((*parts, *(" ".join(map(str, row)) for row in (clip.tones, clip.word2ph))))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_released_lists_are_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "wavs").mkdir()
    (tmp_path / "lists").mkdir()
    one, two = (replace(clip, text="你好") for clip in make_clips(tmp_path / "wavs", 2))
    steps = 2 * len(one.phones) + 1
    torch.save(torch.ones(1024, steps), tmp_path / "wavs" / "clip0.bert.pt")
    lines = [line_of(one, "wavs\\clip0.wav"), line_of(two, "wavs/clip1.wav")]
    (tmp_path / "lists" / "train.list").write_bytes("\r\n".join(lines).encode(encoding))
    (tmp_path / "lists" / "val.list").write_text(lines[1], encoding="utf-8")
    found = read_data(tmp_path / "lists" / "train.list")
    assert [Path(clip.path).name for clip in found.clips] == ["clip0.wav", "clip1.wav"]
    assert all(Path(clip.path).is_file() for clip in found.clips)
    assert [clip.split for clip in found.clips] == ["train", "validation"]
    assert found.clips[0].text == "你好"
    assert any("GBK" in note for note in found.notes) == (encoding == "gb18030")
    rows = read_rows(Path(found.clips[0].features["en"]), found.clips[0], 1024)
    assert rows.shape == (1024, steps)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.wav|ann|EN|hello", "4 fields.*vinovits prepare"),
        ("a.wav,ann,EN,hello", "1 fields"),
        ("a.wav|ann|KO|x|_ k _|0 0 0|1 1 1", "a language is"),
        ("a.wav|ann|EN|x|_ k _|0 zero 0|1 1 1", "whole numbers"),
        ("a.wav|ann|EN|x|_ k _|0 0|1 1 1", "must agree"),
    ],
)
def test_lines_of_another_form_are_named(tmp_path: Path, line: str, message: str) -> None:
    (tmp_path / "train.list").write_text(line, encoding="utf-8")
    with pytest.raises(DataError, match=f"train.list, line 1.*{message}"):
        read_data(tmp_path)


def test_phones_get_blanks_between_them_and_offsets(tmp_path: Path) -> None:
    clip = make_clips(tmp_path, 1)[0]
    phones, tones, languages = text_ids(clip, VARIANTS["2.3"])
    assert len(phones) == 2 * len(clip.phones) + 1
    assert phones[::2].eq(0).all()
    assert phones[1] == 0, 'the ends are "_", which is the blank'
    assert tones[1::2].tolist() == [tone + 8 for tone in clip.tones]
    assert languages[1::2].eq(2).all()
    assert languages[::2].eq(0).all()


def test_features_are_spread_and_filled_up(tmp_path: Path) -> None:
    clip = replace(
        make_clips(tmp_path, 1)[0],
        phones=("_", "k", "ae", "t", "_"),
        tones=(0,) * 5,
        word2ph=(1, 3, 1),
    )
    np.save(tmp_path / "rows.npy", np.array([[1, 1], [2, 2], [3, 3]], np.float16))
    rows = read_rows(tmp_path / "rows.npy", clip, 4)
    assert rows[0].tolist() == [1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3]
    assert rows[2:].eq(0).all()
    with pytest.raises(DataError, match="Make them again"):
        read_rows(tmp_path / "rows.npy", clip, 1)
    (tmp_path / "bad.npy").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"bad\.npy can't be read"):
        read_rows(tmp_path / "bad.npy", clip, 4)
    with pytest.raises(DataError, match="has 6 numbers"):
        read_vector(tmp_path / "rows.npy", 512)


def test_recordings_of_any_kind_are_read(tmp_path: Path) -> None:
    import soundfile

    stereo = np.stack([np.full(96_000, 0.5), np.zeros(96_000)], axis=1)
    soundfile.write(tmp_path / "high.wav", stereo, 96_000, subtype="FLOAT")
    wave = read_wave(tmp_path / "high.wav", 8000)
    assert len(wave) == 8000
    assert abs(wave[2000:6000] - 0.25).max() < 1e-3
    for name, content in (("empty.wav", b""), ("bad.wav", b"RIFF" * 20)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match="can't be read"):
            read_wave(tmp_path / name, 8000)
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 8000)
    with pytest.raises(DataError, match="is empty"):
        read_wave(tmp_path / "none.wav", 8000)


def test_the_maker_of_tests_makes_a_sound_set(tmp_path: Path) -> None:
    found = read_data(make_data(tmp_path / "data", 4, ("ann", "bob")))
    assert [clip.split for clip in found.clips] == ["train"] * 3 + ["validation"]
