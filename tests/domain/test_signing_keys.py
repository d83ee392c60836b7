import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.domain.signing_keys import (
    Ed25519Public,
    Ed25519Secret,
    HmacSecret,
    SecretMalformed,
    parse_signing_secret,
    parse_verifying_key,
)

# From the test `test_asymmetric_key_signing` of the Svix server, read 2026-11-24.
PUBLISHED_WHSK = (
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
)
PUBLISHED_WHPK = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="

# The curve of RFC 8032, section 5.1: -x² + y² = 1 + d·x²·y² over GF(2²⁵⁵ - 19).
P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
L = 2**252 + 27742317777372353535851937790883648493
SQRT_MINUS_ONE = pow(2, (P - 1) // 4, P)
Point = tuple[int, int]


def whsec(raw: bytes) -> str:
    return "whsec_" + base64.b64encode(raw).decode()


def whpk(raw: bytes) -> str:
    return "whpk_" + base64.b64encode(raw).decode()


def add(one: Point, two: Point) -> Point:
    (x1, y1), (x2, y2) = one, two
    k = D * x1 * x2 * y1 * y2 % P
    x3 = (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P
    return x3, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P


def times(n: int, point: Point) -> Point:
    total: Point = (0, 1)
    while n:
        if n & 1:
            total = add(total, point)
        point, n = add(point, point), n >> 1
    return total


def point_with(y: int) -> Point | None:
    x2 = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if x * x % P != x2:
        x = x * SQRT_MINUS_ONE % P
    return (x, y) if x * x % P == x2 else None


def small_order_points() -> set[Point]:
    # L times any point has an order that divides 8; a generator of all eight turns up soon.
    for y in range(2, 100):
        point = point_with(y)
        torsion = {times(k, times(L, point)) for k in range(8)} if point else set()
        if len(torsion) == 8:
            return torsion
    raise AssertionError


def encode(point: Point) -> bytes:
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


@pytest.mark.parametrize("size", [24, 32, 64])
def test_a_whsec_secret_of_24_to_64_bytes_is_read_and_written_back(size: int) -> None:
    text = whsec(bytes(range(size)))
    assert HmacSecret.parse(text).reveal() == text


@pytest.mark.parametrize(
    "text",
    [
        whsec(b"k" * 23),
        whsec(b"k" * 65),
        "whsec_",
        "",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw====",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_",
        whsec(b"k" * 25)[:-2],
        whsec(b"k" * 25)[:-3] + "x==",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSẃ",
        PUBLISHED_WHSK,
    ],
)
def test_a_secret_that_others_might_read_as_another_key_is_refused(text: str) -> None:
    with pytest.raises(SecretMalformed):
        HmacSecret.parse(text)


def test_a_refused_secret_is_not_quoted_in_the_error() -> None:
    with pytest.raises(SecretMalformed) as refused:
        HmacSecret.parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa-_")
    assert "MfKQ9r8G" not in str(refused.value)


def test_two_generated_secrets_differ() -> None:
    assert HmacSecret.generate() != HmacSecret.generate()
    assert Ed25519Secret.generate() != Ed25519Secret.generate()


@pytest.mark.parametrize("secret", [HmacSecret.generate(), Ed25519Secret.generate()])
def test_the_repr_of_a_secret_does_not_show_it(secret: HmacSecret | Ed25519Secret) -> None:
    raw = secret.key if isinstance(secret, HmacSecret) else secret.seed
    assert repr(raw) not in repr(secret)
    assert secret.reveal() not in repr(secret)


def test_the_published_pair_belongs_together() -> None:
    secret = Ed25519Secret.parse(PUBLISHED_WHSK)
    assert secret.public.reveal() == PUBLISHED_WHPK
    assert secret.reveal() == PUBLISHED_WHSK


def test_a_whsk_secret_of_the_seed_alone_is_the_same_secret() -> None:
    secret = Ed25519Secret.parse(PUBLISHED_WHSK)
    assert Ed25519Secret.parse("whsk_" + base64.b64encode(secret.seed).decode()) == secret


def test_a_whsk_secret_whose_halves_do_not_match_is_refused() -> None:
    other = Ed25519Secret.generate()
    mixed = Ed25519Secret.parse(PUBLISHED_WHSK).seed + other.public.point
    with pytest.raises(SecretMalformed):
        Ed25519Secret.parse("whsk_" + base64.b64encode(mixed).decode())


@pytest.mark.parametrize("size", [0, 31, 33, 63, 65])
def test_a_whsk_secret_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(SecretMalformed):
        Ed25519Secret.parse("whsk_" + base64.b64encode(b"k" * size).decode())


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_whpk_key_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(SecretMalformed):
        Ed25519Public.parse(whpk(b"\x02" * size))


def test_every_small_order_key_is_refused() -> None:
    points = small_order_points()
    assert len(points) == 8
    for point in points:
        with pytest.raises(SecretMalformed):
            Ed25519Public.parse(whpk(encode(point)))


@pytest.mark.parametrize("sign_bit", [0, 1])
@pytest.mark.parametrize("above", range(19))
def test_a_key_with_a_second_spelling_is_refused(above: int, sign_bit: int) -> None:
    with pytest.raises(SecretMalformed):
        Ed25519Public.parse(whpk((P + above | sign_bit << 255).to_bytes(32, "little")))


def test_the_library_below_would_accept_a_forgery_under_the_identity_key() -> None:
    """Why small orders are refused here: R = the identity and S = 0 sign anything."""
    identity = (1).to_bytes(32, "little")
    forged = identity + bytes(32)
    Ed25519PublicKey.from_public_bytes(identity).verify(forged, b"any message at all")
    with pytest.raises(SecretMalformed):
        Ed25519Public(identity)


def test_a_prefix_chooses_the_kind_of_secret() -> None:
    shared = HmacSecret.generate()
    pair = Ed25519Secret.generate()
    assert parse_signing_secret(shared.reveal()) == shared
    assert parse_signing_secret(pair.reveal()) == pair
    assert parse_verifying_key(shared.reveal()) == shared
    assert parse_verifying_key(pair.public.reveal()) == pair.public


def test_a_private_key_is_no_verifying_key_and_a_public_key_signs_nothing() -> None:
    with pytest.raises(SecretMalformed):
        parse_verifying_key(PUBLISHED_WHSK)
    with pytest.raises(SecretMalformed):
        parse_signing_secret(PUBLISHED_WHPK)
