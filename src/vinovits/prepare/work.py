"""The preparation from end to end: what was done before is taken up again."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from vinovits.errors import DataError, OutputError
from vinovits.output.atomic import write_error
from vinovits.prepare import features, kept
from vinovits.prepare.checks import Candidate, check
from vinovits.prepare.clips import Ears
from vinovits.prepare.corrections import Correction, put_choices, put_texts
from vinovits.prepare.cutting import pieces
from vinovits.prepare.hearing import Recording, grouped, hear_all, set_gains
from vinovits.prepare.making import CACHE, CLIPS, make_clips
from vinovits.prepare.progress import Progress, silent
from vinovits.prepare.quality import Mos
from vinovits.prepare.reading import TextReader
from vinovits.prepare.settings import Settings
from vinovits.prepare.sources import Problem, find
from vinovits.prepare.speech import RATE
from vinovits.prepare.voice_print import HINT, VoicePrints, weights_file
from vinovits.prepare.workers import Workers
from vinovits.train.dataset import Clip, Facts, write_data
from vinovits.whisper import Transcript, Whisper

LIST = "filelist.txt"
_VERSION = 1
"""Of what is cached; another one is made anew."""
_VALIDATION_SHARE, _VALIDATION_LEAST, _VALIDATION_MOST = 50, 2, 20


@dataclass(slots=True)
class Result:
    """What became of it."""

    settings: Settings
    candidates: list[Candidate]
    recordings: list[Recording]
    problems: list[Problem]
    notes: list[str]
    """Sentences for the user: what was guessed, what wasn't checked."""

    @property
    def used(self) -> list[Candidate]:
        """The clips that are trained on or judged by."""
        return [one for one in self.candidates if one.used]


def prepare(
    source: Path,
    out: Path,
    settings: Settings,
    *,
    transcribe: str = "",
    forced: Sequence[str] = (),
    corrections: Mapping[str, Correction] | None = None,
    jobs: int | None = None,
    progress: Progress = silent,
) -> Result:
    """Make a training set, as `vinovits.train.dataset` reads it, and write its lists.

    What was made before for the same recordings and settings is used again. The report is for
    `vinovits.prepare.report`.

    Args:
        source: A folder of recordings, or a list.
        out: The folder of the training set; made by this, or not there yet, or empty.
        settings: How.
        transcribe: A Whisper model for recordings without a text; "" for none.
        forced: Ids of clips that are used though they were rejected.
        corrections: What people have changed, by the ids of clips.
        jobs: Threads; None: one for each core, four at the most.
        progress: Is told how far it is.

    Raises:
        DataError: There is nothing to prepare, or `forced` names what isn't there.
        OutputError: The folder can't be written, is another's, or another preparation runs there.
        MissingExtraError: A package isn't installed.
    """
    inventory = find(source, settings.speaker, settings.language, without=out)
    _claim(out)
    count = jobs or min(4, os.cpu_count() or 1)
    notes = list(inventory.notes)
    models, missing = features.find_models(settings.feature_models, settings.emotion_model)
    notes += missing
    ears, unheard = _ears(settings)
    notes += unheard
    reader = TextReader(settings, models.texts)
    with _alone(out), Workers(count) as workers:
        for path in out.rglob(".vinovits-*.part"):  # of a run that was killed
            path.unlink(missing_ok=True)
        transcriber = Whisper(transcribe, count, settings.language) if transcribe else None
        recordings = grouped(inventory)
        hear_all(recordings, out / CACHE / "heard", workers, progress)
        for one in recordings:
            if one.heard is not None:
                one.cut = pieces(one.utterances, one.heard, settings)
        set_gains(recordings, settings)
        candidates = make_clips(recordings, out, settings, ears, workers, progress)
        notes += put_texts(candidates, corrections or {})
        if transcriber is not None:
            _transcribe(candidates, out, transcriber, transcribe, progress)
        _read(candidates, recordings, reader, progress)
        check(candidates, settings)
        _force(candidates, [*forced, *put_choices(candidates, corrections or {})])
        _split(candidates, settings.validation)
        result = Result(settings, candidates, recordings, inventory.problems, notes)
        todo = list(features.jobs(result.used, models, out))
        for done, _ in enumerate(workers.each(todo), 1):
            progress("features", done, len(todo))
        _write(result, models, out)
    return result


def _claim(out: Path) -> None:
    """Make the folder, unless it belongs to something else."""
    try:
        if out.is_dir() and any(out.iterdir()) and not (out / CACHE).is_dir():
            raise OutputError(
                f"The folder {out} isn't empty, and not one that `vinovits prepare` made. Choose "
                "another one."
            )
        (out / CACHE).mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise OutputError(f"{out} is a file. Name a folder for the training set.") from None
    except OSError as error:
        raise write_error(out, error) from error


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold the folder; the system lets go of it when the process ends, however it ends."""
    from filelock import FileLock, Timeout

    lock = FileLock(out / CACHE / "lock", timeout=0)
    try:
        with lock:
            yield
    except Timeout:
        raise OutputError(
            f"Another preparation is writing to {out}. Wait for it, or choose another folder."
        ) from None


def _ears(settings: Settings) -> tuple[Ears, list[str]]:
    notes = []
    weights = weights_file()
    if weights is None:
        notes.append(
            "Whether several people speak under one name wasn't checked: that needs the weights of "
            f"Resemblyzer. Get them by: {HINT}"
        )
    if not settings.mos:
        notes.append("Noise wasn't measured: --no-mos.")
    prints = VoicePrints(weights) if weights is not None else None
    return Ears(Mos() if settings.mos else None, prints), notes


def _transcribe(
    candidates: Sequence[Candidate],
    out: Path,
    transcriber: Whisper,
    model: str,
    progress: Progress,
) -> None:
    """Write down what is said in clips that have no text."""
    import soundfile
    import soxr

    waiting = [one for one in candidates if not one.text and one.path]
    for done, one in enumerate(waiting, 1):
        memory = out / CACHE / "transcripts" / f"{one.id}.json"
        assert one.measures is not None
        key = f"{_VERSION} {model} {one.measures.seconds}"
        known = kept.read_json(memory, key)
        if known is None:
            samples, rate = soundfile.read(out / one.path, dtype="float32")
            heard = transcriber(soxr.resample(samples, rate, RATE) if rate != RATE else samples)
            kept.write_json(memory, {"key": key, "transcript": asdict(heard)})
        else:
            heard = Transcript(**known["transcript"])
        one.text, one.origin = heard.text, f"heard by {Path(model).name} ({heard.language})"
        if heard.unsure:
            one.rejections.append(("text", heard.unsure))
        progress("transcribing", done, len(waiting))


def _read(
    candidates: Sequence[Candidate],
    recordings: Sequence[Recording],
    reader: TextReader,
    progress: Progress,
) -> None:
    """Read the texts; those of the same recording are in one language."""
    languages = {one.name: one.utterances[0].language for one in recordings}
    for done, one in enumerate(candidates, 1):
        if one.text:
            one.said = reader(one.text, languages[one.recording])
        progress("reading", done, len(candidates))


def _force(candidates: Sequence[Candidate], forced: Sequence[str]) -> None:
    known = {one.id: one for one in candidates}
    unknown = [each for each in forced if each not in known]
    if unknown:
        raise DataError(
            f"There is no clip {unknown[0]!r} to force in"
            + (f", nor {len(unknown) - 1} others" if len(unknown) > 1 else "")
            + ". The report names the clips; names change where recordings are cut otherwise."
        )
    for each in forced:
        one = known[each]
        if not one.trainable:
            why = one.rejections[0][1] if one.rejections else "it has no phones."
            raise DataError(f"The clip {each} can't be forced in: {why}")
        one.forced = True


def _split(candidates: Sequence[Candidate], wanted: int | None) -> None:
    """Hold clips back to judge by.

    They are the same in each run, of all speakers, and none says what one that is trained on says.
    """
    groups: dict[tuple[str, ...], list[Candidate]] = defaultdict(list)
    for one in candidates:
        if one.used and one.said is not None:
            groups[one.said.phones].append(one)
    used = sum(map(len, groups.values()))
    if wanted is None:
        share = used // _VALIDATION_SHARE
        least = _VALIDATION_LEAST if used >= 5 * _VALIDATION_LEAST else 0
        wanted = min(max(share, least), _VALIDATION_MOST)
    if wanted >= used and wanted:
        raise DataError(
            f"{wanted} clips can't be held back for validation: {used} are used at all."
        )
    by_speaker: dict[str, list[list[Candidate]]] = defaultdict(list)
    for phones, group in sorted(
        groups.items(), key=lambda item: hashlib.sha256(repr(item[0]).encode()).digest()
    ):
        if phones:
            by_speaker[group[0].speaker].append(group)
    held = 0
    queues = [queue for _, queue in sorted(by_speaker.items()) if len(queue) > 1]
    while held < wanted and queues:
        for queue in list(queues):
            if held < wanted:
                group = queue.pop()
                held += len(group)
                for one in group:
                    one.split = "validation"
            if len(queue) <= 1:
                queues.remove(queue)


def _write(result: Result, models: features.Models, out: Path) -> None:
    """The lists, and away with clips that are no longer made."""
    settings = result.settings
    facts = Facts(
        sampling_rate=settings.sampling_rate,
        feature_models={code: model.name for code, model in models.texts.items()},
        family=settings.family,
        reading=settings.reading,
        licence=settings.licence,
        source=settings.source,
    )
    rows = [_clip(one, models, out) for one in result.candidates if one.trainable]
    write_data(out, facts, rows)
    codes = {"zh": "ZH", "ja": "JP", "en": "EN"}
    lines = [
        f"{one.path}|{one.speaker}|{codes[one.said.language]}|{' '.join(one.text.split())}\n"
        for one in result.used
        if one.said is not None
    ]
    kept.write(out / LIST, "".join(lines).encode())
    wanted = {Path(one.path).name for one in result.candidates if one.path}
    for path in (out / CLIPS).glob("*.flac"):
        if path.name not in wanted:
            path.unlink(missing_ok=True)
            (out / CACHE / CLIPS / f"{path.stem}.json").unlink(missing_ok=True)


def _clip(one: Candidate, models: features.Models, out: Path) -> Clip:
    assert one.said is not None
    paths = features.text_paths(one.said, models) if one.used else {}
    mood = features.mood_path(one, models) if one.used else ""
    return Clip(
        path=one.path,
        speaker=one.speaker,
        language=one.said.language,
        text=one.said.text,
        phones=one.said.phones,
        tones=one.said.tones,
        word2ph=one.said.word2ph,
        split=one.split,
        seconds=round(one.seconds, 4),
        languages=one.said.languages,
        features=paths,
        emotion=mood if mood and (out / mood).is_file() else "",
        rejected=" ".join(sentence for _, sentence in one.rejections),
        forced=one.forced,
    )
