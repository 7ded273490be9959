"""Requests that cannot wait, with enough people to let them through and to ratify them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from governance.access.models import User
from governance.approvals.emergencies import ask_emergency, let_through
from governance.approvals.models import ChangeRequest
from governance.kernel.authority import Actor
from tests.factories.approvals import Board, make_board, make_change
from tests.factories.ledger import make_person

WHY = "The old one answers wrongly now."


def make_full_board() -> Board:
    """Two more of the board and one more of compliance: two speak at once, others ratify."""
    board = make_board()
    for name in ("board 2", "board 3"):
        board.people[name] = make_person("board")
    board.people["compliance 2"] = make_person("compliance")
    return board


def make_emergency(board: Board, *, now: datetime | None = None) -> ChangeRequest:
    """A stage at tier limited (board and compliance sign) whose owner says it cannot wait."""
    now = now or timezone.now()
    change = make_change(board, tier="limited", now=now)
    ask_emergency(actor=board.actor("owner"), change_id=change.pk, why_now=WHY, now=now)
    return change


def speak_for(change: ChangeRequest, person: User, **facts: Any) -> ChangeRequest:
    """One voice that lets it through."""
    more: dict[str, Any] = {
        "rationale": "Users are harmed.",
        "digest_seen": change.digest,
        "now": timezone.now(),
    }
    actor = Actor.person(User.objects.get(pk=person.pk))
    let_through(actor=actor, change_id=change.pk, **(more | facts))
    change.refresh_from_db()
    return change


def make_provisional(board: Board, *, now: datetime | None = None) -> ChangeRequest:
    """Let through by two, and applied at once."""
    now = now or timezone.now()
    change = make_emergency(board, now=now)
    for name in ("board 2", "board 3"):
        speak_for(change, board.people[name], now=now)
    return change
