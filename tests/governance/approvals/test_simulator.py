"""Who would have to sign this, and by when? The same code as the real opening, no writes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import Grant, User
from governance.approvals.delegation import delegate_signing
from governance.approvals.models import ApprovalPolicy, ChangeRequest, SignOffSlot
from governance.approvals.planning import simulate
from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.kernel.terms import RiskTier
from tests.factories.approvals import Board, make_board, make_change
from tests.factories.ledger import make_person, make_team

pytestmark = pytest.mark.django_db
JSON = "application/json"
PAGE = "/changes/policies/simulate/"
API = "/api/v1/approval-policies/simulate/"
STAGE = {"kind": "use_case_stage", "tier": "limited"}


@pytest.fixture
def board() -> Board:
    return make_board()


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def stand_in(board: Board, giver: str, taker: User) -> None:
    now = timezone.now()
    delegate_signing(
        actor=board.actor(giver),
        delegate=taker,
        permission="sign_board",
        starts_at=now,
        ends_at=now + timedelta(days=7),
        reason="Away",
        now=now,
    )


def ask(board: Board, role: str, **facts: Any) -> dict[str, Any]:
    answer = signed_in(board.people[role]).post(API, STAGE | facts, content_type=JSON)
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def test_it_says_what_the_real_opening_then_freezes(board: Board) -> None:
    make_person("board")
    now = timezone.now()
    outlook = simulate(
        kind="use_case_stage",
        tier=RiskTier.LIMITED,
        team=board.team,
        proposer=board.people["owner"],
        now=now,
    )
    change = make_change(board, tier="limited", now=now)
    frozen = [(one.permission, set(one.eligible.all())) for one in change.slots.all()]
    assert [(one.slot.permission, set(one.slot.people)) for one in outlook.slots] == frozen
    assert (outlook.due_at, outlook.policy, outlook.blocked) == (change.due_at, change.policy, "")


def test_it_writes_nothing(board: Board) -> None:
    client = signed_in(board.people["board"])
    tables = (ChangeRequest, SignOffSlot, AuditEvent, Notification, ApprovalPolicy)
    before = [table.objects.count() for table in tables]
    assert client.get(PAGE, STAGE).status_code == 200
    ask(board, "owner")
    assert [table.objects.count() for table in tables] == before


def test_the_proposer_is_left_out_and_what_is_missing_blocks(board: Board) -> None:
    told = ask(board, "board")
    me = {"id": board.people["board"].pk, "name": board.people["board"].name}
    slot = told["slots"][0]
    assert (slot["signs_as"], slot["eligible"], slot["left_out"]) == ("Board member", [], [me])
    assert "could sign as Board member" in told["blocked"]
    assert ask(board, "board", proposer=board.people["owner"].pk)["blocked"] == ""


def test_delegations_in_force_are_named_with_what_keeps_them(board: Board) -> None:
    deputy = make_person()
    stand_in(board, "board", deputy)
    slot = ask(board, "compliance")["slots"][0]
    (named,) = slot["stand_ins"]
    assert (named["delegate"]["id"], named["why_not"]) == (deputy.pk, "")
    proposed_by_them = ask(board, "compliance", proposer=deputy.pk)["slots"][0]["stand_ins"]
    assert proposed_by_them[0]["why_not"] == f"{deputy.name} proposes it."
    by_delegator = ask(board, "board")["slots"][0]["stand_ins"]
    assert "nobody signs in their place" in by_delegator[0]["why_not"]
    assert ask(board, "compliance")["slots"][1]["stand_ins"] == []
    User.objects.filter(pk=deputy.pk).update(is_active=False)
    assert ask(board, "compliance")["slots"][0]["stand_ins"] == []


def test_the_page_shows_people_due_time_and_who_is_left_out(board: Board) -> None:
    deputy = make_person()
    stand_in(board, "board", deputy)
    client = signed_in(board.people["compliance"])
    assert "Choose what would be proposed" in client.get(PAGE).content.decode()
    asked = STAGE | {"proposer": board.people["owner"].pk, "team": board.team.pk}
    shown = client.get(PAGE, asked).content.decode()
    assert f"waits for {board.people['board'].name}" in shown
    assert f"or {deputy.name} in the place of {board.people['board'].name}" in shown
    assert "after 40 working hours" in shown and 'role="alert"' not in shown
    mine = client.get(PAGE, STAGE).content.decode()
    assert "nobody who could" in mine and f"not {board.people['compliance'].name}" in mine
    assert "Nothing could be opened: nobody without a conflict" in mine


def test_what_no_policy_covers_is_said(board: Board) -> None:
    ApprovalPolicy.objects.filter(**STAGE).update(active=False)
    client = signed_in(board.people["board"])
    assert "no approval policy covers" in client.get(PAGE, STAGE).content.decode()
    refused = client.post(API, STAGE, content_type=JSON)
    assert refused.status_code == 409


@pytest.mark.parametrize(
    "wrong", [{"kind": "weather"}, {"tier": "unacceptable"}, {"proposer": "0"}, {"team": "0"}]
)
def test_what_does_not_exist_is_refused_beside_its_field(
    board: Board, wrong: dict[str, str]
) -> None:
    client = signed_in(board.people["owner"])
    page = client.get(PAGE, STAGE | wrong)
    assert page.status_code == 422 and "Select a valid choice" in page.content.decode()
    assert client.post(API, STAGE | wrong, content_type=JSON).status_code in (400, 404)


def test_a_team_out_of_reach_is_not_there(board: Board) -> None:
    other = make_team()
    client = signed_in(board.people["owner"])
    assert client.get(PAGE, STAGE | {"team": other.pk}).status_code == 422
    facts = STAGE | {"team": other.slug}
    assert client.post(API, facts, content_type=JSON).status_code == 404
    assert ask(board, "owner", team=board.team.slug)["blocked"] == ""


def test_only_who_sees_changes_may_ask(board: Board) -> None:
    stranger = signed_in(make_person())
    assert stranger.get(PAGE).status_code == 403
    assert stranger.post(API, STAGE, content_type=JSON).status_code == 403


def test_constant_queries(board: Board) -> None:
    client = signed_in(board.people["compliance"])

    def count() -> int:
        client.get(PAGE, STAGE)
        with CaptureQueriesContext(connection) as queries:
            client.get(PAGE, STAGE)
        return len(queries)

    stand_in(board, "board", make_person())
    with_one = count()
    for number in range(2):
        board.people[f"more{number}"] = make_person("board")
        stand_in(board, f"more{number}", make_person())
    assert Grant.objects.filter(role="board").count() == 3
    assert count() == with_one
