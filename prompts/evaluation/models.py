"""Suites, their cases, and runs. What a case asks and expects stands sealed.

What a model answered is not copied: it stands in its call, and ends with it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Count, Q, Sum

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.canonical import uuid7
from governance.kernel.encryption import SealedField, decrypt, encrypt
from governance.model_cards.models import Deployment
from prompts.catalogue.models import Prompt, PromptVersion
from prompts.evaluation.rules import Rate, ResultState, RunState, rates
from reviews.decisions.models import ReviewDecision
from telemetry.ledger.models import ZERO, Call, money

RUN_STATE_CHOICES = [(one.value, one.value) for one in RunState]
RESULT_STATE_CHOICES = [(one.value, one.value) for one in ResultState]


class EvaluationSuite(models.Model):
    """Cases that belong together, of one prompt."""

    prompt = models.ForeignKey(Prompt, models.PROTECT, related_name="suites")
    name = models.CharField(max_length=120)
    purpose = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["prompt", "name"], name="suite_name_in_prompt")
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.prompt}"


def case_context(what: str) -> Callable[[Any], str]:
    """What a text of a case (“input” or “expectation”) is bound to."""
    return lambda case: f"evaluation.EvaluationCase:{case.seal_id}:{what}"


class EvaluationCase(models.Model):
    """An input, what is expected of the answer, and where both come from.

    A case that was made from a call ends with its call's retention (`keep_until`); one that was
    written by hand has no end. Cases are retired, not changed: an earlier run stays what it was.
    """

    suite = models.ForeignKey(EvaluationSuite, models.PROTECT, related_name="cases")
    seal_id = models.UUIDField(default=uuid7, editable=False, unique=True)
    name = models.CharField(max_length=150)
    tags: Any = models.JSONField(default=list)
    input_sealed = SealedField(null=True, context=case_context("input"))
    expectation_sealed = SealedField(null=True, context=case_context("expectation"))
    content_sha256 = models.CharField(max_length=64)
    sensitivity = models.CharField(max_length=12)
    call = models.ForeignKey(
        Call, models.PROTECT, null=True, blank=True, related_name="evaluation_cases"
    )
    decision = models.ForeignKey(
        ReviewDecision, models.PROTECT, null=True, blank=True, related_name="evaluation_cases"
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True, blank=True)
    keep_until = models.DateTimeField(null=True, blank=True)
    destroyed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(
                fields=["keep_until"],
                condition=Q(destroyed_at=None, keep_until__isnull=False),
                name="case_kept_until",
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["suite", "content_sha256"],
                condition=Q(retired_at=None, destroyed_at=None),
                name="case_once_in_suite",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def seal(self, asked: dict[str, Any], expectations: list[dict[str, str]]) -> None:
        for what, value in (("input", asked), ("expectation", expectations)):
            text = json.dumps(value, ensure_ascii=False)
            setattr(self, f"{what}_sealed", encrypt(text, context=case_context(what)(self)))

    def opened(self) -> tuple[dict[str, Any], list[dict[str, str]]] | None:
        """(input, expectations); None once they are destroyed."""
        if self.input_sealed is None or self.expectation_sealed is None:
            return None
        asked = decrypt(bytes(self.input_sealed), context=case_context("input")(self))
        expected = decrypt(
            bytes(self.expectation_sealed), context=case_context("expectation")(self)
        )
        return json.loads(asked), json.loads(expected)


class EvaluationRunQuerySet(models.QuerySet["EvaluationRun"]):
    def visible_to(self, user: User) -> EvaluationRunQuerySet:
        reach = user.reach(Permission.PROMPT_VIEW)
        if reach.everywhere:
            return self
        return self.filter(suite__prompt__use_case__team_id__in=reach.team_ids)


class EvaluationRun(models.Model):
    """A version on a deployment over a suite. `facts` are what it takes to run it again."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    suite = models.ForeignKey(EvaluationSuite, models.PROTECT, related_name="runs")
    version = models.ForeignKey(PromptVersion, models.PROTECT, related_name="evaluation_runs")
    deployment = models.ForeignKey(Deployment, models.PROTECT, related_name="evaluation_runs")
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    state = models.CharField(max_length=9, choices=RUN_STATE_CHOICES, default=RunState.REQUESTED)
    because = models.CharField(max_length=600, blank=True)
    seed = models.PositiveIntegerField()
    budget = money()
    currency = models.CharField(max_length=3)
    facts: Any = models.JSONField(default=dict)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    next_step_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    objects = EvaluationRunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(
                fields=["next_step_at"],
                condition=Q(state__in=["requested", "running"]),
                name="run_due",
            )
        ]

    def __str__(self) -> str:
        return f"Run of {self.version} over {self.suite.name}"

    @property
    def is_open(self) -> bool:
        return self.state in (RunState.REQUESTED, RunState.RUNNING)

    def tally(self) -> dict[str, int]:
        """How many cases are in each state; `total` of all, `over` of those that wait no more."""
        counted = self.results.order_by().values_list("state").annotate(Count("pk"))
        tally = {one.value: 0 for one in ResultState} | dict(counted)
        total = sum(tally.values())
        return tally | {"total": total, "over": total - tally[ResultState.WAITING]}

    def spent(self) -> Decimal:
        return self.results.aggregate(spent=Sum("cost"))["spent"] or ZERO

    def rates(self) -> dict[str, Rate]:
        return rates(self.results.order_by().values_list("state", "case__tags"))


class EvaluationResult(models.Model):
    """One case of a run; `scores` name each scorer with its version and hold no text of it."""

    run = models.ForeignKey(EvaluationRun, models.PROTECT, related_name="results")
    case = models.ForeignKey(EvaluationCase, models.PROTECT, related_name="results")
    state = models.CharField(
        max_length=7, choices=RESULT_STATE_CHOICES, default=ResultState.WAITING
    )
    scores: Any = models.JSONField(default=list, blank=True)
    fault = models.CharField(max_length=600, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    cost = money(default=ZERO)
    call = models.ForeignKey(
        Call, models.PROTECT, null=True, blank=True, related_name="evaluation_results"
    )

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["run", "state"], name="result_by_state")]
        constraints = [models.UniqueConstraint(fields=["run", "case"], name="case_once_in_run")]

    def __str__(self) -> str:
        return f"{self.case} in {self.run_id}"

    @property
    def found(self) -> list[dict[str, Any]]:
        """What did not pass."""
        return [one for one in self.scores if not one["passed"]]
