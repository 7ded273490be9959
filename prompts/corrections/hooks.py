"""What corrections plug into the shell, the audit log and the packs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from governance.access.models import User
from governance.audit.registries import EvidenceSection, PackScope, audit_actions, evidence_sections
from governance.home.registries import NavigationItem, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from prompts.catalogue.models import Prompt
from prompts.catalogue.registries import PromptPanel, prompt_panels
from prompts.corrections.figures import LEAST
from prompts.corrections.models import CorrectionExport, RevisionRule
from prompts.corrections.revising import figures_of
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

audit_actions.add("prompt.revision_rule_set", "{actor} said when {subject} is to be revised")


def _panel(prompt: Prompt, user: User, now: datetime) -> dict[str, Any]:
    figures = figures_of(prompt)
    return {
        "prompt": prompt,
        "figures": figures,
        "is_any": any(one.decisions or one.thumbs.total for one in figures),
        "rule": RevisionRule.objects.filter(prompt=prompt).first(),
        "least": LEAST,
        "may_set": user.may(Permission.PROMPT_AUTHOR, prompt.use_case.team),
    }


prompt_panels.add(
    "corrections",
    PromptPanel("What reviewers changed", 30, "prompts/corrections/_prompt_panel.html", _panel),
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
