"""Trainings of a second: to the end, stopped and resumed, spoilt, and on a full disk."""

from __future__ import annotations

import copy
import errno
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.conftest import TINY_CONFIG
from tests.train.conftest import QUICK, make_clips, make_data
from vinovits.errors import CheckpointError, OutputError, TrainingError, UsageError
from vinovits.page.curves import SHOWN
from vinovits.train import checkpoints as checkpoints_module
from vinovits.train.dataset import Facts, write_data
from vinovits.train.run import Stopped
from vinovits.train.session import Outcome, train
from vinovits.train.step import NotFiniteError, Trainer
from vinovits.voices.manifest import Card

Start = Callable[..., Outcome]


@pytest.fixture
def start(data: Path, base: Path, tmp_path: Path) -> Start:
    """Trains in the folder `out`, without a conversion unless it's asked for."""

    def run(out: str = "out", **given: Any) -> Outcome:
        options = {name: given.pop(name) for name in ("resume", "tell", "watch") if name in given}
        settings = {} if options.get("resume") else QUICK | {"base": str(base)}
        convert = given.pop("convert", False)
        card = given.pop("card", None)
        return train(
            given.pop("data", data),
            tmp_path / out,
            settings | given,
            convert=convert,
            card=card,
            **options,
        )

    return run


def history(folder: Path) -> list[dict[str, Any]]:
    """All that was measured but how long it took."""
    entries = map(json.loads, (folder / "history.jsonl").read_text("utf-8").splitlines())
    return [{k: v for k, v in entry.items() if k != "seconds"} for entry in entries]


def weights(folder: Path, name: str) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = torch.load(folder / name, weights_only=True)["model"]
    return found


def stop_at(step: int) -> Callable[[int, int, dict[str, float]], None]:
    def watch(done: int, steps: int, numbers: dict[str, float]) -> None:
        if done == step:
            os.kill(os.getpid(), signal.SIGTERM)

    return watch


def test_a_training_ends_with_a_voice(start: Start, tmp_path: Path) -> None:
    import vinovits
    from vinovits.convert.source import open_source

    told: list[str] = []
    card = Card(licence="Only for tests.", use="None.")
    outcome = start(convert=True, tensorboard=True, card=card, tell=told.append)
    out = tmp_path / "out"
    assert outcome.conversion is not None
    voice = outcome.conversion.manifest
    assert (voice.name, voice.variant, voice.languages) == ("out", "2.3", ("en",))
    assert voice.speakers == {"ann": 0}
    assert [need.model for need in voice.features] == ["all-MiniLM-L6-v2"]
    assert voice.card.licence == "Only for tests."
    assert "5 clips, 0.1 minutes" in voice.card.source
    assert "Only for tests." in (out / "CARD.md").read_text("utf-8")
    assert len(vinovits.load(out / "voice", features="none").speak("a", seed=1).samples) > 0

    newest = out / "checkpoints" / "4"
    names = {"G_4.pth", "D_4.pth", "DUR_4.pth", "config.json", "state.pt"}
    assert {path.name for path in newest.iterdir()} == names
    saved = torch.load(newest / "G_4.pth", weights_only=True)
    assert saved.keys() == {"model", "iteration", "optimizer", "learning_rate"}
    assert "dec.ups.0.weight_g" in saved["model"]
    assert open_source(newest).weights.name == "G_4.pth"

    page = (out / "report.html").read_text("utf-8")
    assert "Step 4 of 4" in page
    assert "refresh" not in page, "it's over"
    assert page.count("<polyline") > 8
    assert "http" not in page
    entries = history(out)
    measured = {name for one in entries for name in one.get("losses", one.get("validation"))}
    assert set(SHOWN) <= measured, "the server's page shows these"
    for path in (out / "samples").glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
    assert len(list((out / "samples").glob("*.wav"))) == 2
    losses = [entry["losses"] for entry in history(out) if "losses" in entry]
    assert len(losses) == 4
    assert {"mel", "kl", "rate", "norm_generator", "norm_waves", "norm_durations"} <= losses[
        0
    ].keys()
    if importlib.util.find_spec("tensorboard") is not None:
        assert any((out / "tensorboard").iterdir())
    assert any("only 5 clips" in sentence for sentence in told)

    with pytest.raises(UsageError, match="holds a training already"):
        start()


def test_a_training_that_was_stopped_goes_on_as_if_it_had_not_been(
    start: Start, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"accumulate": 2, "workers": 2}
    start("whole", **settings)
    with pytest.raises(Stopped) as stopped:
        start("parts", watch=stop_at(1), **settings)
    assert stopped.value.signal == signal.SIGTERM
    with pytest.raises(Stopped):
        start("parts", resume=True, watch=stop_at(3))
    start("parts", resume=True)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert history(whole) == history(parts), "bit by bit"
    for name in ("G_4.pth", "D_4.pth", "DUR_4.pth"):
        first = weights(whole / "checkpoints" / "4", name)
        second = weights(parts / "checkpoints" / "4", name)
        assert all(torch.equal(first[key], second[key]) for key in first), name
    best = [torch.load(out / "best" / "G_4.pth", weights_only=True) for out in (whole, parts)]
    assert all(torch.equal(best[0]["model"][k], best[1]["model"][k]) for k in best[0]["model"])


def test_a_training_learns(start: Start, tmp_path: Path) -> None:
    start(steps=30, log_every=5, validate_every=30, save_every=30, learning_rate=3e-3)
    entries = [entry["losses"]["mel"] for entry in history(tmp_path / "out") if "losses" in entry]
    assert entries[-1] < 0.9 * entries[0]


def test_a_killed_process_leaves_whole_checkpoints_only(start: Start, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        start(watch=stop_at(3))
    folder = tmp_path / "out" / "checkpoints"
    (folder / ".vinovits-012345.part").mkdir()
    (folder / ".vinovits-012345.part" / "G_4.pth").write_bytes(b"half")
    (folder / "3" / "D_3.pth").write_bytes(b"damaged")
    told: list[str] = []
    outcome = start(resume=True, tell=told.append)
    assert outcome.steps == 4
    assert any("checkpoints/3 can't be read" in sentence for sentence in told)
    assert not list(folder.glob(".*"))
    steps = [entry["step"] for entry in history(tmp_path / "out")]
    assert steps == sorted(steps), "what was done again isn't told twice"
    for step in folder.iterdir():
        for file in step.iterdir():
            file.write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="can be read"):
        start(resume=True)


def test_what_a_kill_leaves_of_the_best_is_mended(start: Start, tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        start(watch=stop_at(3))
    out = tmp_path / "out"
    (out / "best").rename(out / ".best.old")  # killed between two renames
    (out / ".vinovits-012345.part").mkdir()
    start(resume=True)
    assert (out / "best" / "config.json").is_file()
    assert not list(out.glob(".best.*"))
    assert not list(out.glob(".vinovits-*"))


def test_a_best_voice_that_is_gone_is_chosen_anew(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start()
    shutil.rmtree(tmp_path / "out" / "best")
    assert start(resume=True, convert=True).conversion is not None

    # One that can't be replaced stays.
    voice, rename = tmp_path / "out" / "voice", Path.rename

    def failing(path: Path, to: Path) -> Path:
        if path.name == ".voice":
            raise PermissionError(errno.EACCES, "it is in use")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OutputError, match=r"permission denied.*--resume makes the voice"):
        start(resume=True, convert=True)
    assert (voice / "voice.json").is_file()


def test_a_training_ends_when_its_time_is_up(start: Start, tmp_path: Path) -> None:
    outcome = start(steps=50, minutes=1e-9)
    assert outcome.steps == 1
    assert (tmp_path / "out" / "best").is_dir()
    told: list[str] = []
    assert start(resume=True, tell=told.append).steps == 1
    assert any("has had its 1e-09 minutes" in sentence for sentence in told)
    assert start(resume=True, steps=3, minutes=10).steps == 3


def test_old_checkpoints_are_removed(start: Start, tmp_path: Path) -> None:
    start(save_every=1, validate_every=100, keep=2)
    found = {int(path.name) for path in (tmp_path / "out" / "checkpoints").iterdir()}
    assert found == {3, 4}


def test_a_full_disk_does_not_end_a_training(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = checkpoints_module._save
    full = {"at": ("G_2.pth",)}

    def save(data: object, path: Path) -> None:
        if path.name in full["at"]:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(data, path)

    monkeypatch.setattr(checkpoints_module, "_save", save)
    told: list[str] = []
    assert start(tell=told.append).steps == 4
    [sentence] = {one for one in told if "The checkpoint of step 2 wasn't written." in one}
    assert "disk is full" in sentence
    assert "The training goes on." in sentence
    assert not (tmp_path / "out" / "checkpoints" / "2").exists()
    full["at"] = ("D_4.pth",)
    with pytest.raises(OutputError, match=r"What was saved before is whole\. Go on .* --resume\."):
        start("last")
    full["at"] = ("D_0.pth",)
    with pytest.raises(OutputError, match="disk is full"):
        start("second")
    assert not list((tmp_path / "second" / "checkpoints").iterdir())


def test_a_spoilt_training_is_taken_back(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Trainer.learn
    spoilt, damaged = {"steps": [3]}, {"at": "nothing"}

    def learn(self: Trainer, parts: Any, number: int) -> Any:
        if number in spoilt["steps"]:
            spoilt["steps"] = spoilt["steps"][1:]
            for file in tmp_path.glob(damaged["at"]):
                file.write_bytes(b"damaged")
            raise NotFiniteError("generator")
        return real(self, parts, number)

    monkeypatch.setattr(Trainer, "learn", learn)
    told: list[str] = []
    outcome = start(tell=told.append)
    assert outcome.steps == 4
    [sentence] = [one for one in told if "isn't finite" in one]
    for part in ("At step 3", "goes on from step 2", "half the learning rate", "clip_norm"):
        assert part in sentence
    rates = [entry["losses"]["rate"] for entry in history(tmp_path / "out") if "losses" in entry]
    assert rates[-1] == pytest.approx(rates[1] / 2, rel=1e-2)
    steps = [entry["step"] for entry in history(tmp_path / "out")]
    assert steps == sorted(steps)
    spoilt["steps"], damaged["at"], told[:] = [3], "hurt/checkpoints/2/*.pth", []
    assert start("hurt", tell=told.append).steps == 4
    assert any("checkpoints/2 can't be read" in one for one in told)
    assert any("goes on from step 0" in one for one in told)
    spoilt["steps"] = [1] * 9
    with pytest.raises(TrainingError, match="taken back 3 times"):
        start("again")


def test_a_gradient_that_is_not_finite_moves_nothing(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = []
    real = torch.optim.AdamW.step

    def step(self: torch.optim.AdamW, closure: Any = None) -> Any:
        moved.append(self)
        return real(self, closure)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    monkeypatch.setattr(
        "vinovits.train.step.kl_divergence", lambda *given: given[0].sum() * float("nan")
    )
    with pytest.raises(TrainingError, match="'generator' isn't finite"):
        start(restores=0)
    assert len(moved) == 2, "the judges' steps only"


def test_a_second_training_in_the_folder_is_refused(
    start: Start, tmp_path: Path, data: Path, base: Path
) -> None:
    failures = []

    def watch(done: int, steps: int, numbers: dict[str, float]) -> None:
        if done == 1:
            with pytest.raises(TrainingError, match="Another training runs") as caught:
                train(data, tmp_path / "out", {**QUICK, "base": str(base)})
            failures.append(caught.value)

    start(steps=2, watch=watch)
    assert len(failures) == 1


def test_parts_may_be_frozen(start: Start, base: Path, tmp_path: Path) -> None:
    start(freeze=["decoder", "bert", "posterior"], steps=2)
    before, after = (
        weights(base, "G_0.pth"),
        weights(tmp_path / "out" / "checkpoints" / "2", "G_2.pth"),
    )
    still = {name for name in before if before[name].shape == after[name].shape}
    still = {name for name in still if torch.equal(before[name], after[name])}
    assert {name for name in before if name.startswith(("dec.", "enc_q."))} <= still
    assert "enc_p.en_bert_proj.weight" in still
    assert not any(name.startswith("flow.flows.0.enc") and "weight_v" in name for name in still)
    everything = ("decoder", "text_encoder", "flow", "posterior", "durations", "speakers")
    with pytest.raises(UsageError, match="nothing is left"):
        start("second", freeze=everything)


def test_half_precision_gives_nearly_the_same(start: Start, tmp_path: Path) -> None:
    start("full", steps=2, log_every=1)
    start("half", steps=2, log_every=1, precision="bf16")
    full, half = (
        [entry["losses"] for entry in history(tmp_path / name) if "losses" in entry]
        for name in ("full", "half")
    )
    for name in ("mel", "kl", "features", "judge"):
        assert half[0][name] == pytest.approx(full[0][name], rel=0.1), name


def test_a_base_of_another_family_is_refused(start: Start, data: Path) -> None:
    facts = json.loads((data / "data.json").read_text("utf-8")) | {"family": "1.0.1"}
    (data / "data.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(
        Exception, match=r"prepared for the family 1\.0\.1, but the base is of 2\.3"
    ):
        start()


@pytest.mark.parametrize("family", ["2.4", "jp-extra", "sbv2-jp-extra"])
@pytest.mark.extra
def test_other_families_train(family: str, start: Start, tmp_path: Path) -> None:
    from vinovits.nets.config import ModelConfig
    from vinovits.nets.synthesizer import Synthesizer
    from vinovits.nets.variants import VARIANTS

    variant = VARIANTS[family]
    config = copy.deepcopy(TINY_CONFIG) | {"version": family}
    config["model"] |= {"use_transformer_flow": True, "n_layers_trans_flow": 3, "n_flow_layer": 1}
    state = Synthesizer(ModelConfig.from_dict(config, variant), variant).state_dict()
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text(json.dumps(config), encoding="utf-8")
    torch.save({"model": state}, tmp_path / "base" / "G_0.pth")
    code = variant.languages[0]
    folder = tmp_path / "others"
    folder.mkdir()
    np.save(folder / "vector.npy", np.ones(variant.condition.width, np.float32))
    clips = [
        replace(
            clip,
            language=code,
            phones=("_", *("a",) * (len(clip.phones) - 2), "_"),
            tones=(0,) * len(clip.phones),
            features={code: clip.features["en"]},
            **{variant.condition.input: "vector.npy"},
        )
        for clip in make_clips(folder, 4)
    ]
    write_data(folder, Facts(), clips)
    start(
        base=str(tmp_path / "base"), data=folder, steps=2, convert="style" in str(variant.condition)
    )
    losses = next(entry["losses"] for entry in history(tmp_path / "out") if "losses" in entry)
    assert ("commitment" in losses) == (family != "sbv2-jp-extra")
    assert np.isfinite(list(losses.values())).all()


def test_devices_that_are_not_there(start: Start) -> None:
    with pytest.raises(UsageError, match="not 'tpu'"):
        start(device="tpu")
    if not torch.xpu.is_available():
        with pytest.raises(UsageError, match="There is no xpu"):
            start(device="xpu")


def test_three_clips_train_and_the_user_is_told(start: Start, tmp_path: Path) -> None:
    told: list[str] = []
    folder = make_data(tmp_path / "three", 3, held=0)
    start(data=folder, steps=2, tell=told.append)
    sentences = " ".join(told)
    assert "only 3 clips" in sentences
    assert "learns from" in sentences


@pytest.mark.extra
def test_processes_train_together(data: Path, base: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = (
        "import json, sys, torch; from pathlib import Path; torch.set_num_threads(1)\n"
        "from vinovits.train.session import train\n"
        "import vinovits.train.session as session, torch.distributed as dist\n"
        "data, out, given = sys.argv[1:]\n"
        "class Seen(session.Run):\n"
        "    def train(self):\n"
        "        super().train()\n"
        "        total = sum(float(p.double().sum()) for p in self.network.parameters())\n"
        "        sums = [None, None]; dist.all_gather_object(sums, total)\n"
        "        assert sums[0] == sums[1], sums\n"
        "session.Run = Seen\n"
        "train(Path(data), Path(out), json.loads(given), convert=False)\n"
    )
    rare = {"validate_every": 4, "save_every": 4}
    given = json.dumps(QUICK | rare | {"base": str(base), "steps": 3, "batch_size": 1})
    running = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(data), str(tmp_path / "out"), given],
            env={
                **os.environ,
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
                "WORLD_SIZE": "2",
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
                "OMP_NUM_THREADS": "1",
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    for process in running:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
    entries = history(tmp_path / "out")
    assert [entry["step"] for entry in entries if "losses" in entry] == [1, 2, 3]
    assert np.isfinite([entry["losses"]["mel"] for entry in entries if "losses" in entry]).all()
    assert sorted(p.name for p in (tmp_path / "out" / "checkpoints").iterdir()) == ["0", "3"]
