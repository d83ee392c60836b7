"""The simulated terminal cloud: sales, time-outs and what becomes of them, money back."""

from collections.abc import AsyncIterator

import pytest

from gateway.kit.messages import Acknowledgement
from tests.sandbox.pospush import MID, SERIAL, Merchant, merchant_of


@pytest.fixture
async def shop() -> AsyncIterator[Merchant]:
    async with merchant_of() as merchant:
        yield merchant


# ── sales ────────────────────────────────────────────────────────────────────────────────────────


async def test_a_card_is_charged_once_and_told_by_callback_and_question(shop: Merchant) -> None:
    sale = await shop.push()
    await shop.control("terminal", reference=sale, does="present")
    assert (await shop.tell(sale))["status"] == "IN_PROGRESS"
    assert shop.door.arrived.empty()
    await shop.control("payer", reference=sale, act="approve")
    for said in (await shop.heard(), await shop.tell(sale)):
        assert (said["status"], said["amount"], said["mid"]) == ("APPROVED", 150_000, MID)
        assert (len(said["rrn"]), len(said["auth_code"]), said["response_code"]) == (12, 6, "00")
        assert (said["masked_pan"], said["settled"]) == ("970436******0018", False)
    assert [c["reference"] for c in await shop.charges()] == [sale]


async def test_nothing_is_known_of_a_card_before_one_is_presented(shop: Merchant) -> None:
    said = await shop.tell(await shop.push())
    assert (said["status"], said["serial"]) == ("PUSHED", SERIAL)
    assert {said[name] for name in ("rrn", "auth_code", "masked_pan", "stan", "batch_no")} == {None}


@pytest.mark.parametrize(
    ("declined", "status", "response"), [("51", "DECLINED", "51"), ("00", "CANCELLED", None)]
)
async def test_a_sale_that_ends_without_money_is_told(
    shop: Merchant, declined: str, status: str, response: str | None
) -> None:
    await shop.control("pospush", declined=declined)
    sale = await shop.push()
    await shop.control("payer", reference=sale, act="decline")
    said = await shop.heard()
    assert (said["status"], said["response_code"]) == (status, response)
    assert await shop.charges() == []


async def test_a_sale_to_which_nobody_comes_is_cancelled_and_told(shop: Merchant) -> None:
    sale = await shop.push()
    order = shop.rail.orders[sale]
    order.expires_at = order.created_at
    assert (await shop.tell(sale))["status"] == (await shop.heard())["status"] == "CANCELLED"
    assert await shop.push()  # the terminal is free again


async def test_the_same_sale_again_is_answered_as_it_stands_and_another_is_refused(
    shop: Merchant,
) -> None:
    sale = shop.sale()
    path = f"/terminals/{SERIAL}/sales"
    await shop.call("POST", path, sale)
    await shop.control("payer", reference=sale["sale_id"], act="approve")
    again = await shop.call("POST", path, sale)
    assert (again.status_code, again.json()["status"]) == (202, "APPROVED")
    other = await shop.call("POST", path, sale | {"amount": 1})
    assert (other.status_code, other.json()["code"]) == (409, "ID_USED")
    elsewhere = await shop.call("POST", "/terminals/PAX00000002/sales", sale)
    assert elsewhere.json()["code"] == "ID_USED"
    assert len(await shop.charges()) == 1


async def test_a_terminal_takes_one_sale_at_a_time(shop: Merchant) -> None:
    await shop.push()
    answer = await shop.call("POST", f"/terminals/{SERIAL}/sales", shop.sale())
    assert (answer.status_code, answer.json()["code"]) == (409, "TERMINAL_BUSY")
    assert await shop.push("PAX00000002")


@pytest.mark.parametrize(
    ("switch", "refused"),
    [("offline", (409, "TERMINAL_OFFLINE")), ("unknown", (404, "TERMINAL_UNKNOWN"))],
)
async def test_a_terminal_that_is_not_there_takes_no_sale(
    shop: Merchant, switch: str, refused: tuple[int, str]
) -> None:
    await shop.control("pospush", **{switch: [SERIAL]})
    answer = await shop.call("POST", f"/terminals/{SERIAL}/sales", shop.sale())
    assert (answer.status_code, answer.json()["code"]) == refused
    assert not shop.rail.orders


async def test_a_sale_is_cancelled_only_before_a_card_is_presented(shop: Merchant) -> None:
    sale = await shop.push()
    for _ in range(2):
        answer = await shop.call("POST", f"/sales/{sale}/cancel", {})
        assert (answer.status_code, answer.json()["status"]) == (200, "CANCELLED")
    assert (await shop.heard())["status"] == "CANCELLED"
    busy = await shop.push()
    await shop.control("terminal", reference=busy, does="present")
    refused = await shop.call("POST", f"/sales/{busy}/cancel", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "SALE_IN_PROGRESS")
    await shop.control("payer", reference=busy, act="approve")
    assert (await shop.call("POST", f"/sales/{busy}/cancel", {})).json()["code"] == "SALE_ENDED"


# ── time-outs ────────────────────────────────────────────────────────────────────────────────────


async def test_a_terminal_without_an_answer_reverses_by_itself() -> None:
    async with merchant_of(reversal_s=0.05) as shop:
        sale = await shop.push()
        await shop.control("terminal", reference=sale, does="time_out")
        told = [(await shop.heard())["status"] for _ in range(2)]
        assert told == ["TIMEOUT", "REVERSED"]
        assert (await shop.tell(sale))["status"] == "REVERSED"
        assert await shop.charges() == []


async def test_money_that_the_host_took_is_found_when_the_batch_is_settled() -> None:
    async with merchant_of(reversal_s=0.0) as shop:
        sale = await shop.push()
        await shop.control("terminal", reference=sale, does="time_out", host_has_it=True)
        assert (await shop.heard())["status"] == (await shop.tell(sale))["status"] == "TIMEOUT"
        assert await shop.charges() == []
        await shop.control("settle")
        said = await shop.heard()
        assert (said["status"], said["settled"], said["response_code"]) == ("APPROVED", True, "00")
        assert [c["provider_id"] for c in await shop.charges()] == [said["rrn"]]


async def test_settling_tells_approved_sales_again_and_changes_nothing(shop: Merchant) -> None:
    sale = await shop.approved()
    before = await shop.tell(sale)
    await shop.control("settle")
    assert await shop.heard() == await shop.tell(sale) == before | {"settled": True}
    assert len(await shop.charges()) == 1


# ── money back ───────────────────────────────────────────────────────────────────────────────────


async def test_a_void_is_of_the_whole_and_of_the_same_batch(shop: Merchant) -> None:
    sale = await shop.approved()
    early = await shop.back(sale, "refunds", "r-1", 50_000)
    assert (early.status_code, early.json()["code"]) == (409, "BATCH_OPEN")
    assert (await shop.back(sale, "void", "r-1", 50_000)).json()["code"] == "BATCH_OPEN"
    for _ in range(2):
        done = await shop.back(sale, "void", "r-1")
        assert (done.status_code, done.json()["status"]) == (200, "DONE")
    assert (await shop.tell(sale))["status"] == "VOIDED"
    assert (await shop.back(sale, "void", "r-2")).json()["code"] == "NOT_APPROVED"
    assert len(shop.rail.backs) == 1


async def test_after_settlement_parts_are_refunded_and_never_more_than_was_paid(
    shop: Merchant,
) -> None:
    sale = await shop.approved()
    await shop.control("settle")
    assert (await shop.back(sale, "void", "r-0")).json()["code"] == "BATCH_CLOSED"
    assert (await shop.back(sale, "refunds", "r-1", 100_000)).status_code == 202
    assert (await shop.back(sale, "refunds", "r-2", 50_001)).json()["code"] == "AMOUNT_TOO_HIGH"
    assert (await shop.back(sale, "refunds", "r-3", 50_000)).json()["status"] == "DONE"
    assert (await shop.back(sale, "refunds", "r-1", 99_000)).json()["code"] == "ID_USED"
    assert sum(b.amount_dong for b in shop.rail.backs.values()) == 150_000


@pytest.mark.parametrize(
    ("ends", "told"), [("PENDING", ["PENDING", "DONE"]), ("REFUSED", ["REFUSED", "REFUSED"])]
)
async def test_a_refund_may_take_its_time_or_be_refused(
    shop: Merchant, ends: str, told: list[str]
) -> None:
    await shop.control("pospush", refunded=ends)
    sale = await shop.approved()
    await shop.control("settle")
    said = [(await shop.back(sale, "refunds", "r-1")).json()["status"]]
    said.append((await shop.call("GET", "/refunds/r-1")).json()["status"])
    assert said == told


# ── callbacks ────────────────────────────────────────────────────────────────────────────────────


async def test_a_callback_is_repeated_until_it_is_taken_in_the_very_words() -> None:
    async with merchant_of(repeat_after_s=[0.0, 0.0, 0.0]) as shop:
        answers = [(500, b'{"code":"OK"}'), (200, b"OK")]
        last = (200, b'{"code":"OK"}')
        shop.door.answer = lambda _: Acknowledgement(*(answers.pop(0) if answers else last))
        sale = await shop.approved()
        assert {(await shop.heard())["sale_id"] for _ in range(2)} == {sale}
        assert shop.door.arrived.empty()


@pytest.mark.parametrize("fault", ["bad_signature", "unsigned", "forged"])
async def test_a_callback_that_is_not_authentic_can_be_sent(shop: Merchant, fault: str) -> None:
    sale = await shop.push()
    await shop.control("faults", operation="notify", fault=fault)
    await shop.control("payer", reference=sale, act="decline")
    with pytest.raises(AssertionError):
        await shop.heard()
    if fault == "forged":
        assert (await shop.heard())["status"] == "DECLINED"
