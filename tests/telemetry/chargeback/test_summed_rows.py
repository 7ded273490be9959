"""The page's rows, added up by the database, say what the rollup's own rows say."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from governance.access.models import User
from telemetry.chargeback import dashboard
from telemetry.chargeback.dashboard import DIMENSIONS, Row, View
from telemetry.chargeback.rules import previous_month
from tests.factories.chargeback import make_budget, make_paid_call
from tests.factories.ledger import make_deployment, make_person, make_team, make_use_case

pytestmark = pytest.mark.django_db
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
TODAY = date(2026, 11, 12)
DAYS = ((10, 3), (10, 12), (10, 13), (10, 30), (11, 1), (11, 11), (11, 12))


@pytest.fixture
def finance() -> User:
    models = [make_deployment() for _ in range(2)]
    for team in ("legal", "support"):
        use_case = make_use_case(make_team(team))
        for month in (OCTOBER, NOVEMBER):
            make_budget(use_case.team, starts_on=month)
        for number, (month, day) in enumerate(DAYS):
            at = datetime(2026, month, day, 9, tzinfo=UTC)
            make_paid_call(use_case, models[number % 2], amount=f"0.{number + 1}", now=at)
    return make_person("finance")


@pytest.mark.parametrize("by", DIMENSIONS)
def test_the_page_says_what_the_single_rows_say(finance: User, by: str) -> None:
    view = View(NOVEMBER, by=by)
    single = dashboard.usage_rows(finance, view, [previous_month(NOVEMBER), NOVEMBER])
    summed = dashboard.compared_rows(finance, view, TODAY)
    daily = dashboard.daily_rows(finance, view)
    assert len(summed) < len(single)
    assert dashboard.groups(summed, view) == dashboard.groups(single, view)
    tally = dashboard.tally(finance, view)
    told = dashboard.headline(summed, daily, view, tally, TODAY, finance)
    assert told == dashboard.headline(single, single, view, tally, TODAY, finance)
    assert told.before and told.forecast is not None
    assert dashboard.days(_of_month(daily), by) == dashboard.days(_of_month(single), by)


def _of_month(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.period == NOVEMBER]
