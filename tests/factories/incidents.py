"""Incidents, declared through the services."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from governance.access.models import User
from governance.incidents import services
from governance.incidents.models import Incident, Playbook
from governance.kernel.authority import Actor
from governance.registry.models import UseCase
from tests.factories.ledger import make_person, make_team, make_use_case

ROLES = ("safety", "compliance", "reviewer", "board", "finance")


@dataclass
class Watch:
    """The people around an incident, a use case that runs, and the playbooks."""

    use_case: UseCase
    people: dict[str, User] = field(default_factory=dict)

    def actor(self, role: str) -> Actor:
        return Actor.person(User.objects.get(pk=self.people[role].pk))


def make_watch() -> Watch:
    services.install_starting_playbooks(actor=Actor.system("tests"), now=timezone.now())
    watch = Watch(make_use_case(make_team(), stage="pilot"))
    watch.people = {role: make_person(role) for role in ROLES}
    watch.people["second"] = make_person("safety")
    return watch


def make_incident(watch: Watch, **changes: Any) -> Incident:
    facts: dict[str, Any] = {
        "actor": watch.actor("reviewer"),
        "playbook": Playbook.objects.get(slug="safety-breach"),
        "title": "Wrong dose named",
        "description": "An answer named ten times the dose.",
        "severity": "high",
        "use_case": watch.use_case,
        "now": timezone.now(),
    }
    return services.declare(**(facts | changes))


def move(watch: Watch, incident: Incident, action: str, words: str = "Read.") -> Incident:
    services.move(
        actor=watch.actor("safety"),
        incident_id=incident.pk,
        action=action,
        words=words,
        now=timezone.now(),
    )
    incident.refresh_from_db()
    return incident


def contain(watch: Watch, incident: Incident, now: datetime | None = None) -> None:
    services.contain(
        actor=watch.actor("safety"),
        incident_id=incident.pk,
        kind="kill_switch",
        target_id=watch.use_case.pk,
        reason="Until it is understood.",
        now=now or timezone.now(),
    )


def finish_steps(watch: Watch, incident: Incident) -> None:
    for step in incident.steps.all():
        services.finish_step(
            actor=watch.actor("safety"),
            step_id=step.pk,
            outcome="done",
            note="",
            now=timezone.now(),
        )


def make_reviewed(watch: Watch, **changes: Any) -> Incident:
    """Everything behind it but the close."""
    incident = make_incident(watch, **changes)
    move(watch, incident, "confirm")
    contain(watch, incident)
    finish_steps(watch, incident)
    for action in ("contain", "resolve", "review"):
        move(watch, incident, action, "The prompt named no unit.")
    return incident
