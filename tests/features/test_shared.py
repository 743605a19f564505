"""One process, one model: however many voices listen to it."""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import vinovits
from vinovits.errors import DeviceError, VoiceError
from vinovits.features import lazy
from vinovits.features.bert import BertFeatures
from vinovits.features.store import shared, unload_features

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The graphs of feature models that are compiled from now on."""
    made: list[Path] = []
    recipe = lazy.recipe

    def count(path: Path, *rest: object, **options: object) -> object:
        made.append(path)
        return recipe(path, *rest, **options)

    monkeypatch.setattr(lazy, "recipe", count)
    return made


def test_ten_voices_load_one_bert(
    tiny_voice: Path, graph_cache: Path, compilations: list[Path]
) -> None:
    gc.collect()  # voices of other tests
    voices = [vinovits.load(tiny_voice, cache_dir=graph_cache) for _ in range(10)]
    first = voices[0].speak("Hello there.").samples
    for voice in voices[1:]:
        np.testing.assert_array_equal(voice.speak("Hello there.").samples, first)
    assert len(compilations) <= 1
    unload_features()
    np.testing.assert_array_equal(voices[5].speak("Hello there.").samples, first)
    assert len(compilations) <= 2


def test_same_content_and_device_are_one_object(
    converted: Path, tmp_path: Path, compilations: list[Path]
) -> None:
    copy = Path(shutil.copytree(converted, tmp_path / "copy"))
    one, other = shared(BertFeatures, converted), shared(BertFeatures, copy, "CPU")
    assert one is other
    assert not compilations, "nothing is compiled before it is needed"
    one.features([5])
    other.features([6])
    assert len(compilations) == 1
    path = copy / "features.json"
    manifest = json.loads(path.read_bytes())
    path.write_text(json.dumps({**manifest, "name": "another"}), encoding="utf-8")
    assert shared(BertFeatures, copy) is not one


def test_it_goes_with_the_last_who_holds_it(converted: Path, compilations: list[Path]) -> None:
    for _ in range(2):
        held = shared(BertFeatures, converted)
        held.features([5])
        del held
        gc.collect()
    assert len(compilations) == 2


def test_many_threads_get_one_object(converted: Path, compilations: list[Path]) -> None:
    with ThreadPoolExecutor(8) as threads:
        models = list(threads.map(lambda _: shared(BertFeatures, converted), range(32)))
        rows = list(threads.map(lambda model: model.features([5, 6]), models))
    assert len({id(model) for model in models}) == 1
    assert len(compilations) == 1
    assert all(np.array_equal(row, rows[0]) for row in rows)


def test_unloading_while_others_run(converted: Path) -> None:
    model = shared(BertFeatures, converted)
    texts = [[5 + index % 10] * (index % 30) for index in range(200)]
    alone = [model.features(text) for text in texts]

    def run(index: int) -> np.ndarray:
        if index % 17 == 0:
            unload_features()
        return model.features(texts[index])

    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(run, range(len(texts))))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_cannot_be_had(converted: Path, tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match=r"no features\.json"):
        shared(BertFeatures, tmp_path)
    with pytest.raises(DeviceError, match="no device 'FPGA'"):
        shared(BertFeatures, converted, "FPGA")


def test_memory_of_one_for_ten_and_none_after_unloading(tmp_path: Path) -> None:
    """A BERT of 60 MB, in a process of its own: nothing else moves there."""
    script = f"""
from pathlib import Path
from tests.features import tiny_bert
tiny_bert.WIDTH, tiny_bert.INNER, tiny_bert.HEADS = 512, 2048, 8
source = tiny_bert.write_source(Path({str(tmp_path)!r}) / "source")
from vinovits.convert.features import convert_features
out = Path({str(tmp_path)!r}) / "out"
convert_features(source, out, -1, "f32")
"""
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)
    script = f"""
import gc, json
from pathlib import Path
import psutil
from vinovits.features.bert import BertFeatures
from vinovits.features.store import shared, unload_features
from vinovits.devices import core
core()
def used():
    gc.collect()
    return psutil.Process().memory_info().rss
start = used()
first = shared(BertFeatures, Path({str(tmp_path / "out")!r}))
first.features([5])
one = used() - start
models = [shared(BertFeatures, Path({str(tmp_path / "out")!r})) for _ in range(9)]
for model in models:
    model.features([6])
ten = used() - start
unload_features()
print(json.dumps([one, ten, used() - start]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    one, ten, after = json.loads(done.stdout)
    size = (tmp_path / "out" / "model.bin").stat().st_size
    assert size > 50e6
    assert one > size
    assert ten < one * 1.2
    assert after < one - 0.8 * size
