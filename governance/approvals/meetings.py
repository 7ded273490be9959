"""Plan a meeting, run its agenda item after item, close it with minutes.

Decisions are taken through `decide` as ever: a meeting only says what is looked at next.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from governance.access.models import User
from governance.approvals.meeting_models import AgendaItem, Attendance, Meeting
from governance.approvals.minutes import minutes_of
from governance.approvals.models import ChangeRequest
from governance.approvals.rules import ITEM_STATES, MEETING_STATES
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import canonical_bytes, text_digest
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404

MAY_RUN = (Permission.SIGN_BOARD, Permission.SIGN_COMPLIANCE)
MOST_ITEMS = 50
LONGEST_NOTE = 5_000
LONGEST_REASON = 300


def may_run(user: User) -> bool:
    """Who plans meetings and runs them: those who sign for the board or for compliance."""
    return any(user.may(one) for one in MAY_RUN)


def _check_may_run(actor: Actor) -> None:
    if actor.kind != "person" or not may_run(actor.user):
        raise NotAllowed(
            "Nothing was changed: board members and compliance plan meetings and run them."
        )


def _locked(actor: Actor, meeting_id: int, *states: str) -> Meeting:
    """The meeting, locked, in one of the states; raises NotFound, NotAllowed, WrongState."""
    get_or_404(Meeting.objects.visible_to(actor.user), pk=meeting_id)
    _check_may_run(actor)
    meeting: Meeting = get_or_404(Meeting.objects.select_for_update(of=("self",)), pk=meeting_id)
    if meeting.state not in states:
        raise WrongState(f"Nothing was changed: this meeting is {meeting.state}.")
    return meeting


@transaction.atomic
def plan_meeting(
    *,
    actor: Actor,
    title: str,
    held_on: date,
    chaired_by: User,
    change_ids: Sequence[int],
    now: datetime,
) -> Meeting:
    """With open requests on its agenda, in the order that is given."""
    _check_may_run(actor)
    title, problems = title.strip(), {}
    if not title or len(title) > 200:
        problems["title"] = ["Give it a name of at most 200 characters."]
    if not chaired_by.is_active or not may_run(chaired_by):
        problems["chaired_by"] = ["Choose a board member or somebody of compliance."]
    if not 1 <= len(set(change_ids)) <= MOST_ITEMS:
        problems["changes"] = [f"Choose 1 to {MOST_ITEMS} change requests."]
    if problems:
        raise Invalid("Nothing was planned: see what is missing below.", fields=problems)
    meeting = Meeting.objects.create(
        title=title,
        held_on=held_on,
        chaired_by=chaired_by,
        planned_by=actor.user,
        planned_at=now,
    )
    _put_on(meeting, actor, change_ids)
    agenda = [str(one.change) for one in meeting.items.select_related("change")]
    after = {"held_on": held_on, "chaired_by": str(chaired_by), "agenda": agenda}
    record(actor=actor, action="meeting.planned", subject=meeting, now=now, after=after)
    return meeting


def _put_on(meeting: Meeting, actor: Actor, change_ids: Collection[int]) -> None:
    """At the end of the agenda, each once; raises Invalid for a request that is not open."""
    wanted = list(dict.fromkeys(change_ids))
    visible = ChangeRequest.objects.visible_to(actor.user)
    found = {one.pk for one in visible.filter(pk__in=wanted, state="open")}
    if set(wanted) - found:
        raise Invalid(
            "Nothing was planned: one of the requests is not open any more. Choose again.",
            fields={"changes": ["Only open change requests can be put on an agenda."]},
        )
    last = meeting.items.aggregate(last=Max("position"))["last"] or 0
    AgendaItem.objects.bulk_create(
        AgendaItem(meeting=meeting, change_id=pk, position=number)
        for number, pk in enumerate(wanted, start=last + 1)
    )


@transaction.atomic
def change_agenda(
    *, actor: Actor, meeting_id: int, action: str, change_id: int, now: datetime
) -> Meeting:
    """`add` an open request, `remove` one, or move it `up` or `down`; raises Invalid."""
    meeting = _locked(actor, meeting_id, "planned", "open")
    items = list(meeting.items.select_related("change"))
    if action == "add":
        if any(one.change_id == change_id for one in items):
            raise WrongState("Nothing was changed: this request is on the agenda already.")
        if len(items) >= MOST_ITEMS:
            raise WrongState(f"Nothing was changed: an agenda has at most {MOST_ITEMS} items.")
        _put_on(meeting, actor, [change_id])
    else:
        item: AgendaItem = get_or_404(meeting.items.all(), change=change_id)
        _rearrange(meeting, items, item, action)
    agenda = [str(one.change) for one in meeting.items.select_related("change")]
    before = {"agenda": [str(one.change) for one in items]}
    record(
        actor=actor,
        action="meeting.agenda_changed",
        subject=meeting,
        now=now,
        before=before,
        after={"agenda": agenda},
    )
    return meeting


def _rearrange(meeting: Meeting, items: list[AgendaItem], item: AgendaItem, action: str) -> None:
    order = [one.pk for one in items]
    here = order.index(item.pk)
    if action == "remove":
        if meeting.state != "planned":
            raise WrongState("Nothing was changed: while the meeting runs, defer the item.")
        if len(items) == 1:
            raise WrongState("Nothing was changed: an agenda has at least one item.")
        item.delete()
        return
    there = here + {"up": -1, "down": 1}.get(action, 0)
    if there == here:
        raise Invalid("Nothing was changed: an item is added, removed, or moved up or down.")
    if 0 <= there < len(order):
        order[here], order[there] = order[there], order[here]
    for number, pk in enumerate(order, start=1):
        AgendaItem.objects.filter(pk=pk).update(position=number)


@transaction.atomic
def open_meeting(*, actor: Actor, meeting_id: int, now: datetime) -> Meeting:
    """It begins; who opens it is there."""
    meeting = _locked(actor, meeting_id, "planned", "open", "closed")
    meeting.state = MEETING_STATES.target(meeting.state, "open")
    meeting.opened_at = now
    meeting.save(update_fields=["state", "opened_at"])
    Attendance.objects.get_or_create(meeting=meeting, person=actor.user)
    record(actor=actor, action="meeting.opened", subject=meeting, now=now)
    return meeting


@transaction.atomic
def take_attendance(
    *, actor: Actor, meeting_id: int, person_ids: Collection[int], now: datetime
) -> Meeting:
    """Exactly these active people are there."""
    meeting = _locked(actor, meeting_id, "open")
    people = User.objects.filter(pk__in=set(person_ids), is_active=True).order_by("name", "pk")
    meeting.attendances.all().delete()
    Attendance.objects.bulk_create(Attendance(meeting=meeting, person=one) for one in people)
    present = [str(one) for one in people]
    after = {"present": present}
    record(actor=actor, action="meeting.attended", subject=meeting, now=now, after=after)
    return meeting


@transaction.atomic
def move_item(
    *,
    actor: Actor,
    meeting_id: int,
    item_id: int,
    action: str,
    now: datetime,
    note: str = "",
    reason: str = "",
) -> AgendaItem:
    """`finish` it, `defer` it with a reason, or `take_up` again; the note goes into the minutes."""
    meeting = _locked(actor, meeting_id, "open")
    item: AgendaItem = get_or_404(meeting.items.select_related("change"), pk=item_id)
    note, reason, problems = note.strip(), reason.strip(), {}
    if len(note) > LONGEST_NOTE:
        problems["note"] = ["At most 5,000 characters."]
    if action == "defer" and not 1 <= len(reason) <= LONGEST_REASON:
        problems["reason"] = ["Say why, in at most 300 characters."]
    if problems:
        raise Invalid("Nothing was changed: see what is missing below.", fields=problems)
    if action != "note":
        item.state = ITEM_STATES.target(item.state, action)
        item.deferred_because = reason if item.state == "deferred" else ""
        item.ended_at = None if item.state == "waiting" else now
    item.note = note or item.note
    item.save()
    after: dict[str, Any] = {"item": str(item.change), "state": item.state, "note": item.note}
    record(actor=actor, action="meeting.item", subject=meeting, now=now, after=after, reason=reason)
    return item


@transaction.atomic
def close_meeting(*, actor: Actor, meeting_id: int, now: datetime) -> Meeting:
    """It ends: the minutes are written once, and their digest goes into the log."""
    meeting = _locked(actor, meeting_id, "planned", "open", "closed")
    state = MEETING_STATES.target(meeting.state, "close")
    if not meeting.attendances.exists():
        raise WrongState("Nothing was closed: tick who was there first.")
    meeting.closed_at = now
    content = canonical_bytes(minutes_of(meeting)).decode()
    meeting.minutes, meeting.digest = content, text_digest(content)
    after = {"sha256": meeting.digest, "closed_at": now}
    event = record(actor=actor, action="meeting.minuted", subject=meeting, now=now, after=after)
    meeting.event, meeting.state = event.pk, state
    meeting.save()
    return meeting
