import asyncio
import json
from collections.abc import AsyncIterator
from hashlib import sha256

import httpx
import pytest

from gateway.testing.served import Door, served
from tests.sandbox.autodebit import ACCOUNT, Biller, a_biller, a_debit, a_file, a_mandate, mac

FILE = "AD_970405_20261124_001"


@pytest.fixture
async def biller() -> AsyncIterator[Biller]:
    async with a_biller() as biller:
        yield biller


# ── signatures ──────────────────────────────────────────────────────────────────────────────────


async def test_a_call_that_is_not_signed_by_us_is_refused(biller: Biller) -> None:
    body = json.dumps(a_mandate()).encode()
    assert (await biller.send("POST", "/mandates", body, secret="x")).status_code == 401
    assert (await biller.http.post("/mandates", content=body)).status_code == 401
    biller.skew_s = 400
    assert (await biller.send("POST", "/mandates", body)).status_code == 401
    assert biller.bank.books.mandates == {}


# ── mandates ────────────────────────────────────────────────────────────────────────────────────


async def test_a_mandate_is_active_once_the_customer_gave_the_otp(biller: Biller) -> None:
    registered = await biller.post("/mandates", **a_mandate())
    assert (registered["code"], registered["state"]) == ("00", "PENDING_CUSTOMER")
    otp = (await biller.http.get("/control/otps/M1")).json()["otp"]
    wrong = f"{(int(otp) + 1) % 10**6:06d}"
    assert (await biller.post("/mandates/M1/confirm", otp=wrong))["code"] == "55"
    assert (await biller.post("/mandates/M1/confirm", otp=otp))["state"] == "ACTIVE"
    assert (await biller.get("/mandates/M1"))["state"] == "ACTIVE"


async def test_three_wrong_otps_reject_a_mandate(biller: Biller) -> None:
    await biller.post("/mandates", **a_mandate())
    codes = [(await biller.post("/mandates/M1/confirm", otp="x"))["code"] for _ in range(3)]
    assert codes == ["55", "55", "75"]
    assert (await biller.get("/mandates/M1"))["state"] == "REJECTED"


async def test_a_branch_mandate_waits_for_the_branch_and_the_bank(biller: Biller) -> None:
    await biller.post("/mandates", **a_mandate(channel_registered="BRANCH"))
    assert (await biller.post("/mandates/M1/confirm", otp="1"))["code"] == "12"
    assert (await biller.debit())["code"] == "57"
    await biller.control("mandates", mandate_id="M1", act="branch_signed")
    await biller.control("mandates", mandate_id="M1", act="accept")
    assert (await biller.debit("D2"))["code"] == "00"


async def test_the_same_mandate_again_changes_nothing_and_another_is_refused(
    biller: Biller,
) -> None:
    await biller.an_active()
    assert (await biller.post("/mandates", **a_mandate()))["state"] == "ACTIVE"
    assert (await biller.post("/mandates", **a_mandate(max_amount=1)))["code"] == "12"


async def test_another_name_than_the_accounts_is_rejected(biller: Biller) -> None:
    await biller.control("accounts", account_no=ACCOUNT, name="TRAN THI BE")
    answer = await biller.post("/mandates", **a_mandate())
    assert (answer["code"], answer["state"]) == ("14", "REJECTED")


async def test_a_cancelled_mandate_is_not_debited_and_cancelling_twice_is_one(
    biller: Biller,
) -> None:
    await biller.an_active()
    for _ in range(2):
        assert (await biller.post("/mandates/M1/cancel", reason="biller"))["state"] == "CANCELLED"
    assert (await biller.debit())["code"] == "57"
    assert biller.charged() == []


async def test_an_unknown_mandate_is_not_found(biller: Biller) -> None:
    assert (await biller.get("/mandates/NONE"))["code"] == "25"
    assert (await biller.post("/mandates/NONE/cancel"))["code"] == "57"


# ── debits ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_debit_is_booked_once_and_a_duplicate_is_given_the_first_answer(
    biller: Biller,
) -> None:
    await biller.an_active()
    first = await biller.debit()
    assert (first["code"], first["state"]) == ("00", "SETTLED")
    again = await biller.debit()
    assert again["code"] == "94"
    assert again["first"] == {k: v for k, v in first.items() if k != "message"}
    assert (await biller.debit(amount=9))["first"]["amount"] == 150_000
    assert biller.charged() == [("D1", 150_000)]


@pytest.mark.parametrize("code", ["12", "14", "57", "61", "62"])
async def test_a_scripted_refusal_books_nothing(biller: Biller, code: str) -> None:
    await biller.an_active()
    await biller.control("scripts", mandate_id="M1", codes=[code])
    assert (await biller.debit())["code"] == code
    assert (await biller.get("/debits/D1"))["state"] == "FAILED"
    assert biller.charged() == []


async def test_no_funds_may_be_tried_again_with_the_same_id_and_then_succeeds(
    biller: Biller,
) -> None:
    await biller.an_active()
    await biller.control("accounts", account_no=ACCOUNT, balance_dong=100_000)
    assert (await biller.debit())["code"] == "51"
    assert (await biller.get("/debits/D1"))["state"] == "RETRYING"
    await biller.control("accounts", account_no=ACCOUNT, balance_dong=200_000)
    assert (await biller.debit())["code"] == "94"
    assert (await biller.debit(attempt=2))["code"] == "00"
    assert (await biller.debit(attempt=3))["first"]["code"] == "00"
    assert biller.charged() == [("D1", 150_000)]


@pytest.mark.parametrize(
    ("account", "code", "state"),
    [({"is_closed": True}, "14", "CANCELLED"), ({"is_blocked": True}, "62", "SUSPENDED")],
)
async def test_an_account_that_ended_ends_its_mandate(
    biller: Biller, account: dict[str, bool], code: str, state: str
) -> None:
    await biller.an_active()
    await biller.control("accounts", account_no=ACCOUNT, **account)
    assert (await biller.debit())["code"] == code
    assert (await biller.get("/mandates/M1"))["state"] == state


async def test_limits_hold_for_a_debit_and_for_a_month(biller: Biller) -> None:
    await biller.an_active(max_per_month=250_000)
    assert (await biller.debit(amount=2_000_001))["code"] == "61"
    assert (await biller.debit("D2"))["code"] == "00"
    assert (await biller.debit("D3"))["code"] == "61"
    assert (await biller.debit("D4", amount=100_000))["code"] == "00"


async def test_late_means_booked_and_unreachable_means_never_heard_of(biller: Biller) -> None:
    await biller.an_active()
    await biller.control("scripts", mandate_id="M1", codes=["68", "91"])
    assert (await biller.debit())["code"] == "68"
    assert (await biller.get("/debits/D1"))["code"] == "00"
    assert (await biller.debit("D2"))["code"] == "91"
    assert (await biller.get("/debits/D2"))["code"] == "25"
    assert (await biller.debit("D2"))["code"] == "00"
    assert biller.charged() == [("D1", 150_000), ("D2", 150_000)]


async def test_an_error_after_booking_leaves_the_money_taken(biller: Biller) -> None:
    await biller.an_active()
    await biller.control("faults", operation="debit", fault="error_after")
    answer = await biller.send("POST", "/debits", json.dumps(a_debit()).encode())
    assert answer.status_code == 500
    assert (await biller.debit())["first"]["code"] == "00"
    assert biller.charged() == [("D1", 150_000)]


async def test_an_answer_lies_on_demand(biller: Biller) -> None:
    await biller.an_active()
    await biller.debit()
    for fault, field in (("wrong_amount", "amount"), ("other_order", "debit_id")):
        await biller.control("faults", operation="query", fault=fault)
        assert (await biller.get("/debits/D1"))[field] in {151_000, "D1x"}
    await biller.control("faults", operation="query", fault="bad_signature")
    forged = await biller.send("GET", "/debits/D1")
    assert forged.headers["x-signature"] != mac(forged.headers["x-timestamp"], forged.content)


# ── notifications ───────────────────────────────────────────────────────────────────────────────


async def test_what_happens_later_is_told_signed_and_repeated_until_taken() -> None:
    door = Door()
    async with served(door) as url, a_biller(notify_url=url, repeat_after_s=[0.0, 0.0]) as biller:
        await biller.an_active()
        await biller.control("scripts", mandate_id="M1", codes=["01"])
        assert (await biller.debit())["state"] == "SUBMITTED"
        await biller.control("debits", debit_id="D1", code="00")
        await biller.control("debits", debit_id="D1", code="38")
        assert (await biller.control("debits", debit_id="D1", code="38")) == {"done": False}
        heard = [await door.arrived.get() for _ in range(9)]
        for incoming in heard:
            stamp = incoming.headers["x-timestamp"]
            assert incoming.headers["x-signature"] == mac(stamp, incoming.body)
        events = {json.loads(incoming.body)["event_id"]: incoming for incoming in heard}
        told = [json.loads(events[name].body) for name in sorted(events)]
        assert [event["state"] for event in told] == ["ACTIVE", "SETTLED", "REVERSED"]
        assert [event.get("code") for event in told] == [None, "00", "38"]
        await biller.bank._notices.aclose()
    assert biller.charged() == [("D1", 150_000)]


async def test_a_forged_twin_is_not_signed_with_the_secret() -> None:
    door = Door()
    async with served(door) as url, a_biller(notify_url=url) as biller:
        await biller.control("faults", operation="notify", fault="forged")
        await biller.an_active()
        async with asyncio.timeout(10):
            forged, true = [await door.arrived.get() for _ in range(2)]
        right = [
            i.headers["x-signature"] == mac(i.headers["x-timestamp"], i.body)
            for i in (forged, true)
        ]
        assert right == [False, True]
        await biller.bank._notices.aclose()


# ── files ───────────────────────────────────────────────────────────────────────────────────────


async def upload(biller: Biller, raw: bytes, name: str = FILE) -> str:
    return str((await biller.send("PUT", f"/files/{name}.REQ", raw)).json()["code"])


async def results(biller: Biller) -> httpx.Response:
    return await biller.send("GET", f"/files/{FILE}.RES")


async def test_a_file_is_booked_whole_and_answered_line_by_line(biller: Biller) -> None:
    await biller.an_active()
    await biller.control("scripts", mandate_id="M1", codes=["00", "51", "68", "91"])
    debits = [a_debit(f"D{number}") for number in range(1, 5)]
    assert (await results(biller)).status_code == 404
    assert await upload(biller, a_file(*debits)) == "00"
    answer = await results(biller)
    assert answer.headers["x-signature"] == mac(answer.headers["x-timestamp"], answer.content)
    *lines, trailer = answer.text.splitlines()
    assert [line.split("|")[1:3] for line in lines] == [
        ["D1", "00"],
        ["D2", "51"],
        ["D3", "68"],
        ["D4", "91"],
    ]
    body = answer.content[: answer.content.index(b"T|")]
    assert trailer == f"T|4|300000|{sha256(body).hexdigest()}"


async def test_the_same_file_again_books_nothing_and_a_different_one_is_refused(
    biller: Biller,
) -> None:
    await biller.an_active()
    assert await upload(biller, a_file(a_debit())) == "00"
    assert await upload(biller, a_file(a_debit())) == "94"
    assert await upload(biller, a_file(a_debit("D2"))) == "12"
    assert biller.charged() == [("D1", 150_000)]


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        (FILE, a_file(a_debit())[:-3] + b"00\n"),
        (FILE, a_file(a_debit()).replace(b"|150000|", b"|150001|")),
        (FILE, a_file(a_debit()).partition(b"T|")[0]),
        (FILE, a_file(a_debit()).replace(b"D|D1", b"X|D1")),
        (FILE, b"\xff"),
        ("AD_970436_20261124_001", a_file(a_debit())),
    ],
    ids=["hash", "sum", "no trailer", "line", "no text", "another bank"],
)
async def test_a_file_that_is_not_whole_books_nothing(
    biller: Biller, name: str, raw: bytes
) -> None:
    await biller.an_active()
    assert await upload(biller, raw, name) == "12"
    assert biller.charged() == []


@pytest.mark.parametrize("fault", ["missing", "duplicate", "other_order", "wrong_amount", "forged"])
async def test_a_result_file_is_corrupted_on_demand(biller: Biller, fault: str) -> None:
    await biller.an_active()
    await upload(biller, a_file(a_debit(), a_debit("D2")))
    true = (await results(biller)).content
    await biller.control("faults", operation="results", fault=fault)
    assert (await results(biller)).content != true
    assert (await results(biller)).content == true
