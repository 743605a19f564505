"""What a folder holds: recordings, and what is said in each."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vinovits.errors import DataError
from vinovits.prepare.lists import Entry, looks_like_list, read_list
from vinovits.prepare.recording import SUFFIXES
from vinovits.text.subtitles import Cue, read_subtitles
from vinovits.train.dataset import CLIPS_NAME
from vinovits.train.text_files import read_text

TEXTS = (".txt", ".lab")
SUBTITLES = (".srt", ".vtt")
_LISTS = (".list", ".csv", ".tsv", ".txt")
_PLAIN = frozenset(
    ["wav", "wavs", "audio", "raw", "clips", "recordings", "data", "sounds", "voice"]
)
"""Names of folders that aren't names of speakers."""
_SHOWN = 200
"""Files in which nothing is known are named one by one up to here."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A recording, or a part of one, and what is known of it."""

    recording: Path
    speaker: str
    language: str = ""
    """Its code; "" where nobody said."""
    text: str = ""
    """"" where nobody said."""
    start: float = 0.0
    """Seconds; where a subtitle begins."""
    end: float | None = None
    """Seconds; where it ends; None for the end of the recording."""
    origin: str = ""
    """Where the text is from, for people."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that can't be used."""

    where: str
    """The file, or a line of one."""
    what: str
    """A sentence for the user."""


@dataclass(slots=True)
class Inventory:
    """What was found."""

    folder: Path
    utterances: list[Utterance] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def name(self, path: Path) -> str:
        """A file as people find it: relative to the folder, with slashes."""
        try:
            return path.relative_to(self.folder).as_posix()
        except ValueError:
            return path.as_posix()


def find(
    source: Path, speaker: str = "", language: str = "", without: Path | None = None
) -> Inventory:
    """Look through a folder, or through what a list names.

    Args:
        source: A folder of recordings; or a list of them.
        speaker: Of recordings that name none; "" for that of their folder.
        language: Likewise; "" is left open.
        without: A folder within that isn't looked at.

    Raises:
        DataError: There is no recording, or the list can't be read.
    """
    listed = source if source.is_file() else None
    folder = (source.parent if listed else source).absolute()
    if not listed and not folder.is_dir():
        raise DataError(f"There is no folder {source}. Name the one that holds the recordings.")
    found = Inventory(folder)
    files = _files(folder, without, found)
    recordings = [path for path in files if path.suffix.lower() in SUFFIXES]
    others = [path for path in files if path.suffix.lower() not in SUFFIXES]
    lists = [listed.absolute()] if listed else _lists(others, recordings)
    told: set[Path] = set()
    for path in lists:
        told |= _take_list(path, recordings, found, speaker, language)
    if listed:
        recordings = [path for path in recordings if path in told]
    _take_beside(recordings, [p for p in others if p not in lists], found, told, speaker, language)
    if not found.utterances and not found.problems:
        kinds = ", ".join(sorted({path.suffix or "files without a suffix" for path in others})[:8])
        raise DataError(
            f"{source} holds no recordings. "
            + (f"There are {len(others)} other files ({kinds}). " if others else "It is empty. ")
            + "Put recordings there (.wav, .flac, .mp3, .m4a, .opus and others), and their texts "
            "beside them under the same name."
        )
    if not found.utterances:
        first, more = found.problems[0], len(found.problems) - 1
        others_too = f" There are {more} more such." if more else ""
        raise DataError(
            f"{source} holds nothing that can be used. {first.where}: {first.what}{others_too}"
        )
    return found


def _files(folder: Path, without: Path | None, found: Inventory) -> list[Path]:
    files = []
    skipped = without.absolute() if without else None
    for root, names, entries in os.walk(folder, onerror=lambda error: _unreadable(error, found)):
        here = Path(root)
        names[:] = sorted(
            name
            for name in names
            if not name.startswith(".")
            and here / name != skipped
            and not (here / name / CLIPS_NAME).is_file()  # a training set is no recordings
        )
        files += [here / name for name in sorted(entries) if not name.startswith((".", "~$"))]
    return files


def _unreadable(error: OSError, found: Inventory) -> None:
    reason = (error.strerror or str(error)).lower()
    found.problems.append(Problem(str(error.filename), f"The folder can't be read: {reason}."))


def _lists(others: Sequence[Path], recordings: Sequence[Path]) -> list[Path]:
    """Files that list recordings, rather than texts that lie beside one."""
    beside = {path.with_suffix("") for path in recordings}
    return [
        path
        for path in others
        if path.suffix.lower() in _LISTS
        and path.with_suffix("") not in beside
        and looks_like_list(path)
    ]


def _take_list(
    path: Path, recordings: Sequence[Path], found: Inventory, speaker: str, language: str
) -> set[Path]:
    """Add what a list says; the recordings that it names."""
    entries, problems, notes = read_list(path, found.name(path))
    found.notes += notes
    found.problems += [Problem(where, what) for where, what in problems]
    finder = _Finder(path, found.folder, recordings)
    known = {one.recording for one in found.utterances}
    told: set[Path] = set()
    lost: list[Entry] = []
    for entry in entries:
        place = finder(entry.path)
        if place is None:
            lost.append(entry)
            continue
        if place in told:
            found.problems.append(
                Problem(entry.where, f"{entry.path} is listed twice; the first line counts.")
            )
            continue
        told.add(place)
        if place in known:
            continue
        found.utterances.append(
            Utterance(
                place,
                entry.speaker or speaker or _speaker(place, found.folder),
                entry.language or language,
                entry.text,
                origin=entry.where,
            )
        )
    for entry in lost[:_SHOWN]:
        found.problems.append(
            Problem(
                entry.where,
                f"There is a text, but no recording {entry.path!r}. Looked beside the list and for "
                "a file of this name below it.",
            )
        )
    if len(lost) > _SHOWN:
        found.problems.append(
            Problem(found.name(path), f"{len(lost) - _SHOWN} more lines have no recording.")
        )
    return told


class _Finder:
    """Finds what a list names: paths of another machine, of Windows, without suffix."""

    def __init__(self, path: Path, folder: Path, recordings: Sequence[Path]) -> None:
        self._roots = [path.parent, folder, path.parent.parent]
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        for recording in recordings:
            self._by_name[recording.name.casefold()].append(recording)
            self._by_name[recording.stem.casefold()].append(recording)
        self._known = set(recordings)

    def __call__(self, named: str) -> Path | None:
        plain = named.strip().strip('"').replace("\\", "/")
        for root in self._roots:
            place = Path(os.path.normpath(root / plain))
            if place in self._known or (place.suffix.lower() in SUFFIXES and place.is_file()):
                return place
        parts = [part.casefold() for part in plain.split("/") if part not in ("", ".", "..")]
        candidates = self._by_name.get(parts[-1], []) if parts else []
        if len(candidates) > 1:
            scores = [_alike(candidate, parts) for candidate in candidates]
            best = max(scores)
            candidates = [c for c, score in zip(candidates, scores, strict=True) if score == best]
        return candidates[0] if len(candidates) == 1 else None


def _alike(path: Path, parts: Sequence[str]) -> int:
    """How many folders above a file are as in a list."""
    own = [part.casefold() for part in path.parts[:-1]]
    count = 0
    while count < min(len(own), len(parts) - 1) and own[-1 - count] == parts[-2 - count]:
        count += 1
    return count


def _take_beside(
    recordings: Sequence[Path],
    others: Sequence[Path],
    found: Inventory,
    told: set[Path],
    speaker: str,
    language: str,
) -> None:
    """Add recordings that no list names, with the texts and subtitles of the same names."""
    beside: dict[Path, list[Path]] = defaultdict(list)
    for path in others:
        if path.suffix.lower() in (*TEXTS, *SUBTITLES):
            beside[path.with_suffix("")].append(path)
    alike = Counter(path.stem for path in recordings)
    elsewhere: dict[str, list[Path]] = defaultdict(list)  # texts in a folder of their own
    stems = {path.with_suffix("") for path in recordings}
    for stem in beside:
        if stem not in stems:
            elsewhere[stem.name].append(stem)
    for recording in recordings:
        stem = recording.with_suffix("")
        if stem not in beside and alike[stem.name] == 1 and len(elsewhere[stem.name]) == 1:
            [stem] = elsewhere[stem.name]
        texts = beside.pop(stem, [])
        if recording not in told:
            name = speaker or _speaker(recording, found.folder)
            found.utterances += _with_text(Utterance(recording, name, language), texts, found)
    what = "There is a text, but no recording of this name. It is passed over."
    lost = [found.name(path) for paths in beside.values() for path in paths]
    found.problems += [Problem(name, what) for name in lost[:_SHOWN]]
    if len(lost) > _SHOWN:
        found.problems.append(Problem("", f"{len(lost) - _SHOWN} more texts have no recording."))


def _with_text(one: Utterance, beside: Sequence[Path], found: Inventory) -> list[Utterance]:
    """A recording with the text beside it, or one for each of its subtitles."""
    for path in sorted(beside, key=lambda path: path.suffix.lower() not in SUBTITLES):
        try:
            text, note = read_text(path)
            if note:
                found.notes.append(note)
            name = found.name(path)
            if path.suffix.lower() in SUBTITLES:
                if cues := _spoken(read_subtitles(text), name, found):
                    return [
                        replace(one, text=cue.text, start=cue.start, end=cue.end, origin=name)
                        for cue in cues
                    ]
            elif joined := " ".join(text.split()):
                return [replace(one, text=joined, origin=name)]
            else:
                found.problems.append(Problem(name, "The text is empty."))
        except DataError as error:
            found.problems.append(Problem(found.name(path), str(error)))
    return [one]


def _spoken(cues: Sequence[Cue], name: str, found: Inventory) -> list[Cue]:
    """Those of a file's subtitles that hold speech; the others are told, if they should."""
    backwards = [cue for cue in cues if cue.end <= cue.start]
    found.problems += [
        Problem(name, f"The subtitle in line {cue.line} ends before it begins. It is passed over.")
        for cue in sorted(backwards, key=lambda cue: cue.line)
    ]
    spoken = [cue for cue in cues if cue.end > cue.start and cue.is_speech]
    if not spoken and not backwards:
        found.problems.append(Problem(name, "There is no subtitle in it that can be read."))
    return spoken


def _speaker(recording: Path, folder: Path) -> str:
    """The folder below the top that a recording lies in, or the name of the top."""
    try:
        inner = recording.relative_to(folder).parts[:-1]
    except ValueError:
        inner = ()
    named = [part for part in inner if part.casefold() not in _PLAIN]
    return named[0] if named else folder.name or "speaker"
