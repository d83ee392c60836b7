from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from httpx import AsyncClient

from gateway.testing.clock import FrozenClock
from tests.texts.stage import Stage, open_stage, otp_of
from tests.world import CUSTOMER


@pytest.fixture
async def stage(database: str) -> AsyncIterator[Stage]:
    async with open_stage(database, FrozenClock(datetime.now(UTC)), "viettelmo") as stage:
        await stage.world.add_bill()
        await stage.mandate()
        yield stage


async def test_over_viettels_soap_a_bill_is_paid_in_two_messages(stage: Stage) -> None:
    quote = await stage.write(f"vba tt evn {CUSTOMER}")
    assert (await stage.confirm(otp_of(quote))).startswith("Da thanh toan 150.000d")
    assert await stage.payments() == [("mandate", "sms_banking", "succeeded")]


async def test_a_door_that_is_not_here_is_a_problem_and_not_an_error(stage: Stage) -> None:
    async with AsyncClient(base_url=stage.rt.public_url) as http:
        for path in ("/v1/texts/nobody", "/v1/texts/autodebit", "/v1/texts/nobody/reports"):
            answer = await http.post(path, content=b"x")
            assert answer.headers["content-type"].startswith("application/problem+json")
            assert 400 <= answer.status_code < 500
        reported = await http.post("/v1/texts/viettelmo/reports", content=b"x")
    assert reported.status_code == 404
