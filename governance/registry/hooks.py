"""What the registry plugs into the engine, the shell and the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse

from governance.access.models import User
from governance.access.registries import key_subjects
from governance.approvals.models import ChangeRequest
from governance.approvals.registries import (
    change_subjects,
    decisive_evidence,
    resume_obstacles,
)
from governance.audit.registries import (
    EvidenceSection,
    PackScope,
    audit_actions,
    evidence_sections,
)
from governance.home.registries import InboxItem, NavigationItem, inbox, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from governance.model_cards.registries import card_warnings
from governance.registry.checklist import ItemState
from governance.registry.checklist_evidence import CHECKLIST
from governance.registry.checklist_standing import items_of, today_of
from governance.registry.decisive import risk_evidence
from governance.registry.disclosure_models import DISCLOSURE_STATES
from governance.registry.disclosure_subject import DisclosureSubject
from governance.registry.models import Mitigation, ResidualRisk, RiskAssessment, UseCase
from governance.registry.picking import by_title
from governance.registry.registries import Panel, retirements, use_case_kinds, use_case_panels
from governance.registry.reopening import card_warnings_of
from governance.registry.resting import STAGES
from governance.registry.retiring import KEYS
from governance.registry.risk_standing import due_assessments, unconfirmed_residuals
from governance.registry.round_rules import SCORING_ROUNDS
from governance.registry.rounds_waiting import rounds_waiting
from governance.registry.rules import USE_CASE_STAGES, Stage
from governance.registry.scoring_models import ScoringModelSubject
from governance.registry.subjects import StageSubject
from governance.registry.suspending import why_not_resumed
from governance.registry.worth import return_panel

transition_tables.add("UseCase.stage", USE_CASE_STAGES)
transition_tables.add("Disclosure.state", DISCLOSURE_STATES)
transition_tables.add("ScoringRound.state", SCORING_ROUNDS)
change_subjects.add(DisclosureSubject.kind, DisclosureSubject())
decisive_evidence.add("risk", risk_evidence)
change_subjects.add("use_case_stage", StageSubject())
change_subjects.add(ScoringModelSubject.kind, ScoringModelSubject())
use_case_kinds.add("use_case_stage", STAGES)
card_warnings.add("datasets", card_warnings_of)
resume_obstacles.add("use_cases", why_not_resumed)
retirements.add("keys", KEYS)

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
    "use_case.worth_declared": "{actor} estimated what a metric of {subject} is worth",
    "use_case.measured": "{actor} measured {subject}",
    "use_case.item_done": "{actor} ticked a checklist item of {subject}",
    "use_case.item_assigned": "{actor} gave a checklist item of {subject} to somebody",
    "use_case.item_waived": "{actor} waived a checklist item of {subject}",
    "use_case.waiver_ran_out": "A waiver on the checklist of {subject} ran out",
    "use_case.handed_over": "{actor} handed {subject} over",
    "use_case.datasets_named": "{actor} named the data of {subject}",
    "use_case.round_opened": "{actor} opened a scoring round of {subject}",
    "use_case.round_scored": "{actor} handed in a score of {subject}, which nobody sees yet",
    "use_case.round_revealed": "the scores of {subject} were shown to all, {actor} being the last",
    "use_case.round_closed": "{actor} closed a scoring round of {subject} before all were in",
    "use_case.round_agreed": "{actor} recorded the consensus on {subject}",
    "use_case.round_given_up": "{actor} gave up a scoring round of {subject}",
    "use_case.prefilled": "{actor} began {subject} with the answers of a similar use case",
    "use_case.registered_beside": "{actor} registered {subject} although it is like another",
    "scoring_model.installed": "{actor} installed the {subject}",
    "scoring_model.replaced": "{actor} put the {subject} in place of the one before",
    "dataset.registered": "{actor} registered the dataset {subject}",
    "dataset.changed": "{actor} changed the dataset {subject}",
    "dataset.cards_named": "{actor} said which model cards rest on {subject}",
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
    "disclosures",
    NavigationItem(
        "Govern",
        "User notices",
        "registry:disclosures",
        "message-square-text",
        (Permission.USE_CASE_VIEW,),
        45,
    ),
)
navigation.add(
    "map",
    NavigationItem(
        "Govern", "Portfolio map", "registry:map", "chart-scatter", (Permission.USE_CASE_VIEW,), 30
    ),
)


use_case_panels.add(
    "return",
    Panel(
        "Does it pay?",
        45,
        "governance/registry/_return.html",
        return_panel,
        (Permission.USE_CASE_VIEW,),
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


inbox.add("scoring-rounds", rounds_waiting)


def checklist_items(user: User, now: datetime) -> list[InboxItem]:
    """What this person is to do of checklists, and what is open again after a waiver."""
    today = today_of(now)
    return [
        InboxItem(
            title=one.text,
            detail=f"On the checklist of {one.use_case}, for {one.stage}"
            + ("; its waiver ran out" if one.state(today) == ItemState.RAN_OUT else ""),
            url=reverse("registry:item", args=[one.use_case.slug, one.pk]),
            due_at=None,
            kind="checklist",
        )
        for one in items_of(user, now)[:20]
    ]


inbox.add("checklist", checklist_items)
inbox.add("mitigations", mitigations_owned)
inbox.add("assessments", assessments_due)
inbox.add("residuals", residuals_to_confirm)


def use_cases_for_keys(user: User) -> QuerySet[UseCase]:
    """Use cases that this person may make keys for: of their teams, and not retired."""
    reach = user.reach(Permission.API_KEY_MANAGE)
    use_cases = UseCase.objects.exclude(stage=Stage.RETIRED).select_related("team")
    if not reach.everywhere:
        use_cases = use_cases.filter(team_id__in=reach.team_ids)
    return by_title(use_cases)


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
evidence_sections.add(CHECKLIST.name, CHECKLIST)
