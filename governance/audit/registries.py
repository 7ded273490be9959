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
    """One table of a pack. `rows` streams plain dicts with exactly these columns.

    The pack's report counts the rows by each column of `counted_by`, and adds `summed`, an
    amount, up per `summed_by`, which names the currency's column too. `files` are documents that
    go with the rows, as (path, content) one after the other; they stand under `documents/`.
    Rows that only a program reads need no spreadsheet (`has_tables`).
    """

    name: str
    title: str
    columns: tuple[str, ...]
    rows: Callable[[PackScope], Iterator[dict[str, Any]]]
    counted_by: tuple[str, ...] = ()
    summed: str = ""
    summed_by: tuple[str, ...] = ()
    files: Callable[[PackScope], Iterator[tuple[str, bytes]]] | None = None
    has_tables: bool = True


@dataclass(frozen=True)
class PackTeam:
    """A team that a pack can be cut down to."""

    team_id: int
    slug: str
    name: str


audit_actions: Registry[str] = Registry("audit actions")
evidence_sections: Registry[EvidenceSection] = Registry("evidence sections")
# The audit log stands below the teams: access tells it for which ones a user may build packs.
pack_teams: Registry[Callable[[Any], list[PackTeam]]] = Registry("teams of packs")
