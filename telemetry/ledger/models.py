"""Calls, their sealed bodies, and the money lines. No body text stands in `Call`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from governance.access.models import ApiKey, Team, User
from governance.kernel.authority import Permission
from governance.kernel.canonical import uuid7
from governance.kernel.encryption import SealedField, decrypt, encrypt
from governance.kernel.terms import Sensitivity
from governance.model_cards.models import Deployment, ExchangeRate
from governance.registry.models import UseCase
from telemetry.ledger.amounts import ZERO, money
from telemetry.ledger.keeping_models import Erasure, LegalHold
from telemetry.ledger.rules import (
    CONFIDENCE_METHODS,
    DIGEST_VERSION,
    OPEN_STATES,
    CallMode,
    CallSource,
    CallState,
    EntryKind,
    EntrySource,
)
from telemetry.ledger.set_models import LedgerSeal, ReplayBatch
from telemetry.ledger.tally_models import CallTally, DayOutcome, LatencyTally

__all__ = [
    "ZERO",
    "Call",
    "CallQuerySet",
    "CallTally",
    "DayOutcome",
    "Erasure",
    "LatencyTally",
    "LedgerEntry",
    "LedgerEntryQuerySet",
    "LedgerSeal",
    "LegalHold",
    "Payload",
    "ReplayBatch",
    "body_context",
    "money",
]


class CallQuerySet(models.QuerySet["Call"]):
    def visible_to(self, user: User) -> CallQuerySet:
        """Calls of the person's reach under CALL_VIEW."""
        reach = user.reach(Permission.CALL_VIEW)
        return self if reach.everywhere else self.filter(team_id__in=reach.team_ids)

    def live(self) -> CallQuerySet:
        return self.filter(source=CallSource.LIVE)

    def open(self) -> CallQuerySet:
        return self.filter(state__in=OPEN_STATES)

    def lost(self, now: datetime) -> CallQuerySet:
        """Admitted or running, and whoever ran them has not been heard of: for the sweeper."""
        return self.open().filter(lease_until__lt=now)

    def unsealed(self) -> CallQuerySet:
        """Settled calls that no seal covers yet."""
        return self.filter(seal=None).exclude(digest="")


class Call(models.Model):
    """One governed model call. Bodies stand sealed in `Payload`, money in `LedgerEntry`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No index of their own where another one begins with them: each is written twice a call.
    use_case = models.ForeignKey(UseCase, models.PROTECT, related_name="calls", db_index=False)
    team = models.ForeignKey(Team, models.PROTECT, related_name="calls", db_index=False)
    api_key = models.ForeignKey(
        ApiKey, models.PROTECT, null=True, blank=True, related_name="calls", db_index=False
    )
    requester = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="calls"
    )
    # Prompts stand above the ledger, so no foreign key: the ids as of the call, and its label.
    release_id = models.BigIntegerField(null=True, blank=True)
    prompt_version_id = models.BigIntegerField(null=True, blank=True)
    prompt_label = models.CharField(max_length=200, blank=True)
    deployment = models.ForeignKey(
        Deployment, models.PROTECT, null=True, blank=True, related_name="calls"
    )
    sensitivity = models.CharField(max_length=12, choices=[(s.value, s.value) for s in Sensitivity])
    mode = models.CharField(max_length=10, choices=[(m.value, m.value) for m in CallMode])
    source = models.CharField(
        max_length=10,
        choices=[(s.value, s.value) for s in CallSource],
        default=CallSource.LIVE,
    )
    state = models.CharField(
        max_length=10,
        choices=[(s.value, s.value) for s in CallState],
        default=CallState.ADMITTED,
    )
    outcome = models.CharField(max_length=8, blank=True)
    admitted_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    request_hash = models.CharField(max_length=64, blank=True)
    response_hash = models.CharField(max_length=64, blank=True)
    decided_hash = models.CharField(max_length=64, blank=True)
    redactions: Any = models.JSONField(default=dict, blank=True)
    findings: Any = models.JSONField(default=list, blank=True)
    stage_trail: Any = models.JSONField(default=list, blank=True)
    hold_reason = models.CharField(max_length=300, blank=True)
    refusal_code = models.CharField(max_length=60, blank=True)
    refusal_message = models.CharField(max_length=600, blank=True)

    tokens_input = models.PositiveIntegerField(default=0)
    tokens_cached = models.PositiveIntegerField(default=0)
    tokens_output = models.PositiveIntegerField(default=0)
    # Part of the output tokens (OpenAI's rule); images are counted by the piece.
    tokens_reasoning = models.PositiveIntegerField(default=0, db_default=0)
    images = models.PositiveIntegerField(default=0, db_default=0)
    latency_ms = models.PositiveIntegerField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Answered from the cache: no provider was asked and nothing was billed.
    is_cached = models.BooleanField(default=False, db_default=False)
    # How sure the answer is, 0 to 1, and how that is known; never a guess.
    confidence = models.DecimalField(max_digits=5, decimal_places=4, null=True, blank=True)
    confidence_method = models.CharField(
        max_length=20,
        blank=True,
        default="",
        db_default="",
        choices=[(m, m) for m in CONFIDENCE_METHODS],
    )
    cost = money(default=ZERO)
    currency = models.CharField(max_length=3)
    price_snapshot: Any = models.JSONField(default=dict, blank=True)

    idempotency_key = models.CharField(max_length=200, blank=True)
    idempotency_hash = models.CharField(max_length=64, blank=True)
    task_id = models.CharField(max_length=200, blank=True)
    end_user_hash = models.CharField(max_length=64, blank=True)

    digest = models.CharField(max_length=64, blank=True)
    # What the digest is taken over; see digests.py. Calls before there were versions have the first.
    digest_version = models.PositiveSmallIntegerField(default=DIGEST_VERSION, db_default=1)
    seal = models.ForeignKey(
        LedgerSeal, models.PROTECT, null=True, blank=True, related_name="calls", db_index=False
    )
    seal_position = models.PositiveIntegerField(null=True, blank=True)
    replay_batch = models.ForeignKey(
        ReplayBatch, models.PROTECT, null=True, blank=True, related_name="calls"
    )

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering = ["-admitted_at", "-id"]
        indexes = [
            models.Index(fields=["-admitted_at", "-id"], name="call_newest"),
            models.Index(fields=["team", "-admitted_at", "-id"], name="call_team_newest"),
            models.Index(fields=["use_case", "-admitted_at", "-id"], name="call_use_case_newest"),
            models.Index(fields=["admitted_at", "team", "use_case", "state"], name="call_tally"),
            # A key's own calls, newest first; releases weigh a version's calls.
            models.Index(fields=["api_key", "-admitted_at"], name="call_key_newest"),
            models.Index(
                fields=["end_user_hash", "id"],
                condition=~Q(end_user_hash=""),
                name="call_end_user",
            ),
            models.Index(fields=["prompt_version_id", "-admitted_at"], name="call_version_newest"),
            # Few calls have either, so the filters find them and the others pay nothing.
            models.Index(
                fields=["-admitted_at", "-id"],
                condition=~Q(findings=[]),
                name="call_with_findings",
            ),
            models.Index(
                fields=["-admitted_at", "-id"],
                condition=~Q(hold_reason=""),
                name="call_held",
            ),
            models.Index(
                fields=["-admitted_at", "-id"],
                condition=Q(confidence__isnull=False),
                name="call_with_confidence",
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(state__in=["admitted", "running"]),
                name="call_open_lease",
            ),
            models.Index(
                fields=["finished_at", "id"],
                condition=Q(seal=None) & ~Q(digest=""),
                name="call_unsealed",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["api_key", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="call_idempotent_by_key",
            ),
            models.UniqueConstraint(
                fields=["requester", "idempotency_key"],
                condition=Q(api_key=None) & ~Q(idempotency_key=""),
                name="call_idempotent_by_person",
            ),
            models.UniqueConstraint(
                fields=["seal", "seal_position"],
                condition=Q(seal__isnull=False),
                name="call_seal_position",
            ),
        ]

    def __str__(self) -> str:
        return f"Call {str(self.pk)[-12:]}"

    @property
    def is_replayed(self) -> bool:
        """Replayed history: made elsewhere, priced here."""
        return self.source == CallSource.REPLAYED


def body_context(column: str) -> Callable[[Any], str]:
    """What the body of that column is bound to, of a payload."""
    return lambda payload: f"ledger.Payload:{payload.call_id}:{column}"


class Payload(models.Model):
    """The redacted bodies of a call, each encrypted and bound to its call and column."""

    call = models.OneToOneField(Call, models.PROTECT, primary_key=True, related_name="payload")
    request_sealed = SealedField(null=True, blank=True, context=body_context("request"))
    response_sealed = SealedField(null=True, blank=True, context=body_context("response"))
    decided_sealed = SealedField(null=True, blank=True, context=body_context("decided"))
    keep_until = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True, blank=True)
    # Why it was destroyed before its time; None: its retention ended.
    erasure = models.ForeignKey(
        Erasure, models.PROTECT, null=True, blank=True, related_name="payloads"
    )

    class Meta:
        indexes = [
            models.Index(
                fields=["keep_until"],
                condition=Q(destroyed_at=None),
                name="payload_kept_until",
            )
        ]

    def __str__(self) -> str:
        return f"Bodies of {self.call_id}"

    def seal(self, column: str, text: str) -> None:
        """Encrypt `text` into "request", "response" or "decided"; the row is not saved."""
        setattr(self, f"{column}_sealed", self.sealed(column, text))

    def sealed(self, column: str, text: str) -> bytes:
        """`text` encrypted, bound to this call and that column."""
        return encrypt(text, context=self._context(column))

    def open(self, column: str) -> str | None:
        """The text of that column, or None if there is none (never kept, or destroyed)."""
        sealed = getattr(self, f"{column}_sealed")
        return None if sealed is None else decrypt(sealed, context=self._context(column))

    def _context(self, column: str) -> str:
        return body_context(column)(self)


class LedgerEntryQuerySet(models.QuerySet["LedgerEntry"]):
    def visible_to(self, user: User) -> LedgerEntryQuerySet:
        """Entries of the person's reach under CHARGEBACK_VIEW."""
        reach = user.reach(Permission.CHARGEBACK_VIEW)
        return self if reach.everywhere else self.filter(team_id__in=reach.team_ids)


class LedgerEntry(models.Model):
    """One money line, inserted and never changed (the database refuses it).

    `day` is when it happened, `period` the first of the month it is booked to: the day's own
    month, or the team's next open one when that month's statement is closed. `calls` is 1 on
    the first billed attempt of a call and 0 on every other line, so that it sums to calls.
    """

    call = models.ForeignKey(Call, models.PROTECT, null=True, blank=True, related_name="entries")
    attempt = models.PositiveSmallIntegerField(default=1)
    kind = models.CharField(max_length=10, choices=[(k.value, k.value) for k in EntryKind])
    # entry_statement begins with it: an index of its own would only make booking dearer.
    team = models.ForeignKey(Team, models.PROTECT, related_name="ledger_entries", db_index=False)
    use_case = models.ForeignKey(
        UseCase, models.PROTECT, null=True, blank=True, related_name="ledger_entries"
    )
    deployment = models.ForeignKey(
        Deployment, models.PROTECT, null=True, blank=True, related_name="ledger_entries"
    )
    period = models.DateField()
    day = models.DateField()
    calls = models.PositiveSmallIntegerField(default=0)
    tokens_input = models.PositiveIntegerField(default=0)
    tokens_cached = models.PositiveIntegerField(default=0)
    tokens_output = models.PositiveIntegerField(default=0)
    tokens_reasoning = models.PositiveIntegerField(default=0, db_default=0)
    images = models.PositiveIntegerField(default=0, db_default=0)
    amount = money()
    currency = models.CharField(max_length=3)
    # What the deployment's price list says, where that is in another currency, and the rate by
    # which `amount` came of it.
    priced_amount = money(null=True, blank=True)
    priced_currency = models.CharField(max_length=3, blank=True, db_default="")
    rate = models.ForeignKey(
        ExchangeRate,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="entries",
        db_index=False,
    )
    source = models.CharField(max_length=10, choices=[(s.value, s.value) for s in EntrySource])
    corrects = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="corrections", db_index=False
    )
    description = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()

    objects = LedgerEntryQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "ledger entries"
        indexes = [
            models.Index(fields=["team", "period", "id"], name="entry_statement"),
            models.Index(fields=["period", "id"], name="entry_period"),
            models.Index(
                fields=["corrects"], condition=Q(corrects__isnull=False), name="entry_corrects"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["call", "attempt"],
                condition=Q(kind="usage"),
                name="one_entry_per_attempt",
            ),
            models.CheckConstraint(
                condition=~Q(kind="usage") | Q(amount__gte=0), name="usage_is_not_negative"
            ),
            models.CheckConstraint(
                condition=~Q(kind="usage") | Q(call__isnull=False), name="usage_has_its_call"
            ),
            models.CheckConstraint(
                condition=Q(rate=None, priced_amount=None, priced_currency="")
                | (Q(rate__isnull=False, priced_amount__isnull=False) & ~Q(priced_currency="")),
                name="converted_by_a_rate",
            ),
            models.CheckConstraint(
                condition=~Q(kind="review")
                | Q(call__isnull=False, amount__gte=0, calls=0, source="review"),
                name="review_is_time_on_a_call",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}, {self.kind} on {self.day}"
