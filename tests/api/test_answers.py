"""Where is my answer? For a caller whose line broke before the answer came."""

import pytest
from httpx import AsyncClient

from tests.world import World

KEY = "a-key-whose-answer-was-lost"


async def test_an_answer_that_is_not_there_is_no_refusal(api: AsyncClient, world: World) -> None:
    answer = await world.read(api, f"/payments/by-key/{KEY}")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (404, "answer_not_found")
    assert (problem["money_may_have_moved"], problem["retry"]) == (True, "same_request")


async def test_an_answer_is_found_by_its_key_byte_for_byte(
    api: AsyncClient, other_api: AsyncClient, world: World
) -> None:
    paid = await world.pay(api, await world.add_bill(), key=KEY)
    for client in (api, other_api):
        found = await world.read(client, f"/payments/by-key/{KEY}")
        assert (found.status_code, found.content) == (201, paid.content)
        assert found.headers["idempotent-replayed"] == "true"


async def test_a_kept_refusal_is_found_by_its_key(api: AsyncClient, world: World) -> None:
    refused = await world.pay(api, "HD-NONE", key=KEY)
    found = await world.read(api, f"/payments/by-key/{KEY}")
    assert (found.status_code, found.content) == (404, refused.content)
    assert found.json()["code"] == "bill_not_found"
    assert found.headers["content-type"] == "application/problem+json"


async def test_a_reversals_answer_is_found_apart_from_the_payments(
    api: AsyncClient, world: World
) -> None:
    paid = await world.pay(api, await world.add_bill(), key=KEY)
    path = f"/payments/by-key/{KEY}?operation=create_reversal"
    assert (await world.read(api, path)).json()["code"] == "answer_not_found"
    undone = await world.reverse(api, paid.json()["id"], key=KEY)
    assert (await world.read(api, path)).content == undone.content
    assert (await world.read(api, f"/payments/by-key/{KEY}")).content == paid.content


async def test_the_key_of_another_partner_shows_nothing(api: AsyncClient, world: World) -> None:
    await world.pay(api, await world.add_bill(), key=KEY)
    for partner in ("wallet", "utility"):
        answer = await world.read(api, f"/payments/by-key/{KEY}", partner)
        assert (answer.status_code, answer.json()["code"]) == (404, "answer_not_found")


@pytest.mark.parametrize("key", ["short", "k" * 129, "k" * 16 + "%20", "%22" + "k" * 16 + "%22"])
async def test_what_is_no_key_is_refused(api: AsyncClient, world: World, key: str) -> None:
    answer = await world.read(api, f"/payments/by-key/{key}")
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_invalid")


@pytest.mark.parametrize("query", ["operation=pay", "operation=", "operations=create_payment"])
async def test_an_operation_that_is_not_there_is_refused(
    api: AsyncClient, world: World, query: str
) -> None:
    answer = await world.read(api, f"/payments/by-key/{KEY}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "request_invalid")


@pytest.mark.parametrize("reference", ["REF:1", "a/b", "a/by-key/b", "x/reversal", "R" * 64])
async def test_a_payment_is_found_by_the_partners_reference(
    api: AsyncClient, world: World, reference: str
) -> None:
    paid = await world.pay(api, await world.add_bill(), partner_reference=reference)
    found = await world.read(api, f"/payments/by-reference/{reference}")
    assert (found.status_code, found.json()) == (200, paid.json())


@pytest.mark.parametrize("reference", ["REF-NONE", "R" * 65, "%00", "R%0A", "-R", "r%C3%A9f"])
async def test_a_reference_that_names_nothing_is_not_found(
    api: AsyncClient, world: World, reference: str
) -> None:
    answer = await world.read(api, f"/payments/by-reference/{reference}")
    assert (answer.status_code, answer.json()["code"]) == (404, "payment_not_found")


async def test_a_refused_payment_has_no_reference(api: AsyncClient, world: World) -> None:
    await world.pay(api, "HD-NONE", partner_reference="REF-REFUSED")
    answer = await world.read(api, "/payments/by-reference/REF-REFUSED")
    assert (answer.status_code, answer.json()["code"]) == (404, "payment_not_found")


async def test_by_reference_a_reversed_payment_reads_as_it_stands(
    api: AsyncClient, world: World
) -> None:
    paid = await world.pay(api, await world.add_bill(), partner_reference="REF-REVERSED")
    undone = await world.reverse(api, paid.json()["id"])
    found = await world.read(api, "/payments/by-reference/REF-REVERSED")
    assert found.json() == undone.json()
