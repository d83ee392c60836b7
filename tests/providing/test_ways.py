"""Ways to pay that work now."""

from dataclasses import replace

import httpx

from gateway.domain.biller import BillerRules, Channel
from gateway.flows.ways import Group, ways_now
from tests.providing.stage import Stage


def offered(stage: Stage, amount_dong: int = 150_000, **rules: object) -> dict[Group, list[str]]:
    biller = next(iter(stage.rt.directory.billers.values()))
    told: BillerRules = replace(biller.rules, **rules)  # type: ignore[arg-type]
    found = ways_now(stage.rt, told, amount_dong)
    return {group: [way.provider for way in ways] for group, ways in found.items()}


async def test_a_wallet_is_offered_once_though_it_has_a_qr_too(stage: Stage) -> None:
    assert offered(stage) == {Group.WALLET: ["closing", "scripted"]}


async def test_what_the_biller_or_the_provider_does_not_take_is_not_offered(stage: Stage) -> None:
    assert offered(stage, channels=frozenset({Channel.QR})) == {Group.QR: ["closing", "scripted"]}
    assert offered(stage, channels=frozenset({Channel.CARD})) == {}
    assert offered(stage, amount_dong=999) == {}
    assert offered(stage, amount_dong=50_000_001) == {}
    caps = {Channel.E_WALLET: 100_000, Channel.QR: 100_000}
    assert offered(stage, channel_max_dong=caps) == {}


async def test_a_provider_that_does_not_answer_is_not_offered_until_it_does(stage: Stage) -> None:
    stage.says["create"] = httpx.ConnectError("refused")
    for _ in range(5):
        await stage.begin(await stage.world.add_bill())
    assert offered(stage) == {Group.WALLET: ["closing"]}
