"""The simulated NAPAS: its page, its challenge, its callbacks, by the profile."""

from collections.abc import AsyncIterator

import pytest

from gateway.kit.messages import Acknowledgement
from tests.sandbox.napas import CHALLENGED, FRICTIONLESS, Merchant, code_of, merchant_of, opened

NOBODY = "9704 0000 0000 9999"


@pytest.fixture
async def shop() -> AsyncIterator[Merchant]:
    async with merchant_of() as merchant:
        yield merchant


async def test_a_frictionless_card_is_charged_once_and_told_by_callback_browser_and_query(
    shop: Merchant,
) -> None:
    reference = await shop.open()
    browser = await shop.pay(reference)
    for said in (browser, await shop.heard(), await shop.query(reference)):
        assert code_of(said) == ("SUCCESS", "SUCCESS", "0")
        assert (said["order"]["id"], said["order"]["amount"]) == (reference, 150_000)
        assert (said["transaction"]["type"], said["merchantId"]) == ("PAYMENT", "EVNSPC")
    await shop.give_card(reference, FRICTIONLESS)
    assert [c["reference"] for c in await shop.charges()] == [reference]


async def test_a_card_s_number_is_kept_by_six_digits_and_four(shop: Merchant) -> None:
    reference = await shop.open()
    await shop.pay(reference)
    said = await shop.query(reference)
    card = said["sourceOfFunds"]["provided"]["card"]
    assert card == {"brand": "NAPAS", "number": "970400xxxxxx0018"}
    assert "9704000000000018" not in f"{vars(shop.rail)} {shop.rail.orders}"


@pytest.mark.parametrize(
    ("otp", "code", "charged"),
    [
        ("123456", ("SUCCESS", "SUCCESS", "0"), 1),
        ("1", ("FAILURE", "AUTHENTICATION_FAILED", ""), 0),
    ],
    ids=["passed", "failed"],
)
async def test_a_challenge_takes_the_money_only_if_it_is_passed(
    shop: Merchant, otp: str, code: tuple[str, str, str], charged: int
) -> None:
    reference = await shop.open()
    answer = await shop.give_card(reference, CHALLENGED)
    page = answer.headers["location"]
    assert code_of(await shop.query(reference)) == ("PENDING", "AUTHENTICATING", "")
    assert "otp" in (await shop.http.get(page)).text
    assert await shop.charges() == []
    await shop.http.post(page, data={"otp": otp})
    assert code_of(await shop.query(reference)) == code_of(await shop.heard()) == code
    assert len(await shop.charges()) == charged


async def test_an_abandoned_challenge_is_expired_and_nobody_is_told(shop: Merchant) -> None:
    reference = await shop.open()
    page = (await shop.give_card(reference, CHALLENGED)).headers["location"]
    order = shop.rail.orders[reference]
    order.expires_at = order.created_at
    await shop.http.post(page, data={"otp": "123456"})
    assert code_of(await shop.query(reference)) == ("FAILURE", "EXPIRED", "")
    assert shop.door.arrived.empty()
    assert await shop.charges() == []


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("9704000000000034", ("FAILURE", "DECLINED", "51")),
        ("9704000000000083", ("FAILURE", "DECLINED", "91")),
        (NOBODY, ("FAILURE", "DECLINED", "5")),
    ],
)
async def test_a_card_that_is_refused_is_told_and_not_charged(
    shop: Merchant, number: str, code: tuple[str, str, str]
) -> None:
    reference = await shop.open()
    assert code_of(await shop.pay(reference, number)) == code_of(await shop.heard()) == code
    assert await shop.charges() == []


async def test_a_payer_who_gives_up_is_told(shop: Merchant) -> None:
    reference = await shop.open()
    await shop.http.post(f"/hosted/{reference}", data={"act": "cancel"})
    assert code_of(await shop.heard()) == ("FAILURE", "CANCELLED", "")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("9704000000000067", ("UNKNOWN", "TIMED_OUT", "")),
        ("9704000000000075", ("PENDING", "PENDING", "")),
    ],
)
@pytest.mark.parametrize("ends", ["approve", "decline"])
async def test_what_timed_out_or_is_pending_ends_later_and_is_told_again(
    shop: Merchant, number: str, code: tuple[str, str, str], ends: str
) -> None:
    reference = await shop.open()
    await shop.pay(reference, number)
    assert code_of(await shop.heard()) == code_of(await shop.query(reference)) == code
    await shop.control("payer", reference=reference, act=ends)
    result = "SUCCESS" if ends == "approve" else "FAILURE"
    assert code_of(await shop.heard())[0] == code_of(await shop.query(reference))[0] == result
    assert len(await shop.charges()) == (ends == "approve")


async def test_a_callback_is_repeated_until_it_is_taken_in_the_very_words() -> None:
    async with merchant_of(repeat_after_s=[0.0, 0.0, 0.0, 0.0]) as shop:
        answers = [(500, b'{"result":"OK"}'), (200, b"OK"), (200, b'{"result":"NO"}')]
        last = (200, b'{"result":"OK"}')
        shop.door.answer = lambda _: Acknowledgement(*(answers.pop(0) if answers else last))
        reference = await shop.open()
        await shop.pay(reference)
        told = [await shop.heard() for _ in range(4)]
        assert {said["order"]["id"] for said in told} == {reference}
        assert shop.door.arrived.empty()


@pytest.mark.parametrize("fault", ["bad_signature", "unsigned", "forged"])
async def test_a_callback_that_is_not_authentic_can_be_sent(shop: Merchant, fault: str) -> None:
    await shop.control("faults", operation="notify", fault=fault)
    await shop.pay(await shop.open(), NOBODY if fault == "forged" else FRICTIONLESS)
    with pytest.raises((AssertionError, KeyError)):
        await shop.heard()
    if fault == "forged":
        assert code_of(await shop.heard()) == ("FAILURE", "DECLINED", "5")


async def test_an_earlier_state_can_arrive_last(shop: Merchant) -> None:
    await shop.control("faults", operation="notify", fault="reordered")
    await shop.pay(await shop.open())
    told = [code_of(await shop.heard())[0] for _ in range(2)]
    assert told == ["SUCCESS", "PENDING"]


async def test_a_callback_can_name_another_amount(shop: Merchant) -> None:
    await shop.control("faults", operation="notify", fault="wrong_amount")
    await shop.pay(await shop.open())
    assert (await shop.heard())["order"]["amount"] == 151_000


def test_the_checksum_is_over_the_text_of_data_and_the_secret() -> None:
    with pytest.raises(AssertionError):
        opened({"data": "e30=", "checksum": "0" * 64})
