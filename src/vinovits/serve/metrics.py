"""What the server counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from vinovits.engine.result import Stats
from vinovits.features.cache import counts

_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_FACTORS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 2.0, 5.0)


class _Cache(Collector):
    """What the models that hear the mood of a text keep of texts that come again."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The numbers now."""
        family = CounterMetricFamily(
            "vinovits_feature_cache",
            "Features of sentences that were asked for, by whether they were kept.",
            labels=["result"],
        )
        family.add_metric(["found"], counts.found)
        family.add_metric(["missed"], counts.missed)
        yield family


class Metrics:
    """The numbers of one server."""

    def __init__(self) -> None:
        """Begin at zero, in a registry of its own."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.registry.register(_Cache())
        self.requests = Counter(
            "vinovits_requests",
            "Answers, by route and HTTP status.",
            ["route", "status"],
            registry=self.registry,
        )
        self.waiting = Gauge(
            "vinovits_queue_waiting", "Requests that wait for a worker.", registry=self.registry
        )
        self.running = Gauge(
            "vinovits_queue_running", "Requests that are worked on.", registry=self.registry
        )
        self.hung_up = Counter(
            "vinovits_hung_up", "Callers who left before the end.", registry=self.registry
        )
        self.units = Counter(
            "vinovits_job_units",
            "Parts of jobs that are done: made, or found made before.",
            ["how"],
            registry=self.registry,
        )
        self._audio = Counter(
            "vinovits_audio_seconds", "Speech made, in seconds.", registry=self.registry
        )
        self._engine = Counter(
            "vinovits_engine_seconds", "Waited for samples, in seconds.", registry=self.registry
        )
        self._stages = Counter(
            "vinovits_stage_seconds", "Work, in seconds.", ["stage"], registry=self.registry
        )
        self._first = Histogram(
            "vinovits_first_chunk_seconds",
            "From the start of the work to the first samples.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._factor = Histogram(
            "vinovits_real_time_factor",
            "Seconds of work for a second of speech.",
            buckets=_FACTORS,
            registry=self.registry,
        )

    def spoken(self, stats: Stats) -> None:
        """Count a text that was spoken to its end."""
        self._audio.inc(stats.audio_seconds)
        self._engine.inc(stats.wall_seconds)
        self._first.observe(stats.first_chunk_seconds)
        self._factor.observe(stats.real_time_factor)
        for stage, seconds in stats.stages.items():
            self._stages.labels(stage).inc(seconds)

    def text(self) -> bytes:
        """All numbers in Prometheus' text form."""
        return generate_latest(self.registry)
