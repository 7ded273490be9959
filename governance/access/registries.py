"""On what a role can be granted, for what a key can be made, what a leaver leaves behind.

Apps above fill these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models

from governance.access.models import Team, User
from governance.kernel.registries import Registry


@dataclass(frozen=True)
class KeySubject:
    """Something that an application's key can be for; its team answers for the key."""

    id: int
    slug: str
    label: str
    team: Team

    @classmethod
    def of(cls, thing: Any) -> KeySubject:
        return cls(thing.pk, thing.slug, f"{thing} ({thing.team})", thing.team)

    def facts(self) -> dict[str, Any]:
        """What the key service wants to know of it."""
        return {"use_case_id": self.id, "use_case_slug": self.slug, "team": self.team}


grant_scopes: Registry[type[models.Model]] = Registry("grant scopes")
# Each gives what this person may make keys for: things with a title, a slug and a team, in order.
key_subjects: Registry[Callable[[User], models.QuerySet[Any]]] = Registry("key subjects")
# Each takes a person out of what waited for them, in the transaction in which their account or
# one of their roles ends. They may still hold other roles, so each looks what they hold now.
leaving: Registry[Callable[[User, datetime], None]] = Registry("what a leaver leaves")
