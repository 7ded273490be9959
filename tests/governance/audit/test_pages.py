"""The pages and the API of the log and its packs."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from governance.access.models import User
from governance.audit import packs, services
from governance.audit.models import AuditEvent, AuditPack
from governance.audit.services import record
from governance.kernel.authority import Actor
from tests.factories.audit import ask_for, built, make_events
from tests.factories.ledger import make_person, make_team

HTMX = {"HX-Request": "true"}
API = "/api/v1/audit/packs/"
JSON = "application/json"


@pytest.fixture
def compliance(client: Client) -> User:
    person = make_person("compliance")
    client.force_login(person)
    return person


def _text(response: Any) -> str:
    return " ".join(response.content.decode().split())


@pytest.mark.django_db
def test_a_pack_is_asked_for_by_page(client: Client, compliance: User) -> None:
    team = make_team("legal")
    form = reverse("audit:request-pack")
    shown = _text(client.get(form, {"period": "last-month"}))
    last = timezone.now().date().replace(day=1) - timedelta(days=1)
    assert f'value="{last}"' in shown and "The whole organisation" in shown
    wanted = {"starts_on": last.replace(day=1), "ends_on": last, "team": team.pk}
    answer = client.post(form, wanted)
    pack = AuditPack.objects.get()
    assert answer["Location"] == reverse("audit:pack", args=[pack.pk])
    assert (pack.team_id, pack.last_day, pack.requested_by) == (team.pk, last, compliance)
    assert AuditEvent.objects.filter(action="audit_pack.requested").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"ends_on": "31.12.2025"}, "Write the day as year-month-day"),
        ({"ends_on": ""}, "This field is required."),
        ({"ends_on": "2025-12-01"}, "The last day lies before the first."),
        ({"ends_on": "9999-12-31"}, "This year is out of range."),
        ({"ends_on": "9998-12-31"}, "This day has not come yet"),
        ({"ends_on": "2026-01-31", "team": "777"}, "Select a valid choice"),
    ],
)
def test_what_does_not_fit_is_told_beside_it_and_kept(
    client: Client, compliance: User, typed: dict[str, str], sentence: str
) -> None:
    wanted = {"starts_on": "2026-01-01", "team": ""} | typed
    answer = client.post(reverse("audit:request-pack"), wanted)
    assert answer.status_code == 422
    shown = _text(answer)
    assert sentence in shown
    assert 'value="2026-01-01"' in shown
    if typed["ends_on"]:
        assert f'value="{typed["ends_on"]}"' in shown
    assert not AuditPack.objects.exists()


@pytest.mark.django_db
def test_who_may_what(client: Client) -> None:
    team = make_team("legal")
    everything, of_team = ask_for(), ask_for(team.pk)
    client.force_login(make_person("owner", team))
    shown = _text(client.get(reverse("audit:index")))
    assert str(of_team.pk) in shown and str(everything.pk) not in shown
    assert "Build a pack" not in shown
    assert client.get(reverse("audit:pack", args=[everything.pk])).status_code == 404
    assert client.get(f"{API}{everything.pk}/").status_code == 404
    mine = _text(client.get(reverse("audit:pack", args=[of_team.pk])))
    assert "It waits for a worker." in mine and "Cancel" not in mine
    assert [one["id"] for one in client.get(API).json()["results"]] == [str(of_team.pk)]
    for name in ("audit:cancel", "audit:download"):
        assert client.post(reverse(name, args=[of_team.pk])).status_code == 403
    assert client.get(reverse("audit:request-pack")).status_code == 403
    assert client.post(API, {}, JSON).status_code == 403
    assert client.post(f"{API}{of_team.pk}/cancel/").status_code == 403
    assert client.get(f"{API}{of_team.pk}/download/").status_code == 403
    client.force_login(make_person("prompt_engineer", team))
    assert client.get(reverse("audit:index")).status_code == 403
    assert client.get(API).status_code == 403


@pytest.mark.django_db
def test_the_page_shows_the_progress_and_stops_asking(client: Client, compliance: User) -> None:
    pack = ask_for()
    url = reverse("audit:pack", args=[pack.pk])
    packs.begin(pack_id=str(pack.pk), now=timezone.now())
    AuditPack.objects.update(steps_done=3, step_label="Calls", rows_done=120_000, steps_total=9)
    whole = _text(client.get(url))
    assert "Step 4 of 9: Calls, 120,000 rows so far" in whole
    assert 'hx-trigger="every 2s"' in whole and ">Refresh</a>" in whole
    polled = client.get(url, headers=HTMX)
    assert polled.status_code == 200 and "<html" not in _text(polled)
    packs.fail(pack_id=pack.pk, failure="There was no room left.", now=timezone.now())
    over = client.get(url, headers=HTMX)
    assert over.status_code == 286
    assert "hx-get" not in _text(over) and "There was no room left." in _text(over)


@pytest.mark.django_db
def test_a_pack_is_cancelled_by_page_and_by_api(client: Client, compliance: User) -> None:
    pack, other = ask_for(), ask_for()
    client.post(reverse("audit:cancel", args=[pack.pk]))
    assert client.post(f"{API}{other.pk}/cancel/").json()["state"] == "cancelled"
    assert {*AuditPack.objects.values_list("state", flat=True)} == {"cancelled"}
    again = client.post(reverse("audit:cancel", args=[pack.pk]))
    assert again.status_code == 409 and "not possible while this is cancelled" in _text(again)
    assert AuditEvent.objects.filter(action="audit_pack.cancelled").count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_pack_is_taken_by_page_and_by_api(client: Client, compliance: User) -> None:
    pack = ask_for()
    page, api = reverse("audit:download", args=[pack.pk]), f"{API}{pack.pk}/download/"
    assert client.post(page).status_code == client.get(api).status_code == 409
    built(pack)
    for answer in (client.post(page), client.get(api)):
        content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]  # a file
        assert answer["Content-Type"] == "application/zip"
        assert "verify.py" in zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert AuditEvent.objects.filter(action="audit_pack.downloaded").count() == 2
    assert pack.sha256 in _text(client.get(reverse("audit:pack", args=[pack.pk])))
    (packs.folder() / pack.file_name).unlink()
    assert client.get(api).status_code == 409


@pytest.mark.django_db
def test_a_pack_is_asked_for_by_api(client: Client, compliance: User) -> None:
    team, today = make_team("legal"), f"{timezone.now():%Y-%m-%d}"
    asked = {"starts_on": today, "ends_on": today, "team": "legal"}
    answer = client.post(API, asked, JSON)
    assert answer.status_code == 202
    found = client.get(answer["Location"]).json()
    assert found["id"] == answer.json()["id"]
    assert (found["state"], found["scope"]) == ("requested", team.name)
    assert (found["starts_on"], found["ends_on"]) == (today, today)
    for wrong, field in (
        (asked | {"team": "nobody"}, "team"),
        (asked | {"ends_on": "2999-01-01"}, "ends_on"),
        (asked | {"ends_on": "9999-12-31"}, "ends_on"),
        ({"ends_on": today}, "starts_on"),
    ):
        refused = client.post(API, wrong, JSON)
        assert (refused.status_code, [*refused.json()["errors"]]) == (400, [field])
    assert AuditPack.objects.count() == 1


def _queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["/audit/", API, "/audit/events/", "/api/v1/audit/events/"])
def test_a_list_asks_as_often_for_three_as_for_one(
    client: Client, compliance: User, url: str
) -> None:
    ask_for()
    client.get(url)
    one = _queries(client, url)
    ask_for(make_team().pk)
    ask_for(make_team().pk)
    services.sequence(now=timezone.now())
    ask_for()
    assert _queries(client, url) == one


@pytest.fixture
def events(compliance: User) -> Iterator[None]:
    """Two teams made by the system, and an evil name written by compliance."""
    make_events(2)
    services.sequence(now=timezone.now())
    with transaction.atomic():
        record(
            actor=Actor.person(compliance),
            action="organisation.created",
            subject=make_team("=1+1"),
            now=timezone.now() - timedelta(days=40),
        )
    yield


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, 3),
        ({"action": "team.created"}, 2),
        ({"actor": "Person"}, 1),
        ({"since": "{today}"}, 2),
        ({"until": "{yesterday}"}, 1),
        ({"since": "{today}", "actor": "Person"}, 0),
        ({"subject_type": "access.Team", "subject_id": "0"}, 0),
    ],
)
def test_events_are_narrowed_alike_on_the_page_in_the_file_and_by_api(
    client: Client, events: None, query: dict[str, str], found: int
) -> None:
    today = timezone.now().date()
    days = {"today": today, "yesterday": today - timedelta(days=1)}
    query = {name: value.format(**days) for name, value in query.items()}
    page = client.get("/audit/events/", query)
    assert len(page.context["events"]) == found
    assert len(client.get("/api/v1/audit/events/", query).json()["results"]) == found
    answer = client.get("/audit/events/", query | {"format": "csv"})
    assert answer["Content-Type"].startswith("text/csv")
    text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]  # streamed
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [one["id"] for one in rows] == [str(one.pk) for one in page.context["events"]]
    assert all(not one["subject"].startswith("=") for one in rows)


@pytest.mark.django_db
def test_a_day_that_is_none_is_told_and_narrows_nothing(client: Client, events: None) -> None:
    page = client.get("/audit/events/", {"since": "yesterday", "actor": "Person"})
    shown = _text(page)
    assert "Write the day as year-month-day" in shown and 'value="yesterday"' in shown
    assert len(page.context["events"]) == 1
    refused = client.get("/api/v1/audit/events/", {"since": "yesterday"})
    assert (refused.status_code, [*refused.json()["errors"]]) == (400, ["since"])


@pytest.mark.django_db
def test_an_event_links_its_proof_and_the_proof_holds(client: Client, events: None) -> None:
    logged = AuditEvent.objects.filter(action="team.created").first()
    assert logged is not None
    shown = _text(client.get(reverse("audit:event", args=[logged.pk])))
    proof = reverse("api-audit-proof", args=[logged.pk])
    assert proof in shown
    assert client.get(proof).json()["index"] == logged.leaf.index
    waiting = AuditEvent.objects.get(action="organisation.created")
    shown = _text(client.get(reverse("audit:event", args=[waiting.pk])))
    assert "waits for the next checkpoint" in shown
