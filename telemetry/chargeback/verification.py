"""Prove the money: every invariant of the ledger as a query that must find nothing.

`Violation.check` is the invariant's name, `what` a sentence that names the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.urls import reverse

from governance.kernel.canonical import digest
from governance.model_cards.pricing import PriceList, Rate
from telemetry.alerts.rules import Severity
from telemetry.alerts.services import clear_cause, raise_alert
from telemetry.chargeback.models import Statement, StatementVersion
from telemetry.chargeback.rules import StatementState
from telemetry.chargeback.statements import closed_content, version_content
from telemetry.ledger.digests import call_digest
from telemetry.ledger.models import Call, LedgerEntry, LedgerSeal
from telemetry.ledger.seals import root_of


@dataclass(frozen=True)
class Violation:
    check: str
    what: str


def _rows(sql: str) -> Iterator[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        yield from cursor.fetchall()


def budget_sums() -> Iterator[str]:
    """A budget's reserved and captured are the sums of its holds."""
    sql = """
        SELECT b.id, b.reserved, b.captured, h.reserved, h.captured
        FROM chargeback_budget b
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(amount) FILTER (WHERE state IN ('held', 'suspense')), 0) AS reserved,
                   coalesce(sum(captured_amount) FILTER (WHERE state = 'captured'), 0) AS captured
            FROM chargeback_hold WHERE budget_id = b.id
        ) h
        WHERE b.reserved <> h.reserved OR b.captured <> h.captured
    """
    for pk, reserved, captured, held, taken in _rows(sql):
        yield (
            f"budget {pk} says {reserved} reserved and {captured} captured; "
            f"its holds say {held} and {taken}"
        )


def hard_limits() -> Iterator[str]:
    """Captured and reserved stay within a hard limit, but for a shown overrun."""
    sql = """
        SELECT id, captured + reserved, "limit" + rolled, overrun FROM chargeback_budget
        WHERE hard AND captured + reserved > "limit" + rolled + overrun
    """
    for pk, used, limit, overrun in _rows(sql):
        yield f"budget {pk} uses {used} of {limit}, with an overrun of only {overrun}"


def captures_are_booked() -> Iterator[str]:
    """Each captured hold has its money line, of the same amount."""
    sql = """
        SELECT h.id, h.call_id, h.attempt, h.captured_amount, e.amount
        FROM chargeback_hold h
        LEFT JOIN ledger_ledgerentry e
               ON e.call_id = h.call_id AND e.attempt = h.attempt AND e.kind = 'usage'
        WHERE h.state = 'captured' AND e.amount IS DISTINCT FROM h.captured_amount
    """
    for pk, call, attempt, captured, booked in _rows(sql):
        yield (
            f"hold {pk} captured {captured} for attempt {attempt} of call {call}; "
            f"the ledger says {booked if booked is not None else 'nothing'}"
        )


def lines_are_captured() -> Iterator[str]:
    """Each live money line of a call was captured on a budget."""
    sql = """
        SELECT e.id, e.call_id, e.attempt, e.amount FROM ledger_ledgerentry e
        WHERE e.kind = 'usage' AND e.source = 'live' AND NOT EXISTS (
            SELECT 1 FROM chargeback_hold h
            WHERE h.call_id = e.call_id AND h.attempt = e.attempt AND h.state = 'captured')
    """
    for pk, call, attempt, amount in _rows(sql):
        yield f"entry {pk} books {amount} for attempt {attempt} of call {call}, on no budget"


def call_sums() -> Iterator[str]:
    """A call's cost, attempts and tokens are the sums of its lines; replayed calls have one."""
    sql = """
        SELECT c.id, c.cost, c.attempts, e.cost, e.attempts, c.source
        FROM ledger_call c
        LEFT JOIN (
            SELECT call_id, sum(amount) AS cost, count(*) AS attempts,
                   sum(tokens_input) AS tokens_input, sum(tokens_output) AS tokens_output,
                   sum(tokens_reasoning) AS tokens_reasoning, sum(images) AS images
            FROM ledger_ledgerentry WHERE kind = 'usage' GROUP BY call_id
        ) e ON e.call_id = c.id
        WHERE c.cost <> coalesce(e.cost, 0) OR c.attempts <> coalesce(e.attempts, 0)
           OR c.tokens_input <> coalesce(e.tokens_input, 0)
           OR c.tokens_output <> coalesce(e.tokens_output, 0)
           OR c.tokens_reasoning <> coalesce(e.tokens_reasoning, 0)
           OR c.images <> coalesce(e.images, 0)
           OR (c.source = 'replayed' AND coalesce(e.attempts, 0) <> 1)
    """
    for pk, cost, attempts, booked, lines, source in _rows(sql):
        yield (
            f"{source} call {pk} says {cost} in {attempts} attempts; "
            f"its lines say {booked or 0} in {lines or 0}"
        )


def calls_are_settled() -> Iterator[str]:
    """A call past the gateway has its outcome, finish and digest; an open one has none."""
    sql = """
        SELECT id, state FROM ledger_call
        WHERE (state IN ('admitted', 'running')) <> (outcome = '')
           OR (outcome <> '' AND (finished_at IS NULL OR digest = ''))
    """
    for pk, state in _rows(sql):
        yield f"call {pk} is {state} but not settled as such"


def no_leaked_holds() -> Iterator[str]:
    """No hold is live for a call that has ended; a lost call's may wait to go into suspense."""
    sql = """
        SELECT h.id, h.call_id, c.state FROM chargeback_hold h
        JOIN ledger_call c ON c.id = h.call_id
        WHERE h.state = 'held' AND c.outcome <> ''
          AND (c.refusal_code <> 'lost' OR h.expires_at < now() - interval '10 minutes')
    """
    for pk, call, state in _rows(sql):
        yield f"hold {pk} is still held for call {call}, which is {state}"


def no_duplicates() -> Iterator[str]:
    """No attempt is booked twice, even where somebody switched the constraint off."""
    sql = """
        SELECT call_id, attempt, count(*) FROM ledger_ledgerentry
        WHERE kind = 'usage' GROUP BY call_id, attempt HAVING count(*) > 1
    """
    for call, attempt, times in _rows(sql):
        yield f"attempt {attempt} of call {call} is booked {times} times"


def one_currency() -> Iterator[str]:
    """A line is in its call's currency and books to its call's team and use case."""
    sql = """
        SELECT e.id, e.call_id FROM ledger_ledgerentry e JOIN ledger_call c ON c.id = e.call_id
        WHERE e.kind = 'usage' AND (e.currency <> c.currency OR e.team_id <> c.team_id
              OR e.use_case_id IS DISTINCT FROM c.use_case_id OR e.source <> c.source)
    """
    for pk, call in _rows(sql):
        yield f"entry {pk} differs from call {call} in currency, team, use case or source"


def review_lines() -> Iterator[str]:
    """A line of review time books to its call's team, use case and currency, and counts no call."""
    sql = """
        SELECT e.id, e.call_id FROM ledger_ledgerentry e JOIN ledger_call c ON c.id = e.call_id
        WHERE e.kind = 'review' AND (e.currency <> c.currency OR e.team_id <> c.team_id
              OR e.use_case_id IS DISTINCT FROM c.use_case_id OR e.source <> 'review'
              OR e.calls <> 0 OR e.amount < 0)
    """
    for pk, call in _rows(sql):
        yield f"entry {pk} of review time does not fit call {call}"


_USAGE_KEY = "period, day, team_id, use_case_id, deployment_id, source, currency"


def daily_usage() -> Iterator[str]:
    """The daily rollup is the ledger, summed."""
    booked = f"""
        SELECT {_USAGE_KEY}, sum(calls)::bigint, sum(tokens_input)::bigint,
               sum(tokens_cached)::bigint, sum(tokens_output)::bigint,
               sum(tokens_reasoning)::bigint, sum(images)::bigint, sum(amount)::numeric(18, 9)
        FROM ledger_ledgerentry GROUP BY {_USAGE_KEY}
    """  # noqa: S608  # fixed columns
    rolled = f"""
        SELECT {_USAGE_KEY}, calls, tokens_input, tokens_cached, tokens_output,
               tokens_reasoning, images, cost
        FROM chargeback_dailyusage
    """  # noqa: S608  # fixed columns
    sql = f"""
        (({booked}) EXCEPT ({rolled})) UNION ALL (({rolled}) EXCEPT ({booked}))
    """
    for row in _rows(sql):
        yield f"day {row[1]} of team {row[2]} differs between rollup and ledger ({row[-1]})"


def day_outcomes() -> Iterator[str]:
    """The daily counts of outcomes are the sealed calls, counted."""
    key = "day, team_id, use_case_id, source, outcome"
    sealed = """
        SELECT (admitted_at AT TIME ZONE 'UTC')::date AS day, team_id, use_case_id, source,
            outcome, count(*)
        FROM ledger_call WHERE seal_id IS NOT NULL GROUP BY 1, 2, 3, 4, 5
    """
    counted = f"SELECT {key}, calls FROM ledger_dayoutcome"  # noqa: S608  # fixed columns
    sql = f"(({sealed}) EXCEPT ({counted})) UNION ALL (({counted}) EXCEPT ({sealed}))"
    for row in _rows(sql):
        yield f"day {row[0]} of team {row[1]}: {row[-1]} calls with outcome {row[4]} differ"


def closed_statements() -> Iterator[str]:
    """A closed statement is what its entries add up to, and its SHA-256 fits."""
    closed = Statement.objects.filter(state=StatementState.CLOSED).select_related("team")
    for statement in closed:
        content = closed_content(statement)
        if content["total"] != f"{statement.total:.9f}":
            yield f"statement {statement} says {statement.total}; its entries say {content['total']}"
        if digest(content) != statement.sha256:
            yield f"statement {statement} does not have the content its SHA-256 was taken over"


def sealed_versions() -> Iterator[str]:
    """Every seal a month ever had can still be computed, and the last one is the closed month's."""
    for version in StatementVersion.objects.select_related("statement__team").order_by("pk"):
        if digest(version_content(version)) != version.sha256:
            yield f"{version} does not have the content its SHA-256 was taken over"
    sql = """
        SELECT s.id FROM chargeback_statement s
        WHERE s.state = 'closed' AND s.sha256 IS DISTINCT FROM (
            SELECT v.sha256 FROM chargeback_statementversion v
            WHERE v.statement_id = s.id ORDER BY v.number DESC LIMIT 1)
    """
    for (pk,) in _rows(sql):
        yield f"statement {pk} is closed under another seal than its last"


def seals() -> Iterator[str]:
    """Each seal's root, count and cost follow from its calls, and each call from its lines."""
    for seal in LedgerSeal.objects.order_by("pk"):
        calls = list(seal.calls.order_by("seal_position").prefetch_related("entries"))
        cost = 0
        for call in calls:
            entries = settlement_entries(call)
            cost += sum(entry.amount for entry in entries)
            if call_digest(call, entries) != call.digest:
                yield f"call {call.pk} was changed after it was settled (seal {seal.pk})"
        if (len(calls), cost) != (seal.count, seal.cost):
            yield (
                f"seal {seal.pk} fixed {seal.count} calls for {seal.cost}; "
                f"there are {len(calls)} for {cost}"
            )
        elif root_of([call.digest for call in calls]) != seal.root:
            yield f"seal {seal.pk} has another root than its calls give"


def settlement_entries(call: Call) -> list[LedgerEntry]:
    """The lines booked by the settlement itself; they carry its time."""
    return [
        entry
        for entry in call.entries.all()
        if entry.kind == "usage" and entry.created_at == call.finished_at
    ]


def conversions() -> Iterator[str]:
    """A line in another currency is its priced amount times its rate, rounded half to even."""
    sql = """
        SELECT e.id, e.amount, e.priced_amount, r.rate FROM ledger_ledgerentry e
        JOIN model_cards_exchangerate r ON r.id = e.rate_id
    """
    for pk, amount, told, rate in _rows(sql):
        if PriceList("", rate=Rate(0, rate, "")).booked(told) != amount:
            yield f"entry {pk} books {amount}, which is not {told} at {rate}"


CHECKS: dict[str, Callable[[], Iterator[str]]] = {
    "budget sums": budget_sums,
    "hard limits": hard_limits,
    "captures are booked": captures_are_booked,
    "lines are captured": lines_are_captured,
    "call sums": call_sums,
    "calls are settled": calls_are_settled,
    "no leaked holds": no_leaked_holds,
    "no duplicates": no_duplicates,
    "one currency": one_currency,
    "review lines": review_lines,
    "daily usage": daily_usage,
    "day outcomes": day_outcomes,
    "conversions": conversions,
    "closed statements": closed_statements,
    "sealed versions": sealed_versions,
    "seals": seals,
}


def verify() -> list[Violation]:
    """Every violation of every invariant; an empty list is the proof."""
    return [Violation(name, what) for name, check in CHECKS.items() for what in check()]


# What follows from other rows in one statement each; seals read every call and are checked by
# `manage.py verify_ledger`.
QUICK = tuple(name for name in CHECKS if name != "seals")
CAUSE = "books-differ"


def check_books(*, now: datetime) -> list[Violation]:
    """The quick invariants; an alert says what differs, and ends when nothing does any more."""
    found = [Violation(name, what) for name in QUICK for what in CHECKS[name]()]
    if not found:
        clear_cause(cause=CAUSE, job="chargeback", now=now)
        return found
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    title = f"The books differ from the ledger: {found[0].what}{more}"
    raise_alert(
        cause=CAUSE,
        title=title[:200],
        severity=Severity.CRITICAL,
        now=now,
        url=reverse("chargeback:overview"),
    )
    return found
