"""A budget's burn-down, its forecast, and the one alert when even the low end passes the limit."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.approvals.registries import change_subjects
from telemetry.alerts.models import Alert
from telemetry.chargeback.burning_down import burn_down, watch_budgets
from telemetry.chargeback.models import Budget, DailyUsage
from telemetry.chargeback.tasks import watch
from telemetry.chargeback.trend import LEAST_DAYS
from tests.factories.chargeback import make_budget
from tests.factories.ledger import NOW, make_deployment, make_person, make_use_case

pytestmark = pytest.mark.django_db
TODAY = NOW.date()


def spent(budget: Budget, days: int, cost: str = "1", source: str = "live") -> None:
    """So much on each whole day until yesterday; what is of its period is captured."""
    deployment, use_case = make_deployment(), make_use_case(budget.team)
    for number in range(1, days + 1):
        day = TODAY - timedelta(days=number)
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
    # Seventeen days were 1 each, and so are today and the twelve after it.
    assert found.expected == found.low == found.high == 30
    assert not found.passes and found.known_days == 30


def test_too_little_data_says_so() -> None:
    spent_days = LEAST_DAYS - 1
    budget = budget_of()
    spent(budget, spent_days)
    found = burn_down(budget, TODAY)
    assert (found.expected, found.known_days, found.passes) == (None, spent_days, False)
    assert burn_down(budget, TODAY + timedelta(days=60)).expected is None


def test_one_alert_when_even_the_low_end_passes_the_limit() -> None:
    lasts, ends = budget_of("31"), budget_of("29")
    spent(lasts, 30)
    spent(ends, 30)
    assert [watch_budgets(now=NOW), watch_budgets(now=NOW)] == [1, 0]
    alert = Alert.objects.get()
    assert alert.cause == f"budget-forecast:{ends.pk}" and alert.team == ends.team
    assert "of 29.00" in alert.title
    Alert.objects.update(state="resolved")
    assert watch_budgets(now=NOW) == 0


def test_the_beat_runs_it() -> None:
    assert watch() == 0


def test_the_request_to_raise_it_shows_where_it_goes() -> None:
    budget = budget_of("40")
    spent(budget, 5)
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
    found = burn_down(budget, TODAY)
    assert found.low is not None and found.expected is not None and found.high is not None
    assert budget.captured <= found.low <= found.expected <= found.high
