"""To which addresses Placet sends: public ones, and private ones that the operator names. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Forms of IPv6 that carry an IPv4 address, which is where the packets end up.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# What a router makes of these is not for us to guess: old, local and tunnelled forms.
_REFUSED = (
    ipaddress.IPv6Network("::/96"),
    ipaddress.IPv6Network("::ffff:0:0:0/96"),
    ipaddress.IPv6Network("64:ff9b:1::/48"),
    ipaddress.IPv6Network("fec0::/10"),
    ipaddress.IPv6Network("2001::/23"),
    ipaddress.IPv6Network("2002::/16"),
    ipaddress.IPv6Network("3fff::/20"),
    ipaddress.IPv6Network("5f00::/16"),
    ipaddress.IPv4Network("192.88.99.0/24"),
    ipaddress.IPv4Network("192.0.0.0/24"),
)
LONGEST_URL = 500


class UnfitUrl(ValueError):
    """The sentence says what is wrong with the address."""


def carried(address: Address) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses that stand inside an IPv6 one and can be reached through it."""
    if not isinstance(address, ipaddress.IPv6Address):
        return
    last = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    is_isatap = (int(address) >> 32) & 0xFFFFFFFF in (0x00005EFE, 0x02005EFE)
    if address in _NAT64 or is_isatap:
        yield last


def is_public(address: Address) -> bool:
    """Whether it is anybody's on the internet, whichever way it is written."""
    if address.is_multicast or not address.is_global:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        return False
    if any(address in one for one in _REFUSED if one.version == address.version):
        return False
    return all(is_public(one) for one in carried(address))


def parts_of(url: str, allowed: Iterable[str]) -> tuple[str, str, int, str]:
    """(scheme, host, port, path with query); raises UnfitUrl for what is never sent to."""
    if len(url) > LONGEST_URL or any(ord(one) <= 32 or ord(one) == 127 for one in url):
        raise UnfitUrl(f"Give an address of at most {LONGEST_URL} characters, without spaces.")
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
        host = (parts.hostname or "").encode("idna").decode() if parts.hostname else ""
    except (ValueError, UnicodeError):
        raise UnfitUrl("This is not an address of the web.") from None
    if parts.scheme not in ("https", "http") or not host:
        raise UnfitUrl("Give the whole address, beginning with https://.")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise UnfitUrl("Leave the name and password out; messages are signed instead.")
    if parts.scheme == "http" and not is_allowed(host, port, allowed):
        raise UnfitUrl("Messages are sent over https:// alone.")
    path = parts.path or "/"
    path = path.encode("ascii", "ignore").decode() if path.isascii() else ""
    if not path or not parts.query.isascii():
        raise UnfitUrl("Write characters beyond ASCII percent-encoded.")
    return parts.scheme, host, port, f"{path}?{parts.query}" if parts.query else path


def is_allowed(host: str, port: int, allowed: Iterable[str]) -> bool:
    """Whether the operator named this host and port (PLACET_WEBHOOK_ALLOW)."""
    written = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return written.lower() in {one.lower() for one in allowed}
