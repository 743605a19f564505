"""Cleaned lists of Bert-VITS2: `path|speaker|LANG|text|phones|tones|word2ph`, one clip a line."""

from __future__ import annotations

from pathlib import Path

from vinovits.errors import DataError
from vinovits.train.dataset import Clip, Facts, TrainingData, check_shape
from vinovits.train.text_files import read_text

LANGUAGES = {"ZH": "zh", "JP": "ja", "JA": "ja", "EN": "en"}
"""Codes of ours by those of the lists."""
_FIELDS = "path|speaker|LANG|text|phones|tones|word2ph"
_TRAIN = ("train.list", "filelists/train.list", "esd.list", "Data/train.list")
"""Where the released programs put them in a data folder."""


def read_lists(path: Path) -> TrainingData:
    """Read a list, or the lists of a folder; val.list beside it is for validation.

    Features are looked for beside each recording, where the released programs put them:
    NAME.bert.pt, NAME.emo.pt or NAME.emo.npy, and NAME.wav.npy for styles.

    Args:
        path: A list or a folder with train.list.

    Raises:
        DataError: There is no list, it can't be read, or a line isn't of the form.
    """
    if path.is_dir():
        found = [path / name for name in _TRAIN if (path / name).is_file()]
        if not found:
            raise DataError(
                f"{path} is no training set: it has neither clips.jsonl nor a train.list of "
                f"{_FIELDS}. Make one of recordings by `vinovits prepare RECORDINGS DATA`."
            )
        path = found[0]
    if not path.is_file():
        raise DataError(f"There is no training set {path}.")
    notes: list[str] = []
    clips = _read(path, "train", notes)
    beside = path.parent / "val.list"
    if beside.is_file() and beside != path:
        clips += _read(beside, "validation", notes)
    held = {clip.path for clip in clips if clip.split == "validation"}
    both = sum(clip.path in held for clip in clips if clip.split == "train")
    if both:
        notes.append(f"{both} clips are in both lists; they are kept for validation only.")
    chosen = [clip for clip in clips if clip.split == "validation" or clip.path not in held]
    return TrainingData(Path(), Facts(), tuple(chosen), tuple(notes))


def _read(path: Path, split: str, notes: list[str]) -> list[Clip]:
    text, note = read_text(path)
    notes += [note] if note else []
    clips = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            clips.append(_clip(line, path, number, split))
    return clips


def _clip(line: str, path: Path, number: int, split: str) -> Clip:
    where = f"{path}, line {number}"
    parts = line.split("|")
    if len(parts) != len(_FIELDS.split("|")):
        raise DataError(
            f"{where} has {len(parts)} fields; a cleaned list has {_FIELDS}. A list that isn't "
            "cleaned yet, of path|speaker|LANG|text, is for `vinovits prepare`."
        )
    recording, speaker, language, said, phones, tones, word2ph = parts
    if language not in LANGUAGES:
        raise DataError(f"{where}: a language is {', '.join(LANGUAGES)}, not {language!r:.20}.")
    try:
        numbers = tuple(map(int, tones.split())), tuple(map(int, word2ph.split()))
    except ValueError:
        raise DataError(f"{where}: tones and word2ph are whole numbers with spaces.") from None
    wave = _place(recording, path)
    code = LANGUAGES[language]
    emotion = [wave.with_suffix(end) for end in (".emo.pt", ".emo.npy")]
    style = wave.with_name(wave.name + ".npy")
    bert = wave.with_suffix(".bert.pt")
    clip = Clip(
        path=str(wave),
        speaker=speaker,
        language=code,
        text=said,
        phones=tuple(phones.split(" ")),
        tones=numbers[0],
        word2ph=numbers[1],
        split=split,
        features={code: str(bert)} if bert.is_file() else {},
        emotion=next((str(file) for file in emotion if file.is_file()), ""),
        style=str(style) if style.is_file() else "",
    )
    check_shape(clip, where)
    return clip


def _place(recording: str, path: Path) -> Path:
    """Where a recording is: as the list has it, or beside the list or its folder."""
    for name in (recording, recording.replace("\\", "/")):
        for folder in (Path(), path.parent, path.parent.parent):
            if (folder / name).is_file():
                return (folder / name).absolute()
    return Path(recording.replace("\\", "/")).absolute()
