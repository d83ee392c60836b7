"""Checking a receipt: true, false or undone, and nothing about who paid."""

from html import unescape

import pytest

from gateway.domain.ids import from_public
from gateway.domain.limit import CHECKS_OF_ADDRESS
from gateway.domain.verification import code_of
from gateway.testing.clock import FrozenClock
from tests.providing.conftest import rt, stage
from tests.providing.stage import Stage
from tests.world import CUSTOMER, at_noon

__all__ = ["rt", "stage"]  # fixtures


@pytest.fixture
def clock() -> FrozenClock:
    return at_noon()


async def paid(stage: Stage) -> tuple[str, str]:
    """Pay a bill; gives the payment's id and its receipt's code."""
    made = await stage.world.pay(stage.api, await stage.world.add_bill())
    payment_id = from_public("pay", made.json()["id"])
    assert payment_id is not None
    return made.json()["id"], code_of(stage.rt.secrets.pages, payment_id)


async def look(stage: Stage, code: str) -> tuple[int, str]:
    page = await stage.api.get("/verify", params={"code": code})
    return page.status_code, unescape(page.text)


async def test_a_true_receipt_says_what_was_paid_and_not_by_whom(stage: Stage) -> None:
    _, code = await paid(stage)
    for typed in (code, code.lower().replace("-", " ")):
        status, page = await look(stage, typed)
        assert (status, "Biên nhận đúng" in page) == (200, True)
        assert {"150.000\xa0₫" in page, "PB14******001" in page} == {True}
        assert not any(private in page for private in (CUSTOMER, "Án", "Nguyễn", "pay_"))


async def test_a_payment_that_was_undone_is_no_longer_true(stage: Stage) -> None:
    payment_id, code = await paid(stage)
    assert (await stage.world.reverse(stage.api, payment_id)).status_code == 201
    status, page = await look(stage, code)
    assert (status, "đã bị hủy" in page, "Biên nhận đúng" in page) == (200, True, False)


async def test_a_payment_that_is_not_made_yet_has_no_receipt(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    payment_id = from_public("pay", payment["id"])
    assert payment_id is not None
    code = code_of(stage.rt.secrets.pages, payment_id)
    assert (await look(stage, code))[0] == 404
    await stage.notify(payment)
    assert (await look(stage, code))[0] == 200


async def test_a_code_of_another_gateway_or_with_one_wrong_sign_is_false(stage: Stage) -> None:
    payment_id, code = await paid(stage)
    found = from_public("pay", payment_id)
    assert found is not None
    wrong = code[:-1] + ("2" if code[-1] != "2" else "3")
    for false in (wrong, code_of(b"another key", found), code[:-1], "<b>x</b>", "Z" * 18):
        status, page = await look(stage, false)
        assert (status, "Không có biên nhận" in page, "<b>x" in page) == (404, True, "x" in false)


async def test_codes_cannot_be_tried_without_end(stage: Stage) -> None:
    _, code = await paid(stage)
    for _ in range(CHECKS_OF_ADDRESS.burst):
        await look(stage, "2" * 18)
    refused = await stage.api.get("/verify", params={"code": code})
    assert (refused.status_code, "retry-after" in refused.headers) == (429, True)
    assert "Biên nhận đúng" not in refused.text
    assert (await stage.api.get("/verify")).status_code == 200
