"""Levers and unit costs of a month from real calls; who sees and who computes them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed
from governance.registry.models import UseCase
from telemetry.alerts.models import Alert
from telemetry.chargeback import dashboard, holds, verification
from telemetry.chargeback.models import DailyUsage
from telemetry.chargeback.rules import month_of
from telemetry.ledger import seals
from telemetry.ledger import services as ledger
from telemetry.ledger.models import Call, DayOutcome
from telemetry.savings import selectors, services
from telemetry.savings.models import MonthFigures
from telemetry.savings.rules import Lever
from tests.factories.chargeback import make_budget, make_paid_call
from tests.factories.ledger import (
    NOW,
    bill,
    body,
    make_call,
    make_deployment,
    make_person,
    make_team,
    make_use_case,
)

pytestmark = pytest.mark.django_db
MONTH = date(2026, 11, 1)


def funded(team: str = "") -> UseCase:
    use_case = make_use_case(make_team(team) if team else None)
    make_budget(use_case.team)
    return use_case


def paid(use_case: UseCase, deployment: Any, amount: str = "0.5", **facts: Any) -> Call:
    """A settled call; `outcome`, `held` and `tokens` choose its way, the rest are columns of it."""
    outcome, held = facts.pop("outcome", "deliver"), facts.pop("held", "1")
    made = make_call(use_case, **facts)
    holds.reserve(call=made, attempt=1, amount=Decimal(held), currency="USD", now=NOW)
    ledger.start_call(call=made, now=NOW, deployment=deployment)
    settled = ledger.settle_call(
        call=made,
        outcome=outcome,
        now=NOW,
        billed=[bill(deployment, amount)],
        response=body("the answer", NOW) if outcome in ("deliver", "hold") else None,
        refusal_code="" if outcome in ("deliver", "hold") else "provider_failed",
    )
    holds.capture(call=made, attempt=1, amount=Decimal(amount), now=NOW)
    return settled


def lever(kind: Lever, figures: MonthFigures) -> list[Any]:
    return list(figures.savings.filter(lever=kind).order_by("use_case_id"))


def test_repeats_are_all_but_the_first_of_one_question_to_one_version_and_model() -> None:
    use_case, deployment, other = funded(), make_deployment(), make_deployment()
    question = {"request_hash": "a" * 64, "prompt_version_id": 7}
    for amount in ("0.5", "0.25", "0.25"):
        paid(use_case, deployment, amount, **question)
    paid(use_case, other, "0.7", **question)
    paid(use_case, deployment, "0.9", request_hash="b" * 64, prompt_version_id=7)
    paid(use_case, deployment, "0.9", request_hash="a" * 64, prompt_version_id=8)
    (one,) = lever(Lever.REPEATED, services.compute(month=MONTH, now=NOW))
    assert (one.calls, one.amount, one.deployment) == (2, Decimal("0.5"), deployment)
    assert one.facts == {"questions": 1}


def test_what_nobody_got_is_summed_by_how_it_ended() -> None:
    use_case, deployment = funded(), make_deployment()
    paid(use_case, deployment, "0.3", outcome="fail")
    paid(use_case, deployment, "0.2", outcome="block")
    paid(use_case, deployment, "5")
    (one,) = lever(Lever.UNUSED, services.compute(month=MONTH, now=NOW))
    assert (one.calls, one.amount, one.facts) == (2, Decimal("0.5"), {"failed": 1, "blocked": 1})


def test_holds_far_above_the_bill_are_named_once_there_are_enough_calls() -> None:
    use_case, deployment = funded(), make_deployment()
    for _ in range(29):
        paid(use_case, deployment, "0.1", held="1")
    assert lever(Lever.IDLE, services.compute(month=MONTH, now=NOW)) == []
    paid(use_case, deployment, "0.1", held="1")
    (one,) = lever(Lever.IDLE, services.compute(month=MONTH, now=NOW))
    assert (one.calls, one.amount, one.facts["times"]) == (30, Decimal("0.9"), "10.0")


def test_a_longer_version_is_priced_by_its_extra_input() -> None:
    use_case, deployment = funded(), make_deployment(input_price="10")
    for version, tokens in ((1, 100), (2, 150)):
        for _ in range(30):
            made = paid(
                use_case, deployment, prompt_version_id=version, prompt_label=f"p v{version}"
            )
            Call.objects.filter(pk=made.pk).update(tokens_input=tokens)
    (one,) = lever(Lever.LONGER, services.compute(month=MONTH, now=NOW))
    assert one.amount == Decimal("0.015")  # 30 calls × 50 tokens × 10 a million
    assert (one.facts["newest"], one.facts["earlier"]) == ("p v2", "p v1")


def test_what_one_costs_counts_tasks_once_and_accepted_outputs() -> None:
    use_case, deployment = funded(), make_deployment()
    paid(use_case, deployment, "0.5", task_id="t1")
    paid(use_case, deployment, "0.5", task_id="t1")
    paid(use_case, deployment, "0.5", task_id="t2", outcome="fail")
    figures = services.compute(month=MONTH, now=NOW)
    (one,) = figures.units.all()
    assert (one.calls, one.tasks, one.accepted, one.cost) == (3, 2, 2, Decimal("1.5"))
    assert (one.per_task, one.per_accepted, one.per_call) == (Decimal("0.75"),) * 2 + (
        Decimal("0.5"),
    )


def test_computed_again_it_stands_in_the_place_of_what_was() -> None:
    use_case, deployment = funded(), make_deployment()
    paid(use_case, deployment, outcome="fail")
    for _ in range(2):
        figures = services.compute(month=MONTH, now=NOW)
    assert figures.savings.count() == 1 and figures.units.count() == 1
    assert MonthFigures.objects.count() == 1


def test_asked_for_again_while_it_waits_is_asked_once() -> None:
    finance = Actor.person(make_person("finance"))
    for _ in range(2):
        figures = services.ask_for_figures(actor=finance, month=MONTH, now=NOW)
    assert figures.is_waiting
    services.compute(month=MONTH, now=NOW + timedelta(seconds=1))
    services.ask_for_figures(actor=finance, month=MONTH, now=NOW + timedelta(minutes=1))
    assert MonthFigures.objects.get().is_waiting
    assert AuditEvent.objects.filter(action="savings.asked").count() == 2


def test_who_may_not_ask_and_a_month_to_come() -> None:
    with pytest.raises(NotAllowed):
        services.ask_for_figures(actor=Actor.person(make_person("board")), month=MONTH, now=NOW)
    with pytest.raises(Invalid):
        finance = Actor.person(make_person("finance"))
        services.ask_for_figures(actor=finance, month=date(2026, 12, 1), now=NOW)


def test_lines_of_another_team_are_nobodys_business() -> None:
    deployment = make_deployment()
    for team in ("legal", "support"):
        paid(funded(team), deployment, outcome="fail")
    figures = services.compute(month=MONTH, now=NOW)
    owner = make_person("owner", make_team("legal"))
    sums = selectors.levers(figures, owner)
    assert [line.team.slug for one in sums for line in one.lines] == ["legal"]
    assert [one.team.slug for one in selectors.units(figures, owner)] == ["legal"]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_page_shows_figures_and_asks_as_many_queries_for_many_lines() -> None:
    now = timezone.now()
    month, deployment = month_of(now.date()), make_deployment()
    client, url = signed_in(make_person("finance")), reverse("savings:overview")
    assert "Nobody has computed" in client.get(url).content.decode()

    def lost() -> UseCase:
        use_case = make_use_case()
        make_budget(use_case.team, starts_on=month)
        make_paid_call(use_case, deployment, outcome="fail", now=now)
        return use_case

    def queries() -> int:
        services.compute(month=month, now=timezone.now())
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    first = lost()
    one = queries()
    for _ in range(4):
        lost()
    assert queries() == one
    said = client.get(url).content.decode()
    assert first.title in said and "Paid for and not used: " in said


def test_polling_ends_when_the_figures_stand() -> None:
    now = timezone.now()
    month = month_of(now.date())
    finance = make_person("finance")
    client = signed_in(finance)
    asked = client.post(reverse("savings:compute"), {"month": f"{month:%Y-%m}"})
    assert asked.status_code == 302
    waiting = client.get(reverse("savings:figures"), {"month": f"{month:%Y-%m}"})
    assert waiting.status_code == 200 and "hx-get" in waiting.content.decode()
    services.compute(month=month, now=timezone.now())
    assert client.get(reverse("savings:figures")).status_code == 286


def test_the_api_gives_the_same_figures() -> None:
    use_case, deployment = funded(), make_deployment()
    paid(use_case, deployment, "0.3", outcome="fail")
    services.compute(month=MONTH, now=NOW)
    client = signed_in(make_person("finance"))
    said = client.get("/api/v1/savings/?month=2026-11").json()
    assert (said["possible"], said["savings"][0]["lever"]) == ("0.300000000", "unused")
    assert said["units"][0]["use_case"] == use_case.slug
    asked = client.post("/api/v1/savings/compute/", {"month": "2026-10"}, "application/json")
    assert asked.status_code == 202 and asked.json()["computed_at"] is None
    assert (
        client.post("/api/v1/savings/compute/", {"month": "x"}, "application/json").status_code
        == 400
    )


def test_an_odd_day_leads_to_its_calls() -> None:
    use_case, today = funded(), date(2026, 11, 27)
    deployment = make_deployment()
    for days in range(1, 25):
        day = today - timedelta(days=days)
        rolled(use_case, deployment, day, "1")
    rolled(use_case, deployment, today, "9")
    (one,) = selectors.odd_days(make_person("finance"), MONTH, today)
    assert (one.found.day, one.found.usual) == (today, Decimal(1))
    assert one.calls_url == f"/calls/?use_case={use_case.slug}&since=2026-11-27&until=2026-11-27"


def rolled(use_case: UseCase, deployment: Any, day: date, cost: str) -> None:
    DailyUsage.objects.create(
        team=use_case.team,
        use_case=use_case,
        deployment=deployment,
        period=month_of(day),
        day=day,
        source="live",
        currency="USD",
        calls=1,
        tokens_input=1,
        tokens_cached=0,
        tokens_output=1,
        cost=Decimal(cost),
    )


def test_settled_and_accepted_are_the_same_before_and_after_the_seal() -> None:
    use_case, deployment = funded(), make_deployment()
    person, view = make_person("finance"), dashboard.View(MONTH)
    paid(use_case, deployment)
    paid(use_case, deployment, outcome="fail")
    held = paid(use_case, deployment, outcome="hold", hold_reason="a person must look")
    before = dashboard.tally(person, view)
    assert (before.settled, before.accepted) == (3, 1)
    seals.seal_settled(now=NOW)
    assert DayOutcome.objects.count() == 3
    assert dashboard.tally(person, view) == before
    ledger.decide_call(
        call=held, verdict="released", decided_text=None, actor=Actor.system("tests"), now=NOW
    )
    assert dashboard.tally(person, view).accepted == 2
    assert verification.verify() == []


def test_books_that_differ_raise_one_alert_that_ends_when_they_agree() -> None:
    use_case, deployment = funded(), make_deployment()
    paid(use_case, deployment)
    seals.seal_settled(now=NOW)
    assert verification.check_books(now=NOW) == []
    DayOutcome.objects.update(calls=2)
    found = verification.check_books(now=NOW)
    assert {one.check for one in found} == {"day outcomes"}
    alert = Alert.objects.get(cause=verification.CAUSE)
    assert (alert.state, alert.severity) == ("open", "critical")
    DayOutcome.objects.update(calls=1)
    verification.check_books(now=NOW)
    alert.refresh_from_db()
    assert alert.state == "resolved"
