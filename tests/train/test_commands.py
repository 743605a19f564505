"""`vinovits train` and `vinovits audition` as people call them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from tests.train.conftest import QUICK
from vinovits.cli.main import cli
from vinovits.train.audition import Row, best_of, ranks_of


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def test_train_then_audition(data: Path, base: Path, tmp_path: Path) -> None:
    settings = tmp_path / "mine.yaml"
    settings.write_text(yaml.safe_dump(QUICK), encoding="utf-8")
    out = tmp_path / "out"
    done = run(
        *("train", data, "--out", out, "--base", base, "--config", settings, "--no-convert"),
        *("--set", "freeze=[decoder]", "--steps", 4, "--device", "cpu"),
    )
    assert done.exit_code == 0, done.output
    assert "only 5 clips" in done.stderr
    assert "Step 4: mel distance" in done.stderr
    kept = yaml.safe_load((out / "train.yaml").read_text("utf-8"))
    assert (kept["steps"], kept["freeze"], kept["data"]) == (4, ["decoder"], str(data))

    again = run("train", data, "--out", out, "--base", base)
    assert again.exit_code == 2
    assert "--resume" in again.stderr
    further = run("train", "--out", out, "--resume", "--steps", 6, "--no-convert")
    assert further.exit_code == 0, further.output
    assert (out / "checkpoints" / "6").is_dir()

    heard = run("audition", out)
    assert heard.exit_code == 0, heard.output
    assert "best" in heard.stdout
    page = (out / "audition" / "index.html").read_text("utf-8")
    assert "so few clips" in page
    assert "less is better" in page
    for name in ("4-0", "6-0", "recorded-0"):
        assert f"{name}.wav" in page
        assert (out / "audition" / f"{name}.wav").is_file()
    assert run("audition", data).exit_code == 2


def test_recordings_are_no_training_set_yet(base: Path, tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "a.wav").touch()
    done = run("train", tmp_path / "recordings", "--out", tmp_path / "out", "--base", base)
    assert done.exit_code == 1
    assert "`vinovits prepare RECORDINGS DATA`" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--set", "steps"], 2, "NAME=VALUE"),
        (["--set", "speed=2"], 2, "there is no speed"),
        (["--base", "nobody"], 1, "nor a base of that name"),
        ([], 2, "--base"),
        (["--resume"], 2, "no training to go on with"),
        (["--base", "x", "--set", "device=tpu"], 2, "not 'tpu'"),
    ],
)
def test_wrong_use_of_train(
    data: Path, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    done = run("train", data, "--out", tmp_path / "out", *arguments)
    assert (done.exit_code, message in done.stderr) == (code, True), done.stderr
    assert "unexpectedly" not in done.stderr


def test_the_best_is_chosen_by_all_measures() -> None:
    def row(step: int, aligned: float, copied: float, dnsmos: float) -> Row:
        return Row(step, {"aligned": aligned, "copied": copied, "dnsmos": dnsmos})

    rows = [row(1, 0.5, 0.1, 3.0), row(2, 0.4, 0.2, 3.1), row(3, 0.6, 0.0, 2.0)]
    assert best_of(rows) == 2
    assert ranks_of(rows) == {1: 2, 2: 0, 3: 4}
    assert best_of([row(1, 0.5, 0.5, 3.0), row(2, 0.5, 0.5, 3.0)]) == 2, "the later of equals"
