"""One file from a server to disk: resumed, repeated, checked, and never half under its own name."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vinovits.errors import DownloadError, OutputError
from vinovits.manifests import sha256 as sha256_of
from vinovits.output.atomic import write_error
from vinovits.store.catalogue import is_commit, is_sha256
from vinovits.store.inspect import problem
from vinovits.store.remote import Remote, TroubleError

if TYPE_CHECKING:
    import httpx2

_FORGIVING = 1 << 20
"""Bytes: an attempt that brought so many counts as progress, however it ended."""
_PAGE = 1 << 20
"""Bytes: an answer of the wrong length is looked at if it isn't longer than this."""


class Progress(Protocol):
    """What is told of a download while it runs."""

    def begin(self, name: str, total: int, done: int) -> None:
        """A file begins, or begins again, of `total` bytes (0: not known), `done` of them here."""

    def advance(self, count: int) -> None:
        """More bytes of it have arrived."""

    def note(self, message: str) -> None:
        """Something that is worth a line, such as an interruption."""


class Silence:
    """Tells nothing."""

    def begin(self, name: str, total: int, done: int) -> None:
        """Tell nothing."""

    def advance(self, count: int) -> None:
        """Tell nothing."""

    def note(self, message: str) -> None:
        """Tell nothing."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to fetch."""

    url: str
    """Its address."""
    name: str
    """What it is called, for messages; its extension says what it should hold."""
    sha256: str = ""
    """Hex sum that it must have; empty: not known."""
    size: int = 0
    """Bytes that it must have; 0: not known."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that has arrived."""

    sha256: str
    """Its hex sum."""
    size: int
    """Its bytes."""
    revision: str
    """The commit that it comes from; empty: the server doesn't say."""


def fetch(remote: Remote, wanted: Wanted, target: Path, progress: Progress) -> Fetched:
    """Download a file.

    It grows as TARGET.part, with what is needed to go on with it in TARGET.part.json, and gets its
    name when it is whole and right. After an error or Ctrl-C the next call goes on from there.

    Args:
        remote: The server.
        wanted: What to fetch.
        target: Where to; its folder exists.
        progress: Is told how it goes.

    Raises:
        DownloadError: It can't be had, or what comes isn't what is wanted.
        OutputError: It can't be written.
    """
    part = target.with_name(target.name + ".part")
    failures = 0
    restarted = False
    while True:
        before = _size(part)
        try:
            arrival = _Attempt(remote, wanted, part, progress).run()
            mistake = _mistake(wanted, part, arrival)
        except TroubleError as trouble:
            if _size(part) - before >= _FORGIVING:
                failures = 0
            failures += 1
            remote.wait(trouble, failures, wanted.name, progress.note)
            continue
        except OSError as error:
            raise write_error(target, error) from error
        if not mistake:
            break
        _discard(part)
        # What was put together from pieces of two versions of a file is worth a fresh start.
        if restarted or not arrival.resumed:
            raise DownloadError(mistake)
        restarted = True
    try:
        fetched = Fetched(arrival.sum, _size(part), arrival.revision)
        part.replace(target)
        _state_path(part).unlink(missing_ok=True)
    except OSError as error:
        raise write_error(target, error) from error
    return fetched


@dataclass(slots=True)
class _State:
    """What is known of a file that is only partly here."""

    url: str = ""
    etag: str = ""
    """Strong tag of the server that sent it."""
    sha256: str = ""
    """Sum that the whole must have."""
    size: int = 0
    """Bytes of the whole; 0: not known."""


@dataclass(slots=True)
class _Arrival:
    """A download that ran to its end."""

    sum: str
    expected_sum: str
    expected_size: int
    revision: str
    resumed: bool


class _Attempt:
    """One request and what follows of it."""

    def __init__(self, remote: Remote, wanted: Wanted, part: Path, progress: Progress) -> None:
        self._remote = remote
        self._wanted = wanted
        self._part = part
        self._progress = progress

    def run(self) -> _Arrival:
        state = _read_state(self._part)
        have = self._usable(state)
        headers = {"Range": f"bytes={have}-"} if have else {}
        if have and state.url == self._wanted.url and state.etag:
            headers["If-Range"] = f'"{state.etag}"'
        with self._remote.get(self._wanted.url, self._wanted.name, headers) as response:
            seen = _Seen(response)
            if have and not seen.continues(state, have):
                if seen.is_all(state, have):
                    return self._arrived(seen, state, resumed=True)
                have = 0
                if response.status_code != 200:
                    _discard(self._part)
                    raise TroubleError("the file has changed on the server")
            elif response.status_code != (206 if have else 200):
                raise TroubleError(f"the server answers with status {response.status_code}")
            if not have:
                state = self._fresh(seen)
            self._receive(response, have, state)
        return self._arrived(seen, state, resumed=have > 0)

    def _usable(self, state: _State) -> int:
        """How many bytes are here that the rest can be appended to."""
        have = _size(self._part)
        same = state.url == self._wanted.url and state.etag != ""
        summed = state.sha256 != "" and state.sha256 == self._wanted.sha256
        if have and not (same or summed):
            _discard(self._part)
            return 0
        return have

    def _fresh(self, seen: _Seen) -> _State:
        wanted = self._wanted
        state = _State(wanted.url, seen.etag, wanted.sha256 or seen.sha256, seen.total)
        size = wanted.size or seen.total
        if wanted.size and seen.total > _PAGE and seen.total != wanted.size:
            raise DownloadError(_wrong_size(wanted, seen.total))
        free = shutil.disk_usage(self._part.parent).free
        if size > free:
            raise OutputError(
                f"{wanted.name} has {size / 1e6:.0f} MB, and {self._part.parent} has only "
                f"{free / 1e6:.0f} MB left. Free some space there."
            )
        _state_path(self._part).write_text(json.dumps(asdict(state)), encoding="utf-8")
        return state

    def _receive(self, response: httpx2.Response, have: int, state: _State) -> None:
        size = self._wanted.size or state.size
        self._progress.begin(self._wanted.name, state.size or self._wanted.size, have)
        with self._part.open("ab" if have else "wb") as file:
            for chunk in response.iter_bytes():
                file.write(chunk)
                self._progress.advance(len(chunk))
                have += len(chunk)
                if size and have > max(size, _PAGE):
                    break  # Not the file that is wanted: it might go on until the disk is full.
            file.flush()
            os.fsync(file.fileno())

    def _arrived(self, seen: _Seen, state: _State, *, resumed: bool) -> _Arrival:
        return _Arrival(
            sum=sha256_of(self._part),
            expected_sum=self._wanted.sha256 or state.sha256,
            expected_size=self._wanted.size or state.size,
            revision=seen.revision,
            resumed=resumed,
        )


class _Seen:
    """What the headers of a response, and of the redirections before it, say of a file."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        headers = response.headers
        # Only the hub itself knows these; the storage that it redirects to doesn't.
        chain = [*response.history, response]
        linked = [one.headers.get("X-Linked-Etag", "").strip('"') for one in chain]
        commits = [one.headers.get("X-Repo-Commit", "") for one in chain]
        self.sha256 = next(filter(is_sha256, linked), "")
        self.revision = next(filter(is_commit, commits), "")
        # Some pack what they were asked not to; the rest of packed bytes can't be appended.
        self._packed = headers.get("Content-Encoding", "identity") != "identity"
        tag = headers.get("ETag", "")
        # A weak tag doesn't promise the same bytes.
        self.etag = tag.strip('"') if tag.startswith('"') and not self._packed else ""
        span = re.fullmatch(
            r"bytes (?:(\d+)-\d+|\*)/(\d+)", headers.get("Content-Range", "").strip()
        )
        self._start = int(span[1]) if span and span[1] else 0
        length = headers.get("Content-Length", "")
        if span:
            self.total = int(span[2])
        elif not self._packed and length.isdecimal():
            self.total = int(length)
        else:
            sizes = [one.headers.get("X-Linked-Size", "") for one in chain]
            self.total = next((int(size) for size in sizes if size.isdecimal()), 0)

    def continues(self, state: _State, have: int) -> bool:
        """Whether this is the rest of what is here."""
        return (
            self._response.status_code == 206
            and not self._packed
            and self._start == have
            and self.total == (state.size or self.total)
            and self._is_same(state)
        )

    def is_all(self, state: _State, have: int) -> bool:
        """Whether the server has no more than what is here already."""
        return self._response.status_code == 416 and self.total == have and self._is_same(state)

    def _is_same(self, state: _State) -> bool:
        if self.sha256 and state.sha256:
            return self.sha256 == state.sha256
        return not (self.etag and state.etag) or self.etag == state.etag or bool(state.sha256)


def _mistake(wanted: Wanted, part: Path, arrival: _Arrival) -> str:
    """What is wrong with a file that has arrived; nothing if it is right."""
    what = problem(part, wanted.name)
    size = _size(part)
    if what and not (wanted.sha256 and wanted.sha256 == arrival.sum):
        return (
            f"What came for {wanted.name} from {wanted.url} {what}. Check --mirror and "
            "HF_ENDPOINT, or whether the network asks for a login."
        )
    if arrival.expected_size and size != arrival.expected_size:
        return _wrong_size(wanted, size, arrival.expected_size)
    if arrival.expected_sum and arrival.sum != arrival.expected_sum:
        return (
            f"{wanted.name} isn't the file that is expected: its sha256 is {arrival.sum}, not "
            f"{arrival.expected_sum}. It was deleted. Try again, or another mirror; if the file "
            "was really released anew, --revision names the commit to take."
        )
    return ""


def _wrong_size(wanted: Wanted, size: int, expected: int = 0) -> str:
    return (
        f"{wanted.name} from {wanted.url} has {size} bytes, not {expected or wanted.size}: it "
        "isn't the file that is expected. Check --mirror and HF_ENDPOINT."
    )


def _size(part: Path) -> int:
    try:
        return part.stat().st_size
    except FileNotFoundError:
        return 0


def _state_path(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _read_state(part: Path) -> _State:
    """The state beside a part; an empty one if there is none, or none of ours."""
    try:
        return _State(**json.loads(_state_path(part).read_bytes()))
    except (OSError, ValueError, TypeError):
        return _State()


def _discard(part: Path) -> None:
    for path in (part, _state_path(part)):
        path.unlink(missing_ok=True)
