"""A training from its first step to its last, stopped and resumed as often as the user likes."""

from __future__ import annotations

import hashlib
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from itertools import islice
from types import FrameType
from typing import Any

import torch

from vinovits.errors import CheckpointError, OutputError, TrainingError
from vinovits.train.average import Average
from vinovits.train.checkpoints import Checkpoints
from vinovits.train.crew import Crew
from vinovits.train.dataset import Clip
from vinovits.train.draws import draw, seed_of
from vinovits.train.fitness import Chosen
from vinovits.train.generator import Batch
from vinovits.train.health import Health
from vinovits.train.loading import Loader, moved
from vinovits.train.report import Report
from vinovits.train.sampling import epoch_batches
from vinovits.train.settings import Settings
from vinovits.train.step import NotFiniteError, Trainer
from vinovits.train.validation import Validation, validate

Tell = Callable[[str], None]
"""Gets sentences for the user."""

Watch = Callable[[int, int, dict[str, float]], None]
"""Gets the steps that are done, those that there are to be, and the numbers of the last one."""


@dataclass(slots=True)
class Counters:
    """Where a training stands: with weights, optimisers and averages all that it goes on from."""

    step: int = 0
    epoch: int = 0
    position: int = 0
    """Batches of this epoch that are done."""
    rate_scale: float = 1.0
    """Of the learning rate, halved when a training was taken back."""
    restores: int = 0
    best: float = float("inf")
    """The least mel distance of a validation."""
    best_step: int = -1
    seconds: float = 0.0
    data: str = ""
    """Digest of the clips and their order."""
    sums: dict[str, float] = field(default_factory=dict)
    """Of what was measured since it was last written down."""
    summed: int = 0
    health: Health = field(default_factory=Health)

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        return plain | {"sums": dict(self.sums), "health": self.health.to_dict()}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Counters:
        """Read what `to_dict` gave."""
        return cls(**{**data, "health": Health(**data["health"])})


def digest(clips: Sequence[Clip]) -> str:
    """A number for clips and their order."""
    return hashlib.sha256(repr(clips).encode("utf-8", "surrogatepass")).hexdigest()[:16]


class Stopped(Exception):  # noqa: N818 (no error: the user wanted it)
    """The user has stopped the training, whose checkpoint is written.

    Attributes:
        signal: Its number.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"Stopped by signal {number}.")
        self.signal = number


class Run:
    """One training.

    Attributes:
        counters: Where it stands.
    """

    def __init__(
        self,
        settings: Settings,
        trainer: Trainer,
        chosen: Chosen,
        loader: Loader,
        checkpoints: Checkpoints,
        config: dict[str, Any],
        report: Report,
        tell: Tell,
        watch: Watch,
    ) -> None:
        """Bring all parts together.

        Args:
            settings: Checked.
            trainer: On its device.
            chosen: The clips.
            loader: Reads them.
            checkpoints: Where they go.
            config: The config.json of the checkpoints.
            report: Where measurements go.
            tell: For sentences.
            watch: For progress.
        """
        self.settings, self.trainer, self.chosen = settings, trainer, chosen
        self.loader, self.checkpoints, self.config = loader, checkpoints, config
        self.report, self.tell, self.watch = report, tell, watch
        self.crew: Crew = trainer.crew
        self.network = trainer.networks.generator
        self.average = Average(self.network, settings.average)
        self.counters = Counters(data=digest(chosen.train))
        self.device = next(self.network.parameters()).device
        self._signal = 0
        self._validated = -1

    def resume(self) -> None:
        """Go on from the newest checkpoint that can be read.

        Raises:
            CheckpointError: None can.
        """
        data = self.counters.data
        step = self._load(self.checkpoints.numbers())
        if self.counters.data != data:
            self.tell(
                "The training set isn't what it was when the training was stopped; it goes on "
                "with the set of now."
            )
            self.counters.data = data
        if not self.crew.told(float(self.report.has_best())):
            self.counters.best, self.counters.best_step = float("inf"), -1
        self._forget(step)

    def _load(self, steps: Iterable[int]) -> int:
        """Take the first of some checkpoints that can be read; its step."""
        failures = []
        for step in steps:
            try:
                found = self.checkpoints.load(step, self.trainer, self.average)
            except CheckpointError as error:
                failures.append(str(error))
                continue
            for failure in failures:
                self.tell(f"{failure} That of step {step} is taken.")
            self.counters = Counters.from_dict(found)
            return step
        raise CheckpointError(
            " ".join(failures)
            or f"There is no checkpoint in {self.checkpoints.folder} to go on from."
        )

    def _forget(self, step: int) -> None:
        """Drop all that is behind a step, which will be done again."""
        if self.crew.leads:
            self.report.history.forget(step)
            self.checkpoints.forget(step)
        self.crew.wait()

    def train(self) -> None:
        """Do all steps that are left.

        Raises:
            OutputError: The first or the last checkpoint can't be written.
            Stopped: The user has stopped it.
            TrainingError: It went wrong too often.
        """
        if self.crew.told(float(not self.checkpoints.numbers())):
            # A full disk is found now, not after hours, and there is something to go back to.
            self._save()
        if self._late() and self.counters.step < self.settings.steps:
            self.tell(
                f"The training has had its {self.settings.minutes:g} minutes, and nothing more is "
                "learned. --resume --minutes takes how many it may have in all."
            )
        with self._signals():
            while not self._done():
                self._epoch()
        if self._validated != self.counters.step:
            self._validate()
        self._save_last()
        if self.counters.best_step < 0 and self.crew.leads:
            # The disk was full whenever there was a best one, or the voice is beyond measuring.
            self.report.keep_best(self.average, self.config, self.counters.step)
        self._report()

    def _epoch(self) -> None:
        """Train to the end of an epoch, of the training, or to where it is taken back."""
        counters, settings = self.counters, self.settings
        batches = epoch_batches(
            [clip.seconds for clip in self.chosen.train],
            settings.batch_size,
            seed_of(settings.seed, counters.restores),
            counters.epoch,
            self.crew.rank,
            self.crew.size,
        )
        rest = batches[counters.position :]
        wanted = ([self.chosen.train[i] for i in batch] for batch in rest)
        loaded = self.loader.ahead(wanted, settings.workers)
        try:
            while parts := list(islice(loaded, settings.accumulate)):
                began = time.monotonic()
                reason = self._step(parts)
                if reason:
                    self._restore(reason)
                    return
                counters.position += len(parts)
                counters.seconds += time.monotonic() - began
                if counters.position >= len(batches):
                    counters.epoch += 1
                    counters.position = 0
                self._after()
                if counters.position == 0 or self._done():
                    return
        finally:
            loaded.close()

    def _done(self) -> bool:
        """Whether all steps are done, or the time is up."""
        return self.counters.step >= self.settings.steps or self.crew.any(self._late())

    def _late(self) -> bool:
        minutes = self.settings.minutes
        return minutes is not None and self.counters.seconds >= 60 * minutes

    def rate(self) -> float:
        """The learning rate of the next step."""
        counters, settings = self.counters, self.settings
        warm = min(1.0, (counters.step + 1) / max(1, settings.warmup_steps))
        return (
            settings.learning_rate * counters.rate_scale * warm * settings.lr_decay**counters.epoch
        )

    def _step(self, batches: Sequence[Batch]) -> str:
        """Make one step; returns what is wrong with it, "" if nothing is."""
        counters, settings = self.counters, self.settings
        networks = self.trainer.networks
        seeds = [
            seed_of(settings.seed, counters.restores, counters.step, place, self.crew.rank)
            for place in range(len(batches))
        ]
        parts = []
        for batch, seed in zip(batches, seeds, strict=True):
            own = moved(batch, self.device)
            noisy = networks.config.noisy_alignment
            parts.append((own, draw(own, self.network, networks.recipe, seed, noisy)))
        torch.manual_seed(seeds[0])  # dropout draws from torch's own generators
        rate = self.rate()
        self.trainer.set_rate(rate)
        try:
            found = [losses.numbers() for losses in self.trainer.learn(parts, counters.step)]
        except NotFiniteError as error:
            return f"the gradient of the network {error.network!r} isn't finite"
        numbers = {name: sum(one[name] for one in found) / len(found) for name in found[0]}
        numbers |= {f"norm_{name}": float(norm) for name, norm in self.trainer.norms.items()}
        numbers = self.crew.mean(numbers) | {"rate": rate}
        counters.step += 1
        self.average.follow(counters.step)
        for name, value in numbers.items():
            counters.sums[name] = counters.sums.get(name, 0.0) + value
        counters.summed += 1
        self.watch(counters.step, settings.steps, numbers)
        return counters.health.see(numbers["mel"], numbers["loudness"])

    def _after(self) -> None:
        """What is due behind a step."""
        counters, settings = self.counters, self.settings
        last = self._done()
        if counters.step % settings.log_every == 0 or last:
            self._log()
        if counters.step % settings.validate_every == 0:
            self._validate()
        if self.crew.any(self._signal != 0):
            self._save_last()
            self._report()
            raise Stopped(self._signal or signal.SIGTERM)
        if counters.step % settings.save_every == 0 and not last:
            self._try(self._save)

    def _log(self) -> None:
        counters = self.counters
        means = {name: value / counters.summed for name, value in counters.sums.items()}
        counters.sums, counters.summed = {}, 0
        if self.crew.leads:
            entry = {"step": counters.step, "epoch": counters.epoch, "seconds": counters.seconds}
            self._try(lambda: self.report.add({**entry, "losses": means}))

    def _validate(self) -> None:
        counters = self.counters
        self._validated = counters.step
        value = 0.0
        found: Validation | None = None
        if self.crew.leads:
            held = self.chosen.validation or self.chosen.train
            with self.average.applied():
                found = validate(
                    self.network,
                    self.loader,
                    held[: self.settings.validation_clips],
                    self.trainer.networks.config.spectrogram,
                    self.device,
                    self.settings.seed,
                )
            value = found.aligned
        value = self.crew.told(value)
        if found is not None:
            heard, step = found, counters.step
            self._try(lambda: self.report.hear(step, heard))
            self.tell(
                f"Step {step}: mel distance {found.aligned:.3f} in the recording's rhythm, "
                f"{found.copied:.3f} copied{', the best so far' if value < counters.best else ''}."
            )
        if value < counters.best and self.crew.told(float(self._keeps_best())):
            counters.best, counters.best_step = value, counters.step
            self._try(self._save)

    def _keeps_best(self) -> bool:
        """Write the best voice so far; returns whether that went well."""
        if not self.crew.leads:
            return True
        try:
            self.report.keep_best(self.average, self.config, self.counters.step)
        except OutputError as error:
            self.tell(f"{error} The training goes on.")
            return False
        return True

    def _save(self) -> None:
        counters, settings = self.counters, self.settings
        try:
            if self.crew.leads:
                self.checkpoints.save(
                    counters.step,
                    self.trainer,
                    self.average,
                    self.config,
                    counters.to_dict(),
                    counters.epoch + 1,
                )
                self.checkpoints.prune(settings.keep, counters.best_step)
        finally:
            self.crew.wait()

    def _try(self, write: Callable[[], None]) -> None:
        """Write what isn't worth ending a training for."""
        try:
            write()
        except OutputError as error:
            self.tell(f"{error} The training goes on.")

    def _save_last(self) -> None:
        """Write what must not be lost.

        Raises:
            OutputError: It can't be written.
        """
        try:
            self._save()
        except OutputError as error:
            raise OutputError(f"{error} Go on from there by --resume.") from None

    def _report(self) -> None:
        if self.crew.leads:
            self._try(self.report.write)

    def _restore(self, reason: str) -> None:
        """Go back to the last good state with half the learning rate.

        Raises:
            TrainingError: That was done too often.
        """
        before, settings = self.counters, self.settings
        advice = (
            "Take a smaller learning_rate"
            + (", precision: f32" if self.trainer.bf16 else "")
            + ", a clip_norm such as 100, or a larger batch_size (or accumulate), and look for "
            "broken recordings or texts that don't fit them."
        )
        if before.restores >= settings.restores:
            raise TrainingError(
                f"The training went wrong again: at step {before.step} {reason}. It was taken back "
                f"{before.restores} times, each time with half the learning rate. {advice} The "
                "checkpoints that were written are still there."
            )
        # The best one first, then the newest.
        known = sorted(self.checkpoints.numbers(), key=lambda step: step != before.best_step)
        self.crew.wait()
        step = self._load(known)
        self.counters.restores = before.restores + 1
        self.counters.rate_scale = before.rate_scale / 2
        self.counters.best, self.counters.best_step = before.best, before.best_step
        self._forget(step)
        self.tell(
            f"At step {before.step} {reason}. The training goes on from step {step} with half the "
            f"learning rate. {advice}"
        )

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Let Ctrl-C and `kill` end the training at a step's end; twice means at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def note(number: int, frame: FrameType | None) -> None:
            if self._signal:
                raise KeyboardInterrupt
            self._signal = number

        before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
