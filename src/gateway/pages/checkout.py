"""The hosted checkout: a payer opens a link, chooses how to pay, and sees what became of it."""

import hashlib
import re
from functools import partial
from ipaddress import ip_address
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.domain import emvqr
from gateway.domain.biller import Channel
from gateway.domain.checkout import LIVE, Checkout, Step
from gateway.domain.emv_fields import QrRefused
from gateway.domain.masking import mask_address, mask_name
from gateway.domain.progress import PayAgain
from gateway.domain.user import FormForged
from gateway.domain.words import in_english, in_vietnamese
from gateway.flows import checkout, choosing, verifying
from gateway.flows.checkout import Standing
from gateway.flows.choosing import Choice
from gateway.flows.ways import ways_now
from gateway.kit import qr_picture
from gateway.kit.banks import name_of
from gateway.pages.forms import form_of
from gateway.pages.site import language_of, runtime_of, see, site
from gateway.pages.words import word
from gateway.runtime import Runtime

router = APIRouter(include_in_schema=False, tags=["page"])
get = partial(router.add_api_route, methods=["GET", "HEAD"])
post = partial(router.add_api_route, methods=["POST"])

RUN_BY_BROWSERS = frozenset({"javascript", "data", "vbscript", "blob", "file"})
ACT = "act"
IS_ACT = re.compile(r"[0-9a-f]{32}")
UNCHANGED = 204
ASK_AGAIN_S = ((60, 2), (300, 5))
"""Up to so many seconds after a try began, the page asks every so many seconds."""
ASK_SELDOM_S = 15


async def show(request: Request) -> Response:
    """Show a checkout as it stands."""
    rt, found = await _open(request)
    return await _page(request, await checkout.stand(rt, found), "pay.html")


async def show_now(request: Request) -> Response:
    """Show how it goes, for the page that is open; nothing if nothing has changed."""
    rt, found = await _open(request)
    standing = await checkout.stand(rt, found)
    if request.query_params.get("was") == _mark(request, rt, standing):
        return Response(status_code=UNCHANGED, headers={"cache-control": "no-store"})
    return await _page(request, standing, "_pay_now.html")


async def choose(request: Request) -> Response:
    """Begin to pay in the chosen way, once for one page however often it is pressed."""
    rt, found = await _open(request)
    fields = await form_of(request)
    provider, _, channel = fields.get("way", "").partition(":")
    if channel not in set(Channel):
        raise FormForged
    ip, language = address_of(request), language_of(request)
    choice = Choice(act_of(fields), provider[:32], Channel(channel), ip, language)
    is_begun = await choosing.choose(rt, found, choice)
    return see(request.url.path if is_begun else f"{request.url.path}?refused=1")


async def give_up(request: Request) -> Response:
    """Ask that what is under way be given up."""
    rt, found = await _open(request)
    await form_of(request)
    await choosing.give_up(rt, found)
    return see(request.url.path.removesuffix("/give-up"))


def act_of(fields: dict[str, str]) -> str:
    """Give the number of the page that a form stood on: pressed twice, it is one act.

    Raises:
        FormForged: no page of ours made it.
    """
    act = fields.get(ACT, "")
    if not IS_ACT.fullmatch(act):
        raise FormForged
    return act


def address_of(request: Request) -> str:
    """Give the address of whoever asks, in full; providers want to know the payer's."""
    try:
        return ip_address(request.client.host if request.client else "").exploded
    except ValueError:
        return "127.0.0.1"


async def _open(request: Request) -> tuple[Runtime, Checkout]:
    rt = runtime_of(request)
    return rt, await checkout.open_link(rt, request.path_params["token"][:64])


async def _page(request: Request, standing: Standing, template: str) -> Response:
    rt, language = runtime_of(request), language_of(request)
    payment, going, asked = standing.payment, standing.going, standing.checkout
    is_paid = payment is not None and standing.step in {Step.PAID, Step.REVERSED}
    amount = asked.amount_dong if payment is None else payment.amount_dong
    code = verifying.receipt_code(rt, payment) if payment is not None and is_paid else ""
    verify_url = f"{rt.public_url}/verify?code={code}"
    provider = rt.providers.get(payment.provider or "") if payment is not None else None
    return await site().show(
        request,
        template,
        is_private=True,
        standing=standing,
        step=standing.step,
        is_live=standing.step in LIVE,
        base=f"/pay/{request.path_params['token']}",
        mark=_mark(request, rt, standing),
        ask_again_s=_ask_again_s(rt, standing),
        amount=amount,
        in_words=in_vietnamese(amount) if language == "vi" else in_english(amount),
        name=mask_name(standing.customer.name),
        address=mask_address(standing.customer.address),
        ways=ways_now(rt, standing.biller.rules, asked.amount_dong),
        act=uuid4().hex,
        is_refused="refused" in request.query_params,
        provider=provider.provider.title if provider else "",
        next=_next(request, standing),
        is_closing=going is not None and going.shown.may_pay_again is PayAgain.AFTER,
        going=going,
        payment=payment,
        code=code,
        verify_url=verify_url,
        verify_qr=qr_picture.svg(verify_url, title=word(language, "pay.verify_qr")) if code else "",
    )


def _next(request: Request, standing: Standing) -> dict[str, object]:
    """Give what the payer does next: where to go, or the QR and what it says, to be typed."""
    action = standing.going.next_action if standing.going else None
    if standing.step is not Step.PAY or action is None:
        return {}
    content = action["qr_content"]
    title = word(language_of(request), "pay.qr")
    return {
        "redirect_url": _link(action["redirect_url"]),
        "deeplink": _link(action["deeplink"]),
        "qr": qr_picture.svg(content, title=title) if content else "",
        "transfer": _transfer(content) if content else None,
    }


def _link(url: str | None) -> str:
    """Give an address as a link, unless it would make the browser run what a provider said.

    Apps have schemes of their own, so any is taken but those.
    """
    scheme = (url or "").partition(":")[0].strip().lower()
    return url if url and scheme not in RUN_BY_BROWSERS else ""


def _transfer(content: str) -> dict[str, str] | None:
    """Read a transfer QR, for those who type it; other QRs say nothing that can be typed."""
    try:
        said = emvqr.decode(content)
    except QrRefused:
        return None
    return {"bank": name_of(said.bank_bin), "account": said.account, "purpose": said.purpose}


def _ask_again_s(rt: Runtime, standing: Standing) -> int:
    going = standing.going
    if going is None or not going.attempts:
        return ASK_SELDOM_S
    age_s = (rt.clock.now() - going.attempts[-1].created_at).total_seconds()
    return next((wait for until, wait in ASK_AGAIN_S if age_s < until), ASK_SELDOM_S)


def _mark(request: Request, rt: Runtime, standing: Standing) -> str:
    """Give what changes when the page would."""
    going = standing.going
    shown = None if going is None else (going.shown, going.next_check_at, going.next_action)
    facts = (language_of(request), standing.step, shown, _ask_again_s(rt, standing))
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


get("/pay/{token}", show)
get("/pay/{token}/now", show_now)
post("/pay/{token}", choose)
post("/pay/{token}/give-up", give_up)
