"""Every event that a mandate or a debit may send is documented, and no other."""

from gateway.api.events import WEBHOOKS
from gateway.api.mandate_events import MANDATE_WEBHOOKS
from gateway.flows.mandates import EVENTS
from gateway.flows.operate import EVENT_TYPES


def test_every_event_that_is_sent_is_documented() -> None:
    assert set(EVENT_TYPES) == set(WEBHOOKS)
    assert set(EVENTS.values()) <= set(MANDATE_WEBHOOKS)
