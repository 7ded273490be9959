"""What keeps bodies back from their end (legal holds), and what ends them early (erasures)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from governance.access.models import Team
from governance.kernel.canonical import uuid7
from governance.registry.models import UseCase
from telemetry.ledger.rules import ErasureState

if TYPE_CHECKING:
    from telemetry.ledger.models import CallQuerySet

ERASURE_STATE_CHOICES = [(one.value, one.value) for one in ErasureState]


def scope_call() -> models.ForeignKey[Any, Any]:
    return models.ForeignKey("ledger.Call", models.PROTECT, null=True, blank=True, related_name="+")


def person() -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")


class LegalHoldQuerySet(models.QuerySet["LegalHold"]):
    def live(self) -> LegalHoldQuerySet:
        return self.filter(lifted_at=None)

    def covering(self, prefix: str = "") -> LegalHoldQuerySet:
        """In a subquery: those whose scope has the call that stands at `prefix` of the outer row."""

        def of_call(name: str) -> OuterRef:
            return OuterRef(f"{prefix}{name}")

        return self.filter(
            Q(use_case=None) | Q(use_case=of_call("use_case_id")),
            Q(team=None) | Q(team=of_call("team_id")),
            Q(call=None) | Q(call=of_call("id")),
            Q(end_user_hash="") | Q(end_user_hash=of_call("end_user_hash")),
            Q(starts_at=None) | Q(starts_at__lte=of_call("admitted_at")),
            Q(ends_at=None) | Q(ends_at__gt=of_call("admitted_at")),
        )


class LegalHold(models.Model):
    """What may not be destroyed: the bodies of every call that fits all of its scope.

    The scope never changes and the row is never deleted (the database refuses both); a hold
    ends by being lifted.
    """

    name = models.CharField(max_length=120)
    reason = models.CharField(max_length=2000)
    use_case = models.ForeignKey(
        UseCase, models.PROTECT, null=True, blank=True, related_name="legal_holds"
    )
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="+")
    call = scope_call()
    end_user_hash = models.CharField(max_length=64, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    placed_by = person()
    placed_at = models.DateTimeField()
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_because = models.CharField(max_length=2000, blank=True)
    form_token = models.UUIDField(null=True, blank=True, unique=True)

    objects = LegalHoldQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(use_case__isnull=False)
                | Q(team__isnull=False)
                | Q(call__isnull=False)
                | ~Q(end_user_hash="")
                | Q(starts_at__isnull=False)
                | Q(ends_at__isnull=False),
                name="legal_hold_has_a_scope",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at=None, lifted_by=None)
                | Q(lifted_at__isnull=False, lifted_by__isnull=False),
                name="legal_hold_lifted_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"Legal hold {self.name}"

    def calls(self) -> CallQuerySet:
        """What it covers, also of what is still to come."""
        return calls_in(
            use_case=self.use_case_id,
            team=self.team_id,
            pk=self.call_id,
            end_user_hash=self.end_user_hash or None,
            admitted_at__gte=self.starts_at,
            admitted_at__lt=self.ends_at,
        )


def calls_in(**scope: Any) -> CallQuerySet:
    """Calls that fit all of the look-ups that say something."""
    from telemetry.ledger.models import Call

    return Call.objects.filter(**{name: one for name, one in scope.items() if one is not None})


def is_held_back(prefix: str = "") -> Exists:
    """Of a row: whether a live legal hold covers the call that stands at `prefix`."""
    return Exists(LegalHold.objects.live().covering(prefix))


class Erasure(models.Model):
    """The texts of one person's calls, or of one call, emptied before their time.

    The identifier itself is not kept: only its SHA-256, as the calls carry it. `counted` and
    `erased` are numbers by kind of text; `refused` says which legal holds kept what back.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    end_user_hash = models.CharField(max_length=64, blank=True)
    call = scope_call()
    reason = models.CharField(max_length=2000)
    requested_by = person()
    requested_at = models.DateTimeField()
    state = models.CharField(
        max_length=10, choices=ERASURE_STATE_CHOICES, default=ErasureState.REQUESTED
    )
    calls_total = models.PositiveIntegerField(default=0)
    calls_done = models.PositiveIntegerField(default=0)
    counted: Any = models.JSONField(default=dict)
    erased: Any = models.JSONField(default=dict)
    refused: Any = models.JSONField(default=list)
    position = models.UUIDField(null=True, blank=True)
    queued_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    # The audit event that covers what is gone.
    event = models.UUIDField(null=True, blank=True)
    form_token = models.UUIDField(null=True, blank=True, unique=True)

    class Meta:
        ordering = ["-requested_at", "-id"]
        indexes = [
            models.Index(
                fields=["queued_at"],
                condition=~Q(state="finished"),
                name="erasure_unfinished",
            )
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(call=None) & ~Q(end_user_hash="")
                | Q(call__isnull=False, end_user_hash=""),
                name="erasure_of_a_person_or_a_call",
            ),
            models.CheckConstraint(
                condition=~Q(state="finished") | Q(finished_at__isnull=False, event__isnull=False),
                name="erasure_finished_by_an_event",
            ),
        ]

    def __str__(self) -> str:
        if self.call_id:
            return f"Erasure of call {str(self.call_id)[-12:]}"
        return f"Erasure of end user {self.end_user_hash[:8]}…"

    @property
    def is_finished(self) -> bool:
        return self.state == ErasureState.FINISHED

    def calls(self) -> CallQuerySet:
        """What it is about: calls that were let in before it was asked for."""
        return calls_in(
            pk=self.call_id,
            end_user_hash=self.end_user_hash or None,
            admitted_at__lte=self.requested_at,
        )
