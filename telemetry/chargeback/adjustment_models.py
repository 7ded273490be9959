"""Corrections of the ledger as they were asked for, and the entry that each became."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from governance.access.models import Team, User
from governance.kernel.authority import Permission
from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from telemetry.ledger.models import LedgerEntry, money

KINDS = ("adjustment", "credit")


class AdjustmentQuerySet(models.QuerySet["Adjustment"]):
    def visible_to(self, user: User) -> AdjustmentQuerySet:
        reach = user.reach(Permission.CHARGEBACK_VIEW)
        return self if reach.everywhere else self.filter(team_id__in=reach.team_ids)


class Adjustment(models.Model):
    """An amount to add to what was booked (below zero: to take off), and why.

    It points at the entry it corrects, where there is one; else it says the team and the day.
    `entry` is what was booked of it: at once when it is small, else when a second person of
    finance has signed. There is nothing in the ledger before that.
    """

    kind = models.CharField(max_length=10, choices=[(one, one) for one in KINDS])
    corrects = models.ForeignKey(
        LedgerEntry, models.PROTECT, null=True, blank=True, related_name="adjustments"
    )
    team = models.ForeignKey(Team, models.PROTECT, related_name="adjustments")
    use_case = models.ForeignKey(UseCase, models.PROTECT, null=True, blank=True, related_name="+")
    deployment = models.ForeignKey(
        Deployment, models.PROTECT, null=True, blank=True, related_name="+"
    )
    day = models.DateField()
    amount = money()
    currency = models.CharField(max_length=3)
    reason = models.CharField(max_length=250)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    entry = models.OneToOneField(
        LedgerEntry, models.PROTECT, null=True, blank=True, related_name="adjustment"
    )

    objects = AdjustmentQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="an_adjustment_changes_something"),
            models.CheckConstraint(
                condition=~Q(kind="credit") | Q(amount__lt=0), name="a_credit_gives_back"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=KINDS), name="adjustment_is_of_a_known_kind"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.amount.normalize():f} {self.currency} for {self.team}"

    @property
    def is_booked(self) -> bool:
        return self.entry_id is not None
