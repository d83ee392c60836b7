from datetime import time

import pytest

from gateway.domain.biller import AmountRule, Channel, read_rules
from gateway.domain.refusals import RulesInvalid

PATTERN: dict[str, object] = {"customer_code_pattern": "PB14[0-9]{9}"}

WRONG: dict[str, dict[str, object]] = {
    "pattern-missing": {},
    "pattern-not-a-pattern": {"customer_code_pattern": "PB14["},
    "pattern-not-a-text": {"customer_code_pattern": 14},
    "pattern-null": {"customer_code_pattern": None},
    "key-unknown": PATTERN | {"oldest_frist": True},
    "amount-rule-unknown": PATTERN | {"amount_rule": "some"},
    "amount-rule-a-list": PATTERN | {"amount_rule": ["exact"]},
    "least-part-zero": PATTERN | {"partial_min_dong": 0},
    "least-part-negative": PATTERN | {"partial_min_dong": -1},
    "least-part-a-float": PATTERN | {"partial_min_dong": 1000.0},
    "least-part-a-text": PATTERN | {"partial_min_dong": "1000"},
    "least-part-true": PATTERN | {"partial_min_dong": True},
    "oldest-first-a-number": PATTERN | {"oldest_first": 1},
    "oldest-first-a-text": PATTERN | {"oldest_first": "true"},
    "token-required-null": PATTERN | {"lookup_token_required": None},
    "channel-unknown": PATTERN | {"channels": ["pigeon"]},
    "channels-a-text": PATTERN | {"channels": "qr"},
    "channels-null": PATTERN | {"channels": None},
    "limit-of-an-unknown-channel": PATTERN | {"channel_max_dong": {"pigeon": 1}},
    "limit-zero": PATTERN | {"channel_max_dong": {"qr": 0}},
    "limits-a-list": PATTERN | {"channel_max_dong": [["qr", 1]]},
    "limits-null": PATTERN | {"channel_max_dong": None},
    "cutoff-not-a-time": PATTERN | {"reversal_cutoff": "25:00"},
    "cutoff-a-number": PATTERN | {"reversal_cutoff": 23},
    "source-not-a-code": PATTERN | {"bills_source": "EVN SPC"},
    "source-takes-parts": PATTERN | {"bills_source": "acme", "amount_rule": "any"},
    "deadline-without-source": PATTERN | {"lookup_deadline_s": 5},
    "deadline-too-long": PATTERN | {"bills_source": "acme", "lookup_deadline_s": 61},
    "stale-not-a-number": PATTERN | {"bills_source": "acme", "stale_lookup_s": True},
    "cutoff-in-another-zone": PATTERN | {"reversal_cutoff": "23:00+00:00"},
}


@pytest.mark.parametrize("document", WRONG.values(), ids=WRONG.keys())
def test_a_document_that_does_not_say_what_it_must_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(RulesInvalid):
        read_rules(document)


def test_a_refusal_names_every_unknown_key() -> None:
    with pytest.raises(RulesInvalid, match=r"\['a', 'b'\]"):
        read_rules(PATTERN | {"b": 1, "a": 2})


def test_a_refusal_names_the_missing_key() -> None:
    with pytest.raises(RulesInvalid, match="'customer_code_pattern' is missing"):
        read_rules({})


def test_the_least_that_a_document_may_say_demands_the_whole_of_a_bill_over_any_channel() -> None:
    rules = read_rules(PATTERN)
    assert rules.amount_rule is AmountRule.EXACT
    assert rules.whole_bill_only
    assert rules.channels == frozenset(Channel)
    assert not rules.oldest_first
    assert not rules.lookup_token_required
    assert rules.channel_max_dong == {}
    assert rules.reversal_cutoff == time(23, 59)


def test_every_rule_of_a_document_is_read() -> None:
    rules = read_rules(
        {
            "customer_code_pattern": "PB14[0-9]{9}",
            "amount_rule": "range",
            "partial_min_dong": 20_000,
            "oldest_first": True,
            "channels": ["qr", "portal"],
            "channel_max_dong": {"qr": 5_000_000},
            "lookup_token_required": True,
            "reversal_cutoff": "21:30",
        }
    )
    assert rules.amount_rule is AmountRule.RANGE
    assert not rules.whole_bill_only
    assert rules.partial_min_dong == 20_000
    assert rules.oldest_first
    assert rules.channels == {Channel.QR, Channel.PORTAL}
    assert rules.channel_max_dong == {Channel.QR: 5_000_000}
    assert rules.lookup_token_required
    assert rules.reversal_cutoff == time(21, 30)


@pytest.mark.parametrize("digits", ["٠١٢٣٤٥٦٧٨", "000000001\n"])
def test_a_pattern_of_digits_takes_ascii_digits_only(digits: str) -> None:
    pattern = read_rules({"customer_code_pattern": r"PB14\d{9}"}).customer_code_pattern
    assert not pattern.fullmatch("PB14" + digits)
    assert pattern.fullmatch("PB14000000001")


def test_a_source_of_bills_is_named_with_its_deadline_and_how_old_an_answer_may_be() -> None:
    rules = read_rules({"customer_code_pattern": "P", "bills_source": "acme", "stale_lookup_s": 60})
    assert (rules.bills_source, rules.lookup_deadline_s, rules.stale_lookup_s) == ("acme", 8, 60)
