"""SOAP 1.1 as WCF services speak it: envelopes written, answers read by namespace, tables by row.

Nothing but Unreadable is raised, whatever the bytes are; DTDs and entities are refused.
"""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml.ElementTree import fromstring

from gateway.kit.messages import Reply, Unreadable

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"


def envelope(namespace: str, operation: str, fields: str) -> bytes:
    """Write a request; `fields` is XML, made by `texts` and `array`."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{ENVELOPE}"><s:Body>'
        f'<{operation} xmlns="{namespace}">{fields}</{operation}></s:Body></s:Envelope>'
    ).encode()


def texts(**fields: str) -> str:
    """Write elements of text in the order given.

    >>> texts(BankID="GW & Co")
    '<BankID>GW &amp; Co</BankID>'
    """
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())


def array(name: str, kind: str, values: Iterable[str]) -> str:
    """Write an array whose items are in the namespace of arrays: elsewhere WCF sees none at all."""
    items = "".join(f"<a:{kind}>{escape(value)}</a:{kind}>" for value in values)
    return f'<{name} xmlns:a="{ARRAYS}">{items}</{name}>'


def result_of(reply: Reply, namespace: str, operation: str) -> Element:
    """Give an answer's result; one that is XML within a text is read as XML.

    Raises:
        Unreadable: not such an answer: a fault, another operation's, HTML, cut short.
    """
    if reply.status != 200:  # noqa: PLR2004
        raise Unreadable(what=f"HTTP status {reply.status}")
    root = _parsed(reply.body)
    own = f"{{{namespace}}}{operation}"
    result = root.find(f"{{{ENVELOPE}}}Body/{own}Response/{own}Result")
    if root.tag != f"{{{ENVELOPE}}}Envelope" or result is None:
        raise Unreadable(what=f"the answer of {operation}")
    text = text_in(result)
    return _parsed(text.encode()) if not len(result) and text.startswith("<") else result


def _parsed(raw: bytes) -> Element:
    try:
        root: Element = fromstring(raw, forbid_dtd=True)
    except (ParseError, ValueError, LookupError) as error:
        raise Unreadable(what="XML") from error
    return root


def local_name(element: Element) -> str:
    """Give an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def text_in(element: Element) -> str:
    """Give an element's own text without blanks around it."""
    return (element.text or "").strip()


def text_of(parent: Element, name: str) -> str:
    """Give the text of a child by its local name; empty if it is absent or nil."""
    found = next((child for child in parent if local_name(child) == name), None)
    return "" if found is None else text_in(found)


def named(parent: Element, name: str) -> list[Element]:
    """Give all elements of a local name, at any depth."""
    return [element for element in parent.iter() if local_name(element) == name]


def rows_of(result: Element) -> list[dict[str, str]]:
    """Read the rows of a data table, upper-case name to text; none if the table is empty.

    Raises:
        Unreadable: it is a text, and no table.
    """
    if not len(result) and text_in(result):
        raise Unreadable(what="the data table")
    tables = named(result, "DocumentElement")
    return [
        {local_name(field).upper(): text_in(field) for field in row}
        for table in tables
        for row in table
    ]
