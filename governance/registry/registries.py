"""What apps above add to the use case's page and the map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from governance.access.models import User
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
monthly_costs: Registry[Callable[[list[int], datetime], dict[int, Decimal]]] = Registry(
    "monthly costs"
)


@dataclass(frozen=True)
class GateEvidence:
    """What an app above answers for a gate (the keys are `rules.EVIDENCE`).

    `missing` says in words what is not there, empty when it is; `url` is where to mend it.
    """

    missing: Callable[[UseCase, datetime], str]
    url: Callable[[UseCase], str]


gate_evidence: Registry[GateEvidence] = Registry("gate evidence")
