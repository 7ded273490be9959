"""One incident: lock it, check who may, write its event."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Model
from django.urls import reverse

from governance.audit.services import record
from governance.incidents.models import Incident
from governance.incidents.rules import OVER
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import NotAllowed, WrongState
from governance.kernel.web import get_or_404


def check_commands(actor: Actor) -> None:
    if not actor.may(Permission.INCIDENT_COMMAND):
        raise NotAllowed("Nothing was changed: a safety officer commands incidents.")


def locked_incident(incident_id: int) -> Incident:
    """The incident, locked until the transaction ends; raises NotFound."""
    incidents = Incident.objects.select_for_update(of=("self",))
    found: Incident = get_or_404(
        incidents.select_related("use_case", "playbook", "commander"), pk=incident_id
    )
    return found


def locked_part(model: type[Model], pk: int) -> Any:
    """A clock, step, action or containment, locked, with its incident."""
    parts = model._default_manager.select_for_update(of=("self",))
    return get_or_404(parts.select_related("incident__use_case", "incident__commander"), pk=pk)


def check_not_over(incident: Incident) -> None:
    if incident.state in OVER:
        raise WrongState(
            f"Nothing was changed: this is {incident.get_state_display()}. Reopen it first."
        )


def url_of(incident: Incident) -> str:
    return reverse("incidents:detail", args=[incident.pk])


def write_event(
    actor: Actor,
    action: str,
    incident: Incident,
    now: datetime,
    *,
    reason: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """The event of the incident, always with its state and severity."""
    record(
        actor=actor,
        action=action,
        subject=incident,
        now=now,
        before=before,
        after={"state": incident.state, "severity": incident.severity} | (after or {}),
        reason=reason,
        team_id=incident.use_case.team_id if incident.use_case else None,
    )
