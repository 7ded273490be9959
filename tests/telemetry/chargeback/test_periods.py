"""Budgets by month, quarter and year, of a use case, a team and the organisation."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from governance.access.models import Team
from governance.approvals.policies import STARTING_POLICIES
from governance.approvals.services import install_starting_policies
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed
from governance.registry.models import UseCase
from telemetry.chargeback.holds import BudgetExceeded, end_holds, reserve
from telemetry.chargeback.models import Budget
from telemetry.chargeback.proposals import propose_budget
from telemetry.chargeback.renewal import renew_budgets
from telemetry.chargeback.rules import (
    BudgetPeriod,
    carried,
    period_end,
    period_start,
    period_words,
)
from tests.factories.chargeback import make_budget
from tests.factories.ledger import NOW, make_call, make_person, make_team, make_use_case
from tests.telemetry.chargeback.test_proposals import sign, signed_in

DAYS = st.dates(date(2000, 1, 1), date(2100, 12, 31))
MONEY = st.decimals(0, 10**6, places=9, allow_nan=False, allow_infinity=False)
QUARTER, YEAR = date(2026, 10, 1), date(2026, 1, 1)


@given(DAYS, st.sampled_from(list(BudgetPeriod)))
def test_each_day_is_in_exactly_one_period(day: date, period: str) -> None:
    first = period_start(period, day)
    after = period_end(period, first)
    assert first <= day < after
    assert period_start(period, after) == after
    assert period_start(period, after - timedelta(days=1)) == first


def test_a_period_reads_as_people_say_it() -> None:
    assert [period_words(one, QUARTER) for one in BudgetPeriod] == [
        "October 2026",
        "quarter 4 of 2026",
        "2026",
    ]


@given(MONEY, MONEY, st.integers(0, 100))
def test_what_goes_over_is_unused_and_within_its_share(
    limit: Decimal, unused: Decimal, percent: int
) -> None:
    over = carried(limit, unused, percent)
    assert 0 <= over <= unused and over * 100 <= limit * percent
    assert carried(limit, -unused, percent) == 0
    assert carried(limit, unused, 0) == 0


@pytest.fixture
def use_case(db: None) -> UseCase:
    return make_use_case(make_team())


def hold(use_case: UseCase, amount: str = "1", now: datetime = NOW) -> Any:
    call = make_call(use_case, now=now)
    reserve(call=call, attempt=1, amount=Decimal(amount), currency="USD", now=now)
    return call


def above(use_case: UseCase, limits: dict[tuple[str, str], str]) -> dict[tuple[str, str], Budget]:
    """A budget for each level and period, by those."""
    starts = {"month": date(2026, 11, 1), "quarter": QUARTER, "year": YEAR}
    made = {}
    for (level, period), limit in limits.items():
        made[level, period] = make_budget(
            None if level == "organisation" else use_case.team,
            limit,
            use_case if level == "use case" else None,
            starts[period],
            period=period,
        )
    return made


EVERY = [
    (level, period)
    for level in ("use case", "team", "organisation")
    for period in ("month", "quarter", "year")
]


@pytest.mark.django_db
def test_a_call_is_held_on_every_budget_above_it_in_one_statement(use_case: UseCase) -> None:
    made = above(use_case, dict.fromkeys(EVERY, "10"))
    other = make_budget(make_team(), "10")
    call = make_call(use_case)
    with CaptureQueriesContext(connection) as counted:
        reserve(call=call, attempt=1, amount=Decimal(3), currency="USD", now=NOW)
    assert len([one for one in counted if "chargeback_budget" in one["sql"]]) == 1
    assert set(Budget.objects.filter(reserved=3)) == set(made.values())
    end_holds(call=call, bills={1: Decimal(2)}, now=NOW)
    assert set(Budget.objects.filter(captured=2, reserved=0)) == set(made.values())
    other.refresh_from_db()
    assert (other.reserved, other.captured) == (0, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("tight", EVERY, ids=" ".join)
def test_each_of_them_stops_a_call_that_does_not_fit(
    use_case: UseCase, tight: tuple[str, str]
) -> None:
    made = above(use_case, dict.fromkeys(EVERY, "10") | {tight: "0.5"})
    with pytest.raises(BudgetExceeded, match=f"next {tight[1]}"):
        hold(use_case)
    assert not Budget.objects.exclude(reserved=0).exists()
    hold(use_case, "0.5")
    made[tight].refresh_from_db()
    assert made[tight].left == 0


@pytest.mark.django_db
@pytest.mark.parametrize("period", ["month", "quarter", "year"])
def test_a_new_period_renews_before_the_first_call_and_keeps_its_limit(
    use_case: UseCase, period: str
) -> None:
    """A team's year runs on, so nothing but the old row says that a limit is missing."""
    above(use_case, {("team", "year"): "100", ("use case", period): "5"})
    later = datetime(2027, 1, 5, tzinfo=UTC)
    hold(use_case, "4", later)
    with pytest.raises(BudgetExceeded):
        hold(use_case, "4", later)
    renewed = Budget.objects.get(use_case=use_case, period=period, starts_on=date(2027, 1, 1))
    assert (renewed.limit, renewed.reserved, renewed.rolled) == (5, 4, 0)
    assert Budget.objects.filter(use_case=use_case, period=period).count() == 2


@pytest.mark.django_db
def test_the_unused_goes_over_up_to_its_share_and_no_row_says_more(use_case: UseCase) -> None:
    old = make_budget(use_case.team, "10", starts_on=date(2026, 10, 1), carry_percent=25)
    Budget.objects.filter(pk=old.pk).update(captured=Decimal("8.5"))
    hold(use_case, "11")
    new = Budget.objects.get(starts_on=date(2026, 11, 1))
    assert (new.limit, new.rolled, new.whole, new.left) == (
        10,
        Decimal("1.5"),
        Decimal("11.5"),
        Decimal("0.5"),
    )
    with pytest.raises(BudgetExceeded):
        hold(use_case, "0.6")
    for facts in ({"rolled": Decimal(9)}, {"carry_percent": 90}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Budget.objects.filter(pk=new.pk).update(**facts)
    # December has what November leaves, at most 2.5.
    assert renew_budgets(team_id=use_case.team_id, day=date(2026, 12, 1), now=NOW) == 1
    assert Budget.objects.get(starts_on=date(2026, 12, 1)).rolled == Decimal("0.5")
    assert renew_budgets(team_id=use_case.team_id, day=date(2026, 12, 1), now=NOW) == 0


@pytest.mark.django_db
def test_a_budget_decided_for_later_does_not_stand_in_for_what_comes_before(
    use_case: UseCase,
) -> None:
    make_budget(use_case.team, "10")
    make_budget(use_case.team, "99", starts_on=date(2027, 1, 1))
    hold(use_case, "1", datetime(2026, 12, 5, tzinfo=UTC))
    assert Budget.objects.get(starts_on=date(2026, 12, 1)).limit == 10
    hold(use_case, "1", datetime(2027, 1, 5, tzinfo=UTC))
    assert Budget.objects.get(starts_on=date(2027, 1, 1)).limit == 99


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("period", "starts_on"),
    [("quarter", date(2026, 11, 1)), ("year", date(2026, 7, 1)), ("month", date(2026, 7, 2))],
)
def test_a_period_begins_where_the_calendar_has_it(
    use_case: UseCase, period: str, starts_on: date
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_budget(use_case.team, period=period, starts_on=starts_on)


@pytest.fixture
def team(db: None) -> Team:
    install_starting_policies(actor=Actor.system("test"), now=timezone.now())
    make_person("finance")
    make_person("board")
    assert STARTING_POLICIES
    return make_team()


def propose(actor: Any, team: Team | None, **facts: Any) -> Any:
    told = {"limit": Decimal(5), "starts_on": date(2026, 11, 20), "reason": "The plan."} | facts
    return propose_budget(actor=Actor.person(actor), team=team, now=NOW, **told)


@pytest.mark.django_db
def test_finance_proposes_the_organisations_year_and_it_stands_when_signed(team: Team) -> None:
    owner, finance = make_person("owner", team), make_person("finance")
    with pytest.raises(NotAllowed):
        propose(owner, None, period="year")
    change = propose(finance, None, period="year", carry_percent=10)
    assert "The organisation, 2026" in change.title
    sign(change)
    made = Budget.objects.get()
    assert (made.team, made.period, made.starts_on, made.carry_percent) == (
        None,
        "year",
        YEAR,
        10,
    )
    with pytest.raises(Invalid, match="already"):
        propose(finance, None, period="year")
    page = signed_in(finance).get(f"/chargeback/budgets/{made.pk}/").content.decode()
    assert "The organisation, 2026" in page and "up to 10 %" in page
    assert signed_in(owner).get(f"/chargeback/budgets/{made.pk}/").status_code == 404
    listed = signed_in(finance).get("/api/v1/budgets/").json()["results"]
    assert (listed[0]["team"], listed[0]["period"]) == (None, "year")


@pytest.mark.django_db
def test_a_quarter_by_page_and_api(team: Team) -> None:
    client = signed_in(make_person("owner", team))
    typed = {
        "team": team.pk,
        "period": "quarter",
        "starts_on": "2026-11",
        "limit": "7",
        "carry_percent": "20",
        "hard": "on",
        "renews": "on",
        "soft_thresholds": "80",
        "reason": "The plan.",
    }
    assert client.post("/chargeback/budgets/new/", typed).status_code == 302
    asked = {
        "team": team.slug,
        "period": "year",
        "starts_on": "2026-11-20",
        "limit": "50",
        "reason": "The plan.",
    }
    made = client.post("/api/v1/budgets/", asked, "application/json")
    assert made.status_code == 201
    with pytest.raises(Invalid):
        propose(make_person("finance"), team, period="decade")
    with pytest.raises(Invalid):
        propose(make_person("finance"), team, carry_percent=101)
