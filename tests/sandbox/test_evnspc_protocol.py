"""The simulated PaymentService as a SOAP service: what it takes, and how it fails."""

from collections.abc import AsyncIterator

import pytest

from tests.sandbox.evnspc import SERVICE, Partner, bare, partner_of, texts


@pytest.fixture
async def evn() -> AsyncIterator[Partner]:
    async with partner_of() as partner:
        yield partner


@pytest.mark.parametrize("action", ["absent", '""', '"http://tempuri.org/IPaymentService/Nothing"'])
async def test_soap_action_is_mandatory(evn: Partner, action: str) -> None:
    answer = await evn.post("GetCustomerFeeInfo", "", soapaction=action)
    assert answer.status_code == 500
    assert bare(answer.text).findtext("Body/Fault/faultcode") == "a:ActionNotSupported"


async def test_json_is_another_media_type(evn: Partner) -> None:
    answer = await evn.post("GetCustomerFeeInfo", "", **{"content-type": "application/json"})
    assert answer.status_code == 415


async def test_amounts_in_a_wrong_namespace_are_not_seen(evn: Partner) -> None:
    await evn.owe(("HD10", 99_000, 10))
    inside = evn.lines([("HD10", 99_000, "T1")], day="<t:PayDate>2026-11-24</t:PayDate>")
    wrong = inside.replace(
        texts("Amount", "99000", kind="long"),
        texts("Amount", "99000", kind="long", namespace="http://tempuri.org/"),
    )
    assert wrong != inside
    answer = await evn.post("PayBillFeesByCustomerCode", wrong)
    assert (answer.status_code, "do not match" in answer.text) == (500, True)
    assert (await evn.books())["clearings"] == []


async def test_an_unknown_partner_is_a_fault(evn: Partner) -> None:
    evn.bank_id = "NOBODY"
    answer = await evn.post("GetCustomerFeeInfo", "<t:BankID>NOBODY</t:BankID>")
    assert (answer.status_code, "BankID is not valid" in answer.text) == (500, True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<",
        b"{}",
        b"\xff\xfe",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<?xml version="1.0" encoding="none-such"?><a/>',
    ],
)
async def test_what_is_no_soap_is_a_fault(evn: Partner, body: bytes) -> None:
    headers = {
        "content-type": "text/xml",
        "soapaction": "http://tempuri.org/IPaymentService/CheckBill",
    }
    answer = await evn.http.post(SERVICE, content=body, headers=headers)
    assert answer.status_code == 500
    assert bare(answer.text).findtext("Body/Fault/faultcode") == "s:Client"


async def test_an_error_of_the_service_is_a_soap_fault_with_or_without_effect(
    evn: Partner,
) -> None:
    await evn.owe(("HD10", 99_000, 10), ("HD11", 5_000, 11))
    inside = evn.lines([("HD10", 99_000, "T1")], day="<t:PayDate>2026-11-24</t:PayDate>")
    for fault, cleared in (("error_before", 0), ("error_after", 1)):
        await evn.fault("pay", fault)
        answer = await evn.post("PayBillFeesByCustomerCode", inside)
        assert answer.status_code == 500
        assert bare(answer.text).find("Body/Fault") is not None
        assert len((await evn.books())["clearings"]) == cleared


async def test_maintenance_is_a_page_of_html_with_200(evn: Partner) -> None:
    await evn.fault("look_up", "html_before")
    answer = await evn.post("GetCustomerFeeInfo", "<t:BankID>CGTT</t:BankID>")
    assert (answer.status_code, answer.text[:9]) == (200, "<!doctype")


async def test_the_wsdl_names_each_operation_and_where_it_is(evn: Partner) -> None:
    for path in (SERVICE, "/Gateway/TGTT/PaymentService.svc"):
        answer = await evn.http.get(f"{path}?wsdl")
        root = bare(answer.text)
        names = {o.get("name") for o in root.iterfind("portType/operation")}
        assert {"GetCustomerFeeInfo", "PayBillFeesByCustomerCode", "CheckBill"} <= names
        assert len(names) == 8
        address = root.find("service/port/address")
        assert address is not None
        assert address.get("location") == f"http://evnspc{path}"


async def test_bad_control_calls_say_what_is_wrong(evn: Partner) -> None:
    assert (await evn.control("owe", customers=[{"code": "x"}])).status_code == 400
    assert (await evn.control("evnspc", speed=9)).status_code == 400
    assert (await evn.control("pay-elsewhere", bill="none")).status_code == 404
    assert (await evn.http.get("/health")).json()["status"] == "ok"
