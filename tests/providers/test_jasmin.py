from urllib.parse import parse_qs

import pytest

from gateway.kit.messages import (
    Garbled,
    Incoming,
    Moment,
    Reply,
    SignatureWrong,
    Unreadable,
    Verdict,
)
from gateway.kit.text_messages import Delivery, TextIn, TextOut
from tests.providers.autodebit import NOW
from tests.providers.jasmin import WORD, form, jasmin

MO = {"id": "i1", "from": "84912345678", "to": "8149", "content": "VBA XN 123456", "coding": "0"}
MT = TextOut(
    "0" * 32, "84912345678", "Da thanh toan", "https://pay.example/v1/texts/jasmin/reports"
)


def test_a_message_is_read_from_a_form_or_from_the_query() -> None:
    due = TextIn("i1", "84912345678", "8149", "VBA XN 123456")
    assert jasmin().read_message(form(**MO)) == due
    query = f"key={WORD}&id=i1&from=84912345678&to=8149&content=VBA+XN+123456&coding=0"
    assert jasmin().read_message(Incoming("GET", query=query)) == due


def test_ucs2_arrives_as_hex() -> None:
    binary = "VBA NỢ".encode("utf-16-be").hex()
    read = jasmin().read_message(form(**{**MO, "content": "", "coding": "8", "binary": binary}))
    assert read.text == "VBA NỢ"
    for bad in ("0", "zz", "d800"):
        with pytest.raises(Unreadable):
            jasmin().read_message(form(**{**MO, "coding": "8", "binary": bad}))


@pytest.mark.parametrize("query", ["", "key=", "key=guessed", f"key={WORD}x"])
def test_who_does_not_know_the_word_is_refused(query: str) -> None:
    with pytest.raises(SignatureWrong):
        jasmin().read_message(form(query, **MO))


@pytest.mark.parametrize("missing", ["id", "from"])
def test_a_message_without_number_or_sender_is_unreadable(missing: str) -> None:
    with pytest.raises(Unreadable):
        jasmin().read_message(form(**{k: v for k, v in MO.items() if k != missing}))


def test_a_field_that_stands_twice_is_refused() -> None:
    with pytest.raises(Garbled):
        jasmin().read_message(form(f"key={WORD}&id=other", **MO))


def test_only_the_exact_words_stop_the_repetition() -> None:
    message = jasmin().read_message(form(**MO))
    said = jasmin().answer(message, "never sent in the answer")
    assert (said.status, said.body) == (200, b"ACK/Jasmin")
    assert jasmin().refuse(Verdict.REFUSED).body != b"ACK/Jasmin"
    assert jasmin().refuse(Verdict.TRY_LATER).status == 503


def test_a_message_goes_out_plain_with_the_telephones_own_report() -> None:
    call = jasmin().send(MT, Moment(NOW, "b" * 32))
    assert call.url == "http://jasmin.example.vn:1401/send"
    fields = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
    assert fields == {
        "username": "evn",
        "password": "sms-sandbox-password",
        "to": "84912345678",
        "from": "8149",
        "content": "Da thanh toan",
        "coding": "0",
        "dlr": "yes",
        "dlr-url": f"https://pay.example/v1/texts/jasmin/reports?key={WORD}",
        "dlr-level": "3",
        "dlr-method": "POST",
    }


def test_only_success_says_that_it_was_taken() -> None:
    number = "07033084-5cfd-4812-90a4-e4d24ffb6e3d"
    assert jasmin().read_sent(Reply(200, f'Success "{number}"'.encode())) == number
    for status, body in ((403, b'Error "Authentication failure"'), (200, b"Success"), (200, b"")):
        with pytest.raises(Unreadable):
            jasmin().read_sent(Reply(status, body))


@pytest.mark.parametrize(
    ("stat", "level", "delivery"),
    [
        ("DELIVRD", "3", Delivery.DELIVERED),
        ("DELIVRD", "2", Delivery.DELIVERED),
        ("DELIVRD", "1", Delivery.UNDERWAY),
        ("ESME_ROK", "1", Delivery.UNDERWAY),
        ("EXPIRED", "3", Delivery.UNDELIVERED),
        ("UNDELIV", "2", Delivery.UNDELIVERED),
    ],
)
def test_the_telephone_companys_word_is_not_the_telephones(
    stat: str, level: str, delivery: Delivery
) -> None:
    report = jasmin().read_report(form(id="n1", message_status=stat, level=level, connector="c"))
    assert (report.centre_id, report.delivery) == ("n1", delivery)


def test_a_report_of_a_state_that_nobody_documents_proves_nothing() -> None:
    with pytest.raises(Unreadable):
        jasmin().read_report(form(id="n1", message_status="UNKNOWN", level="3"))
    assert jasmin().acknowledge_report(Verdict.TRY_LATER).body != b"ACK/Jasmin"
    assert jasmin().acknowledge_report(Verdict.RECORDED).body == b"ACK/Jasmin"
