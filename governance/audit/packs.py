"""Ask for a pack, and build it: tables, exact lines, proofs, manifest, signature, verifier."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import structlog
import xlsxwriter
from django.conf import settings
from django.db import connection, transaction

from governance.audit import offline_verifier, services
from governance.audit.merkle import Tree
from governance.audit.models import AuditEvent, AuditPack, Checkpoint, LogLeaf
from governance.audit.registries import PackScope, evidence_sections
from governance.audit.rules import PACK_STATES
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import plain
from governance.kernel.errors import Invalid, NotAllowed, WrongState

log = structlog.get_logger(__name__)
FIXED_DATE = (1980, 1, 1, 0, 0, 0)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0", "＝", "＋", "－", "＠")
_EVENT_COLUMNS = (
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


def folder() -> Path:
    return Path(settings.DATA_DIR) / "packs"


@transaction.atomic
def request_pack(
    *,
    actor: Actor,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    team_id: int | None = None,
    team_label: str = "",
) -> AuditPack:
    """Ask for a pack; a worker builds it."""
    if not actor.may(Permission.AUDIT_PACK_BUILD):
        raise NotAllowed("No pack was asked for: compliance builds packs.")
    if ends_at <= starts_at:
        raise Invalid("No pack was asked for: the period ends before it begins.")
    pack = AuditPack.objects.create(
        requested_by=actor.user,
        requested_at=now,
        starts_at=starts_at,
        ends_at=ends_at,
        team_id=team_id,
        team_label=team_label,
    )
    after = {"from": starts_at, "until": ends_at, "team": team_label}
    services.record(actor=actor, action="audit_pack.requested", subject=pack, now=now, after=after)
    return pack


@transaction.atomic
def record_download(*, actor: Actor, pack: AuditPack, now: datetime) -> Path:
    """Where the file stands; who took it is recorded. Raises WrongState while it is not ready."""
    if not actor.may(Permission.AUDIT_PACK_BUILD):
        raise NotAllowed("Compliance downloads packs.")
    path = folder() / pack.file_name
    if pack.state != "ready" or not path.is_file():
        raise WrongState("This pack is not ready; build it again.")
    after = {"sha256": pack.sha256}
    services.record(actor=actor, action="audit_pack.downloaded", subject=pack, now=now, after=after)
    return path


def build(*, pack_id: str, now: datetime) -> None:
    """Build it to its end, or say why not. A finished pack is left as it is."""
    with transaction.atomic():
        pack = AuditPack.objects.select_for_update().filter(pk=pack_id).first()
        if pack is None or pack.state not in ("requested", "building"):
            return
        pack.state = PACK_STATES.target(pack.state, "build")
        pack.steps_done, pack.steps_total = 0, len(evidence_sections) + 3
        pack.save()
    services.sequence(now=now)
    try:
        path = _write(pack)
    except (OSError, ValueError, LookupError) as error:
        log.exception("pack failed", pack=str(pack.pk))
        _finish(pack, "fail", now, failure=f"{type(error).__name__}: {error}"[:500])
        return
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    _finish(
        pack, "finish", now, file_name=path.name, size_bytes=path.stat().st_size, sha256=content
    )


@transaction.atomic
def _finish(pack: AuditPack, action: str, now: datetime, **facts: Any) -> None:
    pack.state = PACK_STATES.target("building", action)
    pack.finished_at, pack.step_label = now, ""
    for name, value in facts.items():
        setattr(pack, name, value)
    pack.steps_done = pack.steps_total if action == "finish" else pack.steps_done
    pack.save()
    recorded = "audit_pack.built" if action == "finish" else "audit_pack.failed"
    services.record(
        actor=Actor.system("packs"), action=recorded, subject=pack, now=now, after=dict(facts)
    )


class _Writer:
    """Files into a ZIP with a fixed date, remembering every digest for the manifest."""

    def __init__(self, target: IO[bytes]) -> None:
        self.zip = zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED)
        self.digests: dict[str, str] = {}

    def add(self, name: str, content: bytes) -> None:
        entry = zipfile.ZipInfo(name, FIXED_DATE)
        entry.compress_type = zipfile.ZIP_DEFLATED
        self.zip.writestr(entry, content)
        self.digests[name] = hashlib.sha256(content).hexdigest()

    def stream(self, name: str, lines: Iterator[bytes]) -> int:
        """Write line by line; how many."""
        entry = zipfile.ZipInfo(name, FIXED_DATE)
        entry.compress_type = zipfile.ZIP_DEFLATED
        digest, count = hashlib.sha256(), 0
        with self.zip.open(entry, "w", force_zip64=True) as file:
            for line in lines:
                file.write(line)
                digest.update(line)
                count += 1
        self.digests[name] = digest.hexdigest()
        return count


def _write(pack: AuditPack) -> Path:
    folder().mkdir(parents=True, exist_ok=True)
    path = folder() / f"placet-audit-{pack.starts_at:%Y%m%d}-{pack.ends_at:%Y%m%d}-{pack.pk}.zip"
    partial = path.with_suffix(".partial")
    scope = PackScope(pack.starts_at, pack.ends_at, pack.team_id)
    with partial.open("wb") as target:
        writer = _Writer(target)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            counts = _write_content(pack, scope, writer)
        _write_frame(pack, writer, counts)
        writer.zip.close()
    partial.replace(path)
    return path


def _write_content(pack: AuditPack, scope: PackScope, writer: _Writer) -> dict[str, int]:
    counts = {}
    for name, section in evidence_sections.items():
        counts[section.title] = _write_section(writer, name, section.columns, section.rows(scope))
    counts["Audit events"] = _write_events(scope, writer)
    return counts


def _write_section(
    writer: _Writer, name: str, columns: tuple[str, ...], rows: Iterator[dict[str, Any]]
) -> int:
    """The table as exact JSON lines, as CSV and as XLSX; rows are read once."""
    kept = [plain(row) for row in rows]
    writer.stream(f"data/{name}.jsonl", (_line(row) for row in kept))
    writer.stream(f"tables/{name}.csv", _csv_lines(columns, kept))
    writer.add(f"tables/{name}.xlsx", _workbook(name, columns, kept))
    return len(kept)


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _csv_lines(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> Iterator[bytes]:
    yield _csv_line(columns)
    for row in rows:
        yield _csv_line([row.get(column, "") for column in columns])


def _csv_line(cells: Any) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow([harmless(cell) for cell in cells])
    return buffer.getvalue().encode()


def harmless(cell: Any) -> Any:
    """A text that a spreadsheet would run as a formula, with an apostrophe before it."""
    if isinstance(cell, str) and cell.lstrip(" \ufeff").startswith(_FORMULA):
        return f"'{cell}"
    return cell


def _workbook(name: str, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "in_memory": True,
    }
    with xlsxwriter.Workbook(buffer, options) as book:
        sheet = book.add_worksheet(name[:31])
        sheet.write_row(0, 0, columns)
        for number, row in enumerate(rows, 1):
            for column, key in enumerate(columns):
                value = row.get(key, "")
                sheet.write(number, column, value if isinstance(value, int) else str(value or ""))
    return buffer.getvalue()


def _write_events(scope: PackScope, writer: _Writer) -> int:
    """Events with an inclusion proof each, and the checkpoint that they are proved against."""
    checkpoint = Checkpoint.objects.first()
    if checkpoint is None:
        raise ValueError("The audit log has no checkpoint yet; wait a minute and try again.")
    hashes = LogLeaf.objects.order_by("index").values_list("leaf_hash", flat=True)
    tree = Tree([bytes(one) for one in hashes.iterator(chunk_size=5000)])
    events = AuditEvent.objects.filter(at__gte=scope.starts_at, at__lt=scope.ends_at)
    events = events.filter(leaf__isnull=False).select_related("leaf").order_by("leaf__index")
    if scope.team_id:
        events = events.filter(team_id=scope.team_id)
    kept = list(events)
    writer.stream("data/events.jsonl", (bytes(one.canonical) + b"\n" for one in kept))
    writer.stream("proofs/events.jsonl", (_proof(one, tree) for one in kept))
    writer.stream(
        "tables/events.csv", _csv_lines(_EVENT_COLUMNS, [_event_row(one) for one in kept])
    )
    writer.add("checkpoint.txt", checkpoint.note.encode())
    return len(kept)


def _proof(event: AuditEvent, tree: Tree) -> bytes:
    index = event.leaf.index
    path = [base64.b64encode(one).decode() for one in tree.inclusion(index)]
    return _line({"event": str(event.pk), "index": index, "path": path})


def _event_row(event: AuditEvent) -> dict[str, Any]:
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
            "log_index": event.leaf.index,
        }
    )
    return row


def _write_frame(pack: AuditPack, writer: _Writer, counts: dict[str, int]) -> None:
    """What makes it a pack: read-me, key, verifier, then manifest and signature last."""
    signer = services.signer()
    writer.add("README.txt", _readme(pack, counts).encode())
    writer.add("public-key.txt", f"{signer.verifier_key}\n".encode())
    writer.add("verify.py", Path(offline_verifier.__file__).read_bytes())
    lines = [f"{digest}  {name}\n" for name, digest in sorted(writer.digests.items())]
    manifest = "".join(lines).encode()
    signature = base64.b64encode(signer.sign(manifest)) + b"\n"
    writer.add("manifest-sha256.txt", manifest)
    writer.add("manifest-sha256.txt.sig", signature)


def _readme(pack: AuditPack, counts: dict[str, int]) -> str:
    listed = "\n".join(f"  {count:>8,}  {title}" for title, count in counts.items())
    return (
        f"Placet audit pack\n\nPeriod   {pack.starts_at.isoformat()} until "
        f"{pack.ends_at.isoformat()}\nScope    {pack.team_label or 'the whole organisation'}\n\n"
        f"{listed}\n\n"
        "data/    exact records, one JSON object a line\n"
        "tables/  the same for spreadsheets (CSV, XLSX)\n"
        "proofs/  each event's place in the signed log (RFC 6962)\n\n"
        "Check it without Placet:  python3 verify.py --key KEY\n"
        "The key is on Placet's audit page; get it by another way than this pack.\n"
    )
