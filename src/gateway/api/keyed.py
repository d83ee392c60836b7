"""Requests that carry an Idempotency-Key: reading the key, answering what is stored under it."""

import re
from collections.abc import Mapping
from http import HTTPStatus

import orjson

from gateway.api import problems
from gateway.api.exchange import JSON, Answered, Asked
from gateway.domain.cards import holds_card_number
from gateway.domain.errors import CallerError
from gateway.domain.fingerprint import fingerprint_of
from gateway.domain.partner import Caller
from gateway.domain.refusals import IdempotencyKeyInvalid, IdempotencyKeyMissing
from gateway.flows.idempotency import Answer, Keyed, WriteRefusal
from gateway.store.idempotency import KeyName

KEY = re.compile(r"[A-Za-z0-9_\-.:]{16,128}", re.ASCII)


def read_key(asked: Asked) -> str:
    """Read the idempotency key; the quoted form of the IETF draft names the same key."""
    sent = asked.headers.get("idempotency-key")
    if sent is None:
        raise IdempotencyKeyMissing
    key = sent[1:-1] if len(sent) > 1 and sent[0] == sent[-1] == '"' else sent
    if not KEY.fullmatch(key) or holds_card_number(key):
        raise IdempotencyKeyInvalid
    return key


def keyed_by(
    caller: Caller, operation: str, key: str, fields: Mapping[str, object], request_id: str
) -> Keyed:
    """Make a request of these fields recognisable under its key."""
    return Keyed(
        name=KeyName(caller.partner.id, operation, key),
        fingerprint=fingerprint_of(operation, fields),
        field_names=list(fields),
        write_refusal=refusal_writer(request_id),
    )


def refusal_writer(request_id: str) -> WriteRefusal:
    """Give what writes a refusal as it is answered to this request, and kept."""

    def write_refusal(refusal: CallerError) -> tuple[int, str]:
        status, body = problems.write(refusal, request_id)
        return status, body.decode()

    return write_refusal


def answered(answer: Answer) -> Answered:
    """Answer with what was stored under a key, marked when it is a repetition."""
    is_problem = answer.status_code >= HTTPStatus.BAD_REQUEST
    return Answered(
        answer.status_code,
        answer.body.encode(),
        problems.MEDIA_TYPE if is_problem else JSON,
        {"idempotent-replayed": "true"} if answer.is_replay else {},
        orjson.loads(answer.body)["code"] if is_problem else None,
    )
