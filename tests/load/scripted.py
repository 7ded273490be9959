"""A provider on loopback that answers at once with 250 tokens: what every side of a bench asks."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from aiohttp import web

ANSWER = " ".join(["token"] * 250)
BODY = {
    "id": "chatcmpl-scripted",
    "object": "chat.completion",
    "created": 0,
    "model": "scripted",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": ANSWER},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 60, "completion_tokens": 250, "total_tokens": 310},
}


PIECES = 50
_CHUNK = {"id": BODY["id"], "object": "chat.completion.chunk", "created": 0, "model": "scripted"}


async def answer(request: web.Request) -> web.StreamResponse:
    if (await request.json()).get("stream"):
        return await _streamed(request)
    return web.json_response(BODY)


async def _streamed(request: web.Request) -> web.StreamResponse:
    """The same answer in events, each written by itself, with the usage in the last."""
    reply = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await reply.prepare(request)
    for event in _EVENTS:
        await reply.write(event)
    return reply


def _events() -> Iterator[bytes]:
    size = -(-len(ANSWER) // PIECES)
    for start in range(0, len(ANSWER), size):
        delta = {"role": "assistant", "content": ANSWER[start : start + size]}
        yield _event({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield _event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    yield _event({"choices": [], "usage": BODY["usage"]})
    yield b"data: [DONE]\n\n"


def _event(facts: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(_CHUNK | facts)}\n\n".encode()


_EVENTS = [*_events()]


def main() -> None:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
