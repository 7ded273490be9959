"""Drift over the API, and its part of the audit pack."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.audit.registries import PackScope, evidence_sections
from governance.kernel.authority import Actor
from governance.kernel.canonical import canonical_bytes
from telemetry.drift import checks
from telemetry.drift.models import DriftMonitor
from tests.factories.drift import fill_windows, make_monitor
from tests.factories.ledger import NOW, make_person, make_team, make_use_case

pytestmark = pytest.mark.django_db
MONITORS = "/api/v1/drift-monitors/"
SYSTEM = Actor.system("test")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_an_ml_engineer_makes_runs_and_reads() -> None:
    use_case = make_use_case(make_team("legal"))
    client = signed_in(make_person("ml_engineer", use_case.team))
    asked = {"use_case": use_case.slug, "measure": "output_length", "threshold": "0.15"}
    made = client.post(MONITORS, asked, "application/json")
    assert (made.status_code, made.json()["threshold"]) == (201, "0.1500")
    url = f"{MONITORS}{made.json()['id']}/"
    started = client.post(f"{url}run/")
    assert (started.status_code, started.json()["state"]) == (202, "due")
    checks.carry_out(check_id=started.json()["id"], now=NOW)
    read = client.get(f"/api/v1/drift-checks/{started.json()['id']}/").json()
    assert (read["state"], read["current_count"]) == ("insufficient_data", 0)
    assert "20" not in read["sentence"] and "100 are missing" in read["sentence"]
    listed = client.get(f"{url}checks/").json()["results"]
    assert [one["id"] for one in listed] == [read["id"]]
    shown = client.get(url).json()
    assert (shown["last_state"], shown["since"][:10]) == ("insufficient_data", f"{NOW:%Y-%m-%d}")
    assert AuditEvent.objects.filter(action="drift_monitor.check_requested").count() == 1


def test_bad_input_is_named_by_field() -> None:
    use_case = make_use_case()
    client = signed_in(make_person("safety"))
    asked = {"use_case": use_case.slug, "measure": "output_length"}
    for wrong in ({"use_case": "nowhere"}, {"measure": "mood"}, {"current_days": 1000}):
        answer = client.post(MONITORS, asked | wrong, "application/json")
        assert (answer.status_code, list(answer.json()["errors"])) == (400, list(wrong))
    assert client.post(MONITORS, asked, "application/json").status_code == 201
    assert client.post(MONITORS, asked, "application/json").status_code == 400
    assert DriftMonitor.objects.count() == 1


def test_a_change_names_the_version_that_was_read() -> None:
    monitor = make_monitor()
    client = signed_in(make_person("safety"))
    url = f"{MONITORS}{monitor.pk}/"
    tag = client.get(url).headers["ETag"]
    change = {"current_days": 3, "is_enabled": False}
    without = client.patch(url, change, "application/json")
    assert (without.status_code, without.json()["code"]) == (400, "version_required")
    sent = client.patch(url, change, "application/json", headers={"If-Match": tag})
    assert (sent.json()["current_days"], sent.json()["is_enabled"]) == (3, False)
    late = client.patch(url, change, "application/json", headers={"If-Match": tag})
    assert (late.status_code, late.json()["code"]) == (409, "conflict")


def test_reach_and_roles() -> None:
    monitor = make_monitor(make_use_case(make_team("legal")))
    check = checks.run_check(actor=SYSTEM, monitor_id=monitor.pk, now=NOW)
    urls = [f"{MONITORS}{monitor.pk}/", f"{MONITORS}{monitor.pk}/checks/"]
    urls.append(f"/api/v1/drift-checks/{check.pk}/")
    stranger = signed_in(make_person("ml_engineer", make_team("support")))
    assert [stranger.get(url).status_code for url in urls] == [404, 404, 404]
    assert stranger.post(f"{urls[0]}run/").status_code == 404
    assert stranger.get(MONITORS).json()["results"] == []
    foreign = {"use_case": monitor.use_case.slug, "measure": "validation_failures"}
    assert stranger.post(MONITORS, foreign, "application/json").status_code == 400
    owner = signed_in(make_person("owner", monitor.use_case.team))
    assert [owner.get(url).status_code for url in urls] == [200, 200, 200]
    assert owner.post(f"{urls[0]}run/").status_code == 403
    assert signed_in(make_person("finance")).get(MONITORS).status_code == 403


def test_the_list_filters_and_asks_the_same_number_of_queries_for_one_and_three() -> None:
    client = signed_in(make_person("safety"))

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(MONITORS).status_code == 200
        return len(captured)

    checks.run_check(actor=SYSTEM, monitor_id=make_monitor().pk, now=NOW)
    once = queries()
    for _ in range(2):
        checks.run_check(actor=SYSTEM, monitor_id=make_monitor().pk, now=NOW)
    assert queries() == once
    assert len(client.get(f"{MONITORS}?state=insufficient_data").json()["results"]) == 3
    assert client.get(f"{MONITORS}?state=drift").json()["results"] == []


def test_evidence_has_exactly_its_columns_and_is_canonical() -> None:
    monitor = make_monitor()
    fill_windows(monitor.use_case, range(100), range(50, 150))
    checks.run_check(actor=SYSTEM, monitor_id=monitor.pk, now=NOW)
    section = evidence_sections["drift_checks"]
    scope = PackScope(NOW, NOW + timedelta(days=1), monitor.use_case.team_id)
    (row,) = section.rows(scope)
    assert tuple(row) == section.columns
    assert (row["state"], row["effect"], row["use_case"]) == (
        "drift",
        "0.5",
        monitor.use_case.slug,
    )
    assert canonical_bytes(row)
    elsewhere = PackScope(scope.starts_at, scope.ends_at, make_team("other").pk)
    before = PackScope(NOW - timedelta(days=2), NOW, monitor.use_case.team_id)
    assert list(section.rows(elsewhere)) == list(section.rows(before)) == []
