"""Write an event; put events under the tree and sign the tree."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, models, transaction
from psycopg.types.numeric import Int8

from governance.audit.merkle import Frontier, leaf_hash
from governance.audit.models import AuditEvent, Checkpoint, LogLeaf, PendingEvent
from governance.audit.notes import Signer, checkpoint_text, parse_checkpoint
from governance.audit.registries import audit_actions
from governance.kernel.authority import Actor
from governance.kernel.canonical import canonical_bytes, digest, plain, text_digest, uuid7
from governance.kernel.errors import Unavailable
from governance.kernel.statements import executed

SEQUENCER_LOCK = 0x506C6163  # "Plac": one sequencer at a time, cluster-wide
BATCH = 5_000
LEAF_LIMIT_BYTES = 65_000
LONGEST_TEXT = 1_000
LONGEST_REASON = 5_000


def record(
    *,
    actor: Actor,
    action: str,
    subject: models.Model,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
    team_id: int | None = None,
) -> AuditEvent:
    """One event, in the transaction of the change it records.

    An event over 65,000 bytes keeps the digests of what is long in it, and the digests of its
    whole `before` and `after` where even that is too much. Raises LookupError for an
    unregistered action, RuntimeError outside a transaction.
    """
    _ = audit_actions[action]
    if not connection.in_atomic_block:
        raise RuntimeError("An audit event belongs into the transaction of its change.")
    context = structlog.contextvars.get_contextvars()
    event = AuditEvent(
        id=uuid7(),
        at=now,
        actor_kind=actor.kind,
        actor_id=actor.identifier,
        actor_label=actor.label[:200],
        action=action,
        subject_type=subject._meta.label,
        subject_id=str(subject.pk),
        subject_label=str(subject)[:300],
        team_id=team_id,
        before=plain(before),
        after=plain(after),
        reason=reason,
        request_id=str(context.get("request_id", "")),
    )
    event.canonical = canonical_bytes(content_of(event))
    for shortened in (_with_long_texts_digested, _digested):
        if len(event.canonical) <= LEAF_LIMIT_BYTES:
            break
        event.before, event.after = shortened(event.before), shortened(event.after)
        event.reason = event.reason[:LONGEST_REASON]
        event.canonical = canonical_bytes(content_of(event))
    event.leaf_hash = leaf_hash(event.canonical)
    _insert(event)
    return event


_FIELDS = AuditEvent._meta.concrete_fields
_JSON = [one for one in _FIELDS if isinstance(one, models.JSONField)]


def _insert(event: AuditEvent) -> None:
    """The event and its place in the sequencer's list, in one statement."""
    values = {field.column: getattr(event, field.attname) for field in _FIELDS}
    # The others are what the driver writes as they are.
    for field in _JSON:
        values[field.column] = field.get_db_prep_save(values[field.column], connection)
    values["team_id"] = None if event.team_id is None else Int8(event.team_id)
    with executed(_insertion(), values):
        pass
    event._state.adding, event._state.db = False, DEFAULT_DB_ALIAS


INSERT = """
WITH event AS (INSERT INTO {events} ({columns}) VALUES ({values}) RETURNING id)
INSERT INTO {pending} (event_id) SELECT id FROM event
"""


@cache
def _insertion() -> str:
    columns = [str(field.column) for field in AuditEvent._meta.concrete_fields]
    return INSERT.format(
        events=AuditEvent._meta.db_table,
        pending=PendingEvent._meta.db_table,
        columns=", ".join(connection.ops.quote_name(name) for name in columns),
        values=", ".join(f"%({name})s" for name in columns),
    )


def _with_long_texts_digested(value: Any) -> Any:
    """The same with every text over 1,000 characters as its SHA-256 and length."""
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return {"sha256": text_digest(value), "characters": len(value)}
    if isinstance(value, dict):
        return {name: _with_long_texts_digested(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_with_long_texts_digested(one) for one in value]
    return value


def _digested(value: Any) -> Any:
    return None if value is None else {"sha256": digest(value)}


CONTENT_FIELDS = (
    "id",
    "at",
    "actor_kind",
    "actor_id",
    "actor_label",
    "action",
    "subject_type",
    "subject_id",
    "subject_label",
    "team_id",
    "before",
    "after",
    "reason",
    "request_id",
)


def content_of(event: AuditEvent) -> dict[str, Any]:
    """What is hashed, with times in UTC to the microsecond."""
    content = {name: getattr(event, name) for name in CONTENT_FIELDS}
    content["at"] = event.at.astimezone(UTC).isoformat(timespec="microseconds")
    return content


def signer() -> Signer:
    return Signer.from_file(Path(settings.PLACET_SIGNING_KEY))


def checkpoint_file() -> Path:
    """Where checkpoints are kept outside the database, one JSON object a line."""
    return Path(settings.DATA_DIR) / "checkpoints" / "log.jsonl"


def sequence(*, now: datetime) -> int:
    """Put pending events under the tree and sign; how many. One sequencer at a time.

    Raises Unavailable when the tree in the database does not extend the last checkpoint
    kept outside it: then somebody changed or restored the database.
    """
    total = 0
    while True:
        with transaction.atomic():
            if not _is_only_sequencer():
                return total
            done = _sequence_batch(now)
        total += done
        if done < BATCH:
            return total


def _is_only_sequencer() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEQUENCER_LOCK])
        return bool(cursor.fetchone()[0])


def _sequence_batch(now: datetime) -> int:
    pending = list(PendingEvent.objects.select_related("event").order_by("event__at", "pk")[:BATCH])
    if not pending:
        return 0
    last = Checkpoint.objects.first()
    _check_outside_copy(last)
    frontier = frontier_of(last)
    leaves = []
    for one in pending:
        digest = bytes(one.event.leaf_hash)
        leaves.append(LogLeaf(index=frontier.size, event=one.event, leaf_hash=digest))
        frontier.append(digest)
    LogLeaf.objects.bulk_create(leaves, batch_size=1000)
    checkpoint = _sign(frontier, now)
    PendingEvent.objects.filter(pk__in=[one.pk for one in pending]).delete()
    transaction.on_commit(lambda: _keep_outside(checkpoint))
    return len(pending)


def frontier_of(checkpoint: Checkpoint | None) -> Frontier:
    if checkpoint is None:
        return Frontier()
    packed = bytes(checkpoint.frontier)
    return Frontier(checkpoint.size, [packed[i : i + 32] for i in range(0, len(packed), 32)])


def _sign(frontier: Frontier, now: datetime) -> Checkpoint:
    root = frontier.root()
    note = signer().note(checkpoint_text(frontier.size, root))
    return Checkpoint.objects.create(
        size=frontier.size, root=root, frontier=b"".join(frontier.hashes), note=note, at=now
    )


def _keep_outside(checkpoint: Checkpoint) -> None:
    path = checkpoint_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps({"note": checkpoint.note}) + "\n")


def last_outside() -> tuple[int, bytes] | None:
    """(size, root) of the last checkpoint kept outside the database, if there is one."""
    path = checkpoint_file()
    lines = path.read_text().splitlines() if path.exists() else []
    return parse_checkpoint(json.loads(lines[-1])["note"]) if lines else None


def _check_outside_copy(last: Checkpoint | None) -> None:
    outside = last_outside()
    if outside is None:
        return
    size, root = outside
    known = Checkpoint.objects.filter(size=size).first() if last and last.size >= size else None
    if known is None or bytes(known.root) != root:
        raise Unavailable(
            f"The audit log was not extended: the copy kept outside the database knows {size} "
            "events under another root. The database was changed or restored from a backup. "
            "Nothing was signed; run `manage.py verify_audit` and call your auditor."
        )
