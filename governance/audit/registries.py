"""What other apps tell the audit log: their actions, and their part of a pack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.kernel.registries import Registry


@dataclass(frozen=True)
class PackScope:
    """What a pack covers: from (inclusive) until (exclusive), one team or everything."""

    starts_at: datetime
    ends_at: datetime
    team_id: int | None = None


@dataclass(frozen=True)
class EvidenceSection:
    """One table of a pack. `rows` streams plain dicts with exactly these columns."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: Callable[[PackScope], Iterator[dict[str, Any]]]


audit_actions: Registry[str] = Registry("audit actions")
evidence_sections: Registry[EvidenceSection] = Registry("evidence sections")
