"""What the answers of Payoo's bill side mean for the money."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from gateway.domain.posting import Clearing, Undoing
from gateway.kit.messages import Garbled, Owed, Reply, SignatureWrong, Unreadable
from gateway.providers.payoobill import Config
from gateway.sandbox.payoobill_keys import PARTNER_PRIVATE
from gateway.testing.mutants import mutant
from tests.providers.payoobill import (
    BILL,
    CUSTOMER,
    LINE,
    POSTING,
    SETTINGS,
    answer,
    owing,
    payoobill,
    signature_of,
)

SIDE = payoobill()


def looked_up(reply: Reply) -> Owed | None:
    return SIDE.read_looked_up(CUSTOMER, reply)


def paid(**fields: Any) -> tuple[Clearing, str]:
    [said] = SIDE.read_cleared(POSTING, answer(fields))
    return said.said, said.code


def checked(**fields: Any) -> Clearing:
    return SIDE.read_checked(POSTING, LINE, answer(fields)).said


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
