"""How a stage of a use case is decided on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone

from governance.access.models import Team
from governance.approvals.evidence_rules import Worse
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.registries import Evidence
from governance.kernel.authority import Actor
from governance.kernel.canonical import plain
from governance.kernel.errors import Invalid, NotAllowed
from governance.kernel.terms import RiskTier
from governance.kernel.web import get_or_404
from governance.registry import pilot
from governance.registry.models import UseCase
from governance.registry.retiring import end_what_depends, in_words, retirement_of
from governance.registry.rules import USE_CASE_STAGES, Stage, missing_for
from governance.registry.selectors import gate_facts
from governance.registry.services import check_can_manage

FACTS = (
    "title",
    "feature",
    "outcome",
    "benefit",
    "pattern",
    "serving",
    "sensitivity",
    "oversight",
    "tier",
    "disclosure_text",
    "fallback_text",
)
# What the proposal of a pilot declares, beside the facts of the use case.
PILOT = ("pilot_days", "pilot_success")


def reopened_fact(use_case: UseCase) -> dict[str, str]:
    """When its data was raised: what was opened before that goes stale."""
    if use_case.reopened_at is None:
        return {}
    return {"reopened_at": use_case.reopened_at.isoformat()}


class StageSubject:
    """The next stage of a use case, decided on with the facts as they are."""

    kind = "use_case_stage"
    label = "Use case stage"

    def find(self, subject_id: int) -> UseCase:
        found: UseCase = get_or_404(UseCase.objects.select_related("team", "owner"), pk=subject_id)
        return found

    def snapshot(self, subject: UseCase, proposal: dict[str, Any]) -> dict[str, Any]:
        facts: dict[str, Any] = plain({name: getattr(subject, name) for name in FACTS})
        score = subject.scores.deciding_first().first()
        scored = {"impact": score.impact_total, "effort": score.effort_total} if score else {}
        # Assessments from before know no class; what is open about them does not go stale.
        known = {"act_class": subject.act_class} if subject.act_class else {}
        length = {name: proposal[name] for name in PILOT if name in proposal}
        told = facts | known | reopened_fact(subject) | length
        return {"stage": proposal["target"], "scores": plain(scored)} | told

    def base(self, subject: UseCase, proposal: dict[str, Any]) -> dict[str, Any]:
        standing = (
            Approval.objects.filter(kind=self.kind, subject_id=subject.pk)
            .exclude(state="superseded")
            .select_related("change")
            .first()
        )
        facts = dict(standing.change.snapshot) if standing else {}
        facts = {name: value for name, value in facts.items() if name not in PILOT}
        return facts | {"stage": subject.stage}

    def tier(self, subject: UseCase, proposal: dict[str, Any]) -> RiskTier:
        tier = RiskTier(subject.tier or RiskTier.HIGH)
        # What turned out unacceptable must still be able to end.
        is_retired = proposal.get("target") == Stage.RETIRED
        return RiskTier.HIGH if is_retired and tier == RiskTier.UNACCEPTABLE else tier

    def team(self, subject: UseCase) -> Team | None:
        return subject.team

    def authors(self, subject: UseCase, proposal: dict[str, Any]) -> set[int]:
        return {subject.owner_id}

    def missing(self, subject: UseCase, proposal: dict[str, Any]) -> list[str]:
        target = str(proposal.get("target", ""))
        if not USE_CASE_STAGES.allows(subject.stage, target):
            raise Invalid(
                f"Nothing was opened: from {subject.stage} a use case does not go to "
                f"{target or 'nowhere'}."
            )
        facts = gate_facts(subject, timezone.now())
        if facts.prohibited and target != Stage.RETIRED:
            raise NotAllowed(
                "Nothing was opened: an unacceptable risk cannot be approved by anyone. "
                f"{' '.join(facts.prohibited)}"
            )
        return missing_for(target, facts) + list(pilot.problems(proposal).values())

    def evidence(self, subject: UseCase, proposal: dict[str, Any]) -> list[Evidence]:
        score = subject.scores.deciding_first().first()
        risk = subject.risk_assessments.first()
        facts = gate_facts(subject, timezone.now())
        return [
            Evidence(
                "Impact and effort",
                f"{score} ({score.quadrant})" if score else None,
                note=score.made_by if score else "",
            ),
            Evidence(
                "Risk tier",
                risk.tier if risk else None,
                note=" ".join(rule["because"] for rule in risk.fired_rules) if risk else "",
            ),
            Evidence("AI Act class", (risk.class_words or None) if risk else None),
            _counted("datasets", "Datasets", facts.datasets),
            _counted("metrics", "Success metrics with target", facts.metrics_with_target),
            _counted("measured", "Measured values", facts.metrics_measured),
            *_endings(subject, proposal),
        ]

    def apply(self, change: ChangeRequest, approval: Approval, actor: Actor, now: datetime) -> None:
        use_case = self.find(change.subject_id)
        use_case.stage = USE_CASE_STAGES.target(use_case.stage, change.proposal["target"])
        use_case.is_draft, use_case.stage_change = False, change
        use_case.save(update_fields=["stage", "is_draft", "stage_change"])
        if use_case.stage == Stage.RETIRED:
            end_what_depends(use_case, f"{use_case} is retired: {change.reason}", now)

    def end(self, approval: Approval, actor: Actor, now: datetime, reason: str) -> None:
        """Nothing to switch: the gateway asks for the approval at every call."""

    def remember(self, change: ChangeRequest) -> dict[str, Any]:
        use_case = self.find(change.subject_id)
        return {"stage": use_case.stage, "is_draft": use_case.is_draft}

    def revert(
        self,
        change: ChangeRequest,
        approval: Approval,
        remembered: dict[str, Any],
        actor: Actor,
        now: datetime,
    ) -> None:
        """Back along the arrow that it came by."""
        use_case, target = self.find(change.subject_id), change.proposal["target"]
        earlier = Stage(remembered["stage"])
        if use_case.stage == USE_CASE_STAGES.target(earlier, target):
            use_case.stage, use_case.is_draft = earlier, remembered["is_draft"]
            use_case.save(update_fields=["stage", "is_draft"])

    def url(self, subject: UseCase) -> str:
        return reverse("registry:detail", args=[subject.slug])

    def check_can_propose(self, actor: Actor, subject: UseCase) -> None:
        check_can_manage(actor, subject.team)

    def read_proposal(self, subject: UseCase, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        target, days = str(given.get("target", "")), given.get("pilot_days")
        success = str(given.get("pilot_success") or "")
        proposal = pilot.stage_proposal(target, days if type(days) is int else None, success)
        return f"Move {subject.title} to {target}", proposal


def _endings(subject: UseCase, proposal: dict[str, Any]) -> list[Evidence]:
    """Of a retirement: in numbers what ends with it."""
    if proposal.get("target") != Stage.RETIRED or subject.stage == Stage.RETIRED:
        return []
    ends = in_words(retirement_of(subject, timezone.now()))
    note = "Nothing brings it back: a new use case would be registered. Its budget stays."
    return [Evidence("Ends with it", ends, note=note)]


def _counted(key: str, label: str, count: int) -> Evidence:
    """How many there are; fewer than when the request was opened is worse."""
    words = str(count) if count else None
    return Evidence(label, words, key=key, worse=Worse.LOWER, grade=count)
