"""Standing orders: make, turn on and off, send now, send again."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from governance.access.models import Team, User
from governance.access.rules import time_zones
from governance.audit.services import record
from governance.home import mailing
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404
from telemetry.deliveries import rights
from telemetry.deliveries.models import DeliverySchedule, DocumentDelivery
from telemetry.deliveries.outbox import hint, order
from telemetry.deliveries.rules import (
    DELIVERY_STATES,
    LAST_DAY_OF_MONTH,
    OCCASION_WORDS,
    Occasion,
    month_on,
    next_at,
)
from telemetry.documents.files import STATEMENT_FORMATS, USAGE_FORMATS
from telemetry.webhooks.models import WebhookEndpoint

MOST_SCHEDULES = 50
"""Of one owner."""
NO_MAIL = "Mail is not set up here; an operator sets PLACET_MAIL_URL."


@transaction.atomic
def create_schedule(
    *,
    actor: Actor,
    team: Team | None,
    format: str,
    occasion: str,
    day: int | None,
    time_zone: str,
    recipient: str,
    endpoint: int | None,
    now: datetime,
    form_token: UUID | None = None,
    is_active: bool = True,
) -> DeliverySchedule:
    """To the person with this e-mail, or else to the webhook of this number.

    Turned on it needs mail to be set up here; turned off it can be there before. Whoever sees a document may have it sent to themselves or to a webhook they keep; to somebody
    else who sees it, finance may.
    """
    owner = _person(actor)
    if not rights.sees(owner, team):
        raise NotAllowed("Nothing was set up: you do not see this document yourself.")
    if form_token and DeliverySchedule.objects.filter(form_token=form_token).exists():
        raise WrongState("Nothing more was set up: this form was sent before.")
    faults = _faults(team, format, occasion, day, time_zone)
    if recipient and is_active and not mailing.is_configured():
        faults["recipient"] = [NO_MAIL]
    person, webhook = _receiver(owner, team, recipient.strip(), endpoint, faults)
    if faults:
        sentences = " ".join(one for found in faults.values() for one in found)
        raise Invalid(f"Nothing was set up. {sentences}", fields=faults)
    User.objects.select_for_update(no_key=True).get(pk=owner.pk)
    if DeliverySchedule.objects.filter(owner=owner, is_active=True).count() >= MOST_SCHEDULES:
        raise Invalid(f"Nothing was set up: one person has at most {MOST_SCHEDULES} of these.")
    kept_day = None if occasion == Occasion.CLOSE else day
    schedule = DeliverySchedule.objects.create(
        owner=owner,
        team=team,
        format=format,
        occasion=occasion,
        day=kept_day,
        time_zone=time_zone,
        recipient=person,
        endpoint=webhook,
        is_active=is_active,
        created_at=now,
        since=now,
        next_at=next_at(occasion, kept_day, time_zone, now) if is_active else None,
        form_token=form_token,
    )
    _record(actor, "delivery.scheduled", schedule, now, after=_facts(schedule))
    return schedule


@transaction.atomic
def turn(*, actor: Actor, schedule_id: int, on: bool, now: datetime) -> DeliverySchedule:
    """On or off. What waits is still delivered; months closed while it was off are not sent."""
    schedule = _locked(actor, schedule_id)
    if schedule.is_active == on:
        raise WrongState(f"Nothing was changed: it is turned {'on' if on else 'off'} already.")
    if on and schedule.recipient is not None and not mailing.is_configured():
        raise WrongState(f"Nothing was changed. {NO_MAIL}")
    schedule.is_active = on
    schedule.next_at = None
    if on:
        schedule.since = now
        schedule.next_at = next_at(schedule.occasion, schedule.day, schedule.time_zone, now)
    schedule.save(update_fields=["is_active", "since", "next_at"])
    _record(actor, "delivery.turned", schedule, now, after={"is_active": on})
    return schedule


@transaction.atomic
def send_now(*, actor: Actor, schedule_id: int, now: datetime) -> DocumentDelivery:
    """The last month that ended, once more, as it stands now."""
    schedule = _locked(actor, schedule_id)
    _check_on(schedule)
    period = month_on(Occasion.MONTHLY, schedule.time_zone, now)
    made = order(schedule, f"now:{now:%Y%m%dT%H%M%S%f}", period, now)
    if made is None:
        raise WrongState("Nothing was sent: it was asked for at this very moment already.")
    _record(actor, "delivery.asked", schedule, now, after={"month": f"{period:%Y-%m}"})
    return made


@transaction.atomic
def send_again(*, actor: Actor, delivery_id: UUID, now: datetime) -> DocumentDelivery:
    """The same file, from the first try on; one that was never made is made."""
    found = DocumentDelivery.objects.select_for_update(of=("self",))
    delivery: DocumentDelivery = get_or_404(found, pk=delivery_id)
    schedule = _locked(actor, delivery.schedule_id)
    _check_on(schedule)
    if delivery.made_at is not None and not delivery.has_file:
        raise WrongState("Nothing was sent: the file is no longer kept. Use Send now instead.")
    delivery.state = DELIVERY_STATES.target(delivery.state, "send_again")
    delivery.tries, delivery.next_try_at, delivery.finished_at = 0, now, None
    delivery.fault, delivery.message = "", None
    delivery.save()
    after = {"delivery": str(delivery.pk), "month": f"{delivery.period:%Y-%m}"}
    _record(actor, "delivery.sent_again", schedule, now, after=after)
    hint(delivery.pk)
    return delivery


def _person(actor: Actor) -> User:
    if actor.user is None:
        raise NotAllowed("Nothing was set up: people set up deliveries, keys do not.")
    user: User = actor.user
    return user


def _check_on(schedule: DeliverySchedule) -> None:
    if not schedule.is_active:
        raise WrongState("Nothing was sent: this delivery is turned off. Turn it on first.")


def _faults(
    team: Team | None, format: str, occasion: str, day: int | None, time_zone: str
) -> dict[str, list[str]]:
    faults: dict[str, list[str]] = {}
    formats = STATEMENT_FORMATS if team else USAGE_FORMATS
    if format not in formats:
        faults["format"] = [f"Choose one of {', '.join(formats)} for this document."]
    if occasion not in OCCASION_WORDS:
        faults["occasion"] = ["Choose when it is sent."]
    last = 7 if occasion == Occasion.WEEKLY else LAST_DAY_OF_MONTH
    if occasion in (Occasion.MONTHLY, Occasion.WEEKLY) and (day is None or not 1 <= day <= last):
        faults["day"] = [f"Give a day from 1 to {last}."]
    if time_zone not in time_zones():
        faults["time_zone"] = ["Choose a time zone of the list."]
    return faults


def _receiver(
    owner: User,
    team: Team | None,
    recipient: str,
    endpoint: int | None,
    faults: dict[str, list[str]],
) -> tuple[User | None, WebhookEndpoint | None]:
    if bool(recipient) == bool(endpoint):
        faults["recipient"] = ["Give either a person's e-mail or a webhook."]
        return None, None
    if endpoint:
        webhook = WebhookEndpoint.objects.visible_to(owner).filter(pk=endpoint).first()
        if webhook is None or not webhook.is_active:
            faults["endpoint"] = ["Choose a webhook that you keep and that is turned on."]
        return None, webhook
    if "recipient" in faults:
        return None, None
    person = User.objects.filter(email__iexact=recipient).first()
    others = person is not None and person.pk != owner.pk
    if person is None or not rights.sees(person, team):
        faults["recipient"] = ["Nobody with this e-mail sees this document here."]
    elif others and not owner.may(Permission.STATEMENT_CLOSE, team):
        faults["recipient"] = ["To somebody else only finance sends; give your own e-mail."]
    return person, None


def _locked(actor: Actor, schedule_id: int) -> DeliverySchedule:
    found = DeliverySchedule.objects.select_for_update(of=("self",)).select_related(
        "team", "recipient", "endpoint__use_case", "owner"
    )
    schedule: DeliverySchedule = get_or_404(found, pk=schedule_id)
    if not rights.may_change(actor, schedule):
        raise NotAllowed("Nothing was changed: its owner changes it, or finance.")
    return schedule


def _facts(schedule: DeliverySchedule) -> dict[str, Any]:
    """For the audit log."""
    return {
        "team": schedule.team.slug if schedule.team else None,
        "format": schedule.format,
        "occasion": schedule.occasion,
        "day": schedule.day,
        "time_zone": schedule.time_zone,
        "recipient": schedule.recipient_id,
        "webhook": schedule.endpoint_id,
    }


def _record(
    actor: Actor, action: str, schedule: DeliverySchedule, now: datetime, **facts: Any
) -> None:
    record(actor=actor, action=action, subject=schedule, now=now, team_id=schedule.team_id, **facts)
