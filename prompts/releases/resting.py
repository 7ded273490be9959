"""How releases rest on use cases, for what a rule stops."""

from __future__ import annotations

from governance.kernel.terms import Sensitivity
from governance.model_cards.models import Deployment
from governance.registry.registries import UseCaseKind
from prompts.catalogue.models import Prompt
from prompts.releases.models import Release


def _prompts(use_case_ids: list[int]) -> list[int]:
    return list(Prompt.objects.filter(use_case_id__in=use_case_ids).values_list("pk", flat=True))


def _use_cases(prompt_ids: list[int]) -> dict[int, int]:
    return dict(Prompt.objects.filter(pk__in=prompt_ids).values_list("pk", "use_case_id"))


def _unfit(use_case_ids: list[int], sensitivity: str, states: tuple[str, ...]) -> set[int]:
    """Approvals of releases on a deployment that may not see this sensitivity."""
    below = [one for one in Sensitivity if not one.permits(Sensitivity(sensitivity))]
    lower = set(
        Deployment.objects.filter(sensitivity_ceiling__in=below).values_list("pk", flat=True)
    )
    releases = Release.objects.filter(use_case_id__in=use_case_ids, approval__state__in=states)
    return {
        approval_id
        for approval_id, deployments in releases.values_list("approval_id", "deployment_ids")
        if lower & set(deployments)
    }


RELEASES = UseCaseKind(subjects=_prompts, use_cases=_use_cases, unfit=_unfit)
