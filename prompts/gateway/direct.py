"""One pooled client for providers that speak OpenAI's protocol at an address of their own.

It follows no redirect, asks nothing of the environment (no proxy), never asks twice by
itself, and reads no more than what is taken of an answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import urllib3

MOST_CONNECTIONS = 100
PART_BYTES = 65_536


class TooMuch(Exception):
    """The answer is longer than what is taken of one."""


@dataclass(frozen=True)
class Asked:
    """What is sent: JSON to an address, with how many seconds to wait for each next byte."""

    url: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    timeout_seconds: float


def post(asked: Asked, most_bytes: int) -> tuple[int, bytes]:
    """Status and body. Raises urllib3's HTTPError, or TooMuch."""
    with _posted(asked) as reply:
        content = reply.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise TooMuch
        return reply.status, content


@contextmanager
def posted_lines(asked: Asked, most_bytes: int) -> Iterator[tuple[int, Iterator[str]]]:
    """Status, and the lines of the body as they come. Raises as `post` does."""
    with _posted(asked) as reply:
        yield reply.status, _lines(reply, most_bytes)


def _lines(reply: urllib3.BaseHTTPResponse, most_bytes: int) -> Iterator[str]:
    rest, received = b"", 0
    while part := reply.read1(PART_BYTES):
        received += len(part)
        if received > most_bytes:
            raise TooMuch
        *whole, rest = (rest + part).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace").rstrip("\r")
    if rest:
        yield rest.decode("utf-8", "replace")


@contextmanager
def _posted(asked: Asked) -> Iterator[urllib3.BaseHTTPResponse]:
    """The reply, its body unread; the connection goes back to the pool when it was read whole."""
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
        yield reply
    finally:
        # What was not read to its end must not be taken for the next answer.
        if not reply.closed:
            reply.close()
        reply.release_conn()


@cache
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(num_pools=50, maxsize=MOST_CONNECTIONS)
