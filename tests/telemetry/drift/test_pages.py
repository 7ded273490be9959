"""Drift as pages: the list, a new monitor, the result, settings, and a check on demand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from telemetry.drift import checks, services, tasks
from telemetry.drift.hooks import drift_panel
from telemetry.drift.models import DriftCheck, DriftMonitor
from tests.factories.drift import answer, fill_windows, make_monitor
from tests.factories.ledger import NOW, make_person, make_team, make_use_case

pytestmark = pytest.mark.django_db
SYSTEM = Actor.system("test")
FILLED = {"current_days": 7, "reference_days": 28, "minimum_sample": 50, "interval_minutes": 30}


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def checked(measure: str = "output_length", low: int = 500) -> DriftMonitor:
    """A monitor with one check, drifted unless `low` is 0."""
    monitor = make_monitor(make_use_case(make_team("legal")), measure)
    fill_windows(monitor.use_case, range(200), range(low, low + 200))
    checks.run_check(actor=SYSTEM, monitor_id=monitor.pk, now=NOW)
    return monitor


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_the_list_asks_the_same_number_of_queries_for_one_and_three() -> None:
    client = signed_in(make_person("safety"))
    checked()
    once = queries(client, "/drift/")
    for _ in range(2):
        checked()
    assert queries(client, "/drift/") == once <= 6


def test_the_page_asks_the_same_number_of_queries_for_one_check_and_three() -> None:
    client, monitor = signed_in(make_person("safety")), checked()
    once = queries(client, f"/drift/{monitor.pk}/")
    for hour in (1, 2):
        now = NOW + timedelta(hours=hour)
        checks.run_check(actor=SYSTEM, monitor_id=monitor.pk, now=now)
    assert queries(client, f"/drift/{monitor.pk}/") == once <= 14


def test_the_list_shows_the_last_state_and_filters() -> None:
    client = signed_in(make_person("safety"))
    assert b"Make the first monitor" in client.get("/drift/").content
    monitor, unchecked = checked(), make_monitor()
    shown = client.get("/drift/").content.decode()
    assert 'class="badge bad"' in shown and "not checked yet" in shown
    for query, found in (
        ("state=drift", [monitor]),
        ("state=unchecked", [unchecked]),
        ("state=stable", []),
        ("measure=validation_failures", []),
        (f"use_case={monitor.use_case.slug}", [monitor]),
        ("state=nonsense&measure=x&page=x", [unchecked, monitor]),
    ):
        assert list(client.get(f"/drift/?{query}").context["page"]) == found
    assert b"No monitor fits." in client.get("/drift/?state=stable").content


def test_a_monitor_is_seen_within_reach_only() -> None:
    monitor = checked()
    url = f"/drift/{monitor.pk}/"
    mine = signed_in(make_person("owner", monitor.use_case.team))
    shown = mine.get(url)
    assert (shown.status_code, shown.context["form"]) == (200, None)
    assert b"Check now" not in shown.content
    stranger = signed_in(make_person("owner", make_team("support")))
    assert list(stranger.get("/drift/").context["page"]) == []
    assert stranger.get(url).status_code == stranger.get(f"{url}result/").status_code == 404
    assert signed_in(make_person("finance")).get("/drift/").status_code == 403


def test_an_ml_engineer_makes_a_monitor_in_a_form_that_keeps_what_was_typed() -> None:
    use_case, foreign = make_use_case(make_team("legal")), make_use_case(make_team("support"))
    client = signed_in(make_person("ml_engineer", use_case.team))
    filled = FILLED | {"use_case": use_case.pk, "measure": "validation_failures"}
    shown = client.get(f"/drift/new/?for={use_case.slug}").content.decode()
    assert f'<option value="{use_case.slug}" selected>' in shown and foreign.title not in shown
    wrong = client.post("/drift/new/", filled | {"minimum_sample": 3})
    assert (wrong.status_code, DriftMonitor.objects.count()) == (422, 0)
    assert "From 20 to 1000000 calls." in wrong.content.decode()
    assert 'value="3"' in wrong.content.decode()
    stolen = client.post("/drift/new/", filled | {"use_case": foreign.pk})
    assert (stolen.status_code, DriftMonitor.objects.count()) == (422, 0)
    made = client.post("/drift/new/", filled)
    monitor = DriftMonitor.objects.get()
    assert made.headers["location"] == f"/drift/{monitor.pk}/"
    assert (str(monitor.threshold), monitor.minimum_sample) == ("0.0500", 50)
    assert AuditEvent.objects.filter(action="drift_monitor.created").exists()
    assert client.post("/drift/new/", filled).status_code == 422
    assert b"Not checked yet." in client.get(f"/drift/{monitor.pk}/").content
    owner = signed_in(make_person("owner", use_case.team))
    assert owner.get("/drift/new/").status_code == 403


def test_the_chart_and_the_table_have_the_same_numbers() -> None:
    monitor = checked()
    client, url = signed_in(make_person("safety")), f"/drift/{monitor.pk}/"
    assert client.get(url).context["trend"] is None
    later = NOW + timedelta(hours=1)
    checks.run_check(actor=SYSTEM, monitor_id=monitor.pk, now=later)
    context = client.get(url).context
    charted = [trace["y"] for trace in context["figure"]["data"]]
    rows = context["bins"]
    assert charted == [
        [row.reference_share for row in rows],
        [row.current_share for row in rows],
    ]
    assert sum(row.reference for row in rows) == sum(row.current for row in rows) == 200
    assert [sum(one) for one in charted] == [pytest.approx(1), pytest.approx(1)]
    assert context["trend"]["data"][2]["y"] == [1.0, 1.0]
    assert context["trend"]["data"][0]["y"] == [0.1, 0.1]
    assert "drift, differs by 100.0% against 10.0%" in context["figure"]["layout"]["title"]["text"]


def test_shares_are_shown_with_their_intervals() -> None:
    use_case = make_use_case()
    monitor = make_monitor(use_case, "validation_failures")
    answer(use_case, [1] * 100, timedelta(days=10))
    answer(use_case, [1] * 80, timedelta(days=1))
    answer(use_case, [1] * 20, timedelta(days=1), refusal_code="output_contract_failed")
    checks.run_check(actor=SYSTEM, monitor_id=monitor.pk, now=NOW)
    shown = signed_in(make_person("safety")).get(f"/drift/{monitor.pk}/")
    assert shown.context["figure"]["data"][0]["y"] == [0.0, 0.2]
    assert "13.3% to 28.9%" in shown.content.decode()


def test_replayed_history_is_named() -> None:
    use_case = make_use_case()
    monitor = make_monitor(use_case)
    answer(use_case, range(40), timedelta(days=10), source="replayed", mode="replay")
    answer(use_case, range(30), timedelta(days=1))
    checks.run_check(actor=SYSTEM, monitor_id=monitor.pk, now=NOW)
    shown = signed_in(make_person("safety")).get(f"/drift/{monitor.pk}/").content.decode()
    assert "40 of the 40 calls in the reference window and 0 of the 30" in shown


def test_a_failed_check_and_an_empty_one_are_shown() -> None:
    monitor = make_monitor(measure="validation_failures")
    client = signed_in(make_person("safety"))
    check = checks.run_check(actor=SYSTEM, monitor_id=monitor.pk, now=NOW)
    assert check.sentence in client.get(f"/drift/{monitor.pk}/").content.decode()
    lost = services.request_check(actor=SYSTEM, monitor_id=monitor.pk, now=NOW)
    DriftCheck.objects.filter(pk=lost.pk).update(state="running", started_at=NOW)
    checks.run_due(now=NOW + timedelta(hours=1))
    later = client.get(f"/drift/{monitor.pk}/")
    assert (later.status_code, later.context["figure"]) == (200, None)
    assert "says nothing about drift" in later.content.decode()


def test_a_check_on_demand_shows_that_it_runs_until_it_is_done(
    django_capture_on_commit_callbacks: Any,
) -> None:
    monitor = make_monitor(now=timezone.now())
    client = signed_in(make_person("ml_engineer", monitor.use_case.team))
    url = f"/drift/{monitor.pk}/"
    assert b"hx-get" not in client.get(url).content
    assert client.get(f"{url}run/").status_code == 405
    with django_capture_on_commit_callbacks() as hints:
        assert client.post(f"{url}run/").status_code == 302
    assert len(hints) == 1
    check = monitor.checks.get()
    assert (check.state, check.requested_by is not None) == ("due", True)
    assert f'hx-get="{url}result/"'.encode() in client.get(url).content
    polled = client.get(f"{url}result/", headers={"hx-request": "true"})
    assert (polled.status_code, b"hx-trigger" in polled.content) == (200, True)
    tasks.run_check(check.pk)
    over = client.get(f"{url}result/", headers={"hx-request": "true"})
    assert (over.status_code, over.headers["HX-Retarget"]) == (286, "#result")
    assert b"Not enough data to say" in over.content and b"hx-trigger" not in over.content
    assert AuditEvent.objects.filter(action="drift_monitor.check_requested").count() == 1


def test_settings_are_changed_by_the_version_that_was_read() -> None:
    monitor = make_monitor()
    client = signed_in(make_person("ml_engineer", monitor.use_case.team))
    url = f"/drift/{monitor.pk}/change/"
    changed = FILLED | {"threshold": "0.2", "version": 1}
    assert client.post(url, changed | {"current_days": 400}).status_code == 422
    assert client.post(url, changed | {"threshold": "much"}).status_code == 422
    assert client.post(url, changed).status_code == 302
    monitor.refresh_from_db()
    assert (str(monitor.threshold), monitor.version) == ("0.2000", 2)
    late = client.post(url, changed | {"threshold": "0.3"})
    shown = late.content.decode()
    assert (late.status_code, "somebody changed this monitor" in shown) == (409, True)
    assert 'value="0.3"' in shown and 'name="version" value="2"' in shown
    assert client.post(url, changed | {"threshold": "0.3", "version": 2}).status_code == 302
    other = signed_in(make_person("ml_engineer", make_team("support")))
    assert other.post(url, changed).status_code == 404


def test_a_monitor_is_switched_off_and_on() -> None:
    monitor = make_monitor()
    client = signed_in(make_person("safety"))
    url = f"/drift/{monitor.pk}/switch/"
    for word, is_enabled in (("no", False), ("no", False), ("yes", True)):
        assert client.post(url, {"is_enabled": word}).status_code == 302
        monitor.refresh_from_db()
        assert monitor.is_enabled is is_enabled
    switched = AuditEvent.objects.filter(action__startswith="drift_monitor.switched")
    assert [one.action[-3:] for one in switched.order_by("at", "pk")] == ["off", "_on"]


def test_a_use_case_shows_its_monitors() -> None:
    monitor = checked()
    use_case = monitor.use_case
    panel = drift_panel(use_case, make_person("owner", use_case.team), NOW)
    assert [one.last_state for one in panel["monitors"]] == ["drift"]
    assert panel["may_manage"] is False
    assert drift_panel(use_case, make_person("finance"), NOW) == {}
    shown = signed_in(make_person("safety")).get(f"/use-cases/{use_case.slug}/").content.decode()
    assert f"/drift/{monitor.pk}/" in shown and f"/drift/new/?for={use_case.slug}" in shown
