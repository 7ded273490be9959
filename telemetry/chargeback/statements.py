"""A team's month: open → closing → closed. Closed never changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Sum

from governance.access.models import Team
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import canonical_bytes, digest, plain
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from telemetry.chargeback.models import Statement
from telemetry.chargeback.rules import STATEMENT_STATES, StatementState, month_of
from telemetry.ledger.models import ZERO, LedgerEntry

BOOKING_LOCK = 722001  # the trigger on ledger entries takes it shared, per team


@transaction.atomic
def begin_closing(*, actor: Actor, team: Team, period: date, now: datetime) -> Statement:
    """Look at the month before it is sealed. Only a month that has ended can be closed."""
    check_can_close(actor)
    if period != month_of(period):
        raise Invalid("Nothing was changed: a statement is for a whole month.")
    statement, _ = Statement.objects.select_for_update(of=("self",)).get_or_create(
        team=team, period=period, defaults={"currency": settings.PLACET_CURRENCY}
    )
    if not statement.has_ended(now):
        raise WrongState(
            f"Nothing was changed: {period:%B %Y} has not ended yet, so more will be booked to it."
        )
    return _move(statement, "begin_closing", actor, now)


@transaction.atomic
def reopen_closing(*, actor: Actor, statement_id: int, now: datetime) -> Statement:
    """Back to open before it was closed."""
    check_can_close(actor)
    return _move(_locked(statement_id), "reopen", actor, now)


@transaction.atomic
def close_statement(*, actor: Actor, statement_id: int, now: datetime) -> Statement:
    """Seal the month: its lines, its total, and a SHA-256 over every entry.

    What is booked to this month after this goes to the team's next open month.
    """
    check_can_close(actor)
    statement = _locked(statement_id)
    # Waits for every transaction that is booking to this team now, and keeps new ones out.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [BOOKING_LOCK, statement.team_id])
    content = statement_content(statement)
    statement.state = STATEMENT_STATES.target(statement.state, "close")
    statement.total, statement.entry_count = Decimal(content["total"]), content["entry_count"]
    statement.lines, statement.sha256 = content["lines"], digest(content)
    statement.closed_at, statement.closed_by = now, actor.user
    statement.save()
    _record(statement, "statement.closed", actor, now)
    return statement


def statement_content(statement: Statement) -> dict[str, Any]:
    """Everything the seal covers, JSON-plain, computed from the ledger now."""
    lines = statement_lines(statement.team_id, statement.period)
    count, entries_sha256 = _entries_digest(statement.team_id, statement.period)
    total = sum((Decimal(line["amount"]) for line in lines), ZERO)
    return {
        "team": statement.team.code,
        "period": statement.period.isoformat(),
        "currency": statement.currency,
        "lines": lines,
        "total": f"{total:.9f}",
        "entry_count": count,
        "entries_sha256": entries_sha256,
    }


def statement_lines(team_id: int, period: date) -> list[dict[str, Any]]:
    """One line per use case, model, kind and source of the team's month, from the ledger."""
    grouped = (
        LedgerEntry.objects.filter(team_id=team_id, period=period)
        .values(
            "use_case__slug",
            "use_case__title",
            "deployment__slug",
            "deployment__name",
            "kind",
            "source",
        )
        .annotate(
            entries=Count("pk"),
            calls=Sum("calls"),
            tokens_input=Sum("tokens_input"),
            tokens_output=Sum("tokens_output"),
            amount=Sum("amount"),
        )
        .order_by("use_case__slug", "deployment__slug", "kind", "source")
    )
    return [_line(row) for row in grouped]


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "use_case": row["use_case__slug"],
        "use_case_title": row["use_case__title"] or "No use case",
        "deployment": row["deployment__slug"],
        "deployment_name": row["deployment__name"] or "No model",
        "kind": row["kind"],
        "source": row["source"],
        "entries": row["entries"],
        "calls": row["calls"],
        "tokens_input": row["tokens_input"],
        "tokens_output": row["tokens_output"],
        "amount": f"{row['amount']:.9f}",
    }


_ENTRY_FIELDS = ("id", "call_id", "attempt", "kind", "day", "amount", "currency", "corrects_id")


def _entries_digest(team_id: int, period: date) -> tuple[int, str]:
    """How many entries, and SHA-256 over their canonical lines in the order of their ids."""
    entries = LedgerEntry.objects.filter(team_id=team_id, period=period).order_by("pk")
    rows: Iterable[dict[str, Any]] = entries.values(*_ENTRY_FIELDS).iterator(chunk_size=5000)
    running, count = hashlib.sha256(), 0
    for row in rows:
        row["amount"] = f"{row['amount']:.9f}"
        running.update(canonical_bytes(plain(row)) + b"\n")
        count += 1
    return count, running.hexdigest()


def check_can_close(actor: Actor) -> None:
    if not actor.may(Permission.STATEMENT_CLOSE):
        raise NotAllowed("Nothing was changed: months are closed by finance.")


def _locked(statement_id: int) -> Statement:
    statements = Statement.objects.select_for_update(of=("self",)).select_related("team")
    statement = statements.filter(pk=statement_id).first()
    if statement is None:
        raise WrongState("There is no such statement; begin by opening the month for closing.")
    return statement


def _move(statement: Statement, action: str, actor: Actor, now: datetime) -> Statement:
    statement.state = STATEMENT_STATES.target(statement.state, action)
    statement.save(update_fields=["state"])
    name = (
        "statement.closing" if statement.state == StatementState.CLOSING else "statement.reopened"
    )
    _record(statement, name, actor, now)
    return statement


def _record(statement: Statement, action: str, actor: Actor, now: datetime) -> None:
    after = {"state": statement.state}
    if statement.state == StatementState.CLOSED:
        after |= {
            "total": f"{statement.total:.9f}",
            "currency": statement.currency,
            "entries": str(statement.entry_count),
            "sha256": statement.sha256,
        }
    record(
        actor=actor,
        action=action,
        subject=statement,
        now=now,
        after=after,
        team_id=statement.team_id,
    )
