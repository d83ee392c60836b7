"""Proof bundles as the flows write them, made from evidence by the very rules that judge it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.domain import proof
from gateway.domain.attempt import AttemptState, Fact, Standing, after_not_sent, judge
from gateway.domain.clock import to_text
from gateway.domain.evidence import Finding, Outcome, Rank, as_facts
from gateway.domain.proof import NOT_SENT

BEGAN = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
END = BEGAN + timedelta(minutes=15)


def a_finding(outcome: Outcome, **changes: Any) -> Finding:
    facts: dict[str, Any] = {"code": "0", "reference": "att_1", "merchant": "EVN"}
    return Finding(outcome, **(facts | {"amount_dong": 150_000} | changes))


def an_attempt(*told: tuple[str, Rank, Finding], disagrees: str | None = None) -> dict[str, Any]:
    """Give an attempt with its evidence as it is written down; `told` is (source, rank, finding).

    `disagrees` is said of the last piece of evidence.
    """
    stands = Standing(AttemptState.SENT, Rank.GUESS, END, timedelta(seconds=60))
    evidence, carried = [], []
    for number, (source, rank, finding) in enumerate(told):
        other = disagrees if number == len(told) - 1 else None
        at = BEGAN + timedelta(minutes=number)
        fact = Fact(rank, finding, at, other)
        judged = after_not_sent(stands) if source == NOT_SENT else judge(stands, fact)
        carrier = {"id": f"exc_{number}", "attempt": "att_1", "reply": f"answer {number}"}
        carried.append(carrier)
        evidence.append(
            {
                "attempt": "att_1",
                "at": to_text(at),
                "rank": int(rank),
                "rank_name": rank.name.lower(),
                "source": source,
                "finding": as_facts(finding),
                "outcome": finding.outcome.value,
                "disagrees": other,
                "rule": judged.rule,
                "state_before": stands.state.value,
                "state_after": judged.standing.state.value,
                "carried_by": carrier["id"],
            }
        )
        stands = judged.standing
    return {
        "id": "att_1",
        "number": 1,
        "provider": "acme",
        "reference": "att_1",
        "amount_dong": 150_000,
        "expires_at": to_text(END),
        "visibility_s": 60,
        "state": stands.state.value,
        "evidence": evidence,
        "exchanges": [
            c for c, (source, _, _) in zip(carried, told, strict=True) if source != "ntf"
        ],
        "notifications": [
            c for c, (source, _, _) in zip(carried, told, strict=True) if source == "ntf"
        ],
    }


OPENED = ("create", Rank.QUERY, a_finding(Outcome.WAITING, amount_dong=None))
SILENT = ("create", Rank.GUESS, Finding(Outcome.UNKNOWN, message="deadline"))
AT_WORK = ("ntf", Rank.NOTIFICATION, a_finding(Outcome.PENDING, code="7000"))
PAID = ("query", Rank.QUERY, a_finding(Outcome.SUCCEEDED, provider_id="4001", message="Thành công"))
REFUSED = ("ntf", Rank.NOTIFICATION, a_finding(Outcome.FAILED, code="1006"))


def a_bundle(*attempts: dict[str, Any], status: str = "succeeded", **changes: Any) -> Any:
    """Give a sealed bundle as its reader reads it."""
    payment = {"id": "pay_1", "method": "provider", "amount_dong": 150_000, "status": status}
    made = {"format": proof.FORMAT, "made_at": to_text(END), "payment": payment, **changes}
    return json.loads(raw(proof.seal(made | {"attempts": attempts})))


def raw(bundle: object) -> bytes:
    return json.dumps(bundle, ensure_ascii=False, indent=2).encode()


def resealed(bundle: dict[str, Any], *, chain: bool = True) -> dict[str, Any]:
    """Give a bundle with a digest that fits, as a forger makes it, and with a chain if asked."""
    bare = {name: value for name, value in bundle.items() if name != "digest"}
    chains = [attempt.pop("chain") for attempt in bare["attempts"]]
    sealed = proof.seal(bare)
    if chain:
        return sealed
    for attempt, old in zip(sealed["attempts"], chains, strict=True):
        attempt["chain"] = old
    del sealed["digest"]
    return sealed | {"digest": proof.sha256(proof._canonical(sealed))}
