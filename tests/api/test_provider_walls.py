"""Walls around payments through providers: whose they are, and which scope opens which door."""

from typing import Any

import pytest
from httpx import Response

from gateway.domain.partner import Scope
from tests.api.test_provider_payments import CHOICE, failed
from tests.providing.conftest import rt, stage
from tests.providing.stage import Stage

__all__ = ["rt", "stage"]  # fixtures

STRANGERS = {
    "read": ("GET", "/v1/payments/{id}"),
    "timeline": ("GET", "/v1/payments/{id}/timeline"),
    "cancel": ("POST", "/v1/payments/{id}/cancel"),
    "attempts": ("POST", "/v1/payments/{id}/attempts"),
}


async def knock(stage: Stage, door: str, payment_id: str, name: str) -> Response:
    method, path = STRANGERS[door]
    return await stage.api.request(
        method,
        path.format(id=payment_id),
        json=CHOICE if door == "attempts" else None,
        headers=stage.world.headers(name, stage.world.new_key()),
    )


@pytest.mark.parametrize("door", STRANGERS)
async def test_a_payment_of_somebody_else_is_answered_just_like_one_that_is_not_there(
    stage: Stage, door: str
) -> None:
    await stage.world.add_biller("evnspc-baclieu")
    payment = await failed(stage) if door == "attempts" else await opened(stage)
    known = await stage.count("evidence")
    for stranger in ("bank", "evnspc-baclieu"):
        for wanted in (payment["id"], "pay_" + "0" * 32, "pay_x", "%00", "pay_" + "đ" * 32):
            refused = await knock(stage, door, wanted, stranger)
            assert (refused.status_code, refused.json()["code"]) == (404, "payment_not_found")
    assert await stage.count("attempts") == 1
    assert await stage.count("evidence") == known


async def opened(stage: Stage) -> dict[str, Any]:
    return await stage.opened(await stage.world.add_bill())


async def test_a_biller_may_see_what_is_paid_for_its_bills_but_not_cancel_it(stage: Stage) -> None:
    payment = await opened(stage)
    for door, status in (("read", 200), ("timeline", 200), ("cancel", 404)):
        assert (await knock(stage, door, payment["id"], "utility")).status_code == status
    assert (await stage.read(payment))["status"] == "requires_action"


NEEDED = {"read": Scope.READ, "timeline": Scope.READ, "cancel": Scope.PAY, "attempts": Scope.PAY}


@pytest.mark.parametrize("door", STRANGERS)
async def test_a_key_without_the_doors_scope_is_refused_by_its_name(
    stage: Stage, door: str
) -> None:
    payment = await failed(stage) if door == "attempts" else await opened(stage)
    await stage.world.add_key("all but one", "wallet", *(set(Scope) - {NEEDED[door]}))
    refused = await knock(stage, door, payment["id"], "all but one")
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert f"'{NEEDED[door]}'" in refused.json()["detail"]
    assert await stage.count("attempts") == 1


@pytest.mark.parametrize("door", STRANGERS)
async def test_a_key_with_no_more_than_the_doors_scope_is_let_in(stage: Stage, door: str) -> None:
    payment = await failed(stage) if door == "attempts" else await opened(stage)
    await stage.world.add_key("just one", "wallet", NEEDED[door])
    assert (await knock(stage, door, payment["id"], "just one")).is_success


async def test_a_collected_payment_cannot_be_cancelled_or_tried_again(stage: Stage) -> None:
    paid = (await stage.world.pay(stage.api, await stage.world.add_bill(), partner="wallet")).json()
    for door, code in (("cancel", "not_cancellable"), ("attempts", "attempt_still_open")):
        refused = await knock(stage, door, paid["id"], "wallet")
        assert (refused.status_code, refused.json()["code"]) == (409, code)


@pytest.mark.parametrize(
    "rules", [{"channels": ["mobile_banking"]}, {"channel_max_dong": {"e_wallet": 149_999}}]
)
async def test_another_attempt_keeps_to_the_billers_channels_too(
    stage: Stage, rules: dict[str, object]
) -> None:
    payment = await failed(stage)
    await stage.world.set_rules(**rules)
    refused = await knock(stage, "attempts", payment["id"], "wallet")
    assert (refused.status_code, refused.json()["code"]) == (422, "channel_not_allowed")
    assert await stage.count("attempts") == 1
