"""What the registry plugs into the engine, the shell and the audit log."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse

from governance.access.models import User
from governance.approvals.registries import change_subjects
from governance.audit.registries import audit_actions
from governance.home.registries import InboxItem, NavigationItem, inbox, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from governance.registry.models import UseCase
from governance.registry.rules import USE_CASE_STAGES
from governance.registry.subjects import StageSubject

transition_tables.add("UseCase.stage", USE_CASE_STAGES)
change_subjects.add("use_case_stage", StageSubject())

for action, sentence in {
    "use_case.created": "{actor} registered {subject}",
    "use_case.changed": "{actor} changed {subject}",
    "use_case.scored": "{actor} scored {subject}",
    "use_case.assessed": "{actor} assessed the risk of {subject}",
    "use_case.suspended": "{actor} suspended {subject}",
    "use_case.resumed": "{actor} resumed {subject}",
    "use_case.metric_added": "{actor} added a success metric to {subject}",
    "use_case.measured": "{actor} measured {subject}",
    "use_case.item_done": "{actor} ticked a checklist item of {subject}",
    "use_case.datasets_named": "{actor} named the data of {subject}",
    "dataset.registered": "{actor} registered the dataset {subject}",
}.items():
    audit_actions.add(action, sentence)

navigation.add(
    "use-cases",
    NavigationItem(
        "Govern", "Use cases", "registry:list", "layers", (Permission.USE_CASE_VIEW,), 20
    ),
)
navigation.add(
    "map",
    NavigationItem(
        "Govern", "Portfolio map", "registry:map", "chart-scatter", (Permission.USE_CASE_VIEW,), 30
    ),
)


def drafts(user: User, now: datetime) -> list[InboxItem]:
    """Use cases that this person began and has not proposed."""
    begun = UseCase.objects.filter(owner=user, is_draft=True, stage="proposed")[:20]
    return [
        InboxItem(
            title=f"Finish the intake of {use_case}",
            detail="Saved as a draft; nothing is lost.",
            url=reverse("registry:detail", args=[use_case.slug]),
            due_at=None,
            kind="draft",
        )
        for use_case in begun
    ]


inbox.add("drafts", drafts)
