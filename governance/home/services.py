"""Tell people. A notice is a row; losing it changes no decision and no number."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from governance.access.models import User
from governance.home.models import Notification


def notify(
    *, users: Iterable[User], title: str, url: str, now: datetime, kind: str = "info"
) -> int:
    """One notice per person; how many."""
    notices = [
        Notification(user=user, title=title[:300], url=url[:300], at=now, kind=kind)
        for user in users
    ]
    return len(Notification.objects.bulk_create(notices))


def mark_all_read(*, user: User, now: datetime) -> int:
    return Notification.objects.filter(user=user, read_at=None).update(read_at=now)
