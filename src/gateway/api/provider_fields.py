"""Types of fields of payments through providers: which provider, and where the payer is."""

from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints


def _address(text: str) -> str:
    if "%" in text:
        # A zone (`fe80::1%eth0`) may hold any character, and means nothing to anybody else.
        message = "has a zone, which nobody else knows"
        raise ValueError(message)
    # In full: a provider may refuse `::1` as too short to be an address.
    return ip_address(text).exploded


def _web_address(text: str) -> str:
    # `http://[` fits the pattern, and nobody can be sent there.
    if not urlsplit(text).hostname:
        message = "names no host"
        raise ValueError(message)
    return text


ProviderCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
WebAddress = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[!-~]{1,1000}$"),
    AfterValidator(_web_address),
]
PayerIp = Annotated[str, StringConstraints(max_length=45), AfterValidator(_address)]
