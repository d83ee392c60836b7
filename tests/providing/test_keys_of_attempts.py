"""The key of another attempt: one request, however often and in however many processes it comes."""

import asyncio
from typing import Any

import pytest
from httpx import Response

from tests.providing.stage import Stage

KEY = "the-key-of-another-attempt"
CHOICE = {
    "provider": "closing",
    "channel": "qr",
    "return_url": "https://portal.test/thanks",
    "payer_ip": "113.160.92.202",
}


async def failed(stage: Stage) -> dict[str, Any]:
    """Make a payment whose first attempt has failed."""
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment, outcome="failed", code="1006")
    return payment


async def again(stage: Stage, payment: dict[str, Any], **changes: object) -> Response:
    return await stage.api.post(
        f"/v1/payments/{payment['id']}/attempts",
        json=CHOICE | changes,
        headers=stage.world.headers("wallet", KEY),
    )


@pytest.mark.parametrize("many", [2, 20, 50])
async def test_one_key_sent_many_times_at_once_to_two_processes_tries_again_once(
    both: tuple[Stage, Stage], many: int
) -> None:
    payment = await failed(both[0])
    told = await asyncio.gather(*(again(both[n % 2], payment) for n in range(many)))
    codes = {answer.json()["code"] for answer in told if answer.status_code != 201}
    assert codes <= {"still_processing"}
    assert len({answer.content for answer in told if answer.status_code == 201}) == 1
    assert await both[0].count("attempts") == 2


async def test_a_repetition_is_answered_with_the_same_bytes_though_the_attempt_is_open(
    both: tuple[Stage, Stage],
) -> None:
    payment = await failed(both[0])
    first, repeated = await again(both[0], payment), await again(both[1], payment)
    assert (first.status_code, repeated.content) == (201, first.content)
    assert repeated.headers["idempotent-replayed"] == "true"


async def test_the_key_of_an_attempt_names_one_request_only(stage: Stage) -> None:
    payment, other = await failed(stage), await failed(stage)
    assert (await again(stage, payment)).status_code == 201
    for refused in (await again(stage, payment, locale="en"), await again(stage, other)):
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert await stage.count("attempts") == 3


async def test_another_key_does_not_open_a_second_attempt_beside_the_first(stage: Stage) -> None:
    payment = await failed(stage)
    assert (await again(stage, payment)).status_code == 201
    headers = stage.world.headers("wallet", stage.world.new_key())
    path = f"/v1/payments/{payment['id']}/attempts"
    refused = await stage.api.post(path, json=CHOICE, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "attempt_still_open")
