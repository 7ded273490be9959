"""Invariants of review costs, for `verify_ledger`: queries that must find nothing."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

_SQL = """
    SELECT e.id, e.amount, c.seconds, r.hourly
    FROM ledger_ledgerentry e
    LEFT JOIN quality_reviewcost c ON c.entry_id = e.id
    LEFT JOIN quality_reviewrate r ON r.id = c.rate_id
    WHERE e.kind = 'review' AND (
        c.entry_id IS NULL OR abs(e.amount - r.hourly * c.seconds / 3600) > 0.0000000006)
    UNION ALL
    SELECT e.id, e.amount, c.seconds, NULL
    FROM quality_reviewcost c JOIN ledger_ledgerentry e ON e.id = c.entry_id
    WHERE e.kind <> 'review'
    UNION ALL
    SELECT c.entry_id, e.amount, c.seconds, NULL
    FROM quality_reviewcost c
    JOIN ledger_ledgerentry e ON e.id = c.entry_id
    LEFT JOIN decisions_reviewdecision d ON d.id = c.decision_id
    LEFT JOIN quality_opinion o ON o.id = c.opinion_id
    JOIN queues_reviewitem i ON i.id = coalesce(d.item_id, o.item_id)
    WHERE coalesce(d.seconds_spent, o.seconds_spent) <> c.seconds
       OR i.call_id <> e.call_id OR i.gates_id IS NULL
"""


def review_costs() -> Iterator[str]:
    """A line of review time is the seconds of one decision or slot at the rate that held."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL)
        for pk, amount, seconds, hourly in cursor.fetchall():
            yield (
                f"entry {pk} books {amount} for review time; "
                f"it should be {seconds} seconds at {hourly} an hour, of a decision on its call"
            )
