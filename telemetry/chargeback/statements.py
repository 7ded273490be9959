"""A team's month: open → closing → closed. Closed never changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Max, Sum

from governance.access.models import Team
from governance.approvals.models import ChangeRequest
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import canonical_bytes, digest, plain
from governance.kernel.errors import Conflict, Invalid, NotAllowed, WrongState
from telemetry.chargeback.announcing import announce_closed
from telemetry.chargeback.models import Statement, StatementVersion
from telemetry.chargeback.rules import STATEMENT_STATES, StatementState, month_of
from telemetry.ledger.models import ZERO, LedgerEntry, LedgerEntryQuerySet

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
def close_statement(
    *, actor: Actor, statement_id: int, now: datetime, expected: Decimal | None = None
) -> Statement:
    """Seal the month: its lines, its total, and a SHA-256 over every entry.

    What is booked to this month after this goes to the team's next open month. Raises Conflict
    where the total is not the `expected` one.
    """
    check_can_close(actor)
    return _seal(_locked(statement_id), actor, now, expected)


def _seal(
    statement: Statement, actor: Actor, now: datetime, expected: Decimal | None = None
) -> Statement:
    _keep_bookings_out(statement)
    content = statement_content(statement)
    total = Decimal(content["total"])
    if expected is not None and total != expected:
        raise Conflict(
            f"{statement.team} was not closed: {total - expected:+.9f} {statement.currency} was "
            "booked since its total was confirmed. Look at it again, then close it."
        )
    statement.state = STATEMENT_STATES.target(statement.state, "close")
    statement.total, statement.entry_count = total, content["entry_count"]
    statement.lines, statement.sha256 = content["lines"], digest(content)
    statement.closed_at, statement.closed_by = now, actor.user
    statement.save()
    _keep_version(statement)
    _record(statement, "statement.closed", actor, now)
    announce_closed(statement, now)
    return statement


def _keep_bookings_out(statement: Statement) -> None:
    """Wait for every transaction that is booking to this team now, and keep new ones out."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [BOOKING_LOCK, statement.team_id])


def _keep_version(statement: Statement) -> None:
    booked = LedgerEntry.objects.filter(team_id=statement.team_id, period=statement.period)
    StatementVersion.objects.create(
        statement=statement,
        number=statement.versions.count() + 1,
        last_entry=booked.aggregate(last=Max("pk"))["last"] or 0,
        **{name: getattr(statement, name) for name in SEALED},
    )


SEALED = ("total", "currency", "entry_count", "lines", "sha256", "closed_at", "closed_by")


@transaction.atomic
def unseal_statement(
    *, actor: Actor, statement_id: int, change: ChangeRequest, now: datetime
) -> Statement:
    """What a decided change does: the month is open again, and its seal stays as a version.

    Called by the change engine alone, so no right is checked here. The database asks for the
    change again.
    """
    statement = _locked(statement_id)
    _keep_bookings_out(statement)
    sealed = {"version": statement.versions.count(), "sha256": statement.sha256}
    statement.state = STATEMENT_STATES.target(statement.state, "unseal")
    statement.total, statement.entry_count, statement.lines = ZERO, 0, []
    statement.sha256, statement.closed_at, statement.closed_by = "", None, None
    statement.unsealed_by = change
    statement.save()
    record(
        actor=actor,
        action="statement.unsealed",
        subject=statement,
        now=now,
        before={"state": "closed"} | sealed,
        after={"state": statement.state},
        reason=change.reason,
        team_id=statement.team_id,
    )
    return statement


@transaction.atomic
def seal_again(*, actor: Actor, statement_id: int, now: datetime) -> Statement:
    """An opening that nobody ratified is taken back: the month is closed as it is now.

    Called by the change engine alone. A month that was closed again meanwhile is left alone.
    """
    statement = _locked(statement_id)
    if statement.state == StatementState.OPEN:
        statement.state = STATEMENT_STATES.target(statement.state, "begin_closing")
    if statement.state == StatementState.CLOSING:
        _seal(statement, actor, now)
    return statement


def version_content(version: StatementVersion) -> dict[str, Any]:
    """What that seal covers, computed from the ledger now; its digest is the version's."""
    return version_content_of(version, *_entries_digest(sealed_entries(version)))


def version_content_of(
    version: StatementVersion, count: int, entries_sha256: str
) -> dict[str, Any]:
    """The same where the entries were counted and hashed already."""
    return _content(version.statement, version.lines, version.last_entry, count, entries_sha256)


def closed_content(statement: Statement) -> dict[str, Any]:
    """What a closed month's seal covers, computed from the ledger now."""
    counted = _entries_digest(_entry_rows(statement, None))
    return _content(statement, statement.lines, None, *counted)


def statement_content(statement: Statement) -> dict[str, Any]:
    """Everything that a seal made now would cover, JSON-plain, computed from the ledger."""
    return _content(statement, [], None, *_entries_digest(_entry_rows(statement, None)))


def _content(
    statement: Statement,
    kept: Sequence[Mapping[str, Any]],
    up_to: int | None,
    count: int,
    entries_sha256: str,
) -> dict[str, Any]:
    lines = _named_as(kept, statement_lines(statement.team_id, statement.period, up_to))
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


_LINE_KEY = ("use_case", "deployment", "kind", "source")
_LINE_NAMES = ("use_case_title", "deployment_name")


def _named_as(
    kept: Sequence[Mapping[str, Any]], lines: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """In the order and under the names that were sealed: a title may be changed after it."""
    places = {tuple(line[name] for name in _LINE_KEY): n for n, line in enumerate(kept)}

    def place(line: dict[str, Any]) -> int:
        return places.get(tuple(line[name] for name in _LINE_KEY), len(kept))

    return [
        line | {name: kept[at][name] for name in _LINE_NAMES}
        if (at := place(line)) < len(kept)
        else line
        for line in sorted(lines, key=place)
    ]


def _entries(team_id: int, period: date, up_to: int | None) -> LedgerEntryQuerySet:
    entries = LedgerEntry.objects.filter(team_id=team_id, period=period)
    return entries if up_to is None else entries.filter(pk__lte=up_to)


def statement_lines(team_id: int, period: date, up_to: int | None = None) -> list[dict[str, Any]]:
    """One line per use case, model, kind and source of the team's month, from the ledger."""
    grouped = (
        _entries(team_id, period, up_to)
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


ENTRY_FIELDS = ("id", "call_id", "attempt", "kind", "day", "amount", "currency", "corrects_id")


def sealed_entries(version: StatementVersion) -> Iterator[dict[str, Any]]:
    """The ledger's entries under that seal in the order of their ids, JSON-plain, a few at a time."""
    return _entry_rows(version.statement, version.last_entry)


def entry_line(row: Mapping[str, Any]) -> bytes:
    """An entry as a seal's SHA-256 over all of them takes it."""
    return canonical_bytes(row) + b"\n"


def _entry_rows(statement: Statement, up_to: int | None) -> Iterator[dict[str, Any]]:
    entries = _entries(statement.team_id, statement.period, up_to).order_by("pk")
    rows: Iterable[dict[str, Any]] = entries.values(*ENTRY_FIELDS).iterator(chunk_size=5000)
    for row in rows:
        yield plain(row | {"amount": f"{row['amount']:.9f}"})


def _entries_digest(rows: Iterable[dict[str, Any]]) -> tuple[int, str]:
    """How many entries, and SHA-256 over their canonical lines."""
    running, count = hashlib.sha256(), 0
    for row in rows:
        running.update(entry_line(row))
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
