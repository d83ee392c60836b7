"""What is said to Payoo's bill side, and what its answers mean for the money."""

import json
import random
from base64 import b64decode
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.domain.posting import Clearing, Undoing
from gateway.kit.messages import Call, Garbled, Owed, OwedBill, Reply, SignatureWrong, Unreadable
from gateway.providers.payoobill import Config, PayooBill
from gateway.sandbox.payoobill_keys import PARTNER_PRIVATE, PARTNER_PUBLIC
from gateway.testing.mutants import mutant
from tests.providers.payoobill import (
    BILL,
    CUSTOMER,
    LINE,
    MOMENT,
    POSTING,
    SETTINGS,
    answer,
    owing,
    payoobill,
    signature_of,
)

SIDE = payoobill()


def sent(call: Call) -> dict[str, Any]:
    """The Data of a call; its signature is checked on the way."""
    data: str = json.loads(call.body)["Data"]
    key = load_pem_public_key(PARTNER_PUBLIC.encode())
    assert isinstance(key, RSAPublicKey)
    key.verify(b64decode(call.headers["Signature"]), data.encode(), PKCS1v15(), SHA256())
    fields: dict[str, Any] = json.loads(data)
    return fields


def looked_up(reply: Reply) -> Owed | None:
    return SIDE.read_looked_up(CUSTOMER, reply)


def paid(**fields: Any) -> tuple[Clearing, str]:
    [said] = SIDE.read_cleared(POSTING, answer(fields))
    return said.said, said.code


def checked(**fields: Any) -> Clearing:
    return SIDE.read_checked(POSTING, LINE, answer(fields)).said


# ── what is sent ────────────────────────────────────────────────────────────────────────────────


def test_a_lookup_names_partner_operation_and_time_in_headers_and_signs_its_data() -> None:
    call = SIDE.look_up(CUSTOMER, MOMENT)
    headers = {name: value for name, value in call.headers.items() if name != "Signature"}
    assert call.url == "https://bill.payoo.example/execute"
    assert headers == {
        "content-type": "application/json",
        "PARTNERCODE": "EVNGW",
        "Operation": "QueryBillBE",
        "RequestTime": "20261125003500",
    }
    assert sent(call) == {
        "UserId": "evngw",
        "SearchValue": CUSTOMER,
        "ProviderId": "EVNSPC",
        "ServiceId": "DIEN",
        "ChannelPerform": "PARTNER",
    }


def test_a_clearing_pays_one_bill_under_our_own_number_and_tells_no_payers_phone() -> None:
    call = SIDE.clear(POSTING, MOMENT)
    assert call.headers["Operation"] == "PayBillBE"
    assert sent(call) == {
        "UserId": "evngw",
        "BillIds": "HD-1",
        "ContactPhone": "19001006",
        "SystemTrace": LINE.reference,
        "TransactionTime": "20261125003000",
        "ChannelPerform": "PARTNER",
        "MoneyTotal": 150_000,
        "PaymentFee": 1100,
    }
    assert PayooBill.lines_max == 1


def test_a_repetition_says_the_same_but_for_the_time_of_the_call() -> None:
    first, again = SIDE.clear(POSTING, MOMENT), SIDE.clear(POSTING, MOMENT)
    assert (first.body, first.headers) == (again.body, again.headers)


@pytest.mark.parametrize("build", [SIDE.check, SIDE.undo], ids=["check", "undo"])
def test_the_status_is_asked_by_our_own_number(build: Callable[..., Call]) -> None:
    call = build(POSTING, LINE, MOMENT)
    assert call.headers["Operation"] == "GetTransactionStatusBE"
    assert sent(call) == {
        "SystemTrace": LINE.reference,
        "RequestTime": "20261125003500",
        "TransactionTime": "20261125003000",
    }


# ── what is owed ────────────────────────────────────────────────────────────────────────────────


def test_bills_are_read_the_oldest_first_in_whole_dong() -> None:
    older = BILL | {"BillId": "HD-0", "Month": "9/2026", "MoneyAmount": 99000, "PaymentFee": 0}
    found = looked_up(owing(BILL, older))
    assert found == Owed(
        "Nguyễn Văn Án",
        "12 Nguyễn Trãi",
        (
            OwedBill("HD-0", date(2026, 9, 1), 99_000, {}),
            OwedBill("HD-1", date(2026, 11, 1), 150_000, {"fee": "1100"}),
        ),
    )


@pytest.mark.parametrize("code", [3, -109, -106, -107, -110])
def test_nothing_to_pay_is_an_answer_and_no_error(code: int) -> None:
    assert looked_up(answer({"ReturnCode": code})) == Owed("", "", ())


def test_a_customer_that_is_not_found_is_none() -> None:
    assert looked_up(answer({"ReturnCode": 4})) is None


@pytest.mark.parametrize("code", [-1, -3, -9, -10, -14, -25, -28, -85, -86, 2001, 2004, 77])
def test_any_other_code_says_nothing_of_what_is_owed(code: int) -> None:
    with pytest.raises(Unreadable):
        looked_up(answer({"ReturnCode": code, "Bills": [BILL]}))


@pytest.mark.parametrize(
    "changed",
    [
        {"CustomerId": "PB14010000002"},
        {"ProviderId": "EVNHCMC"},
        {"ServiceId": "NUOC"},
        {"MoneyAmount": "150000.5"},
        {"MoneyAmount": None},
        {"MoneyAmount": -1},
        {"Month": "13/2026"},
        {"Month": "2026-11"},
        {"BillId": ""},
        {"BillId": "a|b"},
        {"PaymentRule": 9},
        {"PaymentFee": "x"},
    ],
    ids=lambda changed: "-".join(f"{k}={v}" for k, v in changed.items()),
)
def test_a_bill_that_is_not_clearly_ours_and_whole_is_unreadable(changed: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        looked_up(owing(BILL | changed))


def test_two_bills_of_one_number_are_unreadable() -> None:
    with pytest.raises(Unreadable, match="BillId"):
        looked_up(owing(BILL, BILL))


@pytest.mark.parametrize("rule", [0, 1, 3])
def test_rules_that_one_bill_a_call_can_keep_are_kept(rule: int) -> None:
    found = looked_up(owing(BILL | {"PaymentRule": rule}, BILL | {"BillId": "HD-2"}))
    assert found is not None
    assert len(found.bills) == 2


def test_bills_that_are_paid_together_only_cannot_be_sold_but_one_alone_can() -> None:
    together = BILL | {"PaymentRule": 2}
    assert looked_up(owing(together)) is not None
    with pytest.raises(Unreadable, match="PaymentRule"):
        looked_up(owing(together, together | {"BillId": "HD-2"}))


# ── what a payment's answer means ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (0, Clearing.CLEARED),
        (1, Clearing.PENDING),
        (-3, Clearing.UNKNOWN),
        (-7, Clearing.FLOAT_EMPTY),
        (-28, Clearing.LOCKED),
        (-111, Clearing.PAID_BY_OTHER),
        (987_654, Clearing.UNKNOWN),
        *((code, Clearing.REFUSED) for code in (-1, -4, -112, -113, -114)),
        *((code, Clearing.REFUSED) for code in (-115, -116, -117, -118, -119)),
        *((code, Clearing.SET_UP_WRONG) for code in (2001, 2004, 2005)),
    ],
)
def test_a_pay_code_means_what_the_documents_say(code: int, said: Clearing) -> None:
    assert paid(ReturnCode=code, SubReturnCode=0) == (said, str(code))


@pytest.mark.parametrize(
    ("sub_code", "said"),
    [
        (-7, Clearing.FLOAT_EMPTY),
        (-119, Clearing.REFUSED),
        (0, Clearing.UNKNOWN),
        (1, Clearing.UNKNOWN),
        (555, Clearing.UNKNOWN),
        (None, Clearing.UNKNOWN),
    ],
)
def test_a_sub_code_may_say_why_it_failed_but_never_that_it_is_paid(
    sub_code: int | None, said: Clearing
) -> None:
    assert paid(ReturnCode=-9, SubReturnCode=sub_code)[0] is said


def test_the_answer_to_another_payment_is_unreadable() -> None:
    assert paid(ReturnCode=0, Systemtrace=LINE.reference)[0] is Clearing.CLEARED
    with pytest.raises(Unreadable, match="Systemtrace"):
        paid(ReturnCode=0, Systemtrace="pst_2")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (1, Clearing.CLEARED),
        (2, Clearing.REFUSED),
        (5, Clearing.REFUSED),
        (0, Clearing.PENDING),
        (3, Clearing.PENDING),
        (4, Clearing.PENDING),
        (6, Clearing.UNKNOWN),
    ],
)
def test_a_status_means_what_the_documents_say(status: int, said: Clearing) -> None:
    assert checked(ReturnCode=0, Status=status) is said


@pytest.mark.parametrize(
    ("code", "said"),
    [(-2, Clearing.NOT_CLEARED), (-1, Clearing.UNKNOWN), (-3, Clearing.UNKNOWN)]
    + [(code, Clearing.UNKNOWN) for code in (1, 2004, 99)],
)
def test_only_not_found_says_that_nothing_was_paid(code: int, said: Clearing) -> None:
    assert checked(ReturnCode=code, Status=1) is said


def test_not_found_is_not_believed_for_fifteen_minutes() -> None:
    assert SIDE.config.visibility_s == 15 * 60


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ReturnCode": 0, "Status": 1}, Undoing.TOO_LATE),
        ({"ReturnCode": 0, "Status": 5}, Undoing.NOTHING_TO_UNDO),
        ({"ReturnCode": 0, "Status": 3}, Undoing.UNKNOWN),
        ({"ReturnCode": -2}, Undoing.UNKNOWN),
    ],
)
def test_nothing_undoes_what_is_paid(fields: dict[str, Any], said: Undoing) -> None:
    assert SIDE.read_undone(POSTING, LINE, answer(fields)).said is said


# ── what cannot be trusted or read ──────────────────────────────────────────────────────────────


def test_an_answer_that_is_signed_must_be_signed_by_payoo_over_this_very_text() -> None:
    data = '{"ReturnCode":0}'
    for forged in (signature_of(f"{data} "), signature_of(data, PARTNER_PRIVATE), "x", "đ"):
        with pytest.raises(SignatureWrong):
            SIDE.read_cleared(POSTING, answer(data, forged))


def test_an_answer_without_a_signature_is_read_for_the_profile_does_not_promise_one() -> None:
    [said] = SIDE.read_cleared(POSTING, answer({"ReturnCode": 1}, ""))
    assert said.said is Clearing.PENDING


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b""),
        Reply(200, b"<!doctype html><title>Bao tri</title>"),
        Reply(404, b'{"Data":"{}"}'),
        Reply(200, b'{"Data":{"ReturnCode":0}}'),
        Reply(200, b'{"Data":"[]"}'),
        answer({"ReturnCode": None}),
        answer({"ReturnCode": "x"}),
        answer('{"ReturnCode":0,"ReturnCode":-1}'),
    ],
)
def test_what_is_no_answer_is_garbled_and_never_a_refusal(reply: Reply) -> None:
    for read in READERS:
        with pytest.raises(Garbled):
            read(reply)


READERS: list[Callable[[Reply], object]] = [
    looked_up,
    lambda reply: SIDE.read_cleared(POSTING, reply),
    lambda reply: SIDE.read_checked(POSTING, LINE, reply),
    lambda reply: SIDE.read_undone(POSTING, LINE, reply),
]


def test_no_bytes_raise_anything_but_garbled() -> None:
    chance = random.Random(2026)  # noqa: S311 (the same mutants in each run)
    seeds = [b"", b"null", owing(BILL).body, answer({"ReturnCode": 0, "Status": 1}).body]
    for _ in range(300):
        reply = Reply(200, mutant(chance, seeds))
        for read in READERS:
            try:
                read(reply)
            except Garbled:
                continue


@pytest.mark.parametrize("name", ["private_key", "public_key"])
def test_a_key_that_is_none_is_refused_when_we_start(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Config.model_validate_strings(SETTINGS | {name: "no key"})


def test_nothing_secret_is_shown() -> None:
    assert "BEGIN PRIVATE" not in f"{SIDE.config!r} {SIDE.config} {SIDE!r}"
