"""Two limits that help only together wait for one decision."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from governance.approvals.bundling import make_bundle
from prompts.gateway.demo.people import People
from telemetry.chargeback.models import Budget
from telemetry.chargeback.subjects import propose_limit

LIMITS = {"engineering": "30", "support": "50"}


def bundle_limits(people: People, now: datetime) -> None:
    owner = people.actor("owner")
    changes = [
        propose_limit(
            actor=owner,
            budget=Budget.objects.get(team=people.teams[team], use_case=None),
            limit=Decimal(limit),
            reason="The next month brings more calls.",
            now=now,
        )
        for team, limit in LIMITS.items()
    ]
    make_bundle(
        actor=owner,
        change_ids=[one.pk for one in changes],
        title="More for engineering and support",
        reason="Support answers what engineering's assistant writes: one without the other stops.",
        now=now,
    )
