"""`vinovits doctor`: what this machine has, what is missing, and how to get it."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import click

from vinovits.cli import machine
from vinovits.cli.streams import megabytes, print_table, table
from vinovits.errors import VinovitsError

_EXTRAS = {
    "plot": "pictures (say --plot)",
    "convert": "converting checkpoints",
}


@click.command(short_help="Show what this machine has and what is missing.")
def doctor() -> None:
    """Show what this machine has for speaking, what is missing, and the command that installs it.

    It looks at the processor, the memory, OpenVINO and the devices that it sees, Python packages,
    voices and broken voice folders, the audio player and the cache. Please add its output to bug
    reports: it holds no more than what you see.
    """
    rows = table()
    advice: list[str] = []
    for name, value in _checks(advice):
        rows.add_row(name, value)
    print_table(rows)
    click.echo()
    if advice:
        click.echo("To do, if you need it:")
        for sentence in advice:
            click.echo(f"  - {sentence}")
    else:
        click.echo("Nothing is missing.")


def _checks(advice: list[str]) -> Iterator[tuple[str, str]]:
    """Rows of the table; what could be better goes to `advice`."""
    yield "system", f"{platform.platform()}, Python {platform.python_version()} ({sys.executable})"
    yield "processor", f"{machine.cpu_model()}, {machine.cpu_count()} usable"
    features = machine.cpu_features()
    if features is not None:
        yield "", ", ".join(f"{name} {'yes' if has else 'no'}" for name, has in features.items())
        if not features["AVX2"]:
            advice.append("The processor has no AVX2: expect speech to be slow.")
    total, free = machine.memory()
    if total is not None:
        yield (
            "memory",
            megabytes(total) + (f", {megabytes(free)} free" if free is not None else ""),
        )
        if free is not None and free < 1e9:
            advice.append("Less than 1 GB of memory is free: speaking needs about 0.5 GB.")

    version, devices = machine.openvino_devices()
    yield "OpenVINO", version
    for device in devices:
        facts = [device.kind, device.driver and f"driver {device.driver}", *device.capabilities]
        yield f"  {device.name}", f"{device.full_name} ({', '.join(filter(None, facts))})"
        yield "", f"a small graph {device.trial}"
        if device.trial.startswith("fails"):
            advice.append(
                f"OpenVINO sees {device.name}, but can't run there. Update its driver, or keep to "
                "--device cpu."
            )
    if devices:
        yield "--device auto", _auto()
    else:
        advice.append(f"OpenVINO {version}")
    advice.extend(machine.missing_drivers(devices))

    yield from _packages(advice)
    yield from _voices(advice)
    yield "player", _player(advice)
    yield "cache", _cache()


def _auto() -> str:
    try:
        from vinovits.devices import parse_placement

        return str(parse_placement("auto"))
    except (ImportError, RuntimeError) as error:
        return f"can't be told: {error}"


def _packages(advice: list[str]) -> Iterator[tuple[str, str]]:
    try:
        needed = _requirements(metadata.requires("vinovits") or [])
        yield "vinovits", f"{metadata.version('vinovits')} in {Path(__file__).parent.parent}"
    except metadata.PackageNotFoundError:
        advice.append("vinovits runs from a source tree. Install it with: pip install -e .")
        return
    present, missing = _installed(needed[""])
    yield "packages", ", ".join(present)
    if missing:
        advice.append(
            f"{', '.join(missing)} should be installed but isn't: pip install {' '.join(missing)}"
        )
    for extra, purpose in _EXTRAS.items():
        present, missing = _installed(needed.get(extra, []))
        if missing:
            yield f"  for {extra}", f"{', '.join(missing)} missing"
            advice.append(f"For {purpose}: pip install 'vinovits[{extra}]'")
        elif present:
            yield f"  for {extra}", ", ".join(present)


def _requirements(lines: list[str]) -> dict[str, list[str]]:
    """Names of packages by extra, "" for those that are always needed.

    Args:
        lines: As `importlib.metadata.requires` gives them, such as `torch>=2.4; extra ==
            "convert"`.
    """
    found: dict[str, list[str]] = {"": []}
    references: list[tuple[str, str]] = []
    for line in lines:
        requirement, _, marker = line.partition(";")
        extra = re.search(r"""extra\s*==\s*["']([^"']+)""", marker)
        name = re.match(r"\s*([\w.-]+)\s*(?:\[([^\]]*)\])?", requirement)
        if name is None:
            continue
        owner = extra[1] if extra else ""
        if name[1] == "vinovits":
            references += [(owner, other.strip()) for other in (name[2] or "").split(",")]
        else:
            found.setdefault(owner, []).append(name[1])
    for owner, other in references:
        found.setdefault(owner, []).extend(found.get(other, []))
    return found


def _installed(names: list[str]) -> tuple[list[str], list[str]]:
    """Those installed, with their versions, and those missing."""
    present, missing = [], []
    for name in names:
        try:
            present.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    return present, missing


def _voices(advice: list[str]) -> Iterator[tuple[str, str]]:
    try:
        from vinovits.places import roots
        from vinovits.voices.store import ENVIRONMENT, scan_voices

        voices, broken = scan_voices()
        found = ", ".join(voice.name for voice in voices)
        places = [str(root) for root in roots(ENVIRONMENT, "voices") if root.is_dir()]
        yield "voices", (found or "none") + (f", in {', '.join(places)}" if places else "")
        for one in broken:
            yield "  broken", str(one.path)
            advice.append(one.reason)
        if not found:
            advice.append("There is no voice. `vinovits convert` makes one from a checkpoint.")
    except (ImportError, OSError, VinovitsError) as error:
        yield "voices", f"can't be listed: {error}"


def _player(advice: list[str]) -> str:
    from vinovits.cli.player import find_player

    try:
        return find_player().arguments[0]
    except VinovitsError as error:
        advice.append(f"For say --play: {error}")
        return "none"


def _cache() -> str:
    try:
        from vinovits.graphs import default_cache_dir

        folder = default_cache_dir()
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    except (ImportError, OSError) as error:
        return f"can't be read: {error}"
    return f"{folder}, {megabytes(size)} (it may be deleted at any time)"
