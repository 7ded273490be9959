"""Where the risk of a use case stands: what is left, what is being done, what is due again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from governance.access.models import User
from governance.access.selectors import holders
from governance.kernel.authority import Actor, Permission
from governance.kernel.terms import RiskTier
from governance.registry import residual
from governance.registry.models import Mitigation, ResidualRisk, RiskAssessment, UseCase
from governance.registry.rules import Stage
from governance.registry.selectors import facts_of, reasons_due


@dataclass(frozen=True)
class Measure:
    """A mitigation with its state today and whether this person may say that it is done."""

    mitigation: Mitigation
    state: str
    may_finish: bool

    @property
    def key(self) -> str:
        """What its form on the page is called by."""
        return str(self.mitigation.pk)


@dataclass(frozen=True)
class RiskStanding:
    """What the page and the API say; the tiers are None until there is an assessment."""

    assessment: RiskAssessment | None
    due: tuple[str, ...]
    measures: tuple[Measure, ...]
    lowest: RiskTier | None
    left: ResidualRisk | None
    is_superseded: bool
    decides: RiskTier | None

    @property
    def overdue_count(self) -> int:
        return sum(one.state == "overdue" for one in self.measures)

    @property
    def choices(self) -> list[RiskTier]:
        """The tiers that a person may judge to be left."""
        return [] if self.lowest is None else [t for t in RiskTier if t.level >= self.lowest.level]


def risk_standing(use_case: UseCase, actor: Actor, now: datetime) -> RiskStanding:
    today = now.astimezone(UTC).date()
    found = list(use_case.mitigations.select_related("owner"))
    measures = tuple(
        Measure(one, one.state(today), one.done_at is None and may_finish(actor, one, use_case))
        for one in found
    )
    assessment = use_case.risk_assessments.select_related("assessor").first()
    if assessment is None:
        return RiskStanding(None, (), measures, None, None, False, None)
    judged = judgements(use_case)
    left = latest_residual(assessment, judged)
    lowest = lowest_for(assessment, found)
    return RiskStanding(
        assessment=assessment,
        due=tuple(reasons_due(assessment, facts_of(use_case), now)),
        measures=measures,
        lowest=lowest,
        left=left,
        is_superseded=left is not None and is_superseded(left, found),
        decides=decides(assessment, judged, found),
    )


def may_finish(actor: Actor, mitigation: Mitigation, use_case: UseCase) -> bool:
    is_owner = actor.user is not None and actor.user.pk == mitigation.owner_id
    return is_owner or actor.may(Permission.USE_CASE_MANAGE, use_case.team)


def judgements(use_case: UseCase) -> list[ResidualRisk]:
    """All that was judged to be left, the newest first."""
    return list(
        ResidualRisk.objects.filter(assessment__use_case=use_case).select_related(
            "assessment", "assessor", "confirmed_by"
        )
    )


def latest_residual(
    assessment: RiskAssessment, judged: Iterable[ResidualRisk]
) -> ResidualRisk | None:
    """The last judgement of that assessment."""
    return next((one for one in judged if one.assessment_id == assessment.pk), None)


def lowest_for(assessment: RiskAssessment, mitigations: Iterable[Mitigation]) -> RiskTier:
    done = [one.done_at is not None for one in mitigations]
    return residual.lowest_residual(
        RiskTier(assessment.tier),
        assessment.act_class,
        open_count=done.count(False),
        done=done.count(True),
    )


def is_superseded(left: ResidualRisk, mitigations: Iterable[Mitigation]) -> bool:
    """Whether a risk was found after it was judged: then it takes nothing off any more."""
    return any(one.created_at > left.at for one in mitigations)


def decides(
    assessment: RiskAssessment, judged: Iterable[ResidualRisk], mitigations: Iterable[Mitigation]
) -> RiskTier:
    """The tier that the approval policy goes by; see `residual.deciding_tier`.

    Only a confirmed judgement ends an earlier one: nobody talks a worse one away by judging, or
    assessing, again.
    """
    found = list(mitigations)
    tier, lowest = RiskTier(assessment.tier), lowest_for(assessment, found)
    for one in reversed(_standing(judged)):
        is_current = one.assessment_id == assessment.pk
        if is_current or _is_worse(one):
            is_sure = one.confirmed_by_id is not None and not is_superseded(one, found)
            tier = residual.deciding_tier(
                tier, RiskTier(one.tier), lowest, is_confirmed=is_current and is_sure
            )
    return tier


def _standing(judged: Iterable[ResidualRisk]) -> list[ResidualRisk]:
    """The newest ones down to the last that was confirmed, which ended those before it."""
    standing: list[ResidualRisk] = []
    for one in judged:
        standing.append(one)
        if one.confirmed_by_id is not None:
            break
    return standing


def _is_worse(one: ResidualRisk) -> bool:
    """Whether a person saw more risk than the rules did."""
    return RiskTier(one.tier).level > RiskTier(one.assessment.tier).level


def possible_owners(use_case: UseCase, now: datetime) -> QuerySet[User]:
    """Who may own a mitigation: whoever sees the use case."""
    return holders(Permission.USE_CASE_VIEW, use_case.team, now=now)


def latest_assessments() -> QuerySet[RiskAssessment]:
    """The last one of each use case that still lives, with all that tells whether it holds."""
    return (
        RiskAssessment.objects.exclude(use_case__stage=Stage.RETIRED)
        .order_by("use_case_id", "-at", "-pk")
        .distinct("use_case_id")
        .select_related("use_case__owner", "use_case__team")
        .prefetch_related("use_case__datasets")
    )


def due_assessments(user: User, now: datetime) -> list[tuple[RiskAssessment, list[str]]]:
    """Of the use cases that this person owns, those to be assessed again and why."""
    mine = latest_assessments().filter(use_case__owner=user)
    reasons = [(one, reasons_due(one, facts_of(one.use_case), now)) for one in mine]
    return [(one, why) for one, why in reasons if why]


def unconfirmed_residuals(user: User) -> QuerySet[ResidualRisk]:
    """Judgements that wait for this safety officer: the last of each last assessment."""
    # From the few that nobody confirmed, not from all assessments that ever were.
    same = ResidualRisk.objects.filter(assessment=OuterRef("assessment"))
    later = Q(at__gt=OuterRef("at")) | Q(at=OuterRef("at"), pk__gt=OuterRef("pk"))
    assessed = RiskAssessment.objects.filter(use_case=OuterRef("assessment__use_case"))
    assessed_later = Q(at__gt=OuterRef("assessment__at")) | Q(
        at=OuterRef("assessment__at"), pk__gt=OuterRef("assessment")
    )
    return (
        ResidualRisk.objects.filter(confirmed_by=None)
        .exclude(Exists(same.filter(later)))
        .exclude(Exists(assessed.filter(assessed_later)))
        .exclude(assessment__use_case__stage=Stage.RETIRED)
        .exclude(assessor=user)
        .exclude(assessment__use_case__owner=user)
        .select_related("assessment__use_case", "assessor")
    )
