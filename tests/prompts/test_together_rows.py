"""What goes together writes what the long way writes, in every column, under the same budgets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from governance.access.models import ApiKey
from governance.model_cards.models import Deployment, ExchangeRate
from governance.registry.models import UseCase
from prompts.gateway import pipeline, together_sql
from prompts.gateway.context import CallContext, GovernedRequest, Trial
from prompts.gateway.gate import MARGIN_SECONDS
from prompts.gateway.models import Bucket, Circuit, UseCaseLimit
from prompts.gateway.reply import GovernedReply
from prompts.gateway.stages.admit_together import admit_together
from telemetry.alerts.models import Alert
from telemetry.chargeback import together_sql as chargeback_sql
from telemetry.chargeback.models import Budget, Hold
from telemetry.chargeback.rules import period_start, period_starts
from telemetry.chargeback.verification import verify
from telemetry.ledger import together_sql as ledger_sql
from telemetry.ledger.digests import call_digest
from telemetry.ledger.models import Call, Payload
from tests.factories.chargeback import limit_to, make_budget
from tests.factories.clients import with_clerk
from tests.factories.organisation import Provider, World, provider
from tests.prompts.test_images import message, url
from tests.prompts.test_priced_calls import THOUGHT, set_prices
from tests.prompts.test_together import statements

pytestmark = pytest.mark.django_db
# No time for a bucket to fill again while two calls are compared.
NEVER = datetime.fromisoformat("2199-01-01T00:00:00+00:00")
SMALLEST = Decimal("0.000000001")
LEVELS = ("use case", "team", "organisation")
EVERY = [(level, period) for level in LEVELS for period in ("month", "quarter", "year")]
# The demonstration's budget of the use case warns, and stops nothing.
HARD = [one for one in EVERY if one != ("use case", "month")]


@pytest.fixture(autouse=True)
def is_on(settings: Any) -> None:
    settings.PLACET_TOGETHER = True


@pytest.fixture
def here() -> World:
    made = with_clerk({"type": "text"})
    ApiKey.objects.update(requests_per_minute=10_000, tokens_per_minute=9_000_000)
    UseCaseLimit.objects.create(
        use_case=made.use_case, requests_per_minute=9_000, tokens_per_minute=8_000_000
    )
    Deployment.objects.update(
        takes_images=True, requests_per_minute=8_000, tokens_per_minute=7_000_000
    )
    Circuit.objects.bulk_create([Circuit(deployment=one) for one in Deployment.objects.all()])
    return made


@pytest.fixture
def local(here: World) -> Deployment:
    found = Deployment.objects.get(hosting="embedded")
    set_prices(found, input="2", output="8")
    for budget in Budget.objects.all():
        limit_to(budget, "50")
    return found


@pytest.fixture
def model(settings: Any) -> Iterator[Provider]:
    with provider(THOUGHT) as scripted:
        settings.PLACET_MODEL_URL = scripted.url
        yield scripted


def request(here: World, sent: Any = None, **more: Any) -> GovernedRequest:
    facts = {"messages": [sent or {"role": "user", "content": "What is this?"}]} | more
    return GovernedRequest("licence-review/clerk", presented_key=here.key, **facts)


def call(here: World, **more: Any) -> GovernedReply:
    return pipeline.run(request(here, **more))


def went_together(work: Callable[[], Any]) -> bool:
    seen = [one.split("(")[0] for one in statements(work)]
    return "SELECT gateway_admit" in seen and "SELECT gateway_settle" in seen


def stored(table: str, condition: str = "true", *values: Any) -> list[dict[str, Any]]:
    """Every column of those rows, as the database has it."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT to_jsonb(one)::text FROM {table} one WHERE {condition} ORDER BY 1",  # noqa: S608  # names of ours
            values,
        )
        return [json.loads(row, parse_float=Decimal) for (row,) in cursor.fetchall()]


def shared() -> dict[str, list[dict[str, Any]]]:
    """Rows that calls have in common; those of a circuit's two windows as one sum."""
    found = {
        name: stored(name)
        for name in (
            "chargeback_budget",
            "chargeback_dailyusage",
            "gateway_bucket",
            "gateway_circuit",
            "gateway_circuitmove",
            "chargeback_statement",
            "alerts_alert",
        )
    }
    for row in found["gateway_circuit"]:
        del row["window_number"]
        for name in ("calls", "failures"):
            row[name] += row.pop(f"{name}_before")
    return found


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """By how much each number went, and what everything else is."""
    assert {name: len(rows) for name, rows in before.items()} == {
        name: len(rows) for name, rows in after.items()
    }
    # Ordered by their text: by key here, because the numbers of a row change.
    key = lambda row: row.get("id") or row["deployment_id"]  # noqa: E731
    return {
        name: [
            {
                column: Decimal(new[column]) - Decimal(old[column])
                if isinstance(new[column], int | Decimal) and not isinstance(new[column], bool)
                else new[column]
                for column in new
            }
            for old, new in zip(
                sorted(before[name], key=key), sorted(after[name], key=key), strict=True
            )
        ]
        for name in before
    }


def at(row: dict[str, Any], column: str) -> datetime | None:
    value = row.pop(column)
    return datetime.fromisoformat(value) if value else None


def untimed(found: Any) -> Any:
    """A trail without its milliseconds, and without the tokens that a month had until then."""
    if isinstance(found, dict):
        timed = ("started_ms", "took_ms", "volumes")
        return {name: untimed(value) for name, value in found.items() if name not in timed}
    if isinstance(found, list):
        return [untimed(one) for one in found]
    return re.sub(r"\d+ ms", "ms", found) if isinstance(found, str) else found


def own(call_id: Any) -> dict[str, Any]:
    """The call's rows, every column of them: times and bodies by what has to be true of them."""
    call = Call.objects.get(pk=call_id)
    (row,) = stored("ledger_call", "id = %s", call_id)
    admitted, finished, lease = (
        at(row, name) for name in ("admitted_at", "finished_at", "lease_until")
    )
    assert admitted is not None
    row["started_after"] = at(row, "started_at") - admitted  # type: ignore[operator]
    row["lease"] = lease and lease - admitted
    row["is_timed"] = row.pop("latency_ms") is not None
    row["trail"] = untimed(row.pop("stage_trail"))
    digest = row.pop("digest")
    assert digest == (call_digest(call, list(call.entries.all())) if finished else "")
    payloads = stored("ledger_payload", "call_id = %s", call_id)
    payload = Payload.objects.get(pk=call_id)
    for one in payloads:
        for column in ("request", "response", "decided"):
            assert (one.pop(f"{column}_sealed") is None) == (payload.open(column) is None)
            one[column] = payload.open(column)
        one["kept"] = at(one, "keep_until") - (finished or admitted)  # type: ignore[operator]
    entries = stored("ledger_ledgerentry", "call_id = %s", call_id)
    for one in entries:
        assert at(one, "created_at") == finished
    held = stored("chargeback_hold", "call_id = %s", call_id)
    held.sort(key=lambda one: one["budget_id"])
    for one in held:
        assert at(one, "held_at") == admitted
        assert at(one, "ended_at") == finished
        one["lasts"] = at(one, "expires_at") - admitted  # type: ignore[operator]
    flights = stored("gateway_flight", "call_id = %s", call_id)
    for one in flights:
        late = at(one, "until") - admitted  # type: ignore[operator]
        seconds = Deployment.objects.get(pk=one["deployment_id"]).budget_seconds + MARGIN_SECONDS
        assert timedelta(0) <= late - timedelta(seconds=seconds) < timedelta(seconds=30)
    for one in [*payloads, *entries, *held, *flights]:
        one.pop("id", None)
        assert one.pop("call_id") == str(call_id)
    del row["id"]
    return {"call": row, "payload": payloads, "entries": entries, "holds": held, "flights": flights}


def walked(asked: GovernedRequest) -> tuple[dict[str, Any], dict[str, Any], CallContext]:
    """All that one call writes until it is let in, and until it is settled."""
    ends = {row["id"] for row in stored("gateway_attemptend")}
    before = shared()
    context = pipeline.begin(asked)
    assert pipeline.enter(context) is None
    admitted = own(context.call_id) | {"shared": changed(before, shared())}
    pipeline.answer(context)
    assert pipeline.conclude(context).state == "delivered"
    settled = own(context.call_id) | {"shared": changed(before, shared())}
    new = [row for row in stored("gateway_attemptend") if row["id"] not in ends]
    settled["ends"] = [(row["deployment_id"], row["failure"], len(row)) for row in new]
    return admitted, settled, context


def check_both_ways(here: World, sent: Any = None) -> Call:
    """One call each way, compared; the one that went together."""
    call(here, sent=sent)  # makes the rows that calls have in common
    Bucket.objects.update(refilled_at=NEVER)
    asked = request(here, sent)
    ways = []
    for way in (asked, request(here, sent, most_cost=Decimal(1000))):
        ways.append(walked(way))
    (admitted, settled, one), (admitted_alone, settled_alone, other) = ways
    assert (one.was_let_in_together, other.was_let_in_together) == (True, False)
    # The stage that lets it in is not over when its row is made, so the row does not tell of it.
    assert admitted_alone["call"]["trail"].pop()["stage"] == "limits"
    for name in admitted:
        assert admitted[name] == admitted_alone[name], name
    for name in settled:
        assert settled[name] == settled_alone[name], name
    assert len(settled["entries"]) == len(settled["ends"]) == 1 and settled["holds"]
    assert not settled["flights"] and len(admitted["flights"]) == 1
    assert {row["calls"] for row in settled["shared"]["chargeback_dailyusage"]} == {1}
    assert verify() == []
    return Call.objects.get(pk=one.call_id)


def test_every_column_of_every_table_is_as_the_long_way_writes_it(
    here: World, local: Deployment, model: Provider
) -> None:
    settled = check_both_ways(here)
    assert settled.cost == Decimal("0.006")


def test_kinds_tiers_discounts_and_another_currency_are_booked_alike(
    here: World, local: Deployment, model: Provider
) -> None:
    set_prices(
        local,
        "EUR",
        input="2",
        cached_input="0.5",
        output="8",
        output_from_1="4",
        reasoning="10",
        image="0.01",
        per_call="0.001",
        discount="10",
    )
    rate = ExchangeRate.objects.create(
        currency="EUR",
        to_currency="USD",
        day=here.now.date(),
        rate=Decimal("1.170000003"),
        source="ECB",
        entered_by=here.people.users["finance"],
        entered_at=here.now,
    )
    settled = check_both_ways(here, message(url()))
    entry = settled.entries.get()
    assert (entry.priced_currency, entry.rate, entry.currency) == ("EUR", rate, "USD")
    assert (settled.tokens_reasoning, settled.images, settled.tokens_cached) == (300, 1, 400)
    assert settled.price_snapshot["output"] == "4.000000000"


def with_every_budget(here: World) -> dict[tuple[str, str], Budget]:
    """One for each level and period; the demonstration has some of them."""
    use_case = UseCase.objects.get(pk=here.use_case.pk)
    made = {}
    for level, period in EVERY:
        place: dict[str, Any] = {
            "team": None if level == "organisation" else use_case.team,
            "use_case": use_case if level == "use case" else None,
            "period": period,
            "starts_on": period_start(period, here.now.date()),
        }
        found = Budget.objects.filter(**place).first()
        made[level, period] = found or make_budget(limit="50", **place)
    return made


def test_it_is_held_and_captured_on_every_budget_above_it(
    here: World, local: Deployment, model: Provider
) -> None:
    made = with_every_budget(here)
    settled = check_both_ways(here)
    assert {one.budget_id for one in Hold.objects.filter(call=settled)} == {
        one.pk for one in made.values()
    }


@pytest.mark.parametrize("tight", HARD, ids=" ".join)
def test_each_of_them_stops_what_does_not_fit_to_the_last_coin(
    here: World, local: Deployment, model: Provider, tight: tuple[str, str]
) -> None:
    budget = with_every_budget(here)[tight]
    first = call(here).call
    assert first is not None
    most = Hold.objects.filter(call=first).latest("pk").amount
    budget.refresh_from_db()
    limit_to(budget, str(first.cost + most - SMALLEST))
    refused = call(here)
    assert refused.refusal is not None and refused.refusal.code == "budget_exceeded"
    assert not Budget.objects.exclude(reserved=0).exists()
    budget.refresh_from_db()
    limit_to(budget, str(first.cost + most))
    assert went_together(lambda: call(here))
    budget.refresh_from_db()
    assert (budget.captured, budget.reserved) == (2 * first.cost, 0)
    assert verify() == []


@pytest.mark.parametrize("period", ["month", "quarter", "year"])
def test_a_new_period_is_renewed_first_and_spends_what_was_carried_over(
    here: World, local: Deployment, model: Provider, period: str
) -> None:
    """Nothing but the old row says that a limit is missing; then that limit holds, with its rest."""
    start = period_starts(here.now.date())[period]
    before = period_start(period, start - timedelta(days=1))
    assert went_together(lambda: call(here)) and went_together(lambda: call(here))
    most = Hold.objects.latest("pk").amount
    old = make_budget(None, str(2 * most), starts_on=before, period=period, carry_percent=50)
    assert not went_together(lambda: call(here))
    new = Budget.objects.get(team=None, period=period, starts_on=start)
    old.refresh_from_db()
    assert old.renewed and new.rolled == most
    assert went_together(lambda: call(here))
    new.refresh_from_db()
    assert new.captured == 2 * Decimal("0.006")
    # Room for one more with what was carried over, and for none without it.
    Budget.objects.filter(pk=new.pk).update(captured=2 * most)
    assert went_together(lambda: call(here))
    Budget.objects.filter(pk=new.pk).update(captured=2 * most + SMALLEST)
    refused = call(here)
    assert refused.refusal is not None and refused.refusal.code == "budget_exceeded"


def test_a_threshold_that_it_crosses_is_told_once(
    here: World, local: Deployment, model: Provider
) -> None:
    budget = make_budget(
        None,
        "0.02",
        starts_on=period_start("year", here.now.date()),
        period="year",
        hard=False,
        soft_thresholds=[50],
    )
    alerts = Alert.objects.filter(cause=f"budget:{budget.pk}:50")
    for told in (0, 1, 1):
        assert went_together(lambda: call(here))
        assert alerts.count() == told
    budget.refresh_from_db()
    assert budget.alerted == [50]


@pytest.mark.parametrize(
    "more",
    [
        {"mode": "async"},
        {"most_cost": Decimal(1)},
        {"trial": Trial(1, 1, 0)},
    ],
)
def test_whatever_is_not_ordinary_goes_the_long_way(more: dict[str, Any]) -> None:
    context = CallContext(GovernedRequest("licence-review", **more))
    assert statements(lambda: admit_together(context)) == []
    assert admit_together(context) == ""


def test_without_the_setting_every_call_goes_the_long_way(
    here: World, local: Deployment, model: Provider, settings: Any
) -> None:
    settings.PLACET_TOGETHER = False
    assert not went_together(lambda: call(here))
    assert Call.objects.get().state == "delivered"


def test_the_database_has_the_functions_that_stand_here() -> None:
    """Budgets are judged by one text; a change of it needs a migration of the functions too."""
    written = chargeback_sql.TOGETHER + ledger_sql.TOGETHER + together_sql.TOGETHER
    texts = dict(re.findall(r"CREATE FUNCTION (\w+)\(.*?AS \$\$(.*?)\$\$;", written, re.S))
    assert len(texts) == 8
    with connection.cursor() as cursor:
        cursor.execute("SELECT proname, prosrc FROM pg_proc WHERE proname = ANY(%s)", [list(texts)])
        assert dict(cursor.fetchall()) == texts
