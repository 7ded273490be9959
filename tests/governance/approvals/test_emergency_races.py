"""Two people, or a person and the clock, at the same instant."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from governance.approvals import services
from governance.approvals.models import Approval, ChangeRequest
from governance.approvals.services import keep_house
from governance.kernel.errors import PlacetError, WrongState
from governance.registry.models import UseCase
from tests.factories.approvals import decide
from tests.factories.emergencies import (
    make_emergency,
    make_full_board,
    make_provisional,
    speak_for,
)

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable[[], object]) -> list[PlacetError | None]:
    """Each on a connection of its own, all beginning together; what each was refused with."""
    barrier = Barrier(len(works))

    def run(work: Callable[[], object]) -> PlacetError | None:
        connection.ensure_connection()
        barrier.wait()
        try:
            work()
        except PlacetError as refused:
            return refused
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def stage_of(change: ChangeRequest) -> str:
    return UseCase.objects.get(pk=change.subject_id).stage


@pytest.mark.parametrize("_", range(3))
def test_the_second_voice_and_a_withdrawal(_: int) -> None:
    board = make_full_board()
    change = make_emergency(board)
    speak_for(change, board.people["board 2"])
    owner = board.actor("owner")

    def withdraw() -> None:
        services.withdraw(actor=owner, change_id=change.pk, reason="", now=timezone.now())

    def speak() -> None:
        seen = ChangeRequest.objects.get(pk=change.pk)
        speak_for(seen, board.people["board 3"])

    refused = at_once(speak, withdraw)
    assert sum(isinstance(one, WrongState) for one in refused) == 1
    change.refresh_from_db()
    is_applied = Approval.objects.filter(change=change).exists()
    assert (change.state, stage_of(change), is_applied) in {
        ("provisional", "assessed", True),
        ("withdrawn", "proposed", False),
    }


def test_both_voices_at_once_apply_it_once() -> None:
    board = make_full_board()
    change = make_emergency(board)
    works = [
        lambda name=name: speak_for(ChangeRequest.objects.get(pk=change.pk), board.people[name])
        for name in ("board 2", "board 3")
    ]
    assert at_once(*works) == [None, None]
    change.refresh_from_db()
    assert (change.state, Approval.objects.filter(change=change).count()) == ("provisional", 1)


@pytest.mark.parametrize("_", range(3))
def test_the_last_ratification_and_the_reversion_by_the_clock(_: int) -> None:
    board = make_full_board()
    change = make_provisional(board)
    deadline: datetime = change.emergency.ratify_by
    decide(board, "board", change)

    def ratify() -> None:
        # Begun in time, it may wait for the lock until the time is over.
        decide(board, "compliance", change, now=deadline - timedelta(microseconds=1))

    refused = at_once(ratify, lambda: keep_house(now=deadline))
    change = ChangeRequest.objects.get(pk=change.pk)
    approval = Approval.objects.get(change=change)
    assert (change.state, stage_of(change), approval.state, refused[0] is None) in {
        ("applied", "assessed", "in_force", True),
        ("reverted", "proposed", "revoked", False),
    }
    is_long = approval.valid_until > deadline
    assert is_long == (change.state == "applied")
    with pytest.raises(WrongState):
        decide(board, "board", change, now=deadline)
