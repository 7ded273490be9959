"""What a second model said of an answer. Its words may hold content, so they are sealed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from governance.kernel.encryption import SealedField
from governance.model_cards.models import Deployment
from prompts.gateway.verdicts import NO_VERDICT, VERDICTS
from telemetry.ledger.models import Call

SAID = (*VERDICTS, NO_VERDICT)


class SecondOpinion(models.Model):
    """One verdict of a call; retention, legal holds and erasure are the call's.

    `reason_sealed` is empty once it was destroyed. Cost stands in the ledger, as the attempts of
    the call that are described as its verdict.
    """

    call = models.OneToOneField(
        Call, models.PROTECT, primary_key=True, related_name="second_opinion"
    )
    deployment = models.ForeignKey(Deployment, models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=5, choices=[(one, one) for one in SAID])
    # What the release decided for that verdict; empty for a pass.
    action = models.CharField(max_length=5, blank=True)
    reason_sealed = SealedField(
        null=True, blank=True, context=lambda one: f"gateway.SecondOpinion:{one.call_id}"
    )
    keep_until = models.DateTimeField()
    at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["keep_until"], condition=~Q(reason_sealed=None), name="opinion_until"
            )
        ]

    def __str__(self) -> str:
        return f"Verdict on {self.call_id}"
