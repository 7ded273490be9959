"""What corrections plug into the shell, the audit log and the packs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from governance.audit.registries import EvidenceSection, PackScope, audit_actions, evidence_sections
from governance.home.registries import NavigationItem, navigation
from governance.kernel.registries import transition_tables
from prompts.corrections.models import CorrectionExport
from prompts.corrections.rules import EXPORT_STATES
from prompts.corrections.selectors import MAY_SEE

transition_tables.add("CorrectionExport.state", EXPORT_STATES)
for action, sentence in {
    "correction_export.requested": "{actor} asked for {subject} of corrections",
    "correction_export.ready": "{actor} finished {subject} of corrections",
    "correction_export.cancelled": "{actor} cancelled {subject} of corrections",
    "correction_export.downloaded": "{actor} downloaded {subject} of corrections",
}.items():
    audit_actions.add(action, sentence)

navigation.add(
    "corrections",
    NavigationItem("Build", "Corrections", "corrections:list", "pencil-line", MAY_SEE, 12),
)

COLUMNS = ("id", "kind", "person", "state", "wanted", "decisions", "lines", "left_out", "at")


def _rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    """Exports of the period; they cross teams, so a pack of one team holds none."""
    found = CorrectionExport.objects.filter(
        requested_at__gte=scope.starts_at, requested_at__lt=scope.ends_at
    )
    if scope.team_id:
        return
    for one in found.select_related("requested_by").order_by("pk").iterator(500):
        included = one.included()
        yield {
            "id": str(one.pk),
            "kind": one.kind,
            "person": one.requested_by.email,
            "state": one.state,
            "wanted": ", ".join(f"{name} {value}" for name, value in one.wanted.items() if value),
            "decisions": one.done,
            "lines": included,
            "left_out": one.done - included,
            "at": one.requested_at,
        }


evidence_sections.add(
    "correction_exports",
    EvidenceSection(
        "correction_exports",
        "Exports of corrections",
        COLUMNS,
        _rows,
        counted_by=("kind", "state"),
    ),
)
