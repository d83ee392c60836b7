"""Access: who is calling, and what the caller may do."""

from gateway.domain.biller import Biller
from gateway.domain.errors import ScopeMissing, Unauthenticated
from gateway.domain.partner import Caller, Scope, digest_key, key_prefix
from gateway.domain.refusals import BillerUnknown
from gateway.runtime import Runtime


async def authenticate(rt: Runtime, authorization: str | None) -> Caller:
    """Find the caller behind an `Authorization: Bearer sk_…` header.

    The directory in memory answers; a key that it lacks is looked for once more in the database,
    for it may be seconds old.

    Raises:
        Unauthenticated: no key, or not one that is accepted now.
    """
    scheme, _, api_key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not api_key:
        raise Unauthenticated
    if not api_key.startswith(key_prefix(rt.mode)):
        msg = f"this gateway is in {rt.mode} mode and takes other keys"
        raise Unauthenticated(msg)
    digest = digest_key(api_key)
    caller = rt.directory.callers.get(digest)
    if caller is None:
        await rt.refresh()
        caller = rt.directory.callers.get(digest)
    if caller is None or caller.has_expired(rt.clock.now()):
        raise Unauthenticated
    return caller


def require(caller: Caller, scope: Scope) -> None:
    """Hold the caller's key against what it wants to do.

    Raises:
        ScopeMissing: the key is good but not for this.
    """
    if scope not in caller.scopes:
        raise ScopeMissing(scope)


def find_biller(rt: Runtime, code: str) -> Biller:
    """Find a biller by its code.

    Raises:
        BillerUnknown: there is none.
    """
    biller = rt.directory.billers.get(code)
    if biller is None:
        raise BillerUnknown(code)
    return biller


def own_biller(rt: Runtime, caller: Caller, code: str) -> Biller:
    """Find a biller whose own system the caller is; any other is as if it did not exist.

    Raises:
        BillerUnknown: there is none, or it is not the caller's.
    """
    biller = find_biller(rt, code)
    if caller.partner.biller_id != biller.id:
        raise BillerUnknown(code)
    return biller
