"""Scoring rounds: invite, score blind, reveal at once, agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.urls import reverse

from governance.access.models import User
from governance.access.selectors import holders
from governance.home.services import notify
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404
from governance.registry.assessments import can_assess, check_can_assess, check_score
from governance.registry.models import RoundSeat, Score, ScoringRound, UseCase
from governance.registry.round_rules import MOST_ASSESSORS, SCORING_ROUNDS, SHOWN
from governance.registry.scoring_content import ModelContent
from governance.registry.scoring_models import contents_of, model_in_force
from governance.registry.services import locked_use_case, write_event

LONGEST_REASON = 500
LONGEST_RATIONALE = 5000
FURTHEST_DUE = timedelta(days=90)


def assessors_for(use_case: UseCase, now: datetime) -> QuerySet[User]:
    """Who may score it: managers of the team's use cases, and safety officers."""
    own = holders(Permission.USE_CASE_MANAGE, use_case.team, now=now).values("pk")
    wide = holders(Permission.USE_CASE_ASSESS, now=now).values("pk")
    return User.objects.filter(pk__in=own.union(wide)).order_by("name", "pk")


@transaction.atomic
def open_round(
    *,
    actor: Actor,
    use_case: UseCase,
    assessors: Sequence[User],
    due_on: date | None,
    now: datetime,
) -> ScoringRound:
    """Ask 1 to 7 people who may score it for their own scores; all by the version in force.

    Its owner may be one of them, but not the only one: a round is a second look.
    """
    locked = locked_use_case(use_case.pk)
    check_can_assess(actor, locked)
    day = _checked_day(locked, assessors, due_on, now)
    version, _ = model_in_force()
    try:
        with transaction.atomic():
            found = ScoringRound.objects.create(
                use_case=locked,
                lead=actor.user,
                model_version=version,
                due_on=day,
                opened_at=now,
            )
    except IntegrityError:
        raise WrongState(
            "Nothing was opened: a scoring round of this use case is not finished yet."
        ) from None
    RoundSeat.objects.bulk_create(RoundSeat(round=found, assessor=one) for one in assessors)
    after = {"assessors": [one.email for one in assessors], "due_on": str(day)}
    write_event(actor, "use_case.round_opened", locked, now, after=after)
    title = f"{actor.label} asks for your own score of {locked}, until {day}"
    notify(users=assessors, title=title, url=_url(found), now=now)
    return found


def _checked_day(
    use_case: UseCase, assessors: Sequence[User], due_on: date | None, now: datetime
) -> date:
    """The day, when it and those who are asked fit; else Invalid."""
    problems: dict[str, list[str]] = {}
    chosen, today = {one.pk for one in assessors}, now.astimezone(UTC).date()
    if not 1 <= len(chosen) <= MOST_ASSESSORS or len(chosen) != len(assessors):
        problems["assessors"] = [f"Choose 1 to {MOST_ASSESSORS} people, each once."]
    elif assessors_for(use_case, now).filter(pk__in=chosen).count() != len(chosen):
        problems["assessors"] = ["Choose people who may score this use case."]
    elif chosen == {use_case.owner_id}:
        problems["assessors"] = ["Its owner cannot be the only one: choose somebody else too."]
    if due_on is None or not today <= due_on <= today + FURTHEST_DUE:
        problems["due_on"] = [f"A day from today on, at most {FURTHEST_DUE.days} days away."]
    if problems or due_on is None:
        raise Invalid("Nothing was opened: some fields do not fit.", fields=problems)
    return due_on


@transaction.atomic
def hand_in(
    *,
    actor: Actor,
    round_id: int,
    points: Mapping[str, int],
    rationales: Mapping[str, str],
    now: datetime,
) -> ScoringRound:
    """One's own score, which may be handed in again while others are missing.

    The last one in reveals all of them. The log says that somebody scored, never what.
    """
    found = _locked_round(round_id)
    seat = found.seats.filter(assessor=actor.user).first()
    if seat is None:
        raise NotAllowed("Nothing was saved: you were not asked to score in this round.")
    check_can_assess(actor, found.use_case)
    if found.state != "open":
        raise WrongState("Nothing was saved: this round is no longer open.")
    content = content_of(found)
    reasons = {key: str(rationales.get(key, "")).strip() for key in content.keys}
    check_score(content, points, reasons)
    seat.points = {key: points[key] for key in content.keys}
    seat.rationales, seat.submitted_at = reasons, now
    seat.save()
    missing = found.seats.filter(submitted_at=None).count()
    after = {"round": found.pk, "still_missing": missing}
    write_event(actor, "use_case.round_scored", found.use_case, now, after=after)
    if not missing:
        _reveal(found, "reveal", actor, now, "use_case.round_revealed")
    return found


@transaction.atomic
def close_early(*, actor: Actor, round_id: int, reason: str, now: datetime) -> ScoringRound:
    """Show what is in without waiting for the rest, who are named."""
    found = _locked_round(round_id)
    _check_leads(actor, found)
    SCORING_ROUNDS.target(found.state, "close_early")
    if not found.seats.exclude(submitted_at=None).exists():
        raise WrongState("Nothing was closed: nobody has scored yet. Give the round up instead.")
    found.reason = _checked_reason(reason)
    _reveal(found, "close_early", actor, now, "use_case.round_closed")
    return found


def _reveal(found: ScoringRound, action: str, actor: Actor, now: datetime, event: str) -> None:
    found.state = SCORING_ROUNDS.target(found.state, action)
    found.revealed_at = now
    found.save(update_fields=["state", "revealed_at", "reason"])
    seats = list(found.seats.select_related("assessor"))
    after = {
        "round": found.pk,
        "scores": {one.assessor.email: one.points for one in seats if one.submitted_at},
        "absent": [one.assessor.email for one in seats if not one.submitted_at],
    }
    write_event(actor, event, found.use_case, now, after=after, reason=found.reason)
    people = {one.assessor for one in seats if one.assessor.is_active} | {found.lead}
    title = f"The scores of {found.use_case} are shown now"
    notify(users=people, title=title, url=_url(found), now=now)


@transaction.atomic
def agree(
    *, actor: Actor, round_id: int, points: Mapping[str, int], rationale: str, now: datetime
) -> Score:
    """The consensus, recorded by the lead; from now on it is what the portfolio goes by."""
    found = _locked_round(round_id)
    _check_leads(actor, found)
    found.state = SCORING_ROUNDS.target(found.state, "agree")
    content = content_of(found)
    _check_consensus(content, points, rationale)
    found.ended_at = now
    found.save(update_fields=["state", "ended_at"])
    impact, effort = content.totals(points)
    score = Score.objects.create(
        use_case=found.use_case,
        assessor=actor.user,
        **content.split(points),
        rationale=rationale.strip(),
        impact_total=impact,
        effort_total=effort,
        model_version=found.model_version,
        threshold=content.threshold,
        round=found,
        assessor_count=found.seats.exclude(submitted_at=None).count(),
        at=now,
    )
    after = {"round": found.pk, "points": score.points, "quadrant": score.quadrant}
    after |= {"impact": impact, "effort": effort}
    write_event(
        actor, "use_case.round_agreed", found.use_case, now, after=after, reason=score.rationale
    )
    return score


def _check_consensus(content: ModelContent, points: Mapping[str, int], rationale: str) -> None:
    problems = {
        key: ["Choose 1 to 5."] for key in content.keys if points.get(key) not in range(1, 6)
    }
    if not 1 <= len(rationale.strip()) <= LONGEST_RATIONALE or "\x00" in rationale:
        problems["rationale"] = [
            f"Say how you came to agree, in at most {LONGEST_RATIONALE} characters."
        ]
    if problems:
        raise Invalid("Nothing was recorded: some fields do not fit.", fields=problems)


@transaction.atomic
def give_up(*, actor: Actor, round_id: int, reason: str, now: datetime) -> ScoringRound:
    """End it without a consensus. What was never shown stays unread."""
    found = _locked_round(round_id)
    _check_leads(actor, found)
    found.state = SCORING_ROUNDS.target(found.state, "give_up")
    found.reason, found.ended_at = _checked_reason(reason), now
    found.save(update_fields=["state", "reason", "ended_at"])
    after = {"round": found.pk}
    write_event(
        actor, "use_case.round_given_up", found.use_case, now, after=after, reason=found.reason
    )
    return found


def leads(actor: Actor, found: ScoringRound) -> bool:
    """Whoever opened it; when their account is closed, whoever may score the use case."""
    if actor.user is None or not can_assess(actor, found.use_case):
        return False
    return found.lead_id == actor.user.pk or not found.lead.is_active


def _check_leads(actor: Actor, found: ScoringRound) -> None:
    if not leads(actor, found):
        raise NotAllowed(f"Nothing was changed: {found.lead} leads this round.")


def content_of(found: ScoringRound) -> ModelContent:
    return contents_of([found.model_version])[found.model_version]


def _checked_reason(reason: str) -> str:
    text = reason.strip()
    if not 1 <= len(text) <= LONGEST_REASON or "\x00" in text:
        words = f"Say why, in at most {LONGEST_REASON} characters."
        raise Invalid("Nothing was changed: say why.", fields={"reason": [words]})
    return text


def _locked_round(round_id: int) -> ScoringRound:
    """Two who hand in at once wait for each other here, so that one of them is the last."""
    rounds = ScoringRound.objects.select_for_update(of=("self",))
    found: ScoringRound = get_or_404(
        rounds.select_related("use_case__team", "use_case__owner", "lead"), pk=round_id
    )
    return found


def _url(found: ScoringRound) -> str:
    return reverse("registry:round", args=[found.use_case.slug, found.pk])


def due_at(found: ScoringRound) -> datetime:
    """The end of its day, in UTC."""
    return datetime(found.due_on.year, found.due_on.month, found.due_on.day, tzinfo=UTC) + (
        timedelta(days=1)
    )


def seats_as_read_by(found: ScoringRound, user: Any) -> list[RoundSeat]:
    """Seats with only what this person may read in them: all when shown, else their own.

    The rest is blanked here, in one place, so that no page or API can let it out.
    """
    seats = [copy(one) for one in found.seats.all()]
    for one in seats:
        if found.state not in SHOWN and one.assessor_id != user.pk:
            one.points, one.rationales = {}, {}
    return seats
