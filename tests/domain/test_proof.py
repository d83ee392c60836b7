"""Proof bundles: a true one verifies, and nothing in it can be changed unnoticed."""

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import proof
from gateway.domain.evidence import Finding, Outcome, Rank
from gateway.domain.proof import NOT_SENT, ProofBroken
from tests.domain.bundles import (
    AT_WORK,
    OPENED,
    PAID,
    REFUSED,
    SILENT,
    a_bundle,
    an_attempt,
    raw,
    resealed,
)

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def bundle() -> Any:
    return a_bundle(an_attempt(SILENT, AT_WORK, PAID))


def test_a_true_bundle_verifies_and_says_what_it_proves(bundle: Any) -> None:
    verified = proof.verify(raw(bundle))
    assert (verified.payment, verified.status, verified.facts) == ("pay_1", "succeeded", 3)
    assert verified.digest == bundle["digest"]


@pytest.mark.parametrize(
    ("status", "attempts"),
    [
        ("failed", [an_attempt((NOT_SENT, Rank.QUERY, Finding(Outcome.UNKNOWN)))]),
        ("failed", [an_attempt(OPENED, REFUSED)]),
        ("succeeded", [an_attempt(OPENED, REFUSED), an_attempt(OPENED, PAID)]),
        ("succeeded", [an_attempt(PAID, ("statement", Rank.STATEMENT, REFUSED[2]))]),
        ("expired", [an_attempt(OPENED, PAID)]),  # late money, in suspense
        ("awaiting_payer", [an_attempt(OPENED, PAID, disagrees="merchant")]),
        ("in_doubt", [an_attempt(SILENT)]),
    ],
)
def test_every_way_to_end_can_be_proved(status: str, attempts: list[dict[str, Any]]) -> None:
    if attempts[0]["evidence"][-1]["disagrees"] == "merchant":
        attempts[0]["evidence"][-1]["finding"]["merchant"] = "OTHER"
    assert proof.verify(raw(a_bundle(*attempts, status=status))).status == status


def test_attempts_whose_evidence_disagrees_are_named() -> None:
    disputed = an_attempt(PAID, ("statement", Rank.STATEMENT, REFUSED[2]))
    assert proof.verify(raw(a_bundle(disputed))).disputed == ("att_1",)
    assert proof.verify(raw(a_bundle(an_attempt(PAID)))).disputed == ()


def test_white_space_and_the_order_of_members_prove_the_same(bundle: Any) -> None:
    turned = dict(reversed(bundle.items()))
    compact = json.dumps(turned, separators=(",", ":")).encode()
    assert proof.verify(compact) == proof.verify(raw(bundle))


def test_every_single_byte_is_held(bundle: Any) -> None:
    whole = json.dumps(bundle, ensure_ascii=False, separators=(",", ":")).encode()
    unnoticed = []
    for place, byte in enumerate(whole):
        for other in (byte ^ 1, byte ^ 0x20):
            altered = bytes([*whole[:place], other, *whole[place + 1 :]])
            with suppress(ProofBroken):
                proof.verify(altered)
                unnoticed.append((place, chr(byte), chr(other)))
    assert unnoticed == []


def _drop(number: int) -> Change:
    return lambda bundle: bundle["attempts"][0]["evidence"].pop(number)


def _swap(bundle: dict[str, Any]) -> None:
    evidence = bundle["attempts"][0]["evidence"]
    evidence[0], evidence[1] = evidence[1], evidence[0]


def _repeat(bundle: dict[str, Any]) -> None:
    evidence = bundle["attempts"][0]["evidence"]
    evidence.insert(1, copy.deepcopy(evidence[0]))


FORGERIES: dict[str, Change] = {
    "first gone": _drop(0),
    "middle gone": _drop(1),
    "last gone": _drop(2),
    "swapped": _swap,
    "repeated": _repeat,
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_evidence_that_is_removed_or_reordered_is_found_out(bundle: Any, forgery: str) -> None:
    FORGERIES[forgery](bundle)
    with pytest.raises(ProofBroken, match="digest"):
        proof.verify(raw(bundle))


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_new_digest_does_not_hide_that_evidence_was_removed_or_reordered(
    bundle: Any, forgery: str
) -> None:
    FORGERIES[forgery](bundle)
    with pytest.raises(ProofBroken, match="chain"):
        proof.verify(raw(resealed(bundle, chain=False)))


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_new_chain_does_not_hide_it_either(bundle: Any, forgery: str) -> None:
    FORGERIES[forgery](bundle)
    with pytest.raises(ProofBroken):
        proof.verify(raw(resealed(bundle)))


def _of_last(**changes: Any) -> Change:
    return lambda bundle: bundle["attempts"][0]["evidence"][-1].update(changes)


def _of_finding(**changes: Any) -> Change:
    return lambda bundle: bundle["attempts"][0]["evidence"][-1]["finding"].update(changes)


def _of_attempt(**changes: Any) -> Change:
    return lambda bundle: bundle["attempts"][0].update(changes)


LIES: dict[str, tuple[Change, str]] = {
    "another outcome": (_of_finding(outcome="failed"), "the rules say 'failed'"),
    "another amount": (_of_finding(amount_dong=150_001), "not ours is 'amount'"),
    "no amount": (_of_finding(amount_dong=None), "not ours is 'amount'"),
    "another order": (_of_finding(reference="att_2"), "not ours is 'reference'"),
    "a dispute that is none": (_of_last(disagrees="amount"), "not ours is 'None'"),
    "a merchant that is none": (_of_last(disagrees="merchant"), "another merchant"),
    "only a browser": (_of_last(rank=1), "settles nothing"),
    "another rule": (_of_last(rule="because"), "because"),
    "another state before": (_of_last(state_before="waiting"), "out of its order"),
    "another state after": (_of_last(state_after="pending"), "the rules say 'succeeded'"),
    "another state of the attempt": (_of_attempt(state="failed"), "not 'failed'"),
    "another amount asked": (_of_attempt(amount_dong=1), "not ours is 'amount'"),
    "a carrier that is missing": (_of_last(carried_by="exc_9"), "exc_9"),
    "exchanges gone": (_of_attempt(exchanges=[]), "is missing"),
    "paid without evidence": (_of_attempt(evidence=[], state="sent"), "no evidence shows it"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_found_out_though_every_hash_fits(bundle: Any, lie: str) -> None:
    change, told = LIES[lie]
    change(bundle)
    with pytest.raises(ProofBroken, match=told):
        proof.verify(raw(resealed(bundle)))


def test_a_key_that_stands_twice_is_refused(bundle: Any) -> None:
    twice = raw(bundle).replace(b'"status":', b'"status": "failed", "status":')
    with pytest.raises(ProofBroken, match="twice"):
        proof.verify(twice)


def test_another_format_is_refused_by_its_name(bundle: Any) -> None:
    with pytest.raises(ProofBroken, match="gateway-proof/1"):
        proof.verify(raw(bundle | {"format": "gateway-proof/2"}))


GARBAGE = [
    *(
        b"",
        b"\x00",
        b"\xff\xfe",
        b"null",
        b"1",
        b'"digest"',
        b"[]",
        b"{}",
        b"NaN",
        b"{",
        b"[" * 10**5,
    ),
    *(b'{"a":' * 10**5, b"9" * 5000, b'{"digest":1}', b'{"digest":1,"format":"gateway-proof/1"}'),
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_no_proof(garbage: bytes) -> None:
    with pytest.raises(ProofBroken):
        proof.verify(garbage)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.data())
def test_garbage_in_any_place_of_a_sealed_bundle_is_no_crash(data: st.DataObject) -> None:
    bundle = a_bundle(an_attempt(SILENT, AT_WORK, PAID))
    holder: Any = bundle
    for _ in range(data.draw(st.integers(0, 5))):
        inner = [v for v in (holder.values() if isinstance(holder, dict) else holder)
                 if isinstance(v, dict | list) and v]  # fmt: skip
        if not inner:
            break
        holder = data.draw(st.sampled_from(inner))
    places = sorted(holder) if isinstance(holder, dict) else list(range(len(holder)))
    place = data.draw(st.sampled_from([p for p in places if p not in {"digest", "chain"}]))
    holder[place] = data.draw(JSON)
    with suppress(Exception):  # what is no bundle any more cannot be sealed
        bundle = resealed(bundle)
    with suppress(ProofBroken):
        proof.verify(raw(bundle))


@given(st.binary(max_size=200))
def test_bytes_are_no_proof(said: bytes) -> None:
    with pytest.raises(ProofBroken):
        proof.verify(said)
