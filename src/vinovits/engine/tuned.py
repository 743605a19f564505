"""What `vinovits tune` has found best on this machine, in a file that the user may change.

The file has the table `[load]`, whose entries stand in for what `vinovits.load` isn't told, and in
`machine` the one they were measured on: elsewhere, as in a home folder that several machines share,
they don't count. A file that is broken is told in the log, once for each load, and never stops
speech.
"""

from __future__ import annotations

import json
import logging
import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from vinovits.engine.many import check_workers
from vinovits.engine.precision import parse_precision
from vinovits.errors import UsageError
from vinovits.threads import check, processors

CONFIG = "VINOVITS_CONFIG"
"""Environment variable: the user's config file, if not where the system has such files."""

WINDOWS = (32, 1024)
"""The least and the most frames of a window."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tuned:
    """What counts where nothing else is asked for; None where nothing was found."""

    threads: int | None = None
    precision: str | None = None
    """As `parse_precision` takes it."""
    windows: tuple[int, int] | None = None
    """Longest first and later window of the decoder, in frames."""
    workers: int | None = None
    """Of `Voice.speak_many`."""


def config_file() -> Path:
    """The user's config file; it need not exist."""
    if named := os.environ.get(CONFIG):
        return Path(named).absolute()
    import platformdirs

    return platformdirs.user_config_path("vinovits", appauthor=False) / "config.toml"


def this_machine() -> str:
    """What tells this machine from others for which measurements don't hold."""
    from vinovits.devices import identity

    return f"{' '.join(identity('CPU'))}, {processors()} processors"


def read_tuned() -> Tuned:
    """What the user's config file says, if it is of this machine."""
    path = config_file()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Tuned()
    except (OSError, UnicodeDecodeError) as error:
        _log.warning("The config file %s can't be read and doesn't count: %s.", path, error)
        return Tuned()
    try:
        return parse(text)
    except UsageError as error:
        _log.warning(
            "The config file %s doesn't count: %s Change it, or write it anew by `vinovits tune`.",
            path,
            error,
        )
        return Tuned()


def parse(text: str) -> Tuned:
    """What a config file says.

    Args:
        text: Its content.

    Returns:
        Its entries; none if the file is of another machine.

    Raises:
        UsageError: It is no TOML, has entries that aren't known, or values that can't be.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"It isn't TOML: {error}.") from None
    unknown = [name for name in content if name != "load"]
    table = content.get("load", {})
    if unknown or not isinstance(table, dict):
        raise UsageError(
            f"It has {', '.join(map(repr, unknown)) or 'no table [load]'}; what it may have is a "
            "table [load]."
        )
    known = [field.name for field in fields(Tuned)]
    for name in table:
        if name not in (*known, "machine"):
            raise UsageError(f"There is no entry {name!r:.40}. There are: {', '.join(known)}.")
    found = Tuned(**{name: _CHECKS[name](table[name]) for name in known if name in table})
    if "machine" in table and table["machine"] != this_machine():
        _log.info("The config file is of another machine: %s.", table["machine"])
        return Tuned()
    return found


def written(tuned: Tuned) -> str:
    """The content of a config file for this machine."""
    lines = [
        "# Written by `vinovits tune`; you may change it. `vinovits tune --reset` removes it.",
        "[load]",
        f"machine = {json.dumps(this_machine())}",
    ]
    for field in fields(tuned):
        if (value := getattr(tuned, field.name)) is not None:
            shown = json.dumps(list(value) if isinstance(value, tuple) else value)
            lines.append(f"{field.name} = {shown}")
    return "\n".join(lines) + "\n"


def _threads(value: object) -> int:
    return check(value, "The entry threads")


def _precision(value: object) -> str:
    if not isinstance(value, str):
        raise UsageError(f"There is no precision {value!r:.40}.")
    parse_precision(value)
    return value


def _windows(value: object) -> tuple[int, int]:
    least, most = WINDOWS
    match value:
        case [int() as first, int() as later] if least <= first <= later <= most:
            return first, later
    raise UsageError(
        f"The entry windows must be two numbers of frames from {least} to {most}, the first not "
        f"above the second, not {value!r:.40}."
    )


_CHECKS: dict[str, Callable[[object], Any]] = {
    "threads": _threads,
    "precision": _precision,
    "windows": _windows,
    "workers": check_workers,
}
