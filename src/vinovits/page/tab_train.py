"""The tab Train: from recordings to a voice, in a process of its own beside the server."""

from __future__ import annotations

import base64
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from vinovits.page.curves import SHOWN, curve
from vinovits.page.markup import table, word
from vinovits.page.parts import Parts, told
from vinovits.places import BASES, find_bases
from vinovits.serve.training_files import SOUNDS, TEXTS
from vinovits.serve.trainings import Status, Trainings, missing

_SECONDS = 3.0
"""Between two looks at what runs."""
_MOST_ROWS = 300
_USES: dict[str, bool | None] = {"judged": None, "use_it": True, "leave": False}


def fill(parts: Parts, tab: gr.Tab) -> None:
    """Put the steps of a training into the tab, or what is needed for one."""
    trainings = parts.services.trainings
    if not trainings.allowed:
        _told(f"<p>{word('train_off')} <code>vinovits serve --train-dir DIR</code></p>")
        return
    if extras := missing():
        command = f"pip install 'vinovits[{','.join(extras)}]'"
        _told(f"<p>{word('train_missing')} <code>{command}</code></p>")
        return
    _Tab(parts, trainings).fill(tab)


def _told(html: str) -> None:
    gr.HTML(f'<div id="vv-train-off">{html}</div>', padding=False)


class _Tab:
    """Its parts, and what they do."""

    def __init__(self, parts: Parts, trainings: Trainings) -> None:
        self.parts, self.trainings = parts, trainings

    def fill(self, tab: gr.Tab) -> None:
        """Put all in."""
        t = self.parts.t
        with gr.Row():
            self.name = gr.Dropdown([], label=t("training"), elem_id="vv-train-name")
            fresh = gr.Textbox(label=t("train_new"), max_length=40, elem_id="vv-train-new")
            create = gr.Button(t("train_create"), elem_id="vv-train-create")
        self.status = gr.HTML(padding=False, elem_id="vv-train-status")
        with gr.Row():
            stop = gr.Button(t("stop"), elem_id="vv-train-stop")
            refresh = gr.Button(t("refresh"), elem_id="vv-train-refresh")
        self.timer = gr.Timer(_SECONDS, active=False)
        # Apart from what changes with every look: who listens isn't interrupted.
        heard, known = gr.HTML(padding=False, elem_id="vv-train-samples"), gr.State("")
        with gr.Accordion(t("train_log"), open=False):
            log = gr.HTML(padding=False)
        with gr.Accordion(t("train_recordings"), open=True):
            files = gr.File(
                label=t("train_files"),
                file_count="multiple",
                file_types=[*SOUNDS, *TEXTS],
                type="filepath",
                height=140,
                elem_id="vv-train-files",
            )
            most = self.parts.services.settings.max_upload >> 20
            _note(f"{word('convert_limit')} {most} MiB (max_upload). {word('train_folder')}")
            with gr.Row():
                self.base = gr.Dropdown([], label=t("train_base"), elem_id="vv-train-base")
                language = gr.Dropdown(
                    [(t("auto"), ""), ("中文", "zh"), ("日本語", "ja"), ("English", "en")],
                    value="",
                    label=t("language"),
                )
            self.no_base = gr.HTML(padding=False, elem_id="vv-train-no-base")
            prepare = gr.Button(t("train_prepare"), elem_id="vv-train-prepare")
        with gr.Accordion(t("train_clips"), open=False, elem_id="vv-train-report"):
            self.report, seen = gr.HTML(padding=False), gr.State("")
            self.clip = gr.Dropdown([], label=t("train_clip"), elem_id="vv-train-clip")
            player = gr.HTML(padding=False, elem_id="vv-train-player")
            text = gr.Textbox(label=t("text"), lines=2, max_length=1000, elem_id="vv-train-text")
            use = gr.Radio(
                [(t(f"train_{key}"), key) for key in _USES], value="judged", label=t("train_use")
            )
            keep = gr.Button(t("train_keep"), elem_id="vv-train-keep")
        with gr.Accordion(t("train_training"), open=False, elem_id="vv-train-settings"):
            with gr.Row():
                steps = gr.Number(2000, label=t("train_steps"), precision=0, minimum=1)
                batch = gr.Number(4, label=t("train_batch"), precision=0, minimum=1, maximum=1024)
            with gr.Row():
                licence = gr.Textbox(label=t("licence"), max_length=200)
                author = gr.Textbox(label=t("author"), max_length=200)
            more = gr.Textbox(label=t("train_more"), lines=3, max_length=10_000)
            _note(word("train_consent"))
            with gr.Row():
                begin = gr.Button(t("train_begin"), variant="primary", elem_id="vv-train-begin")
                resume = gr.Button(t("train_resume"), elem_id="vv-train-resume")
        publish = gr.Button(t("train_publish"), elem_id="vv-train-publish")

        shown = [self.status, self.timer, log]
        on = self._on
        on(create.click, self._create, [fresh], [self.name, fresh, *shown])
        opened = [self.name, self.base, self.no_base, *shown]
        on(tab.select, self._opened, [self.name, self.base], opened)
        for event in (refresh.click, self.timer.tick):
            on(event, self._look, [self.name], shown)
        for event in (refresh.click, self.timer.tick, self.name.change):
            on(event, self._hear, [self.name, known], [heard, known])
            on(event, self._found, [self.name, seen], [self.report, self.clip, seen])
        on(self.name.change, self._look, [self.name], shown)
        on(files.upload, self._add, [self.name, files], [files, *shown])
        on(prepare.click, self._prepare, [self.name, self.base, language], shown)
        on(self.clip.change, self._clip, [self.name, self.clip], [player, text, use])
        on(keep.click, self._keep, [self.name, self.clip, text, use], [])
        settings = [self.name, self.base, steps, batch, licence, author, more]
        on(begin.click, self._begin, settings, shown)
        on(resume.click, self._resume, [self.name, steps], shown)
        on(stop.click, self._stop, [self.name], shown)
        on(publish.click, self._publish, [self.name], [self.parts.voice])

    @staticmethod
    def _on(event: Any, handler: Callable[..., Any], inputs: list[Any], outputs: list[Any]) -> None:
        event(told(handler), inputs, outputs, show_progress="hidden", api_visibility="private")

    def _create(self, name: str) -> tuple[Any, ...]:
        name = (name or "").strip()
        self.trainings.create(name)
        choices = gr.update(choices=self.trainings.names(), value=name)
        return choices, "", *self._look(name)

    def _opened(self, name: str | None, base: str | None) -> tuple[Any, ...]:
        names, bases = self.trainings.names(), list(find_bases())
        name = name if name in names else (names[0] if names else None)
        base = base if base in bases else (bases[0] if bases else None)
        return (
            gr.update(choices=names, value=name),
            gr.update(choices=bases, value=base),
            "" if bases else f"<p>{word('train_no_base')} <code>{BASES}</code></p>",
            *self._look(name),
        )

    def _look(self, name: str | None) -> tuple[Any, ...]:
        if not name:
            return f"<p>{word('train_none')}</p>", gr.Timer(active=False), ""
        status = self.trainings.status(name)
        return (
            _status_html(self.trainings, name, status),
            gr.Timer(active=bool(status.doing)),
            f'<pre class="vv-scroll" tabindex="0" role="group" aria-label="{name}">'
            f"{escape(status.told)}</pre>",
        )

    def _hear(self, name: str | None, known: str) -> tuple[Any, ...]:
        labels = self.trainings.samples(name) if name else []
        now = f"{name} {labels}"
        if not name or now == known:
            return gr.skip(), known
        said = {one["step"]: one.get("said", []) for one in self.trainings.history(name)}
        sounds = [(_title(label, said), self.trainings.sample(name, label)) for label in labels]
        return "".join(_player(title, sound) for title, sound in sounds), now

    def _found(self, name: str | None, seen: str) -> tuple[Any, ...]:
        now = f"{name} {self.trainings.reported(name)}" if name else ""
        if now == seen:
            return gr.skip(), gr.skip(), seen
        report = self.trainings.report(name) if name else {}
        choices = [(_label(one), one["id"]) for one in report.get("clips", ())]
        update = gr.update(choices=choices, value=choices[0][1] if choices else None)
        return _report_html(report), update, now

    def _add(self, name: str | None, files: list[str] | None) -> tuple[Any, ...]:
        paths = [Path(one) for one in files or ()]
        try:
            self.trainings.add(name or "", paths)
        finally:
            for path in paths:
                path.unlink(missing_ok=True)
        return None, *self._look(name)

    def _prepare(self, name: str | None, base: str | None, language: str) -> tuple[Any, ...]:
        self.trainings.prepare(name or "", base or "", language)
        return self._look(name)

    def _clip(self, name: str | None, id_: str | None) -> tuple[Any, ...]:
        if not name or not id_:
            return "", "", "judged"
        one = self.trainings.clip(name, id_)
        changed = one["correction"]
        use = next(key for key, value in _USES.items() if value is changed.get("use"))
        faults = "".join(f"<li>{escape(each['why'])}</li>" for each in one["rejected"])
        player = _player(id_, self.trainings.sound(name, id_))
        return f"{player}<ul>{faults}</ul>", changed.get("text", one["text"]), use

    def _keep(self, name: str | None, id_: str | None, text: str, use: str) -> None:
        self.trainings.correct(name or "", id_ or "", text or "", _USES[use])

    def _begin(
        self,
        name: str | None,
        base: str | None,
        steps: float,
        batch: float,
        licence: str,
        author: str,
        more: str,
    ) -> tuple[Any, ...]:
        settings = f"steps: {int(steps or 1)}\nbatch_size: {int(batch or 1)}\n{more or ''}"
        card = {"licence": (licence or "").strip(), "author": (author or "").strip()}
        self.trainings.train(name or "", base or "", card, settings)
        return self._look(name)

    def _resume(self, name: str | None, steps: float | None) -> tuple[Any, ...]:
        self.trainings.resume(name or "", int(steps) if steps else None)
        return self._look(name)

    def _stop(self, name: str | None) -> tuple[Any, ...]:
        self.trainings.stop(name or "")
        return self._look(name)

    def _publish(self, name: str | None) -> Any:
        self.trainings.publish(name or "")
        names = [info.name for info in self.parts.services.voices.infos()]
        return gr.update(choices=names, value=name)


def _note(html: str) -> None:
    gr.HTML(f'<p class="vv-small">{html}</p>', padding=False)


def _status_html(trainings: Trainings, name: str, status: Status) -> str:
    told = [f"{word('train_recordings')}: {status.recordings}"]
    for flag, key in (
        (status.prepared, "train_is_prepared"),
        (status.begun, "train_is_begun"),
        (status.done, "train_is_done"),
    ):
        if flag:
            told.append(word(key))
    html = f'<p class="vv-small">{" · ".join(told)}</p>'
    if status.doing:
        key = "train_prepares" if status.doing == "prepare" else "train_trains"
        html += (
            f'<p role="status" data-doing="{status.doing}">{word(key)} {_clock(status.seconds)}</p>'
        )
    if status.steps:
        html += (
            f"<p>{word('train_step')} {status.step} / {status.steps}"
            + (f" · {word('train_left')} {_clock(status.left)}" if status.left is not None else "")
            + f'</p><progress max="{status.steps}" value="{status.step}" aria-label="{name}">'
            + "</progress>"
        )
    if status.error:
        html += f'<p role="alert" class="vv-error">{escape(status.error)}</p>'
    series: dict[str, list[tuple[int, float]]] = {}
    for entry in trainings.history(name):
        for key, value in {**entry.get("losses", {}), **entry.get("validation", {})}.items():
            series.setdefault(key, []).append((entry["step"], value))
    return html + "".join(curve(key, series[key]) for key in SHOWN if key in series)


def _report_html(report: dict[str, Any]) -> str:
    if not report:
        return f"<p>{word('train_no_report')}</p>"
    summary = report["summary"]
    said = [f"{summary['used']} / {summary['clips']} · {_clock(summary['seconds'])}"]
    said += [*report["advice"], *report["notes"]]
    said += [f"{one['where']}: {one['what']}" for one in report["problems"]]
    rows = [
        (_label(one), one["text"], " ".join(each["why"] for each in one["rejected"]))
        for one in report["clips"][:_MOST_ROWS]
    ]
    items = "".join(f"<li>{escape(one)}</li>" for one in said)
    return f"<ul>{items}</ul>" + table("train_clips", ("train_clip", "text", "note"), rows)


def _label(clip: dict[str, Any]) -> str:
    mark = "✓" if clip["used"] else "✗"
    return f"{mark} {clip['id']} ({clip['seconds']:.1f} s)"


def _title(label: str, said: dict[int, list[str]]) -> str:
    """Of a sample STEP-CLIP: its step, and what it says."""
    step, clip = map(int, label.split("-"))
    texts = said.get(step, [])
    return f"{step}: {texts[clip] if clip < len(texts) else clip}"


def _player(label: str, sound: bytes) -> str:
    if not sound:
        return ""
    data = base64.b64encode(sound).decode()
    return (
        f'<p class="vv-small">{escape(label)}<br><audio controls preload="none" '
        f'aria-label="{escape(label)}" src="data:audio/mpeg;base64,{data}"></audio></p>'
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
