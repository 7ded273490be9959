"""OpenAI's shapes: a request's body to what the pipeline takes, and its reply back."""

from __future__ import annotations

import json
from typing import Any

from django.urls import reverse

from governance.access.api_parser import check_sent
from governance.kernel.canonical import digest
from governance.kernel.errors import Invalid
from governance.policy import tool_calls
from prompts.catalogue.parameters import SETTABLE
from prompts.gateway.context import CallContext, GovernedRequest
from prompts.gateway.message_shapes import messages_of
from prompts.gateway.refusals import InvalidRequest, Refusal, UnsupportedParameter
from prompts.gateway.reply import GovernedReply
from telemetry.ledger.models import Call

PARAMETERS = {
    *SETTABLE,
    "max_completion_tokens",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
}
KNOWN_FIELDS = PARAMETERS | {
    "model",
    "messages",
    "variables",
    "metadata",
    "user",
    "stream",
    "stream_options",
}
# What clients may say because it is what happens anyway: one answer, nothing else told or kept.
FIXED: dict[str, Any] = {"n": 1, "logprobs": False, "store": False}
FIELD_TYPES: dict[str, type] = {
    "variables": dict,
    "metadata": dict,
    "messages": list,
    "stream": bool,
    "stream_options": dict,
    "tools": list,
    "response_format": dict,
}
HELD = "A person must look at this answer first. It follows when they have decided."
TAKEN_BACK = (
    "A person decided afterwards that this answer must not be used. Take back what came of it."
)
REJECTED = "A person looked at this answer and decided that it must not leave."


def parsed_body(content: bytes) -> dict[str, Any]:
    """The request's JSON object; raises InvalidRequest."""
    try:
        body = json.loads(content)
    except (ValueError, UnicodeDecodeError, RecursionError):
        raise InvalidRequest("The body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise InvalidRequest("The body is a JSON object.")
    try:
        check_sent(body)
    except Invalid as error:
        raise InvalidRequest(error.message) from None
    return body


def governed_request(
    body: dict[str, Any],
    mode: str,
    *,
    presented_key: str,
    idempotency_key: str,
    traceparent: str = "",
) -> GovernedRequest:
    """The request as the pipeline takes it; refuses by name what is not supported."""
    _check_fields(body)
    metadata = body.get("metadata") or {}
    return GovernedRequest(
        model=body["model"],
        presented_key=presented_key,
        variables=body.get("variables") or {},
        messages=messages_of(body.get("messages") or []),
        parameters={name: body[name] for name in PARAMETERS if body.get(name) is not None},
        sensitivity=str(metadata.get("sensitivity", "")),
        environment=str(metadata.get("environment", "production")),
        idempotency_key=idempotency_key[:200],
        body_hash=body_hash(body) if idempotency_key else "",
        task_id=str(metadata.get("task_id", ""))[:200],
        end_user=str(body.get("user") or ""),
        mode=mode,
        traceparent=traceparent[:55],
        wants_usage=bool((body.get("stream_options") or {}).get("include_usage")),
    )


def body_hash(body: dict[str, Any]) -> str:
    """What tells one request from another that brings the same idempotency key."""
    return digest(json.loads(json.dumps(body), parse_float=str))


def _check_fields(body: dict[str, Any]) -> None:
    if not isinstance(body.get("model"), str):
        raise InvalidRequest("“model” names the use case.", param="model")
    for name, kind in FIELD_TYPES.items():
        if body.get(name) is not None and not isinstance(body[name], kind):
            raise InvalidRequest(f"“{name}” has another type.", param=name)
    for name in sorted(body.keys() - KNOWN_FIELDS):
        if body[name] is not None and body[name] != FIXED.get(name):
            raise UnsupportedParameter(
                f"“{name}” is not supported here; leave it out.", param=name[:100]
            )
    if body.get("stream_options") is not None and not body.get("stream"):
        raise InvalidRequest("“stream_options” comes with “stream”.", param="stream_options")
    environment = (body.get("metadata") or {}).get("environment", "production")
    if environment not in ("staging", "production"):
        raise InvalidRequest("metadata.environment is staging or production.", param="metadata")


def headers_so_far(context: CallContext) -> dict[str, str]:
    """What governs a call whose answer has begun to leave; what it costs is not known yet."""
    call = context.known_call
    made = context.answering
    used = made.deployment if made else context.deployments[0]
    return {
        "x-call-state": call.state,
        "x-call-id": str(call.pk),
        "x-prompt-version": call.prompt_label,
        "x-deployment": used.slug,
        **context.rates,
    }


def governing_headers(reply: GovernedReply) -> dict[str, str]:
    """What governed the call, on every reply."""
    headers = {"x-call-state": reply.state, "x-call-cost": format(reply.cost, "f"), **reply.rates}
    if reply.call is not None:
        headers["x-call-id"] = str(reply.call.pk)
        if reply.call.is_cached:
            headers["x-call-cache"] = "hit"
        headers["x-prompt-version"] = reply.call.prompt_label
        headers["x-deployment"] = reply.call.deployment.slug if reply.call.deployment else ""
    if reply.overturned is not None:
        headers["x-call-overturned"] = reply.overturned["verdict"]
    return headers


def error_body(refusal: Refusal) -> dict[str, Any]:
    """OpenAI's error shape."""
    error = {
        "message": refusal.message,
        "type": refusal.type_name,
        "param": refusal.param,
        "code": refusal.code,
    }
    return {"error": error}


def error_headers(refusal: Refusal) -> dict[str, str]:
    """Whether and when asking again helps. The SDKs give up after waits of over two minutes."""
    headers = {} if refusal.retry_helps else {"x-should-retry": "false"}
    if refusal.retry_after_seconds is not None:
        headers["retry-after"] = str(min(refusal.retry_after_seconds, 120))
    return headers


def completion(reply: GovernedReply, model: str) -> dict[str, Any]:
    """OpenAI's completion; a held or rejected answer has no content that could be taken for one."""
    call = known_call(reply)
    parts = _answer_parts(reply) | {"refusal": _not_yet(reply)}
    choice = {
        "index": 0,
        "message": {"role": "assistant"} | parts,
        "finish_reason": finish_reason(reply),
        "logprobs": None,
    }
    body = _frame(call, model, "chat.completion") | {"choices": [choice], "usage": usage_of(call)}
    return body | said_besides(reply)


def said_besides(reply: GovernedReply) -> dict[str, Any]:
    """What no completion of OpenAI has: that people decide, or decided otherwise since."""
    said: dict[str, Any] = {"review": review_of(reply)} if reply.is_held else {}
    if reply.is_degraded:
        said["degraded"] = True
    if reply.overturned is not None:
        said["overturned"] = dict(reply.overturned)
    return said


def chunk(call: Call, model: str, delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    """One piece of a streamed completion."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
    return _frame(call, model, "chat.completion.chunk") | {"choices": [choice]}


def usage_chunk(call: Call, model: str) -> dict[str, Any]:
    """The last piece, for who asked for it: no choice, only what it took."""
    empty: list[Any] = []
    frame = _frame(call, model, "chat.completion.chunk")
    return frame | {"choices": empty, "usage": usage_of(call)}


def whole_delta(reply: GovernedReply) -> dict[str, Any]:
    """An answer in one piece, or that a person must look first."""
    delta: dict[str, Any] = {"role": "assistant"} | _answer_parts(reply)
    for index, call in enumerate(delta.get("tool_calls", ())):
        call["index"] = index
    return delta if reply.answer is not None else delta | {"refusal": _not_yet(reply)}


def finish_reason(reply: GovernedReply) -> str:
    if reply.tool_answer is not None:
        return "tool_calls"  # an answer that was cut off keeps no contract of tools
    if reply.answer is None:
        return "content_filter"
    return "length" if reply.is_cut else "stop"


def _answer_parts(reply: GovernedReply) -> dict[str, Any]:
    """A text, or the tools that are called."""
    answer = reply.tool_answer
    return {"content": reply.answer} if answer is None else tool_calls.message_parts(answer)


def known_call(reply: GovernedReply) -> Call:
    if reply.call is None:
        raise RuntimeError("A reply without a refusal has its call.")
    return reply.call


def usage_of(call: Call) -> dict[str, int]:
    return {
        "prompt_tokens": call.tokens_input,
        "completion_tokens": call.tokens_output,
        "total_tokens": call.tokens_input + call.tokens_output,
    }


def _frame(call: Call, model: str, kind: str) -> dict[str, Any]:
    created = int(call.admitted_at.timestamp())
    return {"id": f"chatcmpl-{call.pk}", "object": kind, "created": created, "model": model}


def _not_yet(reply: GovernedReply) -> str | None:
    if reply.answer is not None:
        return None
    if reply.overturned is not None and reply.overturned["verdict"] == "reject":
        return TAKEN_BACK
    return REJECTED if reply.state == "rejected" else HELD


def review_of(reply: GovernedReply) -> dict[str, Any]:
    """Where and until when a held answer is decided."""
    call = reply.call
    item = getattr(call, "review_item", None) if call else None
    return {
        "id": str(item.pk) if item else None,
        "due_at": item.due_at.isoformat() if item else None,
        "url": reverse("api-call", args=[call.pk]) if call else None,
    }
