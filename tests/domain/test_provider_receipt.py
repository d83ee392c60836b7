"""How a payment through a provider is written: the receipt, and how it goes."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from gateway.domain import provider_receipt, receipt
from gateway.domain.biller import Channel
from gateway.domain.payment import Method
from gateway.domain.progress import PaymentState, shown
from gateway.domain.provider_receipt import Going, TriedAt
from tests.domain.test_receipt import NASTY, PAYMENT

AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
LATER = datetime(2026, 11, 24, 3, 15, tzinfo=UTC)
ACTION = {
    "redirect_url": "https://acme.test/pay/1",
    "deeplink": None,
    "qr_content": "000201",
    "payment_code": None,
}
PAID = replace(
    PAYMENT,
    id=UUID("01936b2e-0000-7000-8000-000000000002"),
    method=Method.PROVIDER,
    channel=Channel.E_WALLET,
    status="requires_action",
    provider="acme",
)
TRIED = TriedAt("att_1", "acme", "REF1", "waiting", "", AT)
GOING = Going(
    shown=shown(
        PaymentState.AWAITING_PAYER, expires_at=LATER, has_late_money=False, is_disputed=False
    ),
    expires_at=LATER,
    next_check_at=AT,
    failure=None,
    refund=None,
    next_action=ACTION,
    attempts=(TRIED,),
)


def test_it_is_the_receipt_and_then_how_it_goes() -> None:
    written = provider_receipt.body(PAID, GOING)
    assert written.startswith(receipt.body(PAID)[:-1] + ',"certainty":"open"')
    assert json.loads(written) == json.loads(receipt.body(PAID)) | {
        "certainty": "open",
        "may_payer_pay_again": "after",
        "pay_again_at": "2026-11-24T03:15:00.000000Z",
        "expires_at": "2026-11-24T03:15:00.000000Z",
        "next_check_at": "2026-11-24T03:00:00.000000Z",
        "failure": None,
        "refund": None,
        "next_action": ACTION,
        "attempts": [
            {
                "id": "att_1",
                "provider": "acme",
                "reference": "REF1",
                "state": "waiting",
                "code": "",
                "created_at": "2026-11-24T03:00:00.000000Z",
            }
        ],
    }


def test_no_member_stands_twice() -> None:
    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    json.loads(provider_receipt.body(PAID, GOING), object_pairs_hook=once)


def test_what_is_not_known_is_null_and_not_left_out() -> None:
    bare = replace(
        GOING,
        expires_at=None,
        next_check_at=None,
        next_action=None,
        failure="expired",
        refund="due",
    )
    read = json.loads(provider_receipt.body(PAID, bare))
    assert [read[name] for name in ("expires_at", "next_check_at", "next_action")] == [None] * 3
    assert (read["failure"], read["refund"]) == ("expired", "due")


def test_attempts_stand_in_the_order_in_which_they_are_given() -> None:
    going = replace(GOING, attempts=(TRIED, replace(TRIED, id="att_2", state="succeeded")))
    read = json.loads(provider_receipt.body(PAID, going))
    assert [tried["id"] for tried in read["attempts"]] == ["att_1", "att_2"]


@pytest.mark.parametrize("text", NASTY)
def test_no_text_of_a_provider_breaks_out_of_its_field(text: str) -> None:
    going = replace(
        GOING,
        attempts=(replace(TRIED, code=text, reference=text),),
        next_action={"qr_content": text},
    )
    read = json.loads(provider_receipt.body(PAID, going))
    assert read["attempts"][0]["code"] == read["attempts"][0]["reference"] == text
    assert read["next_action"] == {"qr_content": text}
    assert read["amount_dong"] == 150_000
