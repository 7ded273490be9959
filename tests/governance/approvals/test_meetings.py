"""Meetings of the board: the agenda, the decisions taken there, and minutes that stand."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from governance.access.models import User
from governance.approvals import meetings, services
from governance.approvals.models import ChangeRequest, Meeting
from governance.audit.models import AuditEvent
from governance.kernel.errors import Invalid, NotAllowed, NotFound, WrongState
from tests.factories.approvals import Board, decide, make_board, make_change
from tests.factories.ledger import make_person
from tests.factories.registry import queries

JSON = "application/json"


@pytest.fixture
def board(db: None) -> Board:
    return make_board()


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def plan(board: Board, *changes: ChangeRequest, role: str = "board") -> Meeting:
    now = timezone.now()
    return meetings.plan_meeting(
        actor=board.actor(role),
        title="AI board, November",
        held_on=now.date(),
        chaired_by=board.people["board"],
        change_ids=[one.pk for one in changes],
        now=now,
    )


def run(board: Board, verb: Any, meeting: Meeting, role: str = "board", **facts: Any) -> Any:
    facts = {"now": timezone.now()} | facts
    return verb(actor=board.actor(role), meeting_id=meeting.pk, **facts)


def titles(meeting: Meeting) -> list[str]:
    return [one.change.title for one in meeting.items.select_related("change")]


def test_a_meeting_is_run_and_its_minutes_say_what_was_decided(board: Board) -> None:
    granted, returned, put_off, left = (make_change(board) for _ in range(4))
    meeting = plan(board, granted, returned, put_off, left)
    began = timezone.now() - timedelta(minutes=42)
    run(board, meetings.open_meeting, meeting, now=began)
    present = [board.people[one].pk for one in ("board", "compliance")]
    run(board, meetings.take_attendance, meeting, person_ids=present)
    first, second, third, _ = meeting.items.all()
    condition = services.NewCondition("Train them.", board.people["owner"], timezone.now().date())
    decide(
        board,
        "board",
        granted,
        outcome="approve_with_conditions",
        rationale="Sound.",
        conditions=[condition],
    )
    decide(board, "board", returned, outcome="request_changes", points=["Name it."])
    run(board, meetings.move_item, meeting, item_id=first.pk, action="finish", note="All agreed.")
    run(board, meetings.move_item, meeting, item_id=second.pk, action="finish")
    run(board, meetings.move_item, meeting, item_id=third.pk, action="defer", reason="No figures.")
    closed = run(board, meetings.close_meeting, meeting)
    minutes = json.loads(closed.minutes)
    assert minutes["minutes_long"] == 42
    assert {one["name"] for one in minutes["present"]} == {
        board.people[one].name for one in ("board", "compliance")
    }
    one, two, three, four = minutes["items"]
    assert [item["outcome"] for item in minutes["items"]] == [
        "done",
        "done",
        "deferred",
        "not reached",
    ]
    assert (one["state"], one["note"]) == ("applied", "All agreed.")
    assert (one["decisions"][0]["outcome"], one["decisions"][0]["rationale"]) == (
        "approve_with_conditions",
        "Sound.",
    )
    assert one["conditions"][0]["text"] == "Train them."
    assert two["decisions"][0]["points"] == ["Name it."]
    assert three["deferred_because"] == "No figures." and four["decisions"] == []
    event = AuditEvent.objects.get(action="meeting.minuted")
    digest = hashlib.sha256(closed.minutes.encode()).hexdigest()
    assert closed.digest == digest == (event.after or {})["sha256"]
    assert closed.event == event.pk


def test_closed_minutes_stand_in_the_database_too(board: Board) -> None:
    meeting = plan(board, make_change(board))
    run(board, meetings.open_meeting, meeting)
    run(board, meetings.close_meeting, meeting)
    for verb in (meetings.open_meeting, meetings.close_meeting):
        with pytest.raises(WrongState):
            run(board, verb, meeting)
    with pytest.raises(IntegrityError), transaction.atomic():
        Meeting.objects.update(minutes="{}")


def test_an_earlier_decision_is_not_of_this_meeting(board: Board) -> None:
    change = make_change(board)
    meeting = plan(board, change)
    decide(board, "board", change, outcome="request_changes", points=["Before."])
    run(board, meetings.open_meeting, meeting)
    minutes = json.loads(run(board, meetings.close_meeting, meeting).minutes)
    assert minutes["items"][0]["decisions"] == []


def test_the_agenda_keeps_its_order(board: Board) -> None:
    one, two, three = (make_change(board) for _ in range(3))
    meeting = plan(board, two, one, two)
    assert titles(meeting) == [two.title, one.title]
    run(board, meetings.change_agenda, meeting, action="add", change_id=three.pk)
    run(board, meetings.change_agenda, meeting, action="up", change_id=three.pk)
    assert titles(meeting) == [two.title, three.title, one.title]
    run(board, meetings.change_agenda, meeting, action="down", change_id=two.pk)
    run(board, meetings.change_agenda, meeting, action="remove", change_id=one.pk)
    assert titles(meeting) == [three.title, two.title]
    with pytest.raises(WrongState):
        run(board, meetings.change_agenda, meeting, action="add", change_id=two.pk)
    with pytest.raises(NotFound):
        run(board, meetings.change_agenda, meeting, action="up", change_id=one.pk)
    with pytest.raises(Invalid):
        run(board, meetings.change_agenda, meeting, action="sideways", change_id=two.pk)


def test_who_plans_runs_and_sees_a_meeting(board: Board) -> None:
    change = make_change(board)
    for role in ("owner", "finance", "administrator"):
        with pytest.raises(NotAllowed):
            plan(board, change, role=role)
    meeting = plan(board, change, role="compliance")
    with pytest.raises(NotFound):
        run(board, meetings.open_meeting, meeting, role="owner")
    assert signed_in(board.people["owner"]).get("/meetings/").status_code == 404
    assert signed_in(board.people["owner"]).get(f"/meetings/{meeting.pk}/").status_code == 404
    safety = signed_in(board.people["safety"])
    assert safety.get(f"/meetings/{meeting.pk}/").status_code == 200
    assert safety.post(f"/meetings/{meeting.pk}/open/").status_code == 403
    assert signed_in(make_person()).get("/meetings/").status_code == 403


def test_what_cannot_be_planned(board: Board) -> None:
    change = make_change(board)
    services.withdraw(
        actor=board.actor("owner"), change_id=change.pk, reason="", now=timezone.now()
    )
    for chosen in ([], [change]):
        with pytest.raises(Invalid) as refused:
            plan(board, *chosen)
        assert set(refused.value.fields) == {"changes"}
    assert not Meeting.objects.exists()


def test_what_a_running_meeting_refuses(board: Board) -> None:
    meeting = plan(board, make_change(board))
    item = meeting.items.get()
    with pytest.raises(WrongState):
        run(board, meetings.move_item, meeting, item_id=item.pk, action="finish")
    run(board, meetings.open_meeting, meeting)
    with pytest.raises(Invalid) as refused:
        run(board, meetings.move_item, meeting, item_id=item.pk, action="defer")
    assert "reason" in refused.value.fields
    with pytest.raises(WrongState):
        run(board, meetings.move_item, meeting, item_id=item.pk, action="take_up")
    run(board, meetings.take_attendance, meeting, person_ids=[])
    with pytest.raises(WrongState, match="tick who was there"):
        run(board, meetings.close_meeting, meeting)


def test_looking_for_others_keeps_what_is_ticked_and_typed(board: Board) -> None:
    one, two = make_change(board), make_change(board)
    ChangeRequest.objects.filter(pk=two.pk).update(title="The other one")
    client = signed_in(board.people["board"])
    typed = {"title": "Board", "changes": [one.pk], f"order-{one.pk}": "7", "look": "1"}
    found = client.post("/meetings/new/", typed | {"q": "OTHER"})
    assert found.status_code == 200 and not Meeting.objects.exists()
    rows = [(row["change"], row["is_chosen"], row["order"]) for row in found.context["rows"]]
    assert rows == [(one, True, "7"), (two, False, "")]
    assert b'value="Board"' in found.content and b'value="OTHER"' in found.content
    none = client.post("/meetings/new/", {"look": "1", "q": "nothing like it"})
    assert b"is called so" in none.content and b"2 requests wait" in none.content


def test_a_board_member_runs_it_on_the_pages(board: Board) -> None:
    one, two = make_change(board), make_change(board)
    client = signed_in(board.people["board"])
    assert b"Meetings" in client.get("/changes/").content
    empty = client.post("/meetings/new/", {"title": "", "changes": [one.pk]})
    assert empty.status_code == 422 and b"checked" in empty.content
    facts = {
        "title": "Board <b>",
        "held_on": str(timezone.now().date()),
        "chaired_by": board.people["board"].pk,
    }
    nothing = client.post("/meetings/new/", facts)
    assert nothing.status_code == 422 and b"Choose 1 to 50" in nothing.content
    order = {f"order-{one.pk}": "2", f"order-{two.pk}": "1"}
    planned = client.post("/meetings/new/", facts | order | {"changes": [one.pk, two.pk]})
    meeting = Meeting.objects.get()
    url = f"/meetings/{meeting.pk}/"
    assert planned["Location"] == url and titles(meeting) == [two.title, one.title]
    assert b"Board &lt;b&gt;" in client.get("/").content
    client.post(f"{url}agenda/", {"action": "up", "change": one.pk})
    assert titles(meeting) == [one.title, two.title]
    client.post(f"{url}open/")
    first, second = meeting.items.all()
    shown = client.get(url)
    assert shown.context["item"] == first and b"Your decision" in shown.content
    typed = {"digest": one.digest, "outcome": "approve", "rationale": "Yes.", "meeting": meeting.pk}
    assert client.post(f"/changes/{one.pk}/decide/", typed)["Location"] == url
    client.post(f"{url}items/{first.pk}/", {"action": "finish", "note": "Unanimous."})
    assert client.get(url).context["item"] == second
    kept = client.post(f"{url}items/{second.pk}/", {"action": "defer", "note": "Typed."})
    assert kept.status_code == 422 and b"Typed." in kept.content and b"Say why" in kept.content
    client.post(f"{url}items/{second.pk}/", {"action": "defer", "reason": "Too early."})
    client.post(f"{url}attendance/", {"present": [board.people["compliance"].pk, "x"]})
    assert client.get(f"{url}minutes/").status_code == 404
    closed = client.post(f"{url}close/")
    meeting.refresh_from_db()
    printed = client.get(closed["Location"]).content.decode()
    for words in ("Unanimous.", "Too early.", "Yes.", meeting.digest, str(meeting.event)):
        assert words in printed
    assert client.post(f"{url}close/").status_code == 409


def test_meetings_over_the_api(board: Board) -> None:
    meeting = plan(board, make_change(board))
    run(board, meetings.open_meeting, meeting)
    run(board, meetings.close_meeting, meeting)
    client = signed_in(board.people["compliance"])
    assert [one["id"] for one in client.get("/api/v1/meetings/").json()["results"]] == [meeting.pk]
    read = client.get(f"/api/v1/meetings/{meeting.pk}/").json()
    assert hashlib.sha256(read["minutes"].encode()).hexdigest() == read["digest"]
    assert read["present"] == [board.people["board"].pk] and len(read["items"]) == 1
    owner = signed_in(board.people["owner"])
    assert owner.get(f"/api/v1/meetings/{meeting.pk}/").status_code == 404
    assert owner.get("/api/v1/meetings/").json()["results"] == []


def test_the_pages_ask_as_much_for_many_meetings_and_items(board: Board) -> None:
    def asked(rows: int) -> list[int]:
        changes = [make_change(board) for _ in range(rows)]
        for _ in range(rows):
            meeting = plan(board, *changes)
        run(board, meetings.open_meeting, meeting)
        pages = ["/meetings/", "/meetings/new/", f"/meetings/{meeting.pk}/"]
        return [queries(lambda page=page: client.get(page)) for page in pages]

    client = signed_in(board.people["board"])
    client.get("/meetings/")
    assert asked(1) == asked(3)
