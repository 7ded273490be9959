"""What was decided on a use case and when, to be marked beside what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db.models import Q

from governance.approvals.models import Approval, ChangeRequest
from governance.audit.selectors import timeline_for
from governance.registry.models import UseCase
from governance.registry.registries import use_case_kinds

MOST = 40
SWITCHED = {"use_case.suspended": "suspended", "use_case.resumed": "resumed"}


@dataclass(frozen=True)
class DecisionPoint:
    on: date
    words: str


def decision_points(use_case: UseCase) -> list[DecisionPoint]:
    """Applied changes, ended approvals and the kill switch, by day; the last forty."""
    rests = Q(pk__in=[])
    for kind, one in use_case_kinds.items():
        rests |= Q(kind=kind, subject_id__in=one.subjects([use_case.pk]))
    applied = ChangeRequest.objects.filter(rests, state="applied", closed_at__isnull=False)
    ended = Approval.objects.filter(rests, state__in=["suspended", "revoked", "expired"])
    switched = timeline_for(use_case).filter(action__in=SWITCHED)
    points = [
        *(_point(at, title) for at, title in applied.values_list("closed_at", "title") if at),
        *(
            _point(at, f"Approval {state}: {title}")
            for at, state, title in ended.values_list("ended_at", "state", "change__title")
            if at is not None
        ),
        *(
            _point(at, SWITCHED[action].capitalize())
            for at, action in switched.values_list("at", "action")
        ),
    ]
    return sorted(points, key=lambda one: (one.on, one.words))[-MOST:]


def _point(at: datetime, words: str) -> DecisionPoint:
    return DecisionPoint(at.astimezone(UTC).date(), words)
