"""An attempt: one try of a payment at one provider, and what a piece of evidence makes of it.

Pure: `judge` is the only place where evidence becomes a state; the flow that applies it holds the
rows locked, and `gateway verify-proof` runs the very same function over a proof bundle.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.domain.evidence import Finding, Outcome, Rank


class AttemptState(StrEnum):
    """Where an attempt stands."""

    SENT = "sent"
    """Written down before the first byte left."""
    WAITING = "waiting"
    """Open at the provider; the payer has not paid."""
    PENDING = "pending"
    """The provider or a bank is at it."""
    UNKNOWN = "unknown"
    """In doubt: the provider may have it, and may have the money."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    NOT_SENT = "not_sent"
    """Nothing ever left: no connection was made."""
    ABSENT = "absent"
    """Proved never to have been there."""
    EXPIRED = "expired"
    """Its time passed and the provider says, twice, that nobody paid."""
    CONFLICTED = "conflicted"
    """Evidence of equal rank disagrees; only a higher rank or a person may decide."""


OPEN = frozenset(
    {AttemptState.SENT, AttemptState.WAITING, AttemptState.PENDING, AttemptState.UNKNOWN}
)
NEGATIVE = frozenset(
    {AttemptState.FAILED, AttemptState.NOT_SENT, AttemptState.ABSENT, AttemptState.EXPIRED}
)


class Effect(StrEnum):
    """What follows for the money."""

    NOTHING = "nothing"
    SETTLE = "settle"
    """The money was taken: pay the bills if they can still be paid, else keep it in suspense."""
    RELEASE = "release"
    """Proved not taken: let the bills go."""


class Trouble(StrEnum):
    """Why a person has to look; each opens one owned exception for an attempt."""

    LATE_MONEY = "late_money"
    """Money came for bills that could no longer be paid with it; it is in suspense."""
    CONFLICTED = "conflicted"
    AMOUNT_DIFFERS = "amount_differs"
    """The provider took another amount than we asked for."""
    HELD_BY_PROVIDER = "held_by_provider"
    SECOND_MOVEMENT = "second_movement"
    """One order, two numbers of a movement of money: perhaps charged twice."""
    MOVING_AFTER_END = "moving_after_end"
    """The provider is at work on an attempt that had ended."""
    UNRESOLVED = "unresolved"
    """All planned questions were asked and nothing is proved."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An attempt as it stands. Times are aware UTC; `rank` is of the evidence it stands on."""

    state: AttemptState
    rank: Rank
    expires_at: datetime
    visibility: timedelta
    """How long the provider may need until a query sees what a payer did."""
    provider_id: str | None = None
    negatives: int = 0
    negative_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One piece of evidence. `disagrees` names what is not ours: reference, merchant, amount."""

    rank: Rank
    finding: Finding
    at: datetime
    disagrees: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a fact makes of an attempt, by which rule, and whether to ask the provider at once."""

    standing: Standing
    rule: str
    effect: Effect = Effect.NOTHING
    trouble: Trouble | None = None
    ask_now: bool = False


def judge(now_stands: Standing, fact: Fact) -> Judgement:
    """Weigh one fact against what stands. Evidence of rank 0 or 1 never ends an attempt."""
    if fact.rank is Rank.RETURN:
        return Judgement(
            now_stands, "a browser's return settles nothing", ask_now=_open(now_stands)
        )
    if fact.rank is Rank.GUESS and fact.finding.outcome is not Outcome.UNKNOWN:
        return Judgement(now_stands, "a guess settles nothing", ask_now=_open(now_stands))
    if fact.disagrees is not None:
        return _not_ours(now_stands, fact)
    return _BY_OUTCOME[fact.finding.outcome](now_stands, fact)


def after_not_sent(now_stands: Standing) -> Judgement:
    """Give what follows when the request that opens the order never left."""
    stands = replace(now_stands, state=AttemptState.NOT_SENT)
    return Judgement(stands, "nothing was sent", Effect.RELEASE)


def _open(stands: Standing) -> bool:
    return stands.state in OPEN


def _not_ours(stands: Standing, fact: Fact) -> Judgement:
    # A question that was answered so is repeated in its turn, not at once.
    ask_now = _open(stands) and fact.rank is Rank.NOTIFICATION
    if fact.disagrees != "amount" or fact.finding.outcome is not Outcome.SUCCEEDED:
        rule = f"it names another {fact.disagrees}"
        return Judgement(_doubted(stands), rule, ask_now=ask_now)
    if not _may_end(stands):
        rule = "another amount was taken, after it had ended"
        return Judgement(stands, rule, trouble=Trouble.AMOUNT_DIFFERS)
    if fact.rank < Rank.QUERY:
        rule = "another amount was taken; a notification alone does not decide"
        return Judgement(stands, rule, trouble=Trouble.AMOUNT_DIFFERS, ask_now=ask_now)
    changed = replace(stands, state=AttemptState.CONFLICTED, rank=fact.rank)
    return Judgement(changed, "another amount was taken", trouble=Trouble.AMOUNT_DIFFERS)


def _may_end(stands: Standing) -> bool:
    return stands.state in OPEN | {AttemptState.CONFLICTED}


def _doubted(stands: Standing) -> Standing:
    if stands.state is not AttemptState.SENT:
        return stands
    return replace(stands, state=AttemptState.UNKNOWN, rank=Rank.GUESS)


def _unknown(stands: Standing, _fact: Fact) -> Judgement:
    if stands.state is AttemptState.SENT:
        return Judgement(_doubted(stands), "sent, and no answer that proves anything")
    return Judgement(stands, "it proves nothing")


def _waiting(stands: Standing, fact: Fact) -> Judgement:
    if stands.state not in OPEN:
        return Judgement(stands, "an earlier state of what has ended")
    if stands.state is AttemptState.PENDING and fact.rank < Rank.QUERY:
        return Judgement(stands, "an earlier state, told late")
    waits = replace(stands, state=AttemptState.WAITING, rank=fact.rank)
    return _negative(waits, fact, AttemptState.EXPIRED, "unpaid after its end, twice")


def _absent(stands: Standing, fact: Fact) -> Judgement:
    if stands.state not in OPEN:
        return Judgement(stands, "absent, after it had ended")
    return _negative(
        _doubted(stands), fact, AttemptState.ABSENT, "unknown there after its end, twice"
    )


def _negative(stands: Standing, fact: Fact, ends_as: AttemptState, rule: str) -> Judgement:
    """Count a query that found no payment: proof only after the end, twice, a window apart."""
    if fact.rank < Rank.QUERY or fact.at < stands.expires_at:
        return Judgement(_without_negatives(stands), f"{fact.finding.outcome}, before its end")
    if stands.negative_since is None:
        first = replace(stands, negatives=1, negative_since=fact.at)
        return Judgement(first, f"{fact.finding.outcome} after its end, once")
    counted = replace(stands, negatives=stands.negatives + 1)
    if fact.at - stands.negative_since < stands.visibility:
        return Judgement(counted, f"{fact.finding.outcome} after its end, too soon to be proof")
    ended = replace(counted, state=ends_as, rank=fact.rank)
    return Judgement(ended, rule, Effect.RELEASE)


def _without_negatives(stands: Standing) -> Standing:
    return replace(stands, negatives=0, negative_since=None)


def _pending(stands: Standing, fact: Fact) -> Judgement:
    if stands.state in {AttemptState.ABSENT, AttemptState.EXPIRED}:
        return Judgement(
            stands,
            "at work after it had ended",
            trouble=Trouble.MOVING_AFTER_END,
            ask_now=fact.rank < Rank.QUERY,
        )
    if stands.state not in OPEN:
        return Judgement(stands, "an earlier state of what has ended")
    moves = replace(_without_negatives(stands), state=AttemptState.PENDING, rank=fact.rank)
    return Judgement(moves, "the provider is at it")


def _held(stands: Standing, fact: Fact) -> Judgement:
    if stands.state not in OPEN:
        return Judgement(stands, "held, after it had ended", trouble=Trouble.HELD_BY_PROVIDER)
    moves = replace(_without_negatives(stands), state=AttemptState.PENDING, rank=fact.rank)
    return Judgement(moves, "the provider holds the money", trouble=Trouble.HELD_BY_PROVIDER)


def _failed(stands: Standing, fact: Fact) -> Judgement:
    if stands.state in OPEN:
        return Judgement(_ended(stands, fact, AttemptState.FAILED), "proved failed", Effect.RELEASE)
    if stands.state is AttemptState.FAILED:
        raised = replace(stands, rank=max(stands.rank, fact.rank))
        return Judgement(raised, "failed, as it stands")
    if stands.state in NEGATIVE:
        # Kept at its own rank: a success of that rank disagrees, whichever of them came first.
        return Judgement(_ended(stands, fact, AttemptState.FAILED), "failed, after its end")
    if fact.rank < stands.rank:
        return Judgement(stands, "a lower rank overturns nothing")
    if stands.state is AttemptState.CONFLICTED and fact.rank > stands.rank:
        return Judgement(
            _ended(stands, fact, AttemptState.FAILED), "a higher rank decides", Effect.RELEASE
        )
    return _conflict(stands, fact)


def _succeeded(stands: Standing, fact: Fact) -> Judgement:
    if stands.state is AttemptState.SUCCEEDED:
        return _again(stands, fact)
    takes = _ended(stands, fact, AttemptState.SUCCEEDED)
    if stands.state in OPEN:
        return Judgement(takes, "proved taken", Effect.SETTLE)
    if stands.state in NEGATIVE - {AttemptState.FAILED}:
        return Judgement(takes, "taken after its end", Effect.SETTLE)
    if fact.rank > stands.rank:
        return Judgement(takes, "a higher rank decides", Effect.SETTLE)
    if fact.rank < stands.rank:
        return Judgement(
            stands,
            "a lower rank overturns nothing",
            trouble=Trouble.CONFLICTED if stands.state is AttemptState.FAILED else None,
            ask_now=stands.state is AttemptState.FAILED and fact.rank < Rank.QUERY,
        )
    return _conflict(stands, fact)


def _again(stands: Standing, fact: Fact) -> Judgement:
    told = fact.finding.provider_id
    if told and stands.provider_id and told != stands.provider_id:
        return Judgement(stands, "another movement for one order", trouble=Trouble.SECOND_MOVEMENT)
    raised = replace(
        stands,
        rank=max(stands.rank, fact.rank),
        provider_id=stands.provider_id or told,
    )
    return Judgement(raised, "taken, as it stands")


def _conflict(stands: Standing, fact: Fact) -> Judgement:
    if stands.state is AttemptState.CONFLICTED:
        return Judgement(stands, "disputed, as it stands", ask_now=fact.rank < Rank.QUERY)
    disputed = replace(stands, state=AttemptState.CONFLICTED, rank=max(stands.rank, fact.rank))
    return Judgement(
        disputed,
        "equal ranks disagree",
        trouble=Trouble.CONFLICTED,
        ask_now=fact.rank < Rank.QUERY,
    )


def _ended(stands: Standing, fact: Fact, state: AttemptState) -> Standing:
    return replace(
        _without_negatives(stands),
        state=state,
        rank=fact.rank,
        provider_id=fact.finding.provider_id or stands.provider_id,
    )


_BY_OUTCOME = {
    Outcome.UNKNOWN: _unknown,
    Outcome.WAITING: _waiting,
    Outcome.ABSENT: _absent,
    Outcome.PENDING: _pending,
    Outcome.HELD: _held,
    Outcome.FAILED: _failed,
    Outcome.SUCCEEDED: _succeeded,
}
