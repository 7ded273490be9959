"""`verify_ledger` finds nothing in sound books, and names what is broken in others."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.db import connection

from telemetry.chargeback.verification import CHECKS, verify
from telemetry.ledger import seals
from telemetry.ledger.models import Call
from tests.factories.chargeback import make_budget, make_paid_call
from tests.factories.ledger import NOW, make_use_case

pytestmark = pytest.mark.django_db
_OPEN = "ALTER TABLE ledger_ledgerentry DISABLE TRIGGER ALL; "


@pytest.fixture
def paid(db: None) -> Call:
    use_case = make_use_case()
    make_budget(use_case.team)
    call = make_paid_call(use_case)
    seals.seal_settled(now=NOW)
    return call


def test_sound_books_verify(paid: Call) -> None:
    said = io.StringIO()
    call_command("verify_ledger", stdout=said)
    assert f"{len(CHECKS)} invariants hold over 1 calls and 1 entries" in said.getvalue()


# ruff: noqa: S608  # fixed statements, put together for reading
BREAKS = {
    "budget sums": "UPDATE chargeback_budget SET reserved = 1",
    "hard limits": """ALTER TABLE chargeback_budget DROP CONSTRAINT hard_limit_holds;
                      ALTER TABLE chargeback_budget
                          DISABLE TRIGGER chargeback_limit_needs_change;
                      UPDATE chargeback_budget SET "limit" = 0.1""",
    "captures are booked": "UPDATE chargeback_hold SET captured_amount = 0.4",
    "lines are captured": "DELETE FROM chargeback_hold",
    "call sums": "UPDATE ledger_call SET cost = 0.4",
    "calls are settled": "UPDATE ledger_call SET finished_at = NULL",
    "no leaked holds": "UPDATE chargeback_hold SET state = 'held'",
    "no duplicates": _OPEN
    + """DROP INDEX one_entry_per_attempt;
         INSERT INTO ledger_ledgerentry (call_id, attempt, kind, team_id, use_case_id,
           deployment_id, period, day, calls, tokens_input, tokens_cached, tokens_output, amount,
           currency, source, description, created_at)
         SELECT call_id, attempt, kind, team_id, use_case_id, deployment_id, period, day, calls,
           tokens_input, tokens_cached, tokens_output, amount, currency, source, description,
           created_at FROM ledger_ledgerentry""",
    "one currency": _OPEN + "UPDATE ledger_ledgerentry SET currency = 'GBP'",
    "daily usage": "UPDATE chargeback_dailyusage SET cost = 9",
    "sealed versions": """INSERT INTO chargeback_statement
           (team_id, period, state, currency, total, entry_count, lines, sha256, closed_at)
         SELECT id, '2026-01-01', 'closed', 'USD', 0, 0, '[]', 'x', now() FROM access_team""",
    "seals": "UPDATE ledger_call SET response_hash = 'x'",
}


@pytest.mark.parametrize("check", sorted(BREAKS))
def test_what_is_broken_is_named(paid: Call, check: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(BREAKS[check])
    assert check in {violation.check for violation in verify()}
    said = io.StringIO()
    with pytest.raises(SystemExit) as left:
        call_command("verify_ledger", stdout=said)
    assert left.value.code == 1
    assert f"VIOLATED {check}" in said.getvalue()
