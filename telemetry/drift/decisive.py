"""Whether the use case that a change is about drifts, as evidence of its decision."""

from __future__ import annotations

from django.db.models import Model
from django.urls import reverse

from governance.approvals.evidence_rules import Worse
from governance.approvals.registries import Evidence
from governance.registry.decisive import use_case_of
from telemetry.drift.models import DriftMonitor
from telemetry.drift.rules import CheckState


def drift_evidence(subject: Model) -> list[Evidence]:
    """What drifted by the last check of each monitor that is on; one more is worse."""
    use_case = use_case_of(subject)
    if use_case is None:
        return []
    watched = DriftMonitor.objects.filter(use_case=use_case, is_enabled=True).with_last_check()
    monitors = list(watched.order_by("pk"))
    if not monitors:
        return []
    drifting = [one for one in monitors if getattr(one, "last_state", "") == CheckState.DRIFT]
    words = ", ".join(one.title for one in drifting) or "none"
    return [
        Evidence(
            "Drift",
            words,
            words,
            url=reverse("drift:list"),
            key="drift",
            worse=Worse.HIGHER,
            grade=len(drifting),
            members=tuple(str(one.pk) for one in drifting),
        )
    ]
