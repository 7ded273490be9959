"""The list and the page of a call: who sees what, at a constant number of queries."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor
from telemetry.ledger import seals
from telemetry.ledger.services import decide_call
from tests.factories.ledger import NOW, make_call, make_person, make_settled, make_use_case

pytestmark = pytest.mark.django_db
MOST_QUERIES = 10


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_the_list_asks_the_same_number_of_queries_for_one_and_three() -> None:
    client = signed_in(make_person("board"))
    make_settled()
    once = queries(client, "/calls/")
    for _ in range(2):
        make_settled()
    assert queries(client, "/calls/") == once <= MOST_QUERIES


def test_the_list_says_what_it_is_for_while_it_is_empty() -> None:
    assert b"None has been made yet" in signed_in(make_person("board")).get("/calls/").content


def test_filters_narrow_and_survive_nonsense() -> None:
    delivered, held = make_settled(), make_settled(outcome="hold")
    client = signed_in(make_person("board"))
    shown = client.get("/calls/?state=held").content.decode()
    assert str(held.pk) in shown
    assert str(delivered.pk) not in shown
    shown = client.get(f"/calls/?use_case={delivered.use_case.slug}&month=2026-11").content.decode()
    assert str(delivered.pk) in shown
    assert str(held.pk) not in shown
    assert b"No call fits" in client.get("/calls/?until=2020-01-01").content
    assert client.get("/calls/?state=x&since=x&month=x&before=x").status_code == 200


def test_pages_go_on_where_the_last_one_ended() -> None:
    use_case = make_use_case()
    for _ in range(53):
        make_call(use_case)
    client = signed_in(make_person("board"))
    first = client.get("/calls/")
    second = client.get(f"/calls/?before={first.context['cursor']}")
    seen = [call.pk for page in (first, second) for call in page.context["calls"]]
    assert (len(seen), len(set(seen)), second.context["cursor"]) == (53, 53, "")


def test_a_team_sees_its_own_calls_only() -> None:
    mine, other = make_settled(), make_settled()
    client = signed_in(make_person("owner", mine.team))
    assert client.get(f"/calls/{mine.pk}/").status_code == 200
    assert client.get(f"/calls/{other.pk}/").status_code == 404
    assert signed_in(make_person("reviewer")).get("/calls/").status_code == 403


def test_the_page_shows_the_way_the_cost_and_no_body() -> None:
    trail = [
        {"stage": "admit", "started_ms": 0, "took_ms": 2, "outcome": "passed", "note": ""},
        {"stage": "invoke", "started_ms": 2, "took_ms": 90, "outcome": "passed", "note": "GPT"},
    ]
    call = make_settled(
        text="forty-two",
        stage_trail=trail,
        redactions={"EMAIL_ADDRESS": 2},
        price_snapshot={"input": "2.5", "output": "10", "per_call": "0", "currency": "USD"},
        amount="0.00035",
    )
    shown = signed_in(make_person("board")).get(f"/calls/{call.pk}/").content.decode()
    assert "forty-two" not in shown
    assert "EMAIL ADDRESS" in shown or "EMAIL_ADDRESS" in shown
    assert "100 input × 2.5 ÷ 1,000,000 = 0.00025" in shown
    assert "0.000350000 USD" in shown
    assert "invoke" in shown


def test_finance_sees_cost_and_not_the_pipeline() -> None:
    call = make_settled(redactions={"EMAIL_ADDRESS": 2})
    shown = signed_in(make_person("finance")).get(f"/calls/{call.pk}/").content.decode()
    assert "Cost:" in shown
    assert "EMAIL_ADDRESS" not in shown
    assert "Open bodies" not in shown


def test_bodies_open_by_an_explicit_post_that_is_audited() -> None:
    call = make_settled(text="forty-two")
    client = signed_in(make_person("data_steward"))
    assert b"forty-two" not in client.get(f"/calls/{call.pk}/").content
    assert client.get(f"/calls/{call.pk}/bodies/").status_code == 302
    response = client.post(f"/calls/{call.pk}/bodies/")
    assert b"forty-two" in response.content
    assert "no-store" in response.headers["Cache-Control"]
    assert AuditEvent.objects.filter(action="call.bodies_opened").count() == 1
    colleague = signed_in(make_person("owner", call.team))
    assert colleague.post(f"/calls/{call.pk}/bodies/").status_code == 403


def test_a_sealed_call_has_its_proof() -> None:
    call = make_settled()
    client = signed_in(make_person("board"))
    assert client.get(f"/calls/{call.pk}/proof/").status_code == 409
    seals.seal_settled(now=NOW)
    assert client.get(f"/calls/{call.pk}/proof/").json()["count"] == 1


def test_the_use_case_page_shows_its_latest_calls_and_cost() -> None:
    call = make_settled()
    shown = signed_in(make_person("board")).get(f"/use-cases/{call.use_case.slug}/")
    assert f"/calls/{call.pk}/" in shown.content.decode()
    assert b"No budget covers it this month" in shown.content


def test_what_people_did_with_a_call_stands_on_its_page() -> None:
    call = make_settled(outcome="hold")
    decide_call(call=call, verdict="rejected", actor=Actor.system("test"), now=NOW)
    shown = signed_in(make_person("board")).get(f"/calls/{call.pk}/").content.decode()
    assert "rejected the held answer" in shown
