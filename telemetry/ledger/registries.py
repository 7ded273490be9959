"""What the apps above plug into the call page, and into the question who may read bodies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.registries import Registry
from telemetry.ledger.models import Call


@dataclass(frozen=True)
class CallPanel:
    """A section of the call page. An empty context hides it; `permissions`: any one opens it."""

    title: str
    order: int
    template: str
    context: Callable[[Call, User, datetime], dict[str, Any]]
    permissions: tuple[Permission, ...] = (Permission.CALL_VIEW,)


call_panels: Registry[CallPanel] = Registry("call panels")

# Name → the scope objects (team, queue) on which CALL_BODY_VIEW opens this call's bodies.
body_scopes: Registry[Callable[[Call], list[Any]]] = Registry("scopes of call bodies")

# Code of a finding → what it says, for the filter and the call's page.
finding_codes: Registry[str] = Registry("finding codes")
