"""Strict reading of XML from strangers: no document type, so no entity and no bomb."""

from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from gateway.kit.messages import Unreadable


def read_xml(body: bytes) -> Element:
    """Read a document; whatever the bytes are, nothing but Unreadable is raised.

    Raises:
        Unreadable: not XML, an encoding that nobody knows, or a document type.
    """
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Unreadable(what="XML") from error
    return root


def read_flat(body: bytes, root_tag: str) -> dict[str, str]:
    """Read a document of one level: its elements' texts by name.

    >>> read_flat(b"<m><a>1</a><b/></m>", "m")
    {'a': '1', 'b': ''}

    Raises:
        Unreadable: as `read_xml`, or another root, an element twice, nested, or with attributes.
    """
    root = read_xml(body)
    fields = {element.tag: element.text or "" for element in root}
    is_flat = len(fields) == len(root) and not any(len(child) or child.attrib for child in root)
    if root.tag != root_tag or not is_flat:
        raise Unreadable(what=f"XML of '{root_tag}'")
    return fields
