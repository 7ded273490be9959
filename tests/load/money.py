"""Chargeback over a year of calls: pages near empty and full, and the books against the rollup.

`PLACET_BENCH_CALLS` says how many calls (1,000,000 unless told; the target is 10,000,000) over
twelve months, fifty teams, two use cases each and four models, with the token counts of a real
trace (`PLACET_BENCH_TRACE`, a file in the format of telemetry.ledger.trace; without one, of a
spread like it). One percent of them is loaded and every page asked, then the rest.
"""

from __future__ import annotations

import os
import statistics
import time
from datetime import date
from pathlib import Path
from typing import Any

TEAMS, USE_CASES, MODELS, MONTHS = 50, 100, 4, 12
CALLS = int(os.environ.get("PLACET_BENCH_CALLS", "1000000"))
ROUNDS = 7
PAGES = (
    "/chargeback/?month={month}",
    "/chargeback/?month={month}&team=team-01",
    "/chargeback/?month={month}&use_case=use-case-00001",
    "/chargeback/?month={month}&by=deployment",
    "/chargeback/statements/",
    "/chargeback/savings/?month={month}",
    "/calls/?month={month}&use_case=use-case-00001",
)

_TOKENS = "CREATE TABLE bench_tokens (n integer PRIMARY KEY, input integer, output integer)"
# Nine columns differ from call to call, as far as chargeback reads them; the rest is constant.
_CALLS = """
INSERT INTO ledger_call (id, use_case_id, team_id, deployment_id, prompt_version_id, prompt_label,
    sensitivity, mode, source, state, outcome, admitted_at, started_at, finished_at, request_hash,
    response_hash, decided_hash, redactions, findings, stage_trail, hold_reason, refusal_code,
    refusal_message, tokens_input, tokens_cached, tokens_output, latency_ms, attempts, is_cached,
    cost, currency, price_snapshot, idempotency_key, idempotency_hash, task_id, end_user_hash,
    digest, seal_id, seal_position)
SELECT gen_random_uuid(), cases.id, cases.team_id, models.id, 1, 'bench v1',
    'internal', 'sync', 'live',
    CASE WHEN made.n %% 50 = 0 THEN 'failed' ELSE 'delivered' END,
    CASE WHEN made.n %% 50 = 0 THEN 'fail' ELSE 'deliver' END,
    made.at, made.at, made.at, md5((made.n / 2)::text) || md5(made.n::text), '', '', '{{}}', '[]',
    '[]', '', '', '', tokens.input, 0, tokens.output, 400, 1, false,
    (tokens.input * 2.5 + tokens.output * 10) / 1000000, 'USD', '{{}}', '', '', '', '',
    md5(made.n::text) || md5(made.n::text), %(seal)s, made.n - %(sealed_from)s
FROM (
    SELECT n, %(month)s::timestamptz
        + (%(days)s * ((n - %(first)s)::float / %(count)s)) * interval '1 day' AS at
    FROM generate_series(%(first)s::bigint, %(first)s::bigint + %(count)s - 1) AS n
) AS made
JOIN bench_tokens AS tokens ON tokens.n = made.n %% %(tokens)s
JOIN (SELECT row_number() OVER (ORDER BY id) - 1 AS place, id, team_id FROM registry_usecase
    WHERE slug LIKE 'use-case-%%') AS cases ON cases.place = made.n %% %(cases)s
JOIN (SELECT row_number() OVER (ORDER BY id) - 1 AS place, id FROM model_cards_deployment
    WHERE slug LIKE 'deployment-%%') AS models ON models.place = (made.n / 7) %% %(models)s
"""
_ENTRIES = """
INSERT INTO ledger_ledgerentry (call_id, attempt, kind, team_id, use_case_id, deployment_id,
    period, day, calls, tokens_input, tokens_cached, tokens_output, amount, currency, source,
    description, created_at)
SELECT id, 1, 'usage', team_id, use_case_id, deployment_id, %(month)s::date,
    (admitted_at AT TIME ZONE 'UTC')::date, 1, tokens_input, 0, tokens_output, cost, 'USD',
    'live', '', finished_at
FROM ledger_call
WHERE admitted_at >= %(month)s::timestamptz
    AND admitted_at < %(month)s::timestamptz + %(days)s * interval '1 day'
    AND NOT EXISTS (SELECT FROM ledger_ledgerentry AS booked WHERE booked.call_id = ledger_call.id)
"""
_RAW = """
SELECT period, team_id, deployment_id, sum(calls), sum(amount) FROM ledger_ledgerentry
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
_ROLLED = """
SELECT period, team_id, deployment_id, sum(calls), sum(cost) FROM chargeback_dailyusage
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


def measure(here: Any, server: str) -> dict[str, Any]:
    """Load, ask, print; milliseconds by page at one percent of the calls and at all of them."""
    from tests.load.beginning import leave_the_pool
    from tests.load.lists import _client

    leave_the_pool()
    client = _client(here)
    months = _months(here.now.date())
    _prepare(here)
    pages = [page.format(month=f"{months[-2]:%Y-%m}") for page in PAGES]
    few = CALLS // 100
    loading = time.perf_counter()
    _load(months, 0, few)
    before = {page: _asked(client, page) for page in pages}
    _load(months, few, CALLS - few)
    loading = time.perf_counter() - loading
    after = {page: _asked(client, page) for page in pages}
    print(f"{CALLS:,} calls over {MONTHS} months loaded and booked in {loading:.0f} s")
    print(f"{'milliseconds':62}{'1 %':>9}{'all':>9}{'ratio':>7}{'queries':>10}")
    for page in pages:
        (small, fewer), (large, more) = before[page], after[page]
        print(f"{page:62}{small:9.1f}{large:9.1f}{large / small:7.2f}{f'{fewer} → {more}':>10}")
    return {
        "calls": CALLS,
        "load_seconds": round(loading, 1),
        "pages": {page: {"few": before[page], "many": after[page]} for page in pages},
        **_books(),
    }


def _months(today: date) -> list[date]:
    from telemetry.chargeback.rules import month_of, previous_month

    months = [previous_month(month_of(today))]
    for _ in range(MONTHS - 1):
        months.insert(0, previous_month(months[0]))
    return months


def _prepare(here: Any) -> None:
    """Teams, use cases, priced models, and the token counts."""
    from django.db import connection

    from tests.factories.ledger import make_deployment
    from tests.load import filling

    filling.TEAMS = TEAMS
    teams = filling._teams(here)
    filling._use_cases(here, teams, USE_CASES)
    for _ in range(MODELS):
        make_deployment()
    with connection.cursor() as cursor:
        cursor.execute(_TOKENS)
        cursor.executemany("INSERT INTO bench_tokens VALUES (%s, %s, %s)", _tokens())


def _tokens() -> list[tuple[int, int, int]]:
    from telemetry.ledger.trace import parse

    named = os.environ.get("PLACET_BENCH_TRACE")
    if named:
        rows = parse(Path(named).read_text().splitlines())
        return [(n, row.tokens_input, row.tokens_output) for n, row in enumerate(rows)]
    return [(n, 200 + (n * 7919) % 6000, 1 + (n * 104729) % 400) for n in range(8191)]


def _load(months: list[date], first: int, count: int) -> None:
    """Spread evenly over the months and each month's days; sealed, so that they are counted."""
    from django.db import connection
    from django.utils import timezone

    from telemetry.chargeback.rules import next_month
    from telemetry.ledger.models import LedgerSeal
    from telemetry.ledger.tallies import tally_seal

    seal = LedgerSeal.objects.create(
        sealed_at=timezone.now(), count=count, cost=0, currency="USD", root="0" * 64
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM bench_tokens")
        tokens = cursor.fetchone()[0]
        for number, month in enumerate(months):
            part = count // len(months)
            asked = {
                "month": f"{month.isoformat()} 00:00:00+00",
                "days": (next_month(month) - month).days,
                "first": first + number * part,
                "count": part,
                "tokens": tokens,
                "cases": USE_CASES,
                "models": MODELS,
                "seal": seal.pk,
                "sealed_from": first,
            }
            cursor.execute(_CALLS.replace("{{}}", "{}"), asked)
            cursor.execute(_ENTRIES, asked)
        tally_seal(seal.pk)
        cursor.execute("VACUUM ANALYZE ledger_call")
        cursor.execute("VACUUM ANALYZE ledger_ledgerentry")
        cursor.execute("ANALYZE")


def _asked(client: Any, page: str) -> tuple[float, int]:
    """Median milliseconds of a page after a first one, and its queries."""
    from django.db import connection

    from tests.load.lists import Waited

    taken, queries = [], 0
    for number in range(ROUNDS + 1):
        waited = Waited()
        with connection.execute_wrapper(waited):
            started = time.perf_counter()
            response = client.get(page)
            spent = (time.perf_counter() - started) * 1000
        if response.status_code != 200:
            raise SystemExit(f"{page} answered {response.status_code}")
        if number:
            taken.append(spent)
        queries = waited.queries
    return round(statistics.median(taken), 1), queries


def _books() -> dict[str, Any]:
    """A year by month, team and model from raw lines and from the rollup; figures; the check."""
    from django.db import connection
    from django.utils import timezone

    from telemetry.chargeback import verification
    from telemetry.chargeback.rules import month_of, previous_month
    from telemetry.savings.services import compute

    def timed(act: Any) -> tuple[float, Any]:
        started = time.perf_counter()
        found = act()
        return round((time.perf_counter() - started) * 1000, 1), found

    def rows(sql: str) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    raw, booked = timed(lambda: rows(_RAW))
    rolled, summed = timed(lambda: rows(_ROLLED))
    if booked != summed:
        raise SystemExit("The rollup differs from the ledger.")
    last = previous_month(month_of(timezone.now().date()))
    computed, _ = timed(lambda: compute(month=last, now=timezone.now()))
    checked, differing = timed(
        lambda: [
            what
            for check in (verification.daily_usage, verification.day_outcomes)
            for what in check()
        ]
    )
    if differing:
        raise SystemExit(f"The books differ: {differing[:3]}")
    print(f"a year by month, team and model: raw lines {raw} ms, rollup {rolled} ms, equal")
    print(f"savings of a month computed in {computed} ms; rollups proven equal in {checked} ms")
    return {"raw_ms": raw, "rollup_ms": rolled, "savings_ms": computed, "check_ms": checked}
