"""Who signs in whose place: made, enforced, named, ended."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.access.models import User
from governance.approvals.delegation import delegate_signing, end_delegation
from governance.approvals.hooks import sign_offs_waiting
from governance.approvals.models import ChangeRequest, Decision, Delegation
from governance.audit.models import AuditEvent
from governance.home.models import Notification
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from tests.factories.approvals import (
    Board,
    ask_two_board_members,
    decide,
    make_board,
    make_change,
)
from tests.factories.ledger import make_person

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def board() -> Board:
    return with_deputy(make_board())


def with_deputy(board: Board) -> Board:
    board.people["deputy"] = make_person()
    return board


def delegated(
    board: Board, giver: str = "board", taker: str = "deputy", **facts: Any
) -> Delegation:
    now = timezone.now()
    more: dict[str, Any] = {
        "permission": "sign_board",
        "starts_at": now,
        "ends_at": now + timedelta(days=7),
        "reason": "On leave",
        "now": now,
    }
    return delegate_signing(
        actor=board.actor(giver), delegate=board.people[taker], **(more | facts)
    )


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_a_delegate_fills_the_slot_and_both_are_named(board: Board) -> None:
    change = make_change(board)
    with pytest.raises(NotAllowed):
        decide(board, "deputy", change)
    delegated(board)
    assert decide(board, "deputy", change).state == "applied"
    decision = Decision.objects.get()
    assert (decision.person, decision.on_behalf_of) == (
        board.people["deputy"],
        board.people["board"],
    )
    event = AuditEvent.objects.get(action="change.decided")
    assert event.after is not None
    assert event.after["on_behalf_of"] == board.people["board"].name
    assert event.actor_label == board.people["deputy"].name
    shown = signed_in(board.people["deputy"]).get(f"/changes/{change.pk}/").content.decode()
    assert f"{board.people['deputy'].name}</strong> for {board.people['board'].name}" in shown


@pytest.mark.parametrize("when", ["before", "after", "ended", "other permission"])
def test_a_delegation_that_is_not_live_signs_nothing(board: Board, when: str) -> None:
    change = make_change(board)
    made = delegated(board)
    now = timezone.now()
    if when == "before":
        Delegation.objects.update(starts_at=now + timedelta(days=1))
    elif when == "after":
        Delegation.objects.update(starts_at=now - timedelta(days=2), ends_at=now)
    elif when == "ended":
        end_delegation(
            actor=board.actor("board"), delegation_id=made.pk, reason="Back", now=timezone.now()
        )
    else:
        Delegation.objects.update(permission="sign_safety")
    with pytest.raises(NotAllowed):
        decide(board, "deputy", change)


def test_the_conflicts_of_both_count(board: Board) -> None:
    change = make_change(board)
    delegated(board, taker="owner")
    with pytest.raises(NotAllowed, match="you proposed this"):
        decide(board, "owner", change)
    other = make_person("board")
    board.people["other"] = other
    delegated(board, giver="other")
    change = make_change(board)
    # The delegator owns what it benefits, so nobody can sign in their place.
    ChangeRequest.objects.filter(pk=change.pk).update(conflicted=[other.pk])
    for slot in change.slots.all():
        slot.eligible.remove(other)
    with pytest.raises(NotAllowed):
        decide(board, "deputy", change)


def test_a_delegator_without_the_role_passes_nothing_on(board: Board) -> None:
    change = make_change(board)
    delegated(board)
    board.people["board"].grants.update(revoked_at=timezone.now())
    with pytest.raises(NotAllowed, match="no longer held"):
        decide(board, "deputy", change)


def test_one_sign_off_each_whoever_gave_it(board: Board) -> None:
    """Two slots of the board: neither of the two may fill both."""
    board.people["other"] = make_person("board")
    ask_two_board_members()
    change = make_change(board)
    delegated(board)
    decide(board, "deputy", change)
    for role in ("deputy", "board"):
        with pytest.raises(NotAllowed):
            decide(board, role, change)
    assert change.slots.filter(filled_by=None).count() == 1
    assert decide(board, "other", change).state == "applied"


def test_who_has_decided_is_not_decided_for(board: Board) -> None:
    change = make_change(board)
    delegated(board)
    decide(board, "board", change, outcome="abstain")
    with pytest.raises(NotAllowed):
        decide(board, "deputy", change)
    assert sign_offs_waiting(board.people["deputy"], timezone.now()) == []


def test_a_signatory_signs_first_in_their_own_right(board: Board) -> None:
    change = make_change(board, tier="limited")
    delegated(board, taker="compliance")
    decide(board, "compliance", change)
    assert Decision.objects.get().on_behalf_of is None
    with pytest.raises(NotAllowed):
        decide(board, "compliance", change)


def test_a_delegate_is_told_and_finds_the_request_in_their_work(board: Board) -> None:
    deputy = board.people["deputy"]
    before = make_change(board)
    delegated(board)
    assert Notification.objects.get(user=deputy).title.startswith("You sign in the place of")
    after = make_change(board)
    told = Notification.objects.filter(user=deputy, title__startswith="Your decision")
    assert [one.url for one in told] == [f"/changes/{after.pk}/"]
    waiting = {one.url for one in sign_offs_waiting(deputy, timezone.now())}
    assert waiting == {f"/changes/{before.pk}/", f"/changes/{after.pk}/"}
    shown = signed_in(deputy).get(f"/changes/{before.pk}/")
    assert shown.context["seat"].delegator == board.people["board"]
    assert b"You sign in the place of" in shown.content
    Delegation.objects.update(ends_at=timezone.now())
    assert sign_offs_waiting(deputy, timezone.now()) == []
    assert signed_in(deputy).get(f"/changes/{before.pk}/").status_code == 404


def test_nobody_passes_on_what_they_do_not_hold(board: Board) -> None:
    delegated(board)
    for giver, taker in (("deputy", "finance"), ("finance", "deputy"), ("owner", "deputy")):
        with pytest.raises(NotAllowed, match="hold yourself"):
            delegated(board, giver, taker)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"taker": "board"}, "delegate"),
        ({"permission": "people_manage"}, "permission"),
        ({"ends_at": timezone.now() - timedelta(days=9)}, "ends_at"),
        ({"reason": " "}, "reason"),
    ],
)
def test_what_does_not_fit_is_refused(board: Board, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        delegated(board, **changes)
    assert field in refused.value.fields


def test_delegations_of_one_sign_off_do_not_overlap(board: Board) -> None:
    now = timezone.now()
    first = delegated(board)
    with pytest.raises(Invalid) as refused:
        delegated(board, taker="finance", starts_at=now + timedelta(days=6))
    assert "ends_at" in refused.value.fields
    later = {"starts_at": first.ends_at, "ends_at": first.ends_at + timedelta(days=1)}
    delegated(board, taker="finance", **later)
    end_delegation(actor=board.actor("deputy"), delegation_id=first.pk, reason="", now=now)
    assert delegated(board, now=timezone.now(), ends_at=now + timedelta(days=5))
    first.refresh_from_db()
    with pytest.raises(IntegrityError), transaction.atomic():
        Delegation.objects.filter(pk=first.pk).update(ends_at=now + timedelta(days=3))


def test_one_that_has_not_begun_is_ended_before_it_does(board: Board) -> None:
    start = timezone.now() + timedelta(days=3)
    made = delegated(board, starts_at=start)
    assert made.state(timezone.now()) == "planned"
    facts: dict[str, Any] = {"delegation_id": made.pk, "reason": "", "now": timezone.now()}
    with pytest.raises(NotAllowed):
        end_delegation(actor=board.actor("finance"), **facts)
    ended = end_delegation(actor=board.actor("administrator"), **facts)
    assert ended.ends_at == start and not Delegation.objects.live(start).exists()
    with pytest.raises(WrongState):
        end_delegation(actor=board.actor("board"), **(facts | {"now": start}))
    assert AuditEvent.objects.filter(action="delegation.ended").count() == 1


def test_a_delegation_is_made_and_ended_on_its_page(board: Board) -> None:
    url, member = "/approvals/delegations/", signed_in(board.people["board"])
    today = timezone.now().date()
    typed = {
        "delegate": str(board.people["deputy"].pk),
        "permission": "sign_board",
        "starts_at": today.isoformat(),
        "ends_at": (today + timedelta(days=7)).isoformat(),
        "reason": "On leave until Monday",
    }
    assert b'class="empty"' in member.get(url).content
    refused = member.post(url, typed | {"delegate": "", "permission": "sign_safety"})
    assert refused.status_code == 422
    assert b"On leave until Monday" in refused.content and b"is required" in refused.content
    past = typed | {"ends_at": (today - timedelta(days=3)).isoformat()}
    assert b"not in the past" in member.post(url, past).content
    assert member.post(url, typed)["Location"] == url
    overlapping = member.post(url, typed)
    assert overlapping.status_code == 422 and b"overlaps" in overlapping.content
    made = Delegation.objects.get()
    assert made.ends_at.date() == today + timedelta(days=8)
    assert signed_in(board.people["owner"]).post(f"{url}{made.pk}/end/").status_code == 404
    assert signed_in(board.people["finance"]).post(f"{url}{made.pk}/end/").status_code == 403
    deputy = signed_in(board.people["deputy"])
    assert deputy.get(url).context["form"] is None
    assert deputy.post(url, typed).status_code == 200 and Delegation.objects.count() == 1
    assert deputy.post(f"{url}{made.pk}/end/", {"reason": "x"}).status_code == 302
    assert deputy.post(f"{url}{made.pk}/end/").status_code == 409


def test_a_delegation_is_made_and_ended_over_the_api(board: Board) -> None:
    url, member = "/api/v1/delegations/", signed_in(board.people["board"])
    now = timezone.now()
    body = {
        "delegate": board.people["deputy"].pk,
        "permission": "sign_board",
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(days=7)).isoformat(),
        "reason": "On leave",
    }
    made = member.post(url, body, JSON)
    assert made.status_code == 201
    one = f"{url}{made.json()['id']}/end/"
    overlapping = member.post(url, body, JSON)
    assert overlapping.status_code == 400 and "ends_at" in overlapping.json()["errors"]
    assert "reason" in member.post(url, body | {"reason": ""}, JSON).json()["errors"]
    assert signed_in(board.people["deputy"]).post(url, body, JSON).status_code == 403
    assert signed_in(board.people["owner"]).post(one, {}, JSON).status_code == 404
    ended = member.post(one, {"reason": "Back"}, JSON)
    assert ended.status_code == 200 and ended.json()["ended_at"]
    assert member.post(one, {}, JSON).status_code == 409
    assert member.get(url).json()["results"][0]["permission"] == "sign_board"


def test_who_sees_which(board: Board) -> None:
    delegated(board)
    for role, seen in (("board", 1), ("deputy", 1), ("administrator", 1), ("owner", 0)):
        results = signed_in(board.people[role]).get("/api/v1/delegations/").json()["results"]
        assert len(results) == seen, role


@pytest.mark.parametrize("url", ["/approvals/delegations/", "/api/v1/delegations/"])
def test_a_list_asks_the_same_number_of_queries_for_one_and_three(board: Board, url: str) -> None:
    client = signed_in(board.people["board"])

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    delegated(board)
    once = queries()
    for days in (10, 20):
        start = timezone.now() + timedelta(days=days)
        delegated(board, starts_at=start, ends_at=start + timedelta(days=1))
    assert queries() == once <= 12


@pytest.mark.django_db(transaction=True)
def test_delegator_and_delegate_at_the_same_instant_count_once() -> None:
    board = with_deputy(make_board())
    board.people["other"] = make_person("board")
    ask_two_board_members()
    change = make_change(board)
    delegated(board)
    barrier, refused = threading.Barrier(2), []

    def run(role: str) -> None:
        barrier.wait()
        try:
            decide(board, role, ChangeRequest.objects.get(pk=change.pk))
        except NotAllowed as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[role]) for role in ("board", "deputy")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1 and Decision.objects.filter(change=change).count() == 1
    change.refresh_from_db()
    assert change.state == "open"
