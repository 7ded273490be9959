"""What the apps above plug into the call page, and into the question who may read bodies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.registries import Registry
from telemetry.ledger.models import Call, Erasure


@dataclass(frozen=True)
class CallPanel:
    """A section of the call page. An empty context hides it; `permissions`: any one opens it.

    `is_cost`: it says no more than money, so whoever sees of calls only that sees it too.
    """

    title: str
    order: int
    template: str
    context: Callable[[Call, User, datetime], dict[str, Any]]
    permissions: tuple[Permission, ...] = (Permission.CALL_VIEW,)
    is_cost: bool = False


call_panels: Registry[CallPanel] = Registry("call panels")


@dataclass(frozen=True)
class BodyStore:
    """A place where texts of calls stand. All of them follow one rule.

    `count`: how many texts of those calls there are; `erase`: empty those of calls that no legal
    hold covers (the caller saw to that), for that erasure; `destroy_due`: empty what is past its
    time and not held back, at most so many rows. Both say how many they emptied. `count_uncalled`:
    texts about the person of an erasure which belong to no call yet; `erase` empties them too.
    """

    title: str
    count: Callable[[QuerySet[Call]], int]
    erase: Callable[[list[UUID], Erasure, datetime], int]
    destroy_due: Callable[[datetime, int], int]
    count_uncalled: Callable[[Erasure], int] = lambda erasure: 0


body_stores: Registry[BodyStore] = Registry("stores of bodies")

# Name → the scope objects (team, queue) on which CALL_BODY_VIEW opens this call's bodies.
body_scopes: Registry[Callable[[Call], list[Any]]] = Registry("scopes of call bodies")

# Code of a finding → what it says, for the filter and the call's page.
finding_codes: Registry[str] = Registry("finding codes")
