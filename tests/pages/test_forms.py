"""What a browser sends back."""

from collections.abc import Mapping

import pytest
from starlette.requests import Request

from gateway.domain.user import FormForged
from gateway.pages.forms import form_of, is_from_us

FORM = "application/x-www-form-urlencoded"


def request(body: bytes = b"a=1", headers: Mapping[str, str] | None = None) -> Request:
    sent = {"host": "pay.example.vn", "content-type": FORM} | dict(headers or {})
    pairs = [(name.encode(), value.encode()) for name, value in sent.items()]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "headers": pairs}, receive)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "https://pay.example.vn.evil.example"},
    ],
    ids=str,
)
async def test_a_form_that_another_site_sent_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(FormForged):
        await form_of(request(headers=headers))


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "same-origin"}, {"origin": "https://pay.example.vn"}, {}],
    ids=str,
)
def test_our_own_page_and_a_program_without_cookies_are_let_through(
    headers: dict[str, str],
) -> None:
    assert is_from_us(request(headers=headers))


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"a=1&a=2", FORM),
        (b"a=%ff", FORM),
        (b"\xff", FORM),
        (b"a=" + b"x" * 5_000, FORM),
        (b"&".join(b"f%d=1" % n for n in range(31)), FORM),
        (b'{"a":1}', "application/json"),
        (b"a=1", "text/plain"),
    ],
    ids=["twice", "not UTF-8", "not ASCII", "long", "many", "JSON", "text"],
)
async def test_what_no_page_of_ours_makes_is_no_form(body: bytes, media_type: str) -> None:
    with pytest.raises(FormForged):
        await form_of(request(body, {"content-type": media_type}))


async def test_a_form_is_read_with_its_empty_fields() -> None:
    assert await form_of(request(b"a=m%C3%B9a&b=")) == {"a": "mùa", "b": ""}
