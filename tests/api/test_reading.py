"""Strict input: what means two things, or nothing, is refused with a problem and leaves nothing."""

import json
from collections.abc import Callable

import pytest
from httpx import AsyncClient, Response

from tests.world import BILLER, CUSTOMER, World

BILL = "HD-OF-THIS-TEST"


@pytest.fixture(autouse=True)
async def bill(world: World) -> None:
    await world.add_bill(BILL)


async def post(
    api: AsyncClient, world: World, body: bytes, content_type: str | None = "application/json"
) -> Response:
    headers = world.headers("bank", world.new_key())
    if content_type is not None:
        headers["content-type"] = content_type
    return await api.post("/v1/payments", content=body, headers=headers)


async def nothing_moved(world: World) -> bool:
    return sum((await world.moved()).values()) == 0


def amount(text: str) -> Callable[[bytes], bytes]:
    """Write another amount in the place of 150000."""
    return lambda body: body.replace(b"150000", text.encode())


def digits(text: str, *, zero: int) -> str:
    """Write a number with the digits of another script, whose zero has this code point."""
    return "".join(chr(zero + int(digit)) for digit in text)


MALFORMED: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda b: b"",
    "blank": lambda b: b"  ",
    "a byte order mark": lambda b: b"\xef\xbb\xbf" + b,
    "utf-16": lambda b: b.decode().encode("utf-16"),
    "latin-1": lambda b: b.replace(b"REF", b"R\xe9F"),
    "cut short": lambda b: b[:-1],
    "two documents": lambda b: b + b,
    "a trailing comma": lambda b: b[:-1] + b",}",
    "a comment": lambda b: b"/* */" + b,
    "single quotes": lambda b: b.replace(b'"', b"'"),
    "a key twice": lambda b: b[:-1] + b',"channel":"qr"}',
    "a key twice, escaped": lambda b: b[:-1] + b',"ch\\u0061nnel":"qr"}',
    "a key twice, deep": lambda b: b.replace(b'"amount_dong"', b'"amount_dong":1,"amount_dong"'),
    "NaN": amount("NaN"),
    "Infinity": amount("Infinity"),
    "-Infinity": amount("-Infinity"),
    "a leading zero": amount("0150000"),
    "a plus": amount("+150000"),
    "hexadecimal": amount("0x249F0"),
    "underscores": amount("150_000"),
    "full-width digits": amount(digits("150000", zero=0xFF10)),
    "Arabic digits": amount(digits("150000", zero=0x0660)),
    "a lone surrogate": lambda b: b.replace(b"REF", b"\\ud800"),
    "a lone low surrogate": lambda b: b.replace(b"REF", b"\\udc00"),
    "a raw NUL": lambda b: b.replace(b"REF", b"R\x00F"),
    "a raw newline in a text": lambda b: b.replace(b"REF", b"R\nF"),
    "1,500 deep": lambda b: b"[" * 1_500 + b"]" * 1_500,
    "1,500 deep in a field": lambda b: b.replace(b"150000", b'{"a":' * 1_500 + b"1" + b"}" * 1_500),
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_malformed_json_is_refused(api: AsyncClient, world: World, case: str) -> None:
    refused = await post(api, world, MALFORMED[case](json.dumps(world.order(BILL)).encode()))
    assert (refused.status_code, refused.json()["code"]) == (400, "json_malformed")
    assert await nothing_moved(world)


AMOUNTS = [
    *('"150000"', "150000.0", "150000.5", "1.5e5", "15e4", "1e400", "true", "null", "[150000]"),
    *("0", "-0", "-150000", "-1", "10000000000001", "9007199254740993", "9223372036854775807"),
    *("9223372036854775808", "18446744073709551616", "9" * 400, "9" * 4_000, "{}", '""', '"0"'),
    f'"{digits("150000", zero=0xFF10)}"',
]


@pytest.mark.parametrize("text", AMOUNTS, ids=lambda text: text[:24])
async def test_an_amount_that_is_no_plain_whole_number_of_dong_is_refused(
    api: AsyncClient, world: World, text: str
) -> None:
    body = amount(text)(json.dumps(world.order(BILL)).encode())
    refused = await post(api, world, body)
    assert (refused.status_code, refused.json()["code"]) == (422, "request_invalid")
    assert refused.json()["errors"][0]["field"] == "bills.0.amount_dong"
    assert await nothing_moved(world)


async def test_an_amount_of_5000_digits_is_refused(api: AsyncClient, world: World) -> None:
    refused = await post(api, world, amount("9" * 5_000)(json.dumps(world.order(BILL)).encode()))
    assert refused.json()["code"] in {"json_malformed", "request_invalid"}
    assert await nothing_moved(world)


TEXTS: dict[str, list[object]] = {
    "customer_code": [
        *("", "pb14010000001", "PB14010000001 ", " PB14010000001", "PB14010000001\n"),
        *(
            "PB" + digits("14010000001", zero=0xFF10),
            "\u0420\u041214010000001",
            "PB14\u200b010000001",
            "PB1401000000\u0661",
        ),
        *("PB14010000001\x00", "PB140100000010000000000", "PB1", 14_010_000_001, None, True),
    ],
    "partner_reference": [
        *("", "-REF", "R" * 65, "REF 1", "REF\x00", "REF\u202e", "réf", "REF\n", "\uff32", 7, None),
    ],
    "channel": ["", "MOBILE_BANKING", "mobile-banking", "cash", "mobile_banking ", 1, None],
    "method": ["", "COLLECTED", "collect", None],
    "biller": ["", "EVNSPC-CAMAU", "a", "b" * 41, "evnspc/camau", "evnspc-camau\n", None],
    "lookup_token": ["", 1, "t" * 8_193],
    "bills": [[], None, {}, "", [None], ["HD-1"], [{}], [{"id": BILL}], [{"amount_dong": 1}]],
}


@pytest.mark.parametrize(
    ("field", "value"),
    [(field, value) for field, values in TEXTS.items() for value in values],
    ids=lambda value: str(value)[:24].encode("ascii", "backslashreplace").decode(),
)
async def test_a_field_that_is_not_as_documented_is_refused_by_name(
    api: AsyncClient, world: World, field: str, value: object
) -> None:
    body = json.dumps(world.order(BILL) | {field: value}).encode()
    refused = await post(api, world, body)
    assert (refused.status_code, refused.json()["code"]) == (422, "request_invalid")
    named = {fault["field"].partition(".")[0] for fault in refused.json()["errors"]}
    assert named == {field}
    assert await nothing_moved(world)


@pytest.mark.parametrize("field", ["method", "biller", "customer_code", "partner_reference"])
async def test_a_missing_field_is_refused_by_name(
    api: AsyncClient, world: World, field: str
) -> None:
    order = world.order(BILL)
    del order[field]
    refused = await post(api, world, json.dumps(order).encode())
    assert [fault["field"] for fault in refused.json()["errors"]] == [field]
    assert await nothing_moved(world)


@pytest.mark.parametrize(
    "extra",
    [{"status": "succeeded"}, {"partner": "wallet"}, {"amount_dong": 1}, {"": 1}, {"\x00": 1}],
    ids=str,
)
async def test_an_unknown_field_is_refused(
    api: AsyncClient, world: World, extra: dict[str, object]
) -> None:
    refused = await post(api, world, json.dumps(world.order(BILL) | extra).encode())
    assert (refused.status_code, refused.json()["code"]) == (422, "request_invalid")
    assert await nothing_moved(world)


async def test_an_unknown_field_of_a_bill_is_refused(api: AsyncClient, world: World) -> None:
    order = world.order() | {"bills": [{"id": BILL, "amount_dong": 150_000, "paid": True}]}
    refused = await post(api, world, json.dumps(order).encode())
    assert [fault["field"] for fault in refused.json()["errors"]] == ["bills.0.paid"]


@pytest.mark.parametrize("document", ["null", "[]", "1", '"text"', "true"])
async def test_a_body_that_is_no_object_is_refused(
    api: AsyncClient, world: World, document: str
) -> None:
    refused = await post(api, world, document.encode())
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "body")


@pytest.mark.parametrize(
    "content_type",
    [
        *(None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"),
        *("application/json-patch+json", "application", "*/*", "application/json, text/plain"),
        "multipart/form-data; boundary=x",
    ],
)
async def test_a_body_that_is_not_declared_as_json_is_refused(
    api: AsyncClient, world: World, content_type: str | None
) -> None:
    refused = await post(api, world, json.dumps(world.order(BILL)).encode(), content_type)
    assert (refused.status_code, refused.json()["code"]) == (415, "media_type_unsupported")
    assert await nothing_moved(world)


REASONS = {
    "empty": "",
    "blank": " \t ",
    "NUL": "a\x00b",
    "a control": "a\x1bb",
    "a newline": "a\nb",
    "delete": "a\x7fb",
    "zero width space": "a\u200bb",
    "zero width joiner": "a\u200db",
    "right-to-left override": "a\u202eb",
    "isolate": "a\u2066b",
    "soft hyphen": "a\u00adb",
    "byte order mark": "a\ufeffb",
    "line separator": "a\u2028b",
    "private use": "a\ue000b",
    "unassigned": "a\U000e0080b",
    "tag": "a\U000e0041b",
    "too long": "a" * 201,
}


@pytest.mark.parametrize("case", REASONS)
async def test_a_text_for_people_with_invisible_characters_is_refused(
    api: AsyncClient, world: World, case: str
) -> None:
    payment = (await world.pay(api, BILL)).json()["id"]
    refused = await world.reverse(api, payment, reason=REASONS[case])
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "reason")
    assert await world.count("transfers") == 1


@pytest.mark.parametrize("reason", ["nhầm", "🙂", "İß", "𠮷", "a" * 200, "  viền  "])
async def test_a_text_for_people_may_be_in_any_script(
    api: AsyncClient, world: World, reason: str
) -> None:
    payment = (await world.pay(api, BILL)).json()["id"]
    made = await world.reverse(api, payment, reason=reason)
    assert made.json()["reversal_reason"] == reason.strip()


QUERIES = [
    f"biller={BILLER}",
    f"biller={BILLER}&customer_code=",
    f"biller={BILLER}&customer_code={CUSTOMER}&customer_code={CUSTOMER}",
    f"biller={BILLER}&customer_code={CUSTOMER}&page=1",
    f"biller={BILLER}&customer_code={CUSTOMER}%00",
    f"biller={BILLER}&customer_code={CUSTOMER}%0A",
    f"biller={BILLER}&customer_code=+{CUSTOMER}",
    f"biller={BILLER}&customer_code=%FF{CUSTOMER}",
    f"biller={BILLER}&customer_code=PB%EF%BC%91401000000",
    f"biller={BILLER}&Customer_Code={CUSTOMER}",
    "&".join(f"a{n}=1" for n in range(21)),
    "&" * 100 + "a=1",
    "=",
    "",
]


@pytest.mark.parametrize("query", QUERIES)
async def test_a_query_that_is_not_as_documented_is_refused(
    api: AsyncClient, world: World, query: str
) -> None:
    refused = await api.get(f"/v1/bills?{query}", headers=world.headers("bank"))
    assert (refused.status_code, refused.json()["code"]) == (422, "request_invalid")


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=101", "limit=1_0", "limit=%2010", "limit=%2B5", "limit=5.0", "limit="),
        *(
            "limit=%EF%BC%91",
            "from_date=86400",
            "from_date=2026-13-01",
            "from_date=2026-11-02T00:00:00",
        ),
        *("is_reversed=yes", "is_reversed=1", "is_reversed=TRUE", "is_reversed=", "status=paid"),
        *("channel=cash", "customer_code=x", "limit=5&limit=5", "cursor=" + "x" * 65),
    ],
)
async def test_a_list_is_asked_for_in_one_way_only(
    api: AsyncClient, world: World, query: str
) -> None:
    refused = await api.get(f"/v1/payments?{query}", headers=world.headers("bank"))
    assert (refused.status_code, refused.json()["code"]) == (422, "request_invalid")
