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
from gateway.kit.text_messages import TextIn, TextOut
from gateway.providers.viettelmo import read_fields
from tests.providers.autodebit import NOW
from tests.providers.viettelmo import WORD, an_answer, asked, viettel

MO = (
    "<RequestID>77</RequestID><UserID>84912345678</UserID><ReceiverID>8149</ReceiverID>"
    "<ServiceID>8149</ServiceID><CommandCode>VBA</CommandCode><Info>VBA NỢ EVN &amp; 1</Info>"
    "<ReceiveTime>20261124090000</ReceiveTime>"
)


def test_a_message_is_read_whatever_its_namespaces() -> None:
    due = TextIn("77", "84912345678", "8149", "VBA NỢ EVN & 1")
    assert viettel().read_message(asked(MO)) == due
    plain = Incoming("POST", query=f"key={WORD}", body=f"<m>{MO}</m>".encode())
    assert viettel().read_message(plain) == due


@pytest.mark.parametrize("query", ["", "key=guessed"])
def test_who_does_not_know_the_word_is_refused(query: str) -> None:
    with pytest.raises(SignatureWrong):
        viettel().read_message(asked(MO, query))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a>",
        b"\xff",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        '<?xml version="1.0" encoding="utf-16"?><a/>'.encode("utf-16"),
        b"<m><Info>1</Info><Info>2</Info></m>",
        b"<m>" + b"x" * 70_000 + b"</m>",
    ],
    ids=["nothing", "half", "no text", "an entity", "another encoding", "twice", "too long"],
)
def test_what_is_no_plain_envelope_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_fields(body)


def test_the_reply_travels_in_the_answer_escaped() -> None:
    said = read_fields(an_answer("vba no", "No < 1 & > 2").encode())
    assert said == {"CommandCode": "vba", "MessageType": "1", "MessageContent": "No < 1 & > 2"}
    refused = [viettel().refuse(v).status for v in (Verdict.REFUSED, Verdict.TRY_LATER)]
    assert refused == [403, 503]


def test_a_message_of_ours_is_plain_and_never_reported() -> None:
    message = TextOut("0" * 32, "84912345678", "Da <thanh> toan", "https://pay.example/r")
    fields = read_fields(viettel().send(message, Moment(NOW, "b" * 32)).body)
    assert (fields["UserID"], fields["Content"]) == ("84912345678", "Da <thanh> toan")
    assert (fields["CommandCode"], fields["ContentType"]) == ("bulksms", "0")
    taken = Reply(200, b"<r><return><result>1</result></return></r>")
    assert viettel().read_sent(taken) == ""
    with pytest.raises(Garbled):
        viettel().read_sent(Reply(200, b"<r><return><result>0</result></return></r>"))
    with pytest.raises(Unreadable):
        viettel().read_report(Incoming("POST"))
    assert viettel().acknowledge_report(Verdict.REFUSED).status == 404
