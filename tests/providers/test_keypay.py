"""KeyPay: what is signed there is believed, and nothing else."""

import json

import pytest

from gateway.kit.abilities.inquiries import Inquiry, Result
from gateway.kit.messages import Call, Verdict
from gateway.testing.promises_of_inquiries import MOMENT, a_settlement
from tests.providers import test_keypay_conformance as kit


def test_a_bill_info_that_was_changed_changes_nothing_that_is_believed() -> None:
    one, other = kit.callback(), kit.callback(bill_info={"MaHoSo": "OTHER", "PhiLePhi": []})
    assert kit.PROVIDER.read_notification(one) == kit.PROVIDER.read_notification(other)


def test_a_callback_is_answered_by_return_code() -> None:
    codes = {v: json.loads(kit.PROVIDER.acknowledge(v).body)["return_code"] for v in Verdict}
    assert {verdict for verdict, code in codes.items() if code == 0} == {
        Verdict.RECORDED,
        Verdict.REPEATED,
    }
    assert set(codes.values()) == {0, -1}


def test_what_is_created_is_signed_by_the_first_key() -> None:
    order = kit.TestKeyPay().order()
    call = kit.PROVIDER.create(order)
    assert isinstance(call, Call)
    said = json.loads(call.body)
    assert said["check_sum"] == kit.mac(kit.KEY1, *(said[name] for name in kit.SIX))
    assert (said["trans_amount"], said["currency_code"]) == ("123000", "VND")
    assert said["bill_info"]["PhiLePhi"][0]["SoTien"] == "123000"


@pytest.mark.parametrize("question", kit.TestPortal.questions, ids=["customer", "dossier"])
def test_the_portals_bills_are_written_as_its_profile_says(question: Inquiry) -> None:
    sent = kit.TestPortal().sent(question)
    asked = kit.PROVIDER.read_question(sent.operation, sent.incoming, MOMENT)
    said = json.loads(kit.PROVIDER.write_answer(asked, a_settlement(Result.BILLS)).body)
    bill = {"maHoaDon": "HD-10", "ky": 1, "thang": 10, "nam": 2026, "tongTien": 99_000}
    assert said["error_code"] == 1
    assert said["message"] == (bill if question.bill_id else "bills")
    assert question.bill_id or said["hoaDon"][0] == bill
