"""How the stages of use cases rest on them, for what a rule stops."""

from __future__ import annotations

from governance.approvals.models import Approval
from governance.kernel.terms import Sensitivity
from governance.registry.models import UseCase
from governance.registry.registries import UseCaseKind


def _same(use_case_ids: list[int]) -> list[int]:
    return list(use_case_ids)


def _own(subject_ids: list[int]) -> dict[int, int]:
    return {one: one for one in subject_ids}


def _unfit(use_case_ids: list[int], sensitivity: str, states: tuple[str, ...]) -> set[int]:
    """Approvals of use cases that say less than this sensitivity."""
    below = [one for one in Sensitivity if not one.permits(Sensitivity(sensitivity))]
    less = UseCase.objects.filter(pk__in=use_case_ids, sensitivity__in=below)
    standing = Approval.objects.filter(
        kind="use_case_stage", state__in=states, subject_id__in=less.values("pk")
    )
    return set(standing.values_list("pk", flat=True))


STAGES = UseCaseKind(subjects=_same, use_cases=_own, unfit=_unfit)
