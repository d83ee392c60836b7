"""Sign-in, sign-out and one's own account, as pages."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import Response

from gateway.domain.errors import CallerError
from gateway.domain.user import (
    FormForged,
    PasswordTooWeak,
    Role,
    SignInRefused,
    Stage,
    TooManyTries,
    User,
    check_form,
    form_token,
)
from gateway.flows import sign_in
from gateway.flows.sign_in import Entered
from gateway.kit import qr_picture
from gateway.pages.forms import FORM_FIELD, form_of, safe_next
from gateway.pages.site import runtime_of, see, site
from gateway.pages.words import word

router = APIRouter(include_in_schema=False, tags=["page"])
get = partial(router.add_api_route, methods=["GET", "HEAD"])
post = partial(router.add_api_route, methods=["POST"])

COOKIE = "session"
ISSUER = "EVN Ca Mau"
STATUS = {SignInRefused: 401, TooManyTries: 429, PasswordTooWeak: 422}


async def signed_in(request: Request, role: Role = Role.VIEWER) -> User | Response:
    """Give who is signed in, or the answer that a page gives instead: sign in first, or not yours.

    A page that is not for this user does not exist for them.
    """
    entered = await sign_in.find(runtime_of(request), _token(request))
    if entered is None or entered.stage is not Stage.IN:
        path = f"{request.url.path}?{request.url.query}".rstrip("?")
        return see(f"/sign-in?next={quote(path, safe='')}")
    if not entered.user.may(role):
        return await site().show(request, "missing.html", status=404)
    return entered.user


def form_token_of(request: Request) -> str:
    """Give the token that a form on a page of this session carries."""
    return form_token(_token(request) or "")


async def checked_form(request: Request) -> dict[str, str]:
    """Read a form that only this session's own page can have sent.

    Raises:
        FormForged: nothing may be done.
    """
    token = _token(request)
    fields = await form_of(request)
    if token is None:
        raise FormForged
    check_form(token, fields.get(FORM_FIELD, ""))
    return fields


async def ask_password(request: Request) -> Response:
    """Show the form of name and password."""
    return await _sign_in_page(request, safe_next(request.query_params.get("next", "")))


async def take_password(request: Request) -> Response:
    """Take name and password, and go on to the code."""
    fields = await form_of(request)
    onward = safe_next(fields.get("next", ""))
    rt, address = runtime_of(request), _address(request)
    try:
        entered = await sign_in.enter(
            rt, fields.get("name", ""), fields.get("password", ""), address=address
        )
    except (SignInRefused, TooManyTries) as refused:
        return await _sign_in_page(request, onward, refused=refused)
    step = "code" if entered.stage is Stage.CODE else "app"
    return _carry(request, see(f"/sign-in/{step}?next={quote(onward, safe='')}"), entered)


async def ask_code(request: Request) -> Response:
    """Show the form of the code."""
    return await _code_page(request, safe_next(request.query_params.get("next", "")))


async def take_code(request: Request) -> Response:
    """Take the code, and let the session in."""
    fields = await checked_form(request)
    onward = safe_next(fields.get("next", ""))
    rt, token = runtime_of(request), _token(request) or ""
    try:
        code = fields.get("code", "").replace(" ", "")[:64]
        entered = await sign_in.confirm(rt, token, code, address=_address(request))
    except (SignInRefused, TooManyTries) as refused:
        return await _code_page(request, onward, refused=refused)
    return _carry(request, see(onward), entered)


async def show_app(request: Request) -> Response:
    """Show the QR for an authenticator app."""
    return await _app_page(request, safe_next(request.query_params.get("next", "")))


async def enrol_app(request: Request) -> Response:
    """Take the first code of the app, and show the recovery codes this once."""
    fields = await checked_form(request)
    onward = safe_next(fields.get("next", ""))
    try:
        code = fields.get("code", "").replace(" ", "")[:64]
        entered, codes = await sign_in.enrol(
            runtime_of(request), _token(request) or "", code, issuer=ISSUER
        )
    except SignInRefused as refused:
        return await _app_page(request, onward, refused=refused)
    page = await site().show(request, "recovery.html", is_private=True, codes=codes, next=onward)
    return _carry(request, page, entered)


async def show_account(request: Request) -> Response:
    """Show one's own account."""
    return await _account_page(request)


async def change_password(request: Request) -> Response:
    """Change one's own password; every other session ends."""
    fields = await checked_form(request)
    try:
        entered = await sign_in.change_password(
            runtime_of(request),
            _token(request) or "",
            fields.get("old", ""),
            fields.get("new", ""),
            address=_address(request),
        )
    except (SignInRefused, TooManyTries, PasswordTooWeak) as refused:
        return await _account_page(request, refused=refused)
    return _carry(request, see("/account?changed=1"), entered)


async def leave(request: Request) -> Response:
    """Sign out, here or everywhere."""
    fields = await checked_form(request)
    token = _token(request) or ""
    await sign_in.leave(runtime_of(request), token, everywhere="everywhere" in fields)
    gone = see("/sign-in")
    gone.delete_cookie(_cookie(request), path="/")
    return gone


ROUTES: tuple[tuple[str, Callable[[Request], Awaitable[Response]], bool], ...] = (
    ("/sign-in", ask_password, False),
    ("/sign-in", take_password, True),
    ("/sign-in/code", ask_code, False),
    ("/sign-in/code", take_code, True),
    ("/sign-in/app", show_app, False),
    ("/sign-in/app", enrol_app, True),
    ("/account", show_account, False),
    ("/account/password", change_password, True),
    ("/sign-out", leave, True),
)
for path, act, is_post in ROUTES:
    (post if is_post else get)(path, act)


async def _sign_in_page(
    request: Request, onward: str, refused: CallerError | None = None
) -> Response:
    return await _form_page(request, "sign_in.html", refused, next=onward)


async def _code_page(request: Request, onward: str, refused: CallerError | None = None) -> Response:
    entered = await sign_in.find(runtime_of(request), _token(request))
    if entered is None or entered.stage is not Stage.CODE:
        return see("/sign-in")
    return await _form_page(request, "sign_in_code.html", refused, next=onward)


async def _app_page(request: Request, onward: str, refused: CallerError | None = None) -> Response:
    try:
        offered = await sign_in.begin_enrolment(
            runtime_of(request), _token(request) or "", issuer=ISSUER
        )
    except SignInRefused:
        return see("/sign-in")
    picture = qr_picture.svg(offered.app_url, title=word("en", "account.app_qr"))
    return await _form_page(
        request, "sign_in_app.html", refused, next=onward, qr=picture, secret=offered.secret
    )


async def _account_page(request: Request, refused: CallerError | None = None) -> Response:
    user = await signed_in(request)
    if isinstance(user, Response):
        return user
    was_changed = refused is None and "changed" in request.query_params
    return await _form_page(request, "account.html", refused, user=user, was_changed=was_changed)


async def _form_page(
    request: Request, template: str, refused: CallerError | None, **facts: Any
) -> Response:
    return await site().show(
        request,
        template,
        status=200 if refused is None else STATUS[type(refused)],
        is_private=True,
        form_token=form_token_of(request),
        refused=refused,
        **facts,
    )


def _carry(request: Request, answer: Response, entered: Entered) -> Response:
    answer.set_cookie(
        _cookie(request),
        entered.token,
        httponly=True,
        secure=_is_secure(request),
        samesite="lax",
        path="/",
    )
    return answer


def _token(request: Request) -> str | None:
    return request.cookies.get(_cookie(request))


def _cookie(request: Request) -> str:
    # The prefix makes browsers refuse it from a subdomain or over plain HTTP.
    return f"__Host-{COOKIE}" if _is_secure(request) else COOKIE


def _is_secure(request: Request) -> bool:
    return runtime_of(request).public_url.startswith("https://")


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
