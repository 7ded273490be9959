"""What waits for one person."""

from __future__ import annotations

from datetime import UTC, datetime

from governance.access.models import User
from governance.home.registries import InboxItem, inbox

_LAST = datetime.max.replace(tzinfo=UTC)


def waiting_for(user: User, now: datetime) -> list[InboxItem]:
    """All inbox items of this person, what is theirs alone and what is due first first."""
    items = [item for provider in inbox.values() for item in provider(user, now)]
    return sorted(items, key=lambda item: (not item.is_personal, item.due_at or _LAST))
