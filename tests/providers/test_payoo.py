from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlencode
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.evidence import Finding, Outcome
from gateway.kit.messages import (
    Incoming,
    NextAction,
    Opened,
    SignatureWrong,
    Unreadable,
)
from gateway.providers.payoo import Config, Payoo, plain, sign
from tests.providers.payoo import (
    KEY,
    MOMENT,
    OPENED,
    ORDER,
    PAYOO,
    PUBLISHED,
    REFUND,
    SETTINGS,
    digest,
    form_of,
    opened,
    sent,
)

A_DAY = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def xml_of(**changed: Any) -> dict[str, str]:
    shop = ET.fromstring(form_of(PAYOO.create(replace(ORDER, **changed)))["data"])[0]  # noqa: S314 (ours)
    return {element.tag: element.text or "" for element in shop}


def a_return(**changed: str) -> Incoming:
    """A signed return; a checksum that is given stands."""
    fields = {"session": ORDER.reference, "order_no": ORDER.reference, "status": "1", **changed}
    base = f"{fields['session']}.{fields['order_no']}.{fields['status']}"
    return Incoming("GET", urlencode({"checksum": digest(base), **fields}))


# ── signatures ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("printed", PUBLISHED)
def test_what_payoo_signed_in_its_sandbox_verifies(printed: str) -> None:
    key, bar, values = PUBLISHED[printed].partition("|")
    assert sign(key, bar + values) == printed.lower()


@given(st.text())
def test_a_signature_is_over_key_and_text_as_they_are(text: str) -> None:
    assert sign(KEY, text) == digest(text)


def test_nothing_secret_is_shown() -> None:
    shown = f"{PAYOO.config!r} {PAYOO.config}"
    secrets = {"checksum_key", "api_password", "api_signature"}
    assert not [name for name in secrets if SETTINGS[name] in shown]


# ── opening ─────────────────────────────────────────────────────────────────────────────────────


def test_the_order_is_signed_as_its_very_text() -> None:
    call = PAYOO.create(ORDER)
    form = form_of(call)
    assert call.url == "https://newsandbox.payoo.com.vn/v2/paynow/order/create"
    assert form.keys() == {"data", "checksum", "refer"}
    assert form["checksum"] == digest(form["data"])
    assert form["refer"] == "http://localhost"


def test_the_order_says_what_payoo_needs() -> None:
    order = xml_of()
    assert len(unquote(order.pop("order_description"))) > 50
    assert order == {
        "username": "iss_shop_client",
        "shop_id": "691",
        "session": ORDER.reference,
        "shop_title": "shop_client",
        "shop_domain": "http://localhost",
        "shop_back_url": "https%3A%2F%2Fpay.example%2Fv1%2Freturns%2Fpayoo",
        "order_no": ORDER.reference,
        "order_cash_amount": "150000",
        "order_ship_date": "25/11/2026",
        "order_ship_days": "1",
        "notify_url": "https%3A%2F%2Fpay.example%2Fv1%2Fnotifications%2Fpayoo",
        "validity_time": "20261125004500",
        "JsonResponse": "TRUE",
    }


@given(st.text())
def test_any_text_gives_a_description_that_payoo_takes(text: str) -> None:
    shown = unquote(xml_of(text=text)["order_description"])
    assert 50 < len(shown) <= 300
    assert not set("<>&\x00\n") & set(shown)
    assert ORDER.reference in shown


def test_diacritics_stay_in_one_spelling() -> None:
    assert plain("Tie\u0302\u0300n  đie\u0323\u0302n <b>11&2026</b>") == "Tiền điện b 11 2026 /b"
    assert len(plain("x" * 200)) == 150


def test_names_of_the_shop_are_escaped() -> None:
    settings = SETTINGS | {"shop_title": "Điện <lực> & con", "username": "a&b"}
    payoo = Payoo(Config.model_validate_strings(settings))
    shop = ET.fromstring(form_of(payoo.create(ORDER))["data"])[0]  # noqa: S314 (ours)
    found = (shop.findtext("shop_title"), shop.findtext("username"))
    assert found == ("Điện <lực> & con", "a&b")


def test_a_way_to_pay_is_a_payment_group() -> None:
    chosen = form_of(PAYOO.create(replace(ORDER, option="Bank-account")))
    assert chosen["payment_group"] == "Bank-account"
    assert "payment_group" not in form_of(PAYOO.create(replace(ORDER, option="")))


def test_an_opened_order_sends_the_payer_on() -> None:
    url = "https://newsandbox.payoo.com.vn/v2/paynow/prepare?_token=1gh4"
    assert PAYOO.read_created(ORDER, opened()) == Opened(NextAction(redirect_url=url))
    upper = opened(checksum=digest(OPENED).upper())
    assert isinstance(PAYOO.read_created(ORDER, upper), Opened)


def test_an_answer_that_was_written_anew_is_refused() -> None:
    assert "\\/" in OPENED
    with pytest.raises(SignatureWrong):
        PAYOO.read_created(ORDER, opened(OPENED.replace("\\/", "/"), digest(OPENED)))


@pytest.mark.parametrize("checksum", ["", "0", digest(OPENED, "another key")])
def test_an_opened_order_without_its_checksum_is_refused(checksum: str) -> None:
    with pytest.raises(SignatureWrong):
        PAYOO.read_created(ORDER, opened(checksum=checksum))


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (ORDER.reference, "att_other"),
        ('"150000"', '"150001"'),
        ("https:", "http:"),
        ("https:", "javascript:"),
    ],
)
def test_another_orders_answer_or_a_bad_address_opens_nothing(now: str, then: str) -> None:
    found = PAYOO.read_created(ORDER, opened(OPENED.replace(now, then)))
    assert isinstance(found, Finding)
    assert found.outcome is Outcome.UNKNOWN


# ── coming back ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "error", "code", "outcome"),
    [
        ("1", "", "1", Outcome.SUCCEEDED),
        ("-1", "599", "-1", Outcome.FAILED),
        ("0", "", "0", Outcome.UNKNOWN),
        ("0", "800", "0/800", Outcome.PENDING),
        ("0", "502", "0/502", Outcome.UNKNOWN),
        ("2", "", "2", Outcome.UNKNOWN),
        *(
            ("0", str(error), f"0/{error}", Outcome.FAILED)
            for error in (500, 501, 503, 505, 507, 508, 509, 510, 511, 512, 513, 521, 522)
        ),
        *(("0", error, f"0/{error}", Outcome.FAILED) for error in ("523", "524", "525", "599")),
        ("0", "755", "0/755", Outcome.FAILED),
    ],
)
def test_a_return_is_read(status: str, error: str, code: str, outcome: Outcome) -> None:
    found = PAYOO.read_return(a_return(status=status, errorcode=error, errormsg="x"))
    assert found == Finding(outcome, code, "x", ORDER.reference)


def test_what_a_return_does_not_sign_is_not_taken_from_it() -> None:
    found = PAYOO.read_return(a_return(totalAmount="1", paymentFee="0", bank="x"))
    assert found.amount_dong is None


@pytest.mark.parametrize("name", ["session", "order_no", "status"])
def test_a_return_with_a_changed_field_is_refused(name: str) -> None:
    true = dict(a_return().query_pairs())
    with pytest.raises(SignatureWrong):
        PAYOO.read_return(a_return(**{"checksum": true["checksum"], name: "0"}))


def test_points_in_a_return_cannot_be_read_in_two_ways() -> None:
    # H(key + "a.b.1") is the checksum of order "b" in session "a", and of no other order.
    with pytest.raises(Unreadable):
        PAYOO.read_return(a_return(session=f"{ORDER.reference}.x", order_no=ORDER.reference))
    repeated = a_return()
    with pytest.raises(Unreadable):
        PAYOO.read_return(replace(repeated, query=f"{repeated.query}&status=1"))


# ── calls ───────────────────────────────────────────────────────────────────────────────────────


def test_calls_of_the_business_api_are_signed_and_carry_its_account() -> None:
    call = PAYOO.query(ORDER, MOMENT)
    assert call.url == "https://bizsandbox.payoo.com.vn/BusinessRestAPI.svc/GetOrderInfo"
    assert call.headers == {
        "content-type": "application/json; charset=utf-8",
        "APIUsername": SETTINGS["api_username"],
        "APIPassword": SETTINGS["api_password"],
        "APISignature": SETTINGS["api_signature"],
    }
    about = {"OrderId": ORDER.reference, "ShopId": "691", "PurchaseDate": "20261125"}
    assert sent(call) == about


def test_the_day_of_purchase_is_remembered() -> None:
    bought = replace(ORDER, memory={"purchased_on": "20261126"})
    assert sent(PAYOO.query(bought, MOMENT))["PurchaseDate"] == "20261126"
    assert sent(PAYOO.query(replace(ORDER, created_at=A_DAY), MOMENT))["PurchaseDate"] == "20261124"


def test_a_cancel_names_status_3() -> None:
    call = PAYOO.cancel(ORDER, MOMENT)
    assert call.url.endswith("/CancelOrder")
    asked = sent(call)
    assert asked.pop("UpdateLog")
    assert asked == {"ShopID": "691", "OrderID": ORDER.reference, "NewStatus": 3}


def test_a_refund_has_one_id_for_ever() -> None:
    call = PAYOO.refund(REFUND, MOMENT)
    assert call.url.endswith("/refund")
    assert call == PAYOO.refund(REFUND, replace(MOMENT, request_id="d" * 32))
    assert sent(call) == {
        "OrderNo": ORDER.reference,
        "RefundId": REFUND.reference,
        "ActionType": 2,
        "Money": 50_000,
        "PurchaseDate": "20261125",
        "Description": "Hoàn tiền một phần",
    }
    assert sent(PAYOO.refund(replace(REFUND, reason="<>"), MOMENT))["Description"] == "Hoàn tiền"


def test_a_refund_is_asked_after_by_its_payment() -> None:
    asked = PAYOO.query_refund(REFUND, MOMENT)
    assert asked == PAYOO.query(ORDER, MOMENT)
