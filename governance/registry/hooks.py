"""What the registry plugs into the engine, the shell and the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db.models import Q
from django.urls import reverse

from governance.access.models import User
from governance.access.registries import KeySubject, key_subjects
from governance.approvals.models import ChangeRequest
from governance.approvals.registries import change_subjects
from governance.audit.registries import (
    EvidenceSection,
    PackScope,
    audit_actions,
    evidence_sections,
)
from governance.home.registries import InboxItem, NavigationItem, inbox, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from governance.registry.models import Mitigation, ResidualRisk, RiskAssessment, UseCase
from governance.registry.risk_standing import due_assessments, unconfirmed_residuals
from governance.registry.rules import USE_CASE_STAGES, Stage
from governance.registry.subjects import StageSubject

transition_tables.add("UseCase.stage", USE_CASE_STAGES)
change_subjects.add("use_case_stage", StageSubject())

for action, sentence in {
    "use_case.created": "{actor} registered {subject}",
    "use_case.changed": "{actor} changed {subject}",
    "use_case.scored": "{actor} scored {subject}",
    "use_case.assessed": "{actor} assessed the risk of {subject}",
    "use_case.mitigation_added": "{actor} added a mitigation to {subject}",
    "use_case.mitigation_done": "{actor} finished a mitigation of {subject}",
    "use_case.residual_judged": "{actor} judged the residual risk of {subject}",
    "use_case.residual_confirmed": "{actor} confirmed the residual risk of {subject}",
    "use_case.suspended": "{actor} suspended {subject}",
    "use_case.resumed": "{actor} resumed {subject}",
    "use_case.metric_added": "{actor} added a success metric to {subject}",
    "use_case.measured": "{actor} measured {subject}",
    "use_case.item_done": "{actor} ticked a checklist item of {subject}",
    "use_case.handed_over": "{actor} handed {subject} over",
    "use_case.datasets_named": "{actor} named the data of {subject}",
    "dataset.registered": "{actor} registered the dataset {subject}",
    "dataset.changed": "{actor} changed the dataset {subject}",
}.items():
    audit_actions.add(action, sentence)

navigation.add(
    "use-cases",
    NavigationItem(
        "Govern", "Use cases", "registry:list", "layers", (Permission.USE_CASE_VIEW,), 20
    ),
)
navigation.add(
    "datasets",
    NavigationItem(
        "Govern", "Datasets", "registry:datasets", "database", (Permission.USE_CASE_VIEW,), 40
    ),
)
navigation.add(
    "map",
    NavigationItem(
        "Govern", "Portfolio map", "registry:map", "chart-scatter", (Permission.USE_CASE_VIEW,), 30
    ),
)


def drafts(user: User, now: datetime) -> list[InboxItem]:
    """Use cases of this person whose intake was begun and which are not yet proposed."""
    proposed = ChangeRequest.objects.undecided().filter(kind=StageSubject.kind)
    begun = UseCase.objects.filter(owner=user, is_draft=True, stage=Stage.PROPOSED)
    return [
        InboxItem(
            title=f"Continue the intake of {use_case}",
            detail="Draft; everything so far is saved. Its summary says what is missing.",
            url=reverse("registry:step", args=[use_case.slug, "summary"]),
            due_at=None,
            kind="draft",
        )
        for use_case in begun.exclude(pk__in=proposed.values("subject_id"))[:20]
    ]


inbox.add("drafts", drafts)


def mitigations_owned(user: User, now: datetime) -> list[InboxItem]:
    """Measures that are this person's and not done."""
    mine = Mitigation.objects.open().filter(owner=user).exclude(use_case__stage=Stage.RETIRED)
    return [
        InboxItem(
            title=one.measure,
            detail=f"Against “{one.risk}” of {one.use_case}",
            url=f"{reverse('registry:detail', args=[one.use_case.slug])}#risk",
            due_at=datetime.combine(one.due_on + timedelta(days=1), time.min, UTC),
            kind="mitigation",
        )
        for one in mine.select_related("use_case")[:20]
    ]


def assessments_due(user: User, now: datetime) -> list[InboxItem]:
    """Use cases of this person whose assessment no longer holds."""
    return [
        InboxItem(
            title=f"Assess the risk of {one.use_case} again",
            detail=f"{'; '.join(why).capitalize()}.",
            url=reverse("registry:step", args=[one.use_case.slug, "risk"]),
            due_at=min(one.ends_at, now),
            kind="assessment",
        )
        for one, why in due_assessments(user, now)[:20]
    ]


def residuals_to_confirm(user: User, now: datetime) -> list[InboxItem]:
    """Judgements that wait for a safety officer."""
    if not user.may(Permission.USE_CASE_ASSESS):
        return []
    return [
        InboxItem(
            title=f"Confirm the residual risk of {one.assessment.use_case}",
            detail=f"{one.assessor} says {one.tier}; it was assessed as {one.assessment.tier}",
            url=f"{reverse('registry:detail', args=[one.assessment.use_case.slug])}#risk",
            due_at=None,
            kind="residual",
        )
        for one in unconfirmed_residuals(user)[:20]
    ]


inbox.add("mitigations", mitigations_owned)
inbox.add("assessments", assessments_due)
inbox.add("residuals", residuals_to_confirm)


def use_cases_for_keys(user: User) -> list[KeySubject]:
    """Use cases that this person may make keys for: of their teams, and not retired."""
    reach = user.reach(Permission.API_KEY_MANAGE)
    use_cases = UseCase.objects.exclude(stage=Stage.RETIRED).select_related("team")
    if not reach.everywhere:
        use_cases = use_cases.filter(team_id__in=reach.team_ids)
    return [KeySubject(one.pk, one.slug, f"{one} ({one.team})", one.team) for one in use_cases]


key_subjects.add("use_cases", use_cases_for_keys)


def register_rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    """The register as it stands, for the scope's team; not cut by period."""
    use_cases = UseCase.objects.select_related("team", "owner")
    if scope.team_id is not None:
        use_cases = use_cases.filter(team_id=scope.team_id)
    for one in use_cases.order_by("slug").iterator():
        yield {
            "slug": one.slug,
            "title": one.title,
            "team": one.team.code,
            "owner": one.owner.email,
            "stage": one.stage,
            "tier": one.tier,
            "sensitivity": one.sensitivity,
            "oversight": one.oversight,
            "suspended_at": one.suspended_at.isoformat() if one.suspended_at else "",
        }


def risk_rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    """Risk assessments of the period, with the rules that fired."""
    assessments = RiskAssessment.objects.select_related("use_case", "assessor").filter(
        at__gte=scope.starts_at, at__lt=scope.ends_at
    )
    if scope.team_id is not None:
        assessments = assessments.filter(use_case__team_id=scope.team_id)
    for one in assessments.order_by("at", "pk").iterator():
        yield {
            "use_case": one.use_case.slug,
            "at": one.at.isoformat(),
            "assessor": one.assessor.email,
            "tier": one.tier,
            "act_class": one.act_class,
            "questionnaire": one.questionnaire_version,
            "rules": ", ".join(rule["code"] for rule in one.fired_rules),
        }


def mitigation_rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    """Measures that were open or done in the period, with their owners and what shows them."""
    measures = Mitigation.objects.select_related("use_case", "owner").filter(
        Q(done_at=None) | Q(done_at__gte=scope.starts_at), created_at__lt=scope.ends_at
    )
    if scope.team_id is not None:
        measures = measures.filter(use_case__team_id=scope.team_id)
    for one in measures.order_by("created_at", "pk").iterator():
        yield {
            "use_case": one.use_case.slug,
            "risk": one.risk,
            "measure": one.measure,
            "owner": one.owner.email,
            "due_on": one.due_on.isoformat(),
            "done_at": one.done_at.isoformat() if one.done_at else "",
            "evidence": one.evidence,
        }


def residual_rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    """Judgements of the period of what is left, and who confirmed them."""
    judged = ResidualRisk.objects.select_related(
        "assessment__use_case", "assessor", "confirmed_by"
    ).filter(at__gte=scope.starts_at, at__lt=scope.ends_at)
    if scope.team_id is not None:
        judged = judged.filter(assessment__use_case__team_id=scope.team_id)
    for one in judged.order_by("at", "pk").iterator():
        yield {
            "use_case": one.assessment.use_case.slug,
            "at": one.at.isoformat(),
            "inherent": one.assessment.tier,
            "residual": one.tier,
            "rationale": one.rationale,
            "assessor": one.assessor.email,
            "confirmed_by": one.confirmed_by.email if one.confirmed_by else "",
            "confirmed_at": one.confirmed_at.isoformat() if one.confirmed_at else "",
        }


for section in (
    EvidenceSection(
        "use_cases",
        "Use cases",
        (
            "slug",
            "title",
            "team",
            "owner",
            "stage",
            "tier",
            "sensitivity",
            "oversight",
            "suspended_at",
        ),
        register_rows,
        counted_by=("stage", "tier"),
    ),
    EvidenceSection(
        "risk_assessments",
        "Risk assessments",
        ("use_case", "at", "assessor", "tier", "act_class", "questionnaire", "rules"),
        risk_rows,
        counted_by=("tier",),
    ),
    EvidenceSection(
        "mitigations",
        "Mitigations",
        ("use_case", "risk", "measure", "owner", "due_on", "done_at", "evidence"),
        mitigation_rows,
    ),
    EvidenceSection(
        "residual_risks",
        "Residual risks",
        (
            "use_case",
            "at",
            "inherent",
            "residual",
            "rationale",
            "assessor",
            "confirmed_by",
            "confirmed_at",
        ),
        residual_rows,
        counted_by=("inherent", "residual"),
    ),
):
    evidence_sections.add(section.name, section)
