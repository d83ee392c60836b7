from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.addresses import Trap, UrlRefused, is_public, vet_url

PRIVATE_V4 = [
    "0.0.0.0",  # noqa: S104 (refused, not bound)
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
]
PRIVATE_V6 = [
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:10.0.0.1",
    "::10.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:a00:1::1",
    "2001:db8::1",
    "2002:a00:1::",
    "2002:7f00:1::1",
    "2606:4700::5efe:a00:1",
    "2606:4700::200:5efe:a00:1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "198.17.255.255",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2400:cb00::1",
]


@pytest.mark.parametrize("address", PRIVATE_V4 + PRIVATE_V6)
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_outside_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "8.8.8", "08.8.8.8", "0x8.8.8.8", "8.8.8.8 "]
)
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert not is_public(text)


@given(st.ip_addresses(v=4))
def test_no_v4_address_becomes_public_by_being_written_as_v6(address: IPv4Address) -> None:
    packed = int(address)
    for prefix in (0, 0xFFFF << 32, 0x64FF9B << 96, 0x2002 << 112 | packed << 80):
        assert not is_public(str(IPv6Address(prefix | packed)))


@pytest.mark.parametrize(
    "url",
    [
        "https://billing.example.vn",
        "https://billing.example.vn/",
        "https://billing.example.vn/hooks?from=gateway&x=%20#"[:-1],
        "https://billing.example.vn:8443/hooks",
        "https://billing.example.vn?x=1",
        "HTTPS://Billing.Example.VN/hooks",
        "https://xn--in-lc-yqa9i.vn/hooks",
        "https://my_host.example.vn/hooks",
        "https://8.8.8.8/hooks",
        "https://[2606:4700:4700::1111]/hooks",
        "https://1.example.vn/a@b",
    ],
)
def test_a_plain_https_url_may_be_registered(url: str) -> None:
    vet_url(url, allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "billing.example.vn/hooks",
        "//billing.example.vn/hooks",
        "https:/billing.example.vn",
        "https:billing.example.vn",
        "https://",
        "https:///hooks",
        "https://?x",
        "http://billing.example.vn/hooks",
        "ftp://billing.example.vn/hooks",
        "file:///etc/passwd",
        "gopher://billing.example.vn",
        "unix:///run/x.sock",
        "https://user@billing.example.vn/",
        "https://user:secret@billing.example.vn/",
        "https://billing.example.vn@evil.example/",
        "https://billing.example.vn/#fragment",
        "https://billing.example.vn#@evil.example/",
        "https://billing.example.vn\\@evil.example/",
        "https://billing.example.vn\\.evil.example/",
        "https://billing.example.vn/a b",
        "https://billing.example.vn/\r\nx: y",
        "https://billing.example.vn/\x00",
        "https://billing.example.vn/\t",
        "https://billing.example.vn/hooks\n",
        " https://billing.example.vn/",
        "https://điện-lực.vn/",
        "https://127\u30020\u30020\u30021/",
        "https://billing%2eexample.vn/",
        "https://billing.example.vn:/",
        "https://billing.example.vn:0/",
        "https://billing.example.vn:22/",
        "https://billing.example.vn:5432/",
        "https://billing.example.vn:65536/",
        "https://billing.example.vn:443:443/",
        "https://billing.example.vn:+443/",
        "https://billing.example.vn./",
        "https://billing..example.vn/",
        "https://-billing.example.vn/",
        "https://billing-.example.vn/",
        "https://" + "a" * 64 + ".vn/",
        "https://" + "a." * 127 + "vn/",
        "https://billing.example.vn/" + "a" * 2048,
        "https://127.1/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://2130706433/",
        "https://017700000001/",
        "https://127.0.0.01/",
        "https://8.8.8.8.8/",
        "https://256.1.1.1/",
        "https://example.0x7f/",
        "https://[::1/",
        "https://[1.2.3.4]/",
        "https://[fe80::1%25eth0]/",
        "https://[::1]evil.example/",
        "https://2606:4700::1/",
    ],
)
def test_a_url_with_a_trap_is_refused(url: str) -> None:
    with pytest.raises(UrlRefused):
        vet_url(url, allow_private=False)


@pytest.mark.parametrize(
    "host", [*PRIVATE_V4, *(f"[{a}]" for a in PRIVATE_V6 if "%" not in a), "localhost", "intranet"]
)
def test_a_url_that_names_an_inner_address_is_refused(host: str) -> None:
    with pytest.raises(UrlRefused) as refused:
        vet_url(f"https://{host}/hooks", allow_private=False)
    assert refused.value.trap is Trap.PRIVATE_ADDRESS


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9000/hooks",
        "http://localhost/hooks",
        "https://10.0.0.1:5432/hooks",
        "http://[::1]:80/",
        "http://billing:8080/hooks",
    ],
)
def test_in_test_mode_private_addresses_and_plain_http_are_allowed(url: str) -> None:
    vet_url(url, allow_private=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://user@127.0.0.1/",
        "http://127.0.0.1/#x",
        "http://127.1/",
        "ftp://127.0.0.1/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1/\n",
    ],
)
def test_test_mode_does_not_open_the_traps(url: str) -> None:
    with pytest.raises(UrlRefused):
        vet_url(url, allow_private=True)


@given(st.text(max_size=80).map(lambda tail: "https://" + tail) | st.text(max_size=80))
def test_any_text_is_either_taken_or_refused_by_name(url: str) -> None:
    with suppress(UrlRefused):
        vet_url(url, allow_private=False)
        assert urlsplit(url).hostname


@pytest.mark.parametrize("trap", Trap)
def test_each_trap_says_in_two_languages_what_to_mend(trap: Trap) -> None:
    refused = UrlRefused(trap)
    assert refused.detail != refused.detail_vi
    assert refused.faults[0].field == "url"
