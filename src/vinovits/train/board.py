"""What TensorBoard shows, where its package is installed; a full disk doesn't end the training."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vinovits.output.atomic import write_error

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_LEAST = 1 << 24
"""Bytes that must be free: the writer's thread, where it fails, prints a traceback of its own."""


class Board:
    """Writes event files into a folder; nothing where tensorboard isn't installed."""

    def __init__(self, folder: Path) -> None:
        """Begin a file, or wait with it until there is something to write.

        Args:
            folder: That TensorBoard is pointed to.
        """
        self.folder = folder
        self._writer: SummaryWriter | None = None
        try:
            from torch.utils.tensorboard import SummaryWriter as Writer
        except ImportError:
            self._make: Any = None
        else:
            self._make = Writer

    def add(self, group: str, numbers: Mapping[str, float], step: int) -> None:
        """Write numbers by their names.

        Raises:
            OutputError: They can't be written.
        """
        with self._open() as writer:
            if writer is not None:
                for name, value in numbers.items():
                    writer.add_scalar(f"{group}/{name}", value, step)
                writer.flush()

    def show(
        self,
        number: int,
        step: int,
        samples: NDArray[np.float32],
        rate: int,
        pictures: Mapping[str, NDArray[np.uint8]],
    ) -> None:
        """Write what a clip sounds and looks like.

        Args:
            number: Of the clip.
            step: Of the training.
            samples: (n,) in [-1, 1].
            rate: Theirs, in Hz.
            pictures: (height, width, 3) by name.

        Raises:
            OutputError: It can't be written.
        """
        with self._open() as writer:
            if writer is not None:
                writer.add_audio(f"sample/{number}", samples[None], step, sample_rate=rate)
                for name, pixels in pictures.items():
                    writer.add_image(f"{name}/{number}", pixels, step, dataformats="HWC")

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            with suppress(OSError):  # what a writer that has failed before says once more
                self._writer.close()

    @contextmanager
    def _open(self) -> Iterator[SummaryWriter | None]:
        """The writer; one that fails is left for a new one with a file of its own."""
        try:
            if shutil.disk_usage(self.folder.parent).free < _LEAST:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if self._writer is None and self._make is not None:
                self._writer = self._make(str(self.folder))
            yield self._writer
        except OSError as error:
            self._writer = None
            raise write_error(self.folder, error) from error
