"""Ways to pay that work now: what a payer is offered, grouped as payers think of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.domain.biller import BillerRules, Channel
from gateway.kit.abilities import TakesPayments
from gateway.runtime import Runtime


class Group(StrEnum):
    """How a payer thinks of a way to pay; in the order in which they are offered."""

    QR = "qr"
    WALLET = "wallet"
    CARD = "card"
    BANK = "bank"


_GROUPS = {
    Channel.QR: Group.QR,
    Channel.E_WALLET: Group.WALLET,
    Channel.CARD: Group.CARD,
    Channel.INTERNET_BANKING: Group.BANK,
    Channel.MOBILE_BANKING: Group.BANK,
}


@dataclass(frozen=True, slots=True)
class Way:
    """A provider, and the channel over which it would take the money."""

    provider: str
    title: str
    channel: Channel


def ways_now(rt: Runtime, rules: BillerRules, amount_dong: int) -> Mapping[Group, Sequence[Way]]:
    """Give the ways that the biller allows, that take this amount, and whose provider answers."""
    found = defaultdict(list)
    for attached in rt.providers.values():
        provider = attached.provider
        if not isinstance(provider, TakesPayments) or not attached.wire.may_call("create"):
            continue
        for channel in sorted(provider.channels & rules.channels & _GROUPS.keys()):
            if _takes(provider, rules, channel, amount_dong):
                found[_GROUPS[channel]].append(Way(provider.code, provider.title, channel))
    # A wallet's own QR opens the wallet's own page: it is offered once, as what it is.
    wallets = {way.provider for way in found[Group.WALLET]}
    found[Group.QR] = [way for way in found[Group.QR] if way.provider not in wallets]
    return {group: _once_each(found[group]) for group in Group if found[group]}


def _takes(
    provider: TakesPayments[Any], rules: BillerRules, channel: Channel, amount_dong: int
) -> bool:
    most = min(provider.amount_max_dong, rules.channel_max_dong.get(channel, amount_dong))
    return provider.amount_min_dong <= amount_dong <= most


def _once_each(ways: Sequence[Way]) -> list[Way]:
    """Keep one channel of a provider in a group."""
    first = {way.provider: way for way in reversed(ways)}
    return sorted(first.values(), key=lambda way: way.title)
