"""Find my bill: a payer types the code of the paper bill, sees what is owed, and begins to pay."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.domain import limit
from gateway.domain.customer_code import read_typed
from gateway.domain.errors import CallerError
from gateway.domain.limit import TooManyRequests
from gateway.domain.lookup_token import read_token
from gateway.domain.masking import mask_address, mask_name
from gateway.domain.partner import Caller
from gateway.domain.payment import Line
from gateway.domain.refusals import BillerUnknown, CustomerCodeInvalid, CustomerUnknown
from gateway.domain.user import FormForged
from gateway.flows import checkout, limiting
from gateway.flows.access import find_biller
from gateway.flows.bills import Lookup, look_up_bills
from gateway.flows.checkout import Asked
from gateway.pages.checkout import ACT, act_of, address_of
from gateway.pages.forms import form_of
from gateway.pages.site import runtime_of, see, site

router = APIRouter(include_in_schema=False, tags=["page"])
get = partial(router.add_api_route, methods=["GET", "HEAD"])
post = partial(router.add_api_route, methods=["POST"])

LIFE = timedelta(hours=24)
STATUS: dict[type[CallerError], int] = {
    CustomerCodeInvalid: 422,
    CustomerUnknown: 404,
    BillerUnknown: 404,
    TooManyRequests: 429,
}
REFUSED = (CustomerCodeInvalid, CustomerUnknown, BillerUnknown, TooManyRequests)
ONLY_OLDEST = "oldest"


async def ask(request: Request) -> Response:
    """Show the form; a QR on a paper bill may fill it in, but it looks nothing up by itself."""
    return await _form(request, request.query_params.get("code", "")[:40])


async def look_up(request: Request) -> Response:
    """Say what is owed under a code, as often as one person may ask."""
    rt, fields = runtime_of(request), await form_of(request)
    typed, biller_code = fields.get("code", ""), fields.get("biller", "")
    caller = checkout.house_caller(rt)
    if caller is None:
        return await _form(request, typed)
    try:
        await limiting.check_address(rt, limit.LOOKUPS_OF_ADDRESS, address_of(request))
        biller = find_biller(rt, biller_code)
        code = read_typed(typed, biller.rules.customer_code_pattern)
        if not biller.rules.customer_code_pattern.fullmatch(code):
            raise CustomerCodeInvalid(biller.name, code)
        await limiting.check(rt, limit.LOOKUPS_OF_CODE, f"{biller.code}/{code}")
        found = await look_up_bills(rt, caller, biller.code, code)
    except REFUSED as refused:
        return await _form(request, typed, refused)
    return await _found(request, found)


async def start(request: Request) -> Response:
    """Make the link for what was found, once for the page that was shown, and go there."""
    rt, fields = runtime_of(request), await form_of(request)
    caller = checkout.house_caller(rt)
    if caller is None:
        raise FormForged
    lines = _lines(request, caller, fields)
    wanted = Asked(
        biller=fields.get("biller", ""),
        customer_code=fields.get("code", ""),
        partner_reference=f"PAY-{act_of(fields)}",
        lines=lines,
        return_url=None,
        life=LIFE,
    )
    made = await checkout.create(rt, caller, wanted)
    return see(checkout.path_of(rt, made))


def _lines(request: Request, caller: Caller, fields: dict[str, str]) -> tuple[Line, ...]:
    """Give the bills that were shown, oldest first; only what we signed is paid."""
    rt = runtime_of(request)
    due = read_token(
        rt.secrets.lookup,
        fields.get("looked_up", ""),
        partner_id=caller.partner.id,
        biller=fields.get("biller", ""),
        customer_code=fields.get("code", ""),
        now=int(rt.clock.now().timestamp()),
    )
    lines = [Line(bill_id, amount_dong) for bill_id, amount_dong in due.items()]
    if not lines:
        raise FormForged
    chosen = lines[:1] if fields.get("bills") == ONLY_OLDEST else lines
    return tuple(sorted(chosen, key=lambda line: line.bill_id))


async def _form(request: Request, typed: str, refused: CallerError | None = None) -> Response:
    rt = runtime_of(request)
    page = await site().show(
        request,
        "find_bill.html",
        status=200 if refused is None else STATUS[type(refused)],
        is_private=True,
        billers=sorted(rt.directory.billers.values(), key=lambda biller: biller.name),
        is_offered=checkout.house_caller(rt) is not None,
        typed=typed[:40],
        refused=refused,
    )
    if isinstance(refused, TooManyRequests):
        page.headers["retry-after"] = str(refused.retry_after_s)
    return page


async def _found(request: Request, found: Lookup) -> Response:
    bills = found.found.bills
    return await site().show(
        request,
        "found_bill.html",
        is_private=True,
        biller=found.biller,
        code=found.customer_code,
        name=mask_name(found.found.name),
        address=mask_address(found.found.address),
        bills=bills,
        total=sum(bill.due_dong for bill in bills),
        is_busy=any(bill.is_being_paid for bill in bills),
        looked_up=found.token,
        act_name=ACT,
        act=uuid4().hex,
    )


get("/pay", ask)
post("/pay", look_up)
post("/pay/start", start)
