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
from types import ModuleType
from typing import Any
from uuid import uuid4


def completion(messages: list[dict[str, Any]], **asked: Any) -> Any:
    """litellm's answer to these messages, or its pieces where `stream` is asked for."""
    litellm = _library()
    asked["messages"] = messages
    # Its own record of a call also takes out of earlier calls of tools what another provider
    # put into their names.
    if not any(one.get("tool_calls") for one in messages):
        asked |= _record("completion", messages, asked)
    with _unlogged():
        return litellm.completion(**asked)


def embedding(texts: list[str], **asked: Any) -> Any:
    """litellm's vectors of these texts."""
    litellm = _library()
    with _unlogged():
        return litellm.embedding(input=texts, **asked, **_record("embedding", texts, asked))


def errors() -> ModuleType:
    """litellm's exceptions."""
    from litellm import exceptions

    return exceptions


@cache
def _library() -> Any:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
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

    return Silent
