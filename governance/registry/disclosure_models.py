"""The notices that use cases show their end users."""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings
from django.db import models

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.transitions import Edge, TransitionTable

DISCLOSURE_STATES = TransitionTable(
    "Disclosure.state",
    "draft",
    (
        Edge("draft", "approve", "approved", "the approvals engine", "its change was granted"),
        Edge("approved", "replace", "replaced", "the engine", "a newer one took effect"),
        Edge("approved", "withdraw", "withdrawn", "the approvals engine", "its approval ended"),
        Edge("withdrawn", "approve", "approved", "a signatory", "its approval was resumed"),
    ),
)
DISCLOSURE_STATE_CHOICES = [(one, one) for one in DISCLOSURE_STATES.states]


class DisclosureQuerySet(models.QuerySet["Disclosure"]):
    def visible_to(self, user: User) -> DisclosureQuerySet:
        reach = user.reach(Permission.USE_CASE_VIEW)
        return self if reach.everywhere else self.filter(use_case__team_id__in=reach.team_ids)

    def in_force(self, today: date) -> DisclosureQuerySet:
        """The newest approved one of each use case and language that has taken effect."""
        begun = self.filter(state="approved", effective_from__lte=today)
        newest = begun.order_by("use_case_id", "language", "-version")
        return newest.distinct("use_case_id", "language")


class Disclosure(models.Model):
    """One version of what end users are told, in one language."""

    use_case = models.ForeignKey("registry.UseCase", models.CASCADE, related_name="disclosures")
    language = models.CharField(max_length=12)
    version = models.PositiveIntegerField()
    text = models.TextField()
    place = models.CharField(max_length=200, blank=True)
    effective_from = models.DateField(null=True, blank=True)
    state = models.CharField(
        max_length=10, choices=DISCLOSURE_STATE_CHOICES, default=DISCLOSURE_STATES.initial
    )
    # Nobody for a text that stood on the use case before there was a register.
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()
    approved_at = models.DateTimeField(null=True, blank=True)
    # When an application last asked for it with its key, to the hour.
    fetched_at = models.DateTimeField(null=True, blank=True)

    objects = DisclosureQuerySet.as_manager()

    class Meta:
        ordering = ["use_case_id", "language", "-version"]
        constraints = [
            models.UniqueConstraint(
                fields=["use_case", "language", "version"], name="one_disclosure_of_a_version"
            ),
            models.UniqueConstraint(
                fields=["use_case", "language"],
                condition=models.Q(state="draft"),
                name="one_draft_of_a_language",
            ),
        ]

    def __str__(self) -> str:
        return f"Notice of {self.use_case} in {self.language}, version {self.version}"

    def stands(self, today: date) -> bool:
        """Whether it was approved and has taken effect; a newer one may have replaced it."""
        has_begun = self.effective_from is not None and self.effective_from <= today
        return self.state == "approved" and has_begun

    def is_fetched_lately(self, since: datetime) -> bool:
        return self.fetched_at is not None and self.fetched_at > since
