"""The description of the interface, `/openapi.json`, with examples of bodies and answers."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from fastapi import FastAPI

_JSON = "application/json"


def describe(app: FastAPI) -> None:
    """Put examples into an app's description, which is made when it is first asked for.

    They lie in data/openapi_examples.json, by method and path.

    Args:
        app: With all its routes.
    """
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = plain()
            _drop_defaults(schema)
            for name, example in _examples().items():
                method, _, path = name.partition(" ")
                if (operation := schema["paths"].get(path, {}).get(method)) is not None:
                    _show(operation, example)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]  # as FastAPI wants it done


def _drop_defaults(schema: dict[str, Any]) -> None:
    """Leave out the answer 422 where FastAPI takes it for granted, and ours is 400."""
    for item in schema["paths"].values():
        for operation in item.values():
            content = operation["responses"].get("422", {}).get("content", {}).get(_JSON, {})
            if content.get("schema", {}).get("$ref", "").endswith("/HTTPValidationError"):
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(name, None)


def _show(operation: dict[str, Any], example: dict[str, Any]) -> None:
    if "body" in example:
        operation["requestBody"]["content"][_JSON]["example"] = example["body"]
    if "answer" in example:
        success = next(status for status in operation["responses"] if status.startswith("2"))
        content = operation["responses"][success].setdefault("content", {})
        content.setdefault(_JSON, {"schema": {}})["example"] = example["answer"]


def _examples() -> dict[str, dict[str, Any]]:
    text = (files("vinovits") / "data" / "openapi_examples.json").read_text("utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found
