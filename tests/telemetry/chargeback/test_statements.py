"""A month is closed once, and late entries go to the next open one."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import NotAllowed, WrongState
from telemetry.chargeback import statements
from telemetry.chargeback.models import Statement
from telemetry.chargeback.verification import verify
from telemetry.ledger.models import LedgerEntry
from telemetry.ledger.services import settle_call, start_call
from tests.factories.chargeback import make_budget, make_paid_call
from tests.factories.ledger import NOW, bill, make_call, make_deployment, make_person, make_use_case

OCTOBER = date(2026, 10, 1)
IN_OCTOBER = datetime(2026, 10, 20, 12, tzinfo=UTC)


def close(team: object, actor: Actor) -> Statement:
    begun = statements.begin_closing(actor=actor, team=team, period=OCTOBER, now=NOW)  # type: ignore[arg-type]  # a team
    return statements.close_statement(actor=actor, statement_id=begun.pk, now=NOW)


@pytest.fixture
def finance(db: None) -> Actor:
    return Actor.person(make_person("finance"))


def test_a_closed_month_is_what_its_entries_add_up_to(finance: Actor) -> None:
    use_case = make_use_case()
    make_budget(use_case.team, starts_on=OCTOBER)
    for amount in ("0.1", "0.2"):
        make_paid_call(use_case, amount=amount, now=IN_OCTOBER)
    closed = close(use_case.team, finance)
    assert (closed.total, closed.entry_count, len(closed.sha256)) == (Decimal("0.3"), 2, 64)
    assert sum(Decimal(line["amount"]) for line in closed.lines) == closed.total
    assert AuditEvent.objects.filter(action="statement.closed").count() == 1
    assert verify() == []


def test_what_is_booked_after_the_close_goes_to_the_next_open_month(finance: Actor) -> None:
    use_case = make_use_case()
    make_budget(use_case.team, starts_on=OCTOBER)
    closed = close(use_case.team, finance)
    make_paid_call(use_case, amount="0.2", now=IN_OCTOBER)
    entry = LedgerEntry.objects.get()
    assert (entry.day, entry.period) == (IN_OCTOBER.date(), date(2026, 11, 1))
    closed.refresh_from_db()
    assert closed.total == 0
    assert verify() == []


def test_a_month_is_closed_by_finance_once_and_after_it_has_ended(finance: Actor) -> None:
    team = make_use_case().team
    with pytest.raises(NotAllowed):
        close(team, Actor.person(make_person("board")))
    with pytest.raises(WrongState):
        statements.begin_closing(actor=finance, team=team, period=date(2026, 11, 1), now=NOW)
    begun = statements.begin_closing(actor=finance, team=team, period=OCTOBER, now=NOW)
    statements.reopen_closing(actor=finance, statement_id=begun.pk, now=NOW)
    with pytest.raises(WrongState):
        statements.close_statement(actor=finance, statement_id=begun.pk, now=NOW)
    closed = close(team, finance)
    with pytest.raises(WrongState):
        statements.close_statement(actor=finance, statement_id=closed.pk, now=NOW)
    with pytest.raises(WrongState):
        statements.reopen_closing(actor=finance, statement_id=closed.pk, now=NOW)


@pytest.mark.parametrize("sql", ["UPDATE {} SET total = 1", "DELETE FROM {}"])
def test_the_database_refuses_to_change_a_closed_month(finance: Actor, sql: str) -> None:
    close(make_use_case().team, finance)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.format("chargeback_statement"))


@pytest.mark.django_db(transaction=True)
def test_closing_waits_for_whoever_is_booking_to_the_month() -> None:
    finance = Actor.person(make_person("finance"))
    use_case, deployment = make_use_case(), make_deployment()
    call = start_call(call=make_call(use_case, now=IN_OCTOBER), now=IN_OCTOBER)
    begun = statements.begin_closing(actor=finance, team=use_case.team, period=OCTOBER, now=NOW)
    totals: list[Decimal] = []

    def close_now() -> None:
        closed = statements.close_statement(actor=finance, statement_id=begun.pk, now=NOW)
        totals.append(closed.total)
        connection.close()

    closer = threading.Thread(target=close_now)
    with transaction.atomic():
        settle_call(call=call, outcome="deliver", now=IN_OCTOBER, billed=[bill(deployment, "0.4")])
        closer.start()
        closer.join(0.5)
        assert closer.is_alive()
    closer.join()
    assert totals == [Decimal("0.4")]
