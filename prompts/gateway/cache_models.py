"""Answers that may be given again for the very same request, for a while."""

from __future__ import annotations

from django.db import models

from governance.kernel.encryption import SealedField
from governance.model_cards.models import Deployment
from prompts.releases.models import Release
from telemetry.ledger.models import Call


class CachedAnswer(models.Model):
    """What a model answered to a request with that key, sealed.

    It belongs to `call`, whose retention, legal holds and erasure it follows. `key` is a hash
    over the redacted messages, what was asked for, the release's digest and the deployment.
    """

    key = models.CharField(max_length=64)
    release = models.ForeignKey(Release, models.PROTECT, related_name="+")
    deployment = models.ForeignKey(Deployment, models.PROTECT, related_name="+")
    call = models.ForeignKey(Call, models.PROTECT, related_name="+")
    text_sealed = SealedField(context=lambda one: f"gateway.CachedAnswer:{one.key}:{one.call_id}")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["key", "-expires_at"], name="cached_by_key"),
            models.Index(fields=["expires_at"], name="cached_until"),
        ]

    def __str__(self) -> str:
        return f"Answer of {self.call_id}"
