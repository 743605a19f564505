"""Who speaks: embeddings of voices by the network of Resemblyzer, without torch.

Wan et al., Generalized End-to-End Loss for Speaker Verification, https://arxiv.org/abs/1710.10467.
The package brings its weights as a file of torch. That is read here as plain numbers: nothing that
it may hold is run.
"""

from __future__ import annotations

import io
import pickle
import threading
from collections import OrderedDict
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vinovits.devices import core
from vinovits.errors import DataError
from vinovits.prepare.quality import package_file
from vinovits.prepare.recording import Samples
from vinovits.prepare.speech import RATE

Print = NDArray[np.float32]

HINT = "pip install --no-deps resemblyzer"
WIDTH = 256
_LAYERS = 3
_BANDS = 40
_FFT = RATE * 25 // 1000
_HOP = RATE // 100
_FRAMES = 160
"""Of one stretch that the network hears at once: 1.6 s."""
_STEP = 80
_LEVEL = -30.0
"""dB to which quieter speech is raised before."""
_MAGIC = 0x1950A86A20F9469CFC6C


class VoicePrints:
    """Embeddings of speech. Any number of threads may use one object at once.

    Args:
        weights: The file of Resemblyzer.

    Raises:
        DataError: It isn't that file.
    """

    def __init__(self, weights: Path) -> None:
        tensors = read_torch(weights)
        self._compiled = core().compile_model(
            _graph(tensors), "CPU", {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
        )
        self._own = threading.local()

    def __call__(self, samples: Samples) -> Print:
        """The voice in samples (n,), n > 0, at 16 kHz: (256,) numbers from 0 on, of length 1."""
        power = float(np.mean(np.square(samples), dtype=np.float64))
        gain = 10 ** (max(0.0, _LEVEL - 10 * np.log10(max(power, 1e-12))) / 20)
        needed = _FRAMES * _HOP
        padded = np.pad(samples * np.float32(gain), (0, max(0, needed - len(samples))))
        mel = _mel(padded)
        count = max(1, round((len(mel) - _FRAMES) / _STEP) + 1)
        starts = np.minimum(np.arange(count) * _STEP, len(mel) - _FRAMES)
        parts = np.stack([mel[start : start + _FRAMES] for start in starts])
        if not hasattr(self._own, "request"):
            self._own.request = self._compiled.create_infer_request()
        found = next(iter(self._own.request.infer([parts]).values()))
        mean = found.mean(axis=0)
        unit: Print = (mean / max(float(np.linalg.norm(mean)), 1e-9)).astype(np.float32)
        return unit


def weights_file() -> Path | None:
    """Where Resemblyzer's weights are; None where it isn't installed."""
    return package_file("resemblyzer", "pretrained.pt")


class _Storage(NamedTuple):
    key: str


class _Plain(pickle.Unpickler):
    """Unpickles tensors of floats as arrays; whatever else a file asks for is refused."""

    def __init__(self, file: io.BufferedIOBase, later: list[tuple[str, Any]]) -> None:
        super().__init__(file)
        self._later = later

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._tensor
        if (module, name) == ("torch", "FloatStorage"):
            return name
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        return _Storage(str(pid[2]))

    def _tensor(self, storage: _Storage, offset: int, size: Any, stride: Any, *rest: Any) -> Any:
        box: dict[str, Any] = {"key": storage.key, "offset": offset, "size": tuple(size)}
        self._later.append((storage.key, box))
        return box


def read_torch(path: Path) -> dict[str, NDArray[np.float32]]:
    """Read a state dictionary of floats that torch wrote before its release 1.6.

    Args:
        path: A file with a dictionary that has "model_state".

    Returns:
        Arrays by name.

    Raises:
        DataError: It is another file.
    """
    try:
        with path.open("rb") as file:
            boxes: list[tuple[str, Any]] = []
            if _Plain(file, boxes).load() != _MAGIC:
                raise pickle.UnpicklingError("another format")
            _Plain(file, boxes).load()  # the version of the format
            _Plain(file, boxes).load()  # the sizes of numbers on the machine that wrote it
            state = _Plain(file, boxes).load()["model_state"]
            storages = {}
            for key in _Plain(file, boxes).load():
                count = int.from_bytes(file.read(8), "little")
                storages[str(key)] = np.frombuffer(file.read(4 * count), "<f4")
        return {
            name: storages[box["key"]][box["offset"] :][: int(np.prod(box["size"]))].reshape(
                box["size"]
            )
            for name, box in state.items()
        }
    except (OSError, pickle.UnpicklingError, KeyError, TypeError, ValueError, EOFError) as error:
        raise DataError(f"{path} isn't the weights of Resemblyzer ({error}).") from None


def _graph(tensors: dict[str, NDArray[np.float32]]) -> Any:
    """From mel (B, 160, 40) to embeddings (B, 256): three LSTMs, a linear layer, ReLU, length 1."""
    from vinovits.runtime import openvino as ov

    ops = ov.opset13
    mel = ops.parameter([-1, _FRAMES, _BANDS], np.float32, "mel")
    batch = ops.gather(ops.shape_of(mel), np.int64(0), np.int64(0))
    lengths = ops.broadcast(
        ops.constant(np.array([_FRAMES], np.int64)), ops.unsqueeze(batch, np.int64(0))
    )
    zeros = ops.broadcast(
        ops.constant(np.float32(0)),
        ops.concat(
            [ops.unsqueeze(batch, np.int64(0)), ops.constant(np.array([1, WIDTH], np.int64))], 0
        ),
    )
    steps = mel
    hidden = mel
    for layer in range(_LAYERS):
        weights = [_gates(tensors[f"lstm.{name}_l{layer}"]) for name in ("weight_ih", "weight_hh")]
        bias = _gates(tensors[f"lstm.bias_ih_l{layer}"] + tensors[f"lstm.bias_hh_l{layer}"])
        made = ops.lstm_sequence(
            *(steps, zeros, zeros, lengths),
            *(ops.constant(weight[None]) for weight in weights),
            ops.constant(bias[None]),
            WIDTH,
            "forward",
        )
        steps = ops.squeeze(made.output(0), np.array([1], np.int64))
        hidden = ops.squeeze(made.output(1), np.array([1], np.int64))
    linear = ops.matmul(hidden, ops.constant(tensors["linear.weight"]), False, True)
    raw = ops.relu(ops.add(linear, ops.constant(tensors["linear.bias"])))
    unit = ops.normalize_l2(raw, np.array([1], np.int64), 1e-12, "add")
    return ov.Model([unit], [mel], "voice_print")


def _gates(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """From torch's order of gates (input, forget, cell, output) to OpenVINO's (f, i, c, o)."""
    into, forget, cell, out = np.split(rows, 4)
    return np.concatenate([forget, into, cell, out])


def _mel(samples: Samples) -> NDArray[np.float32]:
    """Mel powers (frames, 40): windows of 25 ms, one each 10 ms, centred."""
    padded = np.pad(samples.astype(np.float64), _FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FFT) / _FFT)
    power = np.abs(np.fft.rfft(frames * hann, axis=1)) ** 2
    return (power @ _bands().T).astype(np.float32)


@cache
def _bands() -> NDArray[np.float64]:
    """Triangles of equal area on Slaney's mel scale, (40, bins).

    The scale (Auditory Toolbox, 1998) is linear up to 1 kHz, 15 mel there, and logarithmic above.
    """
    step = np.log(6.4) / 27

    def hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(step * (mel - 15)))

    edges = hertz(np.linspace(0, 15 + np.log(RATE / 2 / 1000) / step, _BANDS + 2))
    bins = np.fft.rfftfreq(_FFT, 1 / RATE)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    area = 2 / (edges[2:] - edges[:-2])
    triangles: NDArray[np.float64] = np.maximum(0, np.minimum(rising, falling)) * area[:, None]
    return triangles
