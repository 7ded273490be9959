"""`/v1/` beside Django's handler: one ASGI application.

A chat call that is short runs in the loop (waiting.py); whatever streams, takes long to screen or
is anything else has a thread of its own.

Django's middleware is for people in browsers; an application's call needs its key, its
request id and the pipeline. What Django would do at the end of a request (give the
database connection back) is done here.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from itertools import groupby
from typing import Any, cast

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connections

from governance.kernel.canonical import request_id_of
from prompts.gateway import governing, providers, screens, streaming
from prompts.gateway.entrances import (
    COMPLETIONS,
    EVENTS,
    JSON,
    MOST_BODY_BYTES,
    Answer,
    Arrived,
    Run,
    refused,
    respond,
)
from prompts.gateway.refusals import DatabaseAway, Refusal, Unexpected
from prompts.gateway.waiting import MOST_IN_LOOP, in_loop

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

log = structlog.get_logger("placet.request")
HEARTBEAT_SECONDS = 5.0
# Some calls' worth between two looks for garbage.
NEW_OBJECTS = 20_000
_threads = ThreadPoolExecutor(settings.PLACET_GATEWAY_THREADS, thread_name_prefix="gateway")


class ClientGone(Exception):
    """The client went away before its request was whole: half a body is no request."""


def warm() -> None:
    """Import what the screens need while the first request has not come yet: it takes seconds."""
    threading.Thread(target=_warm, name="warming", daemon=True).start()


def _warm() -> None:
    """What is in memory then stays, and is looked through for garbage no more; what calls make
    is mostly freed without it."""
    try:
        screens.recognisers()
        if settings.PLACET_IS_WEB:
            # A database that is away is asked again by the first call.
            with suppress(DatabaseError, InterfaceError):
                governing.screening(governing.generation())
                providers.warm()
            connections.close_all()
        gc.collect()
        gc.freeze()
    finally:
        # Whatever failed, a server that never looks for garbage would grow.
        gc.set_threshold(NEW_OBJECTS)
        gc.enable()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """One HTTP request below `/v1/`."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    request_id = request_id_of(headers.get("x-request-id", ""))
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    started = time.perf_counter()
    path = scope["path"].removeprefix("/v1/")
    try:
        arrived = Arrived(scope["method"], path, headers, await _body(receive))
    except ClientGone:
        log.info("client left", path=path)
        return
    reply = Reply(send, {"x-request-id": request_id})
    if path == COMPLETIONS and len(arrived.body) <= MOST_IN_LOOP:
        answer = await in_loop(lambda: _safely(arrived))
    else:
        answer = await _in_thread(lambda: _safely(arrived))
    if answer.run is None:
        await reply.whole(answer)
    else:
        await reply.streamed(answer.run)
    log.info(
        "request",
        method=scope["method"],
        path=scope["path"],
        status=reply.status,
        took_ms=round((time.perf_counter() - started) * 1000),
    )


async def _body(receive: Receive) -> bytes:
    """The request's body, read no further than one byte beyond what is taken."""
    parts, size = [], 0
    while size <= MOST_BODY_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        parts.append(part)
        size += len(part)
        if not message.get("more_body"):
            break
    return b"".join(parts)


def _safely(arrived: Arrived) -> Answer:
    """A bug is an error in OpenAI's shape too, and a log line."""
    try:
        return respond(arrived)
    except Exception as error:
        return refused(_refusal_of(error, arrived.path))


def _refusal_of(error: Exception, path: str) -> Refusal:
    """A database that is away is no bug: it comes back, and the call is asked for again."""
    if isinstance(error, OperationalError | InterfaceError):
        log.warning("database away", path=path)
        return DatabaseAway()
    log.error("failed", path=path, exc_info=error)
    return Unexpected()


async def _in_thread(work: Callable[[], Any]) -> Any:
    """In one of the gateway's threads, with this request's log context, connection given back."""
    context = copy_context()

    def run() -> Any:
        try:
            return context.run(work)
        finally:
            connections.close_all()

    return await asyncio.get_running_loop().run_in_executor(_threads, run)


class Events:
    """What the thread of one call emits, for the loop: whatever has come by then at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._came: deque[streaming.Event] = deque()
        self._wake = asyncio.Event()
        self._is_called = False
        self._is_over = False

    def emit(self, one: streaming.Event) -> None:
        """From any thread; the loop is called once for all that comes until it looks."""
        self._came.append(one)
        self._call()

    def end(self) -> None:
        """Nothing comes any more."""
        self._is_over = True
        self._call()

    def _call(self) -> None:
        if not self._is_called:
            self._is_called = True
            self._loop.call_soon_threadsafe(self._wake.set)

    async def next(self) -> list[streaming.Event] | None:
        """What came, bytes joined; a comment where nothing came for a while; None at the end."""
        quiet = self._loop.time() + HEARTBEAT_SECONDS
        timer = self._loop.call_later(HEARTBEAT_SECONDS, self._wake.set)
        try:
            while True:
                # Before it is looked: what comes after the look calls again.
                self._wake.clear()
                self._is_called = False
                is_over = self._is_over
                if came := self._taken():
                    return came
                if is_over:
                    return None
                if self._loop.time() >= quiet:
                    return [streaming.COMMENT]
                await self._wake.wait()
        finally:
            timer.cancel()

    def _taken(self) -> list[streaming.Event]:
        taken = [self._came.popleft() for _ in range(len(self._came))]
        return [
            one
            for is_part, some in groupby(taken, lambda one: isinstance(one, bytes))
            for one in ([b"".join(cast(Iterator[bytes], some))] if is_part else some)
        ]


class Reply:
    """Writes one reply; a client that has gone away is no error."""

    def __init__(self, send: Send, headers: Mapping[str, str]) -> None:
        self._send = send
        self._headers = headers
        self.status = 0

    async def whole(self, answer: Answer) -> None:
        await self._start(answer.status, JSON, answer.headers, len(answer.content))
        await self._part(answer.content, more=False)

    async def streamed(self, run: Run) -> None:
        """Events as they come; until the first one a real status can still be given.

        The call goes on when its client has left: what it costs is booked.
        """
        events = Events(asyncio.get_running_loop())

        def work() -> None:
            try:
                run(events.emit)
            except Exception as error:  # a bug too must end the stream in shape
                events.emit(streaming.Refused(_refusal_of(error, COMPLETIONS), {}))
            finally:
                events.end()

        ends = asyncio.ensure_future(_in_thread(work))
        try:
            while (came := await events.next()) is not None:
                for one in came:
                    await self._event(one)
            if self.status == 200:
                await self._part(b"", more=False)
        except OSError:  # the client is gone
            log.info("client left", path=COMPLETIONS)
        await ends

    async def _event(self, one: streaming.Event) -> None:
        if isinstance(one, streaming.Refused):
            await self._refuse(one)
        elif isinstance(one, streaming.Begun):
            if not self.status:
                await self._start(200, EVENTS, one.headers)
        else:
            if not self.status:
                await self._start(200, EVENTS, {})
            await self._part(one, more=True)

    async def _refuse(self, one: streaming.Refused) -> None:
        answer = refused(one.refusal, one.headers)
        if self.status:
            # The status is out; the error is an event.
            await self._part(streaming.event(answer.body) + streaming.DONE, more=True)
        else:
            await self.whole(answer)

    async def _start(
        self, status: int, content_type: str, headers: Mapping[str, str], length: int | None = None
    ) -> None:
        self.status = status
        named = {"content-type": content_type, "cache-control": "no-store", **headers}
        if length is not None:
            named["content-length"] = str(length)
        fields = {**named, **self._headers, "x-content-type-options": "nosniff"}
        encoded = [
            (name.encode(), value.encode("latin-1", "replace")) for name, value in fields.items()
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def _part(self, content: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": content, "more_body": more})
