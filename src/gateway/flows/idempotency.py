"""Idempotency: the same key gets the first answer again, byte for byte; another request never."""

from collections.abc import Callable
from typing import NamedTuple

from gateway.domain.errors import CallerError, OutcomeUnknown
from gateway.domain.fingerprint import Fingerprint, first_difference
from gateway.domain.refusals import IdempotencyKeyReused
from gateway.runtime import Runtime
from gateway.store import database
from gateway.store import idempotency as store
from gateway.store.database import Raw

WriteRefusal = Callable[[CallerError], tuple[int, str]]
"""Writes a refusal as it will be answered: HTTP status and body. The API hands it in."""


class Keyed(NamedTuple):
    """A request that moves money, with its key: what makes a repetition recognisable."""

    name: store.KeyName
    fingerprint: Fingerprint
    field_names: list[str]
    write_refusal: WriteRefusal


class Answer(NamedTuple):
    """What is answered, and whether it was answered before."""

    status_code: int
    body: str
    is_replay: bool


class Working:
    """One request at a time under a key, in this process; use as `with Working(rt, keyed):`.

    Raises:
        StillProcessing: on entering; another request is at work under this key.
        OutcomeUnknown: on leaving; the database did not confirm, only the same key can tell.
    """

    def __init__(self, rt: Runtime, keyed: Keyed) -> None:
        self._rt = rt
        self._name = keyed.name

    def __enter__(self) -> None:
        self._rt.begin(self._name)

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._rt.end(self._name)
        if isinstance(error, Exception) and database.broke(error):
            raise OutcomeUnknown from error


async def replay(rt: Runtime, keyed: Keyed) -> store.Stored | None:
    """Read what was answered under this key.

    Raises:
        IdempotencyKeyReused: the key was used for another request.
    """
    stored = await rt.answers.ride(keyed.name)
    if stored is not None and stored.fingerprint != keyed.fingerprint.sha256:
        raise IdempotencyKeyReused(
            first_difference(stored.field_digests, keyed.fingerprint, keyed.field_names)
        )
    return stored


async def keep_refusal(rt: Runtime, keyed: Keyed, refusal: CallerError) -> Answer | None:
    """Keep a definite refusal under the key, so that a late repetition cannot pay after all.

    None when the key was answered by somebody else at this moment: read it again.
    """
    status_code, body = keyed.write_refusal(refusal)
    async with database.borrow(rt.pool) as connection:
        kept = await keep_answer(rt, connection, keyed, status_code, body)
    return Answer(status_code, body, is_replay=False) if kept else None


async def keep_answer(
    rt: Runtime, connection: Raw, keyed: Keyed, status_code: int, body: str
) -> bool:
    """Keep an answer under the key, in the caller's transaction; False if it has one."""
    now = rt.clock.now()
    answer = store.Refused(
        name=keyed.name,
        fingerprint=keyed.fingerprint.sha256,
        field_digests=keyed.fingerprint.field_digests,
        status_code=status_code,
        body=body,
        created_at=now,
    )
    return await store.refuse(connection, answer, store.months_kept(now.date()))
