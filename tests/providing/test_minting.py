"""What an attempt is made from: who may be chosen, and what is written before a byte leaves."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.domain.biller import Channel
from gateway.domain.ids import from_public
from gateway.flows import minting
from gateway.kit.abilities import TakesPayments
from tests.orders import caller_of, keyed_by
from tests.providing.stage import Stage
from tests.world import BILLER, CUSTOMER


@pytest.fixture
def stage(both: tuple[Stage, Stage]) -> Stage:
    return both[0]


def a_payer(**changes: Any) -> minting.Payer:
    chosen: dict[str, Any] = {
        "provider": "scripted",
        "option": None,
        "return_url": "https://portal.test/thanks",
        "ip": "127.0.0.1",
        "locale": "vi",
        "life": timedelta(minutes=15),
    }
    return minting.Payer(**(chosen | changes))


def minted(stage: Stage, **changes: Any) -> Any:
    caller = caller_of(stage.rt, "wallet")
    provider, _ = stage.rt.provider("scripted", TakesPayments)
    wanted = minting.Wanted(a_payer(**changes), Channel.QR, CUSTOMER, 150_000)
    keyed = keyed_by(caller, "create_payment", "the-key-of-one-payment", {})
    return minting.new_attempt(
        stage.rt, provider, stage.rt.directory.billers[BILLER], wanted, keyed
    )


@pytest.mark.parametrize(
    "changes",
    [{"provider": "nobody"}, {"channel": "card"}, {"option": "no_such"}],
    ids=["provider", "channel", "option"],
)
async def test_what_a_provider_does_not_offer_is_refused_and_nothing_is_begun(
    stage: Stage, changes: dict[str, Any]
) -> None:
    answer = await stage.begin(await stage.world.add_bill(), **changes)
    assert answer.json()["code"] == "provider_not_offered"
    assert 400 <= answer.status_code < 500
    assert stage.calls == []
    assert await stage.count("payments") == await stage.count("idempotency_keys") == 0


@pytest.mark.parametrize(
    ("amount", "is_taken"), [(999, False), (1_000, True), (50_000_000, True), (50_000_001, False)]
)
async def test_a_provider_takes_amounts_between_its_bounds(
    stage: Stage,
    amount: int,
    is_taken: bool,  # noqa: FBT001 (a column of the table)
) -> None:
    bill = await stage.world.add_bill(amount_dong=amount)
    answer = await stage.begin(bill, bills=[{"id": bill, "amount_dong": amount}])
    if is_taken:
        assert answer.status_code == 201
        return
    problem = answer.json()
    assert problem["code"] == "provider_amount_out_of_range"
    assert await stage.count("payments") == 0


async def test_an_attempt_is_due_once_the_call_about_it_must_have_ended(stage: Stage) -> None:
    row = minted(stage)
    deadline_s = stage.rt.providers["scripted"].provider.config.deadline_s
    wait = row.due_at - row.created_at
    assert wait == timedelta(seconds=deadline_s + minting.SENT_MARGIN_S)
    assert row.expires_at - row.created_at == timedelta(minutes=15)


async def test_an_attempts_reference_is_derived_from_its_id(stage: Stage) -> None:
    row = minted(stage)
    assert from_public("att", row.reference) == row.attempt_id
    assert row.payment_id != row.attempt_id
    assert row.notify_url == "http://gateway/v1/notifications/scripted"


async def test_no_two_attempts_share_an_id(stage: Stage) -> None:
    rows = [minted(stage) for _ in range(20)]
    assert len({row.attempt_id for row in rows} | {row.payment_id for row in rows}) == 40


async def test_a_second_attempt_is_of_the_payment_that_it_is_for(stage: Stage) -> None:
    payment_id = stage.rt.new_id()
    wanted = minting.Wanted(a_payer(), Channel.QR, CUSTOMER, 150_000, payment_id)
    provider, _ = stage.rt.provider("scripted", TakesPayments)
    keyed = keyed_by(caller_of(stage.rt, "wallet"), "create_attempt", "the-key-of-another", {})
    biller = stage.rt.directory.billers[BILLER]
    row = minting.new_attempt(stage.rt, provider, biller, wanted, keyed)
    assert row.payment_id == payment_id


@pytest.mark.parametrize("life_s", [300, 86_400])
async def test_an_order_lives_as_long_as_was_asked(stage: Stage, life_s: int) -> None:
    payment = await stage.opened(await stage.world.add_bill(), expires_in_s=life_s)
    created, expires = (
        datetime.fromisoformat(payment[name]) for name in ("created_at", "expires_at")
    )
    assert abs((expires - created).total_seconds() - life_s) < 1
    assert payment["pay_again_at"] == payment["expires_at"]
