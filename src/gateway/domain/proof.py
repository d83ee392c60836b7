"""Proof bundles: all evidence of a payment in one file that anyone can check, without a database.

Each piece of evidence is hashed with the hash before it; what a notification or an exchange said is
hashed too. Verifying recomputes all hashes and judges all evidence anew, by the same rules.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.domain.attempt import (
    AttemptState,
    Fact,
    Standing,
    after_not_sent,
    judge,
)
from gateway.domain.evidence import Finding, Outcome, Rank

FORMAT = "gateway-proof/1"
NOT_SENT = "not_sent"
FORMAT_WRONG = f"the format is not {FORMAT}"
DIGEST_WRONG = "the digest is not that of the file"


@dataclass(frozen=True, slots=True)
class Verified:
    """What a bundle proves: the payment, its status, and how many facts were judged anew."""

    payment: str
    status: str
    facts: int
    digest: str


class ProofBroken(Exception):
    """A bundle does not prove what it says; the sentence names the first thing that is wrong."""


def sha256(data: bytes) -> str:
    """Hash bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def seal(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """Add the chain of hashes and the digest of the whole to a bundle."""
    attempts = [dict(attempt, chain=_chain(attempt)) for attempt in bundle["attempts"]]
    whole = dict(bundle, attempts=attempts)
    return dict(whole, digest=_digest(whole))


def verify(raw: bytes) -> Verified:
    """Check a bundle: every hash, every judgement, every state.

    Raises:
        ProofBroken: naming what is wrong first.
    """
    try:
        bundle = json.loads(raw)
        said = bundle.pop("digest")
        if bundle["format"] != FORMAT:
            raise ProofBroken(FORMAT_WRONG)
        if _digest(bundle) != said:
            raise ProofBroken(DIGEST_WRONG)
        facts = sum(_verify_attempt(attempt) for attempt in bundle["attempts"])
        return Verified(bundle["payment"]["id"], bundle["payment"]["status"], facts, said)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"the file cannot be read as a bundle: {type(error).__name__} at {error}"
        raise ProofBroken(message) from error


def _verify_attempt(attempt: Mapping[str, Any]) -> int:
    if _chain(attempt) != attempt["chain"]:
        message = f"the chain of hashes of {attempt['id']} is broken"
        raise ProofBroken(message)
    carriers = {
        carried["id"] for kind in ("exchanges", "notifications") for carried in attempt[kind]
    }
    stands = Standing(
        state=AttemptState.SENT,
        rank=Rank.GUESS,
        expires_at=datetime.fromisoformat(attempt["expires_at"]),
        visibility=timedelta(seconds=attempt["visibility_s"]),
    )
    for entry in attempt["evidence"]:
        if entry["carried_by"] is not None and entry["carried_by"] not in carriers:
            message = f"{entry['carried_by']}, which carries evidence, is missing"
            raise ProofBroken(message)
        stands = _judge(stands, entry)
    if stands.state != attempt["state"]:
        message = f"the evidence makes {attempt['id']} '{stands.state}', not '{attempt['state']}'"
        raise ProofBroken(message)
    return len(attempt["evidence"])


def _judge(stands: Standing, entry: Mapping[str, Any]) -> Standing:
    if entry["source"] == NOT_SENT:
        judgement = after_not_sent(stands)
    else:
        judgement = judge(stands, _fact(entry))
    if judgement.standing.state != entry["state_after"] or judgement.rule != entry["rule"]:
        message = (
            f"at {entry['at']} the rules say '{judgement.standing.state}' "
            f"({judgement.rule}), the bundle '{entry['state_after']}' ({entry['rule']})"
        )
        raise ProofBroken(message)
    return judgement.standing


def _fact(entry: Mapping[str, Any]) -> Fact:
    said = entry["finding"]
    finding = Finding(
        Outcome(said["outcome"]),
        code=said["code"],
        message=said["message"],
        reference=said["reference"],
        amount_dong=said["amount_dong"],
        merchant=said["merchant"],
        provider_id=said["provider_id"],
    )
    at = datetime.fromisoformat(entry["at"])
    return Fact(Rank(entry["rank"]), finding, at, entry["disagrees"])


def _chain(attempt: Mapping[str, Any]) -> str:
    carried: Sequence[Mapping[str, Any]] = [*attempt["exchanges"], *attempt["notifications"]]
    link = sha256(_canonical(carried))
    for entry in attempt["evidence"]:
        link = sha256(link.encode() + _canonical(entry))
    return link


def _digest(bundle: Mapping[str, Any]) -> str:
    return sha256(_canonical(bundle))


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
