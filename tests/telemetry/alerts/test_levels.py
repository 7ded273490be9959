"""Service levels: set, counted from the ledger, alerted once, shown."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, Invalid, NotAllowed
from governance.registry.models import UseCase
from telemetry.alerts import levels
from telemetry.alerts.level_checks import check_all, check_level
from telemetry.alerts.models import Alert, ServiceLevel
from telemetry.ledger.models import Call
from telemetry.ledger.services import decide_call
from tests.factories.ledger import NOW, make_deployment, make_person, make_settled, make_use_case
from tests.factories.registry import queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def use_case() -> UseCase:
    return make_use_case()


def owner_of(use_case: UseCase) -> User:
    return make_person("owner", use_case.team)


def made(use_case: UseCase, indicator: str = "errors", **settings: Any) -> ServiceLevel:
    settings = {"objective": Decimal(99), "minimum_events": 2} | settings
    return levels.set_level(
        actor=Actor.person(owner_of(use_case)),
        use_case=use_case,
        indicator=indicator,
        now=NOW,
        **settings,
    )


def calls(use_case: UseCase, count: int, **facts: Any) -> list[Call]:
    deployment = make_deployment()
    return [make_settled(use_case, deployment=deployment, **facts) for _ in range(count)]


def checked(level: ServiceLevel, now: Any = NOW) -> ServiceLevel:
    assert check_level(level_id=level.pk, now=now)
    level.refresh_from_db()
    return level


def test_failed_calls_burn_and_refused_or_cancelled_ones_do_not(use_case: UseCase) -> None:
    calls(use_case, 6)
    calls(use_case, 2, outcome="fail", refusal_code="provider_error")
    calls(use_case, 1, outcome="degrade")
    calls(use_case, 1, outcome="block", refusal_code="content_blocked")
    calls(use_case, 1, outcome="fail", refusal_code="cancelled")
    calls(make_use_case(), 1, outcome="fail")
    level = checked(made(use_case))
    assert (level.total, level.bad) == (9, 3)
    assert level.left == 1 - Decimal(3) / 9 / Decimal("0.01")


def test_slow_answers_burn_the_latency_budget(use_case: UseCase) -> None:
    for latency_ms in (100, 200, 201, None):
        calls(use_case, 1, latency_ms=latency_ms)
    level = checked(made(use_case, "latency", threshold=200))
    assert (level.total, level.bad) == (3, 1)


def test_a_held_answer_is_late_once_its_time_has_passed(use_case: UseCase) -> None:
    in_time, late, waiting = calls(use_case, 3, outcome="hold", hold_reason="All are held.")
    for call, minutes in ((in_time, 10), (late, 20)):
        moment = NOW + timedelta(minutes=minutes)
        decide_call(call=call, verdict="released", actor=Actor.system("t"), now=moment)
    level = made(use_case, "hold_time", threshold=15)
    assert checked(level, NOW + timedelta(minutes=5)).total == 0
    assert (checked(level, NOW + timedelta(minutes=12)).total, level.bad) == (1, 0)
    assert (checked(level, NOW + timedelta(minutes=16)).total, level.bad) == (3, 2)
    decide_call(
        call=waiting, verdict="released", actor=Actor.system("t"), now=NOW + timedelta(minutes=25)
    )
    assert (checked(level, NOW + timedelta(minutes=60)).total, level.bad) == (3, 2)


def test_counting_again_counts_nothing_twice_and_forgets_what_is_past(use_case: UseCase) -> None:
    calls(use_case, 3, outcome="fail")
    level = made(use_case, window_days=4)
    for minutes in (0, 0, 1, 14, 600):
        assert checked(level, NOW + timedelta(minutes=minutes)).total == 3
    assert checked(level, NOW + timedelta(days=5)).total == 0
    assert not level.slots.exists()


def test_an_alert_opens_once_tells_once_and_ends_with_its_cause(use_case: UseCase) -> None:
    engineer = make_person("ml_engineer", use_case.team)
    calls(use_case, 3, outcome="fail")
    level = made(use_case)
    for minutes in (0, 1, 2):
        checked(level, NOW + timedelta(minutes=minutes))
    assert level.burning == ["fast", "steady", "slow"]
    assert set(Alert.objects.values_list("cause", "severity", "state", "count")) == {
        (f"service-level:{level.pk}:fast", "critical", "open", 3),
        (f"service-level:{level.pk}:steady", "critical", "open", 3),
        (f"service-level:{level.pk}:slow", "warning", "open", 3),
    }
    told = Notification.objects.filter(url=f"/service-levels/{level.pk}/")
    assert told.filter(user=engineer).count() == told.filter(user=use_case.owner).count() == 3
    # The short window of the fast alert is five minutes: nothing bad happened since.
    checked(level, NOW + timedelta(minutes=10))
    assert level.burning == ["steady", "slow"]
    assert Alert.objects.get(cause__endswith=":fast").state == "resolved"
    assert told.count() == 6
    calls(use_case, 3, outcome="fail", now=NOW + timedelta(minutes=11))
    checked(level, NOW + timedelta(minutes=11))
    assert Alert.objects.get(cause__endswith=":fast").state == "open"
    assert told.filter(user=engineer).count() == 4


def test_switched_off_it_ends_its_alerts_and_is_not_counted(use_case: UseCase) -> None:
    calls(use_case, 3, outcome="fail")
    level = checked(made(use_case))
    actor = Actor.person(owner_of(use_case))
    levels.switch_level(actor=actor, level_id=level.pk, is_enabled=False, now=NOW)
    assert not Alert.objects.unresolved().exists()
    assert check_all(now=NOW) == 0
    levels.switch_level(actor=actor, level_id=level.pk, is_enabled=True, now=NOW)
    assert check_all(now=NOW) == 1


def test_only_the_owner_sets_it_and_everything_is_audited(use_case: UseCase) -> None:
    level = made(use_case)
    engineer = Actor.person(make_person("ml_engineer", use_case.team))
    for actor in (engineer, Actor.person(make_person("owner", make_use_case().team))):
        with pytest.raises(NotAllowed):
            levels.change_level(actor=actor, level_id=level.pk, version=1, now=NOW)
    actor = Actor.person(owner_of(use_case))
    levels.change_level(
        actor=actor, level_id=level.pk, version=1, now=NOW, objective=Decimal("99.9")
    )
    with pytest.raises(Conflict, match=r"99\.9 % of calls do not fail"):
        levels.change_level(actor=actor, level_id=level.pk, version=1, now=NOW)
    actions = AuditEvent.objects.filter(action__startswith="service_level.")
    assert set(actions.values_list("action", flat=True)) == {
        "service_level.set",
        "service_level.changed",
    }


@pytest.mark.parametrize(
    ("indicator", "chosen", "field"),
    [
        ("errors", {"objective": Decimal(100)}, "objective"),
        ("errors", {"window_days": 91}, "window_days"),
        ("errors", {"minimum_events": 0}, "minimum_events"),
        ("latency", {}, "threshold"),
        ("hold_time", {"threshold": 0}, "threshold"),
        ("kindness", {}, "indicator"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field(
    use_case: UseCase, indicator: str, chosen: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        made(use_case, indicator, **chosen)
    assert set(refused.value.fields) == {field}


def test_another_threshold_counts_the_past_anew(use_case: UseCase) -> None:
    calls(use_case, 2, latency_ms=300)
    level = checked(made(use_case, "latency", threshold=200))
    assert level.bad == 2
    actor = Actor.person(owner_of(use_case))
    levels.change_level(actor=actor, level_id=level.pk, version=1, now=NOW, threshold=400)
    assert checked(level, NOW + timedelta(hours=1)).bad == 0


def test_the_list_and_the_page_cost_the_same_for_one_and_three(client: Client) -> None:
    client.force_login(make_person("board"))
    first = checked(made(make_use_case()))
    once = queries(lambda: client.get("/service-levels/"))
    for _ in range(2):
        checked(made(make_use_case()))
    assert queries(lambda: client.get("/service-levels/")) == once
    alone = queries(lambda: client.get(f"/service-levels/{first.pk}/"))
    calls(first.use_case, 3, outcome="fail")
    checked(first)
    shown = client.get(f"/service-levels/{first.pk}/").content.decode()
    assert "overdrawn" in shown
    assert "budget-figure" in shown
    # Every day of the window stands in the chart, also those without an event.
    steps = client.get(f"/service-levels/{first.pk}/").context["steps"]
    assert len(steps) == 29
    assert [one.total for one in steps] == [0] * 28 + [3]
    assert alone == queries(lambda: client.get(f"/service-levels/{first.pk}/"))


def test_the_owner_sets_and_changes_it_on_the_pages(client: Client, use_case: UseCase) -> None:
    client.force_login(owner_of(use_case))
    form = {
        "use_case": use_case.slug,
        "indicator": "latency",
        "objective": "99",
        "window_days": "28",
        "minimum_events": "20",
    }
    refused = client.post("/service-levels/new/", form)
    assert refused.status_code == 422
    assert "Say how many milliseconds are good." in refused.content.decode()
    assert client.post("/service-levels/new/", form | {"threshold": "500"}).status_code == 302
    level = ServiceLevel.objects.get()
    changed = form | {"threshold": "600", "version": "1"}
    path = f"/service-levels/{level.pk}/"
    assert client.post(f"{path}change/", changed).status_code == 302
    late = client.post(f"{path}change/", changed | {"threshold": "700"})
    assert late.status_code == 409
    assert "at most 600 ms" in late.content.decode()
    assert client.post(f"{path}switch/", {"is_enabled": "no"}).status_code == 302
    assert f'href="{path}"' in client.get(f"/use-cases/{use_case.slug}/").content.decode()
    client.force_login(make_person("board"))
    assert "Change the promise" not in client.get(path).content.decode()
    assert client.post(f"{path}switch/", {"is_enabled": "yes"}).status_code == 403


def test_the_api_sets_reads_and_changes_it(client: Client, use_case: UseCase) -> None:
    client.force_login(owner_of(use_case))
    json: dict[str, Any] = {"content_type": "application/json"}
    asked = {"use_case": use_case.slug, "indicator": "errors", "objective": "99.5"}
    reply = client.post("/api/v1/service-levels/", asked, **json)
    assert (reply.status_code, reply["ETag"]) == (201, '"1"')
    path = f"/api/v1/service-levels/{reply.json()['id']}/"
    assert client.patch(path, {"objective": "99"}, **json).status_code == 400
    changed = client.patch(path, {"is_enabled": False}, headers={"If-Match": '"1"'}, **json)
    assert (changed.status_code, changed.json()["state"]) == (200, "off")
    assert client.patch(path, {}, headers={"If-Match": '"1"'}, **json).status_code == 409
    assert client.get("/api/v1/service-levels/").json()["results"][0]["budget_left"] is None
    client.force_login(make_person("owner", make_use_case().team))
    assert client.get(path).status_code == 404
    assert client.post("/api/v1/service-levels/", asked, **json).status_code == 400
