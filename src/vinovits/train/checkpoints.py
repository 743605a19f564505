"""Checkpoints of a training: folders that appear whole, with the files of released programs.

checkpoints/1500/G_1500.pth, D_1500.pth, DUR_1500.pth, WD_1500.pth, config.json
                 state.pt    what released programs don't keep: counters and averages
"""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from vinovits.errors import CheckpointError, OutputError, VinovitsError
from vinovits.nets.weight_norm import load_released, released_state
from vinovits.output.atomic import atomic_folder, replace_folder, write_error
from vinovits.train.average import Average
from vinovits.train.building import FILES
from vinovits.train.step import Trainer

STATE_NAME = "state.pt"
CONFIG_NAME = "config.json"


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The folder in which a training keeps them."""

    folder: Path
    beside: Mapping[str, bytes] = field(default_factory=dict)
    """Files by name that every checkpoint has too, such as the style vectors."""

    def numbers(self) -> list[int]:
        """Steps of those that there are, the newest first."""
        found = self.folder.glob(f"*/{STATE_NAME}")
        names = [path.parent.name for path in found if path.parent.name.isdecimal()]
        return sorted(map(int, names), reverse=True)

    def save(
        self,
        step: int,
        trainer: Trainer,
        average: Average,
        config: Mapping[str, Any],
        counters: Mapping[str, Any],
        epoch: int,
    ) -> Path:
        """Write one.

        Args:
            step: Steps that were done.
            trainer: Networks and optimisers.
            average: Of the generator.
            config: The config.json.
            counters: Plain values to go on with.
            epoch: Passes over the data, as released programs count them.

        Returns:
            Its folder.

        Raises:
            OutputError: The disk is full, or the folder can't be written.
        """
        target = self.folder / str(step)
        if target.exists():
            return target
        try:
            with atomic_folder(target) as work:
                for name, network in trainer.parts():
                    _save(
                        {
                            "model": released_state(network),
                            "iteration": epoch,
                            "optimizer": trainer.optimisers[name].state_dict(),
                            "learning_rate": trainer.networks.config.learning_rate,
                        },
                        work / f"{FILES[name]}_{step}.pth",
                    )
                _save({"counters": dict(counters), "average": average.weights}, work / STATE_NAME)
                (work / CONFIG_NAME).write_text(
                    json.dumps(config, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
                )
                for file, content in self.beside.items():
                    (work / file).write_bytes(content)
        except OutputError as error:
            raise OutputError(
                f"The checkpoint of step {step} wasn't written. {error} What was saved before is "
                "whole."
            ) from None
        return target

    def load(self, step: int, trainer: Trainer, average: Average) -> dict[str, Any]:
        """Fill networks, optimisers and averages; returns the counters.

        Raises:
            CheckpointError: It can't be read, or is of other networks.
        """
        folder = self.folder / str(step)
        try:
            for name, network in trainer.parts():
                saved = _load(folder / f"{FILES[name]}_{step}.pth")
                load_released(network, saved["model"])
                trainer.optimisers[name].load_state_dict(saved["optimizer"])
            state = _load(folder / STATE_NAME)
            average.load(state["average"])
        except VinovitsError:
            raise
        except Exception as error:  # whatever a damaged file makes torch say
            what = " ".join(str(error).split())
            raise CheckpointError(f"The checkpoint {folder} can't be read: {what:.300}") from None
        counters: dict[str, Any] = state["counters"]
        return counters

    def forget(self, step: int) -> None:
        """Remove those behind a step to which a training was taken back."""
        for number in self.numbers():
            if number > step:
                shutil.rmtree(self.folder / str(number), ignore_errors=True)

    def prune(self, keep: int, protected: int | None) -> None:
        """Remove old ones.

        Args:
            keep: How many of the newest stay.
            protected: The step of one more that stays.
        """
        for step in self.numbers()[keep:]:
            if step != protected:
                shutil.rmtree(self.folder / str(step), ignore_errors=True)


def _load(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return found


def _save(data: object, path: Path) -> None:
    try:
        torch.save(data, path)
    except RuntimeError as error:
        # torch hides what the system has said; it is nearly always this.
        raise OSError(errno.ENOSPC, f"{error}") from None


def sweep(folder: Path) -> None:
    """Remove what a killed process has left half written in a folder."""
    for part in folder.glob(".vinovits-*.part"):
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)


def put_back(folder: Path) -> None:
    """Mend what a process that was killed while `save_weights` replaced a folder has left."""
    old = folder.with_name(f".{folder.name}.old")
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
    elif old.is_dir():
        with suppress(OSError):  # then it is written anew
            old.rename(folder)


def save_weights(
    folder: Path,
    name: str,
    average: Average,
    config: Mapping[str, Any],
    card: Mapping[str, str],
    beside: Mapping[str, bytes],
) -> None:
    """Write the averaged generator alone, as a folder that `open_source` takes.

    Args:
        folder: To make anew; one that is there is replaced.
        name: Of the checkpoint, without ".pth".
        average: The generator.
        config: The config.json.
        card: What the voice's card says.
        beside: More files by name.

    Raises:
        OutputError: It can't be written.
    """
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    put_back(folder)
    with atomic_folder(new) as work, average.applied():
        _save(
            {
                "model": released_state(average.network),
                "iteration": 1,
                "optimizer": None,
                "learning_rate": 0.0,
            },
            work / f"{name}.pth",
        )
        for file, data in ((CONFIG_NAME, config), ("card.json", card)):
            text = json.dumps(data, ensure_ascii=False, indent=2)
            (work / file).write_text(text + "\n", encoding="utf-8")
        for file, content in beside.items():
            (work / file).write_bytes(content)
    try:
        replace_folder(new, folder)
    except OSError as error:
        raise write_error(folder, error) from error
