"""What is to be done in the ten phases of a use case."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.conf import settings
from django.db import models

from governance.registry.checklist import ItemState, state_of
from governance.registry.rules import PHASES, USE_CASE_STAGES, Stage


def _choices(values: Any) -> list[tuple[str, str]]:
    return [(str(value), str(value).replace("_", " ")) for value in values]


class ChecklistItemQuerySet(models.QuerySet["ChecklistItem"]):
    def unsettled(self, today: date) -> ChecklistItemQuerySet:
        """Neither done nor under a waiver that holds, of use cases that still live."""
        waived = models.Q(waived_until__gte=today)
        return self.filter(done_at=None).exclude(waived).exclude(use_case__stage=Stage.RETIRED)

    def run_out(self, today: date) -> ChecklistItemQuerySet:
        """Open again, because their waiver is over."""
        return self.unsettled(today).filter(waived_until__lt=today)


class ChecklistItem(models.Model):
    """One thing to do in one of the ten phases (`checklist.ASKED`), done or waived for a time."""

    use_case = models.ForeignKey("registry.UseCase", models.CASCADE, related_name="checklist")
    # Of `checklist.ASKED`; empty for what was written before there were keys.
    key = models.CharField(max_length=30, blank=True)
    phase = models.CharField(max_length=20, choices=_choices(PHASES))
    text = models.CharField(max_length=200)
    # The stage whose gate needs it.
    stage = models.CharField(
        max_length=12, choices=_choices(USE_CASE_STAGES.states), default=Stage.PRODUCTION.value
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="checklist_items",
    )
    evidence = models.CharField(max_length=300, blank=True)
    evidence_link = models.CharField(max_length=300, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    waived_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    waived_at = models.DateTimeField(null=True, blank=True)
    waived_until = models.DateField(null=True, blank=True)
    waiver_reason = models.CharField(max_length=500, blank=True)
    # When its owner was told that the waiver ran out.
    run_out_told_at = models.DateTimeField(null=True, blank=True)

    objects = ChecklistItemQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["use_case", "key"], condition=~models.Q(key=""), name="one_item_of_a_key"
            ),
            models.CheckConstraint(
                name="waiver_is_whole",
                condition=models.Q(
                    waived_by=None, waived_at=None, waived_until=None, waiver_reason=""
                )
                | models.Q(
                    waived_by__isnull=False, waived_at__isnull=False, waived_until__isnull=False
                )
                & ~models.Q(waiver_reason=""),
            ),
            models.CheckConstraint(
                name="nobody_waives_their_own",
                condition=models.Q(waived_by=None)
                | models.Q(owner=None)
                | ~models.Q(waived_by=models.F("owner")),
            ),
        ]

    def __str__(self) -> str:
        return self.text

    def state(self, today: date) -> ItemState:
        is_done = self.done_at is not None
        return state_of(is_done=is_done, waived_until=self.waived_until, today=today)
