"""Draw the pictures of docs/how-it-works.md from the code.

    python docs/pictures.py

Every name in them is looked up in the package, and the windows are those that the decoder gets, so
that a picture can't outlive what it shows: tests/test_docs.py draws them again and compares.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
from html import escape
from pathlib import Path
from typing import Any

from vinovits.engine.windows import Reach, plan_windows
from vinovits.voices.manifest import VoiceManifest, read_manifest
from vinovits.voices.store import find_voice

FOLDER = Path(__file__).parent / "images"

INK, QUIET, LINE = "#20303f", "#5b6b7a", "#9fb3c8"
RUNS_AS = {
    "Python": ("#eef1f4", "#c3cdd6"),
    "numpy": ("#e3f0f8", "#9cc4de"),
    "OpenVINO": ("#fdeedd", "#eab676"),
}
"""Fill and edge of a box, by what runs it."""

SANS = "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
MONO = "ui-monospace, 'DejaVu Sans Mono', Consolas, monospace"


@dataclasses.dataclass(frozen=True)
class Box:
    """A function of the package."""

    path: str
    """Where it is imported from."""
    runs_as: str
    does: str
    takes: tuple[str, ...] = ()
    """Parameters worth showing, beside what the arrows bring."""
    graph: str = ""
    """The graph of the voice folder, or the feature model, that it runs."""


@dataclasses.dataclass(frozen=True)
class Data:
    """What a stage hands to the next one."""

    text: str
    path: str = ""
    """A dataclass that has each of `names`."""
    names: tuple[str, ...] = ()


STAGES = (
    Box("vinovits.text.english.read", "Python", "sentences, words, phones, tones"),
    Box("vinovits.text.sequence.to_sequence", "Python", "numbers, blanks, word2ph"),
    Box(
        "vinovits.engine.synthesis.encode",
        "OpenVINO",
        "prior and log durations",
        ("speaker", "noise"),
        "encoder",
    ),
    Box(
        "vinovits.engine.synthesis.mix_durations",
        "numpy",
        "rhythm from even to lively",
        ("sdp_ratio",),
    ),
    Box(
        "vinovits.engine.synthesis.frames_per_phone",
        "numpy",
        "whole frames, rounded up",
        ("length_scale",),
    ),
    Box(
        "vinovits.engine.synthesis.expand",
        "numpy",
        "phones to frames, a sample of each",
        ("noise", "scale"),
    ),
    Box("vinovits.engine.synthesis.flow", "OpenVINO", "prior to latent", ("speaker",), "flow"),
    Box("vinovits.engine.synthesis.decode", "OpenVINO", "samples", ("speaker",), "decoder"),
)
"""From text to samples."""

ASIDE = {
    1: Box(
        "vinovits.features.bert.BertFeatures.features",
        "OpenVINO",
        "rows of word pieces",
        graph="all-MiniLM-L6-v2",
    ),
    2: Box(
        "vinovits.engine.synthesis.spread_features",
        "numpy",
        "rows repeated for their phones",
        ("word2ph", "width"),
    ),
    4: Box("vinovits.engine.timings.time_sentence", "Python", "when phones and words are heard"),
    7: Box(
        "vinovits.engine.windows.plan_windows",
        "Python",
        "which frames at a time",
        ("frames", "reach"),
    ),
}
"""Beside them, by the number of the stage."""

DATA = (
    Data("", "vinovits.text.reading.Sentence", ("text", "words", "notes")),
    Data(
        "",
        "vinovits.text.sequence.PhoneSequence",
        ("phones", "tones", "languages", "stretches"),
    ),
    Data(
        "",
        "vinovits.engine.synthesis.Encoded",
        ("m_p", "logs_p", "logw_sdp", "logw_dp"),
    ),
    Data("logw (1, 1, T)"),
    Data("frames (1, 1, T)"),
    Data("z_p (1, C, F)"),
    Data("z (1, C, F)"),
    Data("", "vinovits.engine.result.Chunk", ("samples", "start_sample", "spoken")),
)

STEP, HEIGHT, TOP = 118, 74, 74
LEFT, WIDTH = 40, 330
RIGHT, RIGHT_WIDTH = 520, 340


def lookup(path: str) -> Any:
    """The object of a dotted name.

    Raises:
        LookupError: There is no such module or attribute: the picture shows what is gone.
    """
    parts = path.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        try:
            for part in parts[count:]:
                found = getattr(found, part)
        except AttributeError:
            break
        return found
    raise LookupError(f"docs/pictures.py shows {path}, which isn't in the package any more.")


def check(manifest: VoiceManifest) -> None:
    """Look up everything that the picture of the stages names.

    Raises:
        LookupError: A function, parameter, field, graph or feature model isn't there.
    """
    for box in (*STAGES, *ASIDE.values()):
        missing = set(box.takes) - set(inspect.signature(lookup(box.path)).parameters)
        if missing:
            raise LookupError(f"{box.path} takes no {', '.join(sorted(missing))}.")
        models = [need.model for need in manifest.features]
        if box.graph and f"{box.graph}.xml" not in manifest.files and box.graph not in models:
            raise LookupError(f"The voice has neither a graph nor a feature model {box.graph}.")
    for data in DATA:
        if data.path:
            fields = {field.name for field in dataclasses.fields(lookup(data.path))}
            if missing := set(data.names) - fields:
                raise LookupError(f"{data.path} has no {', '.join(sorted(missing))}.")


def stages() -> str:
    """The way from text to samples, as SVG."""
    check(read_manifest(find_voice("joe")))
    middle, aside = LEFT + WIDTH / 2, RIGHT + RIGHT_WIDTH / 2
    tops = [TOP + number * STEP for number in range(len(STAGES))]
    centres = [top + HEIGHT / 2 for top in tops]
    bottom = TOP + len(STAGES) * STEP

    parts = [_text(middle, 24, "text", 15, bold=True), _arrow(middle, 34, middle, TOP)]
    for box, data, top in zip(STAGES, DATA, tops, strict=True):
        parts += _box(box, LEFT, top, WIDTH)
        parts.append(_arrow(middle, top + HEIGHT, middle, top + STEP))
        shown = data.text or f"{data.path.rpartition('.')[2]}: {', '.join(data.names)}"
        parts.append(_note(middle + 12, top + HEIGHT + 26, shown, font=MONO))
    parts.append(_text(middle, bottom + 16, "audio, chunk by chunk", 15, bold=True))

    for number, box in ASIDE.items():
        parts += _box(box, RIGHT, tops[number], RIGHT_WIDTH)
    edge = LEFT + WIDTH
    parts.append(_arrow(edge, centres[1], RIGHT, centres[1]))
    parts.append(_arrow(aside, tops[1] + HEIGHT, aside, tops[2]))
    parts.append(_note(aside + 12, tops[1] + HEIGHT + 26, "(pieces + 2, 384)", font=MONO))
    parts.append(_arrow(RIGHT, centres[2], edge, centres[2]))
    parts.append(_arrow(edge, centres[4], RIGHT, centres[4]))
    parts.append(_arrow(RIGHT, centres[7], edge, centres[7]))
    parts.append(_note(RIGHT, centres[5] - 4, "All noise is an input: numpy draws it from the"))
    parts.append(_note(RIGHT, centres[5] + 14, "seed and the number of the sentence."))

    for number, (name, colours) in enumerate(RUNS_AS.items()):
        parts.append(_rectangle(LEFT + number * 120, bottom + 44, 16, 14, *colours))
        parts.append(_note(LEFT + number * 120 + 24, bottom + 56, name))
    meaning = "T phones with blanks, F frames, C latent channels"
    parts.append(_note(LEFT + 400, bottom + 56, meaning))
    return _svg(900, bottom + 76, parts, "The stages from text to samples, as functions")


def windows(frames: int = 700) -> str:
    """The decoder's windows over a sentence of some frames, as SVG."""
    manifest = read_manifest(find_voice("joe"))
    reach = Reach(manifest.decoder_context, manifest.decoder_late_context)
    left, step, scale = 40, 40, 820 / frames
    title = f"A sentence of {frames} frames, with {reach.context} frames of context a side"
    parts = [_text(left, 24, title, 14, "start", bold=True)]
    y = 44
    for window in plan_windows(frames, reach):
        for start, stop, kind in (
            (window.start, window.stop, "Python"),
            (window.first, window.last, "OpenVINO"),
        ):
            x, width = left + start * scale, (stop - start) * scale
            parts.append(_rectangle(x, y, width, 24, *RUNS_AS[kind]))
        label = f"{window.stop - window.start} frames in, {window.last - window.first} kept"
        if window.stop * scale < 620:
            parts.append(_text(left + window.stop * scale + 10, y + 16, label, 12, "start"))
        else:
            parts.append(_text(left + window.start * scale - 10, y + 16, label, 12, "end"))
        y += step
    parts.append(_rectangle(left, y + 2, 16, 14, *RUNS_AS["OpenVINO"]))
    parts.append(_note(left + 24, y + 14, "kept"))
    parts.append(_rectangle(left + 80, y + 2, 16, 14, *RUNS_AS["Python"]))
    parts.append(_note(left + 104, y + 14, "real neighbours, decoded and cut off"))
    return _svg(900, y + 34, parts, "Windows of the decoder")


PICTURES = {"stages.svg": stages, "windows.svg": windows}
"""What this script draws, by file name."""


def _box(box: Box, x: float, y: float, width: float) -> list[str]:
    name = ".".join(box.path.split(".")[-2:])
    runs = f"{box.runs_as} · {box.graph}" if box.graph else box.runs_as
    parts = [
        _rectangle(x, y, width, HEIGHT, *RUNS_AS[box.runs_as]),
        _text(x + 14, y + 23, name, 14, "start", font=MONO, bold=True),
        _text(x + 14, y + 43, box.does, 12, "start"),
        _text(x + width - 12, y + 62, runs, 11, "end", QUIET),
    ]
    if box.takes:
        parts.append(_text(x + 14, y + 62, f"takes {', '.join(box.takes)}", 11, "start", QUIET))
    return parts


def _rectangle(x: float, y: float, width: float, height: float, fill: str, edge: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="5" '
        f'fill="{fill}" stroke="{edge}"/>'
    )


def _text(
    x: float,
    y: float,
    text: str,
    size: int,
    anchor: str = "middle",
    colour: str = INK,
    font: str = SANS,
    *,
    bold: bool = False,
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
        f'fill="{colour}" font-family="{font}"{weight}>{escape(text)}</text>'
    )


def _note(x: float, y: float, text: str, font: str = SANS) -> str:
    return _text(x, y, text, 12, "start", QUIET, font)


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    along, up = (x2 - x1) / length, (y2 - y1) / length
    tip = (x2 - 2 * along, y2 - 2 * up)
    base = (tip[0] - 8 * along, tip[1] - 8 * up)
    head = " ".join(
        f"{x:.1f},{y:.1f}"
        for x, y in (
            tip,
            (base[0] - 4 * up, base[1] + 4 * along),
            (base[0] + 4 * up, base[1] - 4 * along),
        )
    )
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{base[0]:.1f}" y2="{base[1]:.1f}" '
        f'stroke="{LINE}" stroke-width="1.6"/><polygon points="{head}" fill="{LINE}"/>'
    )


def _svg(width: float, height: float, parts: list[str], title: str) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" role="img">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff"/>',
            *parts,
            "</svg>",
            "",
        ]
    )


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for file_name, draw in PICTURES.items():
        (FOLDER / file_name).write_text(draw(), encoding="utf-8")
