"""Points that a decision asks to be changed: asked, answered one by one, opened again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from governance.access.models import User
from governance.approvals.discussing import signatories_of
from governance.approvals.models import ChangePoint, ChangeRequest, Decision, PointAnswer
from governance.approvals.moving import locked_change, tell_proposer, url_of, write_event
from governance.approvals.rules import POINT_STATES, UNDECIDED, Outcome
from governance.home.services import notify
from governance.kernel.authority import Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404

MOST_POINTS = 20
LONGEST_POINT = 500
LONGEST_ANSWER = 1_000


def check_points(choice: Outcome, points: Sequence[str]) -> list[str]:
    """The points as they will stand; raises Invalid unless they fit the outcome."""
    asked = [point.strip() for point in points if point.strip()]
    if choice != Outcome.REQUEST_CHANGES:
        return []
    problem = ""
    if not asked:
        problem = "Name at least one point, one in a line."
    elif len(asked) > MOST_POINTS:
        problem = f"At most {MOST_POINTS} points; these are {len(asked)}."
    elif any(len(point) > LONGEST_POINT for point in asked):
        problem = f"A point has at most {LONGEST_POINT} characters."
    if problem:
        raise Invalid(
            "Nothing was decided: say what shall change, point by point.",
            fields={"points": [problem]},
        )
    return asked


def write_points(decision: Decision, points: Sequence[str], actor: Actor, now: datetime) -> None:
    """In the transaction of the decision."""
    if not points:
        return
    ChangePoint.objects.bulk_create(
        ChangePoint(decision=decision, position=number, text=text)
        for number, text in enumerate(points, start=1)
    )
    after = {"points": list(points)}
    write_event(actor, "change.points_asked", decision.change, now, after=after)


@transaction.atomic
def answer_point(
    *, actor: Actor, change_id: int, point_id: int, action: str, text: str, now: datetime
) -> ChangePoint:
    """`resolve` by the proposer with what was done, `reopen` by a signatory with the reason."""
    get_or_404(ChangeRequest.objects.visible_to(actor.user), pk=change_id)
    change = locked_change(change_id)
    found = ChangePoint.objects.of_change(change.pk).select_related("decision__person")
    point: ChangePoint = get_or_404(found, pk=point_id)
    if change.state not in UNDECIDED:
        raise WrongState(f"Nothing was changed: this request is {change.state}.")
    if not may_answer(actor.user, point, change, action, signatories_of(change)):
        raise NotAllowed(
            "Nothing was changed: the proposer answers a point; who asked for it and the "
            "signatories can open it again."
        )
    text = text.strip()
    if not text or len(text) > LONGEST_ANSWER:
        words = "Say what was done." if action == "resolve" else "Say what is missing."
        problem = words if not text else f"At most {LONGEST_ANSWER} characters."
        raise Invalid(
            "Nothing was changed: an answer needs a few words.", fields={"answer": [problem]}
        )
    point.state = POINT_STATES.target(point.state, action)
    point.save(update_fields=["state"])
    PointAnswer.objects.create(
        point=point,
        action=action,
        text=text,
        revision=change.revision,
        person=actor.user,
        at=now,
    )
    facts = {"point": point.text, "state": point.state}
    verb = "point_resolved" if action == "resolve" else "point_reopened"
    write_event(actor, f"change.{verb}", change, now, reason=text, after=facts)
    _tell(change, point, action, now)
    return point


def may_answer(
    user: User,
    point: ChangePoint,
    change: ChangeRequest,
    action: str,
    signatories: frozenset[int],
) -> bool:
    """Whether it is theirs to take that arrow, whatever the state is."""
    if action == "resolve":
        return user.pk == change.proposer_id
    asked = user.pk == point.decision.person_id or user.pk in signatories
    return action == "reopen" and asked and user.pk not in change.conflicted


def _tell(change: ChangeRequest, point: ChangePoint, action: str, now: datetime) -> None:
    if action == "reopen":
        tell_proposer(change, f"A point is open again: {change.title}", now)
        return
    left = len(open_points(change))
    words = f"{left} still open" if left else "all points are answered"
    title = f"A point was answered ({words}): {change.title}"
    notify(users=[point.decision.person], title=title, url=url_of(change), now=now)


def open_points(change: ChangeRequest) -> list[ChangePoint]:
    return list(ChangePoint.objects.of_change(change.pk).open())


def check_points_answered(change: ChangeRequest) -> None:
    """Raise Invalid, listing them, while points are open: a revision answers all of them."""
    left = open_points(change)
    if left:
        raise Invalid(
            "Nothing was changed: answer every point before you open a new revision. Still open: "
            + " ".join(f"{number}. {one.text}" for number, one in enumerate(left, start=1)),
            fields={"points_open": [one.text for one in left]},
        )
