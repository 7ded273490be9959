"""What apps above add to the use case's page and the map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from governance.access.models import User
from governance.approvals.registries import Consequence
from governance.kernel.authority import Permission
from governance.kernel.registries import Registry
from governance.registry.models import UseCase


@dataclass(frozen=True)
class Panel:
    """A card on the use case's page, for whoever holds any of the permissions."""

    title: str
    order: int
    template: str
    context: Callable[[UseCase, User, datetime], dict[str, Any]]
    permissions: tuple[Permission, ...]


use_case_panels: Registry[Panel] = Registry("use case panels")
# Rows booked in that month, each with its `use_case` and `cost`: the database adds them up.
monthly_costs: Registry[Callable[[datetime], QuerySet[Any]]] = Registry("monthly costs")


@dataclass(frozen=True)
class GateEvidence:
    """What an app above answers for a gate (the keys are `rules.EVIDENCE`).

    `missing` says in words what is not there, empty when it is; `url` is where to mend it.
    """

    missing: Callable[[UseCase, datetime], str]
    url: Callable[[UseCase], str]


gate_evidence: Registry[GateEvidence] = Registry("gate evidence")


@dataclass(frozen=True)
class LedgerMetric:
    """A figure that a success metric may take from the ledger: per use case, from and before.

    Monthly ones are measured for the month so far, the others for one day; a use case of which
    nothing is known is left out.
    """

    label: str
    unit: str
    is_monthly: bool
    measure: Callable[[list[int], datetime, datetime], dict[int, Decimal]]


ledger_metrics: Registry[LedgerMetric] = Registry("ledger metrics")


@dataclass(frozen=True)
class UseCaseKind:
    """A kind of change that rests on a use case, and what of it cannot bear such data.

    `subjects` are subject ids of use cases, `use_cases` the use case of each subject, `unfit`
    the approvals in these states whose use case or deployments may not see that sensitivity.
    """

    subjects: Callable[[list[int]], list[int]]
    use_cases: Callable[[list[int]], dict[int, int]]
    unfit: Callable[[list[int], str, tuple[str, ...]], set[int]]


use_case_kinds: Registry[UseCaseKind] = Registry("use case kinds")


@dataclass(frozen=True)
class Retirement:
    """What ends with a use case: counted for who proposes and decides, carried out when granted."""

    count: Callable[[UseCase, datetime], list[Consequence]]
    carry_out: Callable[[UseCase, str, datetime], None]


retirements: Registry[Retirement] = Registry("retirements")
