"""Move circuits: by what the gateway saw, or by a person who says why."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.urls import reverse

from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed
from governance.model_cards.models import Deployment
from prompts.gateway.gate import Pass, Standing
from prompts.gateway.models import AttemptEnd, Circuit, CircuitMove
from prompts.gateway.rules import CIRCUIT_STATES, action_after, cool_down_seconds
from prompts.gateway.waiting import BESIDE, elsewhere
from telemetry.alerts.services import clear_cause, raise_alert

BY_HAND = {"hold_open": "circuit.hold_open", "close": "circuit.close"}
ENDS_KEPT_FOR = timedelta(days=1)


def follow(standings: list[Standing], held: Pass, at: datetime) -> None:
    """After a call: open what fails, close what answers again. Mostly there is nothing to do."""
    for one in standings:
        ends = [end.failure for end in held.ends if end.deployment_id == one.deployment_id]
        tried = ends if one.deployment_id in held.probes else None
        action = action_after(one.state, one.calls, one.failures, tried)
        if action is not None:
            elsewhere(BESIDE, move_by_itself, one.deployment_id, action, at)


@transaction.atomic
def move_by_itself(deployment_id: int, action: str, at: datetime) -> None:
    """Unless somebody moved it meanwhile."""
    circuit = _locked(deployment_id)
    if not CIRCUIT_STATES.allows(circuit.state, action):
        return
    _move(circuit, action, at)
    if circuit.state == "open":
        raise_alert(
            cause=_cause(circuit),
            title=f"{circuit.deployment} fails and is left alone",
            severity="warning",
            now=at,
            url=reverse("gateway:deployment-health", args=[circuit.deployment.slug]),
        )
    else:
        clear_cause(cause=_cause(circuit), job="circuits", now=at)


@transaction.atomic
def move_by_hand(
    *, actor: Actor, deployment: Deployment, action: str, reason: str, now: datetime
) -> Circuit:
    """Keep every call away from a deployment, or let calls try it again; from the next one on."""
    check_can_move(actor)
    if action not in BY_HAND:
        raise Invalid("Nothing was changed.", fields={"action": ["Choose hold_open or close."]})
    if not reason.strip():
        raise Invalid("Nothing was changed: say why.", fields={"reason": ["Say why."]})
    circuit = _locked(deployment.pk)
    before = {"circuit": circuit.state}
    _move(circuit, action, now, by=actor.label, reason=reason.strip())
    record(
        actor=actor,
        action=BY_HAND[action],
        subject=deployment,
        now=now,
        before=before,
        after={"circuit": circuit.state},
        reason=reason.strip(),
    )
    clear_cause(cause=_cause(circuit), job="circuits", now=now)
    return circuit


def check_can_move(actor: Actor) -> None:
    if not can_move(actor):
        raise NotAllowed(
            "Nothing was changed: ML engineers and safety officers open and close circuits."
        )


def can_move(actor: Actor) -> bool:
    return actor.may(Permission.MODEL_AUTHOR) or actor.may(Permission.INCIDENT_COMMAND)


def _locked(deployment_id: int) -> Circuit:
    Circuit.objects.bulk_create([Circuit(deployment_id=deployment_id)], ignore_conflicts=True)
    found = Circuit.objects.select_for_update(of=("self",)).select_related("deployment")
    return found.get(pk=deployment_id)


def _move(circuit: Circuit, action: str, at: datetime, by: str = "", reason: str = "") -> None:
    source = circuit.state
    circuit.state = CIRCUIT_STATES.target(source, action)
    facts: dict[str, Any] = {"probe_until": None, "open_until": None, "calls": 0, "failures": 0}
    facts |= {"calls_before": 0, "failures_before": 0}
    if circuit.state == "open":
        facts["times_opened"] = circuit.times_opened + 1
        facts["open_until"] = at + timedelta(seconds=cool_down_seconds(circuit.times_opened + 1))
    elif circuit.state == "closed":
        facts["times_opened"] = 0
    for name, value in facts.items():
        setattr(circuit, name, value)
    circuit.save()
    CircuitMove.objects.create(
        deployment=circuit.deployment,
        at=at,
        action=action,
        source=source,
        target=circuit.state,
        by_label=by[:200],
        reason=reason[:300],
    )


def _cause(circuit: Circuit) -> str:
    return f"circuit:{circuit.pk}"


def forget_ends(now: datetime) -> None:
    """How attempts ended is for the health page, not for the record."""
    AttemptEnd.objects.filter(at__lt=now - ENDS_KEPT_FOR).delete()
