"""A budget's burn-down, its forecast, and the one alert when even the low end passes the limit."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.access.models import User
from governance.approvals.registries import change_subjects
from telemetry.alerts.models import Alert
from telemetry.chargeback.burning_down import burn_down, watch_budgets
from telemetry.chargeback.forecast import LEAST_DAYS, TREND_DAYS, Method
from telemetry.chargeback.forecast_models import Forecast
from telemetry.chargeback.forecasting import are_due, kept_of_month, work_out
from telemetry.chargeback.models import Budget, DailyUsage
from telemetry.chargeback.tasks import work_out_forecasts
from tests.factories.chargeback import make_budget
from tests.factories.ledger import NOW, make_deployment, make_person, make_use_case

pytestmark = pytest.mark.django_db
TODAY = NOW.date()


def spent(
    budget: Budget, days: int, cost: str = "1", source: str = "live", today: date = TODAY
) -> None:
    """So much on each whole day until yesterday; what is of its period is captured."""
    deployment, use_case = make_deployment(), make_use_case(budget.team)
    for number in range(1, days + 1):
        day = today - timedelta(days=number)
        DailyUsage.objects.create(
            team=use_case.team,
            use_case=use_case,
            deployment=deployment,
            period=day.replace(day=1),
            day=day,
            source=source,
            currency="USD",
            calls=1,
            tokens_input=1,
            tokens_cached=0,
            tokens_output=1,
            cost=Decimal(cost),
        )
        if source == "live" and day >= budget.starts_on:
            budget.captured += Decimal(cost)
    budget.save(update_fields=["captured"])


def budget_of(limit: str = "100") -> Budget:
    return make_budget(make_use_case().team, limit)


def test_what_is_left_goes_down_by_what_each_day_cost() -> None:
    budget = budget_of()
    spent(budget, 30)
    spent(budget, 30, "50", source="replayed")
    found = burn_down(budget, TODAY)
    assert [one.left for one in found.days[:3]] == [99, 98, 97]
    assert (found.days[-1].day, found.days[-1].cost) == (TODAY, 0)
    assert not found.passes and found.known_days == 30
    # Seventeen days were 1 each, and so are today and the twelve after it.
    assert found.outlook is not None
    assert (found.outlook.expected, found.outlook.low, found.outlook.high) == (30, 30, 30)
    # Nobody waits for a worker: until it has fitted a trend the page says so and takes a rate.
    assert (found.outlook.method, found.outlook.as_of) == (Method.RUN_RATE, None)
    work_out(now=NOW)
    kept = burn_down(budget, TODAY).outlook
    assert kept is not None
    assert (kept.method, kept.as_of, kept.days) == (Method.TREND, NOW, 30)
    assert (kept.expected, kept.low, kept.high) == (30, 30, 30)


def test_a_kept_forecast_is_never_below_what_was_spent_since() -> None:
    budget = budget_of("1000")
    spent(budget, 30)
    work_out(now=NOW)
    budget.captured += 500
    budget.save(update_fields=["captured"])
    found = burn_down(budget, TODAY).outlook
    assert found is not None and found.low == found.high == 517


def test_three_weeks_are_a_trend_and_less_is_a_run_rate() -> None:
    short, long = budget_of(), budget_of()
    spent(short, TREND_DAYS - 1)
    spent(long, TREND_DAYS)
    work_out(now=NOW)
    methods = [budget.forecasts.get().method for budget in (short, long)]
    assert methods == [Method.RUN_RATE, Method.TREND]


def test_working_them_out_again_writes_over_and_takes_old_ones_away() -> None:
    budget = budget_of()
    spent(budget, 30)
    assert work_out(now=NOW) == work_out(now=NOW) == Forecast.objects.count()
    later = NOW + timedelta(days=31)
    work_out(now=later)
    assert not budget.forecasts.exists()
    assert set(Forecast.objects.values_list("as_of", flat=True)) <= {later}


def test_working_them_out_takes_as_many_queries_for_many_as_for_one() -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            work_out(now=NOW)
        return len(counted)

    spent(budget_of(), 30)
    before = queries()
    for _ in range(3):
        spent(budget_of(), 30)
    assert queries() == before


def test_too_little_data_says_so() -> None:
    spent_days = LEAST_DAYS - 1
    budget = budget_of()
    spent(budget, spent_days)
    assert work_out(now=NOW) == 0
    found = burn_down(budget, TODAY)
    assert (found.outlook, found.known_days, found.passes) == (None, spent_days, False)
    assert burn_down(budget, TODAY + timedelta(days=60)).outlook is None


def test_what_was_booked_once_is_not_learnt_from() -> None:
    budget = budget_of()
    spent(budget, 30)
    work_out(now=NOW)
    before = Forecast.objects.get(budget=budget)
    DailyUsage.objects.create(
        team=budget.team,
        period=TODAY.replace(day=1),
        day=TODAY - timedelta(days=3),
        source="live",
        currency="USD",
        calls=0,
        tokens_input=0,
        tokens_cached=0,
        tokens_output=0,
        cost=Decimal(120),
    )
    work_out(now=NOW)
    after = Forecast.objects.get(budget=budget)
    assert (after.expected, after.high) == (before.expected, before.high)
    month = Forecast.objects.get(budget=None, team=budget.team, use_case=None)
    parts = Forecast.objects.get(budget=None, team=budget.team, use_case__isnull=False)
    assert month.expected == parts.expected + 120


def test_one_alert_when_even_the_low_end_passes_the_limit() -> None:
    lasts, ends = budget_of("31"), budget_of("29")
    spent(lasts, 30)
    spent(ends, 30)
    assert watch_budgets(now=NOW) == 0
    work_out(now=NOW)
    assert [watch_budgets(now=NOW), watch_budgets(now=NOW)] == [1, 0]
    alert = Alert.objects.get()
    assert alert.cause == f"budget-forecast:{ends.pk}" and alert.team == ends.team
    assert "of 29.00" in alert.title
    Alert.objects.update(state="resolved")
    assert watch_budgets(now=NOW) == 0


def test_the_beat_works_them_out_when_they_are_due() -> None:
    now = timezone.now()
    budget = make_budget(make_use_case().team, "1", starts_on=now.date().replace(day=1), hard=False)
    spent(budget, 30, today=now.date())
    assert are_due(now)
    assert work_out_forecasts() == Alert.objects.count() == 1
    then = timezone.now()
    assert not are_due(then)
    assert are_due(then + timedelta(hours=6)) and are_due(then + timedelta(days=1))
    assert work_out_forecasts() == 0


def test_a_month_has_a_forecast_of_each_of_its_parts() -> None:
    """What is booked to it counts whatever its source; who sees one team sees that team's."""
    budgets = budget_of(), budget_of()
    for budget in budgets:
        spent(budget, 30)
        spent(budget, 30, "2", source="replayed")
    work_out(now=NOW)
    finance, member = make_person("finance"), make_person("owner", team=budgets[0].team)
    use_case = DailyUsage.objects.filter(team=budgets[0].team).first().use_case.slug

    def shown(person: User, team: str = "", use_case: str = "") -> Decimal | None:
        found = kept_of_month(
            person, TODAY.replace(day=1), team=team, use_case=use_case, booked=Decimal(0)
        )
        return found.expected if found else None

    other = budgets[1].team.slug
    assert shown(finance) == 180
    assert shown(finance, other) == 90
    assert shown(member) == shown(member, budgets[0].team.slug) == 90
    assert shown(member, other) is None
    assert shown(finance, use_case=use_case) == 30


def test_the_request_to_raise_it_shows_where_it_goes() -> None:
    budget = budget_of("40")
    shown = change_subjects["budget"].evidence(budget, {"limit": "50.00"})
    found = {one.label: one for one in shown}["Expected by its end"]
    assert found.value is None and "Too little data" in found.note
    assert found.url.endswith("#burn-down")


def test_the_page_needs_as_many_queries_for_many_days_as_for_none() -> None:
    budget, client = budget_of(), Client()
    client.force_login(make_person("finance"))

    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            assert client.get(f"/chargeback/budgets/{budget.pk}/").status_code == 200
        return len(counted)

    queries()
    before = queries()
    spent(budget, 30)
    assert queries() == before


@settings(max_examples=5, deadline=None)
@given(st.integers(1, 10**6))
def test_a_forecast_is_never_below_what_is_spent(units: int) -> None:
    budget = budget_of("999999")
    spent(budget, 25, str(Decimal(units).scaleb(-4)))
    assert work_out(now=NOW)
    found = burn_down(budget, TODAY).outlook
    assert found is not None
    assert budget.captured <= found.low <= found.expected <= found.high
