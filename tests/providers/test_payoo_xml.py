"""XML notifications: what is read, and that nothing unsigned is."""

from dataclasses import replace
from urllib.parse import quote

import pytest

from gateway.domain.evidence import Finding, Outcome
from gateway.kit.messages import Garbled, Incoming, SignatureWrong, Unreadable
from gateway.providers.payoo import Config, Payoo
from tests.providers.payoo import ORDER, PAID, PAYOO, PEER, PUBLISHED, SETTINGS, a_notice, form_of
from tests.providers.payoo_xml import (
    BILLING,
    IN_XML,
    RECEIVED,
    SHOP,
    STANDS,
    XML_SETTINGS,
    billing_form,
    package,
    shop_form,
    signed,
)

NAMES = "OrderNo|OrderCashAmount|ShopID|State"
VALUES = f"{ORDER.reference}|150000|691|PAYMENT_RECEIVED"
TRUE = signed(shop_form(), NAMES, VALUES)
# The names in the order in which the published values stand; the second and third name all.
ALL = "|".join(["PaymentMethod", "State", *STANDS])


def payoo_of(key: str, shop_id: str) -> Payoo:
    changed = {"checksum_key": key, "shop_id": shop_id}
    return Payoo(Config.model_validate_strings(XML_SETTINGS | changed))


@pytest.mark.parametrize("printed", PUBLISHED)
def test_the_three_notifications_that_payoo_signed_are_read(printed: str) -> None:
    key, *values = PUBLISHED[printed].split("|")
    if len(values) == 6:
        names = "State|ShopID|OrderNo|OrderCashAmount|ShippingDays|BillingCode"
        told = dict(zip(names.split("|"), values, strict=True))
        told["ShopId"] = told.pop("ShopID")
        del told["ShippingDays"]  # signed as 0 though it stands nowhere
        data = billing_form(told)
    else:
        names = ALL
        told = dict(zip(names.split("|"), values, strict=True))
        shop = {element: told[name] for name, element in STANDS.items()}
        shop["order_description"] = quote(told["OrderDescription"])
        data = shop_form(shop, {name: told[name] for name in RECEIVED})
    shop_id = "741" if "|741|" in PUBLISHED[printed] else "691"
    finding = payoo_of(key, shop_id).read_notification(package(data, names, printed)).finding
    assert (finding.outcome, finding.amount_dong) == (Outcome.SUCCEEDED, 10_000)
    assert finding.merchant == shop_id


def test_an_order_that_is_paid_is_read() -> None:
    told = IN_XML.read_notification(TRUE)
    assert told.key == f"{ORDER.reference}:PAYMENT_RECEIVED"
    assert told.finding == Finding(
        Outcome.SUCCEEDED,
        "PAYMENT_RECEIVED",
        reference=ORDER.reference,
        amount_dong=150_000,
        merchant="691",
    )


def test_a_code_that_is_paid_at_a_shop_is_read_from_the_billing_form() -> None:
    values = f"888515992|{VALUES}"
    incoming = signed(billing_form(), f"BillingCode|{NAMES}", values)
    assert IN_XML.read_notification(incoming).finding.reference == ORDER.reference


@pytest.mark.parametrize(
    ("state", "outcome"),
    [("PAYMENT_PROCESSING", Outcome.PENDING), ("PAYMENT_RECEIVED ", Outcome.UNKNOWN)]
    + [(other, Outcome.UNKNOWN) for other in ("PAYMENT_CANCELLED", "payment_received", "1")],
)
def test_a_state_means_what_the_documents_say_and_any_other_nothing(
    state: str, outcome: Outcome
) -> None:
    data = shop_form(about={"State": state})
    incoming = signed(data, NAMES, VALUES.replace("PAYMENT_RECEIVED", state))
    assert IN_XML.read_notification(incoming).finding.outcome is outcome


@pytest.mark.parametrize("left_out", ["OrderNo", "OrderCashAmount", "State"])
def test_a_notification_that_does_not_sign_what_matters_is_refused(left_out: str) -> None:
    kept = [
        (name, value)
        for name, value in zip(NAMES.split("|"), VALUES.split("|"), strict=True)
        if name != left_out
    ]
    names, values = ("|".join(part) for part in zip(*kept, strict=True))
    with pytest.raises(SignatureWrong):
        IN_XML.read_notification(signed(shop_form(), names, values))


def test_a_shop_that_is_not_signed_is_not_believed() -> None:
    unsigned = signed(
        shop_form(),
        "OrderNo|OrderCashAmount|State",
        f"{ORDER.reference}|150000|PAYMENT_RECEIVED",
    )
    assert IN_XML.read_notification(unsigned).finding.merchant is None


@pytest.mark.parametrize(
    ("names", "values"),
    [
        ("OrderNo|OrderCashAmount|ShopID|State|NoSuch", f"{VALUES}|"),
        ("OrderNo|OrderCashAmount|ShopID|State|ShippingDays", f"{VALUES}|0"),
        ("OrderNo|OrderCashAmount|ShopID|State|ShopTitle", f"{VALUES}|"),
    ],
)
def test_a_missing_value_is_empty_or_nought_by_its_name(names: str, values: str) -> None:
    assert IN_XML.read_notification(signed(shop_form(), names, values))


def test_an_order_without_its_amount_is_signed_as_nought_and_says_so() -> None:
    shop = {name: value for name, value in SHOP.items() if name != "order_cash_amount"}
    incoming = signed(shop_form(shop), NAMES, VALUES.replace("150000", "0"))
    assert IN_XML.read_notification(incoming).finding.amount_dong == 0


def test_the_description_is_signed_decoded_and_an_address_as_it_travels() -> None:
    values = f"{VALUES}|Tiền điện <b>tháng 11</b>|{quote(ORDER.notify_url, safe='')}"
    names = f"{NAMES}|OrderDescription|NotifyUrl"
    assert IN_XML.read_notification(signed(shop_form(), names, values))


def test_a_value_cannot_be_cut_into_two_fields() -> None:
    # The names are unsigned: who moves a bar from between two values into one keeps the hash.
    shop = SHOP | {"session": f"x|{ORDER.reference}"}
    values = f"x|{ORDER.reference}|{VALUES}"
    with pytest.raises(Unreadable, match="Session"):
        IN_XML.read_notification(signed(shop_form(shop), f"Session|{NAMES}", values))


@pytest.mark.parametrize("name", ["order_no", "order_cash_amount", "shop_id"])
def test_a_changed_value_is_refused(name: str) -> None:
    forged = signed(shop_form(SHOP | {name: "7"}), NAMES, VALUES)
    with pytest.raises(SignatureWrong):
        IN_XML.read_notification(forged)


def test_names_in_another_order_or_another_key_are_refused() -> None:
    for forged in (
        signed(shop_form(), "OrderCashAmount|OrderNo|ShopID|State", VALUES),
        signed(shop_form(), NAMES, VALUES, key="another"),
        package(shop_form(), NAMES, ""),
    ):
        with pytest.raises(SignatureWrong):
            IN_XML.read_notification(forged)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "no XML",
        '<!DOCTYPE a [<!ENTITY b "c">]><PaymentNotification/>',
        "<PaymentNotification><shops><shop/><shop/></shops></PaymentNotification>",
        shop_form(about=RECEIVED).replace("<State>", "<State>x</State><State>"),
        shop_form().replace("<order_no>", "<order_no>x</order_no><order_no>"),
    ],
)
def test_what_is_no_notification_is_unreadable_though_it_be_signed(data: str) -> None:
    with pytest.raises(Unreadable):
        IN_XML.read_notification(signed(data, NAMES, VALUES))


@pytest.mark.parametrize("names", [f"{NAMES}|State", "|".join(f"N{n}" for n in range(40))])
def test_names_that_repeat_or_never_end_are_unreadable(names: str) -> None:
    with pytest.raises(Unreadable, match="KeyFields"):
        IN_XML.read_notification(signed(shop_form(), names, VALUES))


def test_an_amount_that_is_no_whole_dong_is_unreadable() -> None:
    shop = SHOP | {"order_cash_amount": "1500.5"}
    with pytest.raises(Unreadable):
        IN_XML.read_notification(signed(shop_form(shop), NAMES, VALUES.replace("150000", "1500.5")))


@pytest.mark.parametrize("payoo", [PAYOO, IN_XML], ids=["json", "xml"])
def test_only_the_form_that_is_configured_is_read(payoo: Payoo) -> None:
    other = TRUE if payoo is PAYOO else a_notice(PAID)
    with pytest.raises(Garbled):
        payoo.read_notification(replace(other, peer=PEER))


def test_an_order_asks_for_the_form_that_is_configured() -> None:
    assert "<JsonResponse>TRUE</JsonResponse>" in form_of(PAYOO.create(ORDER))["data"]
    assert "JsonResponse" not in form_of(IN_XML.create(ORDER))["data"]


def test_no_third_form_can_be_configured() -> None:
    with pytest.raises(ValueError, match="notifications"):
        Config.model_validate_strings(SETTINGS | {"notifications": "both"})


def test_two_packages_in_one_form_are_unreadable() -> None:
    with pytest.raises(Unreadable):
        IN_XML.read_notification(Incoming("POST", body=TRUE.body + b"&" + TRUE.body))


def test_a_plus_that_was_sent_as_it_is_does_no_harm() -> None:
    shop = SHOP | {"shop_title": "ÿþý>>>???"}
    true = signed(shop_form(shop), NAMES, VALUES)
    assert b"%2B" in true.body
    assert IN_XML.read_notification(replace(true, body=true.body.replace(b"%2B", b"+")))


def test_the_billing_form_of_another_shop_names_that_shop() -> None:
    data = billing_form(BILLING | {"ShopId": "692"})
    finding = IN_XML.read_notification(signed(data, NAMES, VALUES.replace("691", "692"))).finding
    assert finding.merchant == "692"
