"""Messages of EVN SPC's PaymentService, written from docs/providers/evnspc.md."""

from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

from gateway.kit.messages import Call, Moment, Posting, PostingLine, Reply
from gateway.providers.evnspc import Config, EvnSpc

SERVICE = "http://tempuri.org/"
CONTRACT = "http://schemas.datacontract.org/2004/07/PaymentService"
CUSTOMER = "PB14010000001"
PAID_AT = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)  # 00:30 of the next day in Vietnam
MOMENT = Moment(PAID_AT, "0" * 32)
OLD, NEW = (
    PostingLine("HD9", 99_000, "pst_9", {"code": "C9"}),
    PostingLine("HD10", 150_000, "pst_10"),
)
POSTING = Posting(CUSTOMER, PAID_AT, (OLD, NEW))


def evnspc(**config: str) -> EvnSpc:
    """Make the adapter."""
    url = "http://10.0.0.1/PaymentEVNSPC/PaymentService.svc"
    given = {"service_url": url, "bank_id": "CGTT"} | config
    return EvnSpc(Config.model_validate_strings(given))


def answer(operation: str, result: str, *, prefix: str = "s", status: int = 200) -> Reply:
    """Write an answer; `result` is the XML within <…Result>."""
    soap = "http://schemas.xmlsoap.org/soap/envelope/"
    text = (
        f'<{prefix}:Envelope xmlns:{prefix}="{soap}"><{prefix}:Body>'
        f'<{operation}Response xmlns="{SERVICE}"><{operation}Result xmlns:a="{CONTRACT}">{result}'
        f"</{operation}Result></{operation}Response></{prefix}:Body></{prefix}:Envelope>"
    )
    return Reply(status, text.encode())


def fees(*bills: str, code: str = CUSTOMER, name: str = "Nguyễn Văn Án") -> Reply:
    """Write the answer of GetCustomerFeeInfo."""
    fields = f"<a:Address>Phường 5</a:Address><a:Bills>{''.join(bills)}</a:Bills>"
    who = f"<a:CustomerCode>{code}</a:CustomerCode>" if code else ""
    return answer("GetCustomerFeeInfo", f"{fields}{who}<a:Name>{name}</a:Name>")


def bill(number: str = "HD9", amount: object = 99_000, month: object = 9, code: str = "") -> str:
    """Write a BillInfo; older versions have a BillCode of its own."""
    older = f"<a:BillCode>{code}</a:BillCode>" if code else ""
    return (
        f"<a:BillInfo><a:Amount>{amount}</a:Amount>{older}<a:HoaDonID>{number}</a:HoaDonID>"
        f"<a:Month>{month}</a:Month><a:Year>2026</a:Year><a:SoHo>1</a:SoHo></a:BillInfo>"
    )


def table(*rows: dict[str, object]) -> str:
    """Write a data table."""
    written = "".join(
        f"<table>{''.join(f'<{name}>{value}</{name}>' for name, value in row.items())}</table>"
        for row in rows
    )
    head = '<diffgr:diffgram xmlns:diffgr="urn:schemas-microsoft-com:xml-diffgram-v1">'
    return f'{head}<DocumentElement xmlns="">{written}</DocumentElement></diffgr:diffgram>'


def cleared(**statuses: str) -> Reply:
    """Write the answer of a payment: reference to status."""
    rows = [{"TransactionCode": code, "Status": said} for code, said in statuses.items()]
    return answer("PayBillFeesByCustomerCode", table(*rows))


def checked(**row: object) -> Reply:
    """Write the answer of CheckBill; the row is of HD9 unless said otherwise."""
    whole = {"CUSTOMERCODE": CUSTOMER, "HOADONID": "HD9", "AMOUNT": 99_000, "POSID": "CGTT"} | row
    return answer("CheckBill", table(whole))


def asked(call: Call) -> Element:
    """Read what a call asks: the operation's element."""
    root = fromstring(call.body)
    operation: Element = root[0][0]
    return operation
