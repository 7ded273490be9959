"""Success from the ledger, decisions in the chart, savings against cost."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.test import Client

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, WrongState
from governance.registry import charts, metrics, returns, services, worth
from governance.registry.decision_points import decision_points
from governance.registry.measuring import measure_from_ledger
from governance.registry.models import Measurement, SuccessMetric, UseCase
from governance.registry.registries import ledger_metrics
from reviews.decisions.models import ReviewDecision
from reviews.queues.models import ReviewItem
from telemetry.chargeback.models import DailyUsage
from telemetry.ledger.models import Call
from tests.factories.ledger import make_call, make_person
from tests.factories.organisation import world
from tests.factories.registry import queries
from tests.factories.reviews import make_item, make_queue

pytestmark = pytest.mark.django_db
JSON = "application/json"
AT = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
YESTERDAY = date(2026, 11, 17)


def add(use_case: UseCase, owner: User, **facts: Any) -> SuccessMetric:
    given: dict[str, Any] = {"name": "Minutes", "unit": "minutes", "baseline": None, "target": None}
    return metrics.add_metric(
        actor=Actor.person(owner), use_case=use_case, now=AT, **(given | facts)
    )


def use(use_case: UseCase, day: date, calls: int, cost: str) -> None:
    DailyUsage.objects.create(
        team=use_case.team,
        use_case=use_case,
        period=day.replace(day=1),
        day=day,
        source="live",
        currency="USD",
        calls=calls,
        tokens_input=0,
        tokens_cached=0,
        tokens_output=0,
        cost=Decimal(cost),
    )


def values(metric: SuccessMetric) -> list[tuple[date, Decimal]]:
    return list(metric.measurements.values_list("on", "value"))


def test_the_ledger_measures_a_day_once_and_corrects_it(use_case: UseCase, owner: User) -> None:
    metric = add(use_case, owner, name="", ledger_figure="cost_per_thousand_calls")
    assert (metric.name, metric.unit) == ("Cost per thousand calls", "USD")
    assert measure_from_ledger(now=AT) == 0
    use(use_case, YESTERDAY, 200, "0.5")
    use(use_case, AT.date(), 100, "9")
    assert measure_from_ledger(now=AT) == 1
    assert measure_from_ledger(now=AT + timedelta(hours=6)) == 0
    assert values(metric) == [(YESTERDAY, Decimal("2.5"))]
    assert Measurement.objects.get().origin == "ledger"
    DailyUsage.objects.filter(day=YESTERDAY).update(cost=Decimal("0.6"))
    assert measure_from_ledger(now=AT) == 1
    assert values(metric) == [(YESTERDAY, Decimal("3"))]
    event = AuditEvent.objects.filter(action="use_case.measured").first()
    assert event is not None and event.actor_kind == "system"


def test_a_month_is_one_value_that_grows(use_case: UseCase, owner: User) -> None:
    metric = add(use_case, owner, ledger_figure="calls_per_month")
    use(use_case, date(2026, 10, 31), 7, "1")
    use(use_case, date(2026, 11, 2), 10, "1")
    measure_from_ledger(now=datetime(2026, 11, 1, 1, tzinfo=UTC))
    measure_from_ledger(now=AT)
    use(use_case, date(2026, 11, 18), 5, "1")
    measure_from_ledger(now=AT + timedelta(days=1))
    assert values(metric) == [(date(2026, 10, 31), 7), (date(2026, 11, 18), 15)]


def test_calls_and_reviews_give_their_figures(use_case: UseCase, owner: User) -> None:
    day = AT - timedelta(days=1)
    for state, latency in (("delivered", 100), ("released", 300), ("rejected", 800)):
        call = make_call(use_case, now=day)
        Call.objects.filter(pk=call.pk).update(state=state, outcome="deliver", latency_ms=latency)
    found = {
        key: ledger_metrics[key].measure([use_case.pk], day, AT).get(use_case.pk)
        for key in ("accepted_share", "median_latency", "correction_rate")
    }
    assert found["accepted_share"] == Decimal(200) / 3
    assert found["median_latency"] == 300
    assert found["correction_rate"] is None


def test_the_correction_rate_is_of_final_decisions() -> None:
    queue, person = make_queue(), make_person()
    items = [make_item(queue) for _ in range(4)]
    use_case_id = items[0].call.use_case_id
    Call.objects.filter(pk__in=[one.call_id for one in items]).update(use_case_id=use_case_id)
    for item, verdict in zip(items, ("correct", "approve", "approve", "escalate"), strict=True):
        ReviewDecision.objects.create(
            item=item, person=person, verdict=verdict, at=AT, rationale="x"
        )
    assert ReviewItem.objects.count() == 4
    found = ledger_metrics["correction_rate"].measure(
        [use_case_id], AT - timedelta(hours=1), AT + timedelta(hours=1)
    )
    assert found == {use_case_id: Decimal(100) / 3}


def test_nobody_measures_by_hand_what_the_ledger_measures(use_case: UseCase, owner: User) -> None:
    metric = add(use_case, owner, ledger_figure="median_latency")
    with pytest.raises(WrongState, match="from the ledger"):
        metrics.measure(
            actor=Actor.person(owner), metric=metric, value=Decimal(1), on=YESTERDAY, now=AT
        )
    with pytest.raises(Invalid, match="no such figure"):
        add(use_case, owner, ledger_figure="weather")


def test_over_the_api_the_origin_is_told(signed_in: Client, use_case: UseCase) -> None:
    url = f"/api/v1/use-cases/{use_case.slug}/metrics/"
    made = signed_in.post(url, {"name": "Minutes"}, JSON).json()
    assert made["ledger_figure"] == ""
    noted = signed_in.post(f"{url}{made['id']}/measurements/", {"value": "3"}, JSON)
    assert noted.json()["origin"] == "api"
    wrong = signed_in.post(url, {"name": "x", "ledger_figure": "weather"}, JSON)
    assert "ledger_figure" in wrong.json()["errors"]


def test_the_chart_marks_decisions_by_number() -> None:
    days = [date(2026, 11, 1), date(2026, 11, 3)]
    figure = charts.results(
        "Faster",
        "minutes",
        Decimal(30),
        Decimal(10),
        [(day, Decimal(20)) for day in days],
        [(days[0], "Pilot"), (days[0], "Release"), (days[1], "Suspended")],
    )
    words = [one.text for one in figure.layout.annotations]
    assert words == ["baseline", "target", "1–2", "3"]
    assert [one.x0 for one in figure.layout.shapes if one.yref == "paper"] == [
        "2026-11-01",
        "2026-11-03",
    ]


def test_decision_points_are_stages_releases_and_switches() -> None:
    here = world()
    services.suspend_use_case(
        actor=here.people.actor("safety"),
        use_case_id=here.use_case.pk,
        reason="Look first.",
        now=here.now,
    )
    words = [one.words for one in decision_points(here.use_case)]
    assert "Move Third-party licence review to pilot" in words
    assert any(one.startswith("Release ") for one in words)
    assert "Suspended" in words


def declare(use_case: UseCase, owner: User, metric: SuccessMetric, **facts: Any) -> None:
    given: dict[str, Any] = {"amount": Decimal("0.5"), "per": "call", "rationale": "A minute"}
    worth.declare_worth(actor=Actor.person(owner), metric=metric, now=AT, **(given | facts))


def test_saved_is_improvement_times_volume_times_worth_against_cost(
    use_case: UseCase, owner: User
) -> None:
    metric = add(use_case, owner, baseline=Decimal(30), target=Decimal(10))
    assert not worth.return_of(use_case, AT).is_valued
    metrics.measure(
        actor=Actor.person(owner), metric=metric, value=Decimal(12), on=date(2026, 10, 5), now=AT
    )
    use(use_case, date(2026, 11, 2), 40, "7.25")
    use(use_case, date(2026, 10, 2), 10, "1")
    declare(use_case, owner, metric)
    found = worth.return_of(use_case, AT)
    assert [(one.month, one.saved, one.cost) for one in found.months] == [
        (date(2026, 11, 1), Decimal("360.00"), Decimal("7.25")),
        (date(2026, 10, 1), Decimal("90.00"), Decimal(1)),
        (date(2026, 9, 1), None, Decimal(0)),
    ]
    assert found.months[0].net == Decimal("352.75")
    declare(use_case, owner, metric, per="month", amount=Decimal(2))
    assert worth.return_of(use_case, AT).months[0].saved == Decimal("36.00")


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"amount": Decimal(0)}, "amount"),
        ({"amount": Decimal("NaN")}, "amount"),
        ({"amount": None}, "amount"),
        ({"amount": Decimal("0.1234567")}, "amount"),
        ({"per": "year"}, "per"),
        ({"rationale": " "}, "rationale"),
    ],
)
def test_an_estimate_is_whole_or_not_saved(
    use_case: UseCase, owner: User, facts: dict[str, Any], field: str
) -> None:
    metric = add(use_case, owner)
    with pytest.raises(Invalid) as refused:
        declare(use_case, owner, metric, **facts)
    assert set(refused.value.fields) == {field}


def test_the_page_shows_the_formula_and_says_what_is_an_estimate(
    signed_in: Client, use_case: UseCase, owner: User
) -> None:
    page = f"/use-cases/{use_case.slug}/"
    metric = add(use_case, owner, baseline=Decimal(30), target=Decimal(10))
    assert "nothing is said of money saved" in signed_in.get(page).content.decode()
    url = f"{page}metrics/{metric.pk}/worth/"
    refused = signed_in.post(url, {"amount": "much", "per": "call", "rationale": "A minute"})
    assert refused.status_code == 422
    assert 'value="much"' in refused.content.decode()
    sent = {"amount": "0.5", "per": "month", "rationale": "A minute"}
    assert signed_in.post(url, sent).status_code == 302
    assert "Nothing was measured in or before" in signed_in.get(page).content.decode()
    signed_in.post(f"{page}metrics/{metric.pk}/", {"value": "12"})
    shown = signed_in.get(page).content.decode()
    assert "Saved (estimate)" in shown
    assert "18 better (baseline 30, measured 12" in shown


def test_over_the_api_worth_and_return(signed_in: Client, use_case: UseCase, owner: User) -> None:
    metric = add(use_case, owner, baseline=Decimal(30), target=Decimal(10))
    base = f"/api/v1/use-cases/{use_case.slug}/"
    url = f"{base}metrics/{metric.pk}/worths/"
    body = {"amount": "0.5", "per": "month", "rationale": "A minute"}
    assert signed_in.post(url, body, JSON).status_code == 201
    assert signed_in.get(url).json()["results"][0]["amount"] == "0.500000"
    assert "per" in signed_in.post(url, body | {"per": "year"}, JSON).json()["errors"]
    found = signed_in.get(f"{base}return/").json()
    assert (found["is_valued"], len(found["months"])) == (True, 3)
    assert found["months"][0]["saved"] is None


def test_a_page_needs_as_many_queries_for_three_metrics_as_for_one(
    signed_in: Client, use_case: UseCase, owner: User
) -> None:
    page, api = f"/use-cases/{use_case.slug}/", f"/api/v1/use-cases/{use_case.slug}/return/"

    def more() -> None:
        metric = add(use_case, owner, baseline=Decimal(3), target=Decimal(1))
        declare(use_case, owner, metric)
        metric.measurements.create(value=Decimal(2), on=YESTERDAY)

    more()
    for url in (page, api):
        signed_in.get(url)
    one = [queries(partial(signed_in.get, url)) for url in (page, api)]
    more()
    more()
    assert [queries(partial(signed_in.get, url)) for url in (page, api)] == one


def test_less_is_better_unless_the_target_is_above_the_baseline() -> None:
    assert returns.improvement(Decimal(30), Decimal(10), Decimal(12)) == 18
    assert returns.improvement(Decimal(30), None, Decimal(12)) == 18
    assert returns.improvement(Decimal(10), Decimal(30), Decimal(12)) == 2
    assert returns.improvement(Decimal(10), Decimal(30), Decimal(9)) == -1


def test_the_last_months_cross_the_year() -> None:
    assert returns.months_before(date(2026, 1, 31), 3) == [
        (date(2026, 1, 1), date(2026, 2, 1)),
        (date(2025, 12, 1), date(2026, 1, 1)),
        (date(2025, 11, 1), date(2025, 12, 1)),
    ]
    assert returns.months_before(date(2026, 12, 1), 1) == [(date(2026, 12, 1), date(2027, 1, 1))]
