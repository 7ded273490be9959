"""What has happened in the demo organisation already: replayed usage, a resolved incident."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta
from pathlib import Path

from governance.incidents import services as incidents
from governance.kernel.authority import Actor
from governance.model_cards.models import Deployment
from governance.registry.models import UseCase
from prompts.gateway.demo.people import People
from telemetry.ledger.placement import spread
from telemetry.ledger.replay import replay_trace

TRACE = Path(__file__).resolve().parents[3] / "telemetry" / "ledger" / "data"


def replay(people: People, use_case: UseCase, hosted: Deployment, now: datetime, days: int) -> None:
    """Usage of a real public trace, spread over the last `days` business days."""
    file = next(TRACE.glob("*.csv.gz"))
    replay_trace(
        actor=Actor.system("demo"),
        file_name=file.name,
        content=gzip.decompress(file.read_bytes()),
        use_case=use_case,
        deployment=hosted,
        placement=spread(days, now.date() - timedelta(days=1)),
        now=now,
    )


def happen(people: People, use_case: UseCase, now: datetime) -> None:
    """An incident from its report to its resolution, contained in between."""
    playbook, *_ = incidents.install_starting_playbooks(actor=Actor.system("demo"), now=now)
    safety = people.actor("safety")
    incident = incidents.declare(
        actor=people.actor("reviewer"),
        playbook=playbook,
        title="Licence named as MIT although its text is GPL",
        description="A reviewer saw the same wrong licence twice before release. Nothing left.",
        severity="medium",
        use_case=use_case,
        now=now,
    )
    incidents.move(actor=safety, incident_id=incident.pk, action="confirm", now=now)
    done = incidents.contain(
        actor=safety,
        incident_id=incident.pk,
        kind="kill_switch",
        target_id=use_case.pk,
        reason="Until the guideline says how to check copyleft.",
        now=now,
    )
    incidents.move(actor=safety, incident_id=incident.pk, action="contain", now=now)
    for step in incident.steps.all():
        incidents.finish_step(
            actor=safety, step_id=step.pk, outcome="done", note="Done in the drill.", now=now
        )
    incidents.undo_containment(
        actor=safety, containment_id=done.pk, reason="The guideline was extended.", now=now
    )
    incidents.move(actor=safety, incident_id=incident.pk, action="resolve", now=now)
