"""What compliance plugs in: governance's own evidence, its actions, its part of a pack."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils import timezone

from governance.access.models import User
from governance.approvals.registries import change_subjects
from governance.audit.registries import EvidenceSection, PackScope, audit_actions, evidence_sections
from governance.compliance import evidence, people_evidence, vendor_evidence
from governance.compliance.frameworks import FRAMEWORKS
from governance.compliance.library_reminding import policies_to_acknowledge
from governance.compliance.library_subject import DocumentSubject
from governance.compliance.models import VIEWING, ComplianceAction
from governance.compliance.registries import EvidenceSource, control_evidence
from governance.compliance.selectors import answers_for
from governance.home.registries import InboxItem, NavigationItem, inbox, navigation
from governance.kernel.authority import Permission

audit_actions.add("compliance.action_added", "{actor} gave out the compliance action {subject}")
audit_actions.add(
    "compliance.confirmed", "{actor} compared controls with their source: {subject} and others"
)
audit_actions.add(
    "compliance.evidence_asked", "{actor} had the evidence of all controls asked again"
)
audit_actions.add("compliance.action_done", "{actor} finished the compliance action {subject}")

change_subjects.add(DocumentSubject.kind, DocumentSubject())
for action, sentence in {
    "policy_document.begun": "{actor} began the policy document {subject}",
    "policy_document.applied": "{actor} put a new version of {subject} in force",
    "policy_document.acknowledged": "{actor} acknowledged {subject}",
}.items():
    audit_actions.add(action, sentence)
navigation.add(
    "library", NavigationItem("Work", "Policies", "compliance:library", "book-marked", order=60)
)
inbox.add("policies to acknowledge", policies_to_acknowledge)

navigation.add(
    "compliance",
    NavigationItem("Prove", "Controls", "compliance:index", "list-checks", VIEWING, order=5),
)

P = Permission
for key, source in {
    "approvals-in-force": EvidenceSource(
        "Approvals in force", evidence.approvals_in_force, P.CHANGE_VIEW
    ),
    "independent-decisions": EvidenceSource(
        "Decisions by a second person", evidence.independent_decisions, P.CHANGE_VIEW
    ),
    "incident-clocks": EvidenceSource(
        "Legal clocks met", evidence.incident_clocks, P.INCIDENT_VIEW
    ),
    "playbooks": EvidenceSource("Playbooks", evidence.playbooks, P.INCIDENT_VIEW),
    # Its age says all: a few events always wait for the next checkpoint, for seconds.
    "audit-log": EvidenceSource(
        "Signed audit log",
        evidence.audit_log,
        P.AUDIT_VIEW,
        at_least=Decimal(0),
        fresh_for=timedelta(hours=1),
    ),
    "risk-assessments": EvidenceSource(
        "Risk assessments", evidence.risk_assessments, P.USE_CASE_VIEW
    ),
    "disclosure": EvidenceSource("Disclosure texts", evidence.disclosure, P.USE_CASE_VIEW),
    "datasets-named": EvidenceSource("Data named", evidence.datasets_named, P.USE_CASE_VIEW),
    "dataset-origins": EvidenceSource("Origin of data", evidence.dataset_origins, P.USE_CASE_VIEW),
    "oversight": EvidenceSource("Human oversight", evidence.oversight, P.USE_CASE_VIEW),
    "model-cards": EvidenceSource("Model cards", evidence.model_cards, P.MODEL_VIEW),
    "measured-success": EvidenceSource(
        "Measured success",
        evidence.measured_success,
        P.USE_CASE_VIEW,
        fresh_for=timedelta(days=92),
    ),
    "vendor-terms": EvidenceSource(
        "Vendor terms reviewed", vendor_evidence.vendor_terms, P.MODEL_VIEW
    ),
    "training": EvidenceSource(
        "Training of people",
        people_evidence.training,
        P.PEOPLE_VIEW,
        fresh_for=timedelta(days=730),
    ),
    "stopping": EvidenceSource("Stopping, done", evidence.stopping, P.INCIDENT_VIEW),
}.items():
    control_evidence.add(key, source)


def actions_owned(user: User, now: datetime) -> list[InboxItem]:
    """What this person is to do about a control."""
    owned = ComplianceAction.objects.open().filter(owner=user)[:20]
    return [
        InboxItem(
            title=action.text,
            detail=f"For {action.control_label}",
            url=reverse("compliance:actions"),
            due_at=datetime.combine(action.due_on + timedelta(days=1), time.min, UTC),
            kind="action",
        )
        for action in owned
    ]


inbox.add("compliance_actions", actions_owned)

CONTROL_COLUMNS = (
    "framework",
    "control",
    "title",
    "state",
    "evidence",
    "sentence",
    "numerator",
    "denominator",
    "freshness",
)


def control_rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    """Controls as they stand when the pack is built; they are the organisation's, not a team's."""
    if scope.team_id is not None:
        return
    answers = answers_for(FRAMEWORKS.values(), timezone.now(), None)
    for framework in FRAMEWORKS.values():
        for control in framework.controls:
            for answer in (answers[key] for key in control.evidence):
                shown = answer.evidence
                yield {
                    "framework": framework.slug,
                    "control": control.code,
                    "title": control.title,
                    "state": str(answer.state),
                    "evidence": answer.key,
                    "sentence": shown.sentence,
                    "numerator": shown.numerator,
                    "denominator": shown.denominator,
                    "freshness": shown.freshness,
                }


evidence_sections.add(
    "controls",
    EvidenceSection(
        "controls",
        "Controls and their evidence",
        CONTROL_COLUMNS,
        control_rows,
        counted_by=("framework", "state"),
    ),
)

ACTION_COLUMNS = (
    "id",
    "framework",
    "control",
    "text",
    "owner",
    "due_on",
    "made_by",
    "made_at",
    "done_at",
    "note",
)
_PEOPLE = ("owner", "made_by")


def action_rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    """Actions that were open at some time of the period."""
    if scope.team_id is not None:
        return
    rows = ComplianceAction.objects.filter(made_at__lt=scope.ends_at)
    rows = rows.exclude(done_at__lt=scope.starts_at).select_related(*_PEOPLE)
    for one in rows.order_by("pk").iterator(chunk_size=500):
        row = {name: getattr(one, name) for name in ACTION_COLUMNS}
        yield row | {name: getattr(one, name).email for name in _PEOPLE}


evidence_sections.add(
    "compliance_actions",
    EvidenceSection(
        "compliance_actions",
        "Actions on controls",
        ACTION_COLUMNS,
        action_rows,
        counted_by=("framework",),
    ),
)
