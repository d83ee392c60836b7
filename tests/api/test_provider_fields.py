"""Fields of payments through providers: which provider, and where the payer is."""

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.api import provider_fields

TAKEN = {
    "ProviderCode": ["a", "acme", "acme_2", "a" * 32],
    "WebAddress": [
        "http://a",
        "https://a.vn/x?y=1&z=%20#f",
        "https://[::1]:8080/",
        "http://1.1.1.1",
    ],
}
REFUSED = {
    "ProviderCode": ["", "A", "1a", "_a", "a-b", "a b", "a\n", "a" * 33, "\u0111"],
    "WebAddress": [
        *("", "a.vn", "//a.vn", "ftp://a.vn", "javascript:alert(1)", "HTTPS://a.vn", "http://"),
        *("http://[", "http://[::1", "http:///x", "http://?x", "http://a b", "http://a\n"),
        *("http://\u0111.vn", "http://" + "a" * 1001),
    ],
    "PayerIp": [
        *(
            "",
            "a",
            "1.2.3",
            "1.2.3.256",
            "1.2.3.4.5",
            " 1.2.3.4",
            "1.2.3.4/32",
            "01.2.3.4",
            "1.2.3.4\n",
        ),
        *("::1%eth0", "::1%", "::1%\x00", "1::2::3", "\u0661.2.3.4", "f" * 46),
    ],
}


def cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(name, text) for name, texts in table.items() for text in texts]


@pytest.mark.parametrize(("name", "text"), cases(TAKEN))
def test_a_text_of_the_documented_form_is_taken_as_it_is(name: str, text: str) -> None:
    assert TypeAdapter(getattr(provider_fields, name)).validate_python(text) == text


@pytest.mark.parametrize(("name", "text"), cases(REFUSED))
def test_any_other_text_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(getattr(provider_fields, name)).validate_python(text)


@pytest.mark.parametrize(
    ("text", "in_full"),
    [
        ("113.160.92.202", "113.160.92.202"),
        ("::1", "0000:0000:0000:0000:0000:0000:0000:0001"),
        ("2001:DB8::A", "2001:0db8:0000:0000:0000:0000:0000:000a"),
    ],
)
def test_an_address_is_written_in_full(text: str, in_full: str) -> None:
    assert TypeAdapter(provider_fields.PayerIp).validate_python(text) == in_full
