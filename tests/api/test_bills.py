"""A biller's own bills over HTTP: its system writes, cancels and reads them, and nobody else."""

import pytest
from httpx import AsyncClient, Response

from tests.world import BILLER, CUSTOMER, World

BILLS = f"/v1/billers/{BILLER}/bills"
CUSTOMERS = f"/v1/billers/{BILLER}/customers"
BILL = {
    "id": "B-1",
    "customer_code": CUSTOMER,
    "period": "2026-10",
    "kwh": 143,
    "net_dong": 290_000,
    "vat_dong": 23_200,
    "amount_dong": 313_200,
    "issued_on": "2026-11-02",
    "due_on": "2026-11-09",
}
PERSON = {
    "code": "PB14010000002",
    "name": "Trần Thị Bưởi",
    "address": "5 Lý Bôn, Phường 2",
    "area_code": "32008",
    "segment": "household",
}


async def put(api: AsyncClient, world: World, path: str, lines: object) -> Response:
    body = {path.rpartition("/")[2]: lines}
    return await api.put(path, json=body, headers=world.headers("utility"))


async def read(api: AsyncClient, world: World, bill: str) -> Response:
    return await world.read(api, f"/billers/{BILLER}/bills/{bill}", "utility")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("id", value) for value in ("", "-B", "B 1", "B/1", "B\n", "b" * 41, "é", None, 7)),
        *(("period", value) for value in ("2026-13", "2026-00", "1999-12", "2026-1", "2026-10-01")),
        *(("kwh", value) for value in (-1, 1.5, "1", True, 10**9 + 1)),
        *(("net_dong", value) for value in (-1, 1.0, "290000", True, None, 2**63)),
        *(("amount_dong", value) for value in (0, -1, 10**13 + 1)),
        *(("issued_on", value) for value in ("86400", 86_400, "2026-02-30", "02/11/2026", None)),
        *(("due_on", value) for value in ("2026-11-02T00:00:00", "", "20261102", "2026-11-2")),
        *(("status", value) for value in ("paid",)),
        *(("customer_code", value) for value in ("pb14010000001", "", None)),
    ],
)
async def test_a_bill_that_is_not_as_documented_is_refused_by_position_and_name(
    api: AsyncClient, world: World, field: str, value: object
) -> None:
    refused = await put(api, world, BILLS, [BILL | {"id": "B-0"}, BILL | {field: value}])
    assert (refused.status_code, refused.json()["code"]) == (422, "request_invalid")
    named = {fault["field"] for fault in refused.json()["errors"]}
    assert f"bills.1.{field}" in named
    assert await world.count("bills") == 0


async def test_a_bill_that_does_not_add_up_is_refused(api: AsyncClient, world: World) -> None:
    refused = await put(api, world, BILLS, [BILL | {"vat_dong": 23_201}])
    assert refused.json()["errors"][0]["field"] == "bills.0"
    assert "net_dong + vat_dong" in refused.json()["errors"][0]["message"]


@pytest.mark.parametrize("path", [BILLS, CUSTOMERS])
@pytest.mark.parametrize("lines", [0, 1_001])
async def test_no_line_and_more_than_1000_lines_are_refused(
    api: AsyncClient, world: World, path: str, lines: int
) -> None:
    line = BILL if path == BILLS else PERSON
    refused = await put(api, world, path, [line] * lines)
    assert (refused.status_code, refused.json()["code"]) == (422, "request_invalid")


async def test_a_thousand_lines_are_written_at_once(api: AsyncClient, world: World) -> None:
    lines = [BILL | {"id": f"B-{n}"} for n in range(1_000)]
    written = await put(api, world, BILLS, lines)
    assert written.json() == {"written": 1_000, "unchanged": 0, "refused": []}


@pytest.mark.parametrize("path", [BILLS, CUSTOMERS])
async def test_a_partner_that_is_not_the_billers_system_writes_nothing(
    api: AsyncClient, world: World, path: str
) -> None:
    await world.add_biller("evnspc-baclieu")
    body = {path.rpartition("/")[2]: [BILL if path == BILLS else PERSON]}
    for partner in ("bank", "evnspc-baclieu"):
        refused = await api.put(path, json=body, headers=world.headers(partner))
        assert (refused.status_code, refused.json()["code"]) == (404, "biller_unknown")
    assert (await world.count("bills"), await world.count("customers")) == (0, 1)


async def test_a_written_bill_reads_as_it_was_sent_open_and_unpaid(
    api: AsyncClient, world: World
) -> None:
    await put(api, world, BILLS, [BILL])
    bill = (await read(api, world, "B-1")).json()
    assert bill.pop("updated_at").endswith("Z")
    assert bill == BILL | {"paid_dong": 0, "status": "open", "payment_id": None}


async def test_a_paid_bill_names_its_payment(api: AsyncClient, world: World) -> None:
    await put(api, world, BILLS, [BILL])
    paid = (await world.pay(api, "B-1", amount_dong=313_200)).json()
    bill = (await read(api, world, "B-1")).json()
    assert (bill["status"], bill["paid_dong"]) == ("paid", 313_200)
    assert bill["payment_id"] == paid["id"]


@pytest.mark.parametrize("bill", ["B-NONE", "b" * 41, "%00", "B%0A", "é"])
async def test_a_bill_that_is_not_there_is_neither_read_nor_cancelled(
    api: AsyncClient, world: World, bill: str
) -> None:
    for answer in (await read(api, world, bill), await world.cancel(api, bill)):
        assert (answer.status_code, answer.json()["code"]) == (404, "bill_not_found")


async def test_bills_are_listed_by_id_in_pages_and_by_what_is_asked(
    api: AsyncClient, world: World
) -> None:
    ids = [f"B-{n}" for n in range(5)]
    await put(api, world, CUSTOMERS, [PERSON])
    await put(api, world, BILLS, [BILL | {"id": bill} for bill in reversed(ids)])
    await put(
        api, world, BILLS, [BILL | {"id": "C-1", "customer_code": PERSON["code"], "kwh": None}]
    )
    await put(api, world, BILLS, [BILL | {"id": "C-2", "period": "2026-09"}])
    await world.cancel(api, "B-3")

    async def listed(**params: str | int) -> list[str]:
        headers = world.headers("utility")
        found = (await api.get(BILLS, params=params, headers=headers)).json()
        ids = [bill["id"] for bill in found["data"]]
        rest = (
            await listed(**(params | {"cursor": found["next_cursor"]}))
            if (found["next_cursor"])
            else []
        )
        return ids + rest

    assert await listed(limit=2) == [*ids, "C-1", "C-2"]
    assert await listed(limit=7) == [*ids, "C-1", "C-2"]
    assert await listed(customer_code=PERSON["code"]) == ["C-1"]
    assert await listed(period="2026-09") == ["C-2"]
    assert await listed(status="cancelled") == ["B-3"]
    assert await listed(status="open", customer_code=CUSTOMER) == [
        *("B-0", "B-1", "B-2", "B-4"),
        "C-2",
    ]


async def test_a_customer_is_written_in_one_normal_form_and_shown_masked(
    api: AsyncClient, world: World
) -> None:
    decomposed = PERSON | {"name": "Tra\u0302\u0300n Thi\u0323 Bu\u031bo\u031b\u0309i"}
    first = await put(api, world, CUSTOMERS, [decomposed])
    again = await put(api, world, CUSTOMERS, [PERSON])
    assert first.json()["written"] == 1
    assert again.json() == {"written": 0, "unchanged": 1, "refused": []}
    rows = await world.rows("SELECT name FROM customers WHERE code = $1", PERSON["code"])
    assert rows[0]["name"] == PERSON["name"]
    seen = await world.look_up(api, customer=PERSON["code"])
    assert seen.json()["customer"]["area_code"] == "32008"
    assert PERSON["name"] not in seen.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("name", value) for value in ("", " ", "a\x00", "a\u202eb", "a" * 201, None)),
        *(("area_code", value) for value in ("1", "123456", "\u0661\u0661", "32008 ")),
        ("segment", "farm"),
        ("agency", ""),
        ("phone", "0912345678"),
    ],
)
async def test_a_customer_that_is_not_as_documented_is_refused_by_name(
    api: AsyncClient, world: World, field: str, value: object
) -> None:
    refused = await put(api, world, CUSTOMERS, [PERSON | {field: value}])
    assert refused.json()["errors"][0]["field"] == f"customers.0.{field}"
    assert await world.count("customers") == 1


async def test_a_customer_of_a_wrong_code_is_refused_alone(api: AsyncClient, world: World) -> None:
    written = await put(api, world, CUSTOMERS, [PERSON | {"code": "XX14010000002"}, PERSON])
    out = written.json()
    assert (out["written"], out["unchanged"]) == (1, 0)
    assert [(line["index"], line["code"]) for line in out["refused"]] == [
        (0, "customer_code_invalid")
    ]
