"""Ask the model: in the release's order, again where that is safe, each attempt under its hold."""

from __future__ import annotations

import random
import time

from django.db import transaction

from governance.model_cards.models import Deployment
from governance.model_cards.pricing import Usage
from prompts.gateway.context import Attempt, CallContext
from prompts.gateway.providers import (
    RETRYABLE,
    ProviderError,
    ProviderRequest,
    ProviderResponse,
    complete,
)
from prompts.gateway.refusals import BudgetExceeded, ProviderFailed, ProviderTimedOut
from prompts.gateway.stages.admit import hold_attempt
from telemetry.chargeback import services as chargeback

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
            context.output = response.text
            context.latency_ms = round((time.perf_counter() - started) * 1000)
            note = f"{deployment.name} answered in {context.latency_ms} ms"
            return f"{note} after {'; '.join(failures)}" if failures else note
    timed_out = bool(failures) and failures[-1].endswith("timeout")
    refusal = ProviderTimedOut if timed_out else ProviderFailed
    raise refusal(
        f"No model answered ({'; '.join(failures)}). Nothing was delivered; ask again later.",
        retry_after_seconds=10,
    )


def ask(context: CallContext, index: int, messages: list[dict[str, str]]) -> ProviderResponse:
    """One attempt with a hold of its own, kept as billed or not for settle."""
    deployment = context.deployments[index]
    number = len(context.attempts) + 1
    if number > context.held_attempts:
        _hold(context, number, index)
    try:
        response = complete(deployment, _request(context, messages))
    except ProviderError as error:
        # After a time-out the provider may have worked and will bill; others did not.
        _keep(context, number, deployment, Usage(), is_billed=False)
        raise error
    _keep(context, number, deployment, response.usage, is_billed=True)
    return response


def _hold(context: CallContext, number: int, index: int) -> None:
    try:
        with transaction.atomic():
            hold_attempt(context, context.known_call, number, index)
    except chargeback.BudgetExceeded as exceeded:
        raise BudgetExceeded(exceeded.message) from None


def _keep(
    context: CallContext, number: int, deployment: Deployment, usage: Usage, *, is_billed: bool
) -> None:
    prices = context.prices[deployment.pk]
    context.attempts.append(Attempt(number, deployment, prices, usage, is_billed))


def _request(context: CallContext, messages: list[dict[str, str]]) -> ProviderRequest:
    version = context.known_release.version
    parameters = {name: value for name, value in version.parameters.items() if name != "max_tokens"}
    return ProviderRequest(
        messages, context.max_tokens, parameters, response_format(context.contract)
    )


def response_format(contract: dict[str, object]) -> dict[str, object] | None:
    """OpenAI's response format for a JSON contract."""
    if contract.get("type") != "json_schema":
        return None
    schema = {"name": "answer", "strict": True, "schema": contract["schema"]}
    return {"type": "json_schema", "json_schema": schema}
