"""What a provider's author says about it, so that the conformance kit can try it."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from gateway.domain.evidence import Outcome
from gateway.kit.abilities import Config, Provider
from gateway.kit.mandate_messages import AfterFailure, DebitLine, Mandate
from gateway.kit.messages import Acknowledgement, Incoming, Moment, Order, Reply
from gateway.testing.served import Application

FACTS = frozenset({"reference", "merchant", "amount"})
NEEDS = "__needs__"

Test = TypeVar("Test", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Said:
    """What a message of the provider shall say; amounts in đồng, whatever the wire counts in."""

    code: str
    reference: str
    merchant: str
    amount_dong: int
    provider_id: str = "4088878653"


@dataclass(frozen=True, slots=True)
class Moved:
    """A transfer that a notice shall tell of, in đồng; `number` tells movements apart."""

    number: int = 1
    amount_dong: int = 123_000
    text: str = "MBVCB.123.P7XHXH5N2ND PB14010012345.CT tu 0011"
    virtual_account: str | None = None


def needs(*abilities: type[Any], call: bool = False) -> Callable[[Test], Test]:
    """Say which abilities a promise is about, and if about calls; else there is no such test."""

    def mark(test: Test) -> Test:
        setattr(test, NEEDS, (abilities, call))
        return test

    return mark


class NotGiven(AssertionError):
    """A conformance class leaves out what a promise about its provider needs: the promise fails."""

    def __init__(self, kind: type[object], name: str) -> None:
        super().__init__(f"'{kind.__name__}' does not give '{name}', which this promise needs")


class Subject:
    """The provider under test. A subclass gives what is declared here without a value."""

    provider_class: ClassVar[type[Provider[Any]]]
    reference_pattern: ClassVar[str]
    """What the provider allows in our reference, length included, as a regular expression."""
    codes: ClassVar[Mapping[str, Mapping[str, Outcome]]]
    """Documented codes by message: `created` (WAITING stands for an opened order; leave it out if
    no call opens one), `queried`, `notified`, `debited`. From the documents, not the adapter."""
    unlisted: ClassVar[str] = "987654"
    """A code that is in no table."""
    codeless: ClassVar[frozenset[str]] = frozenset()
    """Messages that carry no code, because they are sent for one outcome only."""
    facts: ClassVar[Mapping[str, frozenset[str]]] = {}
    """Which of reference, merchant and amount a message names; all three unless said here."""
    told: ClassVar[Outcome] = Outcome.SUCCEEDED
    """What the notification of a paid order says; PENDING where its status is not signed."""
    after_failure: ClassVar[Mapping[str, AfterFailure]] = {}
    """What follows a debit that failed with a code, where it is not GIVE_UP."""
    declined: ClassVar[Outcome] = Outcome.FAILED
    """What a query says of an order that the payer declined."""
    abandoned: ClassVar[Outcome] = Outcome.WAITING
    """What a query says of an order that the payer only looked at."""
    calls: ClassVar[bool] = True
    """Whether it makes any call; one that only draws what a payer carries makes none."""
    unpublished: ClassVar[str] = ""
    """Why nobody has published a signature of this protocol, if so."""
    thanks: ClassVar[Acknowledgement]
    """The exact answer to a notice of credit that was written down."""

    def __init_subclass__(cls) -> None:
        """Drop the promises about abilities that the provider does not have."""
        super().__init_subclass__()
        kind = getattr(cls, "provider_class", None)
        if kind is None:
            return
        for name in dir(cls):
            needed, call = getattr(getattr(cls, name, None), NEEDS, ((), False))
            if not all(issubclass(kind, ability) for ability in needed) or (call and not cls.calls):
                setattr(cls, name, None)

    def config(self, host: str) -> Config:
        """Give the configuration for a provider that lives at `host` (no slash at the end)."""
        raise NotGiven(type(self), "config")

    def simulator(self, notify_url: str) -> Application:
        """Make the provider's simulator; `notify_url` is for protocols that register it once."""
        raise NotGiven(type(self), "simulator")

    def published(self) -> Iterable[tuple[str, str]]:
        """Give (signature as the adapter makes it, signature as the documents print it)."""
        raise NotGiven(type(self), "published")

    def created(self, order: Order, said: Said) -> Reply:
        """Write the provider's answer to `create`, signed as the provider signs."""
        raise NotGiven(type(self), "created")

    def queried(self, order: Order, said: Said) -> Reply:
        """Write the provider's answer to `query`, signed as the provider signs."""
        raise NotGiven(type(self), "queried")

    def notified(self, order: Order, said: Said) -> Incoming:
        """Write the provider's notification, signed as the provider signs."""
        raise NotGiven(type(self), "notified")

    def debited(self, order: Order, said: Said) -> Reply:
        """Write the provider's answer to `debit`, signed as the provider signs."""
        raise NotGiven(type(self), "debited")

    def results(self, lines: Iterable[DebitLine], said: Said) -> bytes:
        """Write a whole result file in which each line says `said.code`."""
        raise NotGiven(type(self), "results")

    def forged(self, incoming: Incoming) -> Iterable[tuple[str, Incoming]]:
        """Give forged twins of a notification with their names: each signed field altered.

        Alters every field of a JSON object or of the query string; a protocol that signs fewer, or
        otherwise, says it here.
        """
        return twins_of(incoming)

    def credit_body(self, moved: Moved) -> dict[str, Any]:
        """Write the JSON of a notice of credit, without its signature."""
        raise NotGiven(type(self), "credit_body")

    def credit_notice(self, body: Mapping[str, Any]) -> Incoming:
        """Sign and send such a body, whatever stands in it, as the provider does."""
        raise NotGiven(type(self), "credit_notice")

    def credit_forged(self, incoming: Incoming) -> Iterable[tuple[str, Incoming]]:
        """Give forged twins of a notice of credit: each signed part altered, and left out."""
        raise NotGiven(type(self), "credit_forged")

    def credit_nothing(self) -> Iterable[tuple[str, Incoming]]:
        """Give authentic notices that bring nothing in: money that went out, a trial call."""
        raise NotGiven(type(self), "credit_nothing")

    # ── builders ─────────────────────────────────────────────────────────────────────────────

    def provider(self, host: str = "https://sandbox.example.vn") -> Any:
        """Make the provider."""
        return self.provider_class(self.config(host))

    def order(self, **changes: Any) -> Order:
        """Build an order; only what matters need be named."""
        now = datetime.now(UTC).replace(microsecond=0)
        number = UUID(int=changes.pop("number", 1))
        order = Order(
            reference=self.provider().reference_of(number, now),
            amount_dong=123_000,
            text="Tiền điện tháng 11/2026 PB14010000123",
            created_at=now,
            expires_at=now + timedelta(minutes=15),
            request_id=number.hex,
            return_url="https://pay.example.vn/return",
            notify_url=f"https://pay.example.vn/v1/notifications/{self.provider_class.code}",
            option=(self.provider_class.options or (None,))[0],
        )
        return replace(order, **changes)

    def mandate(self, **changes: Any) -> Mandate:
        """Build a mandate; only what matters need be named."""
        mandate = Mandate(
            reference="mdt_01936b2e000070008000000000000001",
            biller="evn-camau",
            customer_code="PB14010000123",
            bank="970405",
            account_no="1900100200300",
            account_name="Nguyễn Văn Đặng",
            id_no="096123456789",
            phone="0912345678",
            max_debit_dong=5_000_000,
            max_month_dong=None,
            day_of_month=None,
            retry_days=3,
            starts_on=date(2026, 11, 1),
            ends_on=None,
            consent_channel="otp",
        )
        return replace(mandate, **changes)

    def line(self, order: Order, mandate: Mandate | None = None) -> DebitLine:
        """Build the debit of an order: the first try of a bill."""
        return DebitLine(order, mandate or self.mandate(), "HD2026110000123", 1)

    def said(self, order: Order, code: str, **changes: Any) -> Said:
        """Build what a message about this order says."""
        said = Said(code, order.reference, self.provider().merchant, order.amount_dong)
        return replace(said, **changes)

    def code_of(self, message: str, outcome: Outcome) -> str:
        """Give the first code of a message's table that means `outcome`."""
        return next(code for code, means in self.codes[message].items() if means is outcome)

    def facts_of(self, message: str) -> frozenset[str]:
        """Give the facts that a message names."""
        return self.facts.get(message, FACTS)


def a_moment(number: int = 7) -> Moment:
    """Build the moment of a call, now."""
    return Moment(datetime.now(UTC), f"{number:032x}")


def twins_of(incoming: Incoming, fields: Iterable[str] | None = None) -> list[tuple[str, Incoming]]:
    """Alter one field after the other of a JSON body, or of the query string if there is no body.

    `fields` names those to alter; all of them if None.
    """
    if incoming.body:
        whole = json.loads(incoming.body)
        return [
            (name, replace(incoming, body=json.dumps(whole | {name: _other(whole[name])}).encode()))
            for name in fields or whole
        ]
    pairs = dict(parse_qsl(incoming.query, keep_blank_values=True))
    return [
        (name, replace(incoming, query=urlencode(pairs | {name: f"{pairs[name]}1"})))
        for name in fields or pairs
    ]


def _other(value: Any) -> Any:
    return value + 1 if isinstance(value, int) else f"{value}1"
