"""What allocation plugs into the shell, approvals, the audit log, closing and statements."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Sum
from django.urls import reverse

from governance.access.models import Team, User
from governance.approvals.registries import change_subjects
from governance.audit.registries import audit_actions
from governance.home.registries import NavigationItem, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from telemetry.allocation.models import AllocationPart
from telemetry.allocation.registries import PoolSource, pool_sources
from telemetry.allocation.rules import RUN_STATES
from telemetry.allocation.selectors import MAY_SEE, has_pool, is_outdated, rules_of
from telemetry.allocation.subjects import AllocationSubject
from telemetry.chargeback.commitments import unused_in, unused_in_words
from telemetry.chargeback.models import DailyUsage
from telemetry.chargeback.registries import (
    Finding,
    StatementPanel,
    closing_checks,
    statement_panels,
)

transition_tables.add("AllocationRun.state", RUN_STATES)
change_subjects.add("allocation_rule", AllocationSubject())
audit_actions.add("allocation.version_made", "{actor} changed the allocation rule {subject}")
audit_actions.add("allocation.booked", "{actor} booked the allocation {subject}")
audit_actions.add("allocation.reversed", "{actor} reversed the allocation {subject}")
navigation.add(
    "allocation",
    NavigationItem(
        "Money",
        "Shared cost",
        "allocation:rules",
        "split",
        (Permission.BUDGET_MANAGE, Permission.STATEMENT_CLOSE),
        order=40,
    ),
)


def calls_of(period: date) -> Decimal:
    """Calls of the month, replayed history too: it is in the statements."""
    usage = DailyUsage.objects.filter(period=period)
    return Decimal(usage.aggregate(calls=Sum("calls"))["calls"] or 0)


pool_sources.add("calls", PoolSource("Calls of the month", "calls", calls_of))
pool_sources.add(
    "commitments",
    PoolSource(
        "Committed spend that was not used, of promises that end in the month",
        settings.PLACET_CURRENCY,
        unused_in,
        explain=unused_in_words,
        is_once=True,
    ),
)


def not_run(period: date, now: datetime) -> list[Finding]:
    """Rules that hold in the month and are not booked, or were booked from older figures."""
    found = []
    for row in rules_of(period):
        url = reverse("allocation:month", args=[row.rule.slug, f"{period:%Y-%m}"])
        if row.run is None and row.version is not None and has_pool(row.version, period):
            found.append(Finding(f"{row.rule} is not booked", 1, url=url))
        elif row.run is not None and is_outdated(row.run):
            label = f"{row.rule} was booked from older figures"
            found.append(Finding(label, 1, row.run.whole, url=url))
    return found


closing_checks.add("allocation", not_run)


def explained(team: Team, period: date, user: User) -> dict[str, Any]:
    """Each allocation in the team's month with the figures that it follows from."""
    parts = AllocationPart.objects.filter(team=team, run__period=period).select_related(
        "run__rule", "run__version__rule", "entry"
    )
    sees_all = any(user.may(one) for one in MAY_SEE)
    return {"parts": list(parts), "sees_all": sees_all} if parts else {}


statement_panels.add(
    "allocation", StatementPanel("telemetry/allocation/_statement.html", explained)
)
