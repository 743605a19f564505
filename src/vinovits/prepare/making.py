"""Clips are made of recordings, those that weren't made before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from vinovits.errors import DataError
from vinovits.prepare import kept
from vinovits.prepare.checks import Candidate
from vinovits.prepare.clips import MARGIN, Ears, Measures, make_clip
from vinovits.prepare.cutting import Piece
from vinovits.prepare.hearing import Recording
from vinovits.prepare.progress import Progress
from vinovits.prepare.recording import Samples, spans
from vinovits.prepare.settings import Settings
from vinovits.prepare.workers import Workers

CACHE = "cache"
CLIPS = "clips"
_VERSION = 1
"""Of what is kept; another one is made anew."""
_LARGE = 120.0
"""Seconds of a recording that one thread doesn't read for itself: its clips are shared out."""
_SLUG = re.compile(r"[^\w-]+")


def make_clips(
    recordings: Sequence[Recording],
    out: Path,
    settings: Settings,
    ears: Ears,
    workers: Workers,
    progress: Progress,
) -> list[Candidate]:
    """Make the clips that aren't there yet."""
    plan: dict[str, Candidate] = {}
    todo: list[tuple[Recording, list[_Planned]]] = []
    for one in recordings:
        planned = [_Planned(one, piece, settings, ears) for piece in one.cut]
        for each in planned:
            plan[each.id] = each.candidate(out)
        missing = [each for each in planned if plan[each.id].measures is None]
        if missing:
            todo.append((one, missing))
        if one.heard is None:
            plan[one.mark] = _unusable(one)
    total = len(plan)
    done = total - sum(len(missing) for _, missing in todo)
    progress("cutting", done, total)
    for made in workers.each(_jobs(todo, out, settings, ears, workers)):
        for each, measures in made:
            if isinstance(measures, Measures):
                plan[each.id].measures = measures
                plan[each.id].path = each.path
            else:
                plan[each.id].rejections.append(("recording", measures))
            done += 1
            progress("cutting", done, total)
    return list(plan.values())


def _unusable(one: Recording) -> Candidate:
    first = one.utterances[0]
    return Candidate(
        id=f"{_slug(one)}-{one.mark}",
        recording=one.name,
        speaker=first.speaker,
        text=first.text,
        origin=first.origin,
        rejections=[("recording", one.problem)],
    )


def _slug(one: Recording) -> str:
    return _SLUG.sub("_", one.path.stem).strip("_")[:40] or "clip"


class _Planned:
    """A clip that is to be made, or was before."""

    def __init__(self, recording: Recording, piece: Piece, settings: Settings, ears: Ears) -> None:
        self.recording, self.piece = recording, piece
        rate = recording.rate
        self.first, self.behind = round(piece.start * rate), round(piece.end * rate)
        place = "" if piece.whole else f"-{round(piece.start * 100):07d}"
        self.id = f"{_slug(recording)}-{recording.mark}{place}"
        self.path = f"{CLIPS}/{self.id}.flac"
        judges = f"{ears.mos is not None}{ears.prints is not None}"
        numbers = (self.first, self.behind, settings.sampling_rate, recording.gain)
        self.key = f"{_VERSION} {recording.sha} {numbers} {judges}"

    def candidate(self, out: Path) -> Candidate:
        """The clip as far as it is known."""
        first = self.recording.utterances[0]
        known = kept.read_json(self._memory(out), self.key)
        made = known is not None and (out / self.path).is_file()
        return Candidate(
            id=self.id,
            recording=self.recording.name,
            speaker=first.speaker,
            start=self.piece.start,
            end=self.piece.end,
            text=self.piece.text,
            origin=first.origin if self.piece.text else "",
            path=self.path if made else "",
            measures=Measures(**known["measures"]) if made and known else None,
            noise=self.recording.noise,
        )

    def make(
        self, samples: Samples, before: int, behind: int, out: Path, settings: Settings, ears: Ears
    ) -> Measures:
        """Write the clip, and then what was measured."""
        rates = (self.recording.rate, settings.sampling_rate)
        content, measures = make_clip(samples, before, behind, rates, self.recording.gain, ears)
        kept.write(out / self.path, content)
        kept.write_json(self._memory(out), {"key": self.key, "measures": asdict(measures)})
        return measures

    def _memory(self, out: Path) -> Path:
        return out / CACHE / CLIPS / f"{self.id}.json"


_Made = list[tuple[_Planned, Measures | str]]


def _jobs(
    todo: Sequence[tuple[Recording, list[_Planned]]],
    out: Path,
    settings: Settings,
    ears: Ears,
    workers: Workers,
) -> Iterator[Callable[[], _Made]]:
    """Short recordings as jobs of their own; long ones are read here, their clips shared out."""

    def drawn(one: Recording, planned: Sequence[_Planned]) -> Iterator[Callable[[], _Made]]:
        margin = round(MARGIN * one.rate)
        wanted = [(max(0, each.first - margin), each.behind + margin) for each in planned]
        order = sorted(range(len(planned)), key=lambda index: wanted[index][0])
        stream = spans(one.path, [wanted[index] for index in order])
        why = ""
        for index in order:
            each, start = planned[index], wanted[index][0]
            try:
                samples = next(stream)
            except StopIteration:  # after an error, nothing more comes
                yield partial(_failed, each, why)
                continue
            except DataError as error:
                why = str(error)
                yield partial(_failed, each, why)
                continue
            before = each.first - start
            behind = max(0, len(samples) - (each.behind - start))
            yield _job(each, samples, before, behind)

    def _job(each: _Planned, samples: Samples, before: int, behind: int) -> Callable[[], _Made]:
        if len(samples) <= before + behind:
            return lambda: [(each, "The recording ends before this part begins.")]
        return lambda: [(each, each.make(samples, before, behind, out, settings, ears))]

    def alone(one: Recording, planned: Sequence[_Planned]) -> Callable[[], _Made]:
        return lambda: [made for job in workers.watched(drawn(one, planned)) for made in job()]

    for one, planned in todo:
        if one.heard is not None and one.heard.seconds > _LARGE:
            yield from drawn(one, planned)
        else:
            yield alone(one, planned)


def _failed(each: _Planned, why: str) -> _Made:
    return [(each, why)]
