"""Prove the log in the database against its tree, its checkpoints and the copy outside."""

from __future__ import annotations

from collections.abc import Iterator

from governance.audit.merkle import Frontier, leaf_hash
from governance.audit.models import AuditEvent, Checkpoint, LogLeaf, PendingEvent
from governance.audit.notes import verify_note
from governance.audit.services import content_of, last_outside, signer
from governance.kernel.canonical import canonical_bytes


def problems() -> Iterator[str]:
    """What does not hold, the first bad event first; nothing when all holds."""
    checkpoints = {one.size: one for one in Checkpoint.objects.order_by("size")}
    frontier = Frontier()
    leaves = LogLeaf.objects.order_by("index")
    for leaf in leaves.iterator(chunk_size=2000):
        if leaf.index != frontier.size:
            yield f"Event {frontier.size} of the log is missing."
            return
        yield from _event_problems(leaf)
        frontier.append(bytes(leaf.leaf_hash))
        checkpoint = checkpoints.pop(frontier.size, None)
        if checkpoint is not None:
            yield from _checkpoint_problems(checkpoint, frontier.root())
    for size in checkpoints:
        yield f"The checkpoint at {size} covers events that are no longer there."
    yield from _outside_problems(frontier.size)
    known = LogLeaf.objects.values("event_id")
    pending = PendingEvent.objects.values("event_id")
    strangers = AuditEvent.objects.exclude(pk__in=known).exclude(pk__in=pending)
    for event in strangers[:10]:
        yield f"Event {event.pk} was inserted beside the log: {event.action}."


def _event_problems(leaf: LogLeaf) -> Iterator[str]:
    name = f"Event {leaf.event_id} (number {leaf.index})"
    event = AuditEvent.objects.filter(pk=leaf.event_id).first()
    if event is None:
        yield f"{name} was deleted."
        return
    stored = bytes(event.canonical)
    if leaf_hash(stored) != bytes(leaf.leaf_hash):
        yield f"{name} was changed: its bytes are not those that were logged."
    elif canonical_bytes(content_of(event)) != stored:
        yield f"{name} was changed: its columns no longer say what was logged."


def _checkpoint_problems(checkpoint: Checkpoint, root: bytes) -> Iterator[str]:
    if bytes(checkpoint.root) != root:
        yield f"The checkpoint at {checkpoint.size} has another root: an event before it changed."
    if not verify_note(checkpoint.note, signer().public_bytes):
        yield f"The checkpoint at {checkpoint.size} is not signed by this installation's key."


def _outside_problems(size: int) -> Iterator[str]:
    outside = last_outside()
    if outside is None:
        return
    known = Checkpoint.objects.filter(size=outside[0]).first()
    if known is None or bytes(known.root) != outside[1]:
        yield (
            f"The copy outside the database knows {outside[0]} events under another root; the "
            f"database has {size}. It was changed or restored from a backup."
        )
