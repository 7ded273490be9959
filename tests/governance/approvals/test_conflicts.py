"""Leaving a request for a conflict of interest, and asking others in one's stead."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import Organisation, User
from governance.access.services import grant_role
from governance.approvals import services
from governance.approvals.delegation import delegate_signing
from governance.approvals.hooks import sign_offs_waiting
from governance.approvals.models import ChangeRequest, DeclaredConflict
from governance.approvals.seating import slots_in_want
from governance.approvals.services import NewCondition
from governance.audit.models import AuditEvent
from governance.audit.registries import PackScope, evidence_sections
from governance.home.models import Notification
from governance.kernel.errors import Invalid, NotAllowed, PlacetError, WrongState
from tests.factories.approvals import (
    Board,
    ask,
    ask_two_board_members,
    decide,
    make_board,
    make_change,
)
from tests.factories.ledger import make_person

pytestmark = pytest.mark.django_db
JSON = "application/json"
BLOCKED = "This request is blocked: too few people are left who could sign as Board member."


@pytest.fixture
def board() -> Board:
    board = make_board()
    board.people["second"] = make_person("board")
    return board


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def declare(board: Board, role: str, change: ChangeRequest, **facts: Any) -> DeclaredConflict:
    more: dict[str, Any] = {"reason": "My brother sells it.", "now": timezone.now()}
    return services.declare_conflict(actor=board.actor(role), change_id=change.pk, **(more | facts))


def replan(board: Board, role: str, change: ChangeRequest, reason: str = "Go on.") -> list[User]:
    return services.replan(
        actor=board.actor(role), change_id=change.pk, reason=reason, now=timezone.now()
    )


def stand_in(board: Board, giver: str) -> None:
    board.people["deputy"], now = make_person(), timezone.now()
    delegate_signing(
        actor=board.actor(giver),
        delegate=board.people["deputy"],
        permission="sign_board",
        starts_at=now,
        ends_at=now + timedelta(days=7),
        reason="Away",
        now=now,
    )


def test_it_removes_the_person_from_all_slots_and_says_so(board: Board) -> None:
    change = make_change(board)
    declare(board, "board", change)
    change.refresh_from_db()
    assert board.people["board"].pk in change.conflicted
    (slot,) = change.slots.all()
    assert list(slot.eligible.all()) == [board.people["second"]]
    assert sign_offs_waiting(board.people["board"], timezone.now()) == []
    with pytest.raises(NotAllowed, match="declared a conflict"):
        decide(board, "board", change)
    event = AuditEvent.objects.get(action="change.conflict_declared")
    assert event.after is not None
    assert (event.reason, event.after["signatures_void"]) == ("My brother sells it.", 0)
    assert decide(board, "second", change).state == "applied"


def test_what_they_signed_is_void_with_its_conditions_and_the_slot_is_free(board: Board) -> None:
    ask_two_board_members()
    board.people["third"] = make_person("board")
    change = make_change(board)
    condition = NewCondition("Train.", board.people["owner"], date(2099, 1, 1))
    decide(board, "board", change, outcome="approve_with_conditions", conditions=[condition])
    Notification.objects.all().delete()
    declare(board, "board", change)
    assert change.decisions.get().is_void
    assert change.slots.filter(filled_by=None).count() == 2
    assert not change.conditions.exists()
    told = set(Notification.objects.values_list("user__name", flat=True))
    assert told == {board.people[role].name for role in ("second", "third")}
    decide(board, "second", change)
    assert decide(board, "third", change).state == "applied"


def test_who_stands_in_for_them_decides_nothing_and_what_they_decided_is_void(
    board: Board,
) -> None:
    ask_two_board_members()
    change = make_change(board)
    stand_in(board, "board")
    decide(board, "deputy", change)
    declare(board, "board", change)
    assert change.decisions.get().is_void
    with pytest.raises(NotAllowed):
        decide(board, "deputy", change)


def test_a_stand_in_in_conflict_leaves_whom_they_stand_in_for_their_say(board: Board) -> None:
    ask_two_board_members()
    change = make_change(board)
    stand_in(board, "board")
    decide(board, "deputy", change)
    declare(board, "deputy", change)
    with pytest.raises(NotAllowed, match="declared a conflict"):
        decide(board, "deputy", change)
    decide(board, "board", change)
    assert decide(board, "second", change).state == "applied"


def test_a_decision_that_was_not_favourable_stays(board: Board) -> None:
    change = make_change(board)
    decide(board, "board", change, outcome="abstain")
    declare(board, "board", change)
    assert not change.decisions.get().is_void


def test_it_holds_for_every_revision(board: Board) -> None:
    change = make_change(board)
    declare(board, "board", change)
    revised = services.revise(
        actor=board.actor("owner"), change_id=change.pk, reason="Better.", now=timezone.now()
    )
    assert board.people["board"].pk in revised.conflicted
    assert list(revised.slots.get().eligible.all()) == [board.people["second"]]


def test_who_cannot_declare(board: Board) -> None:
    change = make_change(board)
    with pytest.raises(NotAllowed, match="not asked to sign"):
        declare(board, "finance", change)
    with pytest.raises(WrongState, match="left out of this request already"):
        declare(board, "owner", change)
    with pytest.raises(Invalid) as refused:
        declare(board, "board", change, reason=" ")
    assert set(refused.value.fields) == {"reason"}
    decide(board, "board", change)
    with pytest.raises(WrongState, match="applied"):
        declare(board, "second", change)
    assert not DeclaredConflict.objects.exists()


def test_who_may_veto_may_declare_and_vetoes_nothing_then(board: Board) -> None:
    ask({"permission": "sign_board", "count": 1}, veto=["sign_safety"])
    change = make_change(board)
    declare(board, "safety", change)
    with pytest.raises(NotAllowed, match="declared a conflict"):
        decide(board, "safety", change, outcome="reject")


def blocked(board: Board) -> ChangeRequest:
    change = make_change(board)
    declare(board, "board", change)
    Notification.objects.all().delete()
    declare(board, "second", change)
    return change


def test_with_nobody_left_it_is_blocked_and_says_what_to_do(board: Board) -> None:
    change = blocked(board)
    change.refresh_from_db()
    assert change.state == "open" and slots_in_want(change)
    told = Notification.objects.filter(title=f"Nobody is left to sign: {change.title}")
    expected = {board.people[role].name for role in ("owner", "board", "second", "administrator")}
    assert set(told.values_list("user__name", flat=True)) == expected
    shown = signed_in(board.people["owner"]).get(f"/changes/{change.pk}/").content.decode()
    assert BLOCKED in shown and "nobody who could" in shown
    assert "Ask who holds the role now" not in shown


def newly_on_the_board(board: Board) -> User:
    person = board.people["third"] = make_person()
    grant_role(
        actor=board.actor("administrator"),
        user=person,
        role="board",
        scope=Organisation.objects.get(),
        now=timezone.now(),
    )
    return person


def test_a_replan_asks_who_holds_the_role_now(board: Board) -> None:
    change = blocked(board)
    with pytest.raises(WrongState, match="nobody else without a conflict"):
        replan(board, "administrator", change)
    third = newly_on_the_board(board)
    with pytest.raises(Invalid):
        replan(board, "administrator", change, " ")
    for role in ("board", "owner", "third"):
        with pytest.raises(NotAllowed):
            replan(board, role, change)
    assert replan(board, "administrator", change) == [third]
    event = AuditEvent.objects.get(action="change.replanned")
    assert event.after is not None
    assert (event.reason, event.after["asked"]) == ("Go on.", [third.name])
    assert Notification.objects.filter(user=third, title__startswith="Your decision").exists()
    assert decide(board, "third", change).state == "applied"
    with pytest.raises(WrongState, match="applied"):
        replan(board, "administrator", change)


def test_nobody_is_added_where_somebody_is_left(board: Board) -> None:
    change = make_change(board, tier="limited")
    newly_on_the_board(board)
    with pytest.raises(WrongState, match="somebody is left"):
        replan(board, "administrator", change)
    declare(board, "compliance", change)
    board.people["law"] = make_person("compliance")
    assert replan(board, "administrator", change) == [board.people["law"]]
    eligible = change.slots.get(permission="sign_board").eligible.all()
    assert board.people["third"] not in eligible


def test_competing_slots_are_helped_by_any_of_their_roles(board: Board) -> None:
    """The safety officer is wanted by two slots; a new board member frees them for the other."""
    either = {"permission": "sign_board", "count": 1, "any_of": ["sign_safety"]}
    ask(either, {"permission": "sign_safety", "count": 1})
    change = make_change(board)
    declare(board, "board", change)
    declare(board, "second", change)
    third = newly_on_the_board(board)
    assert replan(board, "administrator", change) == [third]
    decide(board, "safety", change)
    assert decide(board, "third", change).state == "applied"


def test_an_administrator_in_conflict_does_not_replan(board: Board) -> None:
    change = blocked(board)
    newly_on_the_board(board)
    ChangeRequest.objects.update(conflicted=[board.people["administrator"].pk])
    with pytest.raises(NotAllowed):
        replan(board, "administrator", change)


def test_the_page_takes_both_and_shows_them(board: Board) -> None:
    change = make_change(board)
    url = f"/changes/{change.pk}/"
    for role in ("board", "second"):
        client = signed_in(board.people[role])
        assert "Declare a conflict" in client.get(url).content.decode()
        wrong = client.post(f"{url}conflict/", {"conflict_reason": " "})
        assert wrong.status_code == 422 and "Say what the interest is." in wrong.content.decode()
        right = client.post(f"{url}conflict/", {"conflict_reason": f"Paid: {role}."})
        assert right["Location"] == url
        shown = client.get(url).content.decode()
        assert f"Paid: {role}." in shown and "Declare a conflict" not in shown
    third, client = newly_on_the_board(board), signed_in(board.people["administrator"])
    assert BLOCKED in client.get(url).content.decode()
    wrong = client.post(f"{url}replan/", {"replan_reason": ""})
    assert wrong.status_code == 422 and "Say why." in wrong.content.decode()
    assert client.post(f"{url}replan/", {"replan_reason": "Go on."}).status_code == 302
    shown = client.get(url).content.decode()
    assert BLOCKED not in shown and f"waits for {third.name}" in shown
    stranger = signed_in(make_person())
    for path in ("conflict/", "replan/"):
        assert stranger.post(f"{url}{path}", {}).status_code == 404
        assert signed_in(board.people["finance"]).post(f"{url}{path}", {}).status_code == 403


def test_the_api_takes_both_and_shows_how_it_stands(board: Board) -> None:
    change = make_change(board)
    path = f"/api/v1/change-requests/{change.pk}/"
    for role in ("board", "second"):
        client = signed_in(board.people[role])
        assert client.post(f"{path}conflict/", {}, JSON).status_code == 400
        sent = client.post(f"{path}conflict/", {"reason": "Paid."}, JSON)
        assert sent.status_code == 201, sent.content
    assert sent.json()["blocked"].startswith(BLOCKED)
    assert [one["reason"] for one in sent.json()["conflicts"]] == ["Paid.", "Paid."]
    third, client = newly_on_the_board(board), signed_in(board.people["administrator"])
    sent = client.post(f"{path}replan/", {"reason": "Go on."}, JSON)
    assert sent.status_code == 200 and sent.json()["blocked"] == ""
    shown = client.get(f"{path}signing/").json()
    (step,) = shown["steps"]
    assert (step["number"], step["state"]) == (1, "now")
    assert step["slots"][0] == {
        "permission": "sign_board",
        "any_of": [],
        "signs_as": "Board member",
        "eligible": [{"id": third.pk, "name": third.name}],
        "filled_by": None,
    }
    decide(board, "third", change)
    (step,) = client.get(f"{path}signing/").json()["steps"]
    assert (step["state"], step["slots"][0]["filled_by"]["id"]) == ("done", third.pk)
    stranger = signed_in(make_person())
    assert stranger.get(f"{path}signing/").status_code == 404
    assert stranger.post(f"{path}conflict/", {"reason": "x"}, JSON).status_code == 404


def test_the_evidence_pack_tells_who_left_and_why(board: Board) -> None:
    change = make_change(board)
    declare(board, "board", change)
    now = timezone.now()
    section = evidence_sections["conflicts"]

    def rows(team_id: int | None) -> list[dict[str, Any]]:
        scope = PackScope(now - timedelta(hours=1), now + timedelta(hours=1), team_id)
        return list(section.rows(scope))

    (row,) = rows(board.team.pk)
    assert tuple(row) == section.columns
    assert (row["person"], row["reason"]) == (board.people["board"].email, "My brother sells it.")
    assert len(rows(None)) == 1 and rows(board.team.pk + 1) == []


def test_who_left_still_sees_what_they_left(board: Board) -> None:
    change = make_change(board)
    stand_in(board, "board")
    declare(board, "deputy", change)
    client = signed_in(board.people["deputy"])
    assert client.get(f"/changes/{change.pk}/").status_code == 200


def test_the_page_takes_constant_queries(board: Board) -> None:
    change = make_change(board)
    client, url = signed_in(board.people["compliance"]), f"/changes/{change.pk}/"
    client.get(url)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        return len(queries)

    declare(board, "board", change)
    with_one = count()
    ask({"permission": "sign_board", "share": 100})
    for number in range(3):
        board.people[f"member{number}"] = make_person("board")
    services.revise(
        actor=board.actor("owner"), change_id=change.pk, reason="All.", now=timezone.now()
    )
    for number in range(2):
        declare(board, f"member{number}", change)
    assert change.slots.count() == 4
    assert count() == with_one


@pytest.mark.django_db(transaction=True)
def test_declaring_while_the_same_person_decides() -> None:
    """The last signature and the conflict at once: one of them comes first, and that holds."""
    board = make_board()
    change = make_change(board)
    barrier = Barrier(2)

    def run(work: Any) -> PlacetError | None:
        barrier.wait()
        try:
            work(board, "board", ChangeRequest.objects.get(pk=change.pk))
        except PlacetError as error:
            return error
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(2) as pool:
        decided, declared = pool.map(run, (decide, declare))
    change.refresh_from_db()
    if decided is None:
        assert isinstance(declared, WrongState) and change.state == "applied"
        assert not DeclaredConflict.objects.exists()
    else:
        assert isinstance(decided, NotAllowed) and declared is None
        assert change.state == "open" and not change.decisions.exists()
