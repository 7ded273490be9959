"""A version that is tried by evaluation before anybody released it: all gates but the release's.

Only the evaluation app asks for one, for a person who may make calls of the use case. The use
case's approval and switch, the deployment's card and ceiling, prices, budgets, screens and the
ledger hold as for every call. What the model says is scored and goes to nobody. It is judged as
its release would have it judged, so that a run shows the verdicts before anybody waits for them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from governance.kernel.terms import Environment
from governance.model_cards.models import Price
from governance.model_cards.selectors import callable_deployments
from prompts.catalogue.models import PromptVersion
from prompts.gateway.context import CallContext
from prompts.gateway.refusals import NoApprovedRelease
from prompts.releases.checks import checks_of
from prompts.releases.models import Release


def release_of_trial(context: CallContext) -> Release:
    """A release that stands nowhere, for this call alone; what governs it with its deployment."""
    trial = context.request.trial
    if trial is None:
        raise RuntimeError("This is no trial.")
    use_case = context.known_use_case
    version = (
        PromptVersion.objects.select_related("prompt")
        .filter(pk=trial.version_id, prompt__use_case=use_case)
        .first()
    )
    if version is None:
        raise NoApprovedRelease("This version is none of the use case's.")
    ids = [trial.deployment_id]
    checks = _checks_of(version, context.received_at)
    asked = [*ids, *filter(None, [checks_of(checks).judge])]
    prices: dict[int, list[Price]] = {one: [] for one in asked}
    for price in Price.objects.filter(deployment__in=asked):
        prices[price.deployment_id].append(price)
    context.governing = replace(
        context.known_governing,
        deployments={one.pk: one for one in callable_deployments(asked)},
        prices={one: tuple(found) for one, found in prices.items()},
    )
    return Release(
        prompt=version.prompt,
        version=version,
        use_case=use_case,
        environment=Environment.STAGING,
        deployment_ids=ids,
        digest=version.content_hash,
        checks=checks,
        starts_at=context.received_at,
    )


def _checks_of(version: PromptVersion, now: datetime) -> dict[str, Any]:
    """What its release in force asks beside the answer; of a version without one, the prompt's:
    a new version is compared with the live one under the same judge."""
    running = Release.objects.running(now).filter(prompt=version.prompt_id)
    found = sorted(
        running.values_list("version", "environment", "pk", "checks"),
        key=lambda one: (one[0] == version.pk, one[1] == Environment.PRODUCTION, one[2]),
    )
    checks: dict[str, Any] = found[-1][-1] if found else {}
    return checks
