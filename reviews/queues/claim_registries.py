"""What the apps above plug into opening and claiming items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import QuerySet

from governance.kernel.authority import Actor
from governance.kernel.registries import Registry

if TYPE_CHECKING:
    from governance.access.models import User
    from reviews.queues.models import Queue, ReviewItem


@dataclass(frozen=True)
class ClaimRule:
    """Who may not have an item. `narrow` leaves out of the pull what the person may not have;
    `check` raises NotAllowed for an item that they ask for by name."""

    narrow: Callable[[QuerySet[ReviewItem], User], QuerySet[ReviewItem]]
    check: Callable[[ReviewItem, Actor], None]


claim_rules: Registry[ClaimRule] = Registry("rules of who may claim an item")

# What this person gets before anything else of the queue, claimed; None: nothing special.
offers: Registry[Callable[[Actor, Queue, datetime], ReviewItem | None]] = Registry("first offers")

# What is done with an item when it is opened, in the transaction that opens it.
opened: Registry[Callable[[ReviewItem, datetime], None]] = Registry("what follows an opened item")

# A sentence where this person takes no more of the queue now, or not this item; empty where they do.
limits: Registry[Callable[[User, Queue, ReviewItem | None, datetime], str]] = Registry(
    "limits of a person"
)

# What is done with an item when it is claimed, in the transaction that claims it.
claimed: Registry[Callable[[ReviewItem, Actor, datetime], None]] = Registry(
    "what follows a claimed item"
)
