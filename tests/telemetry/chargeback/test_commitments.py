"""What was promised and is not used, for the month in which the promise ends."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import User
from governance.kernel.authority import Actor
from governance.kernel.errors import WrongState
from governance.model_cards.models import Commitment, Deployment, ExchangeRate
from telemetry.allocation import services as allocation
from telemetry.allocation.hooks import not_run
from telemetry.chargeback.commitments import promises_ending_in, unused_in
from telemetry.chargeback.rules import next_month
from tests.factories.allocation import last_month, make_rule
from tests.factories.ledger import (
    NOW,
    make_deployment,
    make_person,
    make_settled,
    make_team,
    make_use_case,
)
from tests.factories.registry import queries
from tests.factories.stages import decided

pytestmark = pytest.mark.django_db


@pytest.fixture
def finance(db: None) -> User:
    return make_person("finance")


def promised(
    deployment: Deployment,
    amount: str,
    until: date,
    currency: str = "USD",
    since: date = date(2026, 11, 1),
) -> Commitment:
    change = decided("prices", deployment.pk, make_person(), proposal={}, now=NOW)
    return Commitment.objects.create(
        deployment=deployment,
        starts_on=since,
        ends_on=until,
        amount=Decimal(amount),
        currency=currency,
        source="Contract",
        change=change,
        created_at=NOW,
    )


def test_what_is_left_of_a_promise_is_known_when_it_ends() -> None:
    one, other = make_deployment(), make_deployment()
    first = promised(one, "10", date(2026, 11, 30))
    promised(one, "99", date(2026, 12, 1))
    used_up = promised(other, "1", date(2026, 11, 18))
    make_settled(deployment=one, amount="2.5")
    make_settled(deployment=other, amount="7")
    found = promises_ending_in(date(2026, 11, 15))
    assert {(each.commitment, each.spent, each.unused) for each in found} == {
        (first, Decimal("2.5"), Decimal("7.5")),
        (used_up, Decimal(7), Decimal(0)),
    }


def test_only_its_days_count() -> None:
    deployment = make_deployment()
    promised(deployment, "10", date(2026, 11, 17))
    make_settled(deployment=deployment, amount="2.5")
    (found,) = promises_ending_in(date(2026, 11, 1))
    assert (found.spent, found.unused) == (0, 10)


def at(day: date) -> datetime:
    return datetime.combine(day, time(10), UTC)


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_how_far_a_promise_has_come_and_what_will_be_left(finance: User) -> None:
    today = timezone.now().date()
    first = today - timedelta(days=14)
    deployment, other = make_deployment(), make_deployment()
    use_case = make_use_case()
    for back in range(1, 15):
        make_settled(
            use_case, deployment=deployment, amount="2", now=at(today - timedelta(days=back))
        )
    running = promised(deployment, "100", today + timedelta(days=6), since=first)
    ended = promised(other, "5", today - timedelta(days=1), since=first)
    later = today + timedelta(days=30)
    ahead = promised(other, "7", later + timedelta(days=60), since=later)
    told = {one["id"]: one for one in signed_in(finance).get("/api/v1/commitments/").json()}
    # Two a day for two weeks, and for the seven days that are left, today with them.
    assert told[running.pk]["spent"] == "28.000000000"
    assert Decimal(told[running.pk]["expected"]) == 42
    assert Decimal(told[running.pk]["shortfall"]) == 58
    assert (told[ended.pk]["state"], told[ended.pk]["shortfall"]) == ("ended", "5.000000000")
    assert (told[ahead.pk]["state"], told[ahead.pk]["shortfall"]) == ("ahead", None)
    page = signed_in(finance).get("/chargeback/commitments/").text
    assert "28 %" in page and "58.00" in page
    assert (
        signed_in(make_person("owner", use_case.team)).get("/chargeback/commitments/").status_code
        == 403
    )


def test_a_page_of_three_asks_as_often_as_one_of_one(finance: User) -> None:
    client = signed_in(finance)
    assert "Nothing was promised" in client.get("/chargeback/commitments/").text
    today = timezone.now().date()

    def count() -> int:
        return queries(lambda: client.get("/chargeback/commitments/"))

    promised(make_deployment(), "10", today, since=today)
    one = count()
    for currency in ("USD", "USD"):
        promised(make_deployment(), "10", today, currency, since=today)
    assert count() == one


def test_what_is_unused_is_split_once_and_its_line_says_of_what(finance: User) -> None:
    month = last_month(timezone.now().date())
    last = next_month(month) - timedelta(days=1)
    deployment, use_case = make_deployment(), make_use_case(make_team("legal"))
    promised(deployment, "10", last, since=month)
    make_settled(use_case, deployment=deployment, amount="2.5", now=at(month))
    facts = {"source": "commitments", "rate": "1", "amount": "0"}
    rule, other = make_rule("Unused", **facts), make_rule("Unused too", **facts)
    actor, now = Actor.person(finance), timezone.now()
    run = allocation.book(actor=actor, rule_id=rule.pk, period=month, now=now)
    assert run.whole == Decimal("7.5")
    entry = run.parts.get().entry
    assert f"{deployment}: 7.5 of 10 USD unused until {last}" in entry.description
    for again in (rule, other):
        with pytest.raises(WrongState, match="already"):
            allocation.book(actor=actor, rule_id=again.pk, period=month, now=now)
    page = signed_in(finance).get(f"/chargeback/legal/{month:%Y-%m}/").text
    assert "7.5 of 10 USD unused" in page
    allocation.reverse(actor=actor, rule_id=rule.pk, period=month, reason="x", now=now)
    assert allocation.book(actor=actor, rule_id=other.pk, period=month, now=now).whole == 7.5
    # A month in which no promise ends has nothing to book, and closing does not ask for it.
    before = (month - timedelta(days=1)).replace(day=1)
    assert not [one for one in not_run(before, now) if "Unused" in one.label]
    assert [one.label for one in not_run(month, now)] == ["Unused is not booked"]


def test_another_currency_is_converted_on_the_last_day_or_not_at_all(finance: User) -> None:
    month = last_month(timezone.now().date())
    last = next_month(month) - timedelta(days=1)
    promised(make_deployment("1", "1", "EUR"), "10", last, "EUR", since=month)
    with pytest.raises(WrongState, match="no exchange rate from EUR"):
        unused_in(month)
    ExchangeRate.objects.create(
        currency="EUR",
        to_currency="USD",
        day=last,
        rate=Decimal("1.1"),
        source="ECB",
        entered_by=finance,
        entered_at=NOW,
    )
    assert unused_in(month) == 11
