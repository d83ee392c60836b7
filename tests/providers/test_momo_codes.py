from typing import Any

import pytest

from gateway.domain.evidence import Finding, Outcome
from gateway.kit.messages import Opened, SignatureWrong
from gateway.providers.momo import RESULT_CODES
from tests.providers.momo import ANSWER, ORDER, REFUND, an_ipn, mac, momo, posted, reply

OPENED: dict[str, Any] = {
    "payUrl": "https://test-payment.momo.vn/v2/gateway/pay?t=x",
    "qrCodeUrl": "000201",
}


def test_an_opened_order_says_where_the_payer_goes() -> None:
    opened = momo().read_created(ORDER, reply(**OPENED, deeplink="momo://app?action=pay"))
    assert isinstance(opened, Opened)
    assert opened.action.redirect_url == OPENED["payUrl"]
    assert opened.action.deeplink == "momo://app?action=pay"
    assert opened.action.qr_content == "000201"
    other = momo().read_created(ORDER, reply(**OPENED, deeplink="javascript:alert(1)"))
    assert isinstance(other, Opened)
    assert other.action.deeplink is None


def test_a_signature_on_the_answer_is_checked_though_momo_may_leave_it_out() -> None:
    names = "accessKey amount orderId partnerCode payUrl requestId responseTime resultCode"
    right = mac({**ANSWER, **OPENED}, tuple(names.split()))
    assert isinstance(momo().read_created(ORDER, reply(**OPENED, signature=right)), Opened)
    assert isinstance(momo().read_created(ORDER, reply(**OPENED, signature=None)), Opened)
    with pytest.raises(SignatureWrong):
        momo().read_created(ORDER, reply(**OPENED, signature="0" * 64))


@pytest.mark.parametrize(
    "changed",
    [
        *({"orderId": "att_other"}, {"requestId": "b" * 32}, {"amount": 150_001}),
        *({"partnerCode": "MOMOLRJZ20181206"}, {"payUrl": ...}, {"payUrl": "javascript:alert(1)"}),
        *({"requestId": ...}, {"amount": ...}, {"payUrl": "http://test-payment.momo.vn/"}),
    ],
    ids=str,
)
def test_an_answer_to_another_request_opens_nothing(changed: dict[str, Any]) -> None:
    finding = momo().read_created(ORDER, reply(**{**OPENED, **changed}))
    assert isinstance(finding, Finding)
    assert finding.outcome is Outcome.UNKNOWN


# ── result codes, from the class column of the documents' table ─────────────────────────────────

FAILED, PENDING, UNKNOWN = Outcome.FAILED, Outcome.PENDING, Outcome.UNKNOWN
DECLINES = (1001, 1002, 1003, 1004, 1005, 1006, 1007, 1017, 1026, 4001, 4002, 4100)
OF_ORDERS = {
    **dict.fromkeys(DECLINES, FAILED),
    0: Outcome.SUCCEEDED,
    1000: Outcome.WAITING,
    7000: PENDING,
    7002: PENDING,
    9000: PENDING,
    **dict.fromkeys((10, 11, 12, 13, 20, 21, 22, 40, 41, 43, 45, 47, 98, 99), UNKNOWN),
    **dict.fromkeys((1080, 1081, 1088, 2011, 2015, 2019, 11007, 8000, -1, 12345), UNKNOWN),
    8200: PENDING,
}
OF_CREATE = {
    **OF_ORDERS,
    0: UNKNOWN,  # without a payUrl
    **dict.fromkeys((11, 12, 13, 20, 21, 22, 42, 45, 47, 98, 2019), FAILED),
}
OF_REFUNDS = {
    0: Outcome.SUCCEEDED,
    7000: PENDING,
    7002: PENDING,
    1081: FAILED,
    1088: FAILED,
    **dict.fromkeys((11, 12, 13, 20, 21, 22, 47), FAILED),
    **dict.fromkeys((10, 40, 41, 42, 43, 99, 1001, 1080, 9000, 1000, 12345), UNKNOWN),
}


@pytest.mark.parametrize("auto_capture", [True, False])
@pytest.mark.parametrize("code", [*OF_ORDERS, 42])
def test_a_code_of_an_order_means_what_momo_says(code: int, *, auto_capture: bool) -> None:
    adapter = momo(auto_capture=auto_capture)
    queried = adapter.read_queried(ORDER, reply(resultCode=code, transId=0))
    assert queried.outcome is {**OF_ORDERS, 42: Outcome.ABSENT}[code]
    assert (queried.code, queried.provider_id) == (str(code), None)
    notified = adapter.read_notification(posted(an_ipn(resultCode=code))).finding
    assert notified.outcome is OF_ORDERS.get(code, UNKNOWN)


@pytest.mark.parametrize("code", OF_CREATE)
def test_a_code_of_create_means_what_momo_says(code: int) -> None:
    finding = momo().read_created(ORDER, reply(400, resultCode=code, amount=0))
    assert isinstance(finding, Finding)
    assert finding.outcome is OF_CREATE[code]
    assert finding.amount_dong is None


@pytest.mark.parametrize("code", OF_REFUNDS)
def test_a_code_of_a_refund_means_what_momo_says(code: int) -> None:
    ids: dict[str, Any] = {
        "orderId": REFUND.reference,
        "requestId": REFUND.reference,
        "amount": 50_000,
    }
    finding = momo().read_refunded(REFUND, reply(**ids, resultCode=code, transId=7))
    assert finding.outcome is OF_REFUNDS[code]
    item = {"orderId": REFUND.reference, "amount": 50_000, "resultCode": code, "transId": 7}
    listed = momo().read_refund_queried(REFUND, reply(refundTrans=[item]))
    assert listed.outcome is OF_REFUNDS[code]
    assert (listed.reference, listed.amount_dong, listed.provider_id) == (
        REFUND.reference,
        50_000,
        "7",
    )


def test_a_successful_cancel_answers_0_and_is_never_a_success() -> None:
    for_cancel: dict[str, Any] = {"requestId": f"{ORDER.reference}-cancel"}
    lifted = momo().read_released(ORDER, reply(**for_cancel, requestType="cancel"))
    assert lifted.outcome is FAILED
    for wrong in ("capture", ...):
        assert (
            momo().read_released(ORDER, reply(**for_cancel, requestType=wrong)).outcome is UNKNOWN
        )
    assert not [code for code, o in RESULT_CODES["cancel"].items() if o is Outcome.SUCCEEDED]


def test_a_capture_is_a_success_only_if_it_was_a_capture_that_worked() -> None:
    ours: dict[str, Any] = {"requestId": f"{ORDER.reference}-capture", "requestType": "capture"}
    read = momo().read_captured
    assert read(ORDER, reply(**ours)).outcome is Outcome.SUCCEEDED
    assert read(ORDER, reply(**{**ours, "requestType": "cancel"})).outcome is UNKNOWN
    assert (
        read(ORDER, reply(**{**ours, "requestId": f"{ORDER.reference}-cancel"})).outcome is UNKNOWN
    )
    codes = {22: UNKNOWN, 43: UNKNOWN, 1003: FAILED, 7002: PENDING, 1001: UNKNOWN}
    for code, outcome in codes.items():
        assert read(ORDER, reply(**ours, resultCode=code)).outcome is outcome
