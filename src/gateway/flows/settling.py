"""The one door through which evidence changes the state of money at a provider.

Whoever comes here holds a transaction. The attempt and its payment are locked, `judge` decides,
and what follows is written with the evidence that made it so: all or nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import orjson

from gateway.domain.attempt import (
    OPEN,
    AttemptState,
    Effect,
    Fact,
    Judgement,
    Standing,
    Trouble,
    after_not_sent,
    judge,
)
from gateway.domain.debit_return import after_return
from gateway.domain.errors import present
from gateway.domain.evidence import Rank, as_facts
from gateway.domain.ids import to_public
from gateway.domain.progress import (
    AWAITED_S,
    FINAL,
    QUESTIONS_MAX,
    Claim,
    after_attempt,
    claim_of,
    next_question_in,
)
from gateway.flows.exceptions import open_exception
from gateway.flows.following import follow_failure
from gateway.flows.taking import take_money
from gateway.kit import metrics
from gateway.kit.logs import log
from gateway.runtime import Runtime
from gateway.store import attempts, evidence, settlement
from gateway.store.attempts import AttemptRow
from gateway.store.database import Raw
from gateway.store.settlement import HeldPayment

NOT_SENT = "not_sent"
"""The outcome of evidence that says that nothing ever left."""
UNRESOLVED_AGAIN = timedelta(days=1)
CERTAIN = frozenset(AttemptState) - OPEN


@dataclass(frozen=True, slots=True)
class Source:
    """Whence a fact came: a short word, and the exchange or notification that carried it."""

    name: str
    exchange_id: UUID | None = None
    notification_id: UUID | None = None
    is_in_suspense: bool = False
    """Whether the money that it tells of stands in suspense: it came as a credit."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a fact: where the attempt stood before, and where it stands."""

    before: AttemptState
    judgement: Judgement
    outbid: tuple[UUID, ...] = ()


async def settle(
    rt: Runtime, connection: Raw, attempt: AttemptRow, fact: Fact, source: Source
) -> Settled:
    """Weigh a fact about a held attempt and write all that follows from it.

    The caller holds the attempt (`attempts.hold`) in this transaction, and wakes the payments in
    `outbid` after it.
    """
    return await _write(rt, connection, attempt, fact, source, judge(standing_of(attempt), fact))


async def settle_not_sent(
    rt: Runtime, connection: Raw, attempt: AttemptRow, fact: Fact, source: Source
) -> Settled:
    """Write that the request which opens the order never left: it may be tried again."""
    judgement = after_not_sent(standing_of(attempt))
    return await _write(rt, connection, attempt, fact, source, judgement)


async def note_return(connection: Raw, attempt: AttemptRow, fact: Fact, source: Source) -> None:
    """Write the evidence that a bank gave back what the attempt took; the attempt stands."""
    judgement = after_return(standing_of(attempt))
    await evidence.add(connection, _evidence(attempt, fact, source, judgement))


def standing_of(attempt: AttemptRow) -> Standing:
    """Read where an attempt stands."""
    return Standing(
        state=AttemptState(attempt.state),
        rank=Rank(attempt.rank),
        expires_at=attempt.expires_at,
        visibility=timedelta(seconds=attempt.visibility_s),
        provider_id=attempt.provider_id,
        negatives=attempt.negatives,
        negative_since=attempt.negative_since,
    )


async def _write(
    rt: Runtime,
    connection: Raw,
    attempt: AttemptRow,
    fact: Fact,
    source: Source,
    judgement: Judgement,
) -> Settled:
    payment = await settlement.hold(connection, attempt.biller_id, attempt.payment_id)
    payment = present(payment, "an attempt has its payment")
    before, after = AttemptState(attempt.state), judgement.standing.state
    outbid: tuple[UUID, ...] = ()
    if judgement.effect is Effect.SETTLE and not await _is_in_the_books(connection, attempt):
        outbid, judgement = await take_money(
            rt, connection, attempt, payment, judgement, is_in_suspense=source.is_in_suspense
        )
    elif attempt.number == payment.newest:
        await _follow(rt, connection, payment, after)
    judgement = await _ask_again(connection, attempt, judgement, fact)
    await evidence.add(connection, _evidence(attempt, fact, source, judgement))
    if after is AttemptState.FAILED and before is not after:
        await follow_failure(rt, connection, attempt, fact.finding.code)
    await open_exception(rt, connection, attempt, judgement)
    _tell(attempt, before, judgement, fact, source)
    return Settled(before, judgement, outbid)


async def _is_in_the_books(connection: Raw, attempt: AttemptRow) -> bool:
    """Say whether this money was settled before its evidence came to disagree."""
    return attempt.state not in OPEN and await evidence.was_taken(
        connection, attempt.biller_id, attempt.id
    )


async def _follow(
    rt: Runtime, connection: Raw, payment: HeldPayment, attempt_state: AttemptState
) -> None:
    """Let the payment, and its hold on the bills, follow its newest attempt."""
    if payment.status in FINAL or attempt_state is AttemptState.SUCCEEDED:
        return
    state = after_attempt(attempt_state, is_cancelling=payment.cancel_asked_at is not None)
    claim = claim_of(state)
    if claim is Claim.HARD:
        await settlement.reclaim(connection, payment.biller_id, payment.id)
    else:
        await settlement.claim(connection, payment.biller_id, payment.id, claim)
    if state != payment.status:
        ended_at = rt.clock.now() if state in FINAL else None
        failure = attempt_state if state in FINAL else None
        await settlement.set_status(connection, payment, state, failure, ended_at)


async def _ask_again(
    connection: Raw, attempt: AttemptRow, judgement: Judgement, fact: Fact
) -> Judgement:
    """Write where the attempt stands, and when the provider is to be asked next."""
    stands = judgement.standing
    is_question = fact.rank is Rank.QUERY or fact.rank is Rank.GUESS
    asked = attempt.asked + 1 if is_question and stands.state == attempt.state else 0
    if stands.state is AttemptState.WAITING and fact.at < attempt.expires_at:
        asked = min(asked, len(AWAITED_S) - 1)  # an order that may still be paid is no doubt
    due_at = _due_at(attempt, judgement, fact, asked)
    if stands.state in OPEN and asked > QUESTIONS_MAX:
        judgement = replace(judgement, trouble=judgement.trouble or Trouble.UNRESOLVED)
        due_at = fact.at + UNRESOLVED_AGAIN
    in_doubt = stands.state is AttemptState.UNKNOWN
    moved = replace(
        attempt,
        state=stands.state,
        rank=stands.rank,
        code=fact.finding.code or attempt.code,
        provider_id=stands.provider_id,
        memory=_memory(attempt, fact),
        negatives=stands.negatives,
        negative_since=stands.negative_since,
        due_at=due_at,
        asked=asked,
        doubt_since=(attempt.doubt_since or fact.at) if in_doubt else attempt.doubt_since,
        settled_at=(attempt.settled_at or fact.at) if stands.state in CERTAIN else None,
    )
    await attempts.move(connection, moved)
    return judgement


def _due_at(attempt: AttemptRow, judgement: Judgement, fact: Fact, asked: int) -> datetime | None:
    stands = judgement.standing
    # What a question brought is followed by the next question in its turn, never at once.
    if judgement.ask_now and fact.rank in {Rank.RETURN, Rank.NOTIFICATION}:
        return fact.at
    may_be_proved = stands.state is AttemptState.CONFLICTED and stands.rank < Rank.QUERY
    is_moving = judgement.trouble is Trouble.MOVING_AFTER_END
    if stands.state not in OPEN and not may_be_proved and not is_moving:
        return None
    due_at = fact.at + next_question_in(stands.state, asked)
    if stands.state is AttemptState.WAITING and fact.at < attempt.expires_at < due_at:
        return attempt.expires_at
    # Only a negative waits for its window: silence after it waits as silence does.
    if stands.negative_since is not None and stands.negatives > attempt.negatives:
        return max(stands.negative_since + stands.visibility, fact.at + timedelta(seconds=1))
    return due_at


def _memory(attempt: AttemptRow, fact: Fact) -> str:
    if not fact.finding.memory:
        return attempt.memory
    return orjson.dumps(orjson.loads(attempt.memory) | fact.finding.memory).decode()


def _evidence(
    attempt: AttemptRow, fact: Fact, source: Source, judgement: Judgement
) -> evidence.EvidenceRow:
    return evidence.EvidenceRow(
        biller_id=attempt.biller_id,
        attempt_id=attempt.id,
        rank=fact.rank,
        source=source.name,
        outcome=NOT_SENT if source.name == NOT_SENT else fact.finding.outcome,
        code=fact.finding.code,
        amount_dong=fact.finding.amount_dong,
        facts=orjson.dumps(as_facts(fact.finding)).decode(),
        disagrees=fact.disagrees,
        rule=judgement.rule,
        state_before=attempt.state,
        state_after=judgement.standing.state,
        exchange_id=source.exchange_id,
        notification_id=source.notification_id,
        at=fact.at,
    )


def _tell(
    attempt: AttemptRow, before: AttemptState, judgement: Judgement, fact: Fact, source: Source
) -> None:
    after = judgement.standing.state
    if before is AttemptState.UNKNOWN and after in CERTAIN and attempt.doubt_since is not None:
        waited_s = (fact.at - attempt.doubt_since).total_seconds()
        metrics.CERTAINTY_SECONDS.labels(attempt.provider).observe(waited_s)
    if before in OPEN and after in CERTAIN:
        metrics.RESOLVED.labels(attempt.provider, fact.rank.name.lower()).inc()
    log.info(
        "attempt.settled",
        payment=to_public("pay", attempt.payment_id),
        attempt=to_public("att", attempt.id),
        provider=attempt.provider,
        before=before,
        after=after,
        source=source.name,
        rule=judgement.rule,
    )
