"""The tab Status: what is loaded, where it runs, how fast, and how busy the server is."""

from __future__ import annotations

import platform
from importlib.metadata import version

import gradio as gr

from vinovits import __version__
from vinovits.page.markup import table
from vinovits.page.parts import Parts, told
from vinovits.serve.services import Services

_PACKAGES = ("openvino", "numpy", "fastapi", "gradio")


def fill(parts: Parts, tab: gr.Tab) -> None:
    """Put the tables into the tab."""
    refresh = gr.Button(parts.t("refresh"), size="sm", elem_id="vv-status-refresh")
    tables = gr.HTML(padding=False, elem_id="vv-status")

    @told
    def shown() -> str:
        return status_html(parts.services)

    for event in (tab.select, refresh.click):
        event(shown, None, tables, show_progress="hidden", api_visibility="private")


def status_html(services: Services) -> str:
    """All tables."""
    graphs = [
        (name, graph, ", ".join(info.devices), info.precision, info.note)
        for name, voice in services.voices.loaded().items()
        for graph, info in voice.graphs().items()
    ]
    return (
        table("graphs", ("voice", "graph", "device", "precision", "note"), graphs)
        + table("server", ("figure", "value"), _figures(services))
        + table("versions", ("figure", "value"), _versions())
    )


def _figures(services: Services) -> list[tuple[str, str]]:
    work, settings = services.work, services.settings
    numbers = services.metrics.registry
    rows = [
        ("running / workers", f"{work.running} / {settings.workers}"),
        ("waiting / max_queue", f"{work.waiting} / {settings.max_queue}"),
    ]
    memory = numbers.get_sample_value("process_resident_memory_bytes")
    if memory is not None:
        rows.append(("memory", f"{memory / 2**20:.0f} MiB"))
    count = numbers.get_sample_value("vinovits_real_time_factor_count") or 0.0
    if count:
        factors = numbers.get_sample_value("vinovits_real_time_factor_sum") or 0.0
        first = numbers.get_sample_value("vinovits_first_chunk_seconds_sum") or 0.0
        audio = numbers.get_sample_value("vinovits_audio_seconds_total") or 0.0
        rows += [
            ("texts spoken", f"{count:.0f}"),
            ("speech made", f"{audio:.1f} s"),
            ("real-time factor (mean)", f"{factors / count:.3f}"),
            ("first sound after (mean)", f"{1000 * first / count:.0f} ms"),
        ]
    return rows


def _versions() -> list[tuple[str, str]]:
    return [
        ("vinovits", __version__),
        ("Python", platform.python_version()),
        *((name, version(name)) for name in _PACKAGES),
        ("system", f"{platform.system()} {platform.machine()}"),
    ]
