"""Declare, contain, work through the steps, close."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from governance.access.models import User
from governance.audit.services import record
from governance.home.services import notify
from governance.incidents.clocks import known_facts, start_clocks
from governance.incidents.commanding import (
    check_commands,
    check_not_over,
    locked_incident,
    locked_part,
    url_of,
    write_event,
)
from governance.incidents.models import ContainmentAction, Incident, IncidentStep, Playbook
from governance.incidents.playbooks import STARTING_PLAYBOOKS
from governance.incidents.registries import containment_actions
from governance.incidents.rules import INCIDENT_STATES, SEVERITIES, STEP_OUTCOMES
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.registry.models import UseCase


@transaction.atomic
def install_starting_playbooks(*, actor: Actor, now: datetime) -> list[Playbook]:
    """The starting playbooks where there are none yet; all of them, in their order."""
    playbooks = []
    for content in STARTING_PLAYBOOKS:
        playbook, is_new = Playbook.objects.get_or_create(slug=content["slug"], defaults=content)
        if is_new:
            record(actor=actor, action="playbook.installed", subject=playbook, now=now)
        playbooks.append(playbook)
    return playbooks


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
    facts: Iterable[str] = (),
    aware_at: datetime | None = None,
) -> Incident:
    """Anybody may; the playbook's steps stand open and its clocks run from now on.

    The clocks count from `aware_at`, when somebody here first knew; without it from now.
    """
    if not actor.may(Permission.INCIDENT_DECLARE):
        raise NotAllowed("Nothing was declared: your account has no role yet.")
    aware_at = aware_at or now
    _check_declaration(title, description, severity, aware_at, now)
    incident = Incident.objects.create(
        title=title.strip()[:200],
        description=description.strip(),
        playbook=playbook,
        severity=severity,
        use_case=use_case,
        declared_by=actor.user,
        declared_at=now,
        aware_at=aware_at,
        facts=known_facts(facts),
    )
    IncidentStep.objects.bulk_create(
        IncidentStep(incident=incident, position=position, phase=step["phase"], text=step["text"])
        for position, step in enumerate(playbook.steps)
    )
    after = {"facts": incident.facts, "aware_at": aware_at}
    write_event(actor, "incident.declared", incident, now, reason=description, after=after)
    start_clocks(incident, now, by=actor)
    return incident


def _check_declaration(
    title: str, description: str, severity: str, aware_at: datetime, now: datetime
) -> None:
    problems = {
        name: ["Fill this in."]
        for name, value in (("title", title), ("description", description))
        if not value.strip()
    }
    if severity not in SEVERITIES:
        problems["severity"] = ["Choose one."]
    if aware_at > now:
        problems["aware_at"] = ["That is still to come."]
    if problems:
        raise Invalid("Nothing was declared yet: some fields are missing.", fields=problems)


@transaction.atomic
def move(
    *, actor: Actor, incident_id: int, action: str, now: datetime, words: str = ""
) -> Incident:
    """Take an arrow of the table. Review needs a post-mortem; what close needs, see the guard."""
    check_commands(actor)
    incident = locked_incident(incident_id)
    before = incident.state
    target = INCIDENT_STATES.target(incident.state, action)
    _check_guard(incident, action, words)
    incident.state = target
    incident.commander = incident.commander or actor.user
    if action == "review":
        incident.post_mortem = words.strip()
    incident.closed_at = now if target == "closed" else None
    incident.save()
    write_event(actor, f"incident.{action}", incident, now, reason=words, before={"state": before})
    return incident


def _check_guard(incident: Incident, action: str, words: str) -> None:
    if action in ("dismiss", "review", "reopen") and not words.strip():
        raise Invalid("Nothing was changed: write it down first.", fields={"words": ["Write it."]})
    if action == "contain" and not incident.containments.exists():
        raise WrongState("Nothing was changed: no containment has acted yet.")
    if action == "close":
        missing = missing_to_close(incident)
        if missing:
            raise WrongState(f"Nothing was closed. Still missing: {' '.join(missing)}")


def missing_to_close(incident: Incident) -> list[str]:
    """What stands between the incident and its end, in words."""
    missing = []
    if not incident.post_mortem.strip():
        missing.append("a post-mortem.")
    if count := incident.steps.filter(outcome="open").count():
        missing.append(f"{count} steps that are neither done nor skipped.")
    if count := incident.actions.filter(owner=None).count():
        missing.append(f"an owner for {count} actions.")
    if count := incident.clocks.filter(met_at=None, waived_at=None).count():
        missing.append(f"{count} legal clocks that still run.")
    return missing


@transaction.atomic
def assign_commander(
    *, actor: Actor, incident_id: int, commander: User, reason: str, now: datetime
) -> Incident:
    """Hand the incident over; the new commander is told."""
    check_commands(actor)
    incident = locked_incident(incident_id)
    check_not_over(incident)
    if not commander.is_active or not commander.may(Permission.INCIDENT_COMMAND):
        raise Invalid(
            f"Nothing was changed: {commander} does not command incidents.",
            fields={"commander": ["Choose a safety officer."]},
        )
    before = {"commander": str(incident.commander or "")}
    incident.commander = commander
    incident.save(update_fields=["commander"])
    after = {"commander": str(commander)}
    write_event(
        actor, "incident.handed_over", incident, now, reason=reason, before=before, after=after
    )
    title = f"You command {incident}"
    notify(users=[commander], title=title, url=url_of(incident), now=now)
    return incident


@transaction.atomic
def finish_step(
    *, actor: Actor, step_id: int, outcome: str, note: str, now: datetime
) -> IncidentStep:
    """Mark a step done, or skipped with the reason."""
    check_commands(actor)
    step: IncidentStep = locked_part(IncidentStep, step_id)
    check_not_over(step.incident)
    if outcome not in STEP_OUTCOMES:
        raise Invalid("The step stays open: it is done, or skipped.", fields={"outcome": ["Say."]})
    if outcome == "skipped" and not note.strip():
        raise Invalid("The step stays open: say why it is skipped.", fields={"note": ["Why?"]})
    step.outcome, step.note, step.by, step.at = outcome, note.strip()[:500], actor.user, now
    step.save()
    write_event(actor, f"incident.step_{outcome}", step.incident, now, reason=step.text)
    return step


@transaction.atomic
def contain(
    *, actor: Actor, incident_id: int, kind: str, target_id: int, reason: str, now: datetime
) -> ContainmentAction:
    """Act at once; the effect holds from the next call on, on every process."""
    check_commands(actor)
    incident = locked_incident(incident_id)
    check_not_over(incident)
    if not reason.strip():
        raise Invalid("Nothing was done: say why.", fields={"reason": ["Say why."]})
    if kind not in containment_actions:
        raise Invalid(
            "Nothing was done: choose what to act on.",
            fields={"kind": [f"One of {', '.join(containment_actions)}."]},
        )
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
    after = {"action": str(done)}
    write_event(actor, "incident.contained", incident, now, reason=reason, after=after)
    return done


@transaction.atomic
def undo_containment(
    *, actor: Actor, containment_id: int, reason: str, now: datetime
) -> ContainmentAction:
    """Take a containment back."""
    check_commands(actor)
    done: ContainmentAction = locked_part(ContainmentAction, containment_id)
    if not reason.strip():
        raise Invalid("Nothing was changed: say why.", fields={"reason": ["Say why."]})
    if done.undone_at is not None:
        raise WrongState("Nothing was changed: this was taken back already.")
    containment_actions[done.kind].undo(done.target_id, done.facts, actor, reason, now)
    done.undone_at = now
    done.save(update_fields=["undone_at"])
    after = {"action": str(done)}
    write_event(actor, "incident.undone", done.incident, now, reason=reason, after=after)
    return done
