"""On what a role can be granted, and for what a key can be made: apps above fill these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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

    def facts(self) -> dict[str, Any]:
        """What the key service wants to know of it."""
        return {"use_case_id": self.id, "use_case_slug": self.slug, "team": self.team}


grant_scopes: Registry[type[models.Model]] = Registry("grant scopes")
# Each gives what this person may make keys for.
key_subjects: Registry[Callable[[User], list[KeySubject]]] = Registry("key subjects")
