import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.lookup_token import LIFETIME_S, check_lines, make_token, read_token
from gateway.domain.payment import Line
from gateway.domain.refusals import LookupTokenExpired, LookupTokenInvalid

KEY = b"k" * 32
NOW = 1_795_500_000
BILLER = "evnspc-camau"
CUSTOMER = "PB14010000001"


def a_token(key: bytes = KEY, partner_id: int = 1, now: int = NOW) -> str:
    due = [Line("HD-1", 150_000), Line("HD-2", 1)]
    return make_token(
        key, partner_id=partner_id, biller=BILLER, customer_code=CUSTOMER, due=due, now=now
    )


def read(
    token: str,
    now: int = NOW,
    *,
    partner_id: int = 1,
    biller: str = BILLER,
    customer_code: str = CUSTOMER,
) -> dict[str, int]:
    due = read_token(
        KEY, token, partner_id=partner_id, biller=biller, customer_code=customer_code, now=now
    )
    return dict(due)


def recoded(payload: bytes, mac: bytes) -> str:
    parts = (base64.urlsafe_b64encode(raw).rstrip(b"=").decode() for raw in (payload, mac))
    return ".".join(parts)


FORGED = {
    "empty": "",
    "dot": ".",
    "words": "not.a.token",
    "no-signature": a_token().partition(".")[0],
    "empty-signature": a_token().partition(".")[0] + ".",
    "other-key": a_token(b"l" * 32),
    "two-dots": a_token() + ".x",
    "vietnamese": "mã.tra cứu",
    "null": "\x00.\x00",
    "signature-of-nothing": recoded(b"[]", b""),
    "payload-of-another-form": recoded(b"{}", bytes(32)),
}


@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED.keys())
def test_a_forged_token_is_refused(token: str) -> None:
    with pytest.raises(LookupTokenInvalid, match="not a token of ours"):
        read(token)


@given(st.text(max_size=200))
def test_no_text_that_we_did_not_write_is_a_token(text: str) -> None:
    with pytest.raises(LookupTokenInvalid):
        read(text)


@given(st.integers(0, 300), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghij0123456789-_.="))
def test_a_token_with_one_character_altered_is_refused(position: int, character: str) -> None:
    token = a_token()
    position %= len(token)
    altered = token[:position] + character + token[position + 1 :]
    if altered != token:
        with pytest.raises(LookupTokenInvalid):
            read(altered)


@pytest.mark.parametrize("changed", ["=", "==", "\n", " "])
def test_a_token_has_one_spelling(changed: str) -> None:
    with pytest.raises(LookupTokenInvalid):
        read(a_token() + changed)


def test_bits_after_the_last_byte_are_not_ignored() -> None:
    token = a_token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # 32 bytes end in two spare bits: three more spellings decode to the same signature.
    same = token[:-1] + alphabet[alphabet.index(token[-1]) + 1]
    assert base64.urlsafe_b64decode(same.partition(".")[2] + "=") == base64.urlsafe_b64decode(
        token.partition(".")[2] + "="
    )
    with pytest.raises(LookupTokenInvalid):
        read(same)


@pytest.mark.parametrize(
    ("partner_id", "biller", "customer_code"),
    [(2, BILLER, CUSTOMER), (1, "evnspc-kiengiang", CUSTOMER), (1, BILLER, "PB14010000002")],
    ids=["partner", "biller", "customer"],
)
def test_a_token_for_another_partner_biller_or_customer_is_refused(
    partner_id: int, biller: str, customer_code: str
) -> None:
    with pytest.raises(LookupTokenInvalid, match="given for another"):
        read(a_token(), partner_id=partner_id, biller=biller, customer_code=customer_code)


@pytest.mark.parametrize("age_s", [LIFETIME_S, LIFETIME_S + 1])
def test_a_token_whose_time_is_over_is_refused(age_s: int) -> None:
    with pytest.raises(LookupTokenExpired):
        read(a_token(), now=NOW + age_s)


def test_a_token_lives_to_its_last_second() -> None:
    assert read(a_token(), now=NOW + LIFETIME_S - 1) == {"HD-1": 150_000, "HD-2": 1}


@pytest.mark.parametrize(
    "lines",
    [
        [Line("HD-3", 1)],
        [Line("HD-1", 150_001)],
        [Line("HD-1", 150_000), Line("HD-2", 2)],
        [Line("HD-1", 150_000), Line("HD-1", 150_000)],
    ],
    ids=["another-bill", "more", "more-of-the-second", "twice"],
)
def test_a_payment_of_what_the_token_does_not_cover_is_refused(lines: list[Line]) -> None:
    with pytest.raises(LookupTokenInvalid, match="does not cover"):
        check_lines(read(a_token()), lines)


@pytest.mark.parametrize("lines", [[], [Line("HD-1", 150_000)], [Line("HD-1", 1), Line("HD-2", 1)]])
def test_a_payment_of_what_the_token_lists_or_of_less_passes(lines: list[Line]) -> None:
    check_lines(read(a_token()), lines)


@given(st.dictionaries(st.text(min_size=1, max_size=40), st.integers(1, 10**12), max_size=20))
def test_a_token_gives_back_what_was_looked_up(due: dict[str, int]) -> None:
    token = make_token(
        KEY,
        partner_id=1,
        biller=BILLER,
        customer_code=CUSTOMER,
        due=[Line(bill_id, dong) for bill_id, dong in due.items()],
        now=NOW,
    )
    assert read(token) == due


def test_a_token_is_signed_with_hmac_sha256() -> None:
    payload, mac = (base64.urlsafe_b64decode(part + "==") for part in a_token().split("."))
    assert mac == hmac.digest(KEY, payload, "sha256")
