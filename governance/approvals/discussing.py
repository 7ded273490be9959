"""Comments in threads on the lines of a change, and marking a thread as dealt with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from governance.access.models import User
from governance.approvals.diffing import field_diffs
from governance.approvals.lines import Line, find_line
from governance.approvals.mentioning import Told, people_mentioned
from governance.approvals.models import ChangeRequest, Comment, SignOffSlot
from governance.approvals.moving import locked_change, url_of, write_event
from governance.home.services import notify
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404

LONGEST_COMMENT = 10_000


@dataclass(frozen=True)
class Said:
    """A comment that was added, and who was told of it."""

    comment: Comment
    told: Told


@transaction.atomic
def comment(
    *,
    actor: Actor,
    change_id: int,
    text: str,
    now: datetime,
    line: str = "",
    revision: int | None = None,
    parent_id: int | None = None,
) -> Said:
    """Say something: on the whole change, on a line of its diff, or in answer to a thread.

    `revision` is what the writer saw; a line of an older one is refused, because it may be
    another line now. Raises Invalid, NotFound.
    """
    text = text.strip()
    if not text or len(text) > LONGEST_COMMENT:
        raise Invalid(
            "Nothing was added: write a comment of at most 10,000 characters.",
            fields={"text": ["Write something." if not text else "This is too long."]},
        )
    get_or_404(ChangeRequest.objects.visible_to(actor.user), pk=change_id)
    change = locked_change(change_id)
    place = _place(change, line, revision, parent_id)
    told = people_mentioned(text, change, actor.user)
    added = Comment.objects.create(change=change, person=actor.user, text=text, at=now, **place)
    added.mentioned.set(told.people)
    title = f"{actor.user.name} mentions you: {change.title}"
    notify(users=told.people, title=title, url=f"{url_of(change)}#comment-{added.pk}", now=now)
    facts: dict[str, Any] = {"comment": added.pk, "told": [str(one) for one in told.people]}
    place_facts = {"line": line, "quote": added.quote} if line else {}
    write_event(actor, "change.commented", change, now, after=facts | place_facts)
    return Said(added, told)


def _place(
    change: ChangeRequest, line: str, revision: int | None, parent_id: int | None
) -> dict[str, Any]:
    """Where the comment stands: its revision with a line or a thread, or neither."""
    here: dict[str, Any] = {"revision": change.revision}
    if parent_id is not None:
        # Threads have one level: an answer to an answer stands in the same thread.
        parent: Comment = get_or_404(Comment.objects.filter(change=change), pk=parent_id)
        return here | {"parent_id": parent.parent_id or parent.pk}
    if not line:
        return here
    found = line_of(change, line) if revision in (None, change.revision) else None
    if found is None:
        raise Invalid(
            "Nothing was added: this line is not in the revision that is open now. Your words are "
            "kept; choose the line again, or comment on the whole change.",
            fields={"line": ["Not a line of this revision."]},
        )
    label = found.label[:300]
    return here | {"line": found.key, "line_label": label, "quote": found.text}


def line_of(change: ChangeRequest, key: str) -> Line | None:
    return find_line(field_diffs(change.base, change.snapshot), key)


@transaction.atomic
def settle_thread(
    *, actor: Actor, change_id: int, comment_id: int, is_resolved: bool, now: datetime
) -> Comment:
    """Mark a thread as dealt with, or open it again: who began it, the proposer, a signatory."""
    get_or_404(ChangeRequest.objects.visible_to(actor.user), pk=change_id)
    change = locked_change(change_id)
    threads = Comment.objects.filter(change=change, parent=None)
    thread: Comment = get_or_404(threads, pk=comment_id)
    if not may_settle(actor.user, thread, change, signatories_of(change)):
        raise NotAllowed(
            "Nothing was changed: who began the thread, the proposer and the signatories can "
            "mark it."
        )
    if is_resolved == (thread.resolved_at is not None):
        words = "resolved already" if is_resolved else "open already"
        raise WrongState(f"Nothing was changed: this thread is {words}.")
    thread.resolved_by = actor.user if is_resolved else None
    thread.resolved_at = now if is_resolved else None
    thread.save(update_fields=["resolved_by", "resolved_at"])
    action = "change.thread_resolved" if is_resolved else "change.thread_reopened"
    write_event(actor, action, change, now, after={"comment": thread.pk})
    return thread


def signatories_of(change: ChangeRequest) -> frozenset[int]:
    """Who may fill a slot of the request as it is, by their numbers."""
    chosen = SignOffSlot.eligible.through.objects.filter(signoffslot__change=change)
    return frozenset(chosen.values_list("user_id", flat=True))


def may_settle(
    user: User, thread: Comment, change: ChangeRequest, signatories: frozenset[int]
) -> bool:
    return user.pk in {thread.person_id, change.proposer_id} or user.pk in signatories
