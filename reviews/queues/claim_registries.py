"""What the apps above plug into opening and claiming items."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Exists, QuerySet

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


@dataclass(frozen=True)
class Offer:
    """What this person gets before anything else of the queue.

    `make` gives it claimed, or None; it is asked where `applies` holds, a part of the one query
    that tells how the person stands in the queue.
    """

    applies: Callable[[User, Queue], Exists]
    make: Callable[[Actor, Queue, datetime], ReviewItem | None]


offers: Registry[Offer] = Registry("first offers")

# What is done with an item when it is opened, in the transaction that opens it.
opened: Registry[Callable[[ReviewItem, datetime], None]] = Registry("what follows an opened item")


@dataclass(frozen=True)
class Limit:
    """How much a person takes. `why` is a sentence where they take no more of the queue now, or
    not this item; empty where they do. It is asked where `applies` holds."""

    applies: Callable[[User, Queue], Exists]
    why: Callable[[User, Queue, ReviewItem | None, datetime], str]


limits: Registry[Limit] = Registry("limits of a person")


@dataclass(frozen=True)
class Following:
    """What is done with an item when it is claimed, in the transaction that claims it, where
    `applies` holds for the item that is `OuterRef("pk")`."""

    applies: Callable[[], Exists]
    follow: Callable[[ReviewItem, Actor, datetime], None]


claimed: Registry[Following] = Registry("what follows a claimed item")
