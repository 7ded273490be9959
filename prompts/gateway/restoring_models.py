"""What the placeholders of a call stand for, while its answer may be given out with them."""

from __future__ import annotations

from django.db import models

from governance.kernel.encryption import SealedField
from telemetry.ledger.models import Call


class RestorableValues(models.Model):
    """Only of types that policy puts back, only where an answer may need them.

    Retention, legal holds and erasure are the call's. `values_sealed` is JSON: the contract's
    type, and each placeholder with its value.
    """

    call = models.OneToOneField(Call, models.PROTECT, primary_key=True, related_name="restorable")
    values_sealed = SealedField(context=lambda one: f"gateway.RestorableValues:{one.call_id}")
    keep_until = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "restorable values"
        indexes = [models.Index(fields=["keep_until"], name="restorable_until")]

    def __str__(self) -> str:
        return f"Replaced values of {self.call_id}"
