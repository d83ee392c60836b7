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
from gateway.domain.debit_return import RETURNED, after_return
from gateway.domain.evidence import Finding, Outcome, Rank, mismatch
from gateway.domain.payment import Method
from gateway.domain.progress import PaymentState

FORMAT = "gateway-proof/1"
NOT_SENT = "not_sent"
FORMAT_WRONG = f"the format is not {FORMAT}"
DIGEST_WRONG = "the digest is not that of the file"
_UNREADABLE = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    # Nested too deeply, and numbers that are no time.
    RecursionError,
    OverflowError,
)


@dataclass(frozen=True, slots=True)
class Verified:
    """What a bundle proves: the payment, its status, and how many facts were judged anew.

    `disputed` names the attempts whose own evidence disagrees; while there is one, the status is
    not the last word.
    """

    payment: str
    status: str
    facts: int
    digest: str
    disputed: tuple[str, ...] = ()


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
        bundle = json.loads(raw, object_pairs_hook=_once)
        said = bundle.pop("digest")
        if bundle["format"] != FORMAT:
            raise ProofBroken(FORMAT_WRONG)
        if _digest(bundle) != said:
            raise ProofBroken(DIGEST_WRONG)
        facts = sum(_verify_attempt(attempt) for attempt in bundle["attempts"])
        _verify_status(bundle)
        return Verified(
            bundle["payment"]["id"], bundle["payment"]["status"], facts, said, _disputed(bundle)
        )
    except _UNREADABLE as error:
        message = f"the file cannot be read as a bundle: {type(error).__name__} at {error}"
        raise ProofBroken(message) from error


def _disputed(bundle: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(a["id"] for a in bundle["attempts"] if a["state"] == AttemptState.CONFLICTED)


def _verify_status(bundle: Mapping[str, Any]) -> None:
    """Hold the payment's status against its evidence: only a success that was judged pays it."""
    payment = bundle["payment"]
    if payment["method"] == Method.COLLECTED or payment["status"] != PaymentState.SUCCEEDED:
        return
    states = {e["state_after"] for attempt in bundle["attempts"] for e in attempt["evidence"]}
    if AttemptState.SUCCEEDED not in states:
        message = f"{payment['id']} is said to be paid, but no evidence shows it"
        raise ProofBroken(message)


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
        _hold_against(attempt, entry)
        stands = _judge(stands, entry)
    if stands.state != attempt["state"]:
        message = f"the evidence makes {attempt['id']} '{stands.state}', not '{attempt['state']}'"
        raise ProofBroken(message)
    return len(attempt["evidence"])


def _hold_against(attempt: Mapping[str, Any], entry: Mapping[str, Any]) -> None:
    """Compare a finding with the order anew; whose merchant's it is, the bundle alone says."""
    finding, said = _finding(entry), entry["disagrees"]
    ours = "" if said == "merchant" else finding.merchant or ""
    found = mismatch(
        finding,
        reference=attempt["reference"],
        amount_dong=attempt["amount_dong"],
        merchant=ours,
    )
    if found != said:
        message = f"at {entry['at']} not ours is '{found}', in the bundle '{said}'"
        raise ProofBroken(message)


def _judge(stands: Standing, entry: Mapping[str, Any]) -> Standing:
    if stands.state != entry["state_before"]:
        message = (
            f"at {entry['at']} the attempt is '{stands.state}', in the bundle "
            f"'{entry['state_before']}': evidence is missing or out of its order"
        )
        raise ProofBroken(message)
    if entry["source"] == NOT_SENT:
        judgement = after_not_sent(stands)
    elif entry["source"] == RETURNED and stands.state is AttemptState.SUCCEEDED:
        judgement = after_return(stands)
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
    at = datetime.fromisoformat(entry["at"])
    return Fact(Rank(entry["rank"]), _finding(entry), at, entry["disagrees"])


def _finding(entry: Mapping[str, Any]) -> Finding:
    said = entry["finding"]
    return Finding(
        Outcome(said["outcome"]),
        code=said["code"],
        message=said["message"],
        reference=said["reference"],
        amount_dong=said["amount_dong"],
        merchant=said["merchant"],
        provider_id=said["provider_id"],
    )


def _chain(attempt: Mapping[str, Any]) -> str:
    carried: Sequence[Mapping[str, Any]] = [*attempt["exchanges"], *attempt["notifications"]]
    link = sha256(_canonical(carried))
    for entry in attempt["evidence"]:
        link = sha256(link.encode() + _canonical(entry))
    return link


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object whose keys stand once: of two, a reader may see the other one."""
    made = dict(pairs)
    if len(made) != len(pairs):
        message = "a key stands twice"
        raise ValueError(message)
    return made


def _digest(bundle: Mapping[str, Any]) -> str:
    return sha256(_canonical(bundle))


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
