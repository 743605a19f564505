"""Trainings beside the server: from uploads to a voice, by the real commands."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.prepare.material import folder, sentence, write
from vinovits.errors import OutputError, UsageError
from vinovits.places import find_bases, own
from vinovits.serve.errors import ApiError
from vinovits.serve.trainings import STATE, Trainings

PATIENCE = 300.0


@pytest.fixture
def trainings(tmp_path: Path) -> Iterator[Trainings]:
    made = Trainings(tmp_path / "trainings")
    yield made
    made.close()


def ended(trainings: Trainings, name: str) -> None:
    end = time.monotonic() + PATIENCE
    while trainings.status(name).doing:
        assert time.monotonic() < end, trainings.status(name)
        time.sleep(0.1)


def test_names_and_files_are_checked(trainings: Trainings, tmp_path: Path) -> None:
    for name in ("", "..", "a/b", "/etc", "x" * 41, ".hidden", "a b"):
        with pytest.raises(UsageError):
            trainings.create(name)
    trainings.create("me")
    assert trainings.names() == ["me"]
    with pytest.raises(UsageError, match="already"):
        trainings.create("me")
    with pytest.raises(ApiError, match="no training"):
        trainings.add("../me", [])
    recordings = tmp_path / "trainings" / "me" / "recordings"

    wrong = tmp_path / "wrong.wav"
    wrong.write_bytes(b"RIFF no sound at all" * 10)
    with pytest.raises(UsageError, match=r"wrong\.wav is no recording"):
        trainings.add("me", [wrong])
    # A list names paths, and so might a text that belongs to no recording.
    listed = tmp_path / "esd.list"
    listed.write_text("/etc/secret.wav|me|EN|Hello.")
    with pytest.raises(UsageError, match="neither a recording"):
        trainings.add("me", [listed])
    lonely = listed.rename(tmp_path / "lonely.txt")
    with pytest.raises(UsageError, match="no recording of this name"):
        trainings.add("me", [lonely])
    assert list(recordings.iterdir()) == []

    given = folder(tmp_path / "given", [1])
    write(given / "..;odd$.wav", sentence(2))
    assert trainings.add("me", sorted(given.iterdir())) == 2
    assert {path.name for path in recordings.iterdir()} == {"s1.wav", "s1.txt", "_odd_.wav"}
    with pytest.raises(UsageError, match="no base"):
        trainings.prepare("me", "nobody")
    with pytest.raises(UsageError, match="Prepare the recordings first"):
        trainings.train("me", "nobody", {}, "")
    (recordings / "linked.wav").symlink_to(wrong)
    with pytest.raises(UsageError, match="is a link"):
        trainings.prepare("me", "nobody")
    (tmp_path / "trainings" / "elsewhere").symlink_to(tmp_path)
    assert trainings.names() == ["me"]
    with pytest.raises(ApiError, match="--train-dir"):
        Trainings(None).create("me")


@pytest.fixture
def shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A base, named shape, that recordings can be prepared for, and no more."""
    made = tmp_path / "bases" / "shape"
    made.mkdir(parents=True)
    config = {"version": "2.3", "data": {"sampling_rate": 16_000}}
    (made / "config.json").write_text(json.dumps(config), encoding="utf-8")
    monkeypatch.setenv("VINOVITS_BASES", str(made.parent))


@pytest.mark.usefixtures("shape")
def test_why_a_process_failed_is_told(trainings: Trainings, tmp_path: Path) -> None:
    trainings.create("me")
    recordings = tmp_path / "trainings" / "me" / "recordings"
    (recordings / "garbage.wav").write_bytes(b"no sound at all" * 10)  # by hand: not checked
    (recordings / "garbage.txt").write_text("What is said.")
    trainings.prepare("me", "shape")
    ended(trainings, "me")
    status = trainings.status("me")
    assert status.error.startswith("No clip can be used: all 1 were rejected. garbage.wav: ")
    assert str(tmp_path) not in status.error
    assert status.recordings == 1, "texts aren't recordings"
    assert Trainings(tmp_path / "trainings").status("me").error == status.error

    for number, said in ((signal.SIGKILL, "out of memory"), (signal.SIGTERM, "")):
        trainings.prepare("me", "shape")
        process = json.loads((tmp_path / "trainings" / "me" / STATE).read_text())["process"]
        os.kill(process, number)
        ended(trainings, "me")
        assert said in trainings.status("me").error
        assert bool(said) == bool(trainings.status("me").error)


@pytest.mark.usefixtures("shape")
def test_a_process_whose_state_cannot_be_written_ends(
    trainings: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainings.create("me")
    write(tmp_path / "trainings" / "me" / "recordings" / "a.wav", sentence(1))
    (tmp_path / "trainings" / "me" / STATE).mkdir()
    with pytest.raises(OutputError):
        trainings.prepare("me", "shape")
    assert trainings.status("me").doing == ""
    (tmp_path / "trainings" / "me" / STATE).rmdir()
    trainings.prepare("me", "shape")
    assert trainings.status("me").doing == "prepare"


def test_a_name_is_taken_once(trainings: Trainings, tmp_path: Path) -> None:
    trainings.create("me")
    trainings.names = list  # type: ignore[method-assign]  # another has made it since we looked
    with pytest.raises(UsageError, match="already"):
        trainings.create("me")
    (tmp_path / "trainings" / "led").symlink_to(tmp_path)
    with pytest.raises(UsageError, match="already"):
        trainings.create("led")
    assert not (tmp_path / "recordings").exists()


def test_uploads_come_all_or_none(
    trainings: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainings.create("me")
    recordings = tmp_path / "trainings" / "me" / "recordings"
    given = folder(tmp_path / "given", [1, 2])
    copied: list[str] = []

    def copy(source: Path, target: Path) -> None:
        if len(copied) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        copied.append(source.name)
        target.write_bytes(source.read_bytes())

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", copy)
        with pytest.raises(OutputError, match="disk is full"):
            trainings.add("me", sorted(given.iterdir()))
    assert len(copied) == 3
    assert list(recordings.iterdir()) == []

    write(given / "a?.wav", sentence(3))
    write(given / "A*.wav", sentence(4))
    with pytest.raises(UsageError, match=r"2 of these files would be named 'a_\.wav'"):
        trainings.add("me", sorted(given.iterdir()))
    assert list(recordings.iterdir()) == []


def test_a_voice_that_cannot_be_replaced_stays(
    trainings: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainings.create("me")
    voice = tmp_path / "trainings" / "me" / "out" / "me" / "voice"
    (voice / "graphs").mkdir(parents=True)
    (voice / "graphs" / "flow.xml").write_text("1")
    (voice / "voice.json").write_text("1")
    trainings.publish("me")
    target = own("voices") / "me"
    (voice / "voice.json").write_text("2")
    moved = Path.rename

    def rename(path: Path, to: Path) -> Path:
        if to == target and path.name.endswith(".new"):
            raise PermissionError(errno.EACCES, "it is in use")
        return moved(path, to)

    def copy(source: Path, to: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for where, name, failing in ((Path, "rename", rename), (shutil, "copyfile", copy)):
        with monkeypatch.context() as patch:
            patch.setattr(where, name, failing)
            with pytest.raises(OutputError):
                trainings.publish("me")
        assert (target / "voice.json").read_text() == "1"
        assert [path.name for path in target.parent.iterdir()] == ["me"]
    trainings.publish("me")
    assert (target / "voice.json").read_text() == "2"
    assert (target / "graphs" / "flow.xml").read_text() == "1"


def test_minutes_that_are_over_are_given_once_more(
    trainings: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainings.create("me")
    out = tmp_path / "trainings" / "me" / "out" / "me"
    (out / "checkpoints" / "10").mkdir(parents=True)
    (out / "train.yaml").write_text("steps: 100\nminutes: 20.0\n")
    begun: list[list[str]] = []
    monkeypatch.setattr(trainings, "_start", lambda place, doing, command: begun.append(command))
    for seconds, given in ((1199.0, []), (1230.0, ["--minutes", "40.500"])):
        entry = {"step": 10, "losses": {}, "seconds": seconds}
        (out / "history.jsonl").write_text(json.dumps(entry) + "\n")
        trainings.resume("me", 50)
        assert begun[-1] == ["train", "--out", str(out), "--resume", *given]


def test_a_correction_can_be_taken_back(trainings: Trainings, tmp_path: Path) -> None:
    trainings.create("me")
    clip = {"id": "a-1", "text": "One."}
    data = tmp_path / "trainings" / "me" / "data"
    data.mkdir()
    (data / "report.json").write_text(json.dumps({"clips": [clip]}))
    trainings.correct("me", "a-1", "One.", None)
    assert "text" not in trainings.clip("me", "a-1")["correction"]
    for text in ("Two.", "One."):
        trainings.correct("me", "a-1", text, None)
        assert trainings.clip("me", "a-1")["correction"]["text"] == text


@pytest.fixture
def bases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny base, named tiny-base, where bases are looked for."""
    import torch

    from tests.conftest import TINY_CONFIG
    from vinovits.nets.config import ModelConfig
    from vinovits.nets.synthesizer import Synthesizer
    from vinovits.nets.variants import VARIANTS
    from vinovits.nets.weight_norm import add_weight_norm, released_state

    torch.manual_seed(11)
    variant = VARIANTS["2.3"]
    network = Synthesizer(ModelConfig.from_dict(TINY_CONFIG, variant), variant)
    add_weight_norm(network)
    made = tmp_path / "bases" / "tiny-base"
    made.mkdir(parents=True)
    (made / "config.json").write_text(json.dumps(TINY_CONFIG), encoding="utf-8")
    torch.save({"model": released_state(network), "iteration": 1}, made / "G_0.pth")
    monkeypatch.setenv("VINOVITS_BASES", str(made.parent))
    return made.parent


QUICK = """
judge_width: 0.0625
segment_frames: 16
validate_every: 10
save_every: 10
validation_clips: 1
workers: 0
precision: f32
device: cpu
without_features: true
"""


@pytest.mark.extra
@pytest.mark.usefixtures("bases")
def test_from_recordings_to_a_voice(trainings: Trainings, tmp_path: Path) -> None:
    assert "tiny-base" in find_bases()
    trainings.create("me")
    given = folder(tmp_path / "given", range(1, 6))
    (given / "s5.txt").unlink()
    trainings.add("me", sorted(given.iterdir()))
    trainings.prepare("me", "tiny-base")
    with pytest.raises(ApiError, match="Another training runs"):
        trainings.prepare("me", "tiny-base")
    ended(trainings, "me")
    clips = trainings.report("me")["clips"]
    assert [one["used"] for one in clips].count(True) == 4, trainings.status("me")
    silent = next(one for one in clips if not one["used"])
    assert "no text" in silent["rejected"][0]["why"]
    assert trainings.sound("me", silent["id"])[0] == 0xFF, "a frame of MP3"

    # A text is written, a clip left out; nothing is made twice.
    trainings.correct("me", silent["id"], "She closed the window,\nand the room was quiet.", None)
    trainings.correct("me", clips[0]["id"], clips[0]["text"], False)
    trainings.prepare("me", "tiny-base")
    ended(trainings, "me")
    after = {one["id"]: one for one in trainings.report("me")["clips"]}
    assert after[silent["id"]]["used"]
    assert after[silent["id"]]["text"] == "She closed the window, and the room was quiet."
    assert after[clips[0]["id"]]["rejected"][0]["kind"] == "choice"

    # Stopped with a checkpoint as the server ends, and gone on with by the next one.
    with pytest.raises(UsageError, match="wavlm"):
        trainings.train("me", "tiny-base", {}, "wavlm: /etc")
    card = {"licence": "CC0-1.0", "author": "--help"}
    trainings.train("me", "tiny-base", card, f"steps: 100000\nbatch_size: 2\n{QUICK}")
    end = time.monotonic() + PATIENCE
    while trainings.status("me").step < 10:
        assert time.monotonic() < end, trainings.status("me")
        assert trainings.status("me").doing == "train", trainings.status("me")
        time.sleep(0.1)
    assert (trainings.status("me").left or 0) > 0
    trainings.close()
    status = trainings.status("me")
    assert (status.doing, status.begun, status.error) == ("", True, ""), status
    again = Trainings(tmp_path / "trainings")
    status = again.status("me")
    assert status.begun
    assert status.step >= 10
    # The steps of the first are 100000: fewer don't end it.
    train_yaml = tmp_path / "trainings" / "me" / "out" / "me" / "train.yaml"
    text = train_yaml.read_text("utf-8")
    train_yaml.write_text(text.replace("steps: 100000", f"steps: {status.step}"), "utf-8")
    again.resume("me", status.step + 1)
    ended(again, "me")
    status = again.status("me")
    assert status.done, status
    assert status.step == status.steps
    assert again.sample("me", again.samples("me")[0])[0] == 0xFF
    assert again.sample("me", "../../../data/clips") == b""
    assert str(tmp_path) not in status.told
    again.publish("me")
    again.publish("me")  # a voice that came from it may be replaced
    manifest: dict[str, Any] = json.loads((own("voices") / "me" / "voice.json").read_text())
    assert manifest["card"]["author"] == "--help"
    assert os.environ["VINOVITS_BASES"] not in json.dumps(manifest)
