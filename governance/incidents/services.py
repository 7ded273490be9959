"""Declare, contain, work through the steps, close."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from governance.audit.services import record
from governance.incidents.models import ContainmentAction, Incident, IncidentStep, Playbook
from governance.incidents.registries import containment_actions
from governance.incidents.rules import INCIDENT_STATES, SAFETY_BREACH, SEVERITIES
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404
from governance.registry.models import UseCase


@transaction.atomic
def install_starting_playbook(*, actor: Actor, now: datetime) -> Playbook:
    """The safety-breach playbook, once."""
    content = {key: value for key, value in SAFETY_BREACH.items() if key != "slug"}
    playbook, is_new = Playbook.objects.get_or_create(
        slug=str(SAFETY_BREACH["slug"]), defaults=content
    )
    if is_new:
        record(actor=actor, action="playbook.installed", subject=playbook, now=now)
    return playbook


@transaction.atomic
def declare(
    *,
    actor: Actor,
    playbook: Playbook,
    title: str,
    description: str,
    severity: str,
    now: datetime,
    use_case: UseCase | None = None,
) -> Incident:
    """Anybody may; the playbook's steps stand open from now on."""
    if not actor.may(Permission.INCIDENT_DECLARE):
        raise NotAllowed("Nothing was declared: your account has no role yet.")
    problems = {
        name: ["Fill this in."]
        for name, value in (("title", title), ("description", description))
        if not value.strip()
    }
    if severity not in SEVERITIES:
        problems["severity"] = ["Choose one."]
    if problems:
        raise Invalid("Nothing was declared yet: some fields are missing.", fields=problems)
    incident = Incident.objects.create(
        title=title.strip()[:200],
        description=description.strip(),
        playbook=playbook,
        severity=severity,
        use_case=use_case,
        declared_by=actor.user,
        declared_at=now,
    )
    IncidentStep.objects.bulk_create(
        IncidentStep(incident=incident, position=position, phase=step["phase"], text=step["text"])
        for position, step in enumerate(playbook.steps)
    )
    _record(actor, "incident.declared", incident, now, reason=description)
    return incident


@transaction.atomic
def move(
    *, actor: Actor, incident_id: int, action: str, now: datetime, words: str = ""
) -> Incident:
    """Take an arrow of the table. Review needs a post-mortem, close needs every step dealt with."""
    _check_commands(actor)
    incident = _locked(incident_id)
    before = incident.state
    target = INCIDENT_STATES.target(incident.state, action)
    _check_guard(incident, action, words)
    incident.state = target
    incident.commander = incident.commander or actor.user
    if action == "review":
        incident.post_mortem = words.strip()
    incident.closed_at = now if target == "closed" else None
    incident.save()
    _record(actor, f"incident.{action}", incident, now, reason=words, before={"state": before})
    return incident


def _check_guard(incident: Incident, action: str, words: str) -> None:
    if action in ("dismiss", "review", "reopen") and not words.strip():
        raise Invalid("Nothing was changed: write it down first.", fields={"words": ["Write it."]})
    if action == "contain" and not incident.containments.exists():
        raise WrongState("Nothing was changed: no containment has acted yet.")
    if action == "close" and incident.steps.filter(outcome="open").exists():
        raise WrongState("Nothing was closed: some steps are neither done nor skipped.")


@transaction.atomic
def finish_step(
    *, actor: Actor, step_id: int, outcome: str, note: str, now: datetime
) -> IncidentStep:
    """Mark a step done, or skipped with the reason."""
    _check_commands(actor)
    step: IncidentStep = get_or_404(
        IncidentStep.objects.select_for_update(of=("self",)).select_related("incident__use_case"),
        pk=step_id,
    )
    if outcome not in ("done", "skipped") or (outcome == "skipped" and not note.strip()):
        raise Invalid("The step stays open: say why it is skipped.", fields={"note": ["Why?"]})
    step.outcome, step.note, step.by, step.at = outcome, note.strip()[:500], actor.user, now
    step.save()
    _record(actor, f"incident.step_{outcome}", step.incident, now, reason=step.text)
    return step


@transaction.atomic
def contain(
    *, actor: Actor, incident_id: int, kind: str, target_id: int, reason: str, now: datetime
) -> ContainmentAction:
    """Act at once; the effect holds from the next call on, on every process."""
    _check_commands(actor)
    incident = _locked(incident_id)
    if not reason.strip():
        raise Invalid("Nothing was done: say why.", fields={"reason": ["Say why."]})
    action = containment_actions[kind]
    labels = {target.identifier: target.label for target in action.targets()}
    if target_id not in labels:
        raise WrongState("Nothing was done: this can no longer be acted on.")
    facts = action.do(target_id, actor, reason, now)
    done = ContainmentAction.objects.create(
        incident=incident,
        kind=kind,
        target_id=target_id,
        target_label=labels[target_id],
        reason=reason[:300],
        facts=facts,
        done_by=actor.user,
        done_at=now,
    )
    _record(actor, "incident.contained", incident, now, reason=reason, after={"action": str(done)})
    return done


@transaction.atomic
def undo_containment(
    *, actor: Actor, containment_id: int, reason: str, now: datetime
) -> ContainmentAction:
    """Take a containment back."""
    _check_commands(actor)
    done: ContainmentAction = get_or_404(
        ContainmentAction.objects.select_for_update(of=("self",)).select_related(
            "incident__use_case"
        ),
        pk=containment_id,
    )
    if done.undone_at is not None:
        raise WrongState("Nothing was changed: this was taken back already.")
    containment_actions[done.kind].undo(done.target_id, done.facts, actor, reason, now)
    done.undone_at = now
    done.save(update_fields=["undone_at"])
    _record(
        actor, "incident.undone", done.incident, now, reason=reason, after={"action": str(done)}
    )
    return done


def _check_commands(actor: Actor) -> None:
    if not actor.may(Permission.INCIDENT_COMMAND):
        raise NotAllowed("Nothing was changed: a safety officer commands incidents.")


def _locked(incident_id: int) -> Incident:
    found: Incident = get_or_404(
        Incident.objects.select_for_update(of=("self",)).select_related("use_case"), pk=incident_id
    )
    return found


def _record(
    actor: Actor,
    action: str,
    incident: Incident,
    now: datetime,
    *,
    reason: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    team_id = incident.use_case.team_id if incident.use_case else None
    record(
        actor=actor,
        action=action,
        subject=incident,
        now=now,
        before=before,
        after={"state": incident.state, "severity": incident.severity} | (after or {}),
        reason=reason,
        team_id=team_id,
    )
