"""What stands in a pack: the sections' tables, and the events with their proofs."""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from governance.audit.archive import Archive
from governance.audit.lease import Progress
from governance.audit.merkle import Tree
from governance.audit.models import (
    AuditEvent,
    AuditEventQuerySet,
    Checkpoint,
    PendingEvent,
)
from governance.audit.registries import EvidenceSection, PackScope, evidence_sections
from governance.audit.report import Tally
from governance.audit.selectors import tree_of
from governance.audit.tables import Table
from governance.kernel.canonical import plain

CHUNK = 1_000
EVENT_COLUMNS = (
    "id",
    "at",
    "actor",
    "action",
    "subject_type",
    "subject_id",
    "subject",
    "reason",
    "log_index",
)
EVENTS = EvidenceSection(
    "events", "Audit events", EVENT_COLUMNS, lambda scope: iter(()), counted_by=("action",)
)


@dataclass
class Content:
    """What was written: a tally per table, the checkpoint, and how many events still waited."""

    tallies: list[Tally] = field(default_factory=list)
    checkpoint: Checkpoint | None = None
    waiting: int = 0


def write_content(scope: PackScope, folder: Path, archive: Archive, progress: Progress) -> Content:
    """Every section and the events, each row read once and none kept; `folder` is for drafts."""
    content = Content()
    for section in evidence_sections.values():
        progress.step(section.title)
        content.tallies.append(_write_section(section, scope, folder, archive, progress))
    progress.step(EVENTS.title)
    _write_events(scope, folder, archive, progress, content)
    return content


def json_line(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _write_section(
    section: EvidenceSection,
    scope: PackScope,
    folder: Path,
    archive: Archive,
    progress: Progress,
) -> Tally:
    tally, name = Tally(section), section.name
    with ExitStack() as open_files:
        table = None
        if section.has_tables:
            table = open_files.enter_context(Table(folder, name, section.columns))
        lines = open_files.enter_context(archive.file(f"data/{name}.jsonl"))
        for row in section.rows(scope):
            exact = plain(row)
            lines.write(json_line(exact))
            if table:
                table.add(exact)
            tally.add(exact)
            progress.row()
    if table:
        _move_table(table, name, archive)
    for path, content in section.files(scope) if section.files else ():
        archive.add(f"documents/{path}", content)
        progress.row()
    return tally


def _move_table(table: Table, name: str, archive: Archive) -> None:
    archive.move(f"tables/{name}.csv", table.csv_path)
    archive.move(f"tables/{name}.xlsx", table.xlsx_path)


def _write_events(
    scope: PackScope, folder: Path, archive: Archive, progress: Progress, content: Content
) -> None:
    """Events with an inclusion proof each, and the checkpoint that they are proved against."""
    checkpoint = content.checkpoint = Checkpoint.objects.first()
    if checkpoint is None:
        raise ValueError("the audit log has no checkpoint yet; wait a minute")
    tree, tally = tree_of(checkpoint.size), Tally(EVENTS)
    events = events_of(scope).filter(leaf__index__lt=checkpoint.size).select_related("leaf")
    drafted = folder / "proofs.jsonl"
    with ExitStack() as open_files:
        proofs = open_files.enter_context(drafted.open("wb"))
        table = open_files.enter_context(Table(folder, "events", EVENT_COLUMNS))
        lines = open_files.enter_context(archive.file("data/events.jsonl"))
        for event in events.order_by("leaf__index").iterator(chunk_size=CHUNK):
            row = event_row(event)
            lines.write(bytes(event.canonical) + b"\n")
            proofs.write(_proof(event, tree))
            table.add(row)
            tally.add(row)
            progress.row()
    archive.move("proofs/events.jsonl", drafted)
    _move_table(table, "events", archive)
    archive.add("checkpoint.txt", checkpoint.note.encode())
    content.tallies.append(tally)
    content.waiting = PendingEvent.objects.filter(event__in=events_of(scope)).count()


def events_of(scope: PackScope) -> AuditEventQuerySet:
    """Events of the period, of the one team or of all."""
    events = AuditEvent.objects.filter(at__gte=scope.starts_at, at__lt=scope.ends_at)
    return events if scope.team_id is None else events.filter(team_id=scope.team_id)


def event_row(event: AuditEvent) -> dict[str, Any]:
    """An event with its leaf as a row of EVENT_COLUMNS; one that waits has no index."""
    leaf = getattr(event, "leaf", None)
    row: dict[str, Any] = plain(
        {
            "id": event.pk,
            "at": event.at,
            "actor": event.actor_label,
            "action": event.action,
            "subject_type": event.subject_type,
            "subject_id": event.subject_id,
            "subject": event.subject_label,
            "reason": event.reason,
            "log_index": leaf.index if leaf else None,
        }
    )
    return row


def _proof(event: AuditEvent, tree: Tree) -> bytes:
    index = event.leaf.index
    path = [base64.b64encode(one).decode() for one in tree.inclusion(index)]
    return json_line({"event": str(event.pk), "index": index, "path": path})
