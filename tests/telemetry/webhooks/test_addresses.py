"""To what addresses nothing is ever sent."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.webhooks import sending
from telemetry.webhooks.addresses import UnfitUrl, is_allowed, is_public, parts_of

PRIVATE = [
    ipaddress.IPv4Network(one)
    for one in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]


@st.composite
def private(draw: st.DrawFn) -> ipaddress.IPv4Address:
    network = draw(st.sampled_from(PRIVATE))
    return network[draw(st.integers(0, network.num_addresses - 1))]


FORMS = {
    "mapped": "::ffff:0:0",
    "compatible": "::",
    "translated": "::ffff:0:0:0",
    "nat64": "64:ff9b::",
    "local nat64": "64:ff9b:1::",
    "isatap": "2606:4700::5efe:0:0",
    "isatap, global": "2606:4700::200:5efe:0:0",
}


@given(private())
def test_no_private_address_is_public(address: ipaddress.IPv4Address) -> None:
    assert not is_public(address)


@given(private(), st.sampled_from(sorted(FORMS)))
def test_nor_is_it_in_any_form_of_ipv6(address: ipaddress.IPv4Address, form: str) -> None:
    written = ipaddress.IPv6Address(int(ipaddress.IPv6Address(FORMS[form])) | int(address))
    assert not is_public(written)


@given(private())
def test_nor_is_a_tunnel_to_it(address: ipaddress.IPv4Address) -> None:
    six_to_four = ipaddress.IPv6Address((0x2002 << 112) | (int(address) << 80) | 1)
    teredo = ipaddress.IPv6Address((0x20010000 << 96) | (int(address) ^ 0xFFFFFFFF))
    assert not is_public(six_to_four)
    assert not is_public(teredo)


@given(st.ip_addresses(network="fc00::/7") | st.ip_addresses(network="fe80::/10"))
def test_local_ipv6_is_not_public(address: Any) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("text", ["::", "::1", "ff02::1", "fec0::1", "2001:db8::1", "fe80::1%eth0"])
def test_special_ipv6_is_not_public(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808"]
)
def test_public_addresses_are(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "https://",
        "example.com",
        "https://name:secret@example.com/",
        "https://example.com@127.0.0.1/",
        "https://example.com/a b",
        "https://example.com/\r\nX: y",
        "https://example.com:99999/",
        "https://example.com/" + "x" * 500,
        "https://[::1/",
        "https://ex\u00ad..com/",
    ],
)
def test_addresses_that_are_refused_as_written(url: str) -> None:
    with pytest.raises(UnfitUrl):
        parts_of(url, [])


def test_an_address_in_its_parts() -> None:
    assert parts_of("https://example.com:8443/a?b=c", []) == (
        "https",
        "example.com",
        8443,
        "/a?b=c",
    )
    assert parts_of("https://[2606:4700::1]/", [])[:3] == ("https", "2606:4700::1", 443)
    assert is_allowed("10.0.0.1", 80, ["10.0.0.1:80"])
    assert is_allowed("fd00::1", 80, ["[FD00::1]:80"])
    assert not is_allowed("10.0.0.1", 81, ["10.0.0.1:80"])


def resolver(*addresses: str) -> Any:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in addresses]
    return lambda *_args, **_more: found


def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", resolver("1.1.1.1", "10.0.0.1"))
    with pytest.raises(UnfitUrl):
        sending.checked_address("two.example", 443, [])
    monkeypatch.setattr(socket, "getaddrinfo", resolver("1.1.1.1"))
    assert sending.checked_address("one.example", 443, []) == "1.1.1.1"


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://127.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data/",
    ],
)
def test_nothing_is_sent_to_this_machine_however_it_is_written(url: str) -> None:
    sent = sending.post(url, b"{}", {}, [])
    assert sent.status is None
    assert sent.fault == "The name leads to an address that is not public."
