"""The application: thin and ordinary routes answer alike, and it opens and closes its Runtime."""

import json
from typing import Any

import pytest
from httpx import Response

from gateway.api.edge import Hot
from gateway.app import HOT, build
from gateway.domain.partner import Scope
from gateway.runtime import Runtime
from gateway.settings import Settings, open_runtime
from tests.conftest import client_of
from tests.conftest import open_runtime as runtime_on
from tests.world import BILLER, CUSTOMER, World

LOOKUP = f"/v1/bills?biller={BILLER}&customer_code="
JSON = {"content-type": "application/json"}
KEY = "key-of-a-comparison-0001"
HEADERS = ("content-type", "retry-after", "www-authenticate", "idempotent-replayed", "allow")

Asked = tuple[str, str, dict[str, str], bytes]


def requests(world: World, bill: str) -> list[Asked]:
    """Give requests good and bad of the thin routes, in an order in which each makes sense."""
    bank, reader = world.headers("bank"), world.headers("reader")
    order = world.order(bill, channel="qr", partner_reference=f"REF-{bill}")
    good = json.dumps(order).encode()
    key = {"idempotency-key": f"{KEY}-{bill}"}
    pay = bank | JSON | key

    def changed(**changes: object) -> bytes:
        return json.dumps(order | changes).encode()

    payments: list[tuple[dict[str, str], bytes]] = [
        ({}, b""),
        (JSON, good),
        (reader | JSON | key, good),
        ({"authorization": "Basic YTpi"} | JSON, good),
        ({"authorization": "Bearer sk_live_x"} | JSON, good),
        (bank | JSON, good),
        (bank | JSON | {"idempotency-key": "short"}, good),
        (bank | key, good),
        (pay, b""),
        (pay, b"{"),
        (pay, b"[" * 2_000),
        (pay, good[:-1] + b',"channel":"qr"}'),
        (pay, b" " * (64 * 1024 + 1)),
        (pay, changed(amount_dong=1)),
        (pay, changed(channel="cash")),
        (pay, changed(method="mandate")),
        (pay, changed(biller="nobody")),
        (pay, changed(customer_code="XXXX")),
        (pay, json.dumps(order | {"lookup_token": "forged"}).encode()),
        (pay, changed(bills=[{"id": bill, "amount_dong": 1}] * 2)),
        (
            pay | {"idempotency-key": f"{KEY}-1-{bill}"},
            changed(bills=[{"id": "N", "amount_dong": 1}]),
        ),
        (pay, good),
        (pay, good),
        (pay | {"idempotency-key": f'"{KEY}-{bill}"'}, good),
        (pay, changed(channel="pos")),
        (pay | {"idempotency-key": f"{KEY}-2-{bill}"}, good),
        (pay | {"idempotency-key": f"{KEY}-3-{bill}"}, changed(partner_reference=f"R2-{bill}")),
    ]
    lookups: list[tuple[str, dict[str, str]]] = [
        (LOOKUP + CUSTOMER, {}),
        (LOOKUP + CUSTOMER, {"authorization": "Bearer sk_test_wrong"}),
        (LOOKUP + CUSTOMER, reader),
        (LOOKUP + CUSTOMER, bank),
        (LOOKUP + "PB14019999999", bank),
        (LOOKUP + "XXXX", bank),
        (LOOKUP + "xxxx", bank),
        (LOOKUP + "%00", bank),
        ("/v1/bills", bank),
        (LOOKUP + CUSTOMER + "&biller=b", bank),
        (LOOKUP + CUSTOMER + "&x=1" * 1, bank),
        (LOOKUP + CUSTOMER + "".join(f"&x{n}=1" for n in range(30)), bank),
        (f"/v1/bills?biller=nobody&customer_code={CUSTOMER}", bank),
    ]
    return [
        *(("POST", "/v1/payments", headers, body) for headers, body in payments),
        *(("GET", path, headers, b"") for path, headers in lookups),
        ("DELETE", "/v1/payments", bank, b""),
        ("POST", "/v1/bills", bank, b""),
    ]


def answer_of(answer: Response, bill: str) -> tuple[int, dict[str, str], Any]:
    """Give what must be equal: status, headers that matter, body but for ids, times and tokens."""
    headers = {name: answer.headers[name] for name in HEADERS if name in answer.headers}
    body = json.loads(answer.text.replace(bill, "BILL"))
    for name in ("request_id", "id", "created_at", "as_of", "lookup_token", "payment"):
        body.pop(name, None)
    if "payment_id" in body:
        body["detail"] = body["detail"].replace(body["payment_id"], "PAYMENT")
        body["detail_vi"] = body["detail_vi"].replace(body.pop("payment_id"), "PAYMENT")
    return answer.status_code, headers, body


async def test_thin_and_ordinary_routes_answer_alike(rt: Runtime, world: World) -> None:
    await world.add_partner("reader")
    await world.add_key("reader", "reader", Scope.READ)
    told = []
    tables: list[dict[tuple[str, str], Hot] | None] = [None, {}]
    for hot in tables:
        bill = await world.add_bill()
        async with client_of(rt, hot) as client:
            answers = [
                await client.request(method, path, headers=headers, content=body)
                for method, path, headers, body in requests(world, bill)
            ]
        told.append([answer_of(answer, bill) for answer in answers])
        await world.rows("UPDATE bills SET status = 'cancelled', paid_dong = 0 RETURNING id")
    for thin, ordinary in zip(*told, strict=True):
        assert thin == ordinary
    statuses = {status for status, _, _ in told[0]}
    assert statuses == {200, 201, 400, 401, 403, 404, 405, 409, 413, 415, 422}


def test_the_thin_routes_are_the_two_of_the_hot_path() -> None:
    assert set(HOT) == {("POST", "/v1/payments"), ("GET", "/v1/bills")}


async def test_the_application_opens_its_runtime_when_it_starts_and_closes_it_when_it_ends(
    database: str, world: World
) -> None:
    opened: list[Runtime] = []

    def open_one() -> Runtime:
        opened.append(runtime_on(database, world.rt.clock))
        return opened[-1]

    app, sent = build(open_one), []
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> dict[str, Any]:
        message = next(messages)
        if message["type"] == "lifespan.shutdown":
            assert opened[0].has_fresh_directory()
            assert BILLER in opened[0].directory.billers
        return message

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await app({"type": "lifespan", "state": {}}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert len(opened) == 1


@pytest.mark.parametrize(
    ("database_url", "named"),
    [(None, "GATEWAY_DATABASE_URL"), ("postgresql://x@127.0.0.1:1/x", "GATEWAY_SECRET_KEY")],
)
def test_without_its_database_or_secret_nothing_is_opened(
    database_url: str | None, named: str
) -> None:
    settings = Settings(database_url=database_url, secret_key=None, secret_key_file=None)
    with pytest.raises(ValueError, match=named):
        open_runtime(settings)
