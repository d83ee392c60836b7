"""The Idempotency-Key header: which values are keys, which are the same key, and who needs one."""

import string

import pytest
from httpx import AsyncClient, Response

from gateway.domain.partner import Scope
from tests.world import World

GOOD = string.ascii_letters + string.digits + "_-.:"


async def post(
    api: AsyncClient, world: World, *keys: str, changes: dict[str, object] | None = None
) -> Response:
    """Pay a fresh bill with each of `keys` as a header of its own."""
    headers = [*world.headers("bank").items(), *(("idempotency-key", key) for key in keys)]
    order = world.order(await world.add_bill()) | (changes or {})
    return await api.post("/v1/payments", json=order, headers=headers)


async def nothing_moved(world: World) -> bool:
    return sum((await world.moved()).values()) == 0


async def test_a_payment_without_a_key_is_refused(api: AsyncClient, world: World) -> None:
    refused = await post(api, world)
    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_missing")
    assert await nothing_moved(world)


async def test_a_reversal_without_a_key_is_refused(api: AsyncClient, world: World) -> None:
    payment = (await post(api, world, world.new_key())).json()["id"]
    path, headers = f"/v1/payments/{payment}/reversal", world.headers("bank")
    refused = await api.post(path, json={"reason": "nhầm"}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_missing")
    assert await world.count("transfers") == 1


@pytest.mark.parametrize(
    "key",
    [
        *("", " ", "k" * 15, "k" * 129, '"' + "k" * 15 + '"', '"' + "k" * 129 + '"'),
        *("k" * 16 + " x", "k" * 16 + "/", "k" * 16 + "%", "k" * 16 + "\xe9", "k" * 16 + ","),
        *('"' + "k" * 16, "k" * 16 + '"', "'" + "k" * 16 + "'", '""' + "k" * 16 + '""', '"'),
        *("k" * 16 + "\t" + "k", 'W/"' + "k" * 16 + '"'),
    ],
)
async def test_what_is_no_key_is_refused(api: AsyncClient, world: World, key: str) -> None:
    order = world.order(await world.add_bill())
    headers = [*world.headers("bank").items()]
    raw = [(name.encode(), value.encode()) for name, value in headers]
    raw.append((b"idempotency-key", key.encode("latin-1")))
    refused = await api.post("/v1/payments", json=order, headers=raw)
    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_invalid")
    assert await nothing_moved(world)


@pytest.mark.parametrize("length", [16, 66, 128])
async def test_a_key_of_16_to_128_of_the_allowed_characters_is_taken(
    api: AsyncClient, world: World, length: int
) -> None:
    assert (await post(api, world, (GOOD * 2)[:length])).status_code == 201


@pytest.mark.parametrize("same", [True, False], ids=["equal", "different"])
async def test_two_keys_are_refused(api: AsyncClient, world: World, *, same: bool) -> None:
    key = world.new_key()
    refused = await post(api, world, key, key if same else world.new_key())
    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_invalid")
    assert await nothing_moved(world)


async def test_a_quoted_key_is_the_same_key_as_the_bare_one(api: AsyncClient, world: World) -> None:
    order, key = world.order(await world.add_bill()), world.new_key()
    send = [world.headers("bank", text) for text in (key, f'"{key}"', key)]
    bare, quoted, again = [
        await api.post("/v1/payments", json=order, headers=headers) for headers in send
    ]
    assert bare.status_code == 201
    for answer in (quoted, again):
        assert (answer.status_code, answer.content) == (201, bare.content)
        assert answer.headers["idempotent-replayed"] == "true"
    by_key = await world.read(api, f"/payments/by-key/{key}")
    assert by_key.content == bare.content


async def test_keys_differ_by_case(api: AsyncClient, world: World) -> None:
    low = await post(api, world, "a-key-of-letters-only")
    high = await post(api, world, "A-KEY-OF-LETTERS-ONLY")
    assert (low.status_code, high.status_code) == (201, 201)
    assert low.json()["id"] != high.json()["id"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"channel": "cash"}, "request_invalid"),
        ({"bills": []}, "request_invalid"),
        ({"biller": "nobody"}, "biller_unknown"),
        ({"customer_code": "XX1401000000"}, "customer_code_invalid"),
        ({"method": "mandate"}, "request_invalid"),
        ({"method": "provider"}, "request_invalid"),
        ({"lookup_token": "forged"}, "lookup_token_invalid"),
    ],
)
async def test_a_request_that_fails_validation_leaves_its_key_free(
    api: AsyncClient, world: World, changes: dict[str, object], code: str
) -> None:
    key = world.new_key()
    refused = await post(api, world, key, changes=changes)
    assert refused.json()["code"] == code
    assert await nothing_moved(world)
    assert (await post(api, world, key)).status_code == 201


async def test_a_request_that_fails_authentication_leaves_its_key_free(
    api: AsyncClient, world: World
) -> None:
    order, key = world.order(await world.add_bill()), world.new_key()
    await world.add_key("reader", "bank", Scope.READ)
    for headers, status in (
        ({"authorization": "Bearer sk_test_wrong", "idempotency-key": key}, 401),
        (world.headers("reader", key), 403),
    ):
        refused = await api.post("/v1/payments", json=order, headers=headers)
        assert refused.status_code == status
    assert await nothing_moved(world)
    made = await api.post("/v1/payments", json=order, headers=world.headers("bank", key))
    assert (made.status_code, "idempotent-replayed" in made.headers) == (201, False)


async def test_a_definite_refusal_is_kept_with_its_media_type(
    api: AsyncClient, world: World
) -> None:
    key, order = world.new_key(), world.order("HD-NONE")
    headers = world.headers("bank", key)
    first = await api.post("/v1/payments", json=order, headers=headers)
    again = await api.post("/v1/payments", json=order, headers=headers)
    assert (first.status_code, first.json()["code"]) == (404, "bill_not_found")
    assert (again.status_code, again.content) == (404, first.content)
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
