"""AppotaPay's bill API at our door: its samples, forgeries, and the answer to each outcome."""

import json
from datetime import UTC, datetime

import pytest

from gateway.kit.abilities.inquiries import (
    Result,
    Settled,
)
from gateway.kit.messages import SignatureWrong, Unreadable
from gateway.testing.promises_of_inquiries import MOMENT, a_settlement
from tests.providers.bank_wires import (
    APPOTA_SECRET,
    DETAIL,
    appota_pays,
    check,
    part,
    token,
)
from tests.providers.test_appotabill_conformance import PROVIDER, read, with_body, with_token


@pytest.mark.parametrize(
    "bearer",
    [
        token(exp=1_700_000_000),
        token(exp="1900000000"),
        token(exp=True),
        token(exp=None),
        token(iss="OTHER"),
        token(api_key="key-0002"),
        token(alg="none"),
        token(alg="HS512"),
        f"{part({'alg': 'none'})}.{part({'iss': 'EVNTEST'})}.",
        "a.b",
        "....",
        "\u0111.\u0111.\u0111",
        "",
    ],
)
def test_a_token_that_is_not_theirs_now_is_unauthorised(bearer: str) -> None:
    sent = with_token(check(), f"Bearer {bearer}")
    with pytest.raises(SignatureWrong) as caught:
        read(sent)
    said = PROVIDER.write_refusal(sent.operation, sent.incoming, caught.value)
    assert (said.status, json.loads(said.body)["errorCode"]) == (401, 401)


def test_a_token_ends_at_its_second() -> None:
    ends = int(MOMENT.now.timestamp())
    read(with_token(check(), f"bearer {token(exp=ends + 1)}"))
    with pytest.raises(SignatureWrong):
        read(with_token(check(), f"Bearer {token(exp=ends)}"))


def test_the_bill_detail_is_signed_as_the_very_text_that_was_received() -> None:
    assert read(appota_pays()).bill_ids == ("HD-10",)
    other = json.dumps(json.loads(DETAIL))
    assert other != DETAIL
    with pytest.raises(SignatureWrong):
        read(with_body(appota_pays(), billDetail=other))


@pytest.mark.parametrize(
    "detail",
    [
        "",
        "[]",
        "{}",
        "[1]",
        '[{"billNumber":"HD-10","amount":98000}]',
        '[{"billNumber":"HD-10","amount":-1},{"billNumber":"HD-11","amount":99001}]',
        '[{"billNumber":"HD-10","amount":1},{"billNumber":"HD-10","amount":98999}]',
        '[{"billNumber":"HD-10","amount":99000}],"x":[1]',
        '[{"billNumber":"HD-10","amount":99000,"extraInfo":"\\ud800"}]',
        '[{"billNumber":"HD 10","amount":99000}]',
    ],
)
def test_a_bill_detail_that_says_something_else_is_unreadable(detail: str) -> None:
    with pytest.raises(Unreadable):
        read(appota_pays(billDetail=detail))


def test_another_service_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        read(check(serviceCode="WATER"))


def test_a_payment_is_answered_with_its_transaction_and_the_detail() -> None:
    at = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)
    settled = Settled(Result.PAID, payment_id="pay_1", amount_dong=99_000, paid_at=at)
    said = json.loads(PROVIDER.write_answer(read(appota_pays()), settled).body)
    assert said == {
        "errorCode": 0,
        "message": "Success",
        "partnerRefId": "BK20261124000001",
        "billDetail": json.loads(DETAIL),
        "transaction": {
            "appotapayTransId": "pay_1",
            "amount": 99_000,
            "billAmount": 99_000,
            "time": "2026-11-25 00:30:00",
        },
    }


def test_what_the_check_gives_is_taken_back_as_it_is() -> None:
    settled = a_settlement(Result.BILLS)
    body = PROVIDER.write_answer(read(check()), settled).body.decode()
    start = body.index('"billDetail":') + len('"billDetail":')
    detail = body[start : body.index("]", start) + 1]
    assert read(appota_pays(billDetail=detail, amount=311_000)).bill_ids == ("HD-10", "HD-11")


def test_the_secret_is_not_in_the_token_error() -> None:
    with pytest.raises(SignatureWrong) as caught:
        read(with_token(check(), "Bearer x"))
    assert APPOTA_SECRET not in str(caught.value)
