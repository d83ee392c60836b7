import json
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.evidence import Finding, Outcome
from gateway.kit.messages import (
    Garbled,
    Incoming,
    NextAction,
    Opened,
    Reply,
    SignatureWrong,
    Unreadable,
)
from gateway.providers.zalopay import RESULT_CODES
from tests.providers.zalopay_order import KEY2, ORDER, REFUND, ZALOPAY, mac


def a_reply(return_code: object, sub: object = None, **more: object) -> Reply:
    fields = {"return_code": return_code, "return_message": "Giao dịch", **more}
    return Reply(
        200, json.dumps(fields | ({} if sub is None else {"sub_return_code": sub})).encode()
    )


def read(operation: str, reply: Reply) -> Finding:
    readers: dict[str, Any] = {
        "create": lambda: ZALOPAY.read_created(ORDER, reply),
        "query": lambda: ZALOPAY.read_queried(ORDER, reply),
        "cancel": lambda: ZALOPAY.read_cancelled(ORDER, reply),
        "refund": lambda: ZALOPAY.read_refunded(REFUND, reply),
        "query_refund": lambda: ZALOPAY.read_refund_queried(REFUND, reply),
    }
    found = readers[operation]()
    return Finding(Outcome.WAITING, code="1") if isinstance(found, Opened) else found


WRONG_NUMBERS: list[object] = [True, "x", 1.5, [0]]
PAID = {"amount": 150_000, "zp_trans_id": 261125000000389, "order_url": "https://q.example/o"}


# Written from ZaloPay's own lists: call, code, class. Each refusal may come in either place.
LISTED = {
    "create": {
        Outcome.UNKNOWN: [-68, -429, -500, -999],
        Outcome.FAILED: [-33, -2, -401, -402, -53, -403, -405, 406],
    },
    "query": {
        Outcome.FAILED: [
            *(-54, -217, -329, -322, -332, -333),
            *(-1330, -1331, -1332, -1333, -1340, -1341, -1342, -1343),
        ],
        Outcome.WAITING: [-63],
        Outcome.ABSENT: [-92, -101],
        Outcome.UNKNOWN: [-32, -33, -34, -35, -43, -88, -135, -301, -429, -500, -999],
    },
    "refund": {
        Outcome.FAILED: [-3, -13, -14, -24, -25, -26, -101],
        Outcome.UNKNOWN: [-23],
    },
    "query_refund": {
        Outcome.FAILED: [-13, -14, -32],
        Outcome.ABSENT: [-101],
        Outcome.PENDING: [-16],
    },
}
CASES = [
    pytest.param(call, code, outcome, id=f"{call} {code}")
    for call, outcomes in LISTED.items()
    for outcome, codes in outcomes.items()
    for code in codes
]


@pytest.mark.parametrize(("call", "code", "outcome"), CASES)
def test_a_listed_refusal_means_what_its_list_says(call: str, code: int, outcome: Outcome) -> None:
    assert read(call, a_reply(2, code, **PAID)).outcome is outcome
    assert read(call, a_reply(code, **PAID)).outcome is outcome
    assert read(call, a_reply(2, code)).code == str(code)


@pytest.mark.parametrize(
    ("call", "outcome"),
    [
        ("create", Outcome.WAITING),
        ("query", Outcome.SUCCEEDED),
        ("cancel", Outcome.FAILED),
        ("refund", Outcome.PENDING),
        ("query_refund", Outcome.SUCCEEDED),
    ],
)
def test_a_success_means_what_its_call_does(call: str, outcome: Outcome) -> None:
    assert read(call, a_reply(1, 1, **PAID)).outcome is outcome
    assert read(call, a_reply(1, **PAID)).outcome is outcome
    for contradicting in (-54, -101, -1, 2, 3):
        assert read(call, a_reply(1, contradicting, **PAID)).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("call", "outcome"),
    [
        ("create", Outcome.UNKNOWN),
        ("query", Outcome.PENDING),
        ("cancel", Outcome.UNKNOWN),
        ("refund", Outcome.PENDING),
        ("query_refund", Outcome.PENDING),
    ],
)
@pytest.mark.parametrize("sub", [None, 0, 2, 3, -54, -101, -777])
def test_what_is_in_work_never_ends_anything(call: str, outcome: Outcome, sub: int | None) -> None:
    assert read(call, a_reply(3, sub)).outcome is outcome


@pytest.mark.parametrize("call", list(RESULT_CODES))
@given(code=st.integers(min_value=-2000, max_value=2000))
def test_an_unlisted_code_is_unknown(call: str, code: int) -> None:
    listed = {code for codes in LISTED.get(call, {}).values() for code in codes}
    if code in listed | {0, 1, 2, 3}:
        return
    assert read(call, a_reply(2, code, **PAID)).outcome is Outcome.UNKNOWN
    assert read(call, a_reply(code, **PAID)).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("call", list(RESULT_CODES))
@pytest.mark.parametrize(("code", "sub"), [(0, None), (0, 0), (2, 1), (2, 3)])
def test_codes_that_contradict_each_other_prove_nothing(
    call: str, code: int, sub: int | None
) -> None:
    assert read(call, a_reply(code, sub, **PAID)).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("call", ["create", "query", "cancel", "refund"])
def test_a_bare_refusal_proves_nothing(call: str) -> None:
    assert read(call, a_reply(2, **PAID)).outcome is Outcome.UNKNOWN


def test_a_bare_refusal_of_a_refund_is_final() -> None:
    assert read("query_refund", a_reply(2, 0)).outcome is Outcome.FAILED


def test_a_refund_that_sends_us_to_operations_is_held() -> None:
    assert read("query_refund", a_reply(3, -1)).outcome is Outcome.HELD
    assert read("query_refund", a_reply(2, -1)).outcome is Outcome.UNKNOWN
    assert read("query_refund", a_reply(-1)).outcome is Outcome.UNKNOWN


def test_an_opened_order_gives_the_page_and_the_qr() -> None:
    reply = a_reply(1, 1, order_url="https://q.example/o", qr_code="0002", zp_trans_token="t")
    opened = ZALOPAY.read_created(ORDER, reply)
    assert opened == Opened(NextAction("https://q.example/o", qr_content="0002"))


@pytest.mark.parametrize("order_url", ["", "javascript:alert(1)", 7, None])
def test_an_opened_order_without_a_page_is_unreadable(order_url: object) -> None:
    with pytest.raises(Unreadable):
        ZALOPAY.read_created(ORDER, a_reply(1, 1, order_url=order_url))


def test_a_paid_order_carries_amount_and_number() -> None:
    for number in (261125000000389, "261125000000389"):
        finding = read("query", a_reply(1, 1, amount=150_000, zp_trans_id=number))
        assert (finding.amount_dong, finding.provider_id) == (150_000, "261125000000389")
    with pytest.raises(Unreadable):
        read("query", a_reply(1, 1, amount=150_000))


def test_another_amount_is_handed_on_as_it_is() -> None:
    assert read("query", a_reply(1, 1, amount=1, zp_trans_id=9)).amount_dong == 1


def test_an_unpaid_order_is_told_from_one_in_work() -> None:
    assert read("query", a_reply(3, is_processing=False)).outcome is Outcome.WAITING
    assert read("query", a_reply(3, is_processing=True)).outcome is Outcome.PENDING
    assert read("query", a_reply(3, zp_trans_id="", amount=0)).amount_dong is None


@pytest.mark.parametrize(("code", "sub"), [(1, 1), (2, -54), (-54, None)])
def test_an_end_that_is_still_processing_proves_nothing(code: int, sub: int | None) -> None:
    reply = a_reply(code, sub, is_processing=True, **PAID)
    assert read("query", reply).outcome is Outcome.UNKNOWN


def test_only_too_many_requests_pauses_the_questions() -> None:
    assert ZALOPAY.spacing_of(read("query", a_reply(2, -429))) is not None
    assert ZALOPAY.spacing_of(read("query", a_reply(-429))) is not None
    assert ZALOPAY.spacing_of(read("query", a_reply(2, -500))) is None


def test_a_refund_keeps_zalopays_number_of_it() -> None:
    assert read("refund", a_reply(1, 1, refund_id=77)).provider_id == "77"


@pytest.mark.parametrize("call", list(RESULT_CODES))
@pytest.mark.parametrize(
    "reply",
    [
        replace(a_reply(1, 1, **PAID), status=404),
        replace(a_reply(1, 1, **PAID), status=201),
        Reply(200, b"<!doctype html><p>Bao tri</p>"),
        Reply(200, b""),
        Reply(200, b'{"return_code": 1, "return_code": 2}'),
        *map(a_reply, (True, 1.0, None, "one", [1], 10**30)),
        *(a_reply(2, wrong) for wrong in (True, 1.5, "x", [0])),
        *(a_reply(1, 1, zp_trans_id=wrong) for wrong in WRONG_NUMBERS),
    ],
    ids=lambda reply: f"{reply.status} {reply.body[:80]!r}",
)
def test_what_is_not_as_documented_is_unreadable(call: str, reply: Reply) -> None:
    with pytest.raises(Unreadable):
        read(call, reply)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
FIELDS = st.dictionaries(
    st.sampled_from(["return_code", "sub_return_code", "amount", "data", "mac", "order_url"])
    | st.sampled_from(["zp_trans_id", "refund_id", "is_processing", "return_message", "app_id"]),
    JSON,
)


@given(
    body=st.binary() | FIELDS.map(json.dumps).map(str.encode) | JSON.map(json.dumps).map(str.encode)
)
def test_no_bytes_raise_anything_but_garbled(body: bytes) -> None:
    for call in RESULT_CODES:
        with suppress(Garbled):
            assert read(call, Reply(200, body))
    with suppress(Garbled):
        ZALOPAY.read_notification(Incoming("POST", body=body))


@given(data=st.text() | FIELDS.map(json.dumps) | JSON.map(json.dumps))
def test_no_signed_data_raises_anything_but_unreadable(data: str) -> None:
    body = json.dumps({"data": data, "mac": mac(KEY2, data)}).encode()
    with suppress(Unreadable):
        assert ZALOPAY.read_notification(Incoming("POST", body=body)).finding.amount_dong


# ── the browser's return ─────────────────────────────────────────────────────────────────────────

RETURNED = {
    "appid": "2553",
    "apptransid": ORDER.reference,
    "pmcid": "38",
    "bankcode": "",
    "amount": "150000",
    "discountamount": "0",
    "status": "1",
}


def a_return(**changed: str) -> str:
    fields = RETURNED | changed
    return urlencode({**fields, "checksum": mac(KEY2, "|".join(fields.values()))})


def test_a_return_is_read_among_parameters_of_our_own() -> None:
    finding = ZALOPAY.read_return(Incoming("GET", query=f"ours=1&{a_return()}"))
    assert finding.outcome is Outcome.SUCCEEDED
    assert (finding.reference, finding.amount_dong) == (ORDER.reference, 150_000)
    assert finding.merchant == "2553"
    declined = ZALOPAY.read_return(Incoming("GET", query=a_return(status="-777")))
    assert declined.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("name", [*RETURNED, "checksum"])
def test_a_return_with_a_changed_field_is_refused(name: str) -> None:
    rest = [pair for pair in a_return().split("&") if not pair.startswith(f"{name}=")]
    with pytest.raises(SignatureWrong):
        ZALOPAY.read_return(Incoming("GET", query="&".join([*rest, f"{name}=9"])))


def test_an_unsigned_return_is_refused() -> None:
    with pytest.raises(SignatureWrong):
        ZALOPAY.read_return(Incoming("GET", query=urlencode(RETURNED)))


@pytest.mark.parametrize(
    "query", [a_return() + "&status=1", a_return(amount="x"), "%FF", "a&" * 200]
)
def test_a_return_that_cannot_be_read_is_garbled(query: str) -> None:
    with pytest.raises(Garbled):
        ZALOPAY.read_return(Incoming("GET", query=query))


@given(st.text())
def test_no_return_raises_anything_but_garbled(query: str) -> None:
    with suppress(Garbled):
        ZALOPAY.read_return(Incoming("GET", query=query))
