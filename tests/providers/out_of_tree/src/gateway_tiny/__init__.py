"""Tiny: a provider in a wheel of its own, which the house finds by its entry point."""

from pydantic import SecretStr

from gateway.domain.biller import Channel
from gateway.domain.evidence import Finding, Outcome
from gateway.kit import abilities
from gateway.kit.abilities import AnswersQueries
from gateway.kit.messages import Call, Moment, Order, Reply
from gateway.kit.payload import read_object, text_of

RESULT_CODES = {"paid": Outcome.SUCCEEDED}


class Config(abilities.Config):
    """`GATEWAY_TINY__…`."""

    host: str = "https://sandbox.tiny.example"
    token: SecretStr


class Tiny(AnswersQueries[Config]):
    """Answers queries."""

    code = "tiny"
    title = "Tiny Pay"
    channels = frozenset({Channel.QR})
    Config = Config

    @property
    def merchant(self) -> str:
        """One merchant only."""
        return "TINY"

    def query(self, order: Order, moment: Moment) -> Call:
        """Ask by our own reference."""
        return Call("query", f"{self.config.host}/orders/{order.reference}", method="GET")

    def read_queried(self, order: Order, reply: Reply) -> Finding:
        """Read the state."""
        fields = read_object(reply.body)
        state = text_of(fields, "state")
        return Finding(RESULT_CODES.get(state, Outcome.UNKNOWN), code=state)
