"""How a payment through a provider is shown while it goes, in doubt, disputed and ended."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from gateway.domain.errors import InvariantBroken
from gateway.domain.ids import from_public
from gateway.flows import viewing
from gateway.flows.viewing import View
from gateway.runtime import Runtime
from tests.providing.conftest import rt, stage
from tests.providing.stage import Stage

__all__ = ["rt", "stage"]  # fixtures


def id_of(payment: dict[str, Any]) -> UUID:
    found = from_public("pay", payment["id"])
    assert found is not None
    return found


async def seen(stage: Stage, payment: dict[str, Any]) -> tuple[View, dict[str, Any]]:
    view = await viewing.view(stage.rt, id_of(payment))
    return view, json.loads(view.body)


async def test_what_is_viewed_is_what_its_partner_reads(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    _, shown = await seen(stage, payment)
    assert shown == await stage.read(payment) == payment


async def test_the_next_action_is_shown_only_while_the_payer_is_awaited(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    assert set(payment["next_action"]) == {
        *("redirect_url", "deeplink", "qr_content", "payment_code")
    }
    await stage.notify(payment, outcome="pending", code="7000")
    assert (await stage.read(payment))["next_action"] is None
    await stage.notify(payment)
    assert (await stage.read(payment))["next_action"] is None


async def test_a_next_check_is_promised_only_while_an_outcome_is_open(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    assert payment["next_check_at"] is not None
    await stage.notify(payment)
    assert (await stage.read(payment))["next_check_at"] is None


async def test_a_payment_in_doubt_is_not_being_sent_any_more(stage: Stage) -> None:
    stage.says["create"] = httpx.ReadTimeout("slow")
    payment = (await stage.begin(await stage.world.add_bill())).json()
    view, shown = await seen(stage, payment)
    assert (view.certainty, view.is_being_sent) == ("in_doubt", False)
    assert datetime.fromisoformat(shown["next_check_at"]) > datetime.now(UTC) - timedelta(minutes=1)


@pytest.mark.parametrize(("age", "is_being_sent"), [("2 minutes", True), ("4 minutes", False)])
async def test_a_request_is_on_its_way_for_three_minutes_at_the_most(
    stage: Stage,
    age: str,
    is_being_sent: bool,  # noqa: FBT001 (a column of the table)
) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.sql(f"UPDATE attempts SET state = 'sent', created_at = now() - interval '{age}'")
    view, _ = await seen(stage, payment)
    assert view.is_being_sent is is_being_sent


async def test_evidence_that_disagrees_is_shown_as_a_dispute_until_a_person_settles_it(
    stage: Stage,
) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment)
    await stage.notify(payment, outcome="failed", code="1006")
    shown = await stage.read(payment)
    assert (shown["status"], shown["certainty"]) == ("succeeded", "disputed")
    assert shown["may_payer_pay_again"] == "no"
    await stage.sql("UPDATE exceptions SET closed_at = now(), closed_by = 'an', resolution = 'ok'")
    assert (await stage.read(payment))["certainty"] == "proved"


async def test_every_attempt_is_shown_the_oldest_first(stage: Stage) -> None:
    bill = await stage.world.add_bill()
    stage.says["create"] = httpx.ConnectError("refused")
    payment = await stage.opened(bill)
    stage.says["create"] = {"outcome": "opened"}
    again = await stage.api.post(
        f"/v1/payments/{payment['id']}/attempts",
        json={
            "channel": "qr",
            "provider": "closing",
            "return_url": "https://portal.test/",
            "payer_ip": "::1",
        },
        headers=stage.world.headers("wallet", stage.world.new_key()),
    )
    assert again.status_code == 201, again.text
    tried = again.json()["attempts"]
    assert [(a["provider"], a["state"]) for a in tried] == [
        ("scripted", "not_sent"),
        ("closing", "waiting"),
    ]
    assert again.json()["channel"] == "qr"


async def test_the_providers_last_code_is_shown(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    await stage.notify(payment, outcome="failed", code="1006")
    shown = await stage.read(payment)
    assert [attempt["code"] for attempt in shown["attempts"]] == ["1006"]


async def test_what_is_no_payment_is_our_own_mistake(rt: Runtime) -> None:
    with pytest.raises(InvariantBroken):
        await viewing.view(rt, UUID(int=7))
