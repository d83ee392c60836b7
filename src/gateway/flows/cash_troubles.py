"""Exceptions about cash: one open for a subject, with its owner, day and next action."""

from dataclasses import dataclass

from gateway.domain.clock import business_date
from gateway.domain.field_cash import Trouble, care_of
from gateway.runtime import Runtime
from gateway.store import field_cash as store
from gateway.store.collectors import Collector
from gateway.store.database import Raw


@dataclass(frozen=True, slots=True)
class About:
    """What a trouble is about: its subject, in words for a person, and how many đồng."""

    trouble: Trouble
    subject: str
    what: str
    amount_dong: int


async def raise_trouble(rt: Runtime, connection: Raw, collector: Collector, about: About) -> None:
    """Open an exception about a collector's cash unless one is open for its subject."""
    now = rt.clock.now()
    care = care_of(about.trouble, business_date(now), collector=collector.code, what=about.what)
    raised = store.Raised(
        rt.new_id_at(now),
        collector.biller_id,
        about.subject,
        about.trouble,
        about.amount_dong,
        care.owner,
        care.next_action,
        care.due_on,
        now,
    )
    await store.raise_exception(connection, raised)
