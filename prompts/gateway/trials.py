"""A version that is tried by evaluation before anybody released it: all gates but the release's.

Only the evaluation app asks for one, for a person who may make calls of the use case. The use
case's approval and switch, the deployment's card and ceiling, prices, budgets, screens and the
ledger hold as for every call. What the model says is scored and goes to nobody.
"""

from __future__ import annotations

from dataclasses import replace

from governance.kernel.terms import Environment
from governance.model_cards.models import Price
from governance.model_cards.selectors import callable_deployments
from prompts.catalogue.models import PromptVersion
from prompts.gateway.context import CallContext
from prompts.gateway.refusals import NoApprovedRelease
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
    governing = context.known_governing
    prices = tuple(Price.objects.filter(deployment__in=ids))
    context.governing = replace(
        governing,
        deployments={one.pk: one for one in callable_deployments(ids)},
        prices={trial.deployment_id: prices},
    )
    return Release(
        prompt=version.prompt,
        version=version,
        use_case=use_case,
        environment=Environment.STAGING,
        deployment_ids=ids,
        digest=version.content_hash,
        starts_at=context.received_at,
    )
