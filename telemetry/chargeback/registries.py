"""What is looked at before a month is closed, and what a statement's page shows besides its lines.

Whoever knows of such a thing adds it in its hooks.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from governance.access.models import Team, User
from governance.kernel.registries import Registry


@dataclass(frozen=True)
class Finding:
    """Something of one team (None: of the organisation) to look at first: how many, how much.

    One that `warns` must be acknowledged before the month is closed; the others are told.
    """

    label: str
    count: int
    amount: Decimal | None = None
    team_id: int | None = None
    url: str = ""
    warns: bool = True
    detail: str = ""


ClosingCheck = Callable[[date, datetime], list[Finding]]

# Each in a constant number of queries, whatever the number of teams.
closing_checks: Registry[ClosingCheck] = Registry("closing checks")


@dataclass(frozen=True)
class StatementPanel:
    """A section of a statement's page; an empty context leaves it out."""

    template: str
    context: Callable[[Team, date, User], dict[str, Any]]


statement_panels: Registry[StatementPanel] = Registry("statement panels")
