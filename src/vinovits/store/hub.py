"""Voices in repositories: reading a reference, and choosing what a voice needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from vinovits.errors import DownloadError, UsageError
from vinovits.store.catalogue import File, Model, is_commit, is_inside, is_repository, is_sha256
from vinovits.store.models import BRANCH
from vinovits.store.remote import Remote

PREFIX = "hf:"
_SHAPE = "hf:OWNER/REPO, hf:OWNER/REPO@REVISION or hf:OWNER/REPO/FOLDER"

_CONFIG, _STYLES = "config.json", "style_vectors.npy"
_OTHER_NETWORKS = ("D_", "DUR_", "WD_")
"""How the names of discriminators begin."""
_TOLD = 40
"""Folders that an error lists."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A place in a repository."""

    repository: str
    """OWNER/REPO."""
    revision: str = BRANCH
    """Commit, branch or tag."""
    folder: str = ""
    """A folder or file in it; empty: all of it."""

    def __str__(self) -> str:
        """As it is written on the command line."""
        revision = "" if self.revision == BRANCH else f"@{self.revision}"
        folder = f"/{self.folder}" if self.folder else ""
        return f"{PREFIX}{self.repository}{revision}{folder}"


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a repository."""

    revision: str
    """Their commit; the branch or tag, if the server doesn't tell."""
    licence: str
    """As the repository's card states it; empty: it doesn't."""
    files: Mapping[str, File]
    """By path; the files' names are the last parts of them."""


def read_reference(text: str) -> Reference:
    """Understand hf:OWNER/REPO[@REVISION][/FOLDER], or the address of such a page.

    Raises:
        UsageError: It is neither.
    """
    rest = text.removeprefix(PREFIX) if text.startswith(PREFIX) else _from_address(text)
    found = re.fullmatch(r"([^/@]+/[^/@]+)(?:@([^/]+))?(?:/(.*?))?/?", rest)
    if found and is_repository(found[1]) and (not found[3] or is_inside(found[3])):
        return Reference(found[1], unquote(found[2] or BRANCH), found[3] or "")
    raise UsageError(f"{text!r:.200} names no place in a repository. Give {_SHAPE}.")


def _from_address(text: str) -> str:
    """The same of https://HOST/OWNER/REPO[/tree/REVISION[/FOLDER]]; or of a page of a file."""
    parts = urlsplit(text)
    found = re.fullmatch(
        r"/([^/]+/[^/]+?)(?:/(?:tree|blob|resolve)/([^/]+)(/.*)?)?/?", unquote(parts.path)
    )
    if parts.scheme != "https" or not found:
        return ""
    revision = f"@{found[2]}" if found[2] and found[2] != BRANCH else ""
    return f"{found[1]}{revision}{found[3] or ''}"


def list_files(remote: Remote, reference: Reference) -> Listing:
    """Ask what a repository holds.

    Raises:
        DownloadError: There is no such repository or revision, or the answer isn't a listing.
    """
    what = f"repository {reference.repository}"
    if reference.revision != BRANCH:
        what += f" at {reference.revision}"
    revision = quote(reference.revision, safe="")
    data = remote.json(f"/api/models/{reference.repository}/revision/{revision}?blobs=true", what)
    try:
        files = [_file(entry) for entry in data["siblings"]]
        commit = data["sha"]
        card = data.get("cardData") or {}
        licence = card.get("license", "")
    except (KeyError, TypeError, AttributeError):
        raise DownloadError(
            f"{remote.endpoint} doesn't list the files of {reference.repository} as Hugging Face "
            "does. Check --mirror and HF_ENDPOINT."
        ) from None
    bad = [file.path for file in files if not is_inside(file.path)]
    if bad:
        raise DownloadError(
            f"The repository {reference.repository} lists the file {bad[0]!r:.200}, which lies "
            "outside of it. Nothing of it is downloaded."
        )
    return Listing(
        commit if isinstance(commit, str) and is_commit(commit) else reference.revision,
        licence if isinstance(licence, str) else "",
        {file.path: file for file in files},
    )


def _file(entry: Mapping[str, Any]) -> File:
    path = entry["rfilename"]
    if not isinstance(path, str):
        raise TypeError
    lfs = entry.get("lfs") or {}
    sum_ = lfs.get("sha256", "")
    size = entry.get("size")
    return File(
        name=PurePosixPath(path).name,
        path=path,
        sha256=sum_ if isinstance(sum_, str) and is_sha256(sum_) else "",
        size=size if type(size) is int and size >= 0 else 0,
    )


def choose_voice(reference: Reference, listing: Listing) -> Model:
    """Choose the files that one voice needs: its newest checkpoint, config.json, style vectors.

    Args:
        reference: Where to look: the whole repository, a folder, or one checkpoint.
        listing: What there is.

    Returns:
        What to pull, as an entry of the catalogue would say it.

    Raises:
        DownloadError: There is no voice; its config.json is missing; or there are several, which
            the message lists.
    """
    inside = [
        path
        for path in listing.files
        if not reference.folder
        or path == reference.folder
        or path.startswith(f"{reference.folder}/")
    ]
    if not inside:
        raise DownloadError(f"There is no {reference.folder!r} in {reference.repository}.")
    voices: dict[str, list[str]] = {}
    for path in inside:
        if _is_checkpoint(PurePosixPath(path).name):
            voices.setdefault(str(PurePosixPath(path).parent), []).append(path)
    if not voices:
        raise DownloadError(
            f"{reference} holds no voice: neither G_*.pth nor *.safetensors nor *.aivm is there."
        )
    if len(voices) > 1:
        raise DownloadError(
            f"{reference} holds {len(voices)} voices. Name one of them: "
            f"{_told(_below(reference, folder) for folder in sorted(voices))}."
        )
    [(folder, checkpoints)] = voices.items()
    checkpoint = _newest(reference, checkpoints)
    chosen = [] if checkpoint.endswith(".aivm") else [_config(reference, folder, listing)]
    styles = str(PurePosixPath(folder) / _STYLES)
    chosen += [styles] if styles in listing.files and chosen else []
    return Model(
        name="--".join([reference.repository.replace("/", "--"), *_parts(folder)]),
        kind="voice",
        repository=reference.repository,
        files=tuple(listing.files[path] for path in [*chosen, checkpoint]),
        revision=listing.revision,
        licence=listing.licence,
    )


def voice_name(reference: Reference) -> str:
    """What to call a voice: as its folder or its repository."""
    last = _parts(reference.folder)[-1:] or [reference.repository.partition("/")[2]]
    return re.sub(r"\.(pth|safetensors|aivm)$", "", last[0])


def _is_checkpoint(name: str) -> bool:
    if name.startswith(_OTHER_NETWORKS):
        return False
    return name.endswith((".safetensors", ".aivm")) or (
        name.startswith("G_") and name.endswith(".pth")
    )


def _newest(reference: Reference, paths: list[str]) -> str:
    """The checkpoint that was trained longest: G_STEPS.pth, or NAME_eEPOCHS_sSTEPS.safetensors."""
    if len(paths) == 1:
        return paths[0]
    steps = {path: _steps(PurePosixPath(path).name) for path in paths}
    numbered = [path for path in paths if steps[path] is not None]
    kinds = {re.sub(r"\d+", "", PurePosixPath(path).name) for path in paths}
    if len(numbered) < len(paths) or len(kinds) > 1:
        raise DownloadError(
            f"{reference} holds several checkpoints. Name one of them: "
            f"{_told(_below(reference, path) for path in sorted(paths))}."
        )
    return max(numbered, key=lambda path: steps[path] or 0)


def _steps(name: str) -> int | None:
    found = re.search(r"(?:^G_|_s)(\d+)\.\w+$", name)
    return int(found[1]) if found else None


def _config(reference: Reference, folder: str, listing: Listing) -> str:
    """The config.json of a checkpoint: beside it, or where upstream's programs put it."""
    here = PurePosixPath(folder)
    places = [here, here / "configs", here.parent, here.parent / "configs"]
    for place in places:
        if str(place / _CONFIG) in listing.files:
            return str(place / _CONFIG)
    raise DownloadError(
        f"{reference} has a checkpoint, but no {_CONFIG} beside it, without which it can't be "
        "converted. Ask its maker for the one that it was trained with."
    )


def _below(reference: Reference, path: str) -> str:
    folder = "" if path == "." else path
    return str(Reference(reference.repository, reference.revision, folder))


def _parts(folder: str) -> list[str]:
    return [part for part in folder.split("/") if part not in ("", ".")]


def _told(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _TOLD} more" if len(listed) > _TOLD else ""
    return ", ".join(listed[:_TOLD]) + more
