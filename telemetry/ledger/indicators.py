"""What service levels count in the ledger, by the minute in which it was known.

Replayed history is left out: nobody here answered for it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

from telemetry.alerts.registries import Indicator, Slot

# A call is found by when it was let in; one that waited longer for its worker is counted only
# when a level is counted anew.
LONGEST_WAIT = timedelta(hours=6)
# Who cancels his own call has not met an error; who gets the fallback text has.
_ERRORS = """
SELECT date_trunc('minute', finished_at), count(*),
    count(*) FILTER (WHERE outcome IN ('fail', 'degrade'))
FROM ledger_call
WHERE use_case_id = %(use_case)s AND admitted_at >= %(admitted)s AND source = 'live'
  AND outcome IN ('deliver', 'hold', 'degrade', 'fail') AND refusal_code <> 'cancelled'
  AND finished_at >= %(since)s AND finished_at <= %(until)s
GROUP BY 1 ORDER BY 1
"""
_LATENCY = """
SELECT date_trunc('minute', finished_at), count(*),
    count(*) FILTER (WHERE latency_ms > %(threshold)s)
FROM ledger_call
WHERE use_case_id = %(use_case)s AND admitted_at >= %(admitted)s AND source = 'live'
  AND latency_ms IS NOT NULL AND finished_at >= %(since)s AND finished_at <= %(until)s
GROUP BY 1 ORDER BY 1
"""
# A decision in time is known when it is made, a late one when the time has passed.
_HOLD_TIME = """
SELECT date_trunc('minute', known_at), count(*), count(*) FILTER (WHERE is_late) FROM (
    SELECT least(coalesce(decided_at, due_at), due_at) AS known_at,
        decided_at IS NULL OR decided_at > due_at AS is_late
    FROM (
        SELECT decided_at, finished_at + %(threshold)s * interval '1 minute' AS due_at
        FROM ledger_call
        WHERE use_case_id = %(use_case)s AND hold_reason <> '' AND outcome = 'hold'
          AND source = 'live' AND admitted_at >= %(admitted)s
    ) AS held
) AS known WHERE known_at >= %(since)s AND known_at <= %(until)s
GROUP BY 1 ORDER BY 1
"""


def _slots(
    statement: str,
    use_case_id: int,
    threshold: int | None,
    since: datetime,
    until: datetime,
    waited: timedelta = LONGEST_WAIT,
) -> list[Slot]:
    facts = {
        "use_case": use_case_id,
        "threshold": threshold,
        "since": since,
        "until": until,
        "admitted": since - waited,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, facts)
        return [Slot(*row) for row in cursor.fetchall()]


def errors(use_case_id: int, threshold: int | None, since: datetime, until: datetime) -> list[Slot]:
    """Calls that were answered (or held) or failed; those failed are bad."""
    return _slots(_ERRORS, use_case_id, threshold, since, until)


def latency(
    use_case_id: int, threshold: int | None, since: datetime, until: datetime
) -> list[Slot]:
    """Calls that a model answered; bad is slower than `threshold` milliseconds."""
    return _slots(_LATENCY, use_case_id, threshold, since, until)


def hold_time(
    use_case_id: int, threshold: int | None, since: datetime, until: datetime
) -> list[Slot]:
    """Held answers; bad is not decided within `threshold` minutes, as soon as they have passed."""
    waited = LONGEST_WAIT + timedelta(minutes=threshold or 0)
    return _slots(_HOLD_TIME, use_case_id, threshold, since, until, waited)


INDICATORS = {
    "errors": Indicator("Errors", "calls do not fail", "", errors),
    "latency": Indicator(
        "Latency", "answers take the model at most {threshold} ms", "milliseconds", latency
    ),
    "hold_time": Indicator(
        "Hold time", "held answers are decided within {threshold} minutes", "minutes", hold_time
    ),
}
