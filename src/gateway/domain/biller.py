"""A biller and the rules that it sets for its bills; versioned data, never code."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import time
from enum import StrEnum
from typing import Any

from gateway.domain.refusals import RulesInvalid


class Channel(StrEnum):
    """The way a bill is paid."""

    INTERNET_BANKING = "internet_banking"
    MOBILE_BANKING = "mobile_banking"
    SMS_BANKING = "sms_banking"
    AUTO_DEBIT = "auto_debit"
    E_WALLET = "e_wallet"
    CARD = "card"
    POS = "pos"
    QR = "qr"
    PORTAL = "portal"
    COUNTER_CASH = "counter_cash"
    HOME_CASH = "home_cash"


class AmountRule(StrEnum):
    """How much of a bill one payment may pay."""

    EXACT = "exact"
    """The whole of what is due on the bill, nothing else."""
    RANGE = "range"
    """Any part of what is due, from `partial_min_dong` up; or all of it."""
    ANY = "any"
    """Any part of what is due, from one đồng up."""


@dataclass(frozen=True, slots=True)
class BillerRules:
    """What a biller demands of a payment.

    `reversal_cutoff` is a time of day in Asia/Ho_Chi_Minh: a collected payment may be reversed on
    its own business date before that time. `channel_max_dong` caps one payment per channel.
    `bills_source` is the code of the provider that knows the bills and clears their debts; None
    where the biller pushes its bills to us. It is given `lookup_deadline_s`; while it does not
    answer, what it last said is shown for `stale_lookup_s`, or not at all.
    """

    customer_code_pattern: re.Pattern[str]
    amount_rule: AmountRule = AmountRule.EXACT
    partial_min_dong: int = 1
    oldest_first: bool = False
    channels: frozenset[Channel] = frozenset(Channel)
    channel_max_dong: Mapping[Channel, int] = field(default_factory=dict)
    lookup_token_required: bool = False
    reversal_cutoff: time = time(23, 59)
    bills_source: str | None = None
    lookup_deadline_s: int = 8
    stale_lookup_s: int = 0

    @property
    def whole_bill_only(self) -> bool:
        """Whether a bill is paid at once or not at all."""
        return self.amount_rule is AmountRule.EXACT


@dataclass(frozen=True, slots=True)
class Biller:
    """Who is owed. `payable_account` is the ledger account of what we owe the biller."""

    id: int
    code: str
    name: str
    version: int
    rules: BillerRules
    payable_account: int


_KNOWN = frozenset(
    {
        "customer_code_pattern",
        "amount_rule",
        "partial_min_dong",
        "oldest_first",
        "channels",
        "channel_max_dong",
        "lookup_token_required",
        "reversal_cutoff",
        "bills_source",
        "lookup_deadline_s",
        "stale_lookup_s",
    }
)


def read_rules(metadata: Mapping[str, Any]) -> BillerRules:
    """Read a biller's metadata document; every key is checked, an unknown one is refused.

    Raises:
        RulesInvalid: the document does not say what it must; nothing was stored.

    >>> read_rules({"customer_code_pattern": "PB14[0-9]{9}", "oldest_first": True}).oldest_first
    True
    """
    if unknown := sorted(set(metadata) - _KNOWN):
        msg = f"unknown keys {unknown}"
        raise RulesInvalid(msg)
    try:
        return _with_source(
            metadata,
            BillerRules(
                customer_code_pattern=re.compile(metadata["customer_code_pattern"], re.ASCII),
                amount_rule=AmountRule(metadata.get("amount_rule", AmountRule.EXACT)),
                partial_min_dong=_positive(metadata.get("partial_min_dong", 1)),
                oldest_first=_flag(metadata.get("oldest_first", False)),
                channels=frozenset(Channel(c) for c in metadata.get("channels", list(Channel))),
                channel_max_dong={
                    Channel(c): _positive(most)
                    for c, most in metadata.get("channel_max_dong", {}).items()
                },
                lookup_token_required=_flag(metadata.get("lookup_token_required", False)),
                reversal_cutoff=_time_of_day(metadata.get("reversal_cutoff", "23:59")),
            ),
        )
    except KeyError as missing:
        msg = f"{missing} is missing"
        raise RulesInvalid(msg) from missing
    except (AttributeError, TypeError, ValueError, re.error) as wrong:
        raise RulesInvalid(str(wrong)) from wrong


def _with_source(metadata: Mapping[str, Any], rules: BillerRules) -> BillerRules:
    """Add what is said of a live source; it clears whole bills only."""
    source = metadata.get("bills_source")
    if source is None:
        if given := sorted({"lookup_deadline_s", "stale_lookup_s"} & set(metadata)):
            message = f"{given} without a bills_source"
            raise ValueError(message)
        return rules
    if not isinstance(source, str) or not _SOURCE.fullmatch(source):
        message = f"{source!r} is not the code of a provider"
        raise ValueError(message)
    if not rules.whole_bill_only:
        message = "a bills_source needs the amount_rule 'exact'"
        raise ValueError(message)
    return replace(
        rules,
        bills_source=source,
        lookup_deadline_s=_seconds(metadata.get("lookup_deadline_s", 8), 1, 60),
        stale_lookup_s=_seconds(metadata.get("stale_lookup_s", 0), 0, 7 * 86_400),
    )


_SOURCE = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)


def _seconds(value: object, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        message = f"{value!r} is not a whole number of seconds from {least} to {most}"
        raise ValueError(message)
    return value


def _positive(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        msg = f"{value!r} is not a positive whole number of đồng"
        raise ValueError(msg)
    return value


def _time_of_day(text: str) -> time:
    value = time.fromisoformat(text)
    if value.tzinfo is not None:
        message = f"{text!r} names a zone; a cut-off is a time in Asia/Ho_Chi_Minh"
        raise ValueError(message)
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        msg = f"{value!r} is neither true nor false"
        raise TypeError(msg)
    return value
