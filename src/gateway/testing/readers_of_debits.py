"""The reading methods of an adapter that debits mandates or carries texts, from bytes."""

from collections.abc import Callable, Iterator
from typing import Any

from gateway.kit.abilities import CarriesMessages, DebitsByFile, DebitsMandates
from gateway.kit.mandate_messages import Mandate
from gateway.kit.messages import Incoming, Order, Reply

OF_A_MANDATE = ("registered", "confirmed", "mandate_cancelled", "mandate_queried")


def readers_of_debits(
    provider: object, order: Order, mandate: Mandate
) -> Iterator[tuple[str, Callable[[bytes], Any]]]:
    """Give every one that the provider has, with its name."""
    if isinstance(provider, DebitsMandates):
        yield "read_debited", lambda body: provider.read_debited(order, Reply(200, body))
        for name in OF_A_MANDATE:
            yield f"read_{name}", _of(getattr(provider, f"read_{name}"), mandate)
    if isinstance(provider, DebitsByFile):
        yield "read_results", provider.read_results
    if isinstance(provider, CarriesMessages):
        yield "read_sent", lambda body: provider.read_sent(Reply(200, body))
        for name in ("read_message", "read_report"):
            yield name, _from(getattr(provider, name))


def _from(read: Callable[..., Any]) -> Callable[[bytes], Any]:
    return lambda body: read(Incoming("POST", body=body))


def _of(read: Callable[..., Any], mandate: Mandate) -> Callable[[bytes], Any]:
    return lambda body: read(mandate, Reply(200, body))
