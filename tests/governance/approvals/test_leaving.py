"""Who leaves frees their open slots; what they signed stays."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from governance.access import services as access
from governance.access.models import Grant, Organisation, User
from governance.approvals import services
from governance.approvals.models import ChangeRequest, SignOffSlot
from governance.approvals.replanning import changes_left
from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.kernel.authority import Actor
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


@pytest.fixture
def board() -> Board:
    board = make_board()
    board.people["second"] = make_person("board")
    return board


def eligible(change: ChangeRequest) -> set[User]:
    return set(User.objects.filter(pk__in=change.slots.values("eligible")))


def people(board: Board, *roles: str) -> set[User]:
    return {board.people[role] for role in roles}


def deactivate(board: Board, role: str) -> None:
    access.deactivate_user(
        actor=board.actor("administrator"), user=board.people[role], now=timezone.now()
    )


def revoke(board: Board, role: str) -> None:
    grant = Grant.objects.get(user=board.people[role], revoked_at=None)
    access.revoke_grant(actor=board.actor("administrator"), grant_id=grant.pk, now=timezone.now())


def run_out(board: Board, role: str) -> None:
    Grant.objects.filter(user=board.people[role]).update(ends_at=timezone.now())
    access.end_expired_grants(actor=Actor.system("grants"), now=timezone.now())


@pytest.mark.parametrize("leave", [deactivate, revoke, run_out])
def test_who_leaves_is_asked_no_longer(board: Board, leave: object) -> None:
    change = make_change(board)
    assert callable(leave)
    leave(board, "board")
    assert eligible(change) == people(board, "second")
    event = AuditEvent.objects.get(action="change.slots_freed")
    assert event.after is not None
    assert event.after["no_longer_asked"] == [board.people["board"].name]
    assert event.reason == "A person left." and event.actor_kind == "system"
    assert not AuditEvent.objects.filter(action="change.replanned").exists()


def test_another_role_that_still_signs_keeps_them(board: Board) -> None:
    ask({"permission": "sign_board", "count": 1, "any_of": ["sign_safety"]})
    access.grant_role(
        actor=board.actor("administrator"),
        user=board.people["safety"],
        role="board",
        scope=Organisation.objects.get(),
        now=timezone.now(),
    )
    change = make_change(board)
    grant = Grant.objects.get(user=board.people["safety"], role="board")
    access.revoke_grant(actor=board.actor("administrator"), grant_id=grant.pk, now=timezone.now())
    assert board.people["safety"] in eligible(change)
    assert not AuditEvent.objects.filter(action="change.slots_freed").exists()


def test_what_they_signed_before_stays(board: Board) -> None:
    ask_two_board_members()
    change = make_change(board)
    decide(board, "board", change)
    deactivate(board, "board")
    assert change.slots.filter(filled_by=board.people["board"]).exists()
    assert decide(board, "second", change).state == "applied"


def test_where_too_few_are_left_the_present_holders_are_asked(board: Board) -> None:
    change = make_change(board)
    third = board.people["third"] = make_person("board")
    deactivate(board, "board")
    assert eligible(change) == people(board, "second")
    Notification.objects.all().delete()
    deactivate(board, "second")
    assert eligible(change) == {third}
    event = AuditEvent.objects.get(action="change.replanned")
    assert event.after is not None
    assert (event.reason, event.after["asked"]) == ("A person left.", [third.name])
    assert [one.user for one in Notification.objects.all()] == [third]
    assert decide(board, "third", change).state == "applied"


def test_with_nobody_to_ask_those_who_can_mend_it_are_told(board: Board) -> None:
    change = make_change(board)
    revoke(board, "second")
    Notification.objects.all().delete()
    # Nobody can revoke the last one; it can only run out by itself.
    now = timezone.now()
    Grant.objects.filter(user=board.people["board"]).update(ends_at=now)
    services.keep_house(now=now + timedelta(minutes=1))
    change.refresh_from_db()
    assert change.state == "open" and eligible(change) == set()
    told = Notification.objects.filter(title__startswith="Nobody is left to sign")
    assert {one.user for one in told} == people(board, "owner", "administrator")


def test_a_decided_request_keeps_who_was_asked(board: Board) -> None:
    change = make_change(board)
    decide(board, "second", change)
    deactivate(board, "board")
    assert eligible(change) == people(board, "board", "second")


def test_a_request_that_waits_for_its_proposer_is_tended_without_asking(board: Board) -> None:
    change = make_change(board)
    decide(board, "second", change, outcome="request_changes", points=["More."])
    third = make_person("board")
    Notification.objects.all().delete()
    deactivate(board, "board")
    assert eligible(change) == {board.people["second"], third}
    assert not Notification.objects.filter(title__startswith="Your decision").exists()


def test_the_housekeeping_finds_whose_role_ended_by_itself(board: Board) -> None:
    change, now = make_change(board), timezone.now()
    assert changes_left(now) == []
    Grant.objects.filter(user=board.people["board"]).update(ends_at=now)
    later: datetime = now + timedelta(minutes=1)
    assert changes_left(later) == [change.pk]
    services.keep_house(now=later)
    assert eligible(change) == people(board, "second")
    assert changes_left(later) == []


def test_the_housekeeping_looks_at_each_role_once(
    board: Board, django_assert_num_queries: object
) -> None:
    assert callable(django_assert_num_queries)
    make_change(board)
    with django_assert_num_queries(3):
        changes_left(timezone.now())
    for _ in range(2):
        make_change(board)
    assert SignOffSlot.objects.count() == 3
    with django_assert_num_queries(3):
        changes_left(timezone.now())
