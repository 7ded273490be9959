"""What a use case's retirement takes with it: releases, their approvals, and requests for more."""

from __future__ import annotations

from datetime import datetime

from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.registries import Consequence
from governance.approvals.standing import end_approval
from governance.approvals.withdrawing import withdraw_undecided
from governance.registry.models import UseCase
from governance.registry.registries import Retirement
from governance.registry.retiring import SYSTEM
from prompts.releases import services
from prompts.releases.models import Release

KIND = "prompt_release"


def _prompts(use_case: UseCase) -> list[int]:
    return list(use_case.prompts.values_list("pk", flat=True))


def count(use_case: UseCase, now: datetime) -> list[Consequence]:
    """Running releases, and requests that are undecided."""
    running = Release.objects.filter(use_case=use_case, ended_at=None).count()
    undecided = ChangeRequest.objects.undecided().filter(
        kind=KIND, subject_id__in=_prompts(use_case)
    )
    return [Consequence("release", running), Consequence("open change", undecided.count())]


def carry_out(use_case: UseCase, reason: str, now: datetime) -> None:
    """Requests first: one that is being granted meanwhile ends as a release below."""
    prompts = _prompts(use_case)
    withdraw_undecided(kind=KIND, subject_ids=prompts, reason=reason, now=now)
    standing = Approval.objects.unended().filter(kind=KIND, subject_id__in=prompts)
    for pk in standing.order_by("pk").values_list("pk", flat=True):
        end_approval(actor=SYSTEM, approval_id=pk, action="revoke", reason=reason, now=now)
    services.end_running(use_case=use_case, actor=SYSTEM, reason=reason, now=now)


RELEASES = Retirement(count, carry_out)
