"""What reconciliation plugs into the shell, the audit log and closing."""

from __future__ import annotations

from datetime import date, datetime

from django.db.models import Count, F, Sum
from django.urls import reverse

from governance.audit.registries import audit_actions
from governance.home.registries import NavigationItem, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from telemetry.chargeback.registries import Finding, closing_checks
from telemetry.reconciliation.models import ReconciliationLine
from telemetry.reconciliation.rules import LINE_STATES, UNRESOLVED

transition_tables.add("ReconciliationLine.state", LINE_STATES)
audit_actions.add("reconciliation.uploaded", "{actor} compared the file {subject}")
audit_actions.add("reconciliation.resolved", "{actor} resolved the difference {subject}")
navigation.add(
    "reconciliation",
    NavigationItem(
        "Money",
        "Reconciliation",
        "reconciliation:files",
        "scale",
        (Permission.STATEMENT_CLOSE,),
        order=45,
    ),
)


def unresolved(period: date, now: datetime) -> list[Finding]:
    """Differences to a provider's file that nobody resolved, or that the provider is asked about."""
    lines = ReconciliationLine.objects.filter(file__period=period, state__in=UNRESOLVED)
    rows = lines.order_by().values_list("file", "file__provider", "state")
    summed = rows.annotate(count=Count("pk"), amount=Sum(F("theirs_amount") - F("ours_amount")))
    return [
        Finding(
            f"Differences to {provider}, {state}",
            count,
            amount,
            url=f"{reverse('reconciliation:file', args=[file])}?state={state}",
        )
        for file, provider, state, count, amount in summed
    ]


closing_checks.add("reconciliation", unresolved)
