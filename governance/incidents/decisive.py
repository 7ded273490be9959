"""Open incidents of the use case that a change is about, as evidence of its decision."""

from __future__ import annotations

from django.db.models import Model
from django.urls import reverse

from governance.approvals.evidence_rules import Worse
from governance.approvals.registries import Evidence
from governance.incidents.models import Incident
from governance.incidents.rules import OVER, SEVERITIES
from governance.registry.decisive import use_case_of


def incident_evidence(subject: Model) -> list[Evidence]:
    """A new one is worse, and so is a higher severity; titles are for who may see incidents."""
    use_case = use_case_of(subject)
    if use_case is None:
        return []
    found = Incident.objects.filter(use_case=use_case).exclude(state__in=OVER).order_by("pk")
    severities = dict(found.values_list("pk", "severity"))
    words = ", ".join(f"incident {pk} ({severity})" for pk, severity in severities.items())
    ranks = [SEVERITIES.index(severity) + 1 for severity in severities.values()]
    return [
        Evidence(
            "Open incidents",
            words or "none",
            words or "none",
            url=reverse("incidents:list"),
            key="incidents",
            worse=Worse.HIGHER,
            grade=max(ranks, default=0),
            members=tuple(str(pk) for pk in severities),
        )
    ]
