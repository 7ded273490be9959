"""A governed answer as server-sent events.

An answer that may still be held, blocked or mended is never sent piece by piece: its stream
stays open until it was screened, and then delivers it at once. Where nothing can keep an
answer back any more (oversight asks for nobody, and the contract takes any text) the pieces
are passed on as they come, some way behind the model, so that a credential is seen before
its first character leaves.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prompts.gateway import pipeline, screens, shapes
from prompts.gateway.context import CallContext, GovernedRequest
from prompts.gateway.refusals import ContentBlocked, Refusal
from prompts.gateway.reply import GovernedReply
from prompts.gateway.restoring import as_delivered

DONE = b"data: [DONE]\n\n"
# Comments keep proxies and clients from giving up while an answer is screened.
COMMENT = b": still governed\n\n"
# No credential's pattern needs more characters than this before it is known for one.
KEPT_BACK = 64


@dataclass(frozen=True)
class Refused:
    """The stream never began: a real status can still be given."""

    refusal: Refusal
    headers: dict[str, str]


@dataclass(frozen=True)
class Begun:
    """From here on the status is 200."""

    headers: dict[str, str]


Event = Refused | Begun | bytes


def event(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


class Pieces:
    """Hears the pipeline and emits what may leave. One for each streamed call."""

    def __init__(self, request: GovernedRequest, emit: Callable[[Event], None]) -> None:
        self.request = request
        self.emit = emit
        self.seen = ""
        self.sent = 0
        self.shown = 0

    def text(self, context: CallContext, piece: str) -> None:
        """A piece of the answer, passed on up to some way behind its end."""
        self.seen += piece
        if screens.SECRETS.search(self.seen, max(0, self.sent - KEPT_BACK)):
            raise ContentBlocked("The answer holds something like a credential and was cut off.")
        unsent = self.seen[max(0, self.sent - KEPT_BACK) :]
        if rule := context.known_governing.screening.blocks_answer(unsent):
            raise ContentBlocked(f"The answer matches the rule {rule.key} and was cut off.")
        self._send(context, screens.whole_end(self.seen, len(self.seen) - KEPT_BACK))

    def _send(self, context: CallContext, end: int) -> None:
        if end <= self.sent:
            return
        delta: dict[str, Any] = {"content": self._restored(context, end)}
        if not self.sent:
            self.emit(Begun(shapes.headers_so_far(context)))
            delta = {"role": "assistant"} | delta
        self.sent = end
        self._chunk(context.known_call, delta, None)

    def _restored(self, context: CallContext, end: int) -> str:
        """What its caller has not been given yet up to there, with the values that policy restores.

        Up to a place in no placeholder, what was restored before stays as it was given.
        """
        if not context.placeholders:
            return self.seen[self.sent : end]
        text = as_delivered(context, self.seen[:end])
        new, self.shown = text[self.shown :], len(text)
        return new

    def _chunk(self, call: Any, delta: dict[str, Any], finish: str | None) -> None:
        self.emit(event(shapes.chunk(call, self.request.model, delta, finish)))

    def finish(self, context: CallContext | None, reply: GovernedReply) -> None:
        """What is left to say: the whole answer, its rest, an error, or that somebody must look."""
        if reply.refusal is not None:
            self._refuse(reply, reply.refusal)
            return
        call = shapes.known_call(reply)
        if self.sent and context is not None:
            self._send(context, len(self.seen))
            self._chunk(call, {}, shapes.finish_reason(reply))
        else:
            self.emit(Begun(shapes.governing_headers(reply)))
            self._chunk(call, shapes.whole_delta(reply), None)
            last = shapes.chunk(call, self.request.model, {}, shapes.finish_reason(reply))
            self.emit(event(last | shapes.said_besides(reply)))
        if self.request.wants_usage:
            self.emit(event(shapes.usage_chunk(call, self.request.model)))
        self.emit(DONE)

    def _refuse(self, reply: GovernedReply, refusal: Refusal) -> None:
        if not self.sent:
            self.emit(Refused(refusal, shapes.governing_headers(reply)))
            return
        self.emit(event(shapes.error_body(refusal)))
        self.emit(DONE)


def stream(request: GovernedRequest, emit: Callable[[Event], None]) -> None:
    """Run one governed call and emit it: first Refused or Begun, then events' bytes."""
    pieces = Pieces(request, emit)
    context = pipeline.begin(request, listener=pieces.text)
    pieces.finish(context, pipeline.go_through(context))
