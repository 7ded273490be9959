"""Carry a delivery out: claim it, ask for the right, make the file once, hand it over, note it."""

from __future__ import annotations

import hashlib
import os
import random
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from governance.access.models import User
from governance.home import mailing
from governance.home.services import notify
from telemetry.chargeback.dashboard import View
from telemetry.deliveries import rights
from telemetry.deliveries.models import DeliverySchedule, DocumentDelivery
from telemetry.deliveries.rules import ATTACHED_UP_TO, DELIVERY_STATES, KEPT_FOR, DeliveryState
from telemetry.documents.files import DocumentFile, statement_file, usage_file
from telemetry.webhooks.models import WebhookDelivery
from telemetry.webhooks.outbox import enqueue
from telemetry.webhooks.rules import MOST_TRIES, next_try

# Longer than a large export takes: a worker that dies leaves it to the next.
LEASE = timedelta(minutes=10)
READY = "document.ready"


@dataclass(frozen=True)
class _Tried:
    """What came of a try: nothing to say, a fault that may pass, or one that will not."""

    fault: str = ""
    is_final: bool = False
    was_attached: bool = False


def folder() -> Path:
    return Path(settings.DATA_DIR) / "deliveries"


def path_of(delivery: DocumentDelivery) -> Path:
    return folder() / str(delivery.pk)


def deliver(*, delivery_id: UUID, now: datetime) -> datetime | None:
    """One try of a due delivery; when the next is due. Delivered twice at once, it is sent once."""
    delivery = _claim(delivery_id, now)
    if delivery is None:
        return None
    refused = rights.refusal(delivery.schedule)
    if refused:
        return _note(delivery_id, _Tried(refused, is_final=True), now)
    if not delivery.has_file:
        delivery = _made(delivery, now)
    if delivery.schedule.recipient is not None:
        return _note(delivery_id, _mailed(delivery, delivery.schedule.recipient), now)
    return _announce(delivery_id, now)


@transaction.atomic
def _claim(delivery_id: UUID, now: datetime) -> DocumentDelivery | None:
    delivery = (
        DocumentDelivery.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related(
            "schedule__team",
            "schedule__owner",
            "schedule__recipient",
            "schedule__endpoint__use_case",
            "schedule__endpoint__team",
        )
        .filter(pk=delivery_id, state=DeliveryState.WAITING, next_try_at__lte=now)
        .first()
    )
    if delivery is None:
        return None
    if delivery.tries >= MOST_TRIES:  # workers died of it, one after the other
        _end(delivery, "give_up", "The file could not be made.", now)
        return None
    delivery.tries += 1
    delivery.next_try_at = now + LEASE
    delivery.save(update_fields=["tries", "next_try_at"])
    return delivery


def _made(delivery: DocumentDelivery, now: datetime) -> DocumentDelivery:
    """The file, whole or not at all, with its size and hash on the row."""
    folder().mkdir(parents=True, exist_ok=True)
    target = path_of(delivery)
    draft = target.with_suffix(f".{os.getpid()}.partial")
    file, digest, size = _document(delivery.schedule, delivery.period, now), hashlib.sha256(), 0
    try:
        with draft.open("wb") as out:
            for piece in file.pieces:
                content = piece.encode() if isinstance(piece, str) else piece
                digest.update(content)
                size += out.write(content)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    delivery.file_name, delivery.media_type = file.name, file.media_type
    delivery.size, delivery.sha256 = size, digest.hexdigest()
    delivery.made_at, delivery.has_file = now, True
    delivery.save(
        update_fields=["file_name", "media_type", "size", "sha256", "made_at", "has_file"]
    )
    return delivery


def _document(schedule: DeliverySchedule, period: date, now: datetime) -> DocumentFile:
    if schedule.team is not None:
        return statement_file(schedule.team, period, schedule.format, now)
    return usage_file(schedule.recipient or schedule.owner, View(period), schedule.format)


def _mailed(delivery: DocumentDelivery, recipient: User) -> _Tried:
    schedule, attachment = delivery.schedule, None
    if delivery.size <= ATTACHED_UP_TO:
        content = path_of(delivery).read_bytes()
        attachment = mailing.Attachment(delivery.file_name, content, delivery.media_type)
    where = mailing.absolute(reverse("deliveries:file", args=[delivery.pk]))
    order = mailing.absolute(reverse("deliveries:detail", args=[schedule.pk]))
    how = "It is attached." if attachment else "It is too large to be attached."
    text = (
        f"{schedule.document}, {delivery.period:%B %Y}, as {schedule.format_words}.\n\n"
        f"{how} Signed in, you find the same file for 90 days at\n{where}\n\n"
        f"File: {delivery.file_name}, {delivery.size:,} bytes\nSHA-256: {delivery.sha256}\n\n"
        f"Why you get this, and how to stop it:\n{order}\n"
    )
    subject = f"{schedule.document}, {delivery.period:%B %Y}"
    try:
        mailing.send_mail(to=recipient.email, subject=subject, text=text, attachment=attachment)
    except mailing.MailFault as fault:
        return _Tried(str(fault))
    return _Tried(was_attached=attachment is not None)


@transaction.atomic
def _announce(delivery_id: UUID, now: datetime) -> None:
    """The webhook's own outbox sends, signs and tries again; `follow` notes what became of it."""
    delivery = _locked(delivery_id)
    endpoint = delivery.schedule.endpoint
    if endpoint is None or delivery.state != DeliveryState.WAITING or delivery.message_id:
        return
    team = delivery.schedule.team
    data = {
        "delivery": str(delivery.pk),
        "document": "statement" if team else "usage",
        "team": team.slug if team else None,
        "month": f"{delivery.period:%Y-%m}",
        "format": delivery.schedule.format,
        "name": delivery.file_name,
        "size": delivery.size,
        "sha256": delivery.sha256,
        "url": reverse("api-delivery-file", args=[delivery.pk]),
    }
    delivery.message, delivery.next_try_at = enqueue(endpoint, READY, data, now), None
    delivery.save(update_fields=["message", "next_try_at"])


@transaction.atomic
def _note(delivery_id: UUID, tried: _Tried, now: datetime) -> datetime | None:
    delivery = _locked(delivery_id)
    if delivery.state != DeliveryState.WAITING:
        return None
    delivery.was_attached = tried.was_attached
    if not tried.fault:
        _end(delivery, "send", "", now)
        return None
    again = None if tried.is_final else next_try(delivery.tries, now, random.random())  # noqa: S311  # jitter
    if again is None:
        _end(delivery, "give_up", tried.fault, now)
        return None
    delivery.fault, delivery.next_try_at = tried.fault, again
    delivery.save(update_fields=["fault", "next_try_at", "was_attached"])
    return again


def _locked(delivery_id: UUID) -> DocumentDelivery:
    found = DocumentDelivery.objects.select_for_update(of=("self",)).select_related(
        "schedule__team", "schedule__owner", "schedule__recipient", "schedule__endpoint__use_case"
    )
    return found.get(pk=delivery_id)


def _end(delivery: DocumentDelivery, action: str, fault: str, now: datetime) -> None:
    delivery.state = DELIVERY_STATES.target(delivery.state, action)
    delivery.fault, delivery.finished_at, delivery.next_try_at = fault[:300], now, None
    delivery.save(update_fields=["state", "fault", "finished_at", "next_try_at", "was_attached"])
    if delivery.state == DeliveryState.FAILED:
        schedule = delivery.schedule
        url = reverse("deliveries:detail", args=[schedule.pk])
        title = f"Not delivered: {schedule.document}, {delivery.period:%B %Y}. {fault}"
        notify(users=[schedule.owner], title=title, url=url, now=now, kind="warning")


def follow(*, now: datetime) -> int:
    """Note what became of the webhooks' messages; how many ended."""
    told: list[Any] = list(
        DocumentDelivery.objects.filter(
            state=DeliveryState.WAITING, message__state__in=["delivered", "failed"]
        ).values_list("pk", flat=True)[:500]
    )
    for pk in told:
        _follow_one(pk, now)
    return len(told)


@transaction.atomic
def _follow_one(delivery_id: UUID, now: datetime) -> None:
    delivery = _locked(delivery_id)
    if delivery.state != DeliveryState.WAITING or delivery.message_id is None:
        return
    message = WebhookDelivery.objects.get(pk=delivery.message_id)
    if message.state == "delivered":
        _end(delivery, "send", "", now)
    elif message.state == "failed":
        _end(delivery, "give_up", "The webhook did not take it; its page shows every try.", now)


def forget_files(*, now: datetime, batch: int = 200) -> int:
    """Delete files that were made three months ago; the rows stay. How many."""
    old = DocumentDelivery.objects.filter(has_file=True, made_at__lt=now - KEPT_FOR)
    listed = list(old.order_by("made_at")[:batch])
    for one in listed:
        path_of(one).unlink(missing_ok=True)
    DocumentDelivery.objects.filter(pk__in=[one.pk for one in listed]).update(has_file=False)
    return len(listed)
