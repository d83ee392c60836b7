"""How a posting is shown beside its payment."""

from tests.posting.stage import LiveStage


async def test_a_payment_shows_what_its_biller_said_of_each_bill(live: LiveStage) -> None:
    live.books.refusals["HD-2"] = "locked"
    payment = await live.paid("HD-1", "HD-2")
    assert "posting" not in payment  # the answer that is kept under the key says what was paid
    before = await live.posting_of(payment)
    assert [(b["status"], b["reference"]) for b in before["bills"]] == [("none", None)] * 2
    assert before["next_try_at"] is not None
    await live.turn()
    found = await live.posting_of(payment)
    assert [(b["id"], b["status"], b["code"]) for b in found["bills"]] == [
        ("HD-1", "acknowledged", "cleared"),
        ("HD-2", "none", "locked"),
    ]
    assert found["status"] == "none"


async def test_the_worst_of_its_bills_is_what_a_posting_is(live: LiveStage) -> None:
    live.books.refusals |= {"HD-1": "not_found", "HD-2": "unknown"}
    payment = await live.paid("HD-1", "HD-2", "HD-3")
    await live.turn()
    assert await live.status_of(payment) == ("rejected", None)


async def test_another_partner_sees_neither_the_payment_nor_its_posting(live: LiveStage) -> None:
    payment = await live.paid("HD-1")
    answer = await live.world.read(live.api, f"/payments/{payment['id']}", partner="wallet")
    assert answer.status_code == 404
