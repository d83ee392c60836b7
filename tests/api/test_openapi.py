"""The document: valid OpenAPI 3.1, whole, equal to openapi.yaml, true of every route."""

import importlib
import pkgutil
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from fastapi import APIRouter
from fastapi.routing import APIRoute
from httpx import AsyncClient
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

import gateway.api
from gateway.api.openapi import WITH_BODY, WITH_KEY
from gateway.api.problem_table import TABLE
from gateway.api.problems import MEDIA_TYPE
from gateway.app import fastapi_app, openapi_yaml
from gateway.runtime import Runtime
from tests.contract import document

COMMITTED = Path(__file__).parents[2] / "openapi.yaml"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
MONEY = {
    ("/v1/payments", "post"),
    ("/v1/payments/{payment_id}/reversal", "post"),
    ("/v1/payments/{payment_id}/attempts", "post"),
}
DOORS = {
    ("/v1/notifications/{provider}", "get"),
    ("/v1/notifications/{provider}", "post"),
    ("/v1/returns/{provider}", "get"),
}
"""What providers and payers' browsers call, each in its provider's protocol, not ours."""


def no_runtime() -> Runtime:
    raise AssertionError


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in document()["paths"].items()
        for method, operation in item.items()
    ]


def named(part: object) -> str:
    return part if isinstance(part, str) else ""


def test_the_committed_document_is_the_applications_own() -> None:
    made = openapi_yaml(fastapi_app(no_runtime))
    assert COMMITTED.read_text(encoding="utf-8") == made, "python -m gateway openapi > openapi.yaml"


def test_the_document_is_valid_openapi_3_1() -> None:
    assert document()["openapi"].startswith("3.1.")
    assert [str(fault) for fault in OPENAPI_31_VALIDATOR.iter_errors(document())] == []


def test_every_schema_is_valid_and_every_reference_leads_somewhere() -> None:
    for schema in document()["components"]["schemas"].values():
        jsonschema_rs.meta.validate(
            {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema
        )
    pending: list[Any] = [document()]
    while pending:
        part = pending.pop()
        pending += (
            part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
        )
        if isinstance(part, dict) and isinstance(part.get("$ref"), str):
            name = part["$ref"].removeprefix("#/components/schemas/")
            assert name in document()["components"]["schemas"], part


def test_every_route_of_every_module_is_in_the_document() -> None:
    written = set()
    for module in pkgutil.iter_modules(gateway.api.__path__, "gateway.api."):
        router = getattr(importlib.import_module(module.name), "router", APIRouter())
        for route in router.routes:
            assert isinstance(route, APIRoute)
            path = route.path.replace(":path", "")
            written |= {(path, method.lower()) for method in route.methods or ()}
    assert written - DOORS == {(path, method) for path, method, _ in operations()}
    assert written >= DOORS


DOWNLOADS = {"/v1/reports/export"}


@pytest.mark.parametrize(("path", "method", "operation"), operations(), ids=named)
def test_an_operation_says_what_it_does_and_what_it_answers(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    assert operation["summary"]
    assert operation["description"]
    assert operation["operationId"]
    statuses = set(operation["responses"])
    if not path.startswith("/v1/"):
        assert operation["security"] == []
        return
    assert operation["security"] == [{"apiKey": []}]
    assert statuses >= {"401", "403", "500", "503"}
    for status, response in operation["responses"].items():
        if path in DOWNLOADS and status == "200":
            assert all(
                kind["schema"] == {"type": "string", "format": "binary"}
                for kind in response["content"].values()
            )
            continue
        expected = "application/json" if int(status) < 400 else MEDIA_TYPE
        assert list(response["content"]) == [expected]
    if "requestBody" in operation:
        assert statuses >= {str(TABLE[code].status) for code in WITH_BODY}
    assert ((path, method) in MONEY) is ("Idempotency-Key" in parameters(operation))
    if (path, method) in MONEY:
        assert statuses >= {str(TABLE[code].status) for code in WITH_KEY}


def parameters(operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {parameter["name"]: parameter for parameter in operation.get("parameters", [])}


def test_the_key_and_the_query_are_described_as_they_are_read() -> None:
    paths = document()["paths"]
    key = parameters(paths["/v1/payments"]["post"])["Idempotency-Key"]
    assert (key["in"], key["required"]) == ("header", True)
    lookup = parameters(paths["/v1/bills"]["get"])
    assert {name: rule["required"] for name, rule in lookup.items()} == {
        "biller": True,
        "customer_code": True,
    }
    listing = parameters(paths["/v1/payments"]["get"])
    assert listing["limit"]["schema"] | {"title": ""} == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": 20,
        "title": "",
    }
    day = {"type": "string", "format": "date"}
    assert day in listing["from_date"]["schema"]["anyOf"]
    assert {"type": "boolean"} in listing["is_reversed"]["schema"]["anyOf"]


def test_the_webhooks_are_described_with_the_headers_that_sign_them() -> None:
    webhooks = document()["webhooks"]
    assert set(webhooks) == {
        "payment.succeeded",
        "payment.reversed",
        "payment.late_money",
        "payment.conflicted",
    }
    for webhook in webhooks.values():
        headers = parameters(webhook["post"])
        assert set(headers) == {"webhook-id", "webhook-timestamp", "webhook-signature"}


def test_a_request_body_forbids_what_it_does_not_name() -> None:
    schemas = document()["components"]["schemas"]
    bodies = ("PaymentRequest", "BillToPay", "ReversalRequest", "BillIn", "CustomerIn")
    for name in (*bodies, "ProviderPaymentRequest", "ProviderChoice"):
        assert schemas[name]["additionalProperties"] is False, name


async def test_the_application_serves_both_forms_of_its_document(api: AsyncClient) -> None:
    as_json = await api.get("/openapi.json")
    as_yaml = await api.get("/openapi.yaml")
    assert as_json.json() == document()
    assert yaml.safe_load(as_yaml.text) == document()
