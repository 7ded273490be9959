"""Django's ASGI handler, but that no request's body stands on disk in clear.

Django's own spools bodies over 2.5 MB into a plain temporary file before anybody has looked at
the request, however long they are. Here such a body is sealed, and only as much is kept as the
address takes; what is longer is counted and dropped, and refused with a sentence (SentLimits).
"""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler

from governance.config.uploads import SealedFile, most_bytes

Receive = Callable[[], Awaitable[dict[str, Any]]]


class BodyFile:
    """Bytes as they arrive: in memory while they are few, then sealed on disk."""

    def __init__(self, most: int) -> None:
        self.size = 0
        self._most = most
        self._memory = io.BytesIO()
        self._sealed: SealedFile | None = None

    def add(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self._most:
            self._memory = io.BytesIO()
            return
        if self._sealed is None and self.size > settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
            self._sealed = SealedFile()
            self._sealed.add(self._memory.getvalue())
            self._memory = io.BytesIO()
        (self._sealed.add if self._sealed is not None else self._memory.write)(data)

    def opened(self) -> Any:
        """From its beginning; empty where it was longer than is taken."""
        if self._sealed is None or self.size > self._most:
            self._memory.seek(0)
            return self._memory
        self._sealed.finish()
        return io.BufferedReader(self._sealed)

    def close(self) -> None:
        if self._sealed is not None:
            self._sealed.close()


class Arrived:
    """What the server says after the body: nothing but that the client went away."""

    def __init__(self, body: Any, receive: Receive) -> None:
        self.body = body
        self._receive = receive

    async def __call__(self) -> dict[str, Any]:
        return await self._receive()


class SealedBodies(ASGIHandler):
    """Pages and the native API."""

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        body = BodyFile(most_bytes(scope["path"]))
        try:
            await _read(body, receive)
            arrived: Any = Arrived(body.opened(), receive)
            await super().handle(_with_length(scope, body.size), arrived, send)
        except RequestAborted:
            return
        finally:
            body.close()

    async def read_body(self, receive: Any) -> Any:
        return receive.body


async def _read(body: BodyFile, receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestAborted
        body.add(message.get("body", b""))
        if not message.get("more_body", False):
            return


def _with_length(scope: Any, size: int) -> Any:
    """With the length that was counted: a body that came in pieces names none."""
    others = [pair for pair in scope["headers"] if pair[0].lower() != b"content-length"]
    has_body = size or len(others) < len(scope["headers"])
    length = [(b"content-length", str(size).encode())] if has_body else []
    return {**scope, "headers": [*others, *length]}
