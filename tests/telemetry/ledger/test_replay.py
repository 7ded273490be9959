"""History from a file: once, all or nothing, exactly priced, sealed."""

from __future__ import annotations

import csv
import gzip
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum
from hypothesis import given
from hypothesis import strategies as st

from governance.audit.merkle import leaf_hash, verify_inclusion
from governance.audit.models import AuditEvent
from governance.kernel.errors import Invalid
from telemetry.chargeback.verification import verify
from telemetry.ledger import placement, seals
from telemetry.ledger.models import Call, LedgerEntry, LedgerSeal, ReplayBatch
from telemetry.ledger.trace import parse
from tests.factories.ledger import NOW, make_deployment, make_use_case

TRACE = Path(__file__).parents[3] / "telemetry/ledger/data/azure_llm_trace_2023_code.csv.gz"
HEAD = "TIMESTAMP,ContextTokens,GeneratedTokens"


def load(path: Path, *options: str) -> str:
    said = io.StringIO()
    slug, deployment = make_use_case().slug, make_deployment().slug
    call_command(
        "replay_trace",
        str(path),
        "--use-case",
        slug,
        "--deployment",
        deployment,
        *options,
        stdout=said,
    )
    return said.getvalue()


@pytest.mark.django_db
def test_the_real_trace_is_loaded_to_the_last_digit() -> None:
    load(TRACE, "--spread-days", "40", "--until", "2026-11-18")
    with gzip.open(TRACE, "rt") as trace:
        rows = list(csv.DictReader(trace))
    cost = sum(
        (
            Decimal(row["ContextTokens"]) * Decimal("2.50")
            + Decimal(row["GeneratedTokens"]) * Decimal(10)
        )
        / 1_000_000
        for row in rows
    )
    booked = LedgerEntry.objects.aggregate(cost=Sum("amount"), calls=Sum("calls"))
    assert (booked["calls"], booked["cost"]) == (len(rows), cost) == (8819, cost)
    assert Call.objects.filter(source="replayed", mode="replay").count() == 8819
    days = Call.objects.values_list("admitted_at__date", flat=True).distinct()
    # The trace has minutes without a call; their days stay empty.
    assert 30 <= len(set(days)) <= 40
    assert all(day.weekday() < 5 for day in days)
    assert AuditEvent.objects.filter(action="ledger.replayed").count() == 1
    assert seals.seal_settled(now=NOW) == 8819
    assert verify() == []


@pytest.mark.django_db
def test_a_file_is_loaded_once_for_a_use_case(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{HEAD}\n2023-11-16 18:17:03.9799600,4808,10\n")
    use_case, deployment = make_use_case(), make_deployment()
    options = ["--use-case", use_case.slug, "--deployment", deployment.name]
    call_command("replay_trace", str(path), *options, stdout=io.StringIO())
    said = io.StringIO()
    call_command("replay_trace", str(path), *options, stdout=said)
    assert "loaded on" in said.getvalue()
    assert (Call.objects.count(), ReplayBatch.objects.count()) == (1, 1)
    call = Call.objects.get()
    assert call.admitted_at == datetime(2023, 11, 16, 18, 17, 3, 979960, tzinfo=UTC)
    assert call.cost == Decimal("0.01212")


@pytest.mark.django_db
def test_a_bad_row_is_named_and_nothing_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    good = "2023-11-16 18:17:03.9799600,4808,10"
    path.write_text(
        "\n".join([HEAD, good, "yesterday,1,1", good, "2023-11-16 18:00:00,-1,1", "a,b"])
    )
    with pytest.raises(CommandError) as refused:
        load(path)
    message = str(refused.value)
    assert "3 bad rows" in message
    assert all(f"line {number}" in message for number in (3, 5, 6))
    assert not Call.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "options",
    [
        ("--spread-days", "3"),
        ("--spread-days", "0", "--until", "2026-11-18"),
        ("--shift-to-end", "2026-11-18", "--spread-days", "3", "--until", "2026-11-18"),
        ("--shift-to-end", "2999-01-01"),
        ("--shift-to-end", "2019-01-01"),
    ],
)
def test_what_cannot_be_placed_is_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{HEAD}\n2023-11-16 18:17:03.9799600,4808,10\n")
    with pytest.raises(CommandError):
        load(path, *options)
    assert not Call.objects.exists()


@pytest.mark.parametrize("text", ["", "a,b,c\n1,2,3", HEAD])
def test_a_file_of_another_kind_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse(io.StringIO(text))


moments = st.datetimes(datetime(2023, 1, 1), datetime(2024, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)


@given(st.lists(moments, min_size=1, max_size=40).map(sorted), st.integers(1, 90))
def test_spreading_keeps_the_order_and_stays_in_working_hours(
    recorded: list[datetime], days: int
) -> None:
    dates = placement.business_days(days, date(2026, 11, 18))
    placed = placement.spread_times(recorded, dates)
    assert placed == sorted(placed)
    assert placed == placement.spread_times(recorded, dates)
    assert all(9 <= one.hour < 18 and one.weekday() < 5 for one in placed)
    assert {one.date() for one in placed} <= set(dates)


def test_a_shift_moves_by_whole_days() -> None:
    rows = parse(io.StringIO(f"{HEAD}\n2023-11-16 18:17:03,1,1\n2023-11-16 19:17:03,1,1\n"))
    placed = placement.shift_to_end(date(2026, 11, 18)).times(rows)
    assert [one.date() for one in placed] == [date(2026, 11, 18)] * 2
    assert placed[1] - placed[0] == timedelta(hours=1)


@pytest.mark.django_db
def test_a_seal_proves_each_of_its_calls(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    lines = [f"2023-11-16 18:17:0{n},{n},{n}" for n in range(7)]
    path.write_text("\n".join([HEAD, *lines]))
    load(path)
    assert seals.seal_settled(now=NOW) == 7
    assert seals.seal_settled(now=NOW) == 0
    seal = LedgerSeal.objects.get()
    for call in Call.objects.select_related("seal"):
        proof = seals.seal_proof(call)
        assert verify_inclusion(
            leaf_hash(bytes.fromhex(call.digest)),
            proof["position"],
            proof["count"],
            [bytes.fromhex(one) for one in proof["path"]],
            bytes.fromhex(seal.root),
        )
