"""Send what is due: claim, ask the receiver outside any transaction, note what came back."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from governance.audit.services import record
from governance.kernel.authority import Actor
from telemetry.alerts.services import clear_cause, raise_alert
from telemetry.webhooks import sending
from telemetry.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookTry
from telemetry.webhooks.rules import (
    DELIVERY_STATES,
    FAILING_FOR,
    DeliveryState,
    is_success,
    next_try,
    signature,
)

# Longer than the longest request: a worker that dies leaves the delivery to the next.
LEASE = timedelta(minutes=2)
KEPT_FOR = timedelta(days=90)
GONE = 410


def deliver(*, delivery_id: UUID, now: datetime) -> datetime | None:
    """One try of a due delivery; when the next is due. Delivered twice at once, it is sent once."""
    delivery = _claim(delivery_id, now)
    if delivery is None:
        return None
    body, headers = message(delivery, now)
    sent = sending.post(delivery.endpoint.url, body, headers, settings.PLACET_WEBHOOK_ALLOW)
    return _note(delivery_id, sent, now)


def message(delivery: WebhookDelivery, now: datetime) -> tuple[bytes, dict[str, str]]:
    """Body and headers as Standard Webhooks writes them; signed by every secret that holds now."""
    body = json.dumps(delivery.body, ensure_ascii=False, separators=(",", ":")).encode()
    message_id, timestamp = f"msg_{delivery.pk.hex}", int(now.timestamp())
    signatures = (
        signature(secret, message_id, timestamp, body)
        for secret in delivery.endpoint.secrets_at(now)
    )
    return body, {
        "content-type": "application/json",
        "user-agent": "Placet-Webhooks/1",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


@transaction.atomic
def _claim(delivery_id: UUID, now: datetime) -> WebhookDelivery | None:
    due = WebhookDelivery.objects.select_for_update(skip_locked=True, of=("self",))
    delivery = (
        due.select_related("endpoint")
        .filter(pk=delivery_id, state=DeliveryState.WAITING, next_try_at__lte=now)
        .first()
    )
    if delivery is None:
        return None
    delivery.tries += 1
    delivery.next_try_at = now + LEASE
    delivery.save(update_fields=["tries", "next_try_at"])
    return delivery


@transaction.atomic
def _note(delivery_id: UUID, sent: sending.Sent, now: datetime) -> datetime | None:
    delivery = WebhookDelivery.objects.select_for_update(of=("self",)).get(pk=delivery_id)
    endpoint = WebhookEndpoint.objects.select_for_update(of=("self",)).select_related(
        "team", "use_case"
    )
    receiver = endpoint.get(pk=delivery.endpoint_id)
    over = now + timedelta(milliseconds=sent.took_ms)
    WebhookTry.objects.create(
        delivery=delivery,
        at=now,
        status_code=sent.status,
        took_ms=sent.took_ms,
        fault=sent.fault[:200],
    )
    if delivery.state != DeliveryState.WAITING:
        return None  # it was turned off while the receiver thought
    if is_success(sent.status):
        _end(delivery, "deliver", over)
        _mend(receiver, now)
        return None
    delivery.next_try_at = next_try(delivery.tries, over, random.random())  # noqa: S311  # jitter
    if delivery.next_try_at is None:
        _end(delivery, "give_up", over)
    else:
        delivery.save(update_fields=["next_try_at"])
    _fail(receiver, sent, over)
    return delivery.next_try_at if receiver.is_active else None


def _end(delivery: WebhookDelivery, action: str, now: datetime) -> None:
    delivery.state = DELIVERY_STATES.target(delivery.state, action)
    delivery.finished_at, delivery.next_try_at = now, None
    delivery.save(update_fields=["state", "finished_at", "next_try_at"])


def _mend(receiver: WebhookEndpoint, now: datetime) -> None:
    if receiver.failing_since is not None:
        receiver.failing_since = None
        receiver.save(update_fields=["failing_since"])


def _fail(receiver: WebhookEndpoint, sent: sending.Sent, now: datetime) -> None:
    """Five days without a single success, or a receiver that says it is gone, turn it off."""
    if receiver.failing_since is None:
        receiver.failing_since = now
        receiver.save(update_fields=["failing_since"])
    if not receiver.is_active:
        return
    if sent.status == GONE:
        _turn_off(receiver, "The receiver answered that it is gone (410).", now)
    elif now - receiver.failing_since >= FAILING_FOR:
        _turn_off(receiver, "Every try failed for five days.", now)


def _turn_off(receiver: WebhookEndpoint, because: str, now: datetime) -> None:
    receiver.is_active, receiver.turned_off_because = False, because
    receiver.save(update_fields=["is_active", "turned_off_because"])
    end_waiting(receiver, now)
    raise_alert(
        cause=cause_of(receiver),
        title=f"The webhook of {receiver.use_case} was turned off. {because}",
        severity="warning",
        now=now,
        url=reverse("webhooks:detail", args=[receiver.pk]),
        team=receiver.team,
    )
    record(
        actor=Actor.system("webhooks"),
        action="webhook.turned_off",
        subject=receiver,
        now=now,
        reason=because,
        team_id=receiver.team_id,
    )


def end_waiting(receiver: WebhookEndpoint, now: datetime) -> None:
    """What waited for a receiver that is turned off is given up; it can be sent again."""
    given_up = DELIVERY_STATES.target(DeliveryState.WAITING, "give_up")
    receiver.deliveries.filter(state=DeliveryState.WAITING).update(
        state=given_up, finished_at=now, next_try_at=None
    )


def clear(receiver: WebhookEndpoint, now: datetime) -> None:
    """A person looked after it: its alert ends."""
    clear_cause(cause=cause_of(receiver), job="webhooks", now=now)


def cause_of(receiver: WebhookEndpoint) -> str:
    return f"webhook:{receiver.pk}"


def due(now: datetime, limit: int = 500) -> list[UUID]:
    """Waiting deliveries whose time has come, the longest waiting first."""
    waiting = WebhookDelivery.objects.filter(state=DeliveryState.WAITING, next_try_at__lte=now)
    return list(waiting.order_by("next_try_at").values_list("pk", flat=True)[:limit])


@transaction.atomic
def forget_old(*, now: datetime, batch: int = 1000) -> int:
    """Delete what ended three months ago, with its tries. How many."""
    old = WebhookDelivery.objects.filter(finished_at__lt=now - KEPT_FOR)
    found = list(old.values_list("pk", flat=True)[:batch])
    WebhookTry.objects.filter(delivery_id__in=found).delete()
    WebhookDelivery.objects.filter(pk__in=found).delete()
    return len(found)
