"""Nothing secret and nothing private is kept, in whatever dress it comes."""

import json
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretBytes, SecretStr

from gateway.kit.redact import HIDDEN, TEXT_BYTES_MAX, Redactor, secrets_of

SECRET = 'k/ey+"bí mật"=1'
PHONE = "0912345678"
redactor = Redactor([SECRET], {"phone", "cardNo"})


@pytest.mark.parametrize(
    "dressed",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(SECRET, safe="").lower(),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
    ],
)
def test_a_secret_is_hidden_in_every_spelling(dressed: str) -> None:
    said = f"accessKey={dressed}&amount=1"
    shown = redactor.text(said.encode())
    assert HIDDEN in shown
    assert dressed.strip('"') not in shown
    assert shown.startswith("accessKey=")
    assert shown.endswith("&amount=1")


def test_a_secret_that_is_part_of_another_leaves_no_rest_of_it() -> None:
    assert Redactor(["abc", "abcdef"]).text(b"x=abcdef") == f"x={HIDDEN}"


def test_a_secret_in_a_url_is_hidden() -> None:
    url = "https://pay.example.vn/v2?key=" + quote_plus(SECRET)
    assert redactor.url(url) == f"https://pay.example.vn/v2?key={HIDDEN}"


@pytest.mark.parametrize(
    "said",
    [
        json.dumps({"phone": PHONE}),
        json.dumps({"PHONE": {"number": PHONE}}),
        json.dumps([{"payer": {"cardNo": [PHONE]}}]),
        json.dumps({"data": json.dumps({"phone": PHONE})}),
        json.dumps({"data": json.dumps({"inner": json.dumps({"phone": PHONE})})}),
        json.dumps({"data": f"phone={PHONE}"}),
        urlencode({"phone": PHONE, "a": ""}),
        urlencode({"item": json.dumps([{"phone": PHONE}])}),
        '{"phone":"' + PHONE,
        f"error near phone={PHONE}",
        "[" * 100_000 + f'"phone":{PHONE}',
    ],
    ids=lambda said: said[:40],
)
def test_the_value_of_a_private_field_is_hidden(said: str) -> None:
    shown = redactor.text(said.encode())
    assert PHONE not in shown
    assert HIDDEN in shown or len(said) > TEXT_BYTES_MAX


def test_a_private_field_of_a_query_string_is_hidden_and_the_others_stay() -> None:
    assert redactor.url(f"https://a.vn/p?phone={PHONE}&x=1") == f"https://a.vn/p?phone={HIDDEN}&x=1"


def test_text_without_anything_private_stays_as_it_was_to_the_byte() -> None:
    said = '{ "amount" : 1e2,\n "amount": 3, "note":"\\u0111" }'
    assert redactor.text(said.encode()) == said


def test_private_elements_of_xml_are_hidden_and_the_rest_is_as_it_was() -> None:
    sent = b'<a:R><a:Phone i:x="1">0912</a:Phone><Phone/><amount>1</amount></a:R>'
    shown = Redactor((), {"phone"}).text(sent)
    hidden = f'<a:Phone i:x="1">{HIDDEN}</a:Phone>'
    assert shown == f"<a:R>{hidden}<Phone/><amount>1</amount></a:R>"


@pytest.mark.parametrize(
    "sent",
    [
        "<R><Phone><Part>0912</Part></Phone></R>",
        "<R>&lt;Phone&gt;0912&lt;/Phone&gt;</R>",
        "<R><Phone>0912",
        "<R><Phone><![CDATA[0912]]></Phone></R>",
    ],
    ids=["nested", "within_text", "cut", "cdata"],
)
def test_a_private_element_whose_end_is_not_plain_is_cut_off_with_all_behind_it(sent: str) -> None:
    assert "0912" not in Redactor((), {"phone"}).text(sent.encode())


def test_bytes_that_are_no_text_are_shown_escaped_and_without_nul() -> None:
    assert redactor.text(b"\xff\x00a") == "\\xff\\x00a"


def test_text_is_cut_at_its_limit_after_redaction() -> None:
    said = b"\xc4\x91" * TEXT_BYTES_MAX
    assert len(redactor.text(said).encode()) <= TEXT_BYTES_MAX
    late = b"x" * (TEXT_BYTES_MAX - 5) + SECRET.encode()
    assert SECRET[:5] not in redactor.text(late)


def test_a_configuration_gives_all_its_secrets() -> None:
    class Inner(BaseModel):
        key: SecretBytes = SecretBytes(b"two")

    class Outer(BaseModel):
        key: SecretStr = SecretStr("one")
        none: SecretStr = SecretStr("")
        host: str = "https://a.vn"
        inner: Inner = Inner()

    assert secrets_of(Outer()) == ("one", "two")


@given(st.binary(max_size=200), st.text(min_size=6, max_size=20))
def test_no_bytes_upset_the_redactor_and_none_show_a_secret(raw: bytes, secret: str) -> None:
    encoded = secret.encode("utf-8", "backslashreplace")
    shown = Redactor([secret], {"phone"}).text(raw + b'{"phone":1}' + encoded)
    assert secret not in shown.replace(HIDDEN, "") or "\x00" in secret
