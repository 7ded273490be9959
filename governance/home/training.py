"""What waits for a person about their own training."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from django.urls import reverse

from governance.access.models import User
from governance.access.training_selectors import Standing, trainings_of
from governance.home.registries import InboxItem

_DETAILS = {
    "missing": "One of your roles requires it; without it you cannot use that role to sign",
    "run_out": "It {words}; without it you cannot use the role that requires it to sign",
    "runs_out_soon": "Your training {words}; take it again before that",
}


def training_due(user: User, now: datetime) -> list[InboxItem]:
    """Trainings that one's roles require and that are missing, have run out or soon do."""
    due = [one for one in trainings_of(user, now) if one.state in _DETAILS]
    return [
        InboxItem(
            title=f"Training: {one.training.title}",
            detail=_DETAILS[one.state].format(words=one.words),
            url=reverse("access:my-training"),
            due_at=_end(one),
            kind="training",
        )
        for one in due
    ]


def _end(standing: Standing) -> datetime | None:
    until = standing.valid_until
    return datetime.combine(until + timedelta(days=1), time.min, UTC) if until else None
