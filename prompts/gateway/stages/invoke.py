"""Ask the model: in the release's order, again where that is safe, each attempt under its hold."""

from __future__ import annotations

import random
import time
from typing import Any

from django.db import connection, transaction

from governance.kernel.terms import Oversight, RiskTier
from governance.model_cards.models import Deployment
from governance.model_cards.pricing import Usage
from governance.policy import tool_calls
from governance.policy.rules import effective_oversight, obligations
from prompts.gateway.context import Attempt, CallContext
from prompts.gateway.noting import Noting
from prompts.gateway.providers import (
    RETRYABLE,
    ProviderError,
    ProviderRequest,
    ProviderResponse,
    complete,
    embed,
    estimated_usage,
    stream,
)
from prompts.gateway.refusals import BudgetExceeded, ProviderFailed, ProviderTimedOut, Refusal
from prompts.gateway.stages.admit import hold_attempt
from telemetry.chargeback.holds import BudgetExceeded as NoRoom

TRIES_PER_DEPLOYMENT = 2
FIRST_PAUSE_SECONDS = 0.2


def invoke(context: CallContext) -> str:
    """The first usable answer, or ProviderTimedOut / ProviderFailed when none came."""
    started = time.perf_counter()
    failures: list[str] = []
    for index, deployment in enumerate(context.deployments):
        for one_try in range(TRIES_PER_DEPLOYMENT):
            try:
                response = ask(context, index, context.messages)
            except ProviderError as error:
                failures.append(f"{deployment.name}: {error.failure.replace('_', ' ')}")
                if error.failure not in RETRYABLE:
                    break
                time.sleep(FIRST_PAUSE_SECONDS * 2**one_try * random.uniform(0.5, 1.5))  # noqa: S311  # jitter
                continue
            context.output = answer_of(context, response)
            context.latency_ms = round((time.perf_counter() - started) * 1000)
            note = f"{deployment.name} answered in {context.latency_ms} ms"
            if context.first_token_ms is not None:
                note += f", its first words after {context.first_token_ms}"
            return f"{note} after {'; '.join(failures)}" if failures else note
    timed_out = bool(failures) and failures[-1].endswith("timeout")
    refusal = ProviderTimedOut if timed_out else ProviderFailed
    raise refusal(
        f"No model answered ({'; '.join(failures)}). Nothing was delivered; ask again later.",
        retry_after_seconds=10,
    )


def answer_of(context: CallContext, response: ProviderResponse) -> str:
    """The text to screen and keep: calls of tools are written down where the contract has them."""
    if context.asked.tools is None:
        return response.text
    return tool_calls.written(context.contract, response.text, list(response.tool_calls))


def ask(context: CallContext, index: int, messages: list[dict[str, Any]]) -> ProviderResponse:
    """One attempt with a hold of its own, kept as billed or not for settle."""
    deployment = context.deployments[index]
    number = len(context.attempts) + 1
    if number > context.held_attempts:
        _hold(context, number, index, messages)
    request = _request(context, messages)
    rest_connection()
    heard: list[str] = []
    clock = time.perf_counter()
    try:
        response = _asked(context, deployment, request, heard)
    except (ProviderError, Refusal) as error:
        # What had come by then is paid for. After a time-out the provider may bill too.
        usage = estimated_usage(request, "".join(heard)) if heard else Usage()
        _keep(context, number, deployment, usage, is_billed=bool(heard))
        failure = error.failure if isinstance(error, ProviderError) else error.code
        _note(context, number, deployment, clock, failure)
        if heard and isinstance(error, ProviderError):
            raise ProviderFailed("The model broke off in the middle of its answer.") from None
        raise error
    _keep(context, number, deployment, response.usage, is_billed=True)
    _note(context, number, deployment, clock, "answered")
    context.is_cut, context.vectors = response.finish_reason == "length", response.vectors
    return response


def _note(
    context: CallContext, number: int, deployment: Deployment, clock: float, outcome: str
) -> None:
    """The attempt on the stage that made it, for the call's page."""
    took_ms = round((time.perf_counter() - clock) * 1000)
    noted = {
        "number": number,
        "deployment": deployment.slug,
        "outcome": outcome,
        "started_ms": context.since_received_ms(clock),
        "took_ms": took_ms,
    }
    context.trail[-1].setdefault("attempts", []).append(noted)


def _asked(
    context: CallContext, deployment: Deployment, request: ProviderRequest, heard: list[str]
) -> ProviderResponse:
    """Piece by piece where the pieces may leave; `heard` keeps those that came."""
    if context.request.inputs:
        return embed(deployment, request)
    listener = context.listener
    noting = Noting(context, deployment, estimated_usage(request, "").input)
    if listener is None or not leaves_in_pieces(context):
        return complete(deployment, request)
    started = time.perf_counter()

    def hear(text: str) -> None:
        if not heard:
            context.first_token_ms = round((time.perf_counter() - started) * 1000)
        heard.append(text)
        listener(context, text)
        noting.hear(text)

    return stream(deployment, request, hear)


def leaves_in_pieces(context: CallContext) -> bool:
    """Whether nothing can keep the answer back once it has begun.

    Nobody looks at it first, its contract takes any text, and no placeholder is to be put
    back into it.
    """
    use_case = context.known_use_case
    tier = RiskTier(use_case.tier or RiskTier.HIGH)
    oversight = effective_oversight(Oversight(use_case.oversight), tier)
    takes_any_text = context.contract.get("type", "text") == "text" and not context.contract.get(
        "max_chars"
    )
    restores = obligations(context.sensitivity, tier).restore_placeholders
    return oversight == Oversight.NONE and takes_any_text and not restores


def rest_connection() -> None:
    """Nothing of the database is kept while a provider thinks."""
    if not connection.in_atomic_block:
        connection.close()


def _hold(context: CallContext, number: int, index: int, messages: list[dict[str, Any]]) -> None:
    try:
        with transaction.atomic():
            hold_attempt(context, context.known_call, number, index, messages=messages)
    except NoRoom as exceeded:
        raise BudgetExceeded(exceeded.message) from None


def _keep(
    context: CallContext, number: int, deployment: Deployment, usage: Usage, *, is_billed: bool
) -> None:
    prices = context.prices[deployment.pk]
    context.attempts.append(Attempt(number, deployment, prices, usage, is_billed))


def _request(context: CallContext, messages: list[dict[str, Any]]) -> ProviderRequest:
    asked = context.asked
    return ProviderRequest(
        messages,
        asked.max_tokens,
        asked.parameters,
        response_format(context.contract),
        asked.tools,
    )


def response_format(contract: dict[str, object]) -> dict[str, object] | None:
    """OpenAI's response format for a JSON contract."""
    if contract.get("type") != "json_schema":
        return None
    schema = {"name": "answer", "strict": True, "schema": contract["schema"]}
    return {"type": "json_schema", "json_schema": schema}
