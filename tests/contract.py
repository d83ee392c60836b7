"""Holds every answer of the API against openapi.yaml; the `api` fixture does so for all tests."""

import re
from functools import cache
from typing import Any

from httpx import Request, Response
from jsonschema_rs import Draft202012Validator

from gateway.api.problem_table import TABLE
from gateway.api.problems import MEDIA_TYPE
from gateway.app import fastapi_app
from gateway.runtime import Runtime

MEMBERS = {
    "type",
    "title",
    "status",
    "code",
    "detail",
    "detail_vi",
    "request_id",
    "money_may_have_moved",
    "retry",
}


def _no_runtime() -> Runtime:
    raise AssertionError


DOORS = (
    *("/v1/notifications/", "/v1/confirmations/", "/v1/returns/"),
    *("/v1/credits/", "/v1/collections/", "/v1/texts/"),
)


@cache
def document() -> dict[str, Any]:
    """Give the API's OpenAPI document."""
    return fastapi_app(_no_runtime).openapi()


@cache
def validator_of(model: str) -> Draft202012Validator:
    """Give a validator of one component of the document."""
    schema = {"$ref": f"#/components/schemas/{model}", "components": document()["components"]}
    return Draft202012Validator(schema, validate_formats=True)


def faults_of(model: str, value: object) -> list[str]:
    """Name what of `value` is not as the component `model` says."""
    return [str(fault) for fault in validator_of(model).iter_errors(value)]


def faults_in(schema: dict[str, Any], value: object) -> list[str]:
    """Name what of `value` is not as a schema of the document says."""
    whole = schema | {"components": document()["components"]}
    validator = Draft202012Validator(whole, validate_formats=True)
    return [str(fault) for fault in validator.iter_errors(value)]


def model_of(content: dict[str, Any]) -> str:
    """Give the name of the component that a response's content refers to."""
    return str(content["schema"]["$ref"]).rpartition("/")[2]


@cache
def _paths() -> list[tuple[re.Pattern[str], str]]:
    """Give the templates as patterns, those with the fewest parameters first."""
    templates = sorted(document()["paths"], key=lambda path: path.count("{"))
    return [
        (re.compile(re.sub(r"\{[^}]*\}", "[^/]+", re.sub(r"\{partner_\w+\}", ".+", t))), t)
        for t in templates
    ]


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """Find the documented operation of a request, if there is one."""
    for pattern, template in _paths():
        if pattern.fullmatch(path):
            found: dict[str, Any] | None = document()["paths"][template].get(method.lower())
            if found is not None:
                return found
    return None


async def hold(response: Response) -> None:
    """Hold an answer against the document: status, media type, body, and a problem's members."""
    await response.aread()
    method, path = response.request.method, response.request.url.path
    assert re.fullmatch(r"[A-Za-z0-9_.:-]{8,64}", response.headers["x-request-id"])
    if method == "HEAD" or not path.startswith(("/v1/", "/health/")):
        return
    # What providers and their browsers call speaks each provider's protocol, not ours.
    if path.startswith(DOORS):
        return
    media_type = response.headers["content-type"].partition(";")[0]
    if media_type == MEDIA_TYPE:
        hold_problem(response)
    operation = operation_of(method, path)
    if operation is None:
        assert response.status_code in {404, 405}, f"{method} {path} is not documented"
        return
    documented = operation["responses"].get(str(response.status_code))
    assert documented, f"{method} {path} may not answer {response.status_code}: {response.text}"
    content = documented["content"].get(media_type)
    assert content, f"{method} {path} may not answer {media_type}"
    if content["schema"].get("format") == "binary":
        return
    assert faults_in(content["schema"], response.json()) == []


def hold_problem(response: Response) -> None:
    """Hold a problem against RFC 9457, the table, and its own headers."""
    problem = response.json()
    assert set(problem) >= MEMBERS
    entry = TABLE[problem["code"]]
    assert problem["type"] == f"/problems/{problem['code']}"
    assert problem["status"] == response.status_code == entry.status
    assert problem["title"] == entry.title
    assert problem["money_may_have_moved"] is (
        entry.money_may_have_moved or (moves_money(response.request) and says_nothing(problem))
    )
    assert problem["retry"] == entry.retry
    assert problem["detail"]
    assert problem["detail_vi"]
    is_replay = "idempotent-replayed" in response.headers
    if not is_replay:
        assert problem["request_id"] == response.headers["x-request-id"]
        assert response.headers.get("retry-after") == _text(problem.get("retry_after_s"))


def moves_money(request: Request) -> bool:
    """Say whether a request pays or reverses."""
    return request.method == "POST" and request.url.path.startswith(
        ("/v1/payments", "/v1/hand-over-lists", "/v1/cash-deposits")
    )


def says_nothing(problem: dict[str, Any]) -> bool:
    """Say whether a refusal came before the key was read: an earlier try may have paid."""
    return problem["code"] in {"unauthenticated", "scope_missing", "overloaded"}


def _text(seconds: int | None) -> str | None:
    return None if seconds is None else str(seconds)
