import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from gateway.domain.signing import Ed25519Secret
from gateway.sandbox.billing_page import POLICY
from gateway.sandbox.billing_system import BODY_BYTES_MAX, create_billing_system
from tests.sandbox.billing import CUSTOMER, OLD_SECRET, PAYMENT_ID, SECRET, an_event, signed

NOW = 1_764_000_000
PAIR = Ed25519Secret(b"e" * 32)


@pytest.fixture
async def billing(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    secrets = [SECRET.reveal(), OLD_SECRET.reveal(), PAIR.public.reveal()]
    app = create_billing_system(tmp_path / "billing.db", secrets, clock=lambda: NOW + 0.5)
    async with client_of(app) as client:
        yield client
    app.state.system.books.close()


def client_of(app: Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://billing")


async def deliver(
    billing: httpx.AsyncClient, body: bytes, webhook_id: str = "evt_1"
) -> httpx.Response:
    headers = signed(body, now=NOW, webhook_id=webhook_id)
    return await billing.post("/webhooks", content=body, headers=headers)


async def cleared(billing: httpx.AsyncClient) -> list[dict[str, object]]:
    answer = await billing.get("/cleared", params={"customer_code": CUSTOMER})
    found: list[dict[str, object]] = answer.json()["cleared"]
    return found


async def kept(billing: httpx.AsyncClient) -> int:
    count: int = (await billing.get("/health")).json()["webhooks"]
    return count


async def test_a_payment_clears_its_bill(billing: httpx.AsyncClient) -> None:
    answer = await deliver(billing, an_event())
    assert (answer.status_code, answer.content) == (204, b"")
    assert await cleared(billing) == [
        {
            "biller": "evnspc-camau",
            "bill_id": f"HD2610-{CUSTOMER}",
            "payment_id": PAYMENT_ID,
            "amount_dong": 150_000,
            "sequence": 1,
        }
    ]


async def test_a_webhook_sent_twice_is_answered_204_and_applied_once(
    billing: httpx.AsyncClient,
) -> None:
    for _ in range(2):
        assert (await deliver(billing, an_event())).status_code == 204
    assert len((await billing.get("/ledger")).json()["entries"]) == 1


async def test_a_reversal_opens_the_bill_again(billing: httpx.AsyncClient) -> None:
    await deliver(billing, an_event(), "evt_1")
    await deliver(billing, an_event("payment.reversed", sequence=2), "evt_2")
    assert await cleared(billing) == []


async def test_a_reversal_that_overtakes_its_payment_wins(billing: httpx.AsyncClient) -> None:
    await deliver(billing, an_event("payment.reversed", sequence=2), "evt_2")
    await deliver(billing, an_event(), "evt_1")
    assert await cleared(billing) == []


async def test_a_type_for_others_is_acknowledged_and_moves_nothing(
    billing: httpx.AsyncClient,
) -> None:
    for number, kind in enumerate(["ping", "refund.succeeded", "payment.conflicted"]):
        body = json.dumps({"type": kind, "data": None}).encode()
        assert (await deliver(billing, body, f"evt_{number}")).status_code == 204
    assert await cleared(billing) == []


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET, PAIR], ids=["new", "old", "ed25519"])
async def test_every_key_that_is_accepted_now_verifies(
    billing: httpx.AsyncClient, secret: Ed25519Secret
) -> None:
    body = an_event()
    headers = signed(body, now=NOW, secret=secret)
    assert (await billing.post("/webhooks", content=body, headers=headers)).status_code == 204


FORGED = {
    "no headers": {},
    "other body": signed(b"{}", now=NOW),
    "too old": signed(an_event(), now=NOW - 301),
    "too new": signed(an_event(), now=NOW + 301),
    "bad time": {**signed(an_event(), now=NOW), "webhook-timestamp": "1764000000.0"},
    "crashes the official library": {**signed(an_event(), now=NOW), "webhook-signature": "v1"},
    "not ASCII": {**signed(an_event(), now=NOW), "webhook-signature": "v1,\u00ff"},
}


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED.keys())
async def test_a_webhook_that_is_not_proved_ours_is_refused_and_leaves_no_trace(
    billing: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    answer = await billing.post("/webhooks", content=an_event(), headers=raw)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "signature_refused"
    assert await kept(billing) == 0


async def test_a_forged_id_does_not_block_the_true_webhook(billing: httpx.AsyncClient) -> None:
    forged = {**signed(an_event(), now=NOW, webhook_id="evt_1"), "webhook-signature": "v1,AAAA"}
    await billing.post("/webhooks", content=an_event(), headers=forged)
    await deliver(billing, an_event(), "evt_1")
    assert len(await cleared(billing)) == 1


def a_bill(**changed: object) -> list[dict[str, object]]:
    return [{"id": "HD1", "amount_dong": 1, "sequence": 1, **changed}]


BAD_BODIES = {
    "empty": b"",
    "not JSON": b"not json",
    "not UTF-8": b'{"type":"payment.succeeded\xff"}',
    "not an object": b"[]",
    "no type": b"{}",
    "no data": b'{"type":"payment.succeeded"}',
    "no bills": an_event(bills=[]),
    "text for an amount": an_event(bills=a_bill(amount_dong="1")),
    "true for an amount": an_event(bills=a_bill(amount_dong=True)),
    "a fraction": an_event(bills=a_bill(amount_dong=1.5)),
    "nothing": an_event(bills=a_bill(amount_dong=0)),
    "more than a column holds": an_event(bills=a_bill(amount_dong=2**63)),
    "sequence from 0": an_event(bills=a_bill(sequence=0)),
    "a huge number": an_event().replace(b"150000", b"9" * 5000),
    "a lone surrogate": an_event(customer_code="\ud800"),
    "too deep": b'{"type":"payment.succeeded","data":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "NaN": an_event(bills=a_bill(amount_dong=float("nan"))),
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
async def test_a_signed_body_that_cannot_be_read_is_400_and_not_remembered(
    billing: httpx.AsyncClient, body: bytes
) -> None:
    answer = await deliver(billing, body)
    assert (answer.status_code, answer.json()["title"]) == (400, "unreadable")
    assert await kept(billing) == 0


async def test_a_body_of_64_kb_is_the_largest(billing: httpx.AsyncClient) -> None:
    room = BODY_BYTES_MAX - len(an_event(partner_reference=""))
    body = an_event(partner_reference="r" * room)
    assert (await deliver(billing, body)).status_code == 204
    assert (await deliver(billing, body + b" ", "evt_2")).status_code == 413


async def test_twenty_at_once_of_one_webhook_apply_once(billing: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(deliver(billing, an_event()) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {204}
    assert len((await billing.get("/ledger")).json()["entries"]) == 1


async def test_the_ledger_is_paged_to_its_end(billing: httpx.AsyncClient) -> None:
    for n in range(1, 6):
        await deliver(billing, an_event(sequence=n), f"evt_{n}")
    first = (await billing.get("/ledger", params={"limit": 3})).json()
    second = (await billing.get("/ledger", params={"limit": 3, "after": first["next"]})).json()
    assert [entry["id"] for entry in [*first["entries"], *second["entries"]]] == [
        f"evt_{n}" for n in range(1, 6)
    ]
    assert second["next"] is None
    assert first["entries"][0] == {
        "entry": 1,
        "id": "evt_1",
        "type": "payment.succeeded",
        "biller": "evnspc-camau",
        "bill_id": f"HD2610-{CUSTOMER}",
        "sequence": 1,
        "amount_dong": 150_000,
        "payment_id": PAYMENT_ID,
        "effect": "applied",
    }


@pytest.mark.parametrize(
    "path",
    [
        "/cleared",
        "/cleared?customer_code=",
        "/ledger?limit=0",
        "/ledger?limit=1001",
        "/ledger?after=-1",
        "/ledger?after=x",
        "/ledger?after=" + "9" * 30,
        "/ledger?after=%D9%A1",
    ],
)
async def test_a_question_that_makes_no_sense_is_400(billing: httpx.AsyncClient, path: str) -> None:
    assert (await billing.get(path)).status_code == 400


async def test_the_page_shows_the_last_webhooks_with_their_verdict(
    billing: httpx.AsyncClient,
) -> None:
    await deliver(billing, an_event(), "evt_good")
    await deliver(billing, an_event(), "evt_good")
    await billing.post("/webhooks", content=b"", headers={"webhook-id": "<b>evil</b>"})
    page = await billing.get("/")
    assert POLICY.items() <= dict(page.headers).items()
    assert page.text.index("refused") < page.text.index("duplicate") < page.text.index("applied")
    assert "&lt;b&gt;evil&lt;/b&gt;" in page.text
    assert "Đã nhận <strong>1</strong> thông báo" in page.text
    assert (await billing.get("/style.css")).headers["content-type"].startswith("text/css")


async def test_the_fault_switch_is_not_there_unless_asked_for(billing: httpx.AsyncClient) -> None:
    answer = await billing.post("/control", json={"answer": 500})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "fault", [{}, {"answer": "burn"}, {"answer": 100}, {"answer": 500, "times": -1}, {"x": 1}]
)
async def test_a_fault_that_does_not_exist_is_refused(
    tmp_path: Path, fault: dict[str, object]
) -> None:
    secrets = [SECRET.reveal()]
    app = create_billing_system(tmp_path / "b.db", secrets, faults=True, clock=lambda: NOW)
    async with client_of(app) as billing:
        assert (await billing.post("/control", json=fault)).status_code == 400
        assert (await deliver(billing, an_event())).status_code == 204
    app.state.system.books.close()
