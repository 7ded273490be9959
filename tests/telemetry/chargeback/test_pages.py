"""Chargeback, statements and budgets as pages: numbers, drill-down, reach, query counts."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import User
from governance.approvals.models import ChangeRequest
from governance.approvals.services import install_starting_policies
from governance.kernel.authority import Actor
from telemetry.chargeback import dashboard
from telemetry.chargeback.hooks import budgets_near_limit, cost_panel, months_to_close
from telemetry.chargeback.models import Statement
from telemetry.chargeback.rules import month_of, previous_month
from tests.factories.chargeback import make_budget, make_paid_call
from tests.factories.ledger import make_person, make_team, make_use_case

pytestmark = pytest.mark.django_db
MOST_QUERIES = 10


@pytest.fixture
def this_month() -> date:
    return month_of(timezone.now().date())


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def spend(amount: str = "0.5", month: date | None = None, team: str = "") -> None:
    now = (
        timezone.now()
        if month is None
        else timezone.now().replace(year=month.year, month=month.month, day=5)
    )
    use_case = make_use_case(make_team(team) if team else None)
    make_budget(use_case.team, starts_on=month_of(now.date()))
    make_paid_call(use_case, amount=amount, now=now)


@pytest.mark.parametrize("path", ["", "statements/", "budgets/"])
def test_a_page_asks_the_same_number_of_queries_for_one_and_three(path: str) -> None:
    client = signed_in(make_person("finance"))
    spend()
    once = queries(client, f"/chargeback/{path}")
    for _ in range(2):
        spend()
    assert queries(client, f"/chargeback/{path}") == once <= MOST_QUERIES


@pytest.mark.parametrize("path", ["", "statements/", "budgets/"])
def test_an_empty_page_says_what_it_is_for(path: str) -> None:
    assert b'class="empty"' in signed_in(make_person("finance")).get(f"/chargeback/{path}").content


def test_from_the_organisation_to_the_calls_in_three_clicks() -> None:
    spend()
    client = signed_in(make_person("finance"))
    url = "/chargeback/"
    for _ in range(3):
        page = client.get(url)
        assert page.context["headline"].cost == Decimal("0.5")
        url = page.context["lines"][0][1]
    assert url.startswith("/calls/?month=")
    assert len(client.get(url).context["calls"]) == 1


def test_the_table_the_chart_and_the_headline_have_the_same_numbers(this_month: date) -> None:
    spend("0.5", team="legal")
    spend("0.25", team="support")
    spend("0.1", month=previous_month(this_month), team="sales")
    context = signed_in(make_person("finance")).get("/chargeback/").context
    series = [trace["y"] for trace in context["figure"]["data"]]
    charted = sum(Decimal(str(amount)) for one in series for amount in one)
    assert context["headline"].cost == Decimal("0.75")
    assert sum(group.cost for group in context["groups"]) == Decimal("0.75")
    assert sum(total for _, _, total in context["days"]) == Decimal("0.75")
    assert charted == Decimal("0.75")
    parts = context["headline"].explanation
    assert parts.volume + parts.price + parts.mix == parts.change


def test_a_team_sees_its_own_cost_only() -> None:
    spend(team="legal")
    spend(team="support")
    client = signed_in(make_person("owner", make_team("legal")))
    assert [group.key for group in client.get("/chargeback/").context["groups"]] == ["legal"]
    assert client.get("/chargeback/support/2026-01/").status_code == 404
    assert signed_in(make_person("reviewer")).get("/chargeback/").status_code == 403


def test_nonsense_in_the_address_narrows_nothing() -> None:
    client = signed_in(make_person("finance"))
    assert client.get("/chargeback/?month=x&by=x&team=x").status_code == 200
    assert client.get("/chargeback/legal/2026-13/").status_code == 404


def test_the_download_holds_the_same_sum_and_no_formula() -> None:
    use_case = make_use_case(title='=HYPERLINK("x")')
    make_budget(use_case.team, starts_on=month_of(timezone.now().date()))
    make_paid_call(use_case, now=timezone.now())
    response = signed_in(make_person("finance")).get("/chargeback/usage.csv")
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]  # streamed
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [Decimal(row["cost"]) for row in rows] == [Decimal("0.5")]
    assert rows[0]["use_case"].startswith("'=")


def test_finance_closes_a_month_by_typing_it(this_month: date) -> None:
    month = previous_month(this_month)
    spend("0.5", month=month, team="legal")
    finance = make_person("finance")
    client = signed_in(finance)
    url = f"/chargeback/legal/{month:%Y-%m}/"
    assert [item.url for item in months_to_close(finance, timezone.now())] == [url]
    assert client.get(url).status_code == 200
    assert client.post(f"{url}move/", {"action": "begin_closing"}).status_code == 302
    assert client.post(f"{url}move/", {"action": "close", "confirm": "no"}).status_code == 400
    closing = {"action": "close", "confirm": f"{month:%Y-%m}"}
    assert client.post(f"{url}move/", closing).status_code == 302
    statement = Statement.objects.get()
    assert (statement.state, statement.total) == ("closed", Decimal("0.5"))
    shown = client.get(url).content.decode()
    assert statement.sha256 in shown
    assert months_to_close(finance, timezone.now()) == []
    text = b"".join(client.get(f"{url}statement.csv").streaming_content).decode()  # type: ignore[attr-defined]  # streamed
    assert "Total,,,,1,1,100,10,0.500000000" in text
    assert client.post(f"{url}move/", {"action": "nonsense"}).status_code == 404


def test_an_owner_proposes_a_limit_and_it_waits_for_its_sign_off() -> None:
    install_starting_policies(actor=Actor.system("test"), now=timezone.now())
    make_person("finance")
    make_person("board")
    budget = make_budget(make_team("legal"), "10")
    client = signed_in(make_person("owner", budget.team))
    url = f"/chargeback/budgets/{budget.pk}/"
    assert client.get(url).status_code == 200
    assert client.post(url, {"limit": "10.00", "reason": "same"}).status_code == 422
    assert (
        client.post(url, {"limit": "12.00", "reason": "A third more reviews."}).status_code == 302
    )
    change = ChangeRequest.objects.get(kind="budget")
    assert (change.kind, change.tier, change.proposal) == ("budget", "minimal", {"limit": "12.00"})
    budget.refresh_from_db()
    assert budget.limit == 10
    stranger = signed_in(make_person("owner", make_team("support")))
    assert stranger.get(url).status_code == 404


def test_a_budget_near_its_limit_is_in_the_inbox_of_finance_and_owner(this_month: date) -> None:
    use_case = make_use_case()
    make_budget(use_case.team, "1", starts_on=this_month)
    make_paid_call(use_case, amount="0.9", held="0.9", now=timezone.now())
    owner = make_person("owner", use_case.team)
    for person in (make_person("finance"), owner):
        assert len(budgets_near_limit(person, timezone.now())) == 1
    assert budgets_near_limit(make_person("board"), timezone.now()) == []


def test_a_use_case_shows_its_cost_and_budgets(this_month: date) -> None:
    use_case = make_use_case()
    make_budget(use_case.team, "1", starts_on=this_month)
    make_paid_call(use_case, now=timezone.now())
    now = timezone.now()
    assert dashboard.monthly_costs([use_case.pk], now) == {use_case.pk: Decimal("0.5")}
    shown = cost_panel(use_case, make_person("finance"), now)
    assert (shown["cost"], len(shown["meters"])) == (Decimal("0.5"), 1)
    assert cost_panel(use_case, make_person("reviewer"), now) == {}
