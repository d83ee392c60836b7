import pytest

from gateway.domain.addresses import UrlRefused
from gateway.domain.partner import Scope
from gateway.domain.refusals import BillerUnknown, RulesInvalid
from gateway.domain.signing import SecretMalformed
from gateway.flows import operate
from gateway.flows.operate import NewEndpoint, PartnerUnknown, TooManyKeys
from gateway.runtime import Runtime
from gateway.store import database, upkeep
from tests.world import BILLER, PATTERN, World

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
URL = "https://billing.example.vn/hooks"


async def test_a_third_live_key_is_refused_until_one_is_revoked(rt: Runtime, world: World) -> None:
    second = await operate.create_key(rt, "bank", [Scope.PAY], expires_at=None, actor="test")
    with pytest.raises(TooManyKeys):
        await operate.create_key(rt, "bank", [Scope.PAY], expires_at=None, actor="test")
    assert await operate.revoke_key(rt, second.prefix, actor="test")
    await operate.create_key(rt, "bank", [Scope.PAY], expires_at=None, actor="test")


async def test_a_keys_text_is_stored_nowhere(rt: Runtime, world: World) -> None:
    key = world.keys["bank"]
    dumped = await world.rows("SELECT k::text AS row FROM api_keys k")
    assert all(key not in row["row"] for row in dumped)


async def test_a_partner_that_is_not_there_gets_no_key(rt: Runtime, world: World) -> None:
    with pytest.raises(PartnerUnknown):
        await operate.create_key(rt, "nobody", [Scope.PAY], expires_at=None, actor="test")


async def test_new_rules_are_a_new_version_and_equal_ones_are_not(
    rt: Runtime, world: World
) -> None:
    await world.set_rules(oldest_first=True)
    await world.set_rules(oldest_first=True)
    assert rt.directory.billers[BILLER].version == 2
    assert rt.directory.billers[BILLER].rules.oldest_first


async def test_rules_that_say_nothing_sensible_are_not_stored(rt: Runtime, world: World) -> None:
    with pytest.raises(RulesInvalid):
        await operate.put_biller(
            rt, BILLER, "X", {"customer_code_pattern": PATTERN, "colour": "red"}, actor="test"
        )
    assert await world.count("biller_versions") == 1


@pytest.mark.parametrize(
    ("endpoint", "error"),
    [
        (NewEndpoint("nobody", URL, SECRET), BillerUnknown),
        (NewEndpoint(BILLER, "http://10.0.0.1/x", SECRET), UrlRefused),
        (NewEndpoint(BILLER, "https://u:p@example.vn/", SECRET), UrlRefused),
        (NewEndpoint(BILLER, URL, "not a secret"), SecretMalformed),
    ],
    ids=["unknown-biller", "inner-address", "userinfo", "bad-secret"],
)
async def test_an_endpoint_that_cannot_work_is_not_stored(
    rt: Runtime, world: World, endpoint: NewEndpoint, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await operate.add_endpoint(rt, endpoint, actor="test")
    assert await world.count("webhook_endpoints") == 0


async def test_a_signing_secret_is_stored_sealed(rt: Runtime, world: World) -> None:
    await operate.add_endpoint(rt, NewEndpoint(BILLER, URL, SECRET), actor="test")
    sealed = (await world.rows("SELECT sealed FROM webhook_secrets"))[0]["sealed"]
    assert SECRET.encode() not in sealed


async def test_an_endpoint_that_moves_frees_what_was_held_for_it(rt: Runtime, world: World) -> None:
    await operate.add_endpoint(rt, NewEndpoint(BILLER, URL, SECRET), actor="test")
    await world.rows(
        "INSERT INTO deliveries (biller_id, event_id, endpoint_id, due_at, state) "
        "SELECT 1, gen_random_uuid(), id, now(), 'held' FROM webhook_endpoints"
    )
    moved = NewEndpoint(BILLER, f"{URL}/new", SECRET)
    await operate.put_endpoint(rt, moved, actor="test")
    assert (await world.rows("SELECT url FROM webhook_endpoints"))[0]["url"] == moved.url
    assert (await world.rows("SELECT state FROM deliveries"))[0]["state"] == "due"


async def test_everything_that_an_operator_does_stands_in_an_unbroken_trail(
    rt: Runtime, world: World
) -> None:
    await operate.add_endpoint(rt, NewEndpoint(BILLER, URL, SECRET), actor="somebody")
    actions = {row["action"] for row in await world.rows("SELECT action FROM audit_log")}
    assert {"biller.put", "partner.put", "api_key.created", "webhook_endpoint.added"} <= actions
    async with database.borrow(rt.engine) as connection:
        assert await upkeep.first_broken_audit(connection) is None
