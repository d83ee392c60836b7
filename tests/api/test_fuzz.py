"""Schemathesis over the whole document: whatever is sent, the answer is as the document says.

Derandomised, so that a run repeats; GATEWAY_TEST_FUZZ=300 tries more per operation.
"""

import json
import os
from copy import deepcopy
from typing import Any

import pytest
import schemathesis
from httpx import AsyncClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract import document
from tests.world import World

EXAMPLES = int(os.environ.get("GATEWAY_TEST_FUZZ", "15"))
CHECKED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


def unlocked() -> dict[str, Any]:
    """Give the document without its keys: here they are always good, see test_tenant_walls."""
    copy: dict[str, Any] = deepcopy(document())
    for item in copy["paths"].values():
        for operation in item.values():
            del operation["security"]
    return copy


SCHEMA = schemathesis.openapi.from_dict(unlocked())
OPERATIONS = [
    (path, method.upper(), operation)
    for path, item in document()["paths"].items()
    for method, operation in item.items()
]


def can_be_wrong(operation: dict[str, Any]) -> bool:
    """Say whether an operation takes more than names in its path: any text can be a name."""
    places = {parameter["in"] for parameter in operation.get("parameters", [])}
    return "requestBody" in operation or bool(places - {"path"})


POSITIVE = [(path, method, GenerationMode.POSITIVE) for path, method, _ in OPERATIONS]
NEGATIVE = [
    (path, method, GenerationMode.NEGATIVE)
    for path, method, operation in OPERATIONS
    if can_be_wrong(operation)
]


def key_of(path: str) -> str:
    """Say whose key opens an operation."""
    return "utility" if path.startswith("/v1/billers/{biller}/") else "bank"


async def send(api: AsyncClient, case: Case[Any], authorization: dict[str, str]) -> Any:
    """Send a case with a good API key, its body as bytes."""
    asked = case.as_transport_kwargs(base_url="http://gateway")
    content = asked.get("data", b"")
    if "json" in asked:
        content = json.dumps(asked["json"]).encode()
    raw = [(n.encode(), v.encode("latin-1", "replace")) for n, v in asked["headers"].items()
           if n.lower() != "authorization"]  # fmt: skip
    return await api.request(
        asked["method"],
        asked["url"],
        params=asked["params"],
        content=content,
        headers=[*raw, *((n.encode(), v.encode()) for n, v in authorization.items())],
    )


@pytest.mark.parametrize(("path", "method", "mode"), POSITIVE + NEGATIVE)
async def test_whatever_is_sent_is_answered_as_the_document_says(
    api: AsyncClient, world: World, path: str, method: str, mode: GenerationMode
) -> None:
    operation = SCHEMA[path][method]
    cases: list[Case[Any]] = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def collect(case: Case[Any]) -> None:
        cases.append(case)

    collect()
    assert cases
    for case in cases:
        answer = await send(api, case, world.headers(key_of(path)))
        case.validate_response(answer, checks=CHECKED)
    assert (await world.moved())["payments"] == 0
