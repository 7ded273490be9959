"""A small organisation in which a call can be made, put together through the services."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.utils import timezone

from prompts.gateway.demo import month
from prompts.gateway.demo import organisation as demo
from prompts.gateway.demo.people import People, make
from reviews.queues.models import Queue
from tests.factories.kept import once
from tests.factories.serving import serving


@dataclass
class Provider:
    """A scripted provider on loopback that speaks OpenAI's protocol."""

    url: str = ""
    answers: list[Any] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    # What requests that bring tools are answered with, if it is set.
    tool_answer: Any = None

    def embeddings(self) -> dict[str, Any]:
        """Of the request that came last, in an order of the provider's own."""
        asked = self.asked[-1]
        width = asked.get("dimensions", 4)
        data = [
            {
                "object": "embedding",
                "index": index,
                "embedding": [0.5, float(len(text))] * (width // 2),
            }
            for index, text in enumerate(asked["input"])
        ]
        return {"object": "list", "data": data[::-1], "usage": {"prompt_tokens": 9 * len(data)}}

    def next_answer(self) -> Any:
        if self.tool_answer is not None and "tools" in self.asked[-1]:
            return self.tool_answer
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer() if callable(answer) else answer


USAGE = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
GOOD = json.dumps({"spdx": "MIT", "copyleft": False, "obligations": ["Keep the notice."]})


@dataclass(frozen=True)
class Streamed:
    """An answer in pieces, for a request that asks for a stream."""

    pieces: list[str]
    breaks_off: bool = False
    tells_usage: bool = True
    finish_reason: str = "stop"

    def lines(self) -> Iterator[bytes]:
        for piece in self.pieces:
            delta = {"role": "assistant", "content": piece}
            yield _event({"choices": [{"index": 0, "delta": delta}]})
        if self.breaks_off:
            return
        yield _event({"choices": [{"index": 0, "delta": {}, "finish_reason": self.finish_reason}]})
        if self.tells_usage:
            yield _event({"choices": [], "usage": USAGE})
        yield b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Raw:
    """A reply byte by byte: with `announced` more than what it holds, it breaks off."""

    content: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    announced: int | None = None


def _event(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def tool_call(name: str, arguments: Any, call_id: str = "call_a1") -> dict[str, Any]:
    """A provider's message that calls one tool."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    function = {"name": name, "arguments": text}
    return {
        "content": None,
        "tool_calls": [{"id": call_id, "type": "function", "function": function}],
    }


class Listening(ThreadingHTTPServer):
    """Takes as many at once as any test sends: one that finds the queue full is turned away."""

    request_queue_size = 512


@contextmanager
def provider(*answers: Any) -> Iterator[Provider]:
    """Serves the answers in order, the last for ever; an int is an HTTP status.

    A function is called for its answer, and may wait; a dict is a whole message, with how it
    ended beside it. Embeddings are answered with numbers that say which text they are of.
    """
    scripted = Provider(answers=list(answers) or [GOOD])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            scripted.asked.append(json.loads(self.rfile.read(length)))
            if self.path.endswith("/embeddings"):
                self.whole(200, scripted.embeddings())
                return
            answer = scripted.next_answer()
            if isinstance(answer, Streamed):
                self.stream(answer)
                return
            if isinstance(answer, Raw):
                self.raw(answer)
                return
            status = answer if isinstance(answer, int) else 200
            said = answer if isinstance(answer, dict) else {"content": answer}
            message = {"role": "assistant"} | said
            choice = {
                name: message.pop(name) for name in ("logprobs", "finish_reason") if name in message
            }
            body = {
                "choices": [{"finish_reason": "stop"} | choice | {"message": message}],
                "usage": USAGE,
            }
            self.whole(status, body if status == 200 else {"error": {}})

        def whole(self, status: int, body: dict[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def raw(self, answer: Raw) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            length = len(answer.content) if answer.announced is None else answer.announced
            self.send_header("content-length", str(length))
            self.end_headers()
            with suppress(OSError):  # whoever asked may have heard enough
                self.wfile.write(answer.content)

        def stream(self, answer: Streamed) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            for line in answer.lines():
                self.wfile.write(line)
                self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = Listening(("127.0.0.1", 0), Handler)
    scripted.url = f"http://127.0.0.1:{server.server_port}/v1"
    with serving(server):
        yield scripted


@dataclass
class World:
    """An organisation with one released use case and its key."""

    people: People
    use_case: Any
    key: str
    now: datetime


def world() -> World:
    """The demo organisation without its history: everything released, one key."""
    return once("world", _world)


def _world() -> World:
    from governance.approvals import services as approvals
    from governance.kernel.authority import Actor
    from governance.policy.rule_sets import install_starting_rule_sets
    from governance.registry.scoring_models import install_starting_scoring_model

    now = timezone.now()
    people = make(now)
    approvals.install_starting_policies(actor=Actor.system("tests"), now=now)
    install_starting_scoring_model(actor=Actor.system("tests"), now=now)
    install_starting_rule_sets(actor=Actor.system("tests"), now=now)
    local, _ = demo._models(people, now)
    use_case = demo._licence_review(people, now)
    demo._queue(people, [use_case], now)
    # Decisions are final at once; the tests of undo turn its time on.
    Queue.objects.update(undo_seconds=0)
    demo._prompt(people, use_case, local, now)
    demo.second_release(people, use_case, local, now)
    month.limit(people, use_case, now, demo.sign)
    return World(people, use_case, demo._key(people, use_case, now), now)
