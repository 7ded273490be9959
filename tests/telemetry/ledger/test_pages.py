"""The list and the page of a call: who sees what, at a constant number of queries."""

from __future__ import annotations

import csv
import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance.access.models import Grant, User
from governance.audit.models import AuditEvent
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import NotAllowed
from telemetry.ledger import exporting, seals
from telemetry.ledger.models import Call
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


def listed(client: Client, query: str) -> set[str]:
    return {str(call.pk) for call in client.get(f"/calls/?{query}").context["calls"]}


def test_every_filter_finds_its_call_and_not_the_other() -> None:
    finding = {"code": "prompt_injection", "stage": "screen input", "detail": "rule ignore"}
    sought = make_settled(
        outcome="hold",
        amount="2",
        findings=[finding],
        hold_reason="A finding.",
        sensitivity="regulated",
        latency_ms=900,
        end_user_hash="a" * 64,
        prompt_label="Licence check v3",
        release_id=7,
        prompt_version_id=8,
        refusal_code="lost",
        is_cached=True,
    )
    other = make_settled(latency_ms=100, sensitivity="internal")
    client = signed_in(make_person("board"))
    queries_of_one = [
        "finding=prompt_injection",
        "finding=any",
        "held=yes",
        "cached=yes",
        "sensitivity=regulated",
        "slower=500",
        "dearer=1.5",
        f"end_user={'A' * 64}",
        "prompt=licence+check",
        "release=7",
        "version=8",
        "refusal=lost",
        f"team={sought.team.slug}",
        f"deployment={sought.deployment.slug if sought.deployment else ''}",
    ]
    for query in queries_of_one:
        assert listed(client, query) == {str(sought.pk)}, query
    assert listed(client, "faster=500") == listed(client, "cheaper=1") == {str(other.pk)}
    assert listed(client, "mode=internal") == set()
    nonsense = (
        "release=x&slower=-1&dearer=NaN&cheaper=1e99&end_user=zz&version=99999999999999999999"
    )
    assert listed(client, nonsense) == {str(sought.pk), str(other.pk)}


def test_the_live_list_asks_again_and_a_page_further_down_does_not() -> None:
    client = signed_in(make_person("board"))
    make_settled()
    assert b"data-live" not in client.get("/calls/").content
    shown = client.get("/calls/?live=1&state=delivered")
    assert b'hx-get="/calls/?live=1&amp;state=delivered"' in shown.content
    assert b"data-live" not in client.get("/calls/?live=1&before=x").content
    fragment = client.get("/calls/?live=1", headers={"HX-Request": "true"})
    assert b"<form" not in fragment.content


def test_what_the_live_list_asks_for_is_few_and_constant() -> None:
    client = signed_in(make_person("board"))
    fragment = {"HX-Request": "true"}

    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/calls/?live=1", headers=fragment).status_code == 200
        return len(captured)

    make_settled()
    once = asked()
    for _ in range(2):
        make_settled()
    assert asked() == once < queries(client, "/calls/?live=1")


def lines_of(client: Client, path: str) -> list[str]:
    reply = client.get(path)
    assert reply.status_code == 200
    return b"".join(reply.streaming_content).decode().splitlines()  # type: ignore[attr-defined]


def test_both_files_hold_what_the_list_shows_and_no_formula() -> None:
    call = make_settled(outcome="hold", task_id="=1+1", hold_reason="@SUM(A1)")
    make_settled()
    client = signed_in(make_person("board"))
    head, row = csv.DictReader(lines_of(client, "/calls/calls.csv?state=held")), None
    for row in head:
        assert (row["id"], row["task_id"], row["hold_reason"]) == (
            str(call.pk),
            "'=1+1",
            "'@SUM(A1)",
        )
    assert row is not None
    (line,) = lines_of(client, "/calls/calls.jsonl?state=held")
    exact = json.loads(line)
    assert (exact["task_id"], exact["cost"]) == ("=1+1", "0.500000000")
    assert "the answer" not in line


def test_a_file_holds_no_more_than_its_reader_sees() -> None:
    mine, other = make_settled(findings=[{"code": "x"}]), make_settled()
    owner = signed_in(make_person("owner", mine.team))
    assert str(other.pk) not in "".join(lines_of(owner, "/calls/calls.jsonl"))
    finance = signed_in(make_person("finance"))
    # A filter that says more than the list does narrows nothing.
    narrowed = lines_of(finance, "/calls/calls.jsonl?finding=x")
    assert len(narrowed) == 2
    assert "findings" not in json.loads(narrowed[0])
    assert signed_in(make_person("reviewer")).get("/calls/calls.csv").status_code == 403


def test_a_file_breaks_off_when_the_role_is_taken_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "ROWS_PER_CHUNK", 1)
    make_settled()
    person = make_person("board")
    rows = exporting.as_json_lines(Call.objects.all(), person, only_cost=False)
    person.reach(Permission.CALL_VIEW)
    Grant.objects.filter(user=person).update(revoked_at=NOW)
    with pytest.raises(NotAllowed):
        list(rows)
