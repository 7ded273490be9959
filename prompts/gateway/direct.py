"""One pooled client for providers that speak OpenAI's protocol at an address of their own.

It follows no redirect, asks nothing of the environment (no proxy), never asks twice by
itself, and reads an answer no further than is taken of one and no longer than it may last.
A call with a thread of its own asks by urllib3, one in the web server's loop by aiohttp.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import aiohttp
import urllib3
from yarl import URL

from prompts.gateway.waiting import awaited, is_in_loop, of_this_loop

MOST_CONNECTIONS = 100
PART_BYTES = 65_536
# From here on a status says that there is no answer.
FIRST_REFUSING_STATUS = 400
Why = Literal["timeout", "broken_off", "too_large"]


class NeverAsked(Exception):
    """No connection came about: the provider knows nothing of it."""


class NoAnswer(Exception):
    """It was asked, and no answer began."""

    def __init__(self, *, is_late: bool) -> None:
        super().__init__("too late" if is_late else "gone")
        self.is_late = is_late


class Stopped(Exception):
    """An answer that had begun and did not come to its end.

    `came` is what is there of it; None where it was handed on as it came.
    """

    def __init__(self, why: Why, came: bytes | None) -> None:
        super().__init__(why)
        self.why: Why = why
        self.came = came


@dataclass(frozen=True)
class Asked:
    """What is sent: JSON to an address, and how many seconds there are for all of it."""

    url: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    timeout_seconds: float

    @property
    def content(self) -> bytes:
        return json.dumps(self.body, ensure_ascii=False).encode()

    @property
    def all_headers(self) -> dict[str, str]:
        return {
            "content-type": "application/json",
            "accept-encoding": "identity",
            **self.headers,
        }


@dataclass(frozen=True)
class Answered:
    """A whole reply. What comes with a refusing status is not read."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Reply:
    """A reply that has begun; its body is read once, by one of the two ways."""

    def __init__(self, reply: urllib3.BaseHTTPResponse, last: float) -> None:
        self.status = reply.status
        self.headers: Mapping[str, str] = reply.headers
        self._reply = reply
        self._last = last

    def content(self, most_bytes: int) -> bytes:
        """The whole body. Raises Stopped."""
        content = bytearray()
        for part in self._parts(most_bytes, content):
            content += part
        return bytes(content)

    def lines(self, most_bytes: int) -> Iterator[str]:
        """The lines of the body as they come. Raises Stopped."""
        rest = b""
        for part in self._parts(most_bytes, None):
            *whole, rest = (rest + part).split(b"\n")
            for line in whole:
                yield line.decode("utf-8", "replace").rstrip("\r")
        if rest:
            yield rest.decode("utf-8", "replace")

    def _parts(self, most_bytes: int, came: bytearray | None) -> Iterator[bytes]:
        received = 0
        while True:
            try:
                part = self._reply.read1(PART_BYTES)
            except urllib3.exceptions.TimeoutError:
                raise _stopped("timeout", came) from None
            except urllib3.exceptions.HTTPError:
                raise _stopped("broken_off", came) from None
            if not part:
                return
            received += len(part)
            _check(received, most_bytes, self._last, came, part)
            yield part


def _stopped(why: Why, came: bytearray | None, part: bytes = b"") -> Stopped:
    return Stopped(why, None if came is None else bytes(came + part))


def _check(
    received: int, most_bytes: int, last: float, came: bytearray | None, part: bytes
) -> None:
    if received > most_bytes:
        raise _stopped("too_large", came, part)
    if time.monotonic() > last:
        raise _stopped("timeout", came, part)


def answered(asked: Asked, most_bytes: int) -> Answered:
    """The whole answer. Raises NeverAsked, NoAnswer or Stopped."""
    if is_in_loop():
        return awaited(_answered_in_loop(asked, most_bytes))
    with posted(asked) as reply:
        is_one = reply.status < FIRST_REFUSING_STATUS
        return Answered(reply.status, reply.headers, reply.content(most_bytes) if is_one else b"")


@contextmanager
def posted(asked: Asked) -> Iterator[Reply]:
    """A reply as it comes. Raises NeverAsked or NoAnswer; while it is read, Stopped."""
    last = time.monotonic() + asked.timeout_seconds
    try:
        reply = _pool().request(
            "POST",
            asked.url,
            body=asked.content,
            headers=asked.all_headers,
            timeout=urllib3.Timeout(connect=asked.timeout_seconds, read=asked.timeout_seconds),
            preload_content=False,
            redirect=False,
            retries=False,
        )
    except (urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.NewConnectionError):
        raise NeverAsked from None
    except urllib3.exceptions.HTTPError as error:
        is_late = isinstance(error, urllib3.exceptions.TimeoutError)
        raise NoAnswer(is_late=is_late) from None
    try:
        yield Reply(reply, last)
    finally:
        # What was not read to its end must not be taken for the next answer.
        if not reply.closed:
            reply.close()
        reply.release_conn()


@cache
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(num_pools=50, maxsize=MOST_CONNECTIONS)


async def _answered_in_loop(asked: Asked, most_bytes: int) -> Answered:
    last = time.monotonic() + asked.timeout_seconds
    timeout = aiohttp.ClientTimeout(
        total=None, sock_connect=asked.timeout_seconds, sock_read=asked.timeout_seconds
    )
    session = await of_this_loop(_session)
    try:
        async with session.post(
            _address(asked.url),
            data=asked.content,
            headers=asked.all_headers,
            timeout=timeout,
            allow_redirects=False,
        ) as reply:
            is_one = reply.status < FIRST_REFUSING_STATUS
            content = await _read(reply, most_bytes, last) if is_one else b""
            return Answered(reply.status, reply.headers, content)
    except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError):
        raise NeverAsked from None
    except TimeoutError:
        raise NoAnswer(is_late=True) from None
    except aiohttp.ClientError:
        raise NoAnswer(is_late=False) from None


async def _read(reply: aiohttp.ClientResponse, most_bytes: int, last: float) -> bytes:
    content = bytearray()
    try:
        async for part in reply.content.iter_any():
            _check(len(content) + len(part), most_bytes, last, content, part)
            content += part
    except TimeoutError:
        raise _stopped("timeout", content) from None
    except aiohttp.ClientError:
        raise _stopped("broken_off", content) from None
    return bytes(content)


@cache
def _address(url: str) -> URL:
    """Few deployments, each asked for at one address."""
    return URL(url)


async def _session() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    ) as session:
        yield session
