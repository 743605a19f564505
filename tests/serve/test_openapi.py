"""The description of the interface is complete, and changes only where it is meant to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.serve.conftest import Running
from tests.serve.openapi import SNAPSHOT, described, operations


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return described()


def resolved(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in node:
        found: dict[str, Any] = schema
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return found
    return node


def has_example(schema: dict[str, Any], content: dict[str, Any]) -> bool:
    """Whether a body is shown: as a whole, or each field that it must have."""
    if "example" in content or "examples" in content:
        return True
    node = resolved(schema, content.get("schema", {}))
    if "example" in node or "examples" in node or node.get("format") == "binary":
        return True
    fields = node.get("properties", {})
    return bool(fields) and all("examples" in fields[name] for name in node.get("required", []))


def contents(answers: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for status, answer in answers.items():
        for kind, content in answer.get("content", {}).items():
            yield status, kind, content


def test_every_operation_is_described(schema: dict[str, Any]) -> None:
    for name, operation in operations(schema):
        assert operation.get("summary"), name
        assert operation.get("description", "").strip().endswith((".", ")")), name
        assert operation.get("tags"), name


def test_every_operation_has_examples(schema: dict[str, Any]) -> None:
    missing = []
    for name, operation in operations(schema):
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            if not has_example(schema, content):
                missing.append(f"{name}: body, {kind}")
        for status, kind, content in contents(operation["responses"]):
            if kind == "application/json" and not has_example(schema, content):
                missing.append(f"{name}: answer {status}")
    assert not missing, "\n".join(missing)


def test_every_operation_tells_its_errors(schema: dict[str, Any]) -> None:
    for name, operation in operations(schema):
        told = set(operation["responses"])
        assert "4XX" in told, name
        assert "5XX" in told, name


def test_the_description_is_as_it_was(schema: dict[str, Any]) -> None:
    before = json.loads(SNAPSHOT.read_text("utf-8"))
    advice = "If that is meant, run: python -m tests.serve.openapi"
    assert schema["paths"].keys() == before["paths"].keys(), advice
    for path in before["paths"]:
        assert schema["paths"][path] == before["paths"][path], advice
    assert schema == before, advice


def test_examples_have_the_fields_of_real_answers(served: Running, schema: dict[str, Any]) -> None:
    paths = ("/v1/models", "/v1/audio/voices", "/api/voices", "/api/jobs", "/api/lexicon", "/live")
    theirs = ("/models/info", "/status", "/speakers", "/engine_manifest", "/supported_devices")
    for path in (*paths, *theirs, "/ready", "/health", "/version", "/core_versions"):
        [example] = [
            content["example"]
            for status, _, content in contents(schema["paths"][path]["get"]["responses"])
            if status == "200"
        ]
        answer = served.get(path).json()
        assert type(answer) is type(example), path
        if isinstance(example, dict) and path != "/models/info":
            # What is null is left out of descriptions.
            empty = {key for key, value in answer.items() if value is None}
            assert answer.keys() - empty == example.keys() - empty, path
        for key in ("voices", "data"):  # and those of the first of many
            if isinstance(example, dict) and isinstance(example.get(key), list):
                assert answer[key][0].keys() == example[key][0].keys(), path


def test_examples_of_bodies_are_taken(served: Running, schema: dict[str, Any]) -> None:
    for name, operation in operations(schema):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        if "example" in content and name != "post /api/lexicon":
            body = {**content["example"], "voice": "tiny"}
            answer = served.post(name.removeprefix("post "), body)
            assert answer.status_code < 300, f"{name}: {answer.text}"
