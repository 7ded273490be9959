"""Ask the model: in the release's order, again where that is safe, each attempt under its hold."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction

from governance.kernel.terms import Oversight, RiskTier
from governance.model_cards.models import Deployment
from governance.model_cards.pricing import Usage
from governance.policy import tool_calls
from governance.policy.rules import effective_oversight
from prompts.gateway.context import VERDICT, Attempt, CallContext
from prompts.gateway.conversation import image_urls
from prompts.gateway.gate import End, Skipped
from prompts.gateway.noting import Noting
from prompts.gateway.providers import (
    ProviderError,
    ProviderRequest,
    ProviderResponse,
    complete,
    embed,
    estimated_usage,
    stream,
)
from prompts.gateway.refusals import BudgetExceeded, ProviderFailed, ProviderTimedOut, Refusal
from prompts.gateway.rules import (
    SHORTEST_ATTEMPT_SECONDS,
    TRIES_PER_DEPLOYMENT,
    Failure,
    may_try_again,
    pause_seconds,
)
from prompts.gateway.stages.admit import hold_attempt, make_room
from prompts.gateway.stages.limit import move_on, none_available, why_not
from prompts.gateway.waiting import BESIDE, elsewhere, pause, rest_connection
from telemetry.chargeback.holds import BudgetExceeded as NoRoom


@dataclass
class Asking:
    """How far the asking is: what failed until now, by the deployment's name."""

    failures: list[str] = field(default_factory=list)
    last: Failure | None = None
    was_asked: bool = False
    skipped: list[Skipped] = field(default_factory=list)


def invoke(context: CallContext) -> str:
    """The first usable answer; raises why none came when the deployments or the time are over."""
    started = time.perf_counter()
    asking = Asking()
    for index, deployment in enumerate(context.deployments):
        if context.seconds_left() < SHORTEST_ATTEMPT_SECONDS:
            asking.failures.append("no time was left for another")
            break
        if skipped := move_on(context, index):
            asking.failures.append(why_not(context.deployments, skipped))
            asking.skipped.append(skipped)
            continue
        response = tried(context, index, asking)
        if response is None:
            continue
        context.output = answer_of(context, response)
        context.latency_ms = round((time.perf_counter() - started) * 1000)
        note = f"{deployment.name} answered in {context.latency_ms} ms"
        if context.first_token_ms is not None:
            note += f", its first words after {context.first_token_ms}"
        return f"{note} after {'; '.join(asking.failures)}" if asking.failures else note
    raise _no_answer(context, asking)


def tried(context: CallContext, index: int, asking: Asking) -> ProviderResponse | None:
    """The answer of one deployment, asked again where that is safe and there is time for it."""
    has_next = index + 1 < len(context.deployments)
    for one_try in range(TRIES_PER_DEPLOYMENT):
        try:
            asking.was_asked = True
            return ask(context, index, context.messages)
        except ProviderError as error:
            asking.last = error.failure
            name = context.deployments[index].name
            asking.failures.append(f"{name}: {error.failure.replace('_', ' ')}")
            seconds = pause_seconds(one_try, random.random(), error.retry_after)  # noqa: S311  # jitter
            left = context.seconds_left()
            if one_try + 1 == TRIES_PER_DEPLOYMENT or not may_try_again(
                error.failure, seconds, left, has_next=has_next
            ):
                return None
            pause(seconds)
    return None


def _no_answer(context: CallContext, asking: Asking) -> Refusal:
    if not asking.was_asked:
        return none_available(context.deployments, tuple(asking.skipped))
    kind = ProviderTimedOut if asking.last == "timeout" else ProviderFailed
    return kind(
        f"No model answered ({'; '.join(asking.failures)}). "
        "Nothing was delivered; ask again later.",
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
        elsewhere(BESIDE, _hold, context, number, index, messages)
    request = _request(context, messages)
    rest_connection()
    heard: list[str] = []
    started = time.perf_counter()
    try:
        response = _asked(context, deployment, request, heard)
    except (ProviderError, Refusal) as error:
        failure = error.failure if isinstance(error, ProviderError) else ""
        _note_end(context, deployment, failure, started)
        # What had come by then is paid for. After a time-out the provider may bill too.
        usage = _usage_of_failed(request, heard, error)
        sent = replace(usage or Usage(), images=len(image_urls(messages)) if usage else 0)
        _keep(context, number, deployment, sent, is_billed=usage is not None)
        _note(context, number, deployment, started, failure or getattr(error, "code", ""))
        if heard and isinstance(error, ProviderError):
            raise ProviderFailed("The model broke off in the middle of its answer.") from None
        raise error
    _note_end(context, deployment, "", started)
    sent = replace(response.usage, images=len(image_urls(messages)))
    _keep(context, number, deployment, sent, is_billed=True)
    _note(context, number, deployment, started, "answered")
    context.is_cut, context.vectors = response.finish_reason == "length", response.vectors
    context.log_probabilities = response.log_probabilities
    return response


def _asked(
    context: CallContext, deployment: Deployment, request: ProviderRequest, heard: list[str]
) -> ProviderResponse:
    """Piece by piece where the pieces may leave; `heard` keeps those that came."""
    if context.request.inputs:
        return embed(deployment, request)
    listener = context.listener
    sent = replace(estimated_usage(request, ""), images=len(image_urls(request.messages)))
    noting = Noting(context, deployment, sent)
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

    Nobody looks at it first, no model judges it, and its contract takes any text.
    """
    use_case = context.known_use_case
    tier = RiskTier(use_case.tier or RiskTier.HIGH)
    oversight = effective_oversight(Oversight(use_case.oversight), tier)
    takes_any_text = context.contract.get("type", "text") == "text" and not context.contract.get(
        "max_chars"
    )
    may_leave = oversight == Oversight.NONE and not context.checks.may_keep_back
    return may_leave and takes_any_text


def _note(
    context: CallContext, number: int, deployment: Deployment, started: float, outcome: str
) -> None:
    """The attempt on the stage that made it, for the page of the call."""
    took_ms = round((time.perf_counter() - started) * 1000)
    noted = {
        "number": number,
        "deployment": deployment.slug,
        "outcome": outcome,
        "started_ms": context.since_received_ms(started),
        "took_ms": took_ms,
    }
    context.trail[-1].setdefault("attempts", []).append(noted)


def _usage_of_failed(
    request: ProviderRequest, heard: list[str], error: ProviderError | Refusal
) -> Usage | None:
    """What an answer costs that nobody can use; None where none had begun."""
    came = "".join(heard) if heard else getattr(error, "came", None)
    if came is None:
        return None
    return getattr(error, "usage", None) or estimated_usage(request, came)


def _note_end(context: CallContext, deployment: Deployment, failure: str, started: float) -> None:
    took = round((time.perf_counter() - started) * 1000)
    context.held.ends.append(End(deployment.pk, failure, took))


def _hold(context: CallContext, number: int, index: int, messages: list[dict[str, Any]]) -> None:
    try:
        with transaction.atomic():
            make_room(context)
            hold_attempt(context, context.known_call, number, index, messages=messages)
    except NoRoom as exceeded:
        raise BudgetExceeded(exceeded.message) from None


def _keep(
    context: CallContext, number: int, deployment: Deployment, usage: Usage, *, is_billed: bool
) -> None:
    prices = context.prices[deployment.pk]
    made = Attempt(number, deployment, prices, usage, is_billed, context.purpose)
    context.attempts.append(made)


def _request(context: CallContext, messages: list[dict[str, Any]]) -> ProviderRequest:
    asked = context.asked
    return ProviderRequest(
        messages,
        asked.max_tokens,
        asked.parameters | _told_beside(context),
        response_format(context.contract),
        asked.tools,
        max(SHORTEST_ATTEMPT_SECONDS, context.seconds_left()),
    )


def _told_beside(context: CallContext) -> dict[str, Any]:
    """How likely each token was, where the release wants to know."""
    wants = context.checks.token_probabilities and context.purpose != VERDICT
    return {"logprobs": True} if wants and not context.request.inputs else {}


def response_format(contract: dict[str, object]) -> dict[str, object] | None:
    """OpenAI's response format for a JSON contract."""
    if contract.get("type") != "json_schema":
        return None
    schema = {"name": "answer", "strict": True, "schema": contract["schema"]}
    return {"type": "json_schema", "json_schema": schema}
