"""The outermost layer: request ids, limits, problems for everything, counts, and silent logs."""

import json
import re
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest
from fastapi import FastAPI
from httpx import AsyncClient, Response
from prometheus_client import REGISTRY

from gateway.api.edge import BODY_MAX_BYTES, BULK_BODY_MAX_BYTES
from gateway.app import build
from tests.contract import hold_problem
from tests.world import BILLER, CUSTOMER, World

MADE = re.compile(r"[0-9a-f]{32}")
BILLS = f"/v1/billers/{BILLER}/bills"
REVERSAL = f"/v1/payments/pay_{'0' * 32}/reversal"


def counted(name: str, **labels: str) -> float:
    """Read a counter of this process."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


# ── request ids ──────────────────────────────────────────────────────────────────────────────────

PATHS = ["/health/live", "/v1/bills", "/v1/payments", "/nothing", "/openapi.json", "/metrics"]


@pytest.mark.parametrize("path", PATHS)
async def test_a_callers_request_id_comes_back_on_every_answer(api: AsyncClient, path: str) -> None:
    answer = await api.get(path, headers={"x-request-id": "Trace-1:a_b.c"})
    assert answer.headers.get_list("x-request-id") == ["Trace-1:a_b.c"]


@pytest.mark.parametrize("path", PATHS)
async def test_without_one_an_id_is_made_anew_for_each_request(api: AsyncClient, path: str) -> None:
    made = [(await api.get(path)).headers["x-request-id"] for _ in range(2)]
    assert all(MADE.fullmatch(request_id) for request_id in made)
    assert made[0] != made[1]


@pytest.mark.parametrize(
    "sent", [b"", b"short", b"x" * 65, b"with blank", b"a\tb-----", b"{injected}", b"caf\xe9-1234"]
)
async def test_an_id_of_another_shape_is_replaced(api: AsyncClient, sent: bytes) -> None:
    answer = await api.get("/v1/bills", headers=[(b"x-request-id", sent)])
    assert MADE.fullmatch(answer.headers["x-request-id"])


async def test_a_repetition_has_its_own_id_around_the_first_ones_body(
    api: AsyncClient, world: World
) -> None:
    order, headers = world.order("HD-NONE"), world.headers("bank", world.new_key())
    first = await api.post(
        "/v1/payments", json=order, headers=headers | {"x-request-id": "first-try"}
    )
    again = await api.post(
        "/v1/payments", json=order, headers=headers | {"x-request-id": "second-try"}
    )
    assert again.headers["x-request-id"] == "second-try"
    assert again.json()["request_id"] == first.json()["request_id"] == "first-try"


# ── limits ───────────────────────────────────────────────────────────────────────────────────────


async def chunks(size: int) -> AsyncIterator[bytes]:
    """Send a body without saying how long it is."""
    for start in range(0, size, 10_000):
        yield b" " * min(10_000, size - start)


async def send(
    api: AsyncClient, world: World, path: str, size: int, *, is_chunked: bool
) -> Response:
    partner = "utility" if path == BILLS else "bank"
    method = "PUT" if path == BILLS else "POST"
    headers = world.headers(partner, world.new_key()) | {"content-type": "application/json"}
    content = chunks(size) if is_chunked else b" " * size
    return await api.request(method, path, content=content, headers=headers)


LIMITS = [
    ("/v1/payments", BODY_MAX_BYTES),
    (REVERSAL, BODY_MAX_BYTES),
    (BILLS, BULK_BODY_MAX_BYTES),
]


@pytest.mark.parametrize("is_chunked", [False, True], ids=["declared", "chunked"])
@pytest.mark.parametrize(("path", "limit"), LIMITS)
async def test_a_body_over_the_limit_is_refused_and_one_at_the_limit_read(
    api: AsyncClient, world: World, path: str, limit: int, *, is_chunked: bool
) -> None:
    over = await send(api, world, path, limit + 1, is_chunked=is_chunked)
    assert (over.status_code, over.json()["code"]) == (413, "body_too_large")
    full = await send(api, world, path, limit, is_chunked=is_chunked)
    assert (full.status_code, full.json()["code"]) == (400, "json_malformed")
    assert sum((await world.moved()).values()) == 0


@pytest.mark.parametrize("declared", ["65537", "9" * 30, "-1", "1e3", "abc"])
async def test_a_length_that_is_too_long_or_none_is_refused_before_a_byte_is_read(
    api: AsyncClient, world: World, declared: str
) -> None:
    headers = world.headers("bank", world.new_key()) | {"content-length": declared}
    refused = await api.post(REVERSAL, content=chunks(1), headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")


# ── everything is a problem ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "path", ["/nothing", "/v1", "/v1/bills/", "/v1/billers/", "/v1/payments/x/y", "/%00"]
)
async def test_an_unknown_path_is_a_problem_and_no_redirect(api: AsyncClient, path: str) -> None:
    answer = await api.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "route_unknown")
    hold_problem(answer)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/payments", {"GET", "POST"}),
        ("PUT", "/v1/bills", {"GET"}),
        ("OPTIONS", "/v1/bills", {"GET"}),
        ("POST", "/health/live", {"GET"}),
        ("PATCH", BILLS, {"GET", "PUT"}),
        ("BREW", "/v1/billers", {"GET"}),
    ],
)
async def test_a_method_that_the_path_lacks_is_a_problem_naming_those_that_it_has(
    api: AsyncClient, method: str, path: str, allowed: set[str]
) -> None:
    answer = await api.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    hold_problem(answer)
    assert {name.strip() for name in answer.headers["allow"].split(",")} == allowed


@pytest.mark.parametrize(
    ("hot", "route"),
    [(None, "POST /v1/payments"), ({}, "POST unmatched")],
    ids=["thin", "ordinary"],
)
async def test_a_client_that_is_gone_is_answered_nothing_and_counted(
    world: World, hot: dict[tuple[str, str], Any] | None, route: str
) -> None:
    app, sent = build(lambda: world.rt, hot=hot), []
    cast("FastAPI", app.app).state.runtime = world.rt
    before = counted("gateway_requests_total", route=route, status="499")

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def take(message: object) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/payments",
        "query_string": b"",
        "headers": [],
    }
    await app(scope, receive, take)
    assert sent == []
    assert counted("gateway_requests_total", route=route, status="499") == before + 1


# ── counts and logs ──────────────────────────────────────────────────────────────────────────────


async def test_answers_and_problems_are_counted_by_route_never_by_what_was_asked(
    api: AsyncClient, world: World
) -> None:
    asked: list[tuple[Callable[[], Any], str, dict[str, str]]] = [
        (lambda: world.look_up(api), "gateway_requests_total",
         {"route": "GET /v1/bills", "status": "200"}),
        (lambda: world.read(api, "/payments/pay_1"), "gateway_requests_total",
         {"route": "GET /v1/payments/{payment_id}", "status": "404"}),
        (lambda: api.get("/a-path-of-nobody"), "gateway_requests_total",
         {"route": "GET unmatched", "status": "404"}),
        (lambda: api.request("BREW", "/v1/bills"), "gateway_requests_total",
         {"route": "other", "status": "405"}),
        (lambda: api.get("/v1/bills"), "gateway_problems_total", {"code": "unauthenticated"}),
    ]  # fmt: skip
    for ask, name, labels in asked:
        before = counted(name, **labels)
        await ask()
        assert counted(name, **labels) == before + 1, labels
    text = (await api.get("/metrics")).text
    assert "a-path-of-nobody" not in text
    assert "BREW" not in text


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if '"request.answered"' in line]


async def test_each_answer_is_one_log_line_with_its_request_id(
    api: AsyncClient, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    await api.get("/v1/bills", headers={"x-request-id": "one-of-mine"})
    await world.read(api, "/payments/pay_1")
    bad, missing = lines_of(capsys.readouterr().err)
    assert (
        bad.items()
        >= {
            "request_id": "one-of-mine",
            "route": "GET /v1/bills",
            "status": 401,
            "code": "unauthenticated",
            "level": "info",
        }.items()
    )
    assert (missing["route"], missing["status"]) == ("GET /v1/payments/{payment_id}", 404)


async def test_no_key_token_name_or_address_is_ever_logged(
    api: AsyncClient, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    bill = await world.add_bill()
    forged = "sk_test_canary-of-a-wrong-key"
    token = (await world.look_up(api)).json()["lookup_token"]
    payment = (await world.pay(api, bill, lookup_token=token)).json()["id"]
    await world.pay(api, bill, lookup_token=token + "x")
    await world.pay(api, "HD-NONE", partner="wallet")
    await world.reverse(api, payment, reason="chim-hoang-yen")
    await world.reverse(api, payment, reason="chim-hoang-yen\u200b")
    person = {"code": CUSTOMER, "name": "Canary\u0000", "address": "9 Canary", "area_code": "32008"}
    headers = world.headers("utility")
    await api.put(f"/v1/billers/{BILLER}/customers", json={"customers": [person]}, headers=headers)
    for path in ("/v1/bills", "/v1/payments", f"/v1/bills?customer_code={forged}"):
        await api.get(path, headers={"authorization": f"Bearer {forged}"})
    seen = capsys.readouterr()
    written = seen.out + seen.err
    assert len(lines_of(seen.err)) == 10
    secrets = [forged, token, "canary", "chim-hoang-yen", "Nguyễn", *world.keys.values()]
    assert [secret for secret in secrets if secret.casefold() in written.casefold()] == []
