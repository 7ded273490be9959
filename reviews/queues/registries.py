"""What the apps above know of answers: who wrote what they came from, and where they go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from governance.access.models import User
from governance.kernel.registries import Registry
from reviews.queues.models import Queue, ReviewItem
from telemetry.ledger.models import Call

# Name → the ids of the prompt versions that this person wrote, as one column of a query.
written_versions: Registry[Callable[[User], QuerySet[Any, Any]]] = Registry(
    "prompt versions by author"
)


@dataclass(frozen=True)
class Route:
    """A queue for a held answer, what it adds to the priority, and who notes that it came."""

    queue: Queue
    priority: int
    keep: Callable[[ReviewItem], None]


# Asked before the use case's own queue and the default one.
routes: Registry[Callable[[Call], Route | None]] = Registry("routes of held answers")
