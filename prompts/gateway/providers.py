"""The two ways to a model behind one small interface.

Deployments that speak OpenAI's protocol at an address of their own are called over one
pooled client; every other provider goes through litellm's completion function.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from governance.model_cards.models import Deployment
from governance.model_cards.pricing import Usage
from prompts.gateway import direct, translated
from prompts.gateway.conversation import most_tokens
from prompts.gateway.rules import Failure

MOST_ANSWER_BYTES = 4_000_000
# As many texts as one request has, at 1,536 numbers each.
MOST_EMBEDDED_BYTES = 48_000_000


@dataclass(frozen=True)
class ProviderRequest:
    """What a provider is asked. `response_format` and `tools` are OpenAI's, or None."""

    messages: list[dict[str, Any]]
    max_tokens: int
    parameters: dict[str, Any]
    response_format: dict[str, Any] | None = None
    tools: list[dict[str, Any]] | None = None
    # What is left of the call's time, where that is less than the deployment's time-out.
    seconds_left: float | None = None

    def timeout_at(self, deployment: Deployment) -> float:
        own = float(deployment.timeout_seconds)
        return own if self.seconds_left is None else min(own, self.seconds_left)


@dataclass(frozen=True)
class ProviderResponse:
    """Text, calls of tools and usage as the provider reports them."""

    text: str
    usage: Usage
    finish_reason: str
    tool_calls: tuple[Any, ...] = ()
    vectors: tuple[tuple[float, ...], ...] = ()
    # Natural logarithms, one for each token; None where the provider told none.
    log_probabilities: tuple[float, ...] | None = None


class ProviderError(Exception):
    """The provider did not answer usably; `failure` says how, without its words.

    `came` is what had come of an answer, which is paid for though nobody can use it; None when
    none had begun. `usage` is what the provider told of it, `retry_after` when it may be asked
    again, in seconds.
    """

    def __init__(
        self,
        failure: Failure,
        *,
        came: str | None = None,
        usage: Usage | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(failure)
        self.failure: Failure = failure
        self.came = came
        self.usage = usage
        self.retry_after = retry_after


def warm() -> None:
    """Import litellm now where a deployment is asked by it: it takes seconds of the first call."""
    called = Deployment.objects.filter(state="callable", replay_only=False)
    if not all(_is_direct(one) for one in called):
        translated.library()


def complete(deployment: Deployment, request: ProviderRequest) -> ProviderResponse:
    """Ask once. Raises ProviderError."""
    address = _address(deployment)
    if _is_direct(deployment):
        return _direct(deployment, address, request)
    return _through_litellm(deployment, request)


def embed(deployment: Deployment, request: ProviderRequest) -> ProviderResponse:
    """The embeddings of the messages' texts, asked for once. Raises ProviderError."""
    texts = [one["content"] for one in request.messages]
    address = _address(deployment)
    if _is_direct(deployment):
        model = deployment.litellm_model.removeprefix("openai/")
        body = {"model": model, "input": texts, "encoding_format": "float", **request.parameters}
        asked = _to_ask(deployment, address, body, request, "embeddings")
        return _read(_post(asked, MOST_EMBEDDED_BYTES), _embedded)
    return _embed_by_litellm(deployment, request, texts)


def stream(
    deployment: Deployment, request: ProviderRequest, hear: Callable[[str], None]
) -> ProviderResponse:
    """Ask once and hear the answer piece by piece; the whole of it at the end.

    Raises ProviderError; once a piece was heard, what came was paid for.
    """
    parts: list[str] = []
    likely: list[float] = []
    usage: Usage | None = None
    finish = "stop"
    for piece in _pieces(deployment, request):
        usage = _told_usage(piece) or usage
        for choice in piece.get("choices") or []:
            finish = choice.get("finish_reason") or finish
            likely += _log_probabilities(choice) or ()
            text = (choice.get("delta") or {}).get("content") or ""
            if text:
                parts.append(text)
                hear(text)
    whole = "".join(parts)
    used = usage or estimated_usage(request, whole)
    return ProviderResponse(whole, used, finish, log_probabilities=tuple(likely) or None)


def _told_usage(piece: dict[str, Any]) -> Usage | None:
    try:
        return _usage_of(piece["usage"]) if piece.get("usage") else None
    except (KeyError, TypeError, ValueError):
        return None


def estimated_usage(request: ProviderRequest, text: str) -> Usage:
    """An upper estimate where the provider told none: more than two characters make a token.

    Its reasoning nobody saw, so the output is what was written alone.
    """
    sent = most_tokens(request.messages, request.tools, request.response_format)
    return Usage(sent, 0, min(len(text) // 2 + 1, request.max_tokens))


def _pieces(deployment: Deployment, request: ProviderRequest) -> Iterator[dict[str, Any]]:
    address = _address(deployment)
    if _is_direct(deployment):
        return _direct_pieces(deployment, address, request)
    return _litellm_pieces(deployment, request)


def _direct_pieces(
    deployment: Deployment, address: str, request: ProviderRequest
) -> Iterator[dict[str, Any]]:
    """Server-sent events of an OpenAI-compatible provider, parsed."""
    body = _body(request, deployment.litellm_model.removeprefix("openai/"))
    body |= {"stream": True, "stream_options": {"include_usage": True}}
    with _asked(), direct.posted(_to_ask(deployment, address, body, request)) as reply:
        _check_status(reply)
        for line in reply.lines(MOST_ANSWER_BYTES):
            if line == "data: [DONE]":
                return
            if line.startswith("data: "):
                yield _piece(line)
        # It ended without saying so.
        raise ProviderError("broken_off")


def _piece(line: str) -> dict[str, Any]:
    try:
        piece = json.loads(line.removeprefix("data: "))
    except ValueError:
        raise ProviderError("garbled") from None
    if not isinstance(piece, dict) or "error" in piece:
        raise ProviderError("unavailable")
    return piece


@contextmanager
def _asked() -> Iterator[None]:
    """The client's exceptions in our words, and none of the provider's."""
    try:
        yield
    except direct.Stopped as stopped:
        came = None if stopped.came is None else stopped.came.decode(errors="replace")
        raise ProviderError(stopped.why, came=came) from None
    except direct.NeverAsked:
        raise ProviderError("unavailable") from None
    except direct.NoAnswer as none:
        raise ProviderError("timeout" if none.is_late else "unavailable") from None


def _check_status(reply: direct.Reply | direct.Answered) -> None:
    status = reply.status
    if status == 429 or status >= 500:
        failure: Failure = "rate_limited" if status == 429 else "unavailable"
        raise ProviderError(failure, retry_after=_retry_after(reply.headers))
    if status >= direct.FIRST_REFUSING_STATUS:
        raise ProviderError("rejected")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, as the header says them; a date or anything else says nothing to us."""
    told = headers.get("retry-after", "")
    try:
        seconds = float(told)
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _is_direct(deployment: Deployment) -> bool:
    """Whether it speaks OpenAI's protocol at an address that is known."""
    has_address = deployment.hosting == "embedded" or bool(deployment.endpoint)
    return has_address and deployment.litellm_model.startswith("openai/")


def _address(deployment: Deployment) -> str:
    """Where an OpenAI-compatible server answers; empty where litellm knows the way."""
    if deployment.hosting == "embedded" and not deployment.endpoint:
        if not settings.PLACET_MODEL_URL:
            raise ProviderError("unavailable")
        return str(settings.PLACET_MODEL_URL)
    return str(deployment.endpoint)


def _body(request: ProviderRequest, model: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": model,
        "messages": request.messages,
        "max_tokens": request.max_tokens,
        **request.parameters,
    }
    if request.response_format:
        body["response_format"] = request.response_format
    if request.tools:
        body["tools"] = request.tools
    return body


def _direct(deployment: Deployment, address: str, request: ProviderRequest) -> ProviderResponse:
    body = _body(request, deployment.litellm_model.removeprefix("openai/"))
    asked = _to_ask(deployment, address, body, request)
    return _read(_post(asked, MOST_ANSWER_BYTES), _response_of)


def _to_ask(
    deployment: Deployment,
    address: str,
    body: dict[str, Any],
    request: ProviderRequest,
    path: str = "chat/completions",
) -> direct.Asked:
    url = f"{address.rstrip('/')}/{path}"
    headers = {"authorization": f"Bearer {deployment.secret() or 'none'}"}
    return direct.Asked(url, body, headers, request.timeout_at(deployment))


def _post(asked: direct.Asked, most: int) -> bytes:
    """The content of a reply that is one."""
    with _asked():
        answered = direct.answered(asked, most)
    _check_status(answered)
    return answered.content


def _read(
    content: bytes, response_of: Callable[[dict[str, Any]], ProviderResponse]
) -> ProviderResponse:
    text = content.decode(errors="replace")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise ProviderError("garbled", came=text) from None
    if isinstance(body, dict) and body.get("error"):
        raise ProviderError("unavailable")
    try:
        return response_of(body)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        usage = _told_usage(body) if isinstance(body, dict) else None
        raise ProviderError("garbled", came=text, usage=usage) from None


def _response_of(body: dict[str, Any]) -> ProviderResponse:
    choice, usage = body["choices"][0], body["usage"]
    return ProviderResponse(
        text=choice["message"].get("content") or "",
        usage=_usage_of(usage),
        finish_reason=choice.get("finish_reason") or "stop",
        tool_calls=tuple(choice["message"].get("tool_calls") or ()),
        log_probabilities=_log_probabilities(choice),
    )


def _log_probabilities(choice: dict[str, Any]) -> tuple[float, ...] | None:
    """Of every token of the choice; None where one has none, which leaves nothing to go by."""
    try:
        listed = (choice.get("logprobs") or {}).get("content") or ()
        return tuple(float(one["logprob"]) for one in listed) or None
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _embedded(body: dict[str, Any]) -> ProviderResponse:
    """Vectors in the order of their texts, by the index that the provider gives them."""
    data = sorted(body["data"], key=lambda one: int(one["index"]))
    vectors = tuple(tuple(float(number) for number in one["embedding"]) for one in data)
    if [one["index"] for one in data] != list(range(len(data))):
        raise ProviderError("garbled")
    return ProviderResponse("", Usage(int(body["usage"]["prompt_tokens"])), "stop", (), vectors)


def _usage_of(usage: dict[str, Any]) -> Usage:
    """OpenAI's usage. Reasoning tokens are part of the completion's, and are booked once.

    Some providers count them beside the completion; their total says so, and then they are
    added to the output.
    """
    sent, written = int(usage["prompt_tokens"]), int(usage["completion_tokens"])
    cached = int((usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0)
    details = usage.get("completion_tokens_details") or {}
    reasoning = int(details.get("reasoning_tokens") or 0)
    if reasoning and int(usage.get("total_tokens") or 0) == sent + written + reasoning:
        written += reasoning
    if min(sent, written, cached, reasoning) < 0:
        raise ValueError("A provider cannot give tokens back.")
    return Usage(sent, min(cached, sent), written, min(reasoning, written))


def _through_litellm(deployment: Deployment, request: ProviderRequest) -> ProviderResponse:
    body = _body(request, deployment.litellm_model)
    with _asked_litellm():
        return _response_of(translated.completion(**body, **_reached(deployment, request)))


def _litellm_pieces(deployment: Deployment, request: ProviderRequest) -> Iterator[dict[str, Any]]:
    body = _body(request, deployment.litellm_model)
    with _asked_litellm():
        yield from translated.pieces(**body, **_reached(deployment, request))


def _embed_by_litellm(
    deployment: Deployment, request: ProviderRequest, texts: list[str]
) -> ProviderResponse:
    asked = request.parameters | _reached(deployment, request)
    with _asked_litellm():
        return _embedded(translated.embedding(texts, model=deployment.litellm_model, **asked))


def _reached(deployment: Deployment, request: ProviderRequest) -> dict[str, Any]:
    return {
        "api_base": deployment.endpoint or None,
        "api_key": deployment.secret() or None,
        "timeout": request.timeout_at(deployment),
        "num_retries": 0,
    }


@contextmanager
def _asked_litellm() -> Iterator[None]:
    """An answer that litellm could not read is paid for too; what came of it, nobody knows."""
    try:
        yield
    except translated.Failed as failed:
        after = _retry_after({"retry-after": failed.retry_after})
        came = "" if failed.failure == "garbled" else None
        raise ProviderError(failed.failure, came=came, retry_after=after) from None
    except (KeyError, TypeError, IndexError, ValueError):
        raise ProviderError("garbled", came="") from None
