"""Where a webhook may go: which URLs are plain, and which addresses are out in the public.

An endpoint's owner chooses the URL that we call, so it must not reach our own network. The URL is
vetted at registration and before every try, the address at the moment it is dialled.
`ipaddress.is_global` is no filter for this: it calls 64:ff9b::a00:1 (10.0.0.1 through NAT64),
2002:a00:1:: (6to4) and 224.0.0.1 global (Python 3.11.7, tried 2026-11-24).
"""

import re
from enum import StrEnum
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network

from gateway.domain.errors import CallerError, Fault

URL_LENGTH_MAX = 2048
NAME_LENGTH_MAX = 253  # RFC 1035, section 2.3.4, without the trailing dot
PUBLIC_PORTS = frozenset({443, 8443})
_PORTS = range(1, 65536)

# IANA IPv4 Special-Purpose Address Registry and the multicast and reserved spaces, read 2026-11-24.
_REFUSED_V4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # "this network"; Linux dials itself for 0.0.0.0
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host agent, on a public address
        "169.254.0.0/16",  # link-local, with the cloud's metadata service
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Everything outside 2000::/3 is refused unseen: v4-mapped, v4-compatible, NAT64 of both kinds,
# unique local, link- and site-local, multicast, SRv6.
_GLOBAL_V6 = IPv6Network("2000::/3")
_REFUSED_V6 = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # Teredo, ORCHID, benchmarking: some hold a v4 address
        "2001:db8::/32",
        "2002::/16",  # 6to4: holds a v4 address
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
# ISATAP holds a v4 address behind these interface ids, under any prefix (RFC 5214, section 6.1).
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})

_URL = re.compile(r"(https?)://([^/?#]*)([/?].*)?", re.ASCII | re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)
_NUMERIC = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*", re.ASCII)


class Trap(StrEnum):
    """What is wrong with a URL."""

    TOO_LONG = "too_long"
    CHARACTER = "character"
    FRAGMENT = "fragment"
    SCHEME = "scheme"
    CREDENTIALS = "credentials"
    HOST = "host"
    DISGUISED_IPV4 = "disguised_ipv4"
    PRIVATE_ADDRESS = "private_address"
    PORT = "port"


_SAID = {
    Trap.TOO_LONG: ("is over 2048 characters", "dài quá 2048 ký tự"),
    Trap.CHARACTER: (
        "holds a blank, a backslash, a control or a non-ASCII character",
        "chứa khoảng trắng, dấu gạch chéo ngược, ký tự điều khiển hoặc ký tự ngoài ASCII",
    ),
    Trap.FRAGMENT: ("has a fragment", "có phần '#'"),
    Trap.SCHEME: ("does not begin with https://", "không bắt đầu bằng https://"),
    Trap.CREDENTIALS: ("holds a user name or password", "chứa tên người dùng hoặc mật khẩu"),
    Trap.HOST: ("has no plain host name", "không có tên máy chủ hợp lệ"),
    Trap.DISGUISED_IPV4: (
        "writes an IPv4 address in another way than a.b.c.d",
        "viết địa chỉ IPv4 không theo dạng a.b.c.d",
    ),
    Trap.PRIVATE_ADDRESS: (
        "names an address that is not on the public internet",
        "trỏ đến địa chỉ không thuộc mạng Internet công cộng",
    ),
    Trap.PORT: ("uses a port other than 443 and 8443", "dùng cổng khác 443 và 8443"),
}


class UrlRefused(CallerError):
    """A webhook may not be sent to this URL; nothing was sent."""

    code = "webhook_url_refused"

    def __init__(self, trap: Trap) -> None:
        said, said_vi = _SAID[trap]
        super().__init__(
            f"the webhook URL is refused because it {said}",
            f"địa chỉ webhook bị từ chối vì {said_vi}",
            faults=(Fault("url", said),),
        )
        self.trap = trap


def is_public(address: str) -> bool:
    """Say whether an IP address, as text, is one that a webhook may be sent to.

    >>> [is_public(a) for a in ("8.8.8.8", "10.0.0.1", "::ffff:8.8.8.8", "2606:4700::1111")]
    [True, False, False, True]
    """
    try:
        if ":" in address:
            return _is_public_v6(IPv6Address(address))
        v4 = IPv4Address(address)
    except AddressValueError:
        return False
    return not any(v4 in block for block in _REFUSED_V4)


def vet_url(url: str, *, allow_private: bool) -> None:
    """Refuse a URL that could be read two ways or that leads to our own network.

    With `allow_private` (tests and the sandbox) plain http, any port and any address will do.
    A name is not resolved here: its address is vetted whenever it is dialled.

    Raises:
        UrlRefused: with the `trap` it holds; nothing was sent.
    """
    scheme, host, port = _split(url)
    if scheme == "http" and not allow_private:
        raise UrlRefused(Trap.SCHEME)
    if host.startswith("["):
        _vet_v6(host[1:-1], allow_private=allow_private)
    elif _NUMERIC.fullmatch(host.rpartition(".")[2]):
        _vet_v4(host, allow_private=allow_private)
    else:
        _vet_name(host, allow_private=allow_private)
    if port not in (_PORTS if allow_private else PUBLIC_PORTS):
        raise UrlRefused(Trap.PORT)


def _split(url: str) -> tuple[str, str, int]:
    if len(url) > URL_LENGTH_MAX:
        raise UrlRefused(Trap.TOO_LONG)
    if not all("!" <= character <= "~" for character in url) or "\\" in url:
        raise UrlRefused(Trap.CHARACTER)
    if "#" in url:
        raise UrlRefused(Trap.FRAGMENT)
    match = _URL.fullmatch(url)
    if match is None:
        raise UrlRefused(Trap.SCHEME)
    if "@" in match[2]:
        raise UrlRefused(Trap.CREDENTIALS)
    authority = _AUTHORITY.fullmatch(match[2])
    if authority is None:
        raise UrlRefused(Trap.HOST)
    scheme = match[1].lower()
    return scheme, authority[1], int(authority[2] or (443 if scheme == "https" else 80))


def _vet_v6(text: str, *, allow_private: bool) -> None:
    try:
        address = IPv6Address(text)
    except AddressValueError as error:
        raise UrlRefused(Trap.HOST) from error
    if not allow_private and not _is_public_v6(address):
        raise UrlRefused(Trap.PRIVATE_ADDRESS)


def _vet_v4(host: str, *, allow_private: bool) -> None:
    try:
        IPv4Address(host)
    except AddressValueError as error:
        # 127.1, 0x7f000001 and 2130706433 all are 127.0.0.1 to a resolver.
        raise UrlRefused(Trap.DISGUISED_IPV4) from error
    if not allow_private and not is_public(host):
        raise UrlRefused(Trap.PRIVATE_ADDRESS)


def _vet_name(host: str, *, allow_private: bool) -> None:
    labels = host.split(".")
    if len(host) > NAME_LENGTH_MAX or not all(_LABEL.fullmatch(label) for label in labels):
        raise UrlRefused(Trap.HOST)
    if len(labels) == 1 and not allow_private:
        raise UrlRefused(Trap.PRIVATE_ADDRESS)


def _is_public_v6(address: IPv6Address) -> bool:
    if address.scope_id is not None or address not in _GLOBAL_V6:
        return False
    if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return False
    return not any(address in block for block in _REFUSED_V6)
