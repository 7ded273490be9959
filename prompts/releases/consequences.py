"""What stops when an approval does: releases that run, and the calls that depend on it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.urls import reverse

from governance.approvals.models import Approval
from governance.approvals.registries import Consequence
from governance.model_cards.models import Deployment
from prompts.releases.models import Release
from telemetry.ledger.models import Call

LOOKS_BACK = timedelta(days=7)


def releases_and_calls(approval: Approval, now: datetime) -> list[Consequence]:
    """Running releases under it, and live calls of the last seven days that it let through."""
    releases, calls = _depending(approval)
    if releases is None or calls is None:
        return []
    recent = calls.filter(source="live", admitted_at__gt=now - LOOKS_BACK)
    return [
        Consequence("running releases", releases.filter(ended_at=None).count()),
        Consequence("calls in the last 7 days", recent.count(), reverse("ledger:list")),
    ]


def _depending(
    approval: Approval,
) -> tuple[QuerySet[Release] | None, QuerySet[Call] | None]:
    subject_id = approval.subject_id
    if approval.kind == "prompt_release":
        releases = Release.objects.filter(approval=approval)
        return releases, Call.objects.filter(release_id__in=releases.values("pk"))
    if approval.kind == "use_case_stage":
        calls = Call.objects.filter(use_case_id=subject_id)
        return Release.objects.filter(use_case_id=subject_id), calls
    if approval.kind == "deployment":
        return _through([subject_id])
    if approval.kind == "model_card":
        cards = Deployment.objects.filter(card_id=subject_id)
        return _through(list(cards.values_list("pk", flat=True)))
    return None, None


def _through(deployment_ids: list[int]) -> tuple[QuerySet[Release], QuerySet[Call]]:
    named = Q(pk__in=[])
    for one in deployment_ids:
        named |= Q(deployment_ids__contains=[one])
    calls = Call.objects.filter(deployment_id__in=deployment_ids)
    return Release.objects.filter(named), calls
