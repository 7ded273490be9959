"""The two ways to a model behind one small interface. litellm is imported here and nowhere else.

Deployments that speak OpenAI's protocol at an address of their own are called over one
pooled client; every other provider goes through litellm's completion function, with its
callbacks, telemetry and remote look-ups off.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import httpx
from django.conf import settings

from governance.model_cards.models import Deployment
from governance.model_cards.pricing import Usage

Failure = Literal["timeout", "rate_limited", "unavailable", "rejected", "garbled"]
RETRYABLE = frozenset({"rate_limited", "unavailable"})
MOST_ANSWER_BYTES = 4_000_000


@dataclass(frozen=True)
class ProviderRequest:
    """What a provider is asked. `response_format` is OpenAI's, or None."""

    messages: list[dict[str, str]]
    max_tokens: int
    parameters: dict[str, Any]
    response_format: dict[str, Any] | None = None


@dataclass(frozen=True)
class ProviderResponse:
    """Text and usage as the provider reports them."""

    text: str
    usage: Usage
    finish_reason: str


class ProviderError(Exception):
    """The provider did not answer usably; `failure` says how, without its words."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure: Failure = failure


def complete(deployment: Deployment, request: ProviderRequest) -> ProviderResponse:
    """Ask once. Raises ProviderError."""
    address = deployment.endpoint
    if deployment.hosting == "embedded" and not address:
        address = settings.PLACET_MODEL_URL
        if not address:
            raise ProviderError("unavailable")
    if address and deployment.litellm_model.startswith("openai/"):
        return _direct(deployment, address, request)
    return _through_litellm(deployment, request)


@cache
def _client() -> httpx.Client:
    return httpx.Client(limits=httpx.Limits(max_connections=100), trust_env=False)


def _body(request: ProviderRequest, model: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": model,
        "messages": request.messages,
        "max_tokens": request.max_tokens,
        **{name: float(value) for name, value in request.parameters.items()},
    }
    if request.response_format:
        body["response_format"] = request.response_format
    return body


def _direct(deployment: Deployment, address: str, request: ProviderRequest) -> ProviderResponse:
    headers = {"authorization": f"Bearer {deployment.secret() or 'none'}"}
    model = deployment.litellm_model.removeprefix("openai/")
    try:
        reply = _client().post(
            f"{address.rstrip('/')}/chat/completions",
            json=_body(request, model),
            headers=headers,
            timeout=deployment.timeout_seconds,
        )
    except httpx.TimeoutException:
        raise ProviderError("timeout") from None
    except httpx.HTTPError:
        raise ProviderError("unavailable") from None
    if reply.status_code == 429:
        raise ProviderError("rate_limited")
    if reply.status_code >= 500:
        raise ProviderError("unavailable")
    if reply.status_code >= 400:
        raise ProviderError("rejected")
    return _parsed(reply)


def _parsed(reply: httpx.Response) -> ProviderResponse:
    if len(reply.content) > MOST_ANSWER_BYTES:
        raise ProviderError("garbled")
    try:
        return _response_of(reply.json())
    except (ValueError, KeyError, TypeError, IndexError):
        raise ProviderError("garbled") from None


def _response_of(body: dict[str, Any]) -> ProviderResponse:
    choice, usage = body["choices"][0], body["usage"]
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return ProviderResponse(
        text=choice["message"].get("content") or "",
        usage=Usage(int(usage["prompt_tokens"]), int(cached), int(usage["completion_tokens"])),
        finish_reason=choice.get("finish_reason") or "stop",
    )


def _through_litellm(deployment: Deployment, request: ProviderRequest) -> ProviderResponse:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm
    from litellm import exceptions as errors

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    try:
        reply = litellm.completion(
            **_body(request, deployment.litellm_model),
            api_base=deployment.endpoint or None,
            api_key=deployment.secret() or None,
            timeout=deployment.timeout_seconds,
            num_retries=0,
        )
        return _response_of(reply.model_dump())
    except errors.Timeout:
        raise ProviderError("timeout") from None
    except errors.RateLimitError:
        raise ProviderError("rate_limited") from None
    except (errors.BadRequestError, errors.AuthenticationError, errors.NotFoundError):
        raise ProviderError("rejected") from None
    except (errors.APIError, errors.APIConnectionError):
        raise ProviderError("unavailable") from None
    except (KeyError, TypeError, IndexError):
        raise ProviderError("garbled") from None
