"""Payments through providers over HTTP: strict input, walls between partners, and the document."""

import json
from typing import Any

import pytest
from httpx import Response

from gateway.api.provider_payments import method_of
from gateway.domain.partner import Scope
from gateway.domain.payment import Method
from tests.contract import document, faults_of
from tests.providing.conftest import rt, stage
from tests.providing.stage import Stage
from tests.world import BILLER, CUSTOMER

__all__ = ["rt", "stage"]  # fixtures

GONE = object()
CHOICE: dict[str, Any] = {
    "channel": "e_wallet",
    "provider": "scripted",
    "return_url": "https://portal.test/thanks?shop=1",
    "payer_ip": "113.160.92.202",
}
TEXT: list[Any] = [None, 5, True, [], {}, "", "\x00", "đ\u200b"]
WRONG_CHOICE: dict[str, list[Any]] = {
    "channel": [GONE, *TEXT, "wallet", "E_WALLET", "e_wallet "],
    "provider": [GONE, *TEXT, "Scripted", "1a", "a-b", "a b", "a\n", "a" * 33],
    "option": [5, True, [], "x" * 41],
    "return_url": [
        *(GONE, *TEXT, "portal.test", "//portal.test", "ftp://portal.test", "javascript:alert(1)"),
        *("https://", "http://[", "https:///thanks", "https://a b", "https://a\n", "https://đ.vn"),
        "https://portal.test/" + "a" * 1000,
    ],
    "payer_ip": [
        *(GONE, *TEXT, "localhost", "1.2.3", "256.1.1.1", "1.2.3.4.5", "1.2.3.4 ", "1.2.3.4/32"),
        *("01.2.3.4", "1.2.3.4\n", "::1%eth0", "::1%\x00", "fe80::1%đ", "1::2::3", "1" * 46),
    ],
    "locale": [*TEXT, "fr", "VI", "vi-VN"],
    "expires_in_s": [None, True, "900", 900.5, 299, 86_401, 0, -900, 10**30, [], {}],
}
WRONG: dict[str, list[Any]] = WRONG_CHOICE | {
    "biller": [GONE, *TEXT, "E", "evnspc camau", "a" * 41],
    "customer_code": [GONE, *TEXT, "pb14010000001", "PB1", "1" * 21],
    "partner_reference": [GONE, *TEXT, "/a", "a b", "r" * 65],
    "lookup_token": [5, True, [], "", "t" * 8193],
    "bills": [
        *(GONE, None, 5, "", {}, [], [5], [{}], [{"id": "HD-1"}], [{"amount_dong": 1}]),
        [{"id": "HD-1", "amount_dong": 1, "x": 1}],
        [{"id": "HD-1", "amount_dong": 1}] * 2,
        [{"id": f"HD-{n}", "amount_dong": 1} for n in range(51)],
        *(
            [{"id": "HD-1", "amount_dong": wrong}]
            for wrong in (0, -1, 1.5, "1", True, None, 10**14)
        ),
        *([{"id": wrong, "amount_dong": 1}] for wrong in (None, 5, "", "a b", "\x00", "b" * 41)),
    ],
    "surprise": [1, None],
    "card_number": ["4111111111111111"],
}


def a_body(**changes: Any) -> dict[str, Any]:
    body = CHOICE | {
        "method": "provider",
        "biller": BILLER,
        "customer_code": CUSTOMER,
        "partner_reference": "REF-OF-THE-API",
        "bills": [{"id": "HD-API", "amount_dong": 150_000}],
    }
    return {k: v for k, v in (body | changes).items() if v is not GONE}


async def send(
    stage: Stage, body: object, path: str = "/v1/payments", name: str = "wallet"
) -> Response:
    """Send a body that may be no JSON at all, under a key of its own."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = stage.world.headers(name, stage.world.new_key())
    return await stage.api.post(
        path, content=raw, headers=headers | {"content-type": "application/json"}
    )


def is_named(answer: Response, field: str) -> bool:
    """Say whether an answer refuses the field, and nothing else, by its name."""
    if answer.status_code != 422 or answer.json()["code"] != "request_invalid":
        return False
    return {fault["field"].partition(".")[0] for fault in answer.json()["errors"]} == {field}


@pytest.mark.parametrize("field", WRONG)
async def test_a_wrong_field_is_refused_by_its_name_and_nothing_begins(
    stage: Stage, field: str
) -> None:
    await stage.world.add_bill("HD-API")
    before = await stage.world.moved()
    wrong = []
    for value in WRONG[field]:
        answer = await send(stage, a_body(**{field: value}))
        if not is_named(answer, field):
            wrong.append((value, answer.status_code, answer.text))
    assert wrong == []
    assert await stage.world.moved() == before
    assert await stage.count("attempts") == 0
    assert stage.calls == []


@pytest.mark.parametrize("field", [*WRONG_CHOICE, "bills", "method", "surprise"])
async def test_a_wrong_field_of_another_attempt_is_refused_by_its_name(
    stage: Stage, field: str
) -> None:
    payment = await failed(stage)
    path, wrong = f"/v1/payments/{payment['id']}/attempts", []
    for value in WRONG_CHOICE.get(field, [1]):
        body = {k: v for k, v in (CHOICE | {field: value}).items() if v is not GONE}
        answer = await send(stage, body, path)
        if not is_named(answer, field):
            wrong.append((value, answer.status_code, answer.text))
    assert wrong == []
    assert await stage.count("attempts") == 1


async def failed(stage: Stage) -> dict[str, Any]:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment, outcome="failed", code="1006")
    return payment


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"provider": "nobody"}, "provider_not_offered"),
        ({"option": "\x00"}, "provider_not_offered"),
        ({"option": ""}, "provider_not_offered"),
        ({"channel": "card"}, "provider_not_offered"),
        ({"biller": "nobody"}, "biller_unknown"),
        ({"customer_code": "PB19010000001"}, "bill_not_found"),
        ({"customer_code": "XX14010000001"}, "customer_code_invalid"),
        ({"bills": [{"id": "HD-API", "amount_dong": 149_999}]}, "amount_mismatch"),
        ({"bills": [{"id": "HD-API", "amount_dong": 999}]}, "provider_amount_out_of_range"),
        ({"bills": [{"id": "HD-API", "amount_dong": 10**9}]}, "provider_amount_out_of_range"),
        ({"bills": [{"id": "HD-NONE", "amount_dong": 150_000}]}, "bill_not_found"),
        ({"lookup_token": "no.token"}, "lookup_token_invalid"),
    ],
)
async def test_what_is_well_written_but_cannot_be_done_is_refused_in_its_own_words(
    stage: Stage, change: dict[str, Any], code: str
) -> None:
    await stage.world.add_bill("HD-API")
    refused = await send(stage, a_body(**change))
    assert refused.json()["code"] == code, refused.text
    assert 400 <= refused.status_code < 500
    assert refused.json()["money_may_have_moved"] is False
    assert (await stage.count("attempts"), stage.calls) == (0, [])


@pytest.mark.parametrize(
    "body",
    [
        b'{"method":"provider"',
        b'{"method":"provider","method":"collected"}',
        b'{"method":"collected","method":"provider"}',
        b'{"method":"provider","partner_reference":"\\ud800"}',
        b'{"method":"provider","expires_in_s":NaN}',
        b'{"method":"provider"}\xff',
        b'["provider"]',
        b'"provider"',
        b'{"a":' * 10_000 + b'"provider"' + b"}" * 10_000,
    ],
    ids=range(9),
)
async def test_what_is_no_request_is_refused_as_the_callers_mistake(
    stage: Stage, body: bytes
) -> None:
    refused = await send(stage, body)
    assert refused.status_code in {400, 422}, refused.text
    assert refused.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("raw", "is_for_provider"),
    [
        (b'{"method":"provider"}', True),
        (b'{"method": "provider", "channel": "qr"}', True),
        (b'{"method":"collected","provider":"scripted"}', False),
        (b'{"method":"collected","partner_reference":"provider"}', False),
        (b'{"x":{"method":"provider"}}', False),
        (b'["method","provider"]', False),
        (b'"provider"', False),
        (b'{"method":"provider"', False),
        (b'{"method":"provider"}\xff', False),
        (b"", False),
    ],
)
def test_only_a_body_whose_method_is_provider_asks_for_one(
    raw: bytes,
    is_for_provider: bool,  # noqa: FBT001 (a column of the table)
) -> None:
    assert (method_of(raw) is Method.PROVIDER) is is_for_provider


async def test_a_collected_payment_that_names_a_provider_is_still_collected(stage: Stage) -> None:
    paid = await stage.world.pay(
        stage.api, await stage.world.add_bill(), partner_reference="provider"
    )
    assert (paid.status_code, paid.json()["method"]) == (201, "collected")
    assert paid.json()["partner_reference"] == "provider"
    refused = await stage.world.pay(stage.api, await stage.world.add_bill(), provider="scripted")
    assert is_named(refused, "provider")
    assert stage.calls == []


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("113.160.92.202", "113.160.92.202"),
        ("::1", "0000:0000:0000:0000:0000:0000:0000:0001"),
        ("2001:DB8::a", "2001:0db8:0000:0000:0000:0000:0000:000a"),
    ],
)
async def test_the_payers_address_reaches_the_provider_in_full(
    stage: Stage, sent: str, kept: str
) -> None:
    await stage.opened(await stage.world.add_bill(), payer_ip=sent)
    rows = await stage.sql("SELECT payer_ip FROM attempts")
    assert [row["payer_ip"] for row in rows] == [kept]


async def test_begin_and_try_again_need_a_key(stage: Stage) -> None:
    payment = await failed(stage)
    for path, body in (
        ("/v1/payments", a_body()),
        (f"/v1/payments/{payment['id']}/attempts", CHOICE),
    ):
        refused = await stage.api.post(path, json=body, headers=stage.world.headers("wallet"))
        assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_missing")


async def test_the_providers_of_this_deployment_are_listed_with_what_they_can_do(
    stage: Stage,
) -> None:
    answer = await stage.world.read(stage.api, "/providers")
    listed = {found["code"]: found for found in answer.json()["data"]}
    assert set(listed) == {"scripted", "closing"}
    assert listed["scripted"]["channels"] == ["e_wallet", "qr"]
    assert listed["scripted"]["amount_max_dong"] == 50_000_000
    assert listed["scripted"]["abilities"] == ["TakesPayments", "Notifies", "AnswersQueries"]
    assert "Cancels" in listed["closing"]["abilities"]
    await stage.world.add_key("reads", "bank", *(set(Scope) - {Scope.LOOKUP}))
    assert (await stage.world.read(stage.api, "/providers", "reads")).status_code == 403


def test_the_document_tells_the_three_bodies_apart_by_their_method() -> None:
    operation = document()["paths"]["/v1/payments"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert [ref["$ref"].rpartition("/")[2] for ref in schema["oneOf"]] == [
        *("PaymentRequest", "ProviderPaymentRequest", "MandatePaymentRequest")
    ]
    assert faults_of("ProviderPaymentRequest", a_body()) == []
    collected = {k: v for k, v in a_body(method="collected").items() if k not in CHOICE}
    collected["channel"] = "mobile_banking"
    assert faults_of("PaymentRequest", collected) == []
    assert faults_of("PaymentRequest", a_body())
    assert faults_of("ProviderPaymentRequest", a_body(method="collected"))


def test_the_document_names_what_each_door_may_answer() -> None:
    paths = document()["paths"]
    for path, method, statuses in (
        ("/v1/payments/{payment_id}/attempts", "post", {"201", "202", "404", "409", "422"}),
        ("/v1/payments/{payment_id}/cancel", "post", {"200", "404", "409"}),
        ("/v1/payments/{payment_id}/timeline", "get", {"200", "404"}),
        ("/v1/providers", "get", {"200", "401", "403"}),
    ):
        assert statuses <= set(paths[path][method]["responses"])
