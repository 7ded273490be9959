"""What the minutes of a meeting say: who was there, what was decided, what was put off."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from governance.approvals.meeting_models import AgendaItem, Meeting
from governance.approvals.models import Condition, Decision

FORMAT = "placet-minutes/1"


def minutes_of(meeting: Meeting) -> dict[str, Any]:
    """All of it as plain content, for a meeting that has its times."""
    opened_at, closed_at = meeting.opened_at, meeting.closed_at
    if opened_at is None or closed_at is None:
        raise ValueError("Minutes are of a meeting that took place.")
    present = meeting.attendances.select_related("person").order_by("person__name", "pk")
    decisions = decisions_in(meeting, closed_at)
    items = list(meeting.items.select_related("change__proposer"))
    return {
        "format": FORMAT,
        "meeting": meeting.pk,
        "title": meeting.title,
        "held_on": meeting.held_on,
        "chaired_by": _person(meeting.chaired_by),
        "opened_at": _moment(opened_at),
        "closed_at": _moment(closed_at),
        "minutes_long": int((closed_at - opened_at).total_seconds() // 60),
        "present": [_person(one.person) for one in present],
        "items": [
            _item(number, item, decisions.get(item.change_id, []))
            for number, item in enumerate(items, start=1)
        ],
    }


def decisions_in(meeting: Meeting, until: datetime) -> dict[int, list[Decision]]:
    """What was decided on the agenda's requests since the meeting opened, by request."""
    found: dict[int, list[Decision]] = {}
    rows = (
        Decision.objects.filter(
            change__in=meeting.items.values("change"), at__gte=meeting.opened_at, at__lte=until
        )
        .select_related("person", "on_behalf_of", "slot")
        .prefetch_related("points")
    )
    for one in rows:
        found.setdefault(one.change_id, []).append(one)
    return found


def _item(number: int, item: AgendaItem, decisions: list[Decision]) -> dict[str, Any]:
    change = item.change
    conditional = any(one.outcome == "approve_with_conditions" for one in decisions)
    conditions = Condition.objects.filter(change=change).select_related("owner")
    return {
        "number": number,
        "change": change.pk,
        "title": change.title,
        "kind": change.kind,
        "tier": change.tier,
        "revision": change.revision,
        "digest": change.digest,
        "proposed_by": _person(change.proposer),
        "state": change.state,
        "outcome": "not reached" if item.state == "waiting" else item.state,
        "deferred_because": item.deferred_because,
        "note": item.note,
        "decisions": [_decision(one) for one in decisions],
        "conditions": [
            {"text": one.text, "owner": _person(one.owner), "due_on": one.due_on}
            for one in (conditions if conditional else [])
        ],
    }


def _decision(decision: Decision) -> dict[str, Any]:
    stood_in_for = decision.on_behalf_of
    return {
        "person": _person(decision.person),
        "on_behalf_of": _person(stood_in_for) if stood_in_for else None,
        "signed_as": decision.slot.label if decision.slot else "",
        "outcome": decision.outcome,
        "rationale": decision.rationale,
        "points": [one.text for one in decision.points.all()],
        "void": decision.is_void,
        "at": _moment(decision.at),
    }


def _person(person: Any) -> dict[str, str]:
    return {"name": person.name, "email": person.email}


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
