"""What an operator sets up: nothing by halves, everything in the trail, no secret in the clear."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from uuid import uuid4

import asyncpg
import pytest

from gateway.domain.addresses import UrlRefused
from gateway.domain.partner import Scope, digest_key
from gateway.domain.refusals import BillerUnknown, RulesInvalid
from gateway.domain.signing import HmacSecret, SecretMalformed
from gateway.flows import operate
from gateway.flows.operate import NewEndpoint, PartnerUnknown, TooManyKeys
from gateway.runtime import Runtime
from gateway.store import database, upkeep, webhooks
from tests.store.waiting import until_blocked
from tests.world import BILLER, PATTERN, World

SECRET = HmacSecret(b"s" * 32).reveal()
URL = "https://billing.example/webhooks"
RULES: dict[str, object] = {"customer_code_pattern": PATTERN}


def endpoint(biller: str = BILLER, url: str = URL, secret: str = SECRET) -> NewEndpoint:
    return NewEndpoint(biller, url, secret)


async def make_key(rt: Runtime, partner: str = "bank") -> operate.NewKey:
    return await operate.create_key(rt, partner, [Scope.PAY], expires_at=None, actor="an")


async def trail(world: World) -> list[tuple[str, str, str]]:
    rows = await world.rows("SELECT actor, action, subject FROM audit_log ORDER BY id")
    return [tuple(row) for row in rows if row["actor"] == "an"]


async def endpoints(rt: Runtime) -> list[webhooks.Endpoint]:
    async with database.borrow(rt.pool) as connection:
        return await webhooks.endpoints(connection)


async def test_a_third_live_key_is_refused(world: World) -> None:
    await make_key(world.rt)
    with pytest.raises(TooManyKeys):
        await make_key(world.rt)
    assert await world.count("api_keys") == 4


async def test_of_keys_asked_for_at_once_no_third_is_made(world: World, database: str) -> None:
    owner = await asyncpg.connect(database)
    async with owner.transaction():
        # Whoever stores a key waits here, after it has counted.
        await owner.execute("SELECT FROM directory_version FOR UPDATE")
        asked = [asyncio.create_task(make_key(world.rt)) for _ in range(3)]
        await until_blocked(owner, sessions=3)
    told = await asyncio.gather(*asked, return_exceptions=True)
    await owner.close()
    assert sum(isinstance(one, TooManyKeys) for one in told) == 2
    assert await world.count("api_keys") == 4


async def test_a_revoked_key_makes_room_for_another(world: World) -> None:
    made = await make_key(world.rt)
    assert await operate.revoke_key(world.rt, made.prefix, actor="an")
    assert (await make_key(world.rt)).api_key != made.api_key


async def test_a_key_that_is_not_there_is_not_revoked(world: World) -> None:
    assert not await operate.revoke_key(world.rt, "sk_test_nobody", actor="an")


async def test_a_partner_that_is_not_there_gets_no_key(world: World) -> None:
    with pytest.raises(PartnerUnknown):
        await make_key(world.rt, "nobody")
    with pytest.raises(PartnerUnknown):
        await operate.put_key(world.rt, "nobody", "sk_test_mine", [Scope.PAY], actor="an")
    assert await trail(world) == []


async def test_the_text_of_a_key_is_stored_nowhere(world: World) -> None:
    made = await make_key(world.rt)
    assert made.api_key.startswith(made.prefix)
    for table in ("api_keys", "audit_log"):
        rows = await world.rows(f"SELECT t::text AS text FROM {table} t")
        assert not [row for row in rows if made.api_key[len(made.prefix) :] in row["text"]]
    stored = await world.rows("SELECT FROM api_keys WHERE digest = $1", digest_key(made.api_key))
    assert len(stored) == 1


async def test_no_two_keys_are_alike(world: World) -> None:
    one, other = await make_key(world.rt), await make_key(world.rt, "wallet")
    assert one.api_key != other.api_key
    assert len(one.api_key) == len("sk_test_") + 43


async def test_a_key_minted_elsewhere_is_put_once(world: World) -> None:
    for _ in range(2):
        await operate.put_key(world.rt, "bank", "sk_test_of_a_demo_1", [Scope.READ], actor="an")
    await world.rt.refresh()
    assert world.rt.directory.callers[digest_key("sk_test_of_a_demo_1")].scopes == {Scope.READ}
    assert await trail(world) == [("an", "api_key.put", "bank")]


async def test_rules_that_do_not_say_what_they_must_change_nothing(world: World) -> None:
    with pytest.raises(RulesInvalid):
        await operate.put_biller(world.rt, BILLER, "Điện lực", {"oldest_first": True}, actor="an")
    await world.rt.refresh()
    assert world.rt.directory.billers[BILLER].version == 1
    assert await trail(world) == []


async def test_new_rules_are_the_next_version_and_are_known_after_a_refresh(world: World) -> None:
    await operate.put_biller(world.rt, BILLER, "Cà Mau", RULES | {"oldest_first": True}, actor="an")
    await world.rt.refresh()
    biller = world.rt.directory.billers[BILLER]
    assert (biller.version, biller.name, biller.rules.oldest_first) == (2, "Cà Mau", True)
    assert await trail(world) == [("an", "biller.put", BILLER)]


async def test_a_partner_of_an_unknown_biller_is_not_made(world: World) -> None:
    with pytest.raises(BillerUnknown):
        await operate.put_partner(world.rt, "evn", "EVN", biller="nobody", actor="an")
    [[made]] = await world.rows("SELECT count(*) FROM partners WHERE code = 'evn'")
    assert made == 0


REFUSED: dict[str, tuple[NewEndpoint, type[Exception]]] = {
    "unknown-biller": (endpoint(biller="nobody"), BillerUnknown),
    "plain-http": (endpoint(url="http://billing.example/"), UrlRefused),
    "loopback": (endpoint(url="https://127.0.0.1/"), UrlRefused),
    "metadata-service": (endpoint(url="https://169.254.169.254/"), UrlRefused),
    "credentials": (endpoint(url="https://a:b@billing.example/"), UrlRefused),
    "secret-too-short": (endpoint(secret="whsec_c2hvcnQ="), SecretMalformed),
    "secret-of-no-kind": (endpoint(secret="hunter2"), SecretMalformed),
    "secret-empty": (endpoint(secret=""), SecretMalformed),
}
refused = pytest.mark.parametrize(("wanted", "error"), REFUSED.values(), ids=REFUSED.keys())


@refused
async def test_an_endpoint_that_cannot_be_used_is_not_added(
    wanted: NewEndpoint, error: type[Exception], world: World
) -> None:
    for put in (operate.add_endpoint, operate.put_endpoint):
        with pytest.raises(error):
            await put(world.rt, wanted, actor="an")
    assert await endpoints(world.rt) == []
    assert await world.count("webhook_secrets") == 0
    assert await trail(world) == []


@pytest.mark.parametrize("name", ["plain-http", "loopback", "metadata-service", "credentials"])
async def test_an_endpoint_is_not_moved_to_where_none_may_be(name: str, world: World) -> None:
    await operate.add_endpoint(world.rt, endpoint(), actor="test")
    wanted, error = REFUSED[name]
    with pytest.raises(error):
        await operate.put_endpoint(world.rt, wanted, actor="an")
    assert [one.url for one in await endpoints(world.rt)] == [URL]


async def test_a_malformed_second_secret_is_not_added(world: World) -> None:
    endpoint_id = await operate.add_endpoint(world.rt, endpoint(), actor="test")
    with pytest.raises(SecretMalformed):
        await operate.add_secret(world.rt, endpoint_id, "whsec_!", actor="an")
    assert await world.count("webhook_secrets") == 1


async def test_a_secret_of_no_endpoint_is_not_added(world: World) -> None:
    with pytest.raises(Exception, match="webhook_secrets_endpoint_id_fkey"):
        await operate.add_secret(world.rt, uuid4(), SECRET, actor="an")
    assert await trail(world) == []


async def test_an_endpoint_that_is_put_again_moves_and_keeps_its_secret(world: World) -> None:
    await operate.put_endpoint(world.rt, endpoint(), actor="an")
    [before] = await endpoints(world.rt)
    await operate.put_endpoint(world.rt, endpoint(url="https://new.example/"), actor="an")
    [after] = await endpoints(world.rt)
    assert (after.id, after.sealed) == (before.id, before.sealed)
    assert after.url == "https://new.example/"
    assert [action for _, action, _ in await trail(world)] == [
        "webhook_endpoint.added",
        "webhook_endpoint.moved",
    ]


async def test_no_signing_secret_lies_in_the_clear(world: World) -> None:
    endpoint_id = await operate.add_endpoint(world.rt, endpoint(), actor="an")
    await operate.add_secret(world.rt, endpoint_id, SECRET, actor="an")
    sealed = [row["sealed"] for row in await world.rows("SELECT sealed FROM webhook_secrets")]
    assert len(set(sealed)) == 2
    assert not [one for one in sealed if SECRET.encode() in one or b"s" * 32 in one]
    told = await world.rows("SELECT detail::text AS text FROM audit_log")
    assert not [row for row in told if "whsec_" in row["text"]]


async def add_two_secrets(rt: Runtime) -> None:
    made = await operate.add_endpoint(rt, endpoint(), actor="test")
    await operate.add_secret(rt, made, SECRET, actor="an")


WORKS: dict[str, Callable[[Runtime], Awaitable[object]]] = {
    "biller.put": lambda rt: operate.put_biller(rt, "evn", "EVN", RULES, actor="an"),
    "partner.put": lambda rt: operate.put_partner(rt, "card", "Card", biller=None, actor="an"),
    "api_key.created": make_key,
    "api_key.revoked": lambda rt: operate.revoke_key(rt, "sk_test_nobody", actor="an"),
    "webhook_endpoint.added": lambda rt: operate.add_endpoint(rt, endpoint(), actor="an"),
    "webhook_secret.added": add_two_secrets,
}


@pytest.mark.parametrize("action", WORKS)
async def test_whatever_an_operator_does_is_one_line_of_an_unbroken_trail(
    action: str, world: World
) -> None:
    await WORKS[action](world.rt)
    assert [done for _, done, _ in await trail(world)] == [action]
    async with database.borrow(world.rt.pool) as connection:
        assert await upkeep.first_broken_audit(connection) is None


async def test_the_trail_says_which_key_was_made_and_for_what(world: World) -> None:
    made = await make_key(world.rt)
    [row] = await world.rows("SELECT detail::text AS detail FROM audit_log WHERE actor = 'an'")
    assert json.loads(row["detail"]) == {"prefix": made.prefix, "scopes": ["pay"]}
