"""One signed request to an address that was looked at, and to no other.

The name is resolved once; the connection goes to the very address that was checked, with the
name for TLS and Host. No redirect is followed, no proxy of the environment used, little is read.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from telemetry.webhooks.addresses import UnfitUrl, is_allowed, is_public, parts_of

MOST_SECONDS = 10.0
MOST_BYTES_READ = 4096


@dataclass(frozen=True)
class Sent:
    """What came back: a status, or why there is none."""

    status: int | None
    took_ms: int
    fault: str = ""


class _Checked(http.client.HTTPConnection):
    """A connection to an address that was checked, whatever the name says a moment later."""

    def __init__(self, host: str, port: int, address: str, tls: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=MOST_SECONDS)
        self._address, self._tls = address, tls
        self.default_port = 443 if tls else 80
        self.was_broken_off = False

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = plain
        if self._tls is not None:
            secured = self._tls.wrap_socket(
                plain, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock = secured  # before the handshake, so that it can be broken off too
            secured.do_handshake()

    def break_off(self) -> None:
        """From another thread: whatever is being waited for ends now."""
        self.was_broken_off = True
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                self.sock.close()


def post(url: str, body: bytes, headers: Mapping[str, str], allowed: Iterable[str]) -> Sent:
    """Send it and say what came back; never raises for what a receiver does."""
    started = time.monotonic()

    def took() -> int:
        return round((time.monotonic() - started) * 1000)

    allowed = list(allowed)
    try:
        scheme, host, port, path = parts_of(url, allowed)
        address = checked_address(host, port, allowed)
        tls = ssl.create_default_context() if scheme == "https" else None
        status = _asked(_Checked(host, port, address, tls), path, body, headers)
    except UnfitUrl as unfit:
        return Sent(None, took(), str(unfit))
    except ssl.SSLError as error:
        return Sent(None, took(), f"TLS failed: {error.reason or 'no valid certificate'}"[:200])
    except TimeoutError:
        return Sent(None, took(), f"No answer within {MOST_SECONDS:.0f} seconds.")
    except (OSError, http.client.HTTPException) as error:
        return Sent(None, took(), f"The connection failed ({type(error).__name__}).")
    return Sent(status, took())


def _asked(connection: _Checked, path: str, body: bytes, headers: Mapping[str, str]) -> int:
    """The status. A receiver that answers drop by drop is broken off after the longest time."""
    last = threading.Timer(MOST_SECONDS, connection.break_off)
    last.daemon = True
    last.start()
    try:
        connection.request("POST", path, body, dict(headers))
        response = connection.getresponse()
        response.read(MOST_BYTES_READ)
        return int(response.status)
    except (OSError, http.client.HTTPException):
        if connection.was_broken_off:
            raise TimeoutError from None
        raise
    finally:
        last.cancel()
        connection.close()


def checked_address(host: str, port: int, allowed: Iterable[str]) -> str:
    """One address of the host to connect to; raises UnfitUrl when any of them is not public.

    A name with one public and one private address is refused as a whole: which of them a
    connection takes would be chance.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(one[4][0]) for one in found]
    if not addresses:
        raise UnfitUrl("The name has no address.")
    if not is_allowed(host, port, allowed):
        for text in addresses:
            if not is_public(ipaddress.ip_address(text)):
                raise UnfitUrl("The name leads to an address that is not public.")
    return addresses[0]
