"""Endpoints, the outbox of what they are sent, and every try."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from governance.access.models import Team, User
from governance.kernel.authority import Permission
from governance.kernel.canonical import uuid7
from governance.kernel.encryption import SealedField, decrypt, encrypt
from governance.registry.models import UseCase
from telemetry.webhooks.rules import DeliveryState

DELIVERY_STATE_CHOICES = [(one.value, one.value) for one in DeliveryState]


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def visible_to(self, user: User) -> WebhookEndpointQuerySet:
        """Endpoints of the teams whose keys this person manages."""
        reach = user.reach(Permission.API_KEY_MANAGE)
        return self if reach.everywhere else self.filter(team_id__in=reach.team_ids)


def secret_context(endpoint: Any) -> str:
    return f"webhooks.WebhookEndpoint:{endpoint.pk}"


class WebhookEndpoint(models.Model):
    """Where a use case's events are sent. Its secret is sealed; the one before it signs too,
    until `previous_until`."""

    use_case = models.ForeignKey(UseCase, models.PROTECT, related_name="webhook_endpoints")
    team = models.ForeignKey(Team, models.PROTECT, related_name="webhook_endpoints")
    url = models.CharField(max_length=500)
    events: Any = models.JSONField(default=list)
    is_active = models.BooleanField(default=True)
    secret_sealed = SealedField(null=True, context=secret_context)
    previous_sealed = SealedField(null=True, blank=True, context=secret_context)
    previous_until = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    failing_since = models.DateTimeField(null=True, blank=True)
    turned_off_because = models.CharField(max_length=300, blank=True)
    form_token = models.UUIDField(null=True, blank=True, unique=True)

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = "webhook"

    def __str__(self) -> str:
        return f"Webhook {self.pk} of {self.use_case_id and self.use_case.slug}"

    def seal(self, secret: str) -> bytes:
        return encrypt(secret, context=secret_context(self))

    def secrets_at(self, now: datetime) -> list[str]:
        """The texts that sign now: the newest first, the one before while both hold."""
        sealed = [self.secret_sealed]
        if self.previous_until is not None and self.previous_until > now:
            sealed.append(self.previous_sealed)
        context = secret_context(self)
        return [decrypt(bytes(one), context=context) for one in sealed if one is not None]


class WebhookDelivery(models.Model):
    """One event for one endpoint, written with the event. `body` holds ids, never content."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    endpoint = models.ForeignKey(WebhookEndpoint, models.PROTECT, related_name="deliveries")
    kind = models.CharField(max_length=60)
    body: Any = models.JSONField()
    occurred_at = models.DateTimeField()
    state = models.CharField(
        max_length=10, choices=DELIVERY_STATE_CHOICES, default=DeliveryState.WAITING
    )
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-occurred_at", "-pk"]
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index(fields=["endpoint", "-occurred_at"], name="delivery_newest"),
            models.Index(fields=["next_try_at"], condition=Q(state="waiting"), name="delivery_due"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to webhook {self.endpoint_id}"


class WebhookTry(models.Model):
    """One request to the receiver and what came back; its body is not kept."""

    delivery = models.ForeignKey(WebhookDelivery, models.PROTECT, related_name="attempts")
    at = models.DateTimeField()
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    took_ms = models.PositiveIntegerField(default=0)
    fault = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "webhook tries"

    def __str__(self) -> str:
        return f"{self.status_code or self.fault} at {self.at:%Y-%m-%d %H:%M}"
