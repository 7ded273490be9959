"""Two people at the same moment: points, threads and the end of a meeting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from governance.approvals import meetings, services
from governance.approvals.discussing import comment
from governance.approvals.models import ChangePoint, Comment, Meeting
from governance.audit.models import AuditEvent
from governance.kernel.errors import PlacetError, WrongState
from tests.factories.approvals import decide, make_board, make_change

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*work: Callable[[], Any]) -> list[PlacetError | None]:
    """Each on a thread and a connection of its own, all beginning together; what they refused."""
    barrier = threading.Barrier(len(work))
    refusals: list[PlacetError | None] = [None] * len(work)

    def run(number: int) -> None:
        connection.ensure_connection()
        barrier.wait()
        try:
            work[number]()
        except PlacetError as refusal:
            refusals[number] = refusal
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refusals


def test_a_point_opened_again_and_a_revision_do_not_pass_each_other() -> None:
    board, now = make_board(), timezone.now()
    change = decide(
        board, "board", make_change(board), outcome="request_changes", points=["Name it."]
    )
    point = ChangePoint.objects.get()
    facts: dict[str, Any] = {"change_id": change.pk, "now": now}
    asks = facts | {"point_id": point.pk, "text": "x"}
    services.answer_point(actor=board.actor("owner"), action="resolve", **asks)
    owner, member = board.actor("owner"), board.actor("board")
    revised, reopened = at_once(
        lambda: services.revise(actor=owner, reason="Better.", **facts),
        lambda: services.answer_point(actor=member, action="reopen", **asks),
    )
    change.refresh_from_db()
    assert reopened is None
    last = point.answers.latest("pk")
    # Either the point was open and held the revision back, or it was opened on the new one.
    assert (change.revision, last.revision) == ((1, 1) if revised else (2, 2))


def test_a_comment_on_a_line_never_lands_on_another_revision() -> None:
    board, now = make_board(), timezone.now()
    change = make_change(board)
    facts: dict[str, Any] = {"change_id": change.pk, "now": now}
    owner, member = board.actor("owner"), board.actor("board")
    revised, said = at_once(
        lambda: services.revise(actor=owner, reason="Better.", **facts),
        lambda: comment(actor=member, text="Why?", line="title:1", revision=1, **facts),
    )
    assert revised is None
    assert list(Comment.objects.values_list("revision", flat=True)) == ([] if said else [1])


def test_a_meeting_is_closed_once() -> None:
    board, now = make_board(), timezone.now()
    meeting = meetings.plan_meeting(
        actor=board.actor("board"),
        title="Board",
        held_on=now.date(),
        chaired_by=board.people["board"],
        change_ids=[make_change(board).pk],
        now=now,
    )
    facts: dict[str, Any] = {"meeting_id": meeting.pk, "now": now}
    meetings.open_meeting(actor=board.actor("board"), **facts)
    actors = [board.actor("board"), board.actor("compliance")]
    refusals = at_once(
        *(lambda one=one: meetings.close_meeting(actor=one, **facts) for one in actors)
    )
    assert sorted(isinstance(one, WrongState) for one in refusals) == [False, True]
    event = AuditEvent.objects.get(action="meeting.minuted")
    assert Meeting.objects.get().event == event.pk
