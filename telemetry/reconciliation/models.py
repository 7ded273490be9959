"""Files of providers, what each was compared to, and how differences were resolved."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from governance.model_cards.models import Deployment
from telemetry.ledger.models import LedgerEntry, money
from telemetry.reconciliation.rules import LineState, share_of


class ProviderLayout(models.Model):
    """How a provider's files are read, remembered from the last upload: columns by field, and
    deployments (slugs) by the provider's names of models."""

    provider = models.CharField(max_length=100, unique=True)
    columns: Any = models.JSONField(default=dict)
    decimal_comma = models.BooleanField(default=False)
    model_names: Any = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"Files of {self.provider}"


class ProviderFile(models.Model):
    """One file of a provider for a month, kept as it was sent. It holds counts and no texts."""

    provider = models.CharField(max_length=100)
    period = models.DateField()
    file_name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    rows = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    has_amounts = models.BooleanField()
    has_tokens = models.BooleanField()
    tolerance = money()
    tolerance_percent = models.DecimalField(max_digits=5, decimal_places=2)
    uploaded_at = models.DateTimeField()
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "period", "sha256"], name="one_upload_of_a_file"
            ),
            models.CheckConstraint(condition=Q(period__day=1), name="provider_file_of_a_month"),
        ]

    def __str__(self) -> str:
        return f"{self.provider}, {self.period:%B %Y}"


class ReconciliationLine(models.Model):
    """A day and model of a file: what the ledger says, what the provider says."""

    file = models.ForeignKey(ProviderFile, models.PROTECT, related_name="lines")
    day = models.DateField()
    model = models.CharField(max_length=200)
    deployment = models.ForeignKey(
        Deployment, models.PROTECT, null=True, blank=True, related_name="+"
    )
    ours_input = models.BigIntegerField(default=0)
    ours_output = models.BigIntegerField(default=0)
    ours_amount = money()
    theirs_input = models.BigIntegerField(default=0)
    theirs_output = models.BigIntegerField(default=0)
    theirs_amount = money()
    state = models.CharField(
        max_length=10,
        choices=[(s.value, s.value) for s in LineState],
        default=LineState.OPEN,
    )
    reason = models.CharField(max_length=300, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["day", "model", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["file", "day", "model"], name="one_line_of_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.model} on {self.day}"

    @property
    def difference(self) -> Decimal:
        """Theirs less ours: what is still to be booked."""
        difference: Decimal = self.theirs_amount - self.ours_amount
        return difference

    @property
    def tokens_difference(self) -> int:
        return self.theirs_input + self.theirs_output - self.ours_input - self.ours_output

    @property
    def share(self) -> Decimal | None:
        """Of ours, in percent: of the amounts, or of the tokens where there are no amounts."""
        if self.file.has_amounts:
            return share_of(self.ours_amount, self.theirs_amount)
        ours = Decimal(self.ours_input + self.ours_output)
        return share_of(ours, ours + self.tokens_difference)


class ReconciliationEntry(models.Model):
    """A ledger entry by which a line was adjusted, inserted and never changed."""

    line = models.ForeignKey(ReconciliationLine, models.PROTECT, related_name="entries")
    entry = models.OneToOneField(LedgerEntry, models.PROTECT, related_name="reconciliation_entry")

    def __str__(self) -> str:
        return f"{self.entry} for {self.line}"
