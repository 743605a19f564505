"""What the benchmarks of training share: a training as `vinovits train` builds it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vinovits.train.base import open_base
from vinovits.train.building import build
from vinovits.train.dataset import Clip, read_data
from vinovits.train.draws import draw
from vinovits.train.fitness import Chosen
from vinovits.train.generator import Batch, Draws
from vinovits.train.loading import Loader
from vinovits.train.sampling import epoch_batches
from vinovits.train.session import match
from vinovits.train.settings import defaults, settings_of
from vinovits.train.step import Networks


class Side:
    """Networks that are built on a base for some clips, and the batches that they learn from."""

    def __init__(self, data: Path, base: str, given: Mapping[str, Any]) -> None:
        """Build them.

        Args:
            data: A prepared set.
            base: As `vinovits train` takes it.
            given: Settings that go before the defaults.
        """
        training_set = read_data(data)
        self.chosen: Chosen
        self.chosen, start = match(training_set, open_base(base, None), settings_of(given))
        self.settings = settings_of(defaults(self.chosen.minutes, "cpu"), given)
        self.networks: Networks = build(start, self.settings, None).networks
        config = self.networks.config
        self.loader = Loader(
            training_set,
            start.variant,
            config.spectrogram,
            start.speakers,
            start.features,
            config.segment_frames,
        )

    def batches(self) -> Iterator[list[Clip]]:
        """Of one epoch after another, as the training draws them."""
        clips, settings = self.chosen.train, self.settings
        lengths = [clip.seconds for clip in clips]
        epoch = 0
        while True:
            for batch in epoch_batches(lengths, settings.batch_size, settings.seed, epoch, 0, 1):
                yield [clips[i] for i in batch]
            epoch += 1

    def drawn(self, batch: Batch, seed: int) -> Draws:
        """The noise of a step."""
        networks = self.networks
        noisy = networks.config.noisy_alignment
        return draw(batch, networks.generator, networks.recipe, seed, noisy)
