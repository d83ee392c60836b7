"""Mandates over HTTP and at their bank: given, confirmed, paused, ended; whose they are."""

from typing import Any

import pytest
from httpx import Response

from gateway.flows import mandates
from tests.debiting.stage import BANK, CONSENT, MONDAY, Stage
from tests.world import BILLER, CUSTOMER

BODY: dict[str, Any] = {
    "biller": BILLER,
    "customer_code": CUSTOMER,
    "provider": "autodebit",
    "bank": BANK,
    "account": {
        "number": "1900100200300",
        "name": "Nguyễn Văn Án",
        "id_no": "096123456789",
        "phone": "0912345678",
    },
    "max_debit_dong": 2_000_000,
    "starts_on": "2026-11-01",
    "consent": {
        "given_by": "Nguyễn Văn Án",
        "given_at": "2026-11-20T02:00:00Z",
        "channel": "otp",
        "text_version": "2026-11",
        "text": CONSENT,
        "evidence": "OTP 4711",
    },
}


async def post(stage: Stage, path: str, body: Any, partner: str = "bank") -> Response:
    headers = stage.world.headers(partner)
    return await stage.api.post(f"/v1{path}", json=body, headers=headers)


async def otp_of(stage: Stage, mandate: str) -> str:
    return str((await stage.control.get(f"/control/otps/{mandate}")).json()["otp"])


async def test_a_mandate_is_given_confirmed_and_active_with_its_consent_kept(stage: Stage) -> None:
    answer = await post(stage, "/mandates", BODY)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["state"], made["account"]) == ("pending_customer", "*********0300")
    assert made["consent"]["text_sha256"]
    otp = await otp_of(stage, made["id"])
    confirmed = await post(stage, f"/mandates/{made['id']}/confirm", {"otp": otp})
    assert confirmed.json()["state"] == "active"
    await stage.told()
    read = await stage.world.read(stage.api, f"/mandates/{made['id']}")
    assert read.json()["changes"][-1]["state_after"] == "active"
    assert "mandate.activated" in await stage.events()
    assert "1900100200300" not in read.text + str(await stage.world.rows("SELECT * FROM mandates"))


async def test_the_same_mandate_again_is_the_one_that_is_there_and_another_is_refused(
    stage: Stage,
) -> None:
    first = (await post(stage, "/mandates", BODY)).json()
    assert (await post(stage, "/mandates", BODY)).json()["id"] == first["id"]
    other = await post(stage, "/mandates", BODY | {"max_debit_dong": 1})
    assert (other.status_code, other.json()["code"]) == (409, "mandate_exists")
    foreign = await post(stage, "/mandates", BODY, "wallet")
    assert foreign.json()["code"] == "mandate_exists"


async def test_a_paused_mandate_is_not_drawn_and_a_cancelled_one_never_comes_back(
    stage: Stage,
) -> None:
    row = await stage.mandate()
    path, why = f"/mandates/{row.reference}", {"reason": "khách hàng yêu cầu"}
    await stage.world.add_bill()
    assert (await post(stage, f"{path}/suspend", why)).json()["state"] == "suspended"
    assert (await post(stage, f"{path}/suspend", why)).status_code == 200
    assert (await stage.prepare(MONDAY)).debits == 0
    assert (await post(stage, f"{path}/resume", why)).json()["state"] == "active"
    assert (await post(stage, f"{path}/cancel", why)).json()["state"] == "cancelled"
    assert stage.bank.books.mandates[row.reference].state == "CANCELLED"
    answer = await post(stage, f"{path}/resume", why)
    assert (answer.status_code, answer.json()["code"]) == (409, "mandate_not_changeable")


async def test_nobody_else_sees_or_changes_a_mandate_but_the_biller_reads_it(stage: Stage) -> None:
    row = await stage.mandate()
    path = f"/mandates/{row.reference}"
    assert (await stage.world.read(stage.api, path, "wallet")).status_code == 404
    assert (await post(stage, f"{path}/cancel", {"reason": "x"}, "wallet")).status_code == 404
    assert (await stage.world.read(stage.api, path, "utility")).status_code == 200
    listed = await stage.world.read(stage.api, "/mandates", "wallet")
    assert listed.json()["data"] == []
    assert (await stage.world.read(stage.api, "/mandates/mdt_no")).status_code == 404


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"customer_code": "PB14019999999"}, "customer_unknown"),
        ({"customer_code": "XX01"}, "customer_code_invalid"),
        ({"biller": "nobody"}, "biller_unknown"),
        ({"provider": "nobody"}, "provider_not_offered"),
        ({"day_of_month": 29}, "request_invalid"),
        ({"max_month_dong": 1}, "request_invalid"),
        ({"ends_on": "2026-10-01"}, "request_invalid"),
        ({"bank": "97040"}, "request_invalid"),
    ],
)
async def test_what_cannot_be_a_mandate_is_refused_and_leaves_nothing(
    changed: dict[str, Any], code: str, stage: Stage
) -> None:
    assert (await post(stage, "/mandates", BODY | changed)).json()["code"] == code
    assert await stage.world.count("mandates") == 0


async def test_a_mandate_that_was_not_used_for_thirteen_months_expires(stage: Stage) -> None:
    row = await stage.mandate()
    await stage.world.rows("UPDATE mandates SET lapses_on = '2026-01-01'")
    assert await mandates.expire_lapsed(stage.rt) == 1
    assert (await stage.read(row)).state == "expired"
