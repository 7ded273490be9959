"""Endpoints: make, change, rotate, try out, send again."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import transaction

from governance.access.models import Team
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404
from governance.registry.models import UseCase
from telemetry.webhooks.addresses import UnfitUrl, is_allowed, is_public, parts_of
from telemetry.webhooks.delivering import clear, end_waiting
from telemetry.webhooks.models import WebhookDelivery, WebhookEndpoint
from telemetry.webhooks.outbox import enqueue, hint
from telemetry.webhooks.registries import event_kinds
from telemetry.webhooks.rules import DELIVERY_STATES, ROTATION_OVERLAP, TEST, new_secret

MOST_ENDPOINTS = 10
PRIVATE = "This address is not public. The operator can allow it (PLACET_WEBHOOK_ALLOW)."


def check_can_manage(actor: Actor, team: Team) -> None:
    if not actor.may(Permission.API_KEY_MANAGE, team):
        raise NotAllowed(
            "Nothing was changed: an administrator or the team's product owner keeps its webhooks."
        )
    if actor.user is None:
        raise NotAllowed("Nothing was changed: webhooks are kept by people.")


@transaction.atomic
def create_endpoint(
    *,
    actor: Actor,
    use_case: UseCase,
    url: str,
    events: Sequence[str],
    now: datetime,
    form_token: UUID | None = None,
) -> tuple[WebhookEndpoint, str]:
    """An endpoint and its secret `whsec_…`, which is shown this once."""
    check_can_manage(actor, use_case.team)
    _check("No webhook was made.", url, events)
    if form_token and WebhookEndpoint.objects.filter(form_token=form_token).exists():
        raise WrongState("No second webhook was made: this form was sent before.")
    UseCase.objects.select_for_update(no_key=True).get(pk=use_case.pk)
    if use_case.webhook_endpoints.count() >= MOST_ENDPOINTS:
        raise Invalid(f"No webhook was made: a use case has at most {MOST_ENDPOINTS}.")
    endpoint = WebhookEndpoint.objects.create(
        use_case=use_case,
        team=use_case.team,
        url=url,
        events=sorted(set(events)),
        created_by=actor.user,
        created_at=now,
        form_token=form_token,
    )
    secret = new_secret()
    endpoint.secret_sealed = endpoint.seal(secret)
    endpoint.save(update_fields=["secret_sealed"])
    _record(actor, "webhook.created", endpoint, now, after=_facts(endpoint))
    return endpoint, secret


@transaction.atomic
def change_endpoint(
    *,
    actor: Actor,
    endpoint_id: int,
    url: str,
    events: Sequence[str],
    is_active: bool,
    now: datetime,
) -> WebhookEndpoint:
    """Another address or other events, on or off. Turned on, it counts as well again."""
    endpoint = _locked(actor, endpoint_id)
    _check("Nothing was changed.", url, events)
    before = _facts(endpoint)
    endpoint.url, endpoint.events = url, sorted(set(events))
    if is_active and not endpoint.is_active:
        endpoint.failing_since, endpoint.turned_off_because = None, ""
        clear(endpoint, now)
    endpoint.is_active = is_active
    endpoint.save()
    if not is_active:
        end_waiting(endpoint, now)
    _record(actor, "webhook.changed", endpoint, now, before=before, after=_facts(endpoint))
    return endpoint


@transaction.atomic
def rotate_secret(*, actor: Actor, endpoint_id: int, now: datetime) -> tuple[WebhookEndpoint, str]:
    """A new secret, shown this once; messages carry both signatures for another 24 hours."""
    endpoint = _locked(actor, endpoint_id)
    secret = new_secret()
    endpoint.previous_sealed = endpoint.secret_sealed
    endpoint.previous_until = now + ROTATION_OVERLAP
    endpoint.secret_sealed = endpoint.seal(secret)
    endpoint.save(update_fields=["previous_sealed", "previous_until", "secret_sealed"])
    after = {"previous_until": endpoint.previous_until.isoformat()}
    _record(actor, "webhook.rotated", endpoint, now, after=after)
    return endpoint, secret


@transaction.atomic
def send_test(*, actor: Actor, endpoint_id: int, now: datetime) -> WebhookDelivery:
    """An event that means nothing, to see that it arrives."""
    endpoint = _locked(actor, endpoint_id)
    if not endpoint.is_active:
        raise WrongState("Nothing was sent: this webhook is turned off. Turn it on first.")
    data = {"use_case": endpoint.use_case.slug}
    return enqueue(endpoint, TEST, data, now)


@transaction.atomic
def send_again(*, actor: Actor, delivery_id: UUID, now: datetime) -> WebhookDelivery:
    """The same message under the same id, from its first try on."""
    found = WebhookDelivery.objects.select_for_update(of=("self",))
    delivery: WebhookDelivery = get_or_404(found, pk=delivery_id)
    endpoint = _locked(actor, delivery.endpoint_id)
    if not endpoint.is_active:
        raise WrongState("Nothing was sent: this webhook is turned off. Turn it on first.")
    delivery.state = DELIVERY_STATES.target(delivery.state, "send_again")
    delivery.tries, delivery.next_try_at, delivery.finished_at = 0, now, None
    delivery.save(update_fields=["state", "tries", "next_try_at", "finished_at"])
    after = {"message": f"msg_{delivery.pk.hex}", "kind": delivery.kind}
    _record(actor, "webhook.sent_again", endpoint, now, after=after)
    hint(delivery.pk)
    return delivery


def _locked(actor: Actor, endpoint_id: int) -> WebhookEndpoint:
    found = WebhookEndpoint.objects.select_for_update(of=("self",)).select_related(
        "team", "use_case"
    )
    endpoint: WebhookEndpoint = get_or_404(found, pk=endpoint_id)
    check_can_manage(actor, endpoint.team)
    return endpoint


def _check(kept: str, url: str, events: Sequence[str]) -> None:
    faults: dict[str, list[str]] = {}
    try:
        _check_url(url)
    except UnfitUrl as unfit:
        faults["url"] = [str(unfit)]
    if not events or set(events) - set(event_kinds):
        faults["events"] = ["Choose what it hears of."]
    if faults:
        sentences = " ".join(one for messages in faults.values() for one in messages)
        raise Invalid(f"{kept} {sentences}", fields=faults)


def _check_url(url: str) -> None:
    """What can be said without asking for the name; at each sending it is asked for."""
    _, host, port, _ = parts_of(url, settings.PLACET_WEBHOOK_ALLOW)
    if is_allowed(host, port, settings.PLACET_WEBHOOK_ALLOW):
        return
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
            raise UnfitUrl(PRIVATE) from None
        return
    if not is_public(address):
        raise UnfitUrl(PRIVATE)


def _facts(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """For the audit log: the host alone, because paths of receivers are often secret."""
    return {
        "host": urlsplit(endpoint.url).hostname,
        "events": list(endpoint.events),
        "is_active": endpoint.is_active,
    }


def _record(
    actor: Actor, action: str, endpoint: WebhookEndpoint, now: datetime, **facts: Any
) -> None:
    record(actor=actor, action=action, subject=endpoint, now=now, team_id=endpoint.team_id, **facts)
