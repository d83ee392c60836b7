"""What a browser sends back: a small form, from our own page, in its own session."""

from urllib.parse import parse_qsl, urlsplit

from fastapi import Request

from gateway.domain.user import FormForged

FIELDS_MAX = 30
VALUE_MAX = 4_096
FORM_FIELD = "form_token"
MEDIA_TYPE = "application/x-www-form-urlencoded"


async def form_of(request: Request) -> dict[str, str]:
    """Read a posted form; a field that comes twice, or is not text, makes it none of ours.

    Raises:
        FormForged: another site sent it, or no page of ours makes such a form.
    """
    if not is_from_us(request):
        raise FormForged
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != MEDIA_TYPE:
        raise FormForged
    try:
        pairs = parse_qsl(
            (await request.body()).decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=FIELDS_MAX,
        )
    except ValueError as error:
        raise FormForged from error
    fields = dict(pairs)
    if len(fields) != len(pairs) or any(len(value) > VALUE_MAX for value in fields.values()):
        raise FormForged
    return fields


def is_from_us(request: Request) -> bool:
    """Say whether a page of this site sent the request, as the browser testifies.

    Browsers send `Sec-Fetch-Site` on secure addresses and `Origin` on every POST; a program that
    sends neither has no cookies to abuse.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def safe_next(wanted: str) -> str:
    r"""Give where to go on after signing in: a path of this site, else the account's page.

    >>> [safe_next(w) for w in ("/pilot?month=2026-11", "//evil.example", "https://evil.example")]
    ['/pilot?month=2026-11', '/account', '/account']
    >>> [safe_next(w) for w in ("/\\evil.example", "/a\nb", "")]
    ['/account', '/account', '/account']
    """
    is_path = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    is_plain = all("\x20" < character < "\x7f" and character != "\\" for character in wanted)
    return wanted if is_path and is_plain else "/account"
