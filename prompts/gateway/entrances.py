"""HTTP to the pipeline and back: OpenAI's shape and our own. No rule lives here."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from governance.access.selectors import KeyRefused, authenticate_key
from governance.kernel.canonical import digest
from governance.kernel.web import PUBLIC, requires
from prompts.gateway import pipeline
from prompts.gateway.context import GovernedRequest
from prompts.gateway.refusals import InvalidApiKey, InvalidRequest, Refusal, UnsupportedParameter
from prompts.gateway.reply import GovernedReply
from prompts.releases.models import Release

KNOWN_FIELDS = {
    "model",
    "messages",
    "variables",
    "metadata",
    "user",
    "store",
    "stream",
    "n",
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "seed",
}
PARAMETERS = {"temperature", "top_p", "max_tokens", "max_completion_tokens", "seed"}
HELD = "A person must look at this answer first. It follows when they have decided."
REJECTED = "A person looked at this answer and decided that it must not leave."


def bearer(request: HttpRequest) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else ""


def parsed_body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = json.loads(request.body)
    except (ValueError, UnicodeDecodeError):
        raise InvalidRequest("The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise InvalidRequest("The body is a JSON object.")
    return body


def governed_request(request: HttpRequest, body: dict[str, Any], mode: str) -> GovernedRequest:
    """The request as the pipeline takes it; refuses by name what is not supported."""
    _check_fields(body)
    metadata = body.get("metadata") or {}
    return GovernedRequest(
        model=body["model"],
        presented_key=bearer(request),
        variables=body.get("variables") or {},
        messages=_messages(body.get("messages") or []),
        parameters={name: body[name] for name in PARAMETERS if body.get(name) is not None},
        sensitivity=str(metadata.get("sensitivity", "")),
        environment=str(metadata.get("environment", "production")),
        idempotency_key=request.headers.get("idempotency-key", "")[:200],
        body_hash=digest(json.loads(json.dumps(body), parse_float=str)),
        task_id=str(metadata.get("task_id", ""))[:200],
        end_user=str(body.get("user") or ""),
        mode=mode,
    )


def _check_fields(body: dict[str, Any]) -> None:
    if not isinstance(body.get("model"), str):
        raise InvalidRequest("“model” names the use case.", param="model")
    for name, kind in (("variables", dict), ("metadata", dict), ("messages", list)):
        if body.get(name) is not None and not isinstance(body[name], kind):
            raise InvalidRequest(f"“{name}” has another type.", param=name)
    unknown = sorted(body.keys() - KNOWN_FIELDS)
    if unknown:
        raise UnsupportedParameter(
            f"“{unknown[0]}” is not supported here; leave it out.", param=unknown[0]
        )
    if body.get("stream"):
        raise UnsupportedParameter("Streaming is not supported yet.", param="stream")
    if body.get("n") not in (None, 1):
        raise UnsupportedParameter("Only one answer is given; leave “n” out.", param="n")
    environment = (body.get("metadata") or {}).get("environment", "production")
    if environment not in ("staging", "production"):
        raise InvalidRequest("metadata.environment is staging or production.", param="metadata")


def _messages(given: list[Any]) -> list[dict[str, str]]:
    for one in given:
        is_text = isinstance(one, dict) and isinstance(one.get("content"), str)
        if not is_text or one.get("role") not in ("system", "user", "assistant", "developer"):
            raise InvalidRequest(
                "A message has a role and a text as its content.", param="messages"
            )
    return [{"role": one["role"], "content": one["content"]} for one in given]


def governing_headers(reply: GovernedReply) -> dict[str, str]:
    """What governed the call, on every reply."""
    headers = {"x-call-state": reply.state, "x-call-cost": format(reply.cost, "f")}
    if reply.call is not None:
        headers["x-call-id"] = str(reply.call.pk)
        headers["x-prompt-version"] = reply.call.prompt_label
        headers["x-deployment"] = reply.call.deployment.slug if reply.call.deployment else ""
    return headers


def refusal_response(refusal: Refusal, headers: dict[str, str] | None = None) -> JsonResponse:
    """OpenAI's error shape."""
    error = {
        "message": refusal.message,
        "type": refusal.type_name,
        "param": refusal.param,
        "code": refusal.code,
    }
    response = JsonResponse({"error": error}, status=refusal.status)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    if not refusal.retry_helps:
        response.headers["x-should-retry"] = "false"
    if refusal.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(min(refusal.retry_after_seconds, 120))
    return response


@csrf_exempt
@requires(PUBLIC)
def chat_completions(request: HttpRequest) -> HttpResponse:
    """`POST /v1/chat/completions` for unmodified OpenAI clients; the key is the rule."""
    if request.method != "POST":
        return wrong_method(request)
    try:
        governed = governed_request(request, parsed_body(request), "sync")
    except Refusal as refusal:
        return refusal_response(refusal)
    reply = pipeline.run(governed)
    headers = governing_headers(reply)
    if reply.refusal is not None:
        return refusal_response(reply.refusal, headers)
    return JsonResponse(completion(reply, governed.model), headers=headers)


def completion(reply: GovernedReply, model: str) -> dict[str, Any]:
    """OpenAI's completion; a held or rejected answer has no content that could be taken for one."""
    call = reply.call
    if call is None:
        raise RuntimeError("A reply without a refusal has its call.")
    message: dict[str, Any] = {"role": "assistant", "content": reply.answer, "refusal": None}
    if reply.answer is None:
        message["refusal"] = REJECTED if reply.state == "rejected" else HELD
    body = {
        "id": f"chatcmpl-{call.pk}",
        "object": "chat.completion",
        "created": int(call.admitted_at.timestamp()),
        "model": model,
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": "stop" if reply.answer is not None else "content_filter",
                "logprobs": None,
            }
        ],
        "usage": {
            "prompt_tokens": call.tokens_input,
            "completion_tokens": call.tokens_output,
            "total_tokens": call.tokens_input + call.tokens_output,
        },
    }
    if reply.is_held:
        body["review"] = review_of(reply)
    return body


def review_of(reply: GovernedReply) -> dict[str, Any]:
    """Where and until when a held answer is decided."""
    call = reply.call
    item = getattr(call, "review_item", None) if call else None
    return {
        "id": str(item.pk) if item else None,
        "due_at": item.due_at.isoformat() if item else None,
        "url": reverse("api-call", args=[call.pk]) if call else None,
    }


@requires(PUBLIC)
def models(request: HttpRequest) -> HttpResponse:
    """`GET /v1/models`: what the key may call."""
    if request.method != "GET":
        return wrong_method(request)
    try:
        key = authenticate_key(bearer(request), timezone.now())
    except KeyRefused as refusal:
        return refusal_response(InvalidApiKey(refusal.message))
    running = Release.objects.running(timezone.now()).filter(
        use_case_id=key.use_case_id, environment="production"
    )
    names = [key.use_case_slug] if running.exists() else []
    listed = [
        {
            "id": name,
            "object": "model",
            "created": int(key.created_at.timestamp()),
            "owned_by": key.team.slug,
        }
        for name in names
    ]
    return JsonResponse({"object": "list", "data": listed})


class WrongMethod(Refusal):
    """This address exists, and does not know this HTTP method."""

    status, code = 405, "method_not_allowed"


class UnknownPath(Refusal):
    """The gateway serves chat completions and models below `/v1/`; other paths are not there."""

    status, code = 404, "unknown_url"


def wrong_method(request: HttpRequest) -> HttpResponse:
    return refusal_response(WrongMethod(f"{request.method} is not possible here."))


@csrf_exempt
@requires(PUBLIC)
def unknown(request: HttpRequest, rest: str = "") -> HttpResponse:
    return refusal_response(UnknownPath(f"There is nothing at {request.path}."))
