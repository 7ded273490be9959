"""A month closed for all its teams: what to look at first, one confirmation, a worker."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import cast

from django.db import transaction
from django.db.models import Sum

from governance.access.models import Team, User
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Conflict, Invalid, PlacetError, WrongState
from telemetry.chargeback.models import ClosingRun, DailyUsage, Statement
from telemetry.chargeback.registries import Finding, closing_checks
from telemetry.chargeback.rules import (
    RUN_STATES,
    STATEMENT_STATES,
    RunState,
    StatementState,
    month_of,
    next_month,
)
from telemetry.chargeback.statements import begin_closing, check_can_close, close_statement
from telemetry.ledger.models import ZERO

# A run whose worker has not been heard of for so long goes on the queue again.
QUIET = timedelta(minutes=2)


@dataclass(frozen=True)
class ClosingRow:
    """A team's month: what is booked, how far its closing is, what to look at first."""

    team: Team
    state: str
    total: Decimal
    statement_id: int | None
    findings: tuple[Finding, ...]

    @property
    def warnings(self) -> int:
        return sum(1 for one in self.findings if one.warns)


@dataclass(frozen=True)
class ClosingMonth:
    """All of it; `general` are the findings of no one team."""

    period: date
    rows: tuple[ClosingRow, ...]
    general: tuple[Finding, ...]
    has_ended: bool

    def _in(self, state: str) -> list[ClosingRow]:
        return [row for row in self.rows if row.state == state]

    @property
    def total(self) -> Decimal:
        return sum((row.total for row in self.rows), ZERO)

    @property
    def to_begin(self) -> list[ClosingRow]:
        return self._in(StatementState.OPEN)

    @property
    def to_close(self) -> list[ClosingRow]:
        return self._in(StatementState.CLOSING)

    @property
    def closed(self) -> list[ClosingRow]:
        return self._in(StatementState.CLOSED)

    @property
    def total_to_close(self) -> Decimal:
        return sum((row.total for row in self.to_close), ZERO)

    @property
    def warnings(self) -> int:
        """Of what is not closed yet, and of the organisation."""
        own = sum(row.warnings for row in self.rows if row.state != StatementState.CLOSED)
        return own + sum(1 for one in self.general if one.warns)


def closing_month(user: User, period: date, now: datetime) -> ClosingMonth:
    """Every team of the person's reach that has something booked to the month, or a statement."""
    reach = user.reach(Permission.STATEMENT_CLOSE)
    usage = DailyUsage.objects.filter(period=period)
    statements = Statement.objects.filter(period=period)
    if not reach.everywhere:
        usage = usage.filter(team_id__in=reach.team_ids)
        statements = statements.filter(team_id__in=reach.team_ids)
    booked = dict(usage.order_by().values_list("team_id").annotate(Sum("cost")))
    kept = {one.team_id: one for one in statements}
    findings: dict[int | None, list[Finding]] = defaultdict(list)
    for check in closing_checks.values():
        for finding in check(period, now):
            findings[finding.team_id].append(finding)
    shown = set(booked) | set(kept)
    if reach.everywhere:  # what is lost or undecided may be all there is of a team's month
        shown |= {pk for pk, found in findings.items() if pk and any(one.warns for one in found)}
    teams = Team.objects.filter(pk__in=shown).order_by("name", "pk")
    rows = tuple(_row(team, booked, kept, findings) for team in teams)
    general = tuple(findings[None]) if reach.everywhere else ()
    return ClosingMonth(period, rows, general, now.date() >= next_month(period))


def _row(
    team: Team,
    booked: dict[int, Decimal],
    kept: dict[int, Statement],
    findings: dict[int | None, list[Finding]],
) -> ClosingRow:
    statement = kept.get(team.pk)
    is_closed = statement is not None and statement.state == StatementState.CLOSED
    return ClosingRow(
        team=team,
        state=statement.state if statement else StatementState.OPEN,
        total=statement.total if statement and is_closed else booked.get(team.pk, ZERO),
        statement_id=statement.pk if statement else None,
        findings=tuple(findings[team.pk]),
    )


@transaction.atomic
def begin_closing_all(*, actor: Actor, period: date, now: datetime) -> int:
    """Begin for every team whose month is open; how many. All of them or none."""
    check_can_close(actor)
    month = closing_month(_person(actor), period, now)
    for row in month.to_begin:
        begin_closing(actor=actor, team=row.team, period=period, now=now)
    return len(month.to_begin)


@transaction.atomic
def request_closing(
    *,
    actor: Actor,
    period: date,
    confirm: str,
    total: str,
    acknowledged: bool,
    now: datetime,
) -> ClosingRun:
    """Close for good whatever is in closing, by a worker.

    `confirm` is the month as typed, `total` what the person saw; each team is closed with the
    total that it has now, or not at all.
    """
    check_can_close(actor)
    user = _person(actor)
    if confirm.strip() != f"{period:%Y-%m}":
        raise Invalid(
            f"No month was closed: type {period:%Y-%m} to say that you mean it.",
            fields={"confirm": [f"Type {period:%Y-%m}."]},
        )
    month = closing_month(user, period, now)
    if not month.to_close:
        raise WrongState("No month was closed: no team's month is in closing. Begin with that.")
    if _amount(total) != month.total_to_close:
        raise Conflict(
            "No month was closed: the total is another than the one you saw. It is "
            f"{month.total_to_close:,.9f} now; look at the teams again."
        )
    if month.warnings and not acknowledged:
        raise Invalid(
            f"No month was closed: {month.warnings} things are to be looked at first. "
            "Resolve them, or say that you have seen them.",
            fields={"acknowledged": ["Say that you have seen them."]},
        )
    if ClosingRun.objects.filter(period=period).exclude(state=RunState.FINISHED).exists():
        raise WrongState("No month was closed: this one is being closed already.")
    run = ClosingRun.objects.create(
        period=period,
        requested_by=user,
        requested_at=now,
        touched_at=now,
        totals={str(row.statement_id): f"{row.total:.9f}" for row in month.to_close},
    )
    after = {
        "month": period,
        "teams": len(run.totals),
        "total": f"{month.total_to_close:.9f}",
        "acknowledged": month.warnings,
    }
    record(actor=actor, action="closing_run.requested", subject=run, now=now, after=after)
    return run


def run_closing(*, run_id: int, now: datetime) -> ClosingRun | None:
    """Close one team after the other, each in a transaction of its own. Delivered twice, the
    second finds nothing left; cut off, the next goes on where it stood."""
    run = _begin_run(run_id, now)
    if run is None:
        return None
    actor = Actor.person(User.objects.get(pk=run.requested_by_id))
    for number, (statement_id, total) in enumerate(sorted(run.totals.items()), 1):
        failure = _close_one(actor, int(statement_id), Decimal(total), now)
        run.done = number
        if failure:
            run.failures[statement_id] = failure
        run.save(update_fields=["done", "failures"])
    run.state, run.finished_at = RUN_STATES.target(run.state, "finish"), now
    run.save(update_fields=["state", "finished_at"])
    return run


def _close_one(actor: Actor, statement_id: int, total: Decimal, now: datetime) -> str:
    """Why it was not closed; empty when it is."""
    state = Statement.objects.values_list("state", flat=True).get(pk=statement_id)
    if not STATEMENT_STATES.allows(state, "close"):
        # Closed by this run before it was cut off, or by somebody meanwhile.
        return "" if state == StatementState.CLOSED else "It was taken back to open meanwhile."
    try:
        close_statement(actor=actor, statement_id=statement_id, now=now, expected=total)
    except PlacetError as refused:
        return refused.message
    return ""


@transaction.atomic
def _begin_run(run_id: int, now: datetime) -> ClosingRun | None:
    run = ClosingRun.objects.select_for_update(of=("self",)).filter(pk=run_id).first()
    if run is None or not RUN_STATES.allows(run.state, "run"):
        return None
    run.state, run.touched_at = RUN_STATES.target(run.state, "run"), now
    run.save(update_fields=["state", "touched_at"])
    return run


def unfinished_runs(now: datetime) -> list[int]:
    """Runs that nobody works on: their message or their worker was lost."""
    quiet = ClosingRun.objects.exclude(state=RunState.FINISHED).filter(touched_at__lt=now - QUIET)
    return list(quiet.values_list("pk", flat=True))


def months_to_close(now: datetime, limit: int = 24) -> list[date]:
    """Ended months that have something booked, newest first."""
    periods = DailyUsage.objects.filter(period__lt=month_of(now.date())).order_by("-period")
    return list(periods.values_list("period", flat=True).distinct()[:limit])


def _person(actor: Actor) -> User:
    if actor.user is None:
        raise WrongState("Months are closed by people.")
    return cast(User, actor.user)


def _amount(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
