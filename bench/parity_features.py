"""Compare feature models with recorded cases: tokens, rows, and what voices get of them.

    python bench/parity_features.py FOLDER [--json FILE] [--only NAME]

FOLDER has one folder per model as Hugging Face has it (or g2pW, or the style vectors of a voice),
each with cases.json and cases.npz; a folder of one model is taken too. Every model is converted in
f32 and int8. Exits with 1 if tokens or readings differ anywhere, if in f32 anything is off by more
than 1e-4 of its peak, or if in int8 the cosine of any row is below 0.99.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from vinovits.convert.features import convert_features
from vinovits.engine.styles import blend_style
from vinovits.errors import TextError, VinovitsError
from vinovits.features.bert import BertFeatures, mix_style, spread_rows
from vinovits.features.clap import ClapFeatures
from vinovits.features.emotion import EmotionFeatures
from vinovits.features.g2pw import G2pw
from vinovits.features.japanese_words import split_words
from vinovits.features.mel import crop_starts
from vinovits.features.wavlm import WavlmFeatures

LIMIT = 1e-4
COSINE = 0.99
PRECISIONS = ("f32", "int8")

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Row:
    model: str
    precision: str
    case: str
    what: str
    absolute: float
    relative: float
    cosine: float
    passed: bool


@dataclass
class Recorded:
    """A model, its recorded cases, and what was found."""

    folder: Path
    converted: Path
    precision: str
    cases: dict[str, Any]
    arrays: dict[str, Array]
    rows: list[Row] = field(default_factory=list)

    def has(self, case: str, name: str) -> bool:
        return f"{case}.{name}" in self.arrays

    def get(self, case: str, name: str) -> Array:
        return self.arrays[f"{case}.{name}"]

    def close(self, case: str, what: str, found: Array, expected: Array) -> None:
        """Numbers: near the recorded ones in f32, each row in their direction in int8.

        Rows are the last axis, that of the width.
        """
        if found.shape != expected.shape:
            raise ValueError(f"{case} {what}: shape {found.shape}, not {expected.shape}")
        a = found.astype(np.float64).reshape(-1, found.shape[-1])
        b = expected.astype(np.float64).reshape(-1, found.shape[-1])
        gap = float(np.abs(a - b).max())
        relative = gap / max(float(np.abs(b).max()), 1e-30)
        lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        cosine = float(((a * b).sum(axis=1) / np.maximum(lengths, 1e-30)).min())
        passed = cosine >= COSINE if self.precision == "int8" else relative <= LIMIT
        self._add(case, what, gap, relative, cosine, passed)

    def same(self, case: str, what: str, found: Any, expected: Any) -> None:
        """Tokens and choices: equal."""
        equal = np.array_equal(np.asarray(found), np.asarray(expected))
        self._add(case, what, 0.0 if equal else np.inf, 0.0 if equal else np.inf, np.nan, equal)

    def _add(self, case: str, what: str, *rest: Any) -> None:
        self.rows.append(Row(self.folder.name, self.precision, case, what, *rest))


def check_text(recorded: Recorded) -> None:
    """BERT, Megatron's BERT, DeBERTa."""
    bert = BertFeatures(recorded.converted)
    cases = recorded.cases
    for case in cases["cases"]:
        name = case["id"]
        pieces = tokens(recorded, bert, case)
        expected = recorded.get(name, "input_ids")[0]
        recorded.same(name, "tokens", with_ends(recorded, pieces), expected)
        states = bert.states(pieces)
        recorded.close(name, "hidden", states, recorded.get(name, "hidden"))
        exact = bert.graph(input_ids=expected, mask=np.ones(len(expected), np.bool_))["features"]
        recorded.close(name, "unpadded", exact, recorded.get(name, "hidden"))
        rows = bert.features(pieces)
        if recorded.has(name, "hidden_colnorm"):
            recorded.close(name, "hidden_colnorm", rows, recorded.get(name, "hidden_colnorm"))
        word2ph = recorded.get(name, "word2ph").tolist()
        spread = spread_rows(rows, word2ph, entries_of(cases, case))
        recorded.close(name, "phone", spread.T, recorded.get(name, "phone").T)
    for case in cases["style_mix"]:
        name = case["id"]
        style = bert.pieces(case["style_text"])
        recorded.same(
            name,
            "style tokens",
            with_ends(recorded, style),
            recorded.get(name, "style_input_ids")[0],
        )
        mean = bert.mean(style)
        recorded.close(name, "style_mean", mean, recorded.get(name, "style_mean"))
        rows = mix_style(bert.features(bert.pieces(case["text"])), mean, case["weight"])
        spread = spread_rows(rows, recorded.get(name, "word2ph").tolist())
        recorded.close(name, "phone", spread.T, recorded.get(name, "phone").T)
    for case in cases["mismatch"]:
        name, outcome = case["id"], case["outcome"]
        ids = recorded.get(name, "input_ids")[0]
        rows = bert.features(ids[1:-1].tolist())
        word2ph = recorded.get(name, "word2ph").tolist()
        # Later releases check the count, the first ones don't.
        entries = entries_of(cases, case) if outcome == "AssertionError" else None
        try:
            spread = spread_rows(rows, word2ph, entries)
        except TextError:
            recorded.same(name, "refused", outcome != "silently_misaligned", True)
        else:
            recorded.same(name, "refused", outcome, "silently_misaligned")
            recorded.close(name, "phone", spread.T, recorded.get(name, "phone").T)
    if recorded.precision == "f32":
        check_layers(recorded)


def check_layers(recorded: Recorded) -> None:
    """Every hidden state of the first case."""
    name = recorded.cases["cases"][0]["id"]
    ids = recorded.get(name, "input_ids")[0]
    for layer, expected in enumerate(recorded.get(name, "all_hidden")):
        with tempfile.TemporaryDirectory() as scratch:
            convert_features(recorded.folder, Path(scratch) / "model", layer, "f32")
            states = BertFeatures(Path(scratch) / "model").states(ids[1:-1].tolist())
        recorded.close(name, f"state {layer}", states, expected)


def tokens(recorded: Recorded, bert: BertFeatures, case: dict[str, Any]) -> list[int]:
    if case.get("tokenizer_mode") == "mecab":
        return bert.pieces_of_words(split_words(case["text"]))
    return bert.pieces(case["text"])


def with_ends(recorded: Recorded, pieces: list[int]) -> list[int]:
    manifest = json.loads((recorded.converted / "features.json").read_bytes())
    return [manifest["first_id"], *pieces, manifest["last_id"]]


def entries_of(cases: dict[str, Any], case: dict[str, Any]) -> int:
    """How long word2ph has to be by the rule of the model's language."""
    return case["text_len"] + 2 if "len(text)" in cases["assert_rule"] else case["tokens"]


def check_g2pw(recorded: Recorded) -> None:
    model = G2pw(recorded.converted)
    for case in recorded.cases["cases"]:
        name = case["id"]
        queries = model.queries(case["text"])
        if queries is None:
            recorded.same(name, "positions", [], case["query_positions"])
            continue
        recorded.same(name, "positions", queries.positions, case["query_positions"])
        for label, array in queries.inputs.items():
            recorded.same(name, label, array, recorded.get(name, label))
        probabilities = model.probabilities(queries)
        recorded.close(name, "probs", probabilities, recorded.get(name, "probs"))
        if recorded.precision == "int8":
            continue  # A choice between two that are as likely may turn.
        recorded.same(name, "chosen", probabilities.argmax(axis=1), recorded.get(name, "chosen"))
        readings = model.readings(case["text"])
        for label in ("source", "bopomofo", "pinyin"):
            found = [getattr(reading, label) for reading in readings]
            recorded.same(name, label, found, case[label])


def check_clap(recorded: Recorded) -> None:
    clap = ClapFeatures(recorded.converted)
    for case in recorded.cases["cases"]:
        name = case["id"]
        if case["kind"] == "text":
            ids = recorded.get(name, "input_ids")[0]
            recorded.same(name, "tokens", clap.tokens(case["text"]), ids)
            outputs = clap.graphs["text"](input_ids=ids, mask=np.ones(len(ids), np.bool_))
            embedding = clap.text(case["text"])
        else:
            wave, rate, seed = wave_of(recorded, name), case["sampling_rate"], case["numpy_seed"]
            mel = clap.spectrograms(wave, rate, seed)
            if recorded.has(name, "mel"):
                recorded.close(name, "mel", mel, np.stack([recorded.get(name, "mel")] * len(mel)))
            else:
                whole, starts = recorded.get(name, "mel_whole"), recorded.get(name, "crop_starts")
                frames = mel.shape[1]
                recorded.same(name, "crop_starts", crop_starts(len(whole), frames, seed), starts)
                recorded.close(name, "mel_whole", clap.mel(wave), whole)
                crops = [whole[start : start + frames] for start in starts]
                expected = np.stack([recorded.get(name, "mel_shrunk"), *crops])
                recorded.close(name, "mel_shrunk", mel, expected)
            outputs = clap.graphs["audio"](mel=mel)
            embedding = clap.audio(wave, rate, seed)
        recorded.close(name, "pooled", outputs["pooled"][0], recorded.get(name, "pooled"))
        recorded.close(name, "projected", outputs["projected"], recorded.get(name, "projected"))
        recorded.close(name, "embedding", embedding, recorded.get(name, "embedding")[0])


def check_emotion(recorded: Recorded) -> None:
    emotion = EmotionFeatures(recorded.converted)
    for case in recorded.cases["cases"]:
        name = case["id"]
        wave = wave_of(recorded, name)
        values = recorded.get(name, "input_values")[0]
        found = emotion.wave(wave, case["sampling_rate"])
        recorded.close(name, "input_values", found, values)
        outputs = emotion.graph(wave=values)
        recorded.close(name, "hidden", outputs["hidden"], recorded.get(name, "hidden"))
        recorded.close(name, "logits", outputs["logits"], recorded.get(name, "logits")[0])
        vector = emotion.audio(wave, case["sampling_rate"])
        recorded.close(name, "embedding", vector, recorded.get(name, "embedding")[0])


def check_wavlm(recorded: Recorded) -> None:
    wavlm = WavlmFeatures(recorded.converted)
    for case in recorded.cases["cases"]:
        name = case["id"]
        states = wavlm.hidden_states(wave_of(recorded, name), case["sampling_rate"])
        for index, expected in enumerate(recorded.get(name, "hidden_states")):
            recorded.close(name, f"state {index}", states[index], expected)
        if recorded.has(name, "stacked"):
            # Channels: all of the first state, then all of the next.
            stacked = np.concatenate([state.T for state in states])
            recorded.close(name, "stacked", stacked.T, recorded.get(name, "stacked")[0].T)


def check_styles(recorded: Recorded) -> None:
    """Bit for bit: one formula."""
    table = np.load(recorded.folder / "style_vectors.npy")
    for case in recorded.cases["cases"]:
        name = case["id"]
        style = recorded.arrays["audio_vector"]
        if case["kind"] == "stored":
            style = table[case["style_id"]]
        vector = blend_style(table[0], style, case["weight"])
        recorded.same(name, "style_vector", vector, recorded.get(name, "style_vector"))


def wave_of(recorded: Recorded, name: str) -> Array:
    return recorded.get(name, "wave_int8").astype(np.float32) / np.float32(128)


CHECKS: dict[str, Callable[[Recorded], None]] = {
    "bert": check_text,
    "megatron-bert": check_text,
    "deberta-v2": check_text,
    "g2pw": check_g2pw,
    "clap": check_clap,
    "wav2vec2": check_emotion,
    "wavlm": check_wavlm,
    "sbv2-style": check_styles,
}
"""By what `kind_of` finds. One that converts nothing is in PLAIN as well."""

PLAIN = {"sbv2-style"}
"""Checks of what needs no conversion; they run once."""


def kind_of(folder: Path) -> str:
    if (folder / "style_vectors.npy").is_file():
        return "sbv2-style"
    if any(path.suffix == ".onnx" for path in folder.iterdir()):
        return "g2pw"
    return str(json.loads((folder / "config.json").read_bytes())["model_type"])


def find_models(folder: Path) -> Iterator[Path]:
    folders = [folder] if (folder / "cases.json").is_file() else sorted(folder.iterdir())
    for model in folders:
        if (model / "cases.json").is_file():
            yield model


def run_model(folder: Path) -> Iterator[Row]:
    kind = kind_of(folder)
    cases = json.loads((folder / "cases.json").read_text(encoding="utf-8"))
    with np.load(folder / "cases.npz", allow_pickle=False) as file:
        arrays = dict(file)
    for precision in PRECISIONS[:1] if kind in PLAIN else PRECISIONS:
        with tempfile.TemporaryDirectory() as scratch:
            converted = Path(scratch) / folder.name
            if kind not in PLAIN:
                convert_features(folder, converted, None, precision)
            recorded = Recorded(folder, converted, precision, cases, arrays)
            CHECKS[kind](recorded)
        yield from recorded.rows


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", type=Path, help="write the rows here too")
    parser.add_argument("--only", default="", help="models whose name has this in it")
    arguments = parser.parse_args()
    console = Console(width=120)
    rows: list[Row] = []
    skipped: list[str] = []
    failures: list[str] = []
    for folder in find_models(arguments.folder):
        if arguments.only not in folder.name:
            continue
        if kind_of(folder) not in CHECKS:
            skipped.append(folder.name)
            continue
        try:
            rows += run_model(folder)
        except (VinovitsError, ValueError, KeyError, RuntimeError) as error:
            failures.append(f"{folder.name}: {type(error).__name__}: {error}")
    print_rows(console, rows)
    if skipped:
        console.print("Models that this release doesn't know, not run: " + ", ".join(skipped))
    for failure in failures:
        console.print(f"[red]{failure}")
    bad = sum(not row.passed for row in rows)
    numbers = [row for row in rows if not np.isnan(row.cosine)]
    worst = max((row.relative for row in numbers if row.precision == "f32"), default=0.0)
    least = min((row.cosine for row in numbers if row.precision == "int8"), default=1.0)
    console.print(
        f"{len(rows)} rows, {bad} failed; f32 is off by at most {worst:.1e} of a peak (limit "
        f"{LIMIT}), the least cosine in int8 is {least:.5f} (limit {COSINE})."
    )
    if arguments.json:
        result = {
            "limit": LIMIT,
            "cosine": COSINE,
            "rows": [vars(row) for row in rows],
            "skipped": skipped,
            "failures": failures,
        }
        arguments.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if not rows and not failures:
        console.print(f"[red]There is no case in {arguments.folder}.")
    return 0 if rows and not bad and not failures and not skipped else 1


def print_rows(console: Console, rows: list[Row]) -> None:
    """The worst of every kind of number of every model, and all failures."""
    table = Table("model", "weights", "what", "cases", "absolute", "of peak", "least cosine", "")
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        what = "states of all layers" if row.what.startswith("state ") else row.what
        groups.setdefault((row.model, row.precision, what), []).append(row)
    for (model, precision, what), members in groups.items():
        bad = [row for row in members if not row.passed]
        exact = np.isnan(members[0].cosine)
        table.add_row(
            model,
            precision,
            what,
            str(len(members)),
            "equal" if exact and not bad else f"{max(row.absolute for row in members):.1e}",
            "" if exact else f"{max(row.relative for row in members):.1e}",
            "" if exact else f"{min(row.cosine for row in members):.5f}",
            f"[red]FAIL: {', '.join(row.case for row in bad)}" if bad else "ok",
        )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
