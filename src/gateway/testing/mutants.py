"""Bytes that resemble a true message and are none."""

import random


def mutant(chance: random.Random, seeds: list[bytes]) -> bytes:
    """Make bytes from one of the seeds: cut, doubled, with bytes changed; or from nothing."""
    body = bytearray(chance.choice(seeds))
    for _ in range(chance.randrange(4)):
        at, end = sorted(chance.randrange(len(body) + 1) for _ in range(2))
        match chance.randrange(4):
            case 0:
                del body[at:end]
            case 1:
                body[at:at] = body[at:end]
            case 2:
                body[at:end] = chance.randbytes(min(end - at, 8))
            case _:
                body[at:at] = chance.choice(_NASTY)
    return bytes(body)


_NASTY = (
    b'"',
    b"{",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"9" * 400,
    b"\x00",
    b"\xed\xa0\x80",
    b"&=",
)
