"""No card number is kept or written: not from a partner, a provider, a browser or a file."""

import json
from base64 import b64encode
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from gateway.flows.imports import import_bills, import_customers
from gateway.kit import logs
from tests.providing.scripted import sign
from tests.providing.stage import Stage
from tests.world import BILLER, CUSTOMER

CARD, SHOWN = "9704000000000018", "9704 0000 0000 0018"
HOLDS = "holds a card's number, which must not be sent here"
COLUMNS = """
    SELECT table_name, column_name FROM information_schema.columns JOIN information_schema.tables
    USING (table_schema, table_name) WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
    AND data_type IN ('text', 'jsonb', 'bytea', 'ARRAY', 'character varying')
"""


async def assert_nowhere(stage: Stage) -> None:
    """Look through every text of every table, and within bytes, for the number."""
    for table, column in [tuple(row) for row in await stage.sql(COLUMNS)]:
        rows = await stage.sql(
            f'SELECT "{column}" AS it FROM "{table}" WHERE "{column}" IS NOT NULL'
        )
        for row in rows:
            text = (
                row["it"].decode("utf-8", "replace") if isinstance(row["it"], bytes) else row["it"]
            )
            for form in (CARD, SHOWN, b64encode(CARD.encode()).decode()[:16]):
                assert form not in str(text), (table, column)


def payment(bill: str, **changes: object) -> dict[str, object]:
    return {
        "method": "collected",
        "biller": BILLER,
        "customer_code": CUSTOMER,
        "partner_reference": "REF-CARD-1",
        "channel": "mobile_banking",
        "bills": [{"id": bill, "amount_dong": 150_000}],
        **changes,
    }


FIELDS: dict[str, dict[str, object]] = {
    "partner_reference": {"partner_reference": CARD},
    "customer_code": {"customer_code": CARD},
    "bills.0.id": {"bills": [{"id": SHOWN, "amount_dong": 1}]},
    "bills.0.amount_dong": {"bills": [{"id": "1", "amount_dong": int(CARD)}]},
    "lookup_token": {"lookup_token": f"x {SHOWN}"},
    "no_such_field": {"no_such_field": {"a": [CARD]}},
    "return_url": {"method": "provider", "return_url": f"https://x.test/?card={CARD}"},
    "option": {"method": "provider", "option": SHOWN},
}


async def test_a_payment_with_a_card_number_in_any_field_is_refused(stage: Stage) -> None:
    bill = await stage.world.add_bill()
    for field, changes in FIELDS.items():
        written = json.dumps(payment(bill, **changes))
        for raw in (written, written.replace('"9704', '"\\u0039704', 1)):
            headers = stage.world.headers("wallet", stage.world.new_key())
            headers |= {"content-type": "application/json"}
            answer = await stage.api.post("/v1/payments", content=raw, headers=headers)
            problem = answer.json()
            assert (answer.status_code, problem["code"]) == (422, "request_invalid"), field
            assert problem["errors"][0]["field"].startswith(field)
            assert problem["errors"][0]["message"] == HOLDS
            assert not any(form in answer.text for form in (CARD, SHOWN))
    await assert_nowhere(stage)


async def test_no_other_door_of_the_api_takes_one(stage: Stage) -> None:
    world, api = stage.world, stage.api
    key = await world.pay(api, await world.add_bill(), key=CARD)
    assert key.status_code == 400, key.text
    paid = (await world.pay(api, await world.add_bill())).json()
    calls = [
        await world.reverse(api, paid["id"], reason=f"thẻ {SHOWN}"),
        await world.look_up(api, customer=CARD),
        await api.put(
            f"/v1/billers/{BILLER}/customers",
            json={"customers": [{"code": CUSTOMER, "name": f"A {SHOWN}"}]},
            headers=world.headers("utility"),
        ),
    ]
    assert [answer.status_code for answer in calls] == [422, 422, 422], [c.text for c in calls]
    assert all(HOLDS in answer.text for answer in calls)
    await assert_nowhere(stage)


async def test_what_a_provider_answers_is_masked_before_it_is_kept(stage: Stage) -> None:
    stage.says["create"] = {"outcome": "opened", "note": SHOWN, "wrapped": _wrapped()}
    payment = await stage.opened(await stage.world.add_bill())
    stage.says["query"] = {"outcome": "pending", "message": f"card {CARD}", "code": CARD}
    await stage.resolve()
    kept = await stage.sql("SELECT reply FROM exchanges ORDER BY started_at")
    assert all("[card]" in row["reply"] for row in kept)
    assert len(kept) == 2
    await assert_nowhere(stage)
    assert (await stage.read(payment))["status"] != "failed"


async def test_what_a_provider_tells_is_masked_and_still_settles_once(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    says: dict[str, Any] = {"code": CARD, "card": SHOWN, "wrapped": _wrapped()}
    with logs.captured() as lines:
        told = [(await stage.notify(payment, **says)).text for _ in range(2)]
    assert told == ["recorded", "repeated"]
    assert (await stage.read(payment))["status"] == "succeeded"
    assert await stage.count("notifications") == 1
    assert CARD not in str(lines)
    await assert_nowhere(stage)


async def test_what_is_not_authentic_or_not_ours_is_kept_without_it(stage: Stage) -> None:
    raw = json.dumps({"card": CARD, "wrapped": _wrapped()}).encode()
    for signature in ("wrong", sign(raw)):
        await stage.api.post(
            f"/v1/notifications/scripted?card={SHOWN.replace(' ', '+')}",
            content=raw,
            headers={"signature": signature},
        )
    assert await stage.count("quarantine") >= 1
    await assert_nowhere(stage)


async def test_a_browser_brings_none_in(stage: Stage) -> None:
    payment = await stage.opened(await stage.world.add_bill())
    query = f"outcome=succeeded&reference={payment['attempts'][-1]['reference']}&card={CARD}"
    answer = await stage.api.get(f"/v1/returns/scripted?{query}", follow_redirects=False)
    assert answer.status_code == 303
    assert CARD not in answer.headers["location"]
    await assert_nowhere(stage)


async def test_a_line_of_a_file_with_one_is_refused_and_not_repeated(
    stage: Stage, tmp_path: Path
) -> None:
    bills = "bill_id,customer_code,period,kwh,net_dong,vat_dong,amount_dong,issued_on,due_on\n"
    rest = f"{CUSTOMER},2026-10,45,92593,7407,100000,2026-11-02,2026-11-09\n"
    people = "customer_code,name,address,area_code,segment,agency\n"
    files = {
        "bills.csv": (f"{bills}{CARD},{rest}HD-1,{rest}", import_bills, 1),
        "people.csv": (
            f"{people}{CUSTOMER},An {SHOWN},Ward 5,96,household,\n",
            import_customers,
            0,
        ),
    }
    for name, (text, take, written) in files.items():
        path, report = tmp_path / name, tmp_path / f"refused-{name}"
        path.write_text(text, encoding="utf-8")
        done = await take(stage.rt, BILLER, path, actor="test", report=report)
        assert (done.written, done.first[0].code) == (written, "card_number")
        assert CARD not in report.read_text() + str(done)
        assert SHOWN not in report.read_text() + str(done)
    await assert_nowhere(stage)


def test_a_log_line_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bytes(StringIO):
        buffer = property(lambda self: self)

        def write(self, text: Any) -> int:
            return super().write(text.decode())

    out = Bytes()
    monkeypatch.setattr("sys.stderr", out)
    logs.write_line(event="request.answered", request_id=CARD, error=f"bad {SHOWN}", number=CARD)
    assert out.getvalue().count("[card]") == 3
    assert "request.answered" in out.getvalue()


def _wrapped() -> str:
    return b64encode(json.dumps({"card": {"number": CARD}}).encode()).decode()
