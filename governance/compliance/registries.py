"""What other apps answer controls with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from governance.access.models import User
from governance.compliance.rules import FULL, Evidence
from governance.kernel.authority import Permission
from governance.kernel.registries import Registry

# For whom; None when it is nobody in person, as for a pack.
EvidenceQuery = Callable[[datetime, User | None], Evidence]


@dataclass(frozen=True)
class EvidenceSource:
    """A live query with what it must show: how much, how new, and who may open its records.

    Figures are of the whole organisation and name nobody, so whoever reads the controls reads
    them; `permission` is for the page that the records stand on.
    """

    title: str
    query: EvidenceQuery
    permission: Permission
    at_least: Decimal = FULL
    fresh_for: timedelta = timedelta(days=365)


control_evidence: Registry[EvidenceSource] = Registry("control evidence")
