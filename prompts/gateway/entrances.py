"""`/v1/`: from HTTP to the pipeline and back. No rule lives here.

`respond` knows neither Django nor ASGI. The web server reaches it through asgi.py, beside
Django's handler; the views below are the same addresses for Django's own URLs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from governance.access.models import ApiKey
from governance.access.selectors import KeyRefused, authenticate_key
from governance.kernel.web import PUBLIC, requires
from prompts.gateway import embeddings, feedback, openapi, pipeline, shapes, streaming
from prompts.gateway.refusals import InvalidApiKey, Refusal, RequestTooLarge, ResultGone
from prompts.gateway.reply import GovernedReply
from prompts.gateway.waiting import BESIDE, elsewhere, in_place
from prompts.releases.models import Release
from reviews.feedback.shapes import given_body

JSON = "application/json"
EVENTS = "text/event-stream"
COMPLETIONS = "chat/completions"
# Four bytes for each character that the screens take, and as much again for the JSON around.
MOST_BODY_BYTES = 3_200_000
# A call by its id, or by that of the completion which it is.
FEEDBACK_PATH = re.compile(r"^(calls/)(?P<call>[\w-]{1,80})(/feedback)$")


class WrongMethod(Refusal):
    """This address exists, and does not know this HTTP method."""

    status, code = 405, "method_not_allowed"


class UnknownPath(Refusal):
    """The gateway serves chat completions, embeddings, models and feedback below `/v1/`, nothing else."""

    status, code = 404, "unknown_url"


def bearer_key(authorization: str) -> str:
    """The key of an Authorization header; empty for any other scheme."""
    scheme, _, key = authorization.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


@dataclass(frozen=True)
class Arrived:
    """A request as it came in; header names in lower case, `path` without `/v1/`."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def presented_key(self) -> str:
        return bearer_key(self.headers.get("authorization", ""))


Run = Callable[[Callable[[streaming.Event], None]], None]


@dataclass(frozen=True)
class Answer:
    """A reply, or with `run` the events of one: call it with what takes them."""

    status: int = 200
    body: dict[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    run: Run | None = None

    @property
    def content(self) -> bytes:
        return json.dumps(self.body, ensure_ascii=False).encode()


def respond(arrived: Arrived) -> Answer:
    """One request of `/v1/`. Refusals are answers too."""
    try:
        if len(arrived.body) > MOST_BODY_BYTES:
            raise RequestTooLarge(f"The body is larger than {MOST_BODY_BYTES:,} bytes.")
        return _served(arrived)
    except Refusal as refusal:
        return refused(refusal)


def _served(arrived: Arrived) -> Answer:
    known = ROUTES.get(arrived.path) or ROUTES.get(
        FEEDBACK_PATH.sub(r"\g<1>{call}\g<3>", arrived.path)
    )
    if known is None:
        raise UnknownPath(f"There is nothing at /v1/{arrived.path[:200]}.")
    method, serve = known
    if arrived.method != method:
        raise WrongMethod(f"{arrived.method} is not possible here, only {method}.")
    return serve(arrived)


def refused(refusal: Refusal, headers: Mapping[str, str] | None = None) -> Answer:
    body = shapes.error_body(refusal)
    return Answer(refusal.status, body, {**(headers or {}), **shapes.error_headers(refusal)})


def complete_chat(arrived: Arrived) -> Answer:
    """`POST /v1/chat/completions` for unmodified OpenAI clients; the key is the rule."""
    body = shapes.parsed_body(arrived.body)
    governed = shapes.governed_request(
        body,
        "sync",
        presented_key=arrived.presented_key,
        idempotency_key=arrived.headers.get("idempotency-key", ""),
        traceparent=arrived.headers.get("traceparent", ""),
    )
    if body.get("stream"):
        return Answer(run=lambda emit: streaming.stream(governed, emit))
    reply = pipeline.run(governed)
    if reply.state == "delivered" and not reply.is_earlier:
        return _completed(reply, governed.model)
    return elsewhere(BESIDE, _completed, reply, governed.model)


def _completed(reply: GovernedReply, model: str) -> Answer:
    headers = shapes.governing_headers(reply)
    if reply.refusal is not None:
        return refused(reply.refusal, headers)
    return Answer(200, shapes.completion(reply, model), headers)


def make_embeddings(arrived: Arrived) -> Answer:
    """`POST /v1/embeddings`: through the same stages; no vector is kept."""
    body = shapes.parsed_body(arrived.body)
    governed = embeddings.governed_request(
        body,
        presented_key=arrived.presented_key,
        idempotency_key=arrived.headers.get("idempotency-key", ""),
    )
    reply = pipeline.run(governed)
    headers = shapes.governing_headers(reply)
    if reply.refusal is not None:
        return refused(reply.refusal, headers)
    if not reply.vectors:
        gone = "These embeddings were given once, and are kept nowhere. Use a new idempotency key."
        return refused(ResultGone(gone), headers)
    return Answer(200, embeddings.embedding_list(reply, governed.model, body), headers)


def give_feedback(arrived: Arrived) -> Answer:
    """`POST /v1/calls/{call}/feedback`: what an end user says of an answer; nothing is asked of
    a model."""
    key = _live_key(arrived)
    found = FEEDBACK_PATH.fullmatch(arrived.path)
    given = feedback.given(
        key,
        found["call"] if found else "",
        shapes.parsed_body(arrived.body),
        arrived.headers.get("idempotency-key", ""),
    )
    return Answer(201 if given.is_new else 200, given_body(given))


def list_models(arrived: Arrived) -> Answer:
    """`GET /v1/models`: what the key may call."""
    key = _live_key(arrived)
    return Answer(200, {"object": "list", "data": [_model(key, name) for name in _names(key)]})


def _live_key(arrived: Arrived) -> ApiKey:
    try:
        return authenticate_key(arrived.presented_key, timezone.now())
    except KeyRefused as refusal:
        raise InvalidApiKey(refusal.message) from None


def _names(key: ApiKey) -> list[str]:
    """The use case; with several prompts in force, each of them by name."""
    running = Release.objects.running(timezone.now()).filter(
        use_case_id=key.use_case_id, environment="production"
    )
    slugs = sorted(running.values_list("prompt__slug", flat=True))
    if len(slugs) > 1:
        return [f"{key.use_case_slug}/{slug}" for slug in slugs]
    return [key.use_case_slug] if slugs else []


def _model(key: ApiKey, name: str) -> dict[str, Any]:
    created = int(key.created_at.timestamp())
    return {"id": name, "object": "model", "created": created, "owned_by": key.team.slug}


def describe(arrived: Arrived) -> Answer:
    """`GET /v1/openapi.json`: for everybody, because it says nothing of anybody."""
    own = {one.status: one.code for one in (WrongMethod, UnknownPath)}
    return Answer(200, openapi.description(own))


ROUTES: dict[str, tuple[str, Callable[[Arrived], Answer]]] = {
    COMPLETIONS: ("POST", complete_chat),
    "embeddings": ("POST", make_embeddings),
    "models": ("GET", list_models),
    "calls/{call}/feedback": ("POST", give_feedback),
    "openapi.json": ("GET", describe),
}


@csrf_exempt
@requires(PUBLIC)
def serve(request: HttpRequest, rest: str = "") -> HttpResponseBase:
    """Every address of `/v1/` for Django's handler."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    method = request.method or ""
    arrived = Arrived(method, rest, headers, request.body)
    answer = in_place(lambda: respond(arrived)) if rest == COMPLETIONS else respond(arrived)
    if answer.run is None:
        return HttpResponse(answer.content, JSON, answer.status, headers=dict(answer.headers))
    return _streamed(answer.run)


def _streamed(run: Run) -> HttpResponseBase:
    """All events in one go: the whole call runs in this thread."""
    events: list[streaming.Event] = []
    run(events.append)
    first = events[0]
    if isinstance(first, streaming.Refused):
        answer = refused(first.refusal, first.headers)
        return HttpResponse(answer.content, JSON, answer.status, headers=dict(answer.headers))
    headers = dict(first.headers) if isinstance(first, streaming.Begun) else {}
    parts: Iterator[bytes] = (one for one in events if isinstance(one, bytes))
    return StreamingHttpResponse(parts, content_type=EVENTS, headers=headers)
