"""A provider on loopback that answers at once with 250 tokens: what every side of a bench asks."""

from __future__ import annotations

import sys

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


async def answer(request: web.Request) -> web.Response:
    await request.read()
    return web.json_response(BODY)


def main() -> None:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


if __name__ == "__main__":
    main()
