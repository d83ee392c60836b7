import pytest

from gateway.kit.messages import Unreadable
from gateway.kit.xml_payload import read_flat, read_xml


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a>",
        b"\xff\xfe",
        b"\x00",
        b'<?xml version="1.0" encoding="none-such"?><a/>',
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'.encode("utf-16"),
    ],
)
def test_no_bytes_raise_anything_but_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_xml(body)


def test_a_document_is_read_with_its_letters() -> None:
    assert read_xml("<a>Điện &amp; nước</a>".encode()).text == "Điện & nước"


@pytest.mark.parametrize(
    "body", [b"<b/>", b"<a><x/><x/></a>", b"<a><x><y/></x></a>", b'<a><x z="1"/></a>']
)
def test_what_is_not_flat_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_flat(body, "a")
