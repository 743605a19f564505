"""What was found, as a page to look at and listen to, and as JSON."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from vinovits.output.audio_stream import as_mp3
from vinovits.prepare import kept
from vinovits.prepare.checks import Candidate
from vinovits.prepare.reading import NAMES
from vinovits.prepare.work import Result

PAGE = "report.html"
DATA = "report.json"

KINDS = {
    "recording": "unreadable recording",
    "silence": "silence",
    "length": "length",
    "clipping": "clipping",
    "noise": "noise",
    "text": "missing or unreadable text",
    "language": "wrong language",
    "fit": "text that doesn't fit",
    "speaker": "another speaker",
    "copy": "being there twice",
    "loudness": "loudness",
    "choice": "being left out by hand",
}
"""What clips are rejected or remarked on for, by the word that the JSON has for it."""

_EMBEDDED = 80
"""Clips whose sound is in the page itself; those of others are played from their files."""
_BARS = 24
_WIDTH, _HEIGHT = 300, 110
_AMOUNTS = (
    (60, "That is too little for a voice: it shows whether the road is right, no more."),
    (600, "With less than ten minutes, a fine-tuned voice keeps much of its base."),
    (3600, "Enough to fine-tune a base. For a voice of its own, an hour or more is wanted."),
)
"""Seconds of speech below which a sentence holds. They are from what users of such systems report,
not measured here."""


def write_report(result: Result, out: Path) -> Path:
    """Write `report.html` and `report.json`.

    Args:
        result: Of the preparation.
        out: The folder of the training set.

    Returns:
        The page.

    Raises:
        OutputError: They can't be written.
    """
    data = report_data(result)
    kept.write(out / DATA, (json.dumps(data, ensure_ascii=False, indent=1) + "\n").encode())
    kept.write(out / PAGE, _page(result, data, out).encode())
    return out / PAGE


def report_data(result: Result) -> dict[str, Any]:
    """All that was found, as JSON data."""
    used = result.used
    return {
        "format": 1,
        "settings": asdict(result.settings),
        "summary": {
            "clips": len(result.candidates),
            "used": len(used),
            "validation": sum(one.split == "validation" for one in used),
            "seconds": round(sum(one.seconds for one in used), 2),
            "seconds_recorded": round(
                sum(one.heard.seconds for one in result.recordings if one.heard), 2
            ),
            "seconds_of_speech": round(
                sum(one.spoken for one in result.recordings if one.heard), 2
            ),
            "speakers": dict(Counter(one.speaker for one in used)),
            "rejected": dict(Counter(k for one in result.candidates for k in _kinds(one))),
        },
        "advice": advice(result),
        "notes": result.notes,
        "problems": [asdict(one) for one in result.problems],
        "recordings": [
            {
                "name": one.name,
                "format": one.format,
                "sampling_rate": one.rate,
                "seconds": round(one.heard.seconds, 3) if one.heard else None,
                "seconds_of_speech": round(one.spoken, 2) if one.heard else None,
                "seconds_in_clips": round(sum(piece.end - piece.start for piece in one.cut), 2),
                "gain_db": one.gain,
                "speech_to_noise_db": one.noise,
                "problem": one.problem,
            }
            for one in result.recordings
        ],
        "clips": [_row(one) for one in result.candidates],
    }


def advice(result: Result) -> list[str]:
    """Sentences on what can be expected of this training set."""
    used = result.used
    seconds = sum(one.seconds for one in used)
    said = []
    if used:
        size = f"{len(used)} clip{'s' if len(used) != 1 else ''}, {seconds:.0f} s of speech. "
        said += [size + sentence for limit, sentence in _AMOUNTS if seconds < limit][:1]
        few = [name for name, count in Counter(one.speaker for one in used).items() if count < 10]
        if few and len({one.speaker for one in used}) > 1:
            named = ", ".join(few[:5]) + (" and others" if len(few) > 5 else "")
            said.append(f"Fewer than ten clips are of {named}: too few to know a voice by.")
        if not any(one.split == "validation" for one in used):
            said.append("None was held back for validation: there are too few.")
        said += _new_languages(result)
    share = 1 - len(used) / max(len(result.candidates), 1)
    if share > 0.3 and len(result.candidates) > 5:
        said.append(f"{share:.0%} of the clips were rejected. Look at why before you train.")
    return said


def _new_languages(result: Result) -> list[str]:
    """Sentences on languages that the base doesn't speak."""
    spoken = result.settings.base_languages
    counts = Counter(one.said.language for one in result.used if one.said)
    known = " and ".join(NAMES[code] for code in spoken)
    return [
        f"The base speaks {known} only: it has to learn {NAMES[code]} from the {count} "
        f"clip{'s' if count != 1 else ''} of it alone. If there shouldn't be any, give --language "
        f"{spoken[0]}."
        for code, count in counts.items()
        if spoken and code not in spoken
    ]


def counted(candidates: Iterable[Candidate]) -> list[tuple[str, int]]:
    """For what clips were rejected, in words, and how many: once for each reason."""
    counts = Counter(kind for one in candidates for kind in _kinds(one))
    return [(KINDS[kind], count) for kind, count in counts.most_common()]


def _kinds(one: Candidate) -> list[str]:
    return list(dict.fromkeys(kind for kind, _ in one.rejections))


def _row(one: Candidate) -> dict[str, Any]:
    sound = one.measures
    said = one.said
    return {
        "id": one.id,
        "path": one.path,
        "recording": one.recording,
        "start": round(one.start, 3),
        "end": round(one.end, 3),
        "speaker": one.speaker,
        "text": one.text,
        "origin": one.origin,
        "language": said.language if said else "",
        "spoken": said.text if said else "",
        "phones": " ".join(said.phones) if said else "",
        "seconds": round(one.seconds, 3),
        "phones_per_second": round(one.pace, 2) if one.pace is not None else None,
        "mos": {key: round(value, 3) for key, value in sound.mos.items()} if sound else {},
        "peak": round(sound.peak, 4) if sound else None,
        "clipped": round(sound.clipped, 6) if sound else None,
        "gain_db": round(sound.gain, 2) if sound else None,
        "lowered_db": round(sound.lowered, 2) if sound else None,
        "outline": sound.outline if sound else [],
        "rejected": [{"kind": kind, "why": why} for kind, why in one.rejections],
        "remarks": [{"kind": kind, "why": why} for kind, why in one.warnings],
        "forced": one.forced,
        "used": one.used,
        "can_be_forced": one.trainable,
        "split": one.split,
    }


def _page(result: Result, data: dict[str, Any], out: Path) -> str:
    template = Path(__file__).with_name("report.html").read_text(encoding="utf-8")
    candidates = result.candidates
    plots = [
        _histogram("Length of clips, s", [one.seconds for one in candidates if one.measures]),
        _histogram("Phones a second", [one.pace for one in candidates if one.pace is not None]),
        _histogram(
            "DNSMOS, 1 to 5",
            [one.measures.mos["ovrl"] for one in candidates if one.measures and one.measures.mos],
        ),
        _histogram(
            "Speech above noise, dB", [one.noise for one in candidates if one.noise is not None]
        ),
    ]
    # "<" could end the script element, whatever it stands in.
    rows = json.dumps(
        {"clips": data["clips"], "sounds": _sounds(candidates, out), "kinds": KINDS},
        ensure_ascii=False,
    ).replace("<", "\\u003c")
    parts = {
        "SUMMARY": _summary(data["summary"], result),
        "NOTES": _items([*data["advice"], *data["notes"]]),
        "PROBLEMS": _items(f"{one.where}: {one.what}" for one in result.problems)
        or "<li>Nothing: every file and line made sense.</li>",
        "PLOTS": "".join(plots),
        "DATA": rows,
    }
    for name, content in parts.items():
        template = template.replace(f"<!--{name}-->", content, 1)
    return template


def _summary(summary: dict[str, Any], result: Result) -> str:
    languages = Counter(one.said.language for one in result.used if one.said)
    rows = {
        "clips used": f"{summary['used']} of {summary['clips']}, {summary['validation']} of them "
        "held back for validation",
        "speech in them": f"{summary['seconds'] / 60:.1f} minutes",
        "recorded": f"{summary['seconds_recorded'] / 60:.1f} minutes in "
        f"{len(result.recordings)} files, {summary['seconds_of_speech'] / 60:.1f} of speech",
        "speakers": ", ".join(f"{name} ({n})" for name, n in summary["speakers"].items()) or "none",
        "languages": ", ".join(f"{NAMES[code]} ({n})" for code, n in languages.items()) or "none",
        "rejected for": ", ".join(f"{KINDS[kind]} ({n})" for kind, n in summary["rejected"].items())
        or "nothing",
    }
    return "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows.items()
    )


def _items(sentences: Iterable[str]) -> str:
    return "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)


def _histogram(title: str, values: Sequence[float]) -> str:
    """A picture of how numbers are spread, as SVG."""
    if not values:
        return ""
    low, high = float(min(values)), float(max(values))
    counts, edges = np.histogram(values, _BARS, (low, high) if high > low else (low, low + 1))
    width = _WIDTH / _BARS
    bars = "".join(
        f'<rect x="{index * width:.1f}" y="{_HEIGHT - size:.1f}" width="{width - 1:.1f}" '
        f'height="{size:.1f}"><title>{edges[index]:.2f} to {edges[index + 1]:.2f}: '
        f"{count}</title></rect>"
        for index, count in enumerate(counts)
        if (size := _HEIGHT * count / counts.max())
    )
    middle = float(np.median(values))
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT + 16}" role="img" aria-label="{escape(title)}">{bars}'
        f'<text x="0" y="{_HEIGHT + 13}">{low:.1f}</text>'
        f'<text x="{_WIDTH / 2}" y="{_HEIGHT + 13}" text-anchor="middle">median {middle:.1f}</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT + 13}" text-anchor="end">{high:.1f}</text>'
        "</svg></figure>"
    )


def _sounds(candidates: Sequence[Candidate], out: Path) -> dict[str, str]:
    """The sound of some clips as data URLs: of those with faults first, then of others."""
    heard = [one for one in candidates if one.path]
    ordered = sorted(heard, key=lambda one: (not one.rejections, not one.warnings))
    return {
        one.id: "data:audio/mpeg;base64," + base64.b64encode(as_mp3(out / one.path)).decode()
        for one in ordered[:_EMBEDDED]
    }
