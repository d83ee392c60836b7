import json
from dataclasses import replace
from typing import Any

import pytest

from gateway.kit.messages import Garbled, Moment, SignatureWrong, Unreadable, Verdict
from gateway.kit.text_messages import Delivery, TextIn, TextOut
from tests.providers.autodebit import NOW
from tests.providers.smsbanking import a_reply, centre, mac, signed

MO: dict[str, Any] = {"id": "i1", "from": "84912345678", "to": "8149", "text": "VBA XN 123456"}


def test_a_signed_message_is_read() -> None:
    read = centre().read_message(signed(**MO, received_at="2026-11-24T09:00:00+07:00"))
    assert read == TextIn("i1", "84912345678", "8149", "VBA XN 123456")


@pytest.mark.parametrize("field", ["id", "from", "to", "text"])
def test_a_message_with_one_field_changed_is_refused(field: str) -> None:
    true = signed(**MO)
    changed = json.dumps({**MO, field: "x"}).encode()
    with pytest.raises(SignatureWrong):
        centre().read_message(replace(true, body=changed))
    with pytest.raises(SignatureWrong):
        centre().read_message(replace(true, headers={}))


@pytest.mark.parametrize("changed", [{"id": ""}, {"from": ""}, {"text": 7}, {"id": None}])
def test_a_message_that_says_too_little_is_unreadable(changed: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        centre().read_message(signed(**{**MO, **changed}))


def test_the_answer_travels_in_the_reply() -> None:
    said = centre().answer(TextIn("i1", "84912345678", "8149", "x"), "Da thanh toan")
    assert json.loads(said.body) == {"id": "i1", "reply": "Da thanh toan"}
    assert [centre().refuse(v).status for v in (Verdict.REFUSED, Verdict.TRY_LATER)] == [400, 503]


def test_a_message_goes_out_signed() -> None:
    message = TextOut("0" * 32, "84912345678", "Da thanh toan", "https://pay.example/reports")
    call = centre().send(message, Moment(NOW, "b" * 32))
    assert call.headers["x-signature"] == mac(call.body, call.headers["x-timestamp"])
    assert json.loads(call.body)["id"] == "0" * 32


def test_only_a_signed_number_says_that_it_was_taken() -> None:
    assert centre().read_sent(a_reply(message_id="MT1")) == "MT1"
    for reply in (a_reply(error="x"), replace(a_reply(message_id="MT1"), headers={})):
        with pytest.raises(Garbled):
            centre().read_sent(reply)


@pytest.mark.parametrize(
    ("stat", "delivery"),
    [
        ("DELIVRD", Delivery.DELIVERED),
        ("ACCEPTD", Delivery.UNDERWAY),
        ("EXPIRED", Delivery.UNDELIVERED),
        ("REJECTD", Delivery.UNDELIVERED),
    ],
)
def test_smpps_states_are_read(stat: str, delivery: Delivery) -> None:
    report = centre().read_report(signed(message_id="MT1", stat=stat))
    assert (report.centre_id, report.delivery) == ("MT1", delivery)


def test_an_unknown_state_proves_neither_delivery_nor_failure() -> None:
    with pytest.raises(Unreadable):
        centre().read_report(signed(message_id="MT1", stat="UNKNOWN"))
    kept = centre().acknowledge_report(Verdict.RECORDED).status
    assert (kept, centre().acknowledge_report(Verdict.TRY_LATER).status) == (200, 503)
