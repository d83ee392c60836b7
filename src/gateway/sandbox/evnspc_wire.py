"""EVN SPC's PaymentService on the wire: SOAP 1.1 in, SOAP 1.1 out, as its partners see it.

A WCF service on a private line, without any signature: the caller is known by its network and by
BankID. Operations, elements, their order and the two namespaces are those that a public gateway's
client and an e-wallet engineer's notes show (read 2026-11-24). Strict where WCF is: SOAPAction and
text/xml are mandatory, and a child of an array in the wrong namespace is not seen. Dates are read
with Z, with an offset, or with none (then they are Vietnam's).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from gateway.domain.clock import VIETNAM

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACE = "http://tempuri.org/"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
# The real one is in no source; clients must not depend on it.
CONTRACTS = "http://schemas.datacontract.org/2004/07/PaymentService"
ACTIONS = f"{NAMESPACE}IPaymentService/"

TEXT, DATE, TEXTS, LONGS = "string", "dateTime", "ArrayOfstring", "ArrayOflong"
_BILLS = {"BankID": TEXT, "CustomerCode": TEXT, "BillCodes": TEXTS, "Amount": LONGS}
_LONG = re.compile(r"[0-9]{1,15}", re.ASCII)
_RECEIPT = {"BankID": TEXT, "TransactionCode": TEXT, "HoaDonID": TEXT, "SoTien": "long"}
_SERVICE = {"LoaiHDon": TEXT, "LoaiPSinh": TEXT, "HoaDonID": TEXT, "SoTien": "long"}
OPERATIONS: dict[str, dict[str, str]] = {
    "GetCustomerFeeInfo": {"BankID": TEXT, "CustomerCode": TEXT},
    "PayBillFeesByCustomerCode": {
        **_BILLS,
        "PayDate": DATE,
        "TransactionCode": TEXTS,
        "KyHieuHoaDon": TEXT,
        "DepartCode": TEXT,
        "DaInHD": TEXT,
    },
    "CancelBillFeesByCustomerCode": {
        **_BILLS,
        "CancelDate": DATE,
        "TransactionCode": TEXTS,
    },
    "CheckBill": {"CustomerCode": TEXT, "HoaDonID": TEXT, "BankID": TEXT},
    "GetBillByBank": {
        "BankID": TEXT,
        "MaDonViQL": TEXT,
        "TuNgay": TEXT,
        "DenNgay": TEXT,
        "LoaiGiaoDich": TEXT,
    },
    "GetPhieuThuTienDien": _RECEIPT,
    "GetPhieuThuTienDichVu": {"BankID": TEXT, "TransactionCode": TEXT, **_SERVICE},
    "GetPhieuThuCSPK": _RECEIPT,
}
"""Each operation's elements with their types, in the order of the interface."""


class Fault(Exception):
    """The request is answered by a SOAP fault; `code` is Client, Server or WCF's own."""

    def __init__(self, *, text: str, code: str = "s:Client") -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True)
class Asked:
    """One request: elements by name, an array's children that are in the right namespace."""

    operation: str
    texts: Mapping[str, str]
    arrays: Mapping[str, list[str]]

    def text(self, name: str) -> str:
        """Give an element's text, empty if it is absent."""
        return self.texts.get(name, "")

    def longs(self, name: str) -> list[int]:
        """Give an array of numbers.

        Raises:
            Fault: a child is no number.
        """
        return [_long(item) for item in self.arrays.get(name, [])]


def read(body: bytes, action: str | None) -> Asked:
    """Read a request, which SOAPAction must name.

    Raises:
        Fault: no SOAPAction, another operation than it names, or no SOAP 1.1 at all.
    """
    operation = (action or "").strip('"').removeprefix(ACTIONS)
    if operation not in OPERATIONS:
        msg = f"The message with Action '{(action or '')[:200]}' cannot be processed"
        raise Fault(code="a:ActionNotSupported", text=msg)
    try:
        root = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Fault(text="The message is not well-formed XML") from error
    element = root.find(f"{{{ENVELOPE}}}Body/{{{NAMESPACE}}}{operation}")
    if root.tag != f"{{{ENVELOPE}}}Envelope" or element is None:
        raise Fault(text=f"OperationFormatter: there is no element '{operation}'")
    return _asked(operation, element)


def _asked(operation: str, element: Element) -> Asked:
    texts: dict[str, str] = {}
    arrays: dict[str, list[str]] = {}
    for name, kind in OPERATIONS[operation].items():
        found = element.find(f"{{{NAMESPACE}}}{name}")
        if found is None:
            continue
        if kind in {TEXTS, LONGS}:
            child = kind.removeprefix("ArrayOf")
            items = found.findall(f"{{{ARRAYS}}}{child}")
            arrays[name] = [(item.text or "").strip() for item in items]
        else:
            texts[name] = (found.text or "").strip()
    return Asked(operation, texts, arrays)


def _long(text: str) -> int:
    if not _LONG.fullmatch(text):
        raise Fault(text=f"The value '{text[:40]}' cannot be parsed as the type 'Int64'")
    return int(text)


def amount(text: str) -> int:
    """Read one amount in đồng.

    Raises:
        Fault: it is none.
    """
    return _long(text)


def instant(text: str) -> datetime:
    """Read an xs:dateTime or a date, as an aware time.

    Raises:
        Fault: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise Fault(text=f"The value '{text[:40]}' cannot be parsed as 'DateTime'") from error
    return found.replace(tzinfo=VIETNAM) if found.tzinfo is None else found


# ── answers ──────────────────────────────────────────────────────────────────────────────────────


def element(name: str, value: object, prefix: str = "") -> str:
    """Write one element; nothing becomes an empty one.

    >>> element("Name", "A & B", "a:")
    '<a:Name>A &amp; B</a:Name>'
    """
    text = "" if value is None else escape(str(value))
    return f"<{prefix}{name}>{text}</{prefix}{name}>" if text else f"<{prefix}{name}/>"


def elements(fields: Mapping[str, object], prefix: str = "") -> str:
    """Write elements in the order of the fields."""
    return "".join(element(name, value, prefix) for name, value in fields.items())


def table(rows: Iterable[Mapping[str, object]]) -> str:
    """Write a data table as .NET does: DocumentElement/table in a diffgram."""
    written = "".join(
        f'<table diffgr:id="table{n}" msdata:rowOrder="{n - 1}">{elements(row)}</table>'
        for n, row in enumerate(rows, 1)
    )
    document = f'<DocumentElement xmlns="">{written}</DocumentElement>' if written else ""
    return (
        '<diffgr:diffgram xmlns:msdata="urn:schemas-microsoft-com:xml-msdata" '
        f'xmlns:diffgr="urn:schemas-microsoft-com:xml-diffgram-v1">{document}</diffgr:diffgram>'
    )


def customer(fields: Mapping[str, object], bills: Sequence[Mapping[str, object]]) -> str:
    """Write what GetCustomerFeeInfo gives; `fields` has a place named Bills among the others."""
    listed = "".join(f"<a:BillInfo>{elements(bill, 'a:')}</a:BillInfo>" for bill in bills)
    return "".join(
        f"<a:Bills>{listed}</a:Bills>" if name == "Bills" else element(name, value, "a:")
        for name, value in fields.items()
    )


def answer(operation: str, result: str, *, as_text: bool) -> bytes:
    """Wrap a result; `as_text` puts the XML into an xs:string, as some EVN services do."""
    inside = escape(f"<Result>{_unprefixed(result)}</Result>") if as_text else result
    return _envelope(
        f'<{operation}Response xmlns="{NAMESPACE}"><{operation}Result xmlns:a="{CONTRACTS}" '
        f'xmlns:i="http://www.w3.org/2001/XMLSchema-instance">{inside}</{operation}Result>'
        f"</{operation}Response>"
    )


def _unprefixed(result: str) -> str:
    """Take the prefix of tags away, and of nothing else."""
    return result.replace("<a:", "<").replace("</a:", "</")


def fault(code: str, text: str) -> bytes:
    """Write a SOAP 1.1 fault."""
    return _envelope(
        f'<s:Fault><faultcode xmlns:a="http://schemas.microsoft.com/net/2005/12/'
        f'windowscommunicationfoundation/dispatcher">{code}</faultcode>'
        f'<faultstring xml:lang="vi-VN">{escape(text)}</faultstring></s:Fault>'
    )


def _envelope(body: str) -> bytes:
    return f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Body>{body}</s:Body></s:Envelope>'.encode()


# ── the description ──────────────────────────────────────────────────────────────────────────────


def wsdl(url: str) -> str:
    """Describe the service that stands at `url`."""
    types = "".join(_types(name, fields) for name, fields in OPERATIONS.items())
    messages = "".join(_messages(name) for name in OPERATIONS)
    ports = "".join(
        f'<wsdl:operation name="{name}"><wsdl:input message="tns:{name}In"/>'
        f'<wsdl:output message="tns:{name}Out"/></wsdl:operation>'
        for name in OPERATIONS
    )
    bound = "".join(
        f'<wsdl:operation name="{name}"><soap:operation soapAction="{ACTIONS}{name}"/>'
        '<wsdl:input><soap:body use="literal"/></wsdl:input>'
        '<wsdl:output><soap:body use="literal"/></wsdl:output></wsdl:operation>'
        for name in OPERATIONS
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><wsdl:definitions name="PaymentService" '
        f'targetNamespace="{NAMESPACE}" xmlns:tns="{NAMESPACE}" xmlns:q="{ARRAYS}" '
        'xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:xs="http://www.w3.org/2001/XMLSchema" '
        'xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"><wsdl:types>'
        f'<xs:schema elementFormDefault="qualified" targetNamespace="{NAMESPACE}">{types}'
        f"</xs:schema></wsdl:types>{messages}"
        f'<wsdl:portType name="IPaymentService">{ports}</wsdl:portType>'
        '<wsdl:binding name="BasicHttpBinding_IPaymentService" type="tns:IPaymentService">'
        f'<soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>{bound}</wsdl:binding>'
        '<wsdl:service name="PaymentService"><wsdl:port name="BasicHttpBinding_IPaymentService" '
        'binding="tns:BasicHttpBinding_IPaymentService">'
        f'<soap:address location="{escape(url)}"/></wsdl:port></wsdl:service></wsdl:definitions>'
    )


def _types(name: str, fields: Mapping[str, str]) -> str:
    asked = "".join(
        f'<xs:element minOccurs="0" name="{field}" '
        f'type="{"q" if kind in {TEXTS, LONGS} else "xs"}:{kind}"/>'
        for field, kind in fields.items()
    )
    given = f'<xs:element minOccurs="0" name="{name}Result" type="xs:anyType"/>'
    return _complex(name, asked) + _complex(f"{name}Response", given)


def _complex(name: str, inside: str) -> str:
    sequence = f"<xs:complexType><xs:sequence>{inside}</xs:sequence></xs:complexType>"
    return f'<xs:element name="{name}">{sequence}</xs:element>'


def _messages(name: str) -> str:
    return "".join(
        f'<wsdl:message name="{name}{way}"><wsdl:part name="parameters" element="tns:{tag}"/>'
        "</wsdl:message>"
        for way, tag in (("In", name), ("Out", f"{name}Response"))
    )
