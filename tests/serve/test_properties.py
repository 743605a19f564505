"""Requests made of the interface's own description: none is answered by a fault of the server."""

from __future__ import annotations

import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings

from tests.serve.conftest import PATIENCE, running, settings
from vinovits.serve.voices import VoiceFolders

EXAMPLES = 4
"""Of each operation: some hundreds in all."""


def test_no_request_of_the_description_makes_a_fault(folders: VoiceFolders) -> None:
    asked = 0
    with running(settings(max_queue=64, max_jobs=3, deadline=30), folders) as server:
        interface = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
        for found in interface.get_all_operations():
            operation = found.ok()

            @hypothesis_settings(
                max_examples=EXAMPLES,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(operation.as_strategy())
            def check(case: schemathesis.Case) -> None:
                nonlocal asked
                asked += 1
                answer = case.call(timeout=PATIENCE)
                known = answer.status_code < 500 or answer.status_code == 501
                assert known, (case.as_curl_command(), answer.content[:300])
                assert b"Traceback" not in answer.content

            check()
    assert asked > 100
