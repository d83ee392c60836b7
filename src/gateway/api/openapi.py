"""OpenAPI 3.1 of the API: routes say what they take and give; we read the bodies ourselves.

FastAPI's own body parsing lets duplicate keys pass, so a route declares its models with
`described` and reads them with `api.reading`.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.api.problem_table import TABLE
from gateway.api.problems import MEDIA_TYPE, Problem

VERSION = "1.0.0"
REF = "#/components/schemas/{model}"

ALWAYS = ("unauthenticated", "scope_missing", "database_unavailable", "internal_error")
WITH_BODY = ("json_malformed", "request_invalid", "body_too_large", "media_type_unsupported")
WITH_KEY = (
    "idempotency_key_missing",
    "idempotency_key_invalid",
    "idempotency_key_reused",
    "still_processing",
    "overloaded",
    "outcome_unknown",
)

_models: set[type[BaseModel]] = set()

IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "16 to 128 of `A-Z a-z 0-9 _ - . :`, new for each payment, the same on each "
    "retry. Kept 45 days; your `partner_reference` protects you for ever.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{16,128}$"},
    "example": "5f3a9c1e-7d2b-4c8a-9e61-0b8d2f4a6c10",
}
REPLAYED = {
    "Idempotent-Replayed": {
        "description": "`true` when this is the stored answer of an earlier request",
        "schema": {"type": "string", "enum": ["true"]},
    }
}


def described(  # noqa: PLR0913 (each names one part of an operation)
    *,
    answer: Any,
    status: int = 200,
    body: type[BaseModel] | tuple[type[BaseModel], ...] | None = None,
    query: type[BaseModel] | None = None,
    errors: Iterable[str] = (),
    is_idempotent: bool = False,
    later: str | None = None,
    examples: dict[str, Any] | None = None,
    files: Iterable[str] = (),
) -> dict[str, Any]:
    """Give the arguments by which a FastAPI route tells OpenAPI what it takes and gives.

    `later`: what a 202 says, where the same answer may come before the outcome is known. `files`:
    the media types of a download, which has no model.
    """
    extra: dict[str, Any] = {"parameters": []}
    codes = [*errors, *ALWAYS]
    if body is not None:
        forms = body if isinstance(body, tuple) else (body,)
        _models.update(forms)
        refs = [{"$ref": REF.format(model=form.__name__)} for form in forms]
        content: dict[str, Any] = {"schema": refs[0] if len(refs) == 1 else {"oneOf": refs}}
        if examples:
            content["examples"] = examples
        extra["requestBody"] = {"required": True, "content": {"application/json": content}}
        codes += WITH_BODY
    if query is not None:
        extra["parameters"] += _parameters(query)
        codes.append("request_invalid")
    if is_idempotent:
        extra["parameters"].append(IDEMPOTENCY_KEY)
        codes += WITH_KEY
    success: dict[str, Any] = {"model": answer, "description": "Done"}
    if binary := {kind: {"schema": {"type": "string", "format": "binary"}} for kind in files}:
        success = {"content": binary, "description": "The file"}
    if is_idempotent:
        success["headers"] = REPLAYED
    return {
        "status_code": status,
        "response_model": None,
        "responses": {
            status: success,
            **({202: success | {"description": later}} if later else {}),
            **_problem_responses(codes),
        },
        "openapi_extra": extra,
    }


def also(model: type[BaseModel]) -> None:
    """Put a model into the document that no route names."""
    _models.add(model)


def _parameters(query: type[BaseModel]) -> list[dict[str, Any]]:
    schema = query.model_json_schema(ref_template=REF)
    _models.add(query)
    required = schema.get("required", [])
    found = []
    for name, rule in schema["properties"].items():
        parameter = {"name": name, "in": "query", "required": name in required, "schema": rule}
        if "description" in rule:
            parameter["description"] = rule.pop("description")
        if "examples" in rule:
            parameter["example"] = rule.pop("examples")[0]
        found.append(parameter)
    return found


def _problem_responses(codes: Iterable[str]) -> dict[int | str, dict[str, Any]]:
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in dict.fromkeys(codes):
        by_status[TABLE[code].status].append(code)
    return {
        status: {
            "description": "; ".join(f"`{code}` {TABLE[code].title}" for code in same),
            "content": {MEDIA_TYPE: {"schema": {"$ref": REF.format(model=Problem.__name__)}}},
        }
        for status, same in sorted(by_status.items())
    }


def install(app: FastAPI, *, description: str, webhooks: dict[str, Any]) -> None:
    """Make `app.openapi()` give the whole document, made once."""
    made: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(_document(app, description, webhooks))
        return made

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _document(app: FastAPI, description: str, webhooks: dict[str, Any]) -> dict[str, Any]:
    document = get_openapi(
        title="Bill payment gateway",
        version=VERSION,
        summary="Look up a bill, pay it once, tell the billing system",
        description=description,
        routes=app.routes,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        servers=[{"url": "/", "description": "This gateway"}],
    )
    named: list[type[BaseModel]] = sorted([*_models, Problem], key=lambda model: model.__name__)
    _, defined = models_json_schema([(model, "validation") for model in named], ref_template=REF)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.update(defined["$defs"])
    for unused in ("HTTPValidationError", "ValidationError", *_query_names()):
        schemas.pop(unused, None)
    components["securitySchemes"] = {
        "apiKey": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key: `sk_test_…` or `sk_live_…`",
        }
    }
    document["webhooks"] = webhooks
    _tidy(document)
    return document


def _query_names() -> list[str]:
    return [model.__name__ for model in _models if model.__name__.endswith("Query")]


def _tidy(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for operation in item.values():
            operation["responses"].pop("422", None) if _lacks_input(operation) else None
            operation["security"] = [{"apiKey": []}] if path.startswith("/v1/") else []


def _lacks_input(operation: dict[str, Any]) -> bool:
    content = operation["responses"].get("422", {}).get("content", {})
    return "application/json" in content and MEDIA_TYPE not in content
