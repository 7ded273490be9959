"""Playbooks and incidents over the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from governance.access.models import User
from governance.audit.models import AuditEvent
from governance.incidents.models import Incident
from tests.factories.incidents import Watch, make_incident, make_watch
from tests.factories.ledger import make_person

pytestmark = pytest.mark.django_db
JSON = "application/json"
V1 = "/api/v1"


@pytest.fixture
def watch() -> Watch:
    return make_watch()


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def send(client: Client, path: str, status: int, **body: Any) -> Any:
    answer = client.post(f"{V1}{path}", body, JSON)
    assert answer.status_code == status, answer.content
    return answer.json()


def declared(watch: Watch, **changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "title": "Wrong dose named",
        "description": "Ten times the dose.",
        "severity": "high",
        "playbook": "safety-breach",
        "facts": ["serious"],
    }
    return facts | changes


def test_playbooks_are_listed_with_their_clocks(watch: Watch) -> None:
    client = signed_in(watch.people["reviewer"])
    listed = client.get(f"{V1}/playbooks/").json()["results"]
    assert len(listed) == 6
    one = client.get(f"{V1}/playbooks/data-leakage/").json()
    hours = {clock["code"]: clock["hours"] for clock in one["clocks"]}
    assert hours == {"gdpr_33": 72, "aia_73_2": 360, "aia_73_3": 48, "aia_73_4": 240}
    assert client.get(f"{V1}/playbooks/nonsense/").status_code == 404
    assert signed_in(make_person()).get(f"{V1}/playbooks/").status_code == 403


def test_an_incident_is_declared_and_worked_through(watch: Watch) -> None:
    made = send(signed_in(watch.people["reviewer"]), "/incidents/", 201, **declared(watch))
    safety, url = signed_in(watch.people["safety"]), f"/incidents/{made['id']}/"
    assert [one["standing"] for one in made["clocks"]] == ["running"]
    send(safety, f"{url}transitions/", 200, action="confirm")
    target = {"kind": "kill_switch", "target_id": watch.use_case.pk, "reason": "Doses"}
    contained = send(safety, f"{url}containments/", 201, **target)
    undo = f"{url}containments/{contained['containments'][0]['id']}/undo/"
    for step in made["steps"]:
        send(safety, f"{url}steps/{step['id']}/", 200, outcome="done")
    for action in ("contain", "resolve"):
        send(safety, f"{url}transitions/", 200, action=action)
    assert "words" in send(safety, f"{url}transitions/", 400, action="review")["errors"]
    send(safety, f"{url}transitions/", 200, action="review", words="No unit was named.")
    assert send(safety, undo, 200, reason="Solved.")["containments"][0]["undone_at"]
    send(safety, undo, 409, reason="again")
    facts = {"severity": "critical", "facts": ["death"], "reason": "Somebody died."}
    classified = send(safety, f"{url}classification/", 200, **facts)
    assert classified["clocks_running"] == 2
    for clock in classified["clocks"]:
        meet = f"{url}clocks/{clock['id']}/meet/"
        met = send(signed_in(watch.people["compliance"]), meet, 200, note="Reference 4711")
    assert met["clocks_running"] == 0
    added = send(safety, f"{url}actions/", 201, text="Name the unit.", due_on="2099-01-31")
    action_url = f"{url}actions/{added['actions'][0]['id']}/"
    refused = send(safety, f"{url}transitions/", 409, action="close")
    assert "an owner for 1 actions" in refused["title"]
    finance = watch.people["finance"]
    send(safety, f"{action_url}assign/", 200, owner=finance.pk, due_on="2099-02-28")
    assert send(safety, f"{url}transitions/", 200, action="close")["state"] == "closed"
    done = send(signed_in(finance), f"{action_url}done/", 200, note="Version 4")
    assert done["actions"][0]["done_note"] == "Version 4"
    again = send(safety, f"{url}transitions/", 200, action="reopen", words="It came back.")
    assert (again["state"], again["closed_at"]) == ("confirmed", None)
    commander = {"commander": watch.people["second"].pk, "reason": "Shift"}
    handed = send(safety, f"{url}commander/", 200, **commander)
    assert handed["commander"] == watch.people["second"].pk
    assert AuditEvent.objects.filter(action="incident.close").count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"severity": "dire"}, "severity"),
        ({"playbook": "nonsense"}, "playbook"),
        ({"use_case": "nonsense"}, "use_case"),
        ({"facts": ["boredom"]}, "facts"),
        ({"aware_at": "2099-01-01T00:00:00Z"}, "aware_at"),
    ],
)
def test_a_declaration_says_what_does_not_fit(
    watch: Watch, changes: dict[str, Any], field: str
) -> None:
    client = signed_in(watch.people["safety"])
    refused = send(client, "/incidents/", 400, **declared(watch, **changes))
    assert field in refused["errors"]
    assert not Incident.objects.exists()


def test_a_use_case_out_of_reach_cannot_be_named(watch: Watch) -> None:
    named = declared(watch, use_case=watch.use_case.slug)
    send(signed_in(watch.people["reviewer"]), "/incidents/", 400, **named)
    made = send(signed_in(watch.people["safety"]), "/incidents/", 201, **named)
    assert made["use_case"] == watch.use_case.slug


def test_wrong_roles_and_wrong_parts_are_refused(watch: Watch) -> None:
    one, other = (make_incident(watch, facts=["death"]) for _ in range(2))
    url, clock, foreign = f"/incidents/{one.pk}/", one.clocks.get(), other.clocks.get()
    board, safety = signed_in(watch.people["board"]), signed_in(watch.people["safety"])
    body = {"action": "confirm", "note": "x", "reason": "x"}
    for path in ("transitions/", f"clocks/{clock.pk}/meet/", "actions/", "containments/"):
        send(board, f"{url}{path}", 403, **body)
    send(safety, f"{url}clocks/{foreign.pk}/meet/", 404, **body)
    send(safety, f"{url}steps/999999/", 404, outcome="done")
    send(safety, "/incidents/999999/transitions/", 404, **body)
    send(safety, f"{url}transitions/", 400, action="vanish")
    send(safety, f"{url}transitions/", 409, action="close")
    kind = {"kind": "magic", "target_id": 1, "reason": "x"}
    assert "kind" in send(safety, f"{url}containments/", 400, **kind)["errors"]
    unknown = {"kind": "kill_switch", "target_id": 999_999, "reason": "x"}
    send(safety, f"{url}containments/", 409, **unknown)
    waive = f"{url}clocks/{clock.pk}/waive/"
    send(signed_in(watch.people["second"]), waive, 200, reason="Nobody died.")
    send(board, "/incidents/", 201, **declared(watch))
    send(signed_in(make_person()), "/incidents/", 403, **declared(watch))


def test_the_list_is_filtered(watch: Watch) -> None:
    quiet, urgent = make_incident(watch), make_incident(watch, facts=["death"])
    client = signed_in(watch.people["board"])

    def ids(query: str) -> list[int]:
        return [one["id"] for one in client.get(f"{V1}/incidents/{query}").json()["results"]]

    assert ids("") == [urgent.pk, quiet.pk]
    assert ids("?show=due") == [urgent.pk]
    assert ids("?show=closed") == []
    assert client.get(f"{V1}/incidents/?show=nonsense").status_code == 400
