"""One pooled client for providers that speak OpenAI's protocol at an address of their own.

It follows no redirect, asks nothing of the environment (no proxy), never asks twice by
itself, and reads an answer no further than is taken of one and no longer than it may last.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import urllib3

MOST_CONNECTIONS = 100
PART_BYTES = 65_536
Why = Literal["timeout", "broken_off", "too_large"]


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
                raise self._stopped("timeout", came) from None
            except urllib3.exceptions.HTTPError:
                raise self._stopped("broken_off", came) from None
            if not part:
                return
            received += len(part)
            if received > most_bytes:
                raise self._stopped("too_large", came, part)
            if time.monotonic() > self._last:
                raise self._stopped("timeout", came, part)
            yield part

    def _stopped(self, why: Why, came: bytearray | None, part: bytes = b"") -> Stopped:
        return Stopped(why, None if came is None else bytes(came + part))


@contextmanager
def posted(asked: Asked) -> Iterator[Reply]:
    """Raises urllib3's HTTPError while no answer has begun."""
    last = time.monotonic() + asked.timeout_seconds
    reply = _pool().request(
        "POST",
        asked.url,
        body=json.dumps(asked.body, ensure_ascii=False).encode(),
        headers={"content-type": "application/json", **asked.headers},
        timeout=urllib3.Timeout(connect=asked.timeout_seconds, read=asked.timeout_seconds),
        preload_content=False,
        redirect=False,
        retries=False,
    )
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
