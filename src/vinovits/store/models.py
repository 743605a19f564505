"""Downloaded models: where they lie, whether they are whole, and getting and removing them.

A model is downloaded into `downloads/.NAME.partial`, which becomes `downloads/NAME` when all of its
files are there and right. Its source.json says where they come from and has their sums.
`downloads/.remembered/NAME.json` keeps the commit and the sums of the first pull, for models of
which the catalogue doesn't know them.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from vinovits.errors import DownloadError, UsageError, VoiceError
from vinovits.manifests import build, check_names, read_json, sha256, write_json
from vinovits.output.atomic import atomic_file, replace_folder, write_error
from vinovits.places import own
from vinovits.store.catalogue import File, Model, is_commit
from vinovits.store.download import Progress, Wanted, fetch
from vinovits.store.inspect import problem
from vinovits.store.remote import HUB, NotThereError, Patience, Remote

RECORD = "source.json"
BRANCH = "main"
"""What is taken of a repository if nobody says otherwise."""

_FORMAT = 1
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""The same tensors in two formats: who brings files by hand may have either."""


@dataclass(frozen=True, slots=True)
class Record:
    """The content of source.json."""

    repository: str
    """OWNER/REPO."""
    revision: str
    """Commit, or the branch if the server didn't tell; empty: brought by hand."""
    sha256: dict[str, str] = field(default_factory=dict)
    """Hex sums by file name."""
    size: dict[str, int] = field(default_factory=dict)
    """Bytes by file name."""

    def with_file(self, name: str, sum_: str, size: int, revision: str = "") -> Record:
        """The record with one more file."""
        return Record(
            self.repository,
            revision or self.revision,
            {**self.sha256, name: sum_},
            {**self.size, name: size},
        )


def source_folder(name: str) -> Path:
    """Where a model lies as it was downloaded; the folder need not exist."""
    return own("downloads") / name


def partial_folder(name: str) -> Path:
    """Where a download that isn't complete lies; the folder need not exist."""
    return own("downloads") / f".{name}.partial"


def is_downloaded(model: Model, revision: str = "") -> bool:
    """Whether all files of a model are here, by name and size.

    Args:
        model: The model.
        revision: Whether those of this commit are; a branch may have moved, so never.
    """
    folder = source_folder(model.name)
    try:
        record = _read(folder / RECORD)
        if revision and record.revision != revision:
            return False
        return all(
            (folder / name).stat().st_size == record.size.get(name) for name in record.sha256
        ) and not _lacking(model, record)
    except (VoiceError, OSError):
        return False


@contextmanager
def locked(name: str, progress: Progress) -> Iterator[None]:
    """Let one process at a time work on a model; others wait, however long it takes.

    Raises:
        OutputError: The data folder can't be written.
    """
    import filelock

    path = own("downloads") / ".locks" / f"{name}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(path, timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout:
            progress.note(f"{name}: another vinovits is at work on it; waiting")
            lock.acquire(timeout=-1)
    except OSError as error:
        raise write_error(path, error) from error
    try:
        yield
    finally:
        lock.release()


def pull(
    model: Model,
    progress: Progress,
    *,
    mirror: str = "",
    revision: str = "",
    patience: Patience | None = None,
) -> Path:
    """Download a model, or what is missing of it. The caller holds its lock.

    Nothing is asked of the network if the model is here.

    Args:
        model: From the catalogue, or made from a listing.
        progress: Is told how it goes.
        mirror: Address of a mirror.
        revision: Commit or branch to take instead of the catalogue's or the remembered one.
        patience: How long servers are waited for.

    Returns:
        Its folder.

    Raises:
        DownloadError: A file can't be had, or isn't what it should be.
        OutputError: It can't be written.
    """
    folder = source_folder(model.name)
    if is_downloaded(model, revision):
        return folder
    partial = partial_folder(model.name)
    # Who names a branch wants what it holds now, whatever it held at the first pull.
    moving = revision != "" and not is_commit(revision)
    remembered = _nothing(model) if moving else _remembered(model)
    usual = model.revision or remembered.revision or BRANCH
    wanted = revision or usual
    if wanted != remembered.revision:
        remembered = _nothing(model)
    with Remote(mirror, patience) as remote:
        try:
            record = _prepare(model, partial, wanted, keep_old=bool(revision))
            for file in model.files:
                expected = _expected(file, remembered, listed=wanted == usual)
                record = _pull_file(remote, model, file, record, partial, progress, *expected)
            replace_folder(partial, folder)
            _write(_remembered_path(model.name), record)
        except OSError as error:
            raise write_error(folder, error) from error
    return folder


def take(model: Model, source: Path) -> Path:
    """Use files that someone downloaded by hand: they are checked, and linked or copied.

    The caller holds the model's lock.

    Args:
        model: From the catalogue.
        source: A folder that holds the files, as the repository has them.

    Returns:
        The model's folder.

    Raises:
        UsageError: There is no such folder.
        DownloadError: Files are missing, or aren't what they should be; all of them are named.
        OutputError: The data folder can't be written.
    """
    if not source.is_dir():
        raise UsageError(f"There is no folder {source}. Name the one that holds {model.name}.")
    found: dict[str, Path] = {}
    problems = []
    for file in model.files:
        path = _find(file, source)
        if path is not None:
            found[path.name if path.name in _WEIGHTS else file.name] = path
            problems += [f"{path} {what}" for what in _wrong(file, path)]
        elif not file.optional:
            problems.append(f"{file.source} is missing")
    if problems:
        raise DownloadError(
            f"{source} doesn't hold {model.name} whole: {'; '.join(problems)}. The files are at "
            f"{HUB}/{model.repository}/tree/{model.revision or BRANCH}; a git-lfs pointer becomes "
            "its file by `git lfs pull`."
        )
    folder = source_folder(model.name)
    staging = folder.with_name(f".{model.name}.from")
    try:
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
        record = Record(model.repository, "")
        for name, path in found.items():
            _link(path.resolve(), staging / name)
            record = record.with_file(name, sha256(staging / name), path.stat().st_size)
        _write(staging / RECORD, record)
        replace_folder(staging, folder)
    except OSError as error:
        raise write_error(folder, error) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return folder


def verify(model: Model) -> list[str]:
    """Compare the files of a downloaded model with their sums.

    Returns:
        What is wrong, a sentence each; nothing if all is well.
    """
    folder = source_folder(model.name)
    try:
        record = _read(folder / RECORD)
    except VoiceError as error:
        return [str(error)]
    problems = [f"{folder / name} is missing." for name in _lacking(model, record)]
    for name, sum_ in record.sha256.items():
        path = folder / name
        try:
            if sha256(path) != sum_:
                problems.append(f"{path} {problem(path) or 'has been altered or is cut off'}.")
        except FileNotFoundError:
            problems.append(f"{path} is missing.")
        except OSError as error:
            problems.append(f"{path} can't be read: {error.strerror}.")
    return problems


def remove(*folders: Path) -> int:
    """Delete folders.

    Args:
        folders: Those that don't exist are passed over.

    Returns:
        How many bytes their files had.

    Raises:
        OutputError: They can't be deleted.
    """
    freed = 0
    for folder in folders:
        if not folder.exists():
            continue
        size = size_of(folder)
        try:
            # Renamed first: what is half deleted has no name that something is looked for by.
            doomed = folder.with_name(f".{folder.name.lstrip('.')}.deleted")
            shutil.rmtree(doomed, ignore_errors=True)
            folder.rename(doomed)
            shutil.rmtree(doomed)
        except OSError as error:
            raise write_error(folder, error) from error
        freed += size
    return freed


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder; 0 if there is none."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size if path.is_file() else 0
    return total


def _prepare(model: Model, partial: Path, wanted: str, *, keep_old: bool) -> Record:
    """Make the folder for an unfinished download; what is in it already, if it can be gone on."""
    folder = source_folder(model.name)
    if folder.is_dir() and not partial.exists() and not keep_old:
        folder.rename(partial)  # Something is wrong in it, but most files may be right.
    record = None
    with suppress(VoiceError):
        record = _read(partial / RECORD)
    # A download of the branch went on with the commit that the branch was at.
    revisions = {wanted, record.revision} if record and wanted == BRANCH else {wanted}
    if record and (record.repository != model.repository or record.revision not in revisions):
        shutil.rmtree(partial)
        record = None
    partial.mkdir(parents=True, exist_ok=True)
    return record or Record(model.repository, wanted)


def _pull_file(
    remote: Remote,
    model: Model,
    file: File,
    record: Record,
    partial: Path,
    progress: Progress,
    sum_: str,
    size: int,
) -> Record:
    """Fetch a file unless it is here; the record with it."""
    path = partial / file.name
    if path.is_file() and record.sha256.get(file.name) == sha256(path):
        return record
    path.unlink(missing_ok=True)
    elsewhere = file.repository != ""
    repository, revision = (
        (file.repository, BRANCH) if elsewhere else (model.repository, record.revision)
    )
    wanted = Wanted(remote.file_url(repository, revision, file.source), file.name, sum_, size)
    try:
        fetched = fetch(remote, wanted, path, progress)
    except NotThereError as error:
        if file.optional:
            return record
        raise NotThereError(
            f"{error} It was looked for at {wanted.url}; check --mirror and HF_ENDPOINT."
        ) from None
    # A branch may move while its files are fetched; all are taken from the commit of the first.
    commit = "" if elsewhere else fetched.revision
    record = record.with_file(file.name, fetched.sha256, fetched.size, commit)
    _write(partial / RECORD, record)
    return record


def _expected(file: File, remembered: Record, *, listed: bool) -> tuple[str, int]:
    """The sum and the size that a file must have; nothing where they aren't known."""
    sum_, size = remembered.sha256.get(file.name, ""), remembered.size.get(file.name, 0)
    return (file.sha256 or sum_, file.size or size) if listed else (sum_, size)


def _find(file: File, source: Path) -> Path | None:
    """A file in a folder that someone made by hand."""
    names = [file.name, file.source, Path(file.source).name]
    if file.name in _WEIGHTS:
        names += _WEIGHTS
    return next((source / name for name in names if (source / name).is_file()), None)


def _wrong(file: File, path: Path) -> Iterator[str]:
    """What speaks against a file that someone brought."""
    if what := problem(path, file.name if path.name not in _WEIGHTS else path.name):
        yield what
    elif file.sha256 and path.name in (file.name, Path(file.source).name):
        size = path.stat().st_size
        if file.size and size != file.size:
            yield f"has {size} bytes, not {file.size}"
        elif sha256(path) != file.sha256:
            yield "isn't the file of that name that the catalogue knows (its sha256 differs)"


def _link(source: Path, target: Path) -> None:
    """A second name for a file, or a copy where that isn't possible."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _lacking(model: Model, record: Record) -> list[str]:
    """The files that a record should have and hasn't."""
    return [
        file.name
        for file in model.files
        if not file.optional
        and file.name not in record.sha256
        and not (file.name in _WEIGHTS and set(_WEIGHTS) & set(record.sha256))
    ]


def _remembered_path(name: str) -> Path:
    return own("downloads") / ".remembered" / f"{name}.json"


def _remembered(model: Model) -> Record:
    """What the first pull found; nothing if there was none, or of another repository."""
    with suppress(VoiceError):
        record = _read(_remembered_path(model.name))
        if record.repository == model.repository:
            return record
    return _nothing(model)


def _nothing(model: Model) -> Record:
    return Record(model.repository, "")


def _read(path: Path) -> Record:
    record = build(Record, read_json(path, f"{path} is missing.", _FORMAT), str(path))
    check_names(record.sha256, (), str(path))
    return record


def _write(path: Path, record: Record) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as part:
        write_json(part, dataclasses.asdict(record), _FORMAT)
