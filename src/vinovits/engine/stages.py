"""The graphs and feature models of a voice, compiled."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vinovits import graph_cache
from vinovits.devices import Placement
from vinovits.engine import synthesis, warming
from vinovits.engine.moving import MovingGraph
from vinovits.engine.precision import (
    decoder_precision,
    measured_snr,
    parse_precision,
    stage_precision,
)
from vinovits.engine.readers import ReadingModels, english_model
from vinovits.engine.shapes import ShapePolicy, is_static, usual_lengths
from vinovits.engine.windows import GROWTH, Reach
from vinovits.errors import VinovitsError, VoiceError
from vinovits.graphs import GraphInfo, Runnable, StaticGraph, compile_graph, recipe
from vinovits.text.front_ends import NO_TOOLS, Reading, Tools
from vinovits.text.sequence import Cut, PhoneSequence
from vinovits.voices.manifest import VoiceManifest

if TYPE_CHECKING:
    from vinovits.features.bert import BertFeatures

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tuning:
    """What changes the speed of the stages on a CPU, but not what they compute."""

    threads: int | None = None
    """At most that many; None as `threads.limit` has it."""
    together: int | None = None
    """Likewise, where there are several streams: of all together."""
    streams: int = 1
    """How many calls the graphs of the voice compute side by side."""
    growth: Sequence[int] = GROWTH
    """Of the decoder's windows, as `plan_windows` takes it."""


UNTUNED = Tuning()


class Stages:
    """What the stages of a voice run on; any number of threads may use it at once."""

    def __init__(
        self,
        folder: Path,
        manifest: VoiceManifest,
        placement: Placement,
        with_features: bool,
        cache_dir: Path,
        precision: str = "auto",
        shapes: ShapePolicy = "auto",
        warm: bool = True,
        tuning: Tuning = UNTUNED,
    ) -> None:
        """Compile the graphs of a voice folder.

        Args:
            folder: Its files are those that the manifest lists.
            manifest: Of that folder.
            placement: Where each stage runs.
            with_features: False leaves feature models out: their inputs get zeros, and none helps
                to read.
            cache_dir: Where compiled graphs are kept.
            precision: Of each stage, as `parse_precision` takes it.
            shapes: Of the graphs and of the feature models.
            warm: Compile the usual shapes of static graphs in the background from now on.
            tuning: Of what runs on the CPU.

        Raises:
            DeviceError: There is no such device, or it can't compute in that precision.
            UsageError: There is no such precision.
            DeviceFailedError: A device that was named can't compile its graph.
            VoiceError: A graph is broken, missing, or doesn't fit the manifest.
        """
        self._precisions = parse_precision(precision)
        self.manifest = manifest
        self.reach = Reach(manifest.decoder_context, manifest.decoder_late_context)
        self._folder, self._cache_dir = folder, cache_dir
        self._shapes = shapes
        self._tuning = tuning
        self.growth = tuning.growth
        names = [file.removesuffix(".xml") for file in manifest.files if file.endswith(".xml")]
        self.has_features = with_features and bool(manifest.features)
        self._bert: dict[str, BertFeatures] = {}
        self._features_device = placement.features[0]
        # Models that are asked now and then, for inputs of ever new shapes, stay on the CPU.
        self._readers = ReadingModels(english_model(manifest.features), "cpu", cache_dir)
        self._reads_with_models = with_features
        with ThreadPoolExecutor(len(names) + 1, "vinovits-load") as pool:
            making = {name: pool.submit(self._place, name, placement.of(name)) for name in names}
            pool.submit(self._load_sure_features)
            self.graphs = {name: made.result() for name, made in making.items()}
        self._check_inputs(folder)
        graph_cache.prune(cache_dir)
        if warm:
            self._warm()

    def _place(self, name: str, devices: Sequence[str]) -> Runnable:
        """A graph on the first of several devices that can run it."""
        makers = [partial(self._make, name, device) for device in devices]
        return makers[0]() if len(makers) == 1 else MovingGraph(name, makers)

    def _load_sure_features(self) -> None:
        """Load the feature model that every text will ask for: where there is one language."""
        if len(self.manifest.languages) == 1:
            # What is wrong with it is for those to know who speak.
            with suppress(VinovitsError):
                self.load_features(self.manifest.languages[0])
                for bert in self._bert.values():
                    bert.graph.load()

    def _make(self, name: str, device: str) -> Runnable:
        """A graph on a device, compiled for its most usual shape at least."""
        path = self._folder / f"{name}.xml"
        files = self.manifest.files
        sums = files[f"{name}.xml"], files[f"{name}.bin"]
        usual = usual_lengths(name, self.reach)
        asked = self._precisions.of(name)
        if name == "decoder":
            measure = partial(measured_snr, path, sums, device, self._cache_dir, usual[0])
            precision = decoder_precision(asked, device, self.manifest.bf16_snr, measure)
        else:
            precision = stage_precision(asked, device)
        tuning = self._tuning
        how = path, device, self._cache_dir, sums, precision, tuning.threads, tuning.streams
        if not is_static(self._shapes, device):
            return compile_graph(*how)
        graph = StaticGraph(recipe(*how))
        for lengths in usual[:1]:
            graph.prepare(lengths)
        return graph

    def _warm(self) -> None:
        jobs: list[warming.Job] = [
            (graph, lengths)
            for name, graph in self.graphs.items()
            if graph.static
            for lengths in usual_lengths(name, self.reach)[1:]
        ]
        if jobs:
            warming.warm(jobs)

    def load_features(self, language: str) -> None:
        """Load the feature models of a language, unless they are loaded or left out.

        Raises:
            VoiceError: A model is broken, missing, or doesn't fit the voice.
        """
        if not self.has_features:
            return
        for need in self.manifest.features:
            if need.language == language and need.input not in self._bert:
                self._load_features(need.input, need.model, need.width)

    def infos(self) -> dict[str, GraphInfo]:
        """Where each graph really runs and at what precision, as OpenVINO tells it."""
        infos = {name: graph.info for name, graph in self.graphs.items()}
        # A copy: other threads may load the models of another language meanwhile.
        for bert in list(self._bert.values()):
            infos[bert.name] = bert.info
        if (g2pw := self._readers.g2pw) is not None:
            infos[g2pw.name] = g2pw.info
        return infos

    def feature_models(self) -> dict[str, str]:
        """Name of the feature model behind each feature input; "none" where it gets zeros.

        Beside them "polyphones", once a model has been asked for readings.
        """
        models = {
            need.input: self._bert[need.input].name if need.input in self._bert else "none"
            for need in self.manifest.features
        }
        if (g2pw := self._readers.g2pw) is not None:
            models["polyphones"] = g2pw.name
        return models

    def tools(self, languages: Sequence[str], reading: Reading) -> Tools:
        """The models here that help to read a text, as `ReadingModels.tools` has them."""
        return self._readers.tools(languages, reading) if self._reads_with_models else NO_TOOLS

    def pieces(self, language: str) -> Cut:
        """What cuts a text of a language into word pieces; into none without features.

        Raises:
            VoiceError: As `load_features`.
        """
        self.load_features(language)
        for need in self.manifest.features:
            if need.language == language and need.input in self._bert:
                return self._bert[need.input].pieces_in_place
        return lambda text: []

    def features(
        self, sequence: PhoneSequence, assist: str | None = None, assist_weight: float = 0.0
    ) -> dict[str, Array]:
        """Every feature input of the graph `encoder` (1, width, T).

        Each language's words have the features of its own model, alone; there are zeros where there
        is no model and where another language is spoken.

        Args:
            sequence: The sentence.
            assist: A text whose features colour those of the sentence, or None.
            assist_weight: Its share, 0 to 1.
        """
        features = {}
        for need in self.manifest.features:
            whole = np.zeros((1, need.width, len(sequence.phones)), np.float32)
            features[need.input] = whole
            if (bert := self._bert.get(need.input)) is None:
                continue
            for stretch in sequence.stretches:
                if stretch.language == need.language:
                    rows = _rows(bert, stretch.pieces, assist, assist_weight)
                    spread = synthesis.spread_features(rows, stretch.word2ph, need.width)
                    whole[:, :, stretch.start : stretch.start + spread.shape[2]] = spread
        return features

    def _check_inputs(self, folder: Path) -> None:
        manifest = self.manifest
        known = {"phones", "tones", "languages", "mask", "speaker", "noise"}
        known |= {need.input for need in manifest.features}
        if manifest.styles:
            known.add("style")
        if manifest.emotion is not None:
            known |= {"emotion", "emotion_row"} if manifest.emotion.rows else {"emotion"}
        wanted = {
            "encoder": known,
            "flow": {"z_p", "mask", "speaker"},
            "decoder": {"z", "kept", "speaker"},
        }
        for name, inputs in wanted.items():
            if self.graphs[name].inputs != inputs:
                raise VoiceError(
                    f"{folder / name}.xml takes {', '.join(sorted(self.graphs[name].inputs))}, but "
                    f"by the manifest it should take {', '.join(sorted(inputs))}. Convert the "
                    "voice again."
                )

    def _load_features(self, name: str, model: str, width: int) -> None:
        from vinovits.features.bert import BertFeatures
        from vinovits.features.store import find_features, shared

        device = self._features_device
        static = is_static(self._shapes, device)
        options = {
            "static": static,
            "threads": self._tuning.threads,
            "precision": self._precisions.features,
        }
        bert = shared(BertFeatures, find_features(model), device, self._cache_dir, **options)
        if bert.width > width:
            raise VoiceError(
                f"The feature model {model} gives {bert.width} channels, but the voice "
                f"{self.manifest.name!r} takes {width}. It needs another model."
            )
        self._bert[name] = bert


def _rows(bert: BertFeatures, pieces: tuple[int, ...], assist: str | None, weight: float) -> Array:
    from vinovits.features.bert import mix_style

    rows = bert.features(pieces)
    return rows if assist is None else mix_style(rows, bert.mean(bert.pieces(assist)), weight)
