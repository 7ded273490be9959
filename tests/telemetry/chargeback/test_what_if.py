"""A month at other prices: exact, in reach, and with what does not compare named."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from governance.access.models import User
from governance.kernel.authority import Actor
from governance.model_cards.models import ExchangeRate, Price
from governance.model_cards.pricing import PriceList, PriceUnknown, Usage
from telemetry.chargeback import adjusting
from telemetry.chargeback.what_if import Used, what_if
from telemetry.ledger.models import LedgerEntry
from tests.factories.ledger import (
    NOW,
    make_deployment,
    make_person,
    make_settled,
    make_team,
    make_use_case,
)

MONTH = date(2026, 11, 1)
TOKENS = st.integers(0, 10**9)
AMOUNTS = st.decimals(0, 1_000, places=6, allow_nan=False, allow_infinity=False)


@st.composite
def days(draw: st.DrawFn) -> Used:
    sent, written = draw(TOKENS), draw(TOKENS)
    usage = Usage(sent, draw(st.integers(0, sent)), written, draw(st.integers(0, written)), 0)
    return Used(
        draw(st.sampled_from(["legal", "support"])),
        draw(st.sampled_from(["a", "b"])),
        "model",
        draw(st.dates(MONTH, date(2026, 11, 30))),
        draw(st.integers(0, 10_000)),
        usage,
        draw(AMOUNTS),
    )


@given(st.lists(days(), max_size=8), AMOUNTS, AMOUNTS, AMOUNTS)
def test_the_difference_is_the_tokens_times_the_prices(
    rows: list[Used], sent: Decimal, written: Decimal, per_call: Decimal
) -> None:
    prices = PriceList("USD", {"input": sent, "output": written}, per_call)
    rows = [row for row in rows if row.calls]
    outcome = what_if(rows, lambda slug, day: prices)
    exact = sum(
        Fraction(sent) * row.usage.input / 10**6
        + Fraction(written) * row.usage.output / 10**6
        + Fraction(per_call) * row.calls
        for row in rows
    )
    rounding = Fraction(len(rows), 2 * 10**9)
    assert abs(Fraction(outcome.would_be) - exact) <= rounding
    assert outcome.booked == sum((row.booked for row in rows), Decimal(0))
    assert outcome.difference == sum((one.difference for one in outcome.lines), Decimal(0))


@given(st.lists(days(), max_size=8))
def test_what_has_no_price_is_in_neither_sum(rows: list[Used]) -> None:
    def unknown_on_even_days(slug: str, day: date) -> PriceList:
        if day.day % 2 == 0:
            raise PriceUnknown("No price on even days.")
        return PriceList("USD", {"input": Decimal(1), "output": Decimal(1)})

    outcome = what_if(rows, unknown_on_even_days)
    odd = sum((row.booked for row in rows if row.day.day % 2), Decimal(0))
    even = sum((row.booked for row in rows if row.day.day % 2 == 0), Decimal(0))
    assert outcome.booked == odd
    assert sum((one.booked for one in outcome.left_out), Decimal(0)) == even


@pytest.fixture
def finance(db: None) -> User:
    return make_person("finance")


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def ask(person: User, **facts: Any) -> Any:
    told = {"month": "2026-11"} | facts
    return signed_in(person).get("/api/v1/what-if/", told)


@pytest.mark.django_db
def test_last_month_at_another_deployment_by_team_and_use_case(finance: User) -> None:
    here, other = make_deployment("2", "8"), make_deployment("1", "16")
    legal, support = make_use_case(make_team()), make_use_case(make_team())
    for use_case in (legal, legal, support):
        # 100 in and 10 out are booked at what the provider billed.
        make_settled(use_case, deployment=here, amount="0.00028")
    told = ask(finance, target=other.slug).json()
    # 100 × 1 + 10 × 16 by the million, three times.
    assert told["would_be"] == "0.000780000" and told["booked"] == "0.000840000"
    by_case = {one["use_case"]: one["difference"] for one in told["lines"]}
    assert by_case == {legal.slug: "-0.000040000", support.slug: "-0.000020000"}
    assert told["left_out"] == [] and "caches" in told["not_comparable"][0]
    same = ask(finance, target=here.slug).json()
    assert same["difference"] == "0.000000000"


@pytest.mark.django_db
def test_what_was_corrected_by_hand_is_not_what_calls_cost(finance: User) -> None:
    here = make_deployment("2", "8")
    make_settled(deployment=here, amount="0.00028")
    entry = LedgerEntry.objects.get()
    adjusting.correct_entry(
        actor=Actor.person(finance), entry=entry, amount=Decimal(50), reason="x", now=NOW
    )
    assert ask(finance, target=here.slug).json()["difference"] == "0.000000000"


@pytest.mark.django_db
def test_what_does_not_compare_is_named(finance: User) -> None:
    here, euros = make_deployment(), make_deployment("1", "1", "EUR")
    make_settled(deployment=here, amount="0.5")
    told = ask(finance, target=euros.slug).json()
    assert told["lines"] == []
    assert "No exchange rate from EUR" in told["left_out"][0]["why"]
    assert told["left_out"][0]["booked"] == "0.500000000"
    ExchangeRate.objects.create(
        currency="EUR",
        to_currency="USD",
        day=date(2026, 11, 1),
        rate=Decimal(2),
        source="ECB",
        entered_by=finance,
        entered_at=NOW,
    )
    assert ask(finance, target=euros.slug).json()["would_be"] == "0.000220000"
    assert ask(finance, output="4").json()["left_out"][0]["why"].startswith("There is no price")


@pytest.mark.django_db
def test_amounts_of_ones_own_and_only_what_is_in_reach(finance: User) -> None:
    here, team = make_deployment(), make_team()
    make_settled(make_use_case(team), deployment=here, amount="0.5")
    make_settled(make_use_case(make_team()), deployment=here, amount="0.5")
    amounts = {"input": "1", "output": "1", "per_call": "0.1", "discount": "50"}
    # (110 tokens by the million and a call) at half.
    assert ask(finance, **amounts).json()["would_be"] == "0.100110000"
    assert ask(finance, team=team.slug, **amounts).json()["would_be"] == "0.050055000"
    owner = make_person("owner", team)
    assert [one["team"] for one in ask(owner, **amounts).json()["lines"]] == [team.slug]
    assert ask(make_person("reviewer"), **amounts).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize(
    "facts",
    [{}, {"month": "soon", "input": "1"}, {"input": "-1"}, {"discount": "101"}, {"target": "none"}],
)
def test_what_cannot_be_compared_is_refused(finance: User, facts: dict[str, Any]) -> None:
    assert ask(finance, **facts).status_code == 400
    client = signed_in(finance)
    page = client.get("/chargeback/what-if/", facts)
    assert page.status_code == (422 if facts else 200)


@pytest.mark.django_db
def test_by_page_with_as_many_queries_for_three_as_for_one(finance: User) -> None:
    here, other, client = make_deployment(), make_deployment(), signed_in(finance)

    def queries() -> int:
        with CaptureQueriesContext(connection) as counted:
            asked = {"month": "2026-11", "target": other.slug}
            page = client.get("/chargeback/what-if/", asked)
        assert page.status_code == 200 and "would have cost" in page.content.decode()
        return len(counted)

    make_settled(deployment=here)
    queries()
    one = queries()
    make_settled(deployment=make_deployment())
    make_settled(deployment=here)
    assert queries() == one


@pytest.mark.django_db
def test_a_tier_is_the_one_that_the_month_had_reached_with_what_is_moved(finance: User) -> None:
    here, other = make_deployment("2", "8"), make_deployment("1", "1")
    for kind in ("input", "output"):
        Price.objects.create(
            deployment=other,
            kind=kind,
            amount=Decimal("0.5"),
            currency="USD",
            starts_on=date(2020, 1, 1),
            from_tokens=200,
        )
    use_case = make_use_case(make_team())
    for day in (2, 3, 4):
        at = NOW.replace(day=day)
        make_settled(use_case, deployment=here, amount="0.00028", now=at)
    # 110 tokens a day: the third begins with 220 and is past the tier.
    assert ask(finance, target=other.slug).json()["would_be"] == "0.000275000"
    # What the other had itself counts as well: now the second day begins past it.
    make_settled(use_case, deployment=other, amount="0.00011", now=NOW.replace(day=2))
    told = ask(finance, target=other.slug, deployment=here.slug).json()
    assert told["would_be"] == "0.000220000"
