"""litellm's own functions, for providers whose protocol is not OpenAI's. Imported here alone.

litellm keeps a record of every call: it prices it, and hands question and answer to a thread that
logs them. The ledger is ours, and a body goes into no log, so the record that it is given here
reckons nothing and tells nobody; that is also nearly half of what a call by it costs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import uuid4

import structlog

from prompts.gateway.rules import Failure
from prompts.gateway.waiting import LONG, awaited, elsewhere, is_in_loop

log = structlog.get_logger("placet.gateway")
# Providers that litellm asks by its own HTTP client with a key alone. Others may fetch credentials
# before, which blocks; they have a thread.
ASKED_IN_LOOP = frozenset(
    {
        "anthropic",
        "deepseek",
        "fireworks_ai",
        "hosted_vllm",
        "mistral",
        "openrouter",
        "together_ai",
    }
)


class Failed(Exception):
    """The provider did not answer usably; `retry_after` is its header of that name, if it has one."""

    def __init__(self, failure: Failure, retry_after: str = "") -> None:
        super().__init__(failure)
        self.failure: Failure = failure
        self.retry_after = retry_after


def completion(messages: list[dict[str, Any]], **asked: Any) -> dict[str, Any]:
    """What litellm makes of the answer, in OpenAI's shape. Raises Failed."""
    if not is_in_loop():
        return _completed(messages, asked)
    if asked["model"].partition("/")[0] in ASKED_IN_LOOP:
        return awaited(_completed_in_loop(messages, asked))
    return elsewhere(LONG, _completed, messages, asked)


def _completed(messages: list[dict[str, Any]], asked: dict[str, Any]) -> dict[str, Any]:
    with _asked():
        return dict(_completion(messages, asked).model_dump())


async def _completed_in_loop(
    messages: list[dict[str, Any]], asked: dict[str, Any]
) -> dict[str, Any]:
    with _asked():
        answer = await _completion(messages, asked | {"acompletion": True})
        return dict(answer.model_dump())


def pieces(messages: list[dict[str, Any]], **asked: Any) -> Iterator[dict[str, Any]]:
    """The answer as it comes, with its usage in the last piece. Raises Failed."""
    asked |= {"stream": True, "stream_options": {"include_usage": True}}
    with _asked():
        for piece in _completion(messages, asked):
            yield piece.model_dump()


def embedding(texts: list[str], **asked: Any) -> dict[str, Any]:
    """Vectors of these texts, in OpenAI's shape. Raises Failed."""
    litellm = library()
    with _asked(), _unlogged():
        record = _record("embedding", texts, asked)
        return dict(litellm.embedding(input=texts, **asked, **record).model_dump())


def _completion(messages: list[dict[str, Any]], asked: dict[str, Any]) -> Any:
    litellm = library()
    # Its own record of a call also takes out of earlier calls of tools what another provider
    # put into their names.
    if not any(one.get("tool_calls") for one in messages):
        asked = asked | _record("completion", messages, asked)
    with _unlogged():
        # Looking whether a tool is a server's of its own would want a package that is not here.
        return litellm.completion(messages=messages, _skip_mcp_handler=True, **asked)


@contextmanager
def _asked() -> Iterator[None]:
    """litellm's exceptions in our words; each of them has the status that it stands for."""
    errors = library().exceptions
    try:
        yield
    except errors.Timeout:
        raise Failed("timeout") from None
    except errors.MidStreamFallbackError:
        raise Failed("broken_off") from None
    except Exception as raised:
        status = getattr(raised, "status_code", None)
        if not isinstance(status, int):
            # Of what kind it is, and no more: its words may be the answer's.
            log.warning("litellm failed", kind=type(raised).__name__)
            raise Failed("garbled") from None
        raise Failed(_failure_of(status), _headers_of(raised).get("retry-after", "")) from None


def _headers_of(raised: Exception) -> Any:
    """Those of the provider's reply; in the loop litellm raises what it has not named yet."""
    told = getattr(raised, "litellm_response_headers", None)
    return told or getattr(raised, "headers", None) or {}


def _failure_of(status: int) -> Failure:
    if status == 429:
        return "rate_limited"
    if status >= 500:
        return "unavailable"
    return "rejected" if status >= 400 else "garbled"


@cache
def library() -> Any:
    """litellm; to import it takes seconds."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    # Else each piece of a stream is logged by an event loop of its own.
    litellm.disable_streaming_logging = True
    litellm.turn_off_message_logging = True
    return litellm


@contextmanager
def _unlogged() -> Iterator[None]:
    """As litellm asks within a call of its own: nothing of it goes to the thread that logs."""
    from litellm._internal_context import is_internal_call

    before = is_internal_call.set(True)
    try:
        yield
    finally:
        is_internal_call.reset(before)


def _record(kind: str, said: Any, asked: dict[str, Any]) -> dict[str, Any]:
    call_id = str(uuid4())
    record = _silent()(
        model=asked["model"],
        messages=said,
        stream=bool(asked.get("stream")),
        call_type=kind,
        # litellm reckons with local times without a zone.
        start_time=datetime.now(UTC).astimezone().replace(tzinfo=None),
        litellm_call_id=call_id,
        function_id="",
        kwargs={},
        supports_correlation_logging=False,
    )
    # Without it a stream's usage would be taken for nothing that was asked for.
    record.stream_options = asked.get("stream_options")
    return {"litellm_call_id": call_id, "litellm_logging_obj": record}


@cache
def _silent() -> Any:
    from litellm.litellm_core_utils.litellm_logging import Logging

    class Silent(Logging):
        """The record of a call that reckons nothing and tells nobody."""

        def response_cost_calculator(self, *args: Any, **more: Any) -> None:
            """Costs come from approved prices."""

        def success_handler(self, *args: Any, **more: Any) -> None:
            """Nobody is told."""

        def failure_handler(self, *args: Any, **more: Any) -> None:
            """Nobody is told."""

        async def async_success_handler(self, *args: Any, **more: Any) -> None:
            """Nobody is told."""

        async def async_failure_handler(self, *args: Any, **more: Any) -> None:
            """Nobody is told."""

    return Silent
