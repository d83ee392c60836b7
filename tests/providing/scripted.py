"""A provider that does as it is told, the one double of the flows' tests; JSON, through respx."""

import hashlib
import hmac
import json
from typing import ClassVar

from gateway.domain.biller import Channel
from gateway.domain.evidence import Finding, Outcome
from gateway.kit import abilities
from gateway.kit.messages import (
    Acknowledgement,
    Call,
    Incoming,
    Moment,
    NextAction,
    Notification,
    Opened,
    Order,
    Reply,
    SignatureWrong,
    Unreadable,
    Verdict,
)

HOST = "http://scripted.test"
KEY = b"a documented key of the tests only"


class Scripted(
    abilities.TakesPayments[abilities.Config],
    abilities.Notifies[abilities.Config],
    abilities.AnswersQueries[abilities.Config],
):
    """A rail that opens orders, notifies and answers queries; it cannot cancel."""

    code = "scripted"
    title = "Scripted"
    channels = frozenset({Channel.E_WALLET, Channel.QR})
    Config: ClassVar = abilities.Config
    amount_min_dong = 1_000
    amount_max_dong = 50_000_000

    @property
    def merchant(self) -> str:
        return "EVN"

    def create(self, order: Order) -> Call | Opened:
        return Call("create", f"{HOST}/create", _body(order))

    def read_created(self, order: Order, reply: Reply) -> Opened | Finding:
        said = _read(reply.body)
        if said["outcome"] == "opened":
            return Opened(NextAction(redirect_url=f"{HOST}/pay/{order.reference}"))
        return _finding(said)

    def read_return(self, incoming: Incoming) -> Finding:
        pairs = dict(incoming.query_pairs())
        return Finding(Outcome(pairs["outcome"]), reference=pairs["reference"])

    def read_notification(self, incoming: Incoming) -> Notification:
        if not hmac.compare_digest(incoming.headers.get("signature", ""), sign(incoming.body)):
            raise SignatureWrong
        finding = _finding(_read(incoming.body))
        return Notification(f"{finding.reference}:{finding.outcome}:{finding.code}", finding)

    def acknowledge(self, verdict: Verdict) -> Acknowledgement:
        status = 500 if verdict is Verdict.TRY_LATER else 200
        return Acknowledgement(status, verdict.encode(), "text/plain")

    def query(self, order: Order, moment: Moment) -> Call:
        return Call("query", f"{HOST}/query", _body(order))

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        return _finding(_read(reply.body))


class Closing(Scripted, abilities.Cancels[abilities.Config]):
    """The same rail, which can close an order as well."""

    code = "closing"
    title = "Closing"

    def cancel(self, order: Order, moment: Moment) -> Call:
        return Call("cancel", f"{HOST}/cancel", _body(order))

    def read_cancelled(self, order: Order, reply: Reply) -> Finding:
        return _finding(_read(reply.body))


def sign(body: bytes) -> str:
    """Sign as the scripted rail does."""
    return hmac.new(KEY, body, hashlib.sha256).hexdigest()


def _body(order: Order) -> bytes:
    return json.dumps({"reference": order.reference, "amount_dong": order.amount_dong}).encode()


def _read(raw: bytes) -> dict[str, object]:
    try:
        said = json.loads(raw)
    except ValueError as error:
        raise Unreadable(what="body") from error
    if not isinstance(said, dict):
        raise Unreadable(what="body")
    return said


def _finding(said: dict[str, object]) -> Finding:
    amount, number = said.get("amount_dong"), said.get("provider_id")
    return Finding(
        Outcome(str(said["outcome"])),
        code=str(said.get("code", "")),
        reference=str(said["reference"]) if "reference" in said else None,
        amount_dong=amount if isinstance(amount, int) else None,
        merchant=str(said["merchant"]) if "merchant" in said else None,
        provider_id=str(number) if number is not None else None,
    )
