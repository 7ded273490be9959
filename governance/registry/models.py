"""Use cases and what is known of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F
from django.db.models.functions import Lower

from governance.access.models import Team, User
from governance.approvals.models import ChangeRequest
from governance.kernel.authority import Permission
from governance.kernel.terms import Oversight, RiskTier, Sensitivity
from governance.registry import (
    checklist_models,
    dataset_models,
    deciding_models,
    disclosure_models,
    metric_models,
    questionnaire,
    reassessment,
    risk,
    scoring,
)
from governance.registry.intake_tables import IntakeOrigin as IntakeOrigin
from governance.registry.rules import USE_CASE_STAGES
from governance.registry.scoring_tables import RoundSeat as RoundSeat
from governance.registry.scoring_tables import ScoringModel as ScoringModel
from governance.registry.scoring_tables import ScoringRound as ScoringRound

# Their tables stand in files of their own.
CardLink = dataset_models.CardLink
ChecklistItem = checklist_models.ChecklistItem
Dataset = dataset_models.Dataset
DecidingScore = deciding_models.DecidingScore
Disclosure = disclosure_models.Disclosure
MetricWorth = metric_models.MetricWorth


def _choices(values: Any) -> list[tuple[str, str]]:
    return [(str(value), str(value).replace("_", " ")) for value in values]


class UseCaseQuerySet(models.QuerySet["UseCase"]):
    def visible_to(self, user: User) -> UseCaseQuerySet:
        reach = user.reach(Permission.USE_CASE_VIEW)
        return self if reach.everywhere else self.filter(team_id__in=reach.team_ids)


class UseCase(models.Model):
    """Something the organisation uses, or wants to use, a language model for."""

    title = models.CharField(max_length=150)
    slug = models.SlugField(max_length=80, unique=True)
    team = models.ForeignKey(Team, models.PROTECT, related_name="use_cases")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="use_cases")
    feature = models.TextField(blank=True)
    outcome = models.TextField(blank=True)
    benefit = models.TextField(blank=True)
    stakeholders = models.CharField(max_length=300, blank=True)
    framework_answers: Any = models.JSONField(default=dict, blank=True)
    pattern = models.CharField(max_length=20, blank=True)
    serving = models.CharField(max_length=15, blank=True)
    override_reason = models.CharField(max_length=300, blank=True)
    topology = models.CharField(max_length=15, default="on-premises")
    sensitivity = models.CharField(
        max_length=12, choices=_choices(Sensitivity), default=Sensitivity.INTERNAL
    )
    oversight = models.CharField(max_length=15, choices=_choices(Oversight), default=Oversight.ALL)
    sample_share = models.DecimalField(max_digits=5, decimal_places=2, default=Decimal(10))
    disclosure_text = models.TextField(blank=True)
    fallback_text = models.TextField(blank=True)
    # Whether people outside the organisation meet its answers.
    is_user_facing = models.BooleanField(default=False)
    # The tier that decides (`residual.deciding_tier`), and what the AI Act calls it.
    tier = models.CharField(max_length=15, choices=_choices(RiskTier), blank=True)
    act_class = models.CharField(max_length=15, choices=_choices(risk.ActClass), blank=True)
    stage = models.CharField(
        max_length=12, choices=_choices(USE_CASE_STAGES.states), default=USE_CASE_STAGES.initial
    )
    # The change that moved it there; the database asks for it (sql.py).
    stage_change = models.ForeignKey(
        ChangeRequest, models.PROTECT, null=True, blank=True, related_name="+"
    )
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspension_reason = models.CharField(max_length=300, blank=True)
    is_draft = models.BooleanField(default=False)
    # What was known when it was assessed no longer holds; an assessment after it answers that.
    reopened_at = models.DateTimeField(null=True, blank=True)
    reopened_because = models.CharField(max_length=300, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()

    objects = UseCaseQuerySet.as_manager()

    class Meta:
        ordering = ["title"]
        # Two for "is there one like this already?" and the search box, two for the list.
        indexes = [
            GinIndex(name="use_case_title_trigrams", fields=["title"], opclasses=["gin_trgm_ops"]),
            GinIndex(
                name="use_case_text_trigrams",
                fields=["feature", "outcome"],
                opclasses=["gin_trgm_ops", "gin_trgm_ops"],
            ),
            models.Index(Lower("title"), "title", "id", name="use_case_by_title"),
            models.Index(fields=["team", "title"], name="use_case_by_team"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None


class ScoreQuerySet(models.QuerySet["Score"]):
    def deciding_first(self) -> ScoreQuerySet:
        """A round's consensus before what one person said, of each the newest first."""
        return self.order_by(F("round").desc(nulls_last=True), "-at", "-pk")


class Score(models.Model):
    """Impact and effort, 1 to 5 with a rationale: one assessor's, or a round's consensus."""

    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="scores")
    assessor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    impact: Any = models.JSONField()
    effort: Any = models.JSONField()
    # One sentence per dimension. Scores from before had one rationale for all of them.
    rationales: Any = models.JSONField(default=dict)
    rationale = models.TextField(blank=True)
    impact_total = models.DecimalField(max_digits=3, decimal_places=2)
    effort_total = models.DecimalField(max_digits=3, decimal_places=2)
    # The version of the scoring model it was made with, and that version's threshold.
    model_version = models.PositiveIntegerField(default=1)
    threshold = models.DecimalField(max_digits=3, decimal_places=2, default=scoring.MIDDLE)
    # The round whose consensus it is, recorded by its lead; none for one person's own.
    round = models.OneToOneField(
        ScoringRound, models.PROTECT, null=True, blank=True, related_name="consensus"
    )
    assessor_count = models.PositiveSmallIntegerField(default=1)
    at = models.DateTimeField()

    objects = ScoreQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.impact_total} impact, {self.effort_total} effort"

    @property
    def quadrant(self) -> str:
        return scoring.quadrant(self.impact_total, self.effort_total, self.threshold)

    @property
    def points(self) -> dict[str, int]:
        return {**self.impact, **self.effort}

    @property
    def made_by(self) -> str:
        if self.round_id is None:
            return "one assessor"
        people = "assessor" if self.assessor_count == 1 else "assessors"
        return f"consensus of {self.assessor_count} {people}"


class RiskAssessment(models.Model):
    """Answers to one version of the questionnaire, tier and class, and the rules that gave them."""

    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="risk_assessments")
    assessor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    questionnaire_version = models.PositiveIntegerField()
    answers: Any = models.JSONField()
    tier = models.CharField(max_length=15, choices=_choices(RiskTier))
    # Version 1 asked too little to tell the class: empty there.
    act_class = models.CharField(max_length=15, choices=_choices(risk.ActClass), blank=True)
    fired_rules: Any = models.JSONField()
    # What it rested on (`reassessment.Facts`); assessments from before kept none.
    facts: Any = models.JSONField(default=dict, blank=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    noticed_days = models.PositiveSmallIntegerField(null=True, blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.tier} risk"

    @property
    def ends_at(self) -> datetime:
        """When it runs out; one from before does by the same rule."""
        return self.valid_until or reassessment.valid_until(RiskTier(self.tier), self.at)

    @property
    def questions(self) -> dict[str, str]:
        """The questions that it answered."""
        return questionnaire.texts_of(self.questionnaire_version)

    @property
    def ignored(self) -> tuple[str, ...]:
        """Questions answered yes that nothing opened; version 1 had no such."""
        if self.questionnaire_version == 1:
            return ()
        return questionnaire.ignored(self.answers)

    @property
    def class_words(self) -> str:
        return risk.CLASS_WORDS[risk.ActClass(self.act_class)] if self.act_class else ""


class MitigationQuerySet(models.QuerySet["Mitigation"]):
    def open(self) -> MitigationQuerySet:
        return self.filter(done_at=None)

    def overdue(self, now: datetime) -> MitigationQuerySet:
        return self.open().filter(due_on__lt=now.astimezone(UTC).date())


class Mitigation(models.Model):
    """One measure against one risk of a use case, with its owner and its day."""

    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="mitigations")
    risk = models.CharField(max_length=300)
    measure = models.CharField(max_length=500)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="mitigations")
    due_on = models.DateField()
    done_at = models.DateTimeField(null=True, blank=True)
    evidence = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()

    objects = MitigationQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "pk"]
        constraints = [
            models.CheckConstraint(
                name="mitigation_done_with_evidence",
                condition=models.Q(done_at=None) | ~models.Q(evidence=""),
            )
        ]

    def __str__(self) -> str:
        return self.measure

    def state(self, today: date) -> str:
        if self.done_at is not None:
            return "done"
        return "overdue" if self.due_on < today else "open"


class ResidualRisk(models.Model):
    """What a person judges to be left of an assessed risk, and whether another confirmed it."""

    assessment = models.ForeignKey(RiskAssessment, models.CASCADE, related_name="residuals")
    tier = models.CharField(max_length=15, choices=_choices(RiskTier))
    rationale = models.CharField(max_length=1000)
    assessor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(
                name="residual_confirmed_by_another",
                condition=models.Q(confirmed_by=None)
                | ~models.Q(confirmed_by=models.F("assessor")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.tier} residual risk"


class SuccessMetric(models.Model):
    """What success is measured by."""

    use_case = models.ForeignKey(UseCase, models.CASCADE, related_name="metrics")
    name = models.CharField(max_length=150)
    unit = models.CharField(max_length=30, blank=True)
    # The key of one of `registries.ledger_metrics`; empty when people or applications measure it.
    ledger_figure = models.CharField(max_length=30, blank=True)
    baseline = models.DecimalField(max_digits=18, decimal_places=4, null=True, blank=True)
    target = models.DecimalField(max_digits=18, decimal_places=4, null=True, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


ORIGIN_CHOICES = [("hand", "by hand"), ("api", "by API"), ("ledger", "from the ledger")]


class Measurement(models.Model):
    """One measured value of a metric."""

    metric = models.ForeignKey(SuccessMetric, models.CASCADE, related_name="measurements")
    value = models.DecimalField(max_digits=18, decimal_places=4)
    on = models.DateField()
    source = models.CharField(max_length=200, blank=True)
    origin = models.CharField(max_length=6, choices=ORIGIN_CHOICES, default="hand")

    class Meta:
        ordering = ["on", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["metric", "on"],
                condition=models.Q(origin="ledger"),
                name="one_value_a_day_from_the_ledger",
            )
        ]

    def __str__(self) -> str:
        return f"{self.value} on {self.on}"
