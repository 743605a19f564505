"""Requests made of the interface's own description: none is answered by a fault of the server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings

from tests.serve.conftest import PATIENCE, running, settings
from vinovits.serve.voices import VoiceFolders


@pytest.fixture(scope="module")
def described(folders: VoiceFolders) -> Iterator[Any]:
    with running(settings(max_queue=64, max_jobs=3, deadline=30), folders) as server:
        yield schemathesis.openapi.from_url(f"{server.url}/openapi.json")


interface = schemathesis.pytest.from_fixture("described")


@interface.parametrize()
@hypothesis_settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_request_of_the_description_makes_a_fault(case: schemathesis.Case) -> None:
    answer = case.call(timeout=PATIENCE)
    assert answer.status_code < 500, (case.as_curl_command(), answer.text[:300])
    assert "Traceback" not in answer.text
