import base64
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from gateway.domain.errors import InvariantBroken
from gateway.domain.signing import (
    Ed25519Public,
    Ed25519Secret,
    HmacSecret,
    Reason,
    SignatureRefused,
    Verified,
    sign,
    verify,
)

# The vector of the official libraries' tests (standard-webhooks, read 2026-11-24) ...
SECRET = HmacSecret.parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
NOW = 1614265330
BODY = b'{"test": 2432232314}'
V1 = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
# ... and its Ed25519 twin, from the Svix server's `test_asymmetric_key_signing`.
PAIR = Ed25519Secret.parse(
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
)
V1A = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
OTHER = HmacSecret(b"another secret of 24 byt")

bodies = st.text(st.characters(codec="utf-8"), max_size=200)
ids = st.from_regex(r"\A[A-Za-z0-9_-]{1,128}\Z")
times = st.integers(min_value=1, max_value=4_102_444_800)


def headers(**changed: str) -> dict[str, str]:
    sent = {"id": ID, "timestamp": str(NOW), "signature": V1, **changed}
    return {f"webhook-{name}": value for name, value in sent.items()}


def refusal(sent: dict[str, str], body: bytes = BODY, *, now: int = NOW) -> Reason:
    with pytest.raises(SignatureRefused) as refused:
        verify(sent, body, [SECRET, PAIR.public], now)
    return refused.value.reason


def test_the_published_hmac_vector_is_reproduced() -> None:
    assert sign(ID, NOW, BODY, [SECRET]) == V1


def test_the_published_ed25519_vector_is_reproduced() -> None:
    assert sign(ID, NOW, BODY, [PAIR]) == V1A


def test_both_published_vectors_verify() -> None:
    assert verify(headers(), BODY, [SECRET], NOW) == Verified(ID, NOW, "v1", 0)
    assert verify(headers(signature=V1A), BODY, [PAIR.public], NOW) == Verified(ID, NOW, "v1a", 0)


@given(ids, times, bodies, st.binary(min_size=24, max_size=64))
def test_we_sign_as_the_official_library_does(
    message_id: str, timestamp: int, text: str, key: bytes
) -> None:
    theirs = Webhook("whsec_" + base64.b64encode(key).decode()).sign(
        message_id, datetime.fromtimestamp(timestamp, UTC), text
    )
    assert sign(message_id, timestamp, text.encode(), [HmacSecret(key)]) == theirs


@given(ids, bodies)
def test_the_official_library_verifies_what_we_sign(message_id: str, text: str) -> None:
    now = int(time.time())
    body = text.encode()
    signature = sign(message_id, now, body, [OTHER, PAIR, SECRET])
    sent = headers(id=message_id, timestamp=str(now), signature=signature)
    Webhook(SECRET.reveal()).verify(body, sent, json_parse=False)


@given(ids, times, bodies)
def test_we_verify_what_the_official_library_signs(
    message_id: str, timestamp: int, text: str
) -> None:
    theirs = Webhook(SECRET.reveal()).sign(message_id, datetime.fromtimestamp(timestamp, UTC), text)
    sent = headers(id=message_id, timestamp=str(timestamp), signature=theirs)
    assert verify(sent, text.encode(), [SECRET], timestamp).message_id == message_id


@given(st.binary(max_size=200))
def test_a_body_of_any_bytes_goes_there_and_back(body: bytes) -> None:
    sent = headers(signature=sign(ID, NOW, body, [PAIR, SECRET]))
    assert verify(sent, body, [SECRET], NOW).scheme == "v1"
    assert verify(sent, body, [PAIR.public], NOW).scheme == "v1a"


def test_while_keys_rotate_each_signature_is_separated_by_one_blank() -> None:
    assert sign(ID, NOW, BODY, [SECRET, PAIR]) == f"{V1} {V1A}"


def test_either_key_verifies_while_keys_rotate_and_the_verifier_says_which() -> None:
    rotating = headers(signature=sign(ID, NOW, BODY, [SECRET, OTHER]))
    assert verify(rotating, BODY, [OTHER], NOW).key_index == 0
    assert verify(headers(), BODY, [OTHER, SECRET], NOW).key_index == 1


def test_a_signature_of_an_unknown_version_is_passed_over() -> None:
    assert verify(headers(signature=f"v2,AAAA {V1}"), BODY, [SECRET], NOW).scheme == "v1"
    assert refusal(headers(signature="v2," + V1[3:])) is Reason.NO_MATCH


@pytest.mark.parametrize("name", ["Webhook-Id", "WEBHOOK-TIMESTAMP", "Webhook-Signature"])
def test_header_names_may_come_in_any_case(name: str) -> None:
    sent = headers()
    sent[name] = sent.pop(name.lower())
    assert verify(sent, BODY, [SECRET], NOW).message_id == ID


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_or_empty_header_is_refused(name: str, value: str | None) -> None:
    sent = headers()
    if value is None:
        del sent[name]
    else:
        sent[name] = value
    assert refusal(sent) is Reason.MISSING_HEADER


def test_a_header_sent_twice_is_refused() -> None:
    assert refusal({**headers(), "Webhook-Id": "msg_other"}) is Reason.REPEATED_HEADER


@pytest.mark.parametrize(
    "message_id", ["msg.1", "msg 1", " msg", "msg\n", "m" * 129, "msg/1", "tin-nhắn", "msg,1"]
)
def test_an_id_that_could_be_read_two_ways_is_refused(message_id: str) -> None:
    content = f"{message_id}.{NOW}.".encode() + BODY
    signed = headers(id=message_id, signature=SECRET.signature(content))
    assert refusal(signed) is Reason.BAD_ID


@pytest.mark.parametrize(
    "text",
    [
        "1614265330.0",
        "1_614_265_330",
        "+1614265330",
        "-1614265330",
        " 1614265330",
        "1614265330\n",
        "01614265330",
        "1.61e9",
        "\u0661\u0666\u0661",
        "\uff11614265330",
        "0",
        "NaN",
        "1614265330abc",
        "9" * 13,
        "9" * 5000,
    ],
)
def test_a_timestamp_that_is_not_plain_ascii_digits_is_refused(text: str) -> None:
    signed = headers(timestamp=text, signature=SECRET.signature(f"{ID}.{text}.".encode() + BODY))
    assert refusal(signed) is Reason.BAD_TIMESTAMP


@pytest.mark.parametrize(
    ("now", "reason"), [(NOW + 301, Reason.TOO_OLD), (NOW - 301, Reason.TOO_NEW)]
)
def test_a_message_over_five_minutes_off_is_refused(now: int, reason: Reason) -> None:
    assert refusal(headers(), now=now) is reason


@pytest.mark.parametrize("now", [NOW - 300, NOW + 300])
def test_a_message_exactly_five_minutes_off_is_taken(now: int) -> None:
    assert verify(headers(), BODY, [SECRET], now).sent_at == NOW


def test_a_receiver_may_narrow_the_tolerance() -> None:
    with pytest.raises(SignatureRefused) as refused:
        verify(headers(), BODY, [SECRET], NOW + 11, tolerance_s=10)
    assert refused.value.reason is Reason.TOO_OLD


@pytest.mark.parametrize(
    "signature",
    [
        "v1",
        "v1,",
        ",abc=",
        "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        f" {V1}",
        f"{V1} ",
        f"{V1}  {V1}",
        f"{V1},{V1}",
        f"{V1}\t{V1}",
        f"{V1}\n",
        V1[:-1],
        V1 + "=",
        V1[:-2] + "F=",
        V1.replace("+", "-"),
        V1[:20] + "!" + V1[20:],
        "v1," + base64.b64encode(b"s" * 31).decode(),
        "v1," + base64.b64encode(b"s" * 64).decode(),
        "v1a," + base64.b64encode(b"s" * 32).decode(),
        "v1,\uff470hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        " ".join([V1] * 11),
        "V1" + V1[2:],
    ],
)
def test_a_malformed_signature_list_is_refused(signature: str) -> None:
    assert refusal(headers(signature=signature)) is Reason.MALFORMED_SIGNATURE


def test_ten_signatures_are_read() -> None:
    nine_others = " ".join([OTHER.signature(b"")] * 9)
    assert verify(headers(signature=f"{nine_others} {V1}"), BODY, [SECRET], NOW).scheme == "v1"


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (headers(), BODY + b" "),
        (headers(), b""),
        (headers(id="msg_other"), BODY),
        (headers(timestamp=str(NOW + 1)), BODY),
        (headers(signature=sign(ID, NOW, BODY, [OTHER])), BODY),
        (headers(signature=V1A), BODY + b" "),
        (headers(signature=sign(ID, NOW, BODY, [Ed25519Secret(b"s" * 32)])), BODY),
    ],
    ids=["body", "no body", "id", "timestamp", "hmac key", "v1a body", "ed25519 key"],
)
def test_a_forged_signature_is_refused(sent: dict[str, str], body: bytes) -> None:
    assert refusal(sent, body) is Reason.NO_MATCH


def test_a_signature_is_not_verified_under_a_key_of_the_other_kind() -> None:
    """A public key is known to all: used as an HMAC secret it would sign for anybody."""
    confused = HmacSecret(PAIR.public.point)
    signature = "v1a," + V1A[4:] + " " + confused.signature(f"{ID}.{NOW}.".encode() + BODY)
    with pytest.raises(SignatureRefused):
        verify(headers(signature=signature), BODY + b" ", [PAIR.public], NOW)
    with pytest.raises(SignatureRefused):
        verify(headers(signature=confused.signature(b"")), BODY, [PAIR.public], NOW)


def test_no_key_verifies_nothing() -> None:
    with pytest.raises(SignatureRefused) as refused:
        verify(headers(), BODY, [], NOW)
    assert refused.value.reason is Reason.NO_MATCH


@given(st.text(max_size=60), st.text(max_size=20), st.text(max_size=120), st.binary(max_size=40))
def test_whatever_the_headers_say_the_verifier_only_ever_refuses(
    message_id: str, timestamp: str, signature: str, body: bytes
) -> None:
    sent = headers(id=message_id, timestamp=timestamp, signature=signature)
    with pytest.raises(SignatureRefused):
        verify(sent, body, [SECRET, PAIR.public], NOW)


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: sign("msg.1", NOW, BODY, [SECRET]),
        lambda: sign("", NOW, BODY, [SECRET]),
        lambda: sign(ID, 0, BODY, [SECRET]),
        lambda: sign(ID, NOW * 1000, BODY, [SECRET]),
        lambda: sign(ID, NOW, BODY, []),
        lambda: sign(ID, NOW, BODY, [SECRET] * 11),
    ],
    ids=["dotted id", "no id", "no time", "milliseconds", "no secret", "eleven secrets"],
)
def test_we_never_send_what_a_strict_receiver_must_refuse(mistake: Callable[[], str]) -> None:
    with pytest.raises(InvariantBroken):
        mistake()


def test_a_public_key_read_from_its_text_verifies() -> None:
    key = Ed25519Public.parse("whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=")
    assert verify(headers(signature=V1A), BODY, [key], NOW).scheme == "v1a"
