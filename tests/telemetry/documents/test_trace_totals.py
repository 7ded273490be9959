"""The real trace: sums by SQL over the raw file equal the statement and its files, to the digit."""

from __future__ import annotations

import csv
import gzip
import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from governance.kernel.authority import Actor
from telemetry.chargeback import statements
from telemetry.chargeback.verification import verify
from telemetry.documents.focus import entries_of, focus_csv
from telemetry.documents.statement_document import read_document
from tests.factories.ledger import NOW, make_deployment, make_person, make_use_case

TRACE = Path(__file__).parents[3] / "telemetry/ledger/data/azure_llm_trace_2023_code.csv.gz"
# Prices of the test's deployment per million tokens; the raw file has none.
SUMS = """
    SELECT count(*), sum(context), sum(generated),
           sum((context * 2.50 + generated * 10.00) / 1000000), min(at)::date, max(at)::date
    FROM raw_trace
"""


def sums_of_the_raw_file() -> tuple[int, int, int, Decimal, date, date]:
    """By PostgreSQL alone, over the lines as they stand in the file."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE raw_trace (at timestamp, context bigint, generated bigint) "
            "ON COMMIT DROP"
        )
        with cursor.copy("COPY raw_trace FROM STDIN (FORMAT csv, HEADER)") as copy:
            copy.write(gzip.decompress(TRACE.read_bytes()))
        cursor.execute(SUMS)
        found: tuple[int, int, int, Decimal, date, date] = cursor.fetchone()
        return found


@pytest.mark.django_db
def test_the_statement_of_the_real_trace_is_the_raw_file_summed() -> None:
    calls, context, generated, cost, first, last = sums_of_the_raw_file()
    assert (calls, first, last) == (8819, date(2023, 11, 16), date(2023, 11, 16))
    use_case, deployment = make_use_case(), make_deployment("2.50", "10.00")
    place = ("--use-case", use_case.slug, "--deployment", deployment.slug)
    call_command("replay_trace", str(TRACE), *place, stdout=io.StringIO())
    month, finance = date(2023, 11, 1), Actor.person(make_person("finance"))
    begun = statements.begin_closing(actor=finance, team=use_case.team, period=month, now=NOW)
    closed = statements.close_statement(actor=finance, statement_id=begun.pk, now=NOW)
    (line,) = closed.lines
    assert (closed.total, closed.entry_count) == (cost, calls)
    assert (line["calls"], line["tokens_input"], line["tokens_output"]) == (
        calls,
        context,
        generated,
    )
    assert read_document(use_case.team, month).total == cost
    rows = list(csv.DictReader(io.StringIO("".join(focus_csv(entries_of(None, month))))))
    assert sum(Decimal(row["BilledCost"]) for row in rows) == cost
    assert sum(int(Decimal(row["PricingQuantity"])) for row in rows) == context + generated
    assert verify() == []
