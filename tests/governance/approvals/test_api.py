"""Changes, approvals and conditions over the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.access.models import User
from governance.approvals.models import ChangeRequest
from governance.audit.models import AuditEvent
from tests.factories.approvals import Board, make_approval, make_assessable, make_board, make_change
from tests.factories.ledger import make_person, make_team

pytestmark = pytest.mark.django_db
JSON = "application/json"
V1 = "/api/v1"


@pytest.fixture
def board() -> Board:
    return make_board()


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def send(client: Client, path: str, status: int, **body: Any) -> Any:
    answer = client.post(f"{V1}{path}", body, JSON)
    assert answer.status_code == status, answer.content
    return answer.json()


def test_a_change_is_opened_decided_and_stands(board: Board) -> None:
    owner, member = signed_in(board.people["owner"]), signed_in(board.people["board"])
    facts: dict[str, Any] = {
        "kind": "use_case_stage",
        "subject_id": make_assessable(board).pk,
        "proposal": {"target": "assessed"},
    }
    opened = send(owner, "/change-requests/", 201, reason="It pays.", **facts)
    assert (opened["state"], opened["title"].split()[-1]) == ("open", "assessed")
    url = f"/change-requests/{opened['id']}/"
    said = send(member, f"{url}comments/", 201, text="Who trains them?")
    assert said["person"] == board.people["board"].pk
    condition = {"text": "Train.", "owner": board.people["owner"].pk, "due_on": "2099-01-31"}
    decided = send(
        member,
        f"{url}decisions/",
        201,
        outcome="approve_with_conditions",
        digest_seen=opened["digest"],
        conditions=[condition],
    )
    assert decided["state"] == "applied"
    standing = member.get(f"{V1}/approvals/").json()["results"]
    assert [(one["change"], one["conditions_open"]) for one in standing] == [(opened["id"], 1)]
    assert member.get(f"{V1}{url}comments/").json()["results"][0]["text"] == "Who trains them?"


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"kind": "model_card"}, 400, "kind"),
        ({"kind": "nonsense"}, 400, "kind"),
        ({"proposal": {"target": "production"}}, 400, None),
        ({"proposal": {}}, 400, None),
        ({"reason": ""}, 400, "reason"),
        ({"subject_id": 0}, 400, "subject_id"),
        ({"subject_id": 999_999}, 404, None),
    ],
)
def test_what_cannot_be_opened_says_why(
    board: Board, changes: dict[str, Any], status: int, field: str | None
) -> None:
    facts: dict[str, Any] = {
        "kind": "use_case_stage",
        "subject_id": make_assessable(board).pk,
        "proposal": {"target": "assessed"},
        "reason": "It pays.",
    }
    answer = send(
        signed_in(board.people["owner"]), "/change-requests/", status, **(facts | changes)
    )
    assert field is None or field in answer["errors"]
    assert not ChangeRequest.objects.exists()


def test_only_the_team_opens_and_only_the_proposer_takes_back(board: Board) -> None:
    facts: dict[str, Any] = {"kind": "use_case_stage", "proposal": {"target": "assessed"}}
    facts |= {"subject_id": make_assessable(board).pk, "reason": "x"}
    stranger = signed_in(make_person("owner", make_team()))
    send(stranger, "/change-requests/", 403, **facts)
    change = make_change(board)
    url = f"/change-requests/{change.pk}/"
    assert stranger.get(f"{V1}{url}").status_code == 404
    for verb in ("withdraw", "revise", "comments", "decisions"):
        body = {"reason": "x", "text": "x", "outcome": "approve", "digest_seen": change.digest}
        send(stranger, f"{url}{verb}/", 404, **body)
    send(signed_in(board.people["board"]), f"{url}withdraw/", 403)
    owner = signed_in(board.people["owner"])
    assert send(owner, f"{url}revise/", 200, reason="Better said.")["revision"] == 2
    assert send(owner, f"{url}withdraw/", 200, reason="No longer.")["state"] == "withdrawn"
    send(owner, f"{url}withdraw/", 409)
    assert AuditEvent.objects.filter(action="change.moved", reason="No longer.").count() == 1


def test_an_old_digest_and_bad_input_are_refused(board: Board) -> None:
    change = make_change(board)
    member, url = signed_in(board.people["board"]), f"/change-requests/{change.pk}/decisions/"
    send(member, url, 409, outcome="approve", digest_seen="0" * 64)
    reject = send(member, url, 400, outcome="reject", digest_seen=change.digest)
    assert "rationale" in reject["errors"]
    conditional = {"outcome": "approve_with_conditions", "digest_seen": change.digest}
    assert "condition" in send(member, url, 400, **conditional)["errors"]
    bad = [{"text": "x", "owner": 0, "due_on": "soon"}]
    assert "conditions" in send(member, url, 400, **conditional, conditions=bad)["errors"]
    send(signed_in(board.people["owner"]), url, 403, outcome="approve", digest_seen=change.digest)


def test_an_approval_is_suspended_resumed_and_revoked(board: Board) -> None:
    approval = make_approval(board)
    member, url = signed_in(board.people["board"]), f"/approvals/{approval.pk}/"
    assert "reason" in send(member, f"{url}suspend/", 400)["errors"]
    for verb, state in (("suspend", "suspended"), ("resume", "in_force"), ("revoke", "revoked")):
        ended = send(member, f"{url}{verb}/", 200, reason="So decided.")
        assert ended["state"] == state
    assert {one["label"] for one in ended["consequences"]} >= {"running releases"}
    send(member, f"{url}suspend/", 409, reason="x")
    assert AuditEvent.objects.filter(action="approval.revoke", reason="So decided.").count() == 1


def test_who_may_not_end_or_not_see_it(board: Board) -> None:
    url = f"/approvals/{make_approval(board).pk}/"
    send(signed_in(board.people["finance"]), f"{url}revoke/", 403, reason="x")
    stranger = signed_in(make_person("owner", make_team()))
    send(stranger, f"{url}revoke/", 404, reason="x")
    assert stranger.get(f"{V1}{url}").status_code == 404
    assert stranger.get(f"{V1}/approvals/").json()["results"] == []
    assert Client().get(f"{V1}/approvals/").status_code in (401, 403)


def test_approvals_are_narrowed(board: Board) -> None:
    approval = make_approval(board)
    client = signed_in(board.people["board"])

    def ids(query: str) -> list[int]:
        return [one["id"] for one in client.get(f"{V1}/approvals/?{query}").json()["results"]]

    assert ids("kind=use_case_stage") == [approval.pk]
    assert ids("kind=model_card") == ids("state=revoked") == ids("soon=true") == []
    refused = client.get(f"{V1}/approvals/?state=nonsense&kind=nonsense")
    assert refused.status_code == 400 and set(refused.json()["errors"]) == {"kind", "state"}


def test_conditions_are_listed_by_state_and_met_by_their_owner(board: Board) -> None:
    late = timezone.now().date() - timedelta(days=3)
    condition = make_approval(board, due_on=late).change.conditions.get()
    owner = signed_in(board.people["owner"])
    states = {
        state: len(owner.get(f"{V1}/conditions/?state={state}").json()["results"])
        for state in ("open", "overdue", "met", "")
    }
    assert states == {"open": 0, "overdue": 1, "met": 0, "": 1}
    assert owner.get(f"{V1}/conditions/?state=nonsense").status_code == 400
    url = f"/conditions/{condition.pk}/meet/"
    send(signed_in(board.people["board"]), url, 403, evidence="x")
    send(signed_in(make_person()), url, 404, evidence="x")
    assert "evidence" in send(owner, url, 400)["errors"]
    assert send(owner, url, 200, evidence="Protocol 12")["state"] == "met"
    send(owner, url, 409, evidence="again")
