"""`vinovits bench`: how fast this machine speaks, as a table to be pasted into an issue."""

from __future__ import annotations

import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import click

from vinovits.cli import machine
from vinovits.cli.speaking import threads_option
from vinovits.cli.streams import megabytes, print_table, table

_WARM_UP = 4
_FIRST_SOUNDS = 5
_PACKAGES = ("vinovits", "openvino", "numpy", "tokenizers")


@click.command(short_help="Measure how fast this machine speaks.")
@click.option("--voice", "-v", default="joe", show_default=True, help="Name or folder of a voice.")
@click.option(
    "--device", default="cpu", show_default=True, help="Where to run, as for `vinovits say`."
)
@click.option(
    "--precision",
    help="What stages compute in, as for `vinovits say`. Default is auto, or what `vinovits tune` "
    "found.",
)
@click.option(
    "--features", type=click.Choice(["none"]), help="`none` speaks without feature models."
)
@threads_option
@click.option(
    "--rounds",
    type=click.IntRange(1, 1000),
    default=8,
    show_default=True,
    help="Texts that are measured; medians are shown.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def bench(
    voice: str,
    device: str,
    precision: str | None,
    features: str | None,
    rounds: int,
    as_json: bool,
) -> None:
    """Measure how fast this machine speaks, in processes of their own.

    The voice is loaded twice: cold, with an empty cache of compiled graphs, and warm, from what the
    first load has put there. Then it speaks sentences of 4 to 8 s in its first language, after some
    to warm up. Times are medians; those of the stages are for a second of audio. Let nothing else
    run meanwhile. Please paste the tables into issues about speed: they hold what you see.

    \b
    Examples:
      vinovits bench
      vinovits bench --voice other --device auto
      vinovits bench --threads 2 --json
    """
    from vinovits.engine.precision import parse_precision

    if precision is not None:
        parse_precision(precision)  # what can't be right is told before processes are started
    options = {"device": device, "precision": precision, "features": features}
    result = {"machine": _machine(), "options": options, **_measured(voice, options, rounds)}
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False, indent=2))
        return
    facts = table()
    for name, value in _rows(result):
        facts.add_row(name, value)
    print_table(facts)
    click.echo()
    stages = table("stage", "ms for 1 s of audio", "share", right=("ms for 1 s of audio", "share"))
    spent = result["speed"]["ms_per_second"]
    total = sum(spent.values()) or 1.0
    for name, milliseconds in spent.items():
        stages.add_row(name, f"{milliseconds:.2f}", f"{milliseconds / total:.0%}")
    print_table(stages)


def _measured(voice: str, options: dict[str, Any], rounds: int) -> dict[str, Any]:
    from vinovits.engine import measure

    with tempfile.TemporaryDirectory(prefix="vinovits-") as folder:
        cache = Path(folder)
        with measure.start(voice, options, cache) as process:
            cold = process.loaded
        with measure.start(voice, options, cache) as process:
            warm = process.loaded
            loaded_memory = process.memory()
            runs = measure.take_turns({"": process}, _WARM_UP, rounds, float("inf"))[""]
            texts = [measure.text_of(warm.language, 89 - number) for number in range(_FIRST_SOUNDS)]
            first = statistics.median(process.stream(text).first_seconds for text in texts)
            memory = process.memory()
    return {
        "voice": asdict(warm),
        "load": {
            "import_s": warm.import_seconds,
            "cold_s": cold.load_seconds,
            "warm_s": warm.load_seconds,
        },
        "speed": measure.summary(runs),
        "first_sound_s": first,
        "rounds": rounds,
        "memory": {
            "loaded": loaded_memory["now"],
            "spoken": memory["now"],
            "peak": memory["peak"],
        },
    }


def _machine() -> dict[str, Any]:
    """What speed depends on besides the voice."""
    from vinovits import threads
    from vinovits.engine.tuned import read_tuned

    version, devices = machine.openvino_devices()
    total, free = machine.memory()
    tuned = {name: value for name, value in asdict(read_tuned()).items() if value is not None}
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # from a source tree
            versions[name] = "?"
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {**versions, "openvino": version},
        "processor": machine.cpu_model(),
        "processors": threads.processors(),
        "quota": threads.cpu_quota(),
        "threads": threads.limit(None),
        "isa": machine.cpu_features(),
        "memory": {"total": total, "free": free},
        "devices": [asdict(device) for device in devices],
        "tuned": tuned,
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "date": time.strftime("%Y-%m-%d"),
    }


def _rows(result: dict[str, Any]) -> Iterator[tuple[str, str]]:
    here, voice, memory = result["machine"], result["voice"], result["memory"]
    quota = f", quota {here['quota']:g}" if here["quota"] is not None else ""
    yield "processor", f"{here['processor']}, {here['processors']} usable{quota}"
    if here["isa"] is not None:
        yield "", ", ".join(name for name, has in here["isa"].items() if has)
    busy = here["load_average"]
    if busy is not None:
        yield "load before", f"{busy:.1f}"
    if here["memory"]["total"] is not None:
        yield "memory", megabytes(here["memory"]["total"])
    for device in here["devices"]:
        driver = f", driver {device['driver']}" if device["driver"] else ""
        yield device["name"], f"{device['full_name']}{driver}"
    versions = ", ".join(f"{name} {number}" for name, number in here["versions"].items())
    yield "software", f"{versions}, Python {here['python']}, {here['system']}"
    tuned = ", ".join(f"{name} {value}" for name, value in here["tuned"].items())
    yield "threads", str(here["threads"] or "as OpenVINO chooses")
    yield "tuned", tuned or "nothing"
    yield "voice", f"{voice['voice']}, {voice['language']}, {voice['sampling_rate']} Hz"
    for name, (*devices, precision) in voice["graphs"].items():
        yield f"  {name}", f"{', '.join(devices)} ({precision})"
    load, speed = result["load"], result["speed"]
    yield (
        "loading",
        f"{load['cold_s']:.2f} s cold, {load['warm_s']:.2f} s warm, after "
        f"{load['import_s']:.2f} s of importing",
    )
    yield "real-time factor", f"{speed['real_time_factor']:.3f}"
    yield "first sound", f"{result['first_sound_s']:.3f} s"
    if memory["peak"]:
        yield (
            "process",
            f"{megabytes(memory['loaded'])} loaded, {megabytes(memory['spoken'])} after speaking, "
            f"{megabytes(memory['peak'])} at most",
        )
