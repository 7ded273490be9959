"""The checklists in an audit pack: who did what, what shows it, and who let what wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Q

from governance.audit.registries import EvidenceSection, PackScope
from governance.registry.models import ChecklistItem

COLUMNS = (
    "use_case",
    "phase",
    "item",
    "stage",
    "owner",
    "done_at",
    "done_by",
    "evidence",
    "link",
    "waived_by",
    "waived_until",
    "waiver_reason",
)


def checklist_rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    """Items that were open or done in the period, with their waivers."""
    items = ChecklistItem.objects.select_related("use_case", "owner", "done_by", "waived_by")
    found = items.filter(
        Q(done_at=None) | Q(done_at__gte=scope.starts_at),
        use_case__created_at__lt=scope.ends_at,
    )
    if scope.team_id is not None:
        found = found.filter(use_case__team_id=scope.team_id)
    for one in found.order_by("use_case__slug", "pk").iterator():
        yield {
            "use_case": one.use_case.slug,
            "phase": one.phase,
            "item": one.text,
            "stage": one.stage,
            "owner": one.owner.email if one.owner else "",
            "done_at": one.done_at.isoformat() if one.done_at else "",
            "done_by": one.done_by.email if one.done_by else "",
            "evidence": one.evidence,
            "link": one.evidence_link,
            "waived_by": one.waived_by.email if one.waived_by else "",
            "waived_until": one.waived_until.isoformat() if one.waived_until else "",
            "waiver_reason": one.waiver_reason,
        }


CHECKLIST = EvidenceSection(
    "checklist", "Checklist", COLUMNS, checklist_rows, counted_by=("phase", "stage")
)
