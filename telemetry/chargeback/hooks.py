"""What chargeback plugs into the kernel, the shell, the register, approvals and the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, Max, OuterRef, Q
from django.urls import reverse

from governance.access.models import User
from governance.approvals.registries import change_subjects
from governance.audit.registries import (
    EvidenceSection,
    PackScope,
    audit_actions,
    evidence_sections,
)
from governance.compliance.registries import EvidenceSource, control_evidence
from governance.compliance.rules import Evidence
from governance.home.registries import InboxItem, NavigationItem, inbox, navigation
from governance.kernel.authority import Permission
from governance.kernel.registries import transition_tables
from governance.registry.models import UseCase
from governance.registry.registries import (
    Panel,
    ledger_metrics,
    monthly_costs,
    retirements,
    use_case_panels,
)
from telemetry.chargeback import dashboard
from telemetry.chargeback.adjustment_subject import AdjustmentSubject
from telemetry.chargeback.announcing import KINDS
from telemetry.chargeback.closing_checks import CHECKS
from telemetry.chargeback.commitment_views import MAY_SEE
from telemetry.chargeback.figures import FIGURES
from telemetry.chargeback.list_prices import priced_detail
from telemetry.chargeback.models import Budget, Statement
from telemetry.chargeback.new_budget_subject import NewBudgetSubject
from telemetry.chargeback.registries import StatementPanel, closing_checks, statement_panels
from telemetry.chargeback.reopening import ReopeningSubject
from telemetry.chargeback.retiring import BUDGETS
from telemetry.chargeback.rules import (
    HOLD_STATES,
    RUN_STATES,
    STATEMENT_STATES,
    month_of,
    period_start,
)
from telemetry.chargeback.seal_evidence import LINES, SEALS
from telemetry.chargeback.selectors import (
    NEAR_SHARE,
    budgets_of_month,
    holds_in_suspense,
    meters,
    statements_to_close,
)
from telemetry.chargeback.subjects import BudgetSubject
from telemetry.ledger.models import Call
from telemetry.ledger.registries import CallPanel, call_panels
from telemetry.webhooks.registries import event_kinds

transition_tables.add("Hold.state", HOLD_STATES)
transition_tables.add("Statement.state", STATEMENT_STATES)
transition_tables.add("ClosingRun.state", RUN_STATES)
for event, described in KINDS.items():
    event_kinds.add(event, described)
for check_name, check in CHECKS.items():
    closing_checks.add(check_name, check)

audit_actions.add("budget.created", "{actor} made the budget {subject}")
audit_actions.add("budget.renewed", "{actor} renewed the budget for {subject}")
audit_actions.add("budget.limit_changed", "{actor} changed the limit of the budget {subject}")
audit_actions.add("budget.suspense_resolved", "{actor} resolved a lost hold on {subject}")
audit_actions.add("statement.closing", "{actor} began to close the statement {subject}")
audit_actions.add("statement.reopened", "{actor} took the closing of {subject} back")
audit_actions.add("statement.closed", "{actor} closed the statement {subject}")
audit_actions.add("statement.unsealed", "{actor} opened the closed statement {subject} again")
audit_actions.add("closing_run.requested", "{actor} asked for the {subject} for all its teams")

change_subjects.add("budget", BudgetSubject())
change_subjects.add("new_budget", NewBudgetSubject())
change_subjects.add("statement_reopening", ReopeningSubject())
change_subjects.add("adjustment", AdjustmentSubject())
audit_actions.add("ledger.adjusted", "{actor} corrected the ledger: {subject}")
for figure, measured in FIGURES.items():
    ledger_metrics.add(figure, measured)
monthly_costs.add("chargeback", dashboard.booked_in_month)
retirements.add("budgets", BUDGETS)

statement_panels.add("priced", StatementPanel("telemetry/chargeback/_priced.html", priced_detail))

_SEES = (Permission.CHARGEBACK_VIEW,)
navigation.add(
    "chargeback",
    NavigationItem("Money", "Chargeback", "chargeback:overview", "coins", _SEES, order=10),
)
navigation.add(
    "commitments",
    NavigationItem(
        "Money", "Committed spend", "chargeback:commitments", "handshake", MAY_SEE, order=42
    ),
)


def cost_panel(use_case: UseCase, user: User, now: datetime) -> dict[str, Any]:
    """This month's cost of a use case, and the budgets above it."""
    if not user.may(Permission.CHARGEBACK_VIEW, use_case.team):
        return {}
    month = month_of(now.date())
    above = Budget.objects.covering(use_case.team_id, use_case.pk, month)
    return {
        "use_case": use_case,
        "month": month,
        "currency": settings.PLACET_CURRENCY,
        "cost": dashboard.monthly_costs([use_case.pk], now).get(use_case.pk),
        "meters": meters(above.select_related("team", "use_case")),
    }


use_case_panels.add(
    "cost", Panel("Cost", 50, "telemetry/chargeback/_use_case_panel.html", cost_panel, _SEES)
)


def call_corrections(call: Call, user: User, now: datetime) -> dict[str, Any]:
    """What corrected the money lines of a call, and for finance the way to another one."""
    if not user.may(Permission.CHARGEBACK_VIEW, call.team) or not call.attempts:
        return {}
    entries = list(call.entries.order_by("pk"))
    return {
        "corrections": [one for one in entries if one.corrects_id],
        "entries": [one for one in entries if one.kind == "usage"],
        "may_adjust": user.may(Permission.STATEMENT_CLOSE),
    }


call_panels.add(
    "corrections",
    CallPanel(
        "Corrections",
        60,
        "telemetry/chargeback/_call_corrections.html",
        call_corrections,
        _SEES,
        is_cost=True,
    ),
)


def months_to_close(user: User, now: datetime) -> list[InboxItem]:
    """Ended months that finance has not closed."""
    if not user.may(Permission.STATEMENT_CLOSE):
        return []
    return [
        InboxItem(
            title=f"Close {row.period:%B %Y} of {row.team}",
            detail=f"{row.total:,.2f} {row.currency}, {row.state}",
            url=reverse("chargeback:statement", args=[row.team.slug, row.month]),
            due_at=None,
            kind="statement",
        )
        for row in statements_to_close(user, now)[:20]
    ]


def budgets_near_limit(user: User, now: datetime) -> list[InboxItem]:
    """This month's budgets past 80 %, for finance and the team's owner; and holds in suspense."""
    keeps_budgets = user.may(Permission.BUDGET_MANAGE)
    if not keeps_budgets and not user.may(Permission.USE_CASE_MANAGE):
        return []
    items = [
        InboxItem(
            title=f"Budget near its limit: {meter.budget}",
            detail=f"{meter.share} % of {meter.budget.limit:,.2f} {meter.budget.currency} is used",
            url=reverse("chargeback:budget", args=[meter.budget.pk]),
            due_at=None,
            kind="budget",
        )
        for meter in budgets_of_month(user, month_of(now.date()))
        if meter.share >= NEAR_SHARE
    ]
    lost = len(holds_in_suspense()) if keeps_budgets else 0
    if lost:
        url = reverse("chargeback:budgets")
        title = "Holds of lost calls wait in suspense"
        items.append(InboxItem(title, f"{lost} to resolve", url, None, "suspense", lost))
    return items


inbox.add("statements to close", months_to_close)
inbox.add("budgets near their limit", budgets_near_limit)

STATEMENT_COLUMNS = (
    "id",
    "team",
    "period",
    "state",
    "total",
    "currency",
    "entry_count",
    "sha256",
    "closed_at",
    "closed_by",
)


def statement_evidence(scope: PackScope) -> Iterator[dict[str, Any]]:
    """Statements of months that begin in the period, or were closed in it."""
    statements = Statement.objects.filter(
        period__gte=scope.starts_at.date().replace(day=1), period__lt=scope.ends_at.date()
    ).select_related("team", "closed_by")
    if scope.team_id is not None:
        statements = statements.filter(team_id=scope.team_id)
    for one in statements.order_by("period", "pk").iterator():
        row = {name: getattr(one, name) for name in STATEMENT_COLUMNS}
        yield row | {
            "team": one.team.slug,
            "closed_by": str(one.closed_by) if one.closed_by else None,
        }


BUDGET_COLUMNS = (
    "id",
    "team",
    "use_case",
    "period",
    "starts_on",
    "limit",
    "rolled",
    "currency",
    "hard",
    "reserved",
    "captured",
    "overrun",
)


def budget_evidence(scope: PackScope) -> Iterator[dict[str, Any]]:
    """Budgets whose own period the pack's touches."""
    budgets = Budget.objects.filter(
        starts_on__gte=period_start("year", scope.starts_at.date()),
        starts_on__lt=scope.ends_at.date(),
    ).select_related("team", "use_case")
    if scope.team_id is not None:
        budgets = budgets.filter(team_id=scope.team_id)
    for one in budgets.order_by("starts_on", "pk").iterator():
        if one.ends_on <= scope.starts_at.date():
            continue
        row = {name: getattr(one, name) for name in BUDGET_COLUMNS}
        yield row | {
            "team": one.team.slug if one.team else None,
            "use_case": one.use_case.slug if one.use_case else None,
        }


evidence_sections.add("statement_seals", SEALS)
evidence_sections.add("sealed_lines", LINES)
evidence_sections.add(
    "statements",
    EvidenceSection(
        "statements",
        "Statements",
        STATEMENT_COLUMNS,
        statement_evidence,
        counted_by=("state",),
        summed="total",
        summed_by=("team", "currency"),
    ),
)
evidence_sections.add(
    "budgets", EvidenceSection("budgets", "Budgets", BUDGET_COLUMNS, budget_evidence)
)


def hard_budgets(now: datetime, user: User | None) -> Evidence:
    """Use cases that are served under a budget of this month that stops calls, theirs or the team's."""
    live = Budget.objects.running(now.date()).filter(hard=True)
    its = (
        Q(use_case=OuterRef("pk"))
        | Q(use_case=None, team=OuterRef("team"))
        | Q(use_case=None, team=None)
    )
    served = UseCase.objects.filter(stage__in=["pilot", "production"], is_draft=False)
    facts = served.aggregate(all=Count("pk"), good=Count("pk", Exists(live.filter(its))))
    last = live.aggregate(at=Max("created_at"))["at"]
    sentence = f"{facts['good']} of {facts['all']} use cases that are served have a budget that stops calls this month."
    return Evidence(sentence, facts["good"], facts["all"], last, reverse("chargeback:budgets"))


control_evidence.add(
    "budgets", EvidenceSource("Hard budgets", hard_budgets, Permission.CHARGEBACK_VIEW)
)
