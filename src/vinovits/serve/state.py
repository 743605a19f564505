"""How the server is: for those who run it, and what starts and stops it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, Response

from vinovits import __version__
from vinovits.serve.services import Services


def routes(services: Services) -> APIRouter:
    """/live, /ready, /health and /metrics."""
    router = APIRouter(tags=["State"])

    @router.get("/live")
    async def live() -> dict[str, str]:
        """The server answers; it needn't be able to speak."""
        return {"status": "ok"}

    @router.get("/ready")
    async def ready() -> JSONResponse:
        """Whether requests should be sent here: 503 while the first voice loads, and at the end."""
        status = _status(services)
        return JSONResponse({"status": status}, 200 if status == "ok" else 503)

    @router.get("/health")
    def health() -> dict[str, Any]:
        """What is loaded, the devices where each graph really runs, and how busy the server is."""
        return {
            "status": _status(services),
            "version": __version__,
            "queue": {
                "running": services.work.running,
                "waiting": services.work.waiting,
                "workers": services.settings.workers,
                "most_waiting": services.settings.max_queue,
            },
            "jobs": services.jobs.counts(),
            "voices": {
                name: {
                    graph: {
                        "devices": list(info.devices),
                        "precision": info.precision,
                        "shapes": info.shapes,
                        "note": info.note,
                    }
                    for graph, info in voice.graphs().items()
                }
                for name, voice in services.voices.loaded().items()
            },
        }

    @router.get("/metrics", response_class=Response)
    def metrics() -> Response:
        """The numbers, for Prometheus."""
        return Response(services.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router


def _status(services: Services) -> str:
    if services.work.draining:
        return "draining"
    if services.failed:
        return "failed"
    return "ok" if services.ready else "loading"
