"""What moved under an open request since it was opened: its content, what it replaces, evidence."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from governance.access.models import User
from governance.approvals.diffing import field_diffs
from governance.approvals.discussing import signatories_of
from governance.approvals.evidence_rules import changed, frozen, worsened
from governance.approvals.models import ChangeRequest
from governance.approvals.moving import move, url_of
from governance.approvals.registries import (
    ChangeSubject,
    Evidence,
    change_subjects,
    decisive_evidence,
)
from governance.home.services import notify
from governance.kernel.authority import Actor
from governance.kernel.canonical import digest

MOST_REASONS = 20


def evidence_of(kind: ChangeSubject, subject: Any, proposal: dict[str, Any]) -> list[Evidence]:
    """What the kind shows, and what other apps know about the same subject."""
    known = list(kind.evidence(subject, proposal))
    keys = {one.key for one in known if one.key}
    others = [one for provider in decisive_evidence.values() for one in provider(subject)]
    return known + [one for one in others if one.key not in keys]


def freeze_evidence(
    kind: ChangeSubject, subject: Any, proposal: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """The decisive pieces by their keys, each with its digest."""
    return {
        one.key: frozen(
            label=one.label,
            value=one.value,
            worse=one.worse,
            grade=one.grade,
            members=one.members,
        )
        for one in evidence_of(kind, subject, proposal)
        if one.key
    }


def what_moved(change: ChangeRequest) -> list[str]:
    """A sentence for each thing that is not as it was opened with; empty if all of it stands."""
    kind = change_subjects[change.kind]
    subject = kind.find(change.subject_id)
    moved: list[str] = []
    content, base = kind.snapshot(subject, change.proposal), kind.base(subject, change.proposal)
    if digest(content) != change.digest:
        moved += _fields_moved("What is proposed", change.snapshot, content)
    if digest(base) != change.base_digest:
        moved += _fields_moved("What it replaces", change.base, base)
    if change.evidence:
        moved += worsened(change.evidence, freeze_evidence(kind, subject, change.proposal))
    return moved


def _fields_moved(what: str, before: Any, after: Any) -> list[str]:
    """By the fields as people see them; as one sentence if none of them shows it."""
    sentences = [
        changed(f"{what}, {one.label}", _text(one, "added"), _text(one, "removed"))
        for one in field_diffs(before, after)
        if one.status != "same"
    ]
    return sentences or [f"{what} has changed."]


def _text(field: Any, without: str) -> str:
    return "".join(piece.text for piece in field.pieces if piece.kind != without)


def go_stale(change: ChangeRequest, because: list[str], actor: Actor, now: datetime) -> None:
    """Mark it, void what was decided, free the slots, and tell everybody concerned why."""
    standing = change.decisions.filter(is_void=False).select_related("person")
    deciders = {one.person_id: one.person.name for one in standing}
    change.stale_because = because[:MOST_REASONS]
    change.stale_voids = list(deciders.values())
    change.save(update_fields=["stale_because", "stale_voids"])
    standing.update(is_void=True)
    change.slots.update(filled_by=None)
    void = f" Void: the decisions of {', '.join(change.stale_voids)}." if deciders else ""
    move(change, "go_stale", actor, now, reason=" ".join(change.stale_because) + void)
    concerned = {change.proposer_id, *signatories_of(change), *deciders}
    people = User.objects.filter(pk__in=concerned, is_active=True)
    title = f"Went stale: {change.title}. {change.stale_because[0]}"
    notify(users=people, title=title, url=url_of(change), now=now)
