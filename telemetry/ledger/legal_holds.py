"""Place and lift legal holds, having counted what they keep back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict, Unpack
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from governance.access.models import Team
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404
from governance.registry.models import UseCase
from telemetry.ledger.models import Call, Erasure, LegalHold
from telemetry.ledger.registries import body_stores
from telemetry.ledger.retention import KEEPING_LOCK
from telemetry.ledger.rules import end_user_hash

LONGEST_REASON = 2000
LONGEST_END_USER = 512


class HoldScope(TypedDict, total=False):
    """What a hold covers: calls that fit all that is given. `ends_at` is not in it any more."""

    use_case: UseCase | None
    team: Team | None
    call: Call | None
    end_user: str
    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True)
class Counted:
    """How many calls a scope has, and how many texts of them by where they stand."""

    calls: int
    texts: dict[str, int]


def counted(calls: QuerySet[Call]) -> Counted:
    return Counted(calls.count(), {one.title: one.count(calls) for one in body_stores.values()})


def check_can_hold(actor: Actor) -> None:
    if not actor.may(Permission.LEGAL_HOLD_MANAGE):
        raise NotAllowed("Nothing was changed: compliance places and lifts legal holds.")


def count_scope(*, actor: Actor, **scope: Unpack[HoldScope]) -> Counted:
    """What a hold of that scope would keep back now."""
    check_can_hold(actor)
    return counted(_unsaved(scope).calls())


@transaction.atomic
def place_hold(
    *,
    actor: Actor,
    name: str,
    reason: str,
    now: datetime,
    form_token: UUID | None = None,
    **scope: Unpack[HoldScope],
) -> LegalHold:
    """From now on nothing in its scope is destroyed. The same form sent twice is one hold."""
    check_can_hold(actor)
    hold = _unsaved(scope)
    hold.name, hold.reason = name.strip(), reason.strip()
    _check_words(hold)
    earlier = LegalHold.objects.filter(form_token=form_token).first() if form_token else None
    if earlier is not None:
        return earlier
    hold.placed_by, hold.placed_at, hold.form_token = actor.user, now, form_token
    _after_who_destroys()
    try:
        with transaction.atomic():
            hold.save(force_insert=True)
    except IntegrityError:
        if form_token is None:
            raise
        return get_or_404(LegalHold.objects, form_token=form_token)  # type: ignore[no-any-return]
    kept = counted(hold.calls())
    after = _scope_facts(hold) | {"calls": kept.calls, "texts": kept.texts}
    _record(actor, "legal_hold.placed", hold, now, after, hold.reason)
    return hold


@transaction.atomic
def lift_hold(*, actor: Actor, hold_id: int, reason: str, now: datetime) -> LegalHold:
    """What it kept back follows its retention again; what is overdue goes with the next round."""
    check_can_hold(actor)
    hold: LegalHold = get_or_404(LegalHold.objects.select_for_update(), pk=hold_id)
    if hold.lifted_at is not None:
        raise WrongState("Nothing was changed: this hold was lifted already.")
    _check_reason(reason.strip(), "reason")
    hold.lifted_by, hold.lifted_at, hold.lifted_because = actor.user, now, reason.strip()
    hold.save(update_fields=["lifted_by", "lifted_at", "lifted_because"])
    _record(actor, "legal_hold.lifted", hold, now, {"lifted": True}, hold.lifted_because)
    return hold


def holds_on(call: Call) -> list[LegalHold]:
    """Live holds that cover this call."""
    return [one for one in LegalHold.objects.live() if one.calls().filter(pk=call.pk).exists()]


def holds_against(erasure: Erasure) -> list[tuple[LegalHold, int]]:
    """Live holds that keep calls of it back, each with how many."""
    found = (
        (hold, erasure.calls().filter(pk__in=hold.calls().values("pk")).count())
        for hold in LegalHold.objects.live()
    )
    return [(hold, calls) for hold, calls in found if calls]


def _unsaved(scope: HoldScope) -> LegalHold:
    starts_at, ends_at = scope.get("starts_at"), scope.get("ends_at")
    if starts_at and ends_at and ends_at <= starts_at:
        sentence = "The last day lies before the first."
        raise Invalid("Nothing was changed.", fields={"ends_at": [sentence]})
    end_user = scope.get("end_user", "")
    if len(end_user) > LONGEST_END_USER:
        sentence = f"At most {LONGEST_END_USER} characters."
        raise Invalid("Nothing was changed.", fields={"end_user": [sentence]})
    hold = LegalHold(
        use_case=scope.get("use_case"),
        team=scope.get("team"),
        call=scope.get("call"),
        end_user_hash=end_user_hash(end_user),
        starts_at=starts_at,
        ends_at=ends_at,
    )
    if not any(_scope_facts(hold).values()):
        raise Invalid(
            "Nothing was changed: say what it covers. A use case, a team, a call, an end user or "
            "a period narrows it; several together cover calls that fit all of them."
        )
    return hold


def _check_words(hold: LegalHold) -> None:
    if not 0 < len(hold.name) <= 120:
        sentence = "Give a name of at most 120 characters."
        raise Invalid("Nothing was changed.", fields={"name": [sentence]})
    _check_reason(hold.reason, "reason")


def _check_reason(reason: str, field: str) -> None:
    if not 0 < len(reason) <= LONGEST_REASON:
        sentence = f"Say why, in at most {LONGEST_REASON:,} characters."
        raise Invalid("Nothing was changed.", fields={field: [sentence]})


def _after_who_destroys() -> None:
    """Whoever destroys now ends first; the next one sees the hold."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [KEEPING_LOCK])


def _scope_facts(hold: LegalHold) -> dict[str, Any]:
    return {
        "use_case": hold.use_case.slug if hold.use_case else None,
        "team": hold.team.slug if hold.team else None,
        "call": str(hold.call_id) if hold.call_id else None,
        "end_user_sha256": hold.end_user_hash or None,
        "from": hold.starts_at,
        "until": hold.ends_at,
    }


def _record(
    actor: Actor, action: str, hold: LegalHold, now: datetime, after: Any, reason: str
) -> None:
    of_use_case = hold.use_case.team_id if hold.use_case else None
    record(
        actor=actor,
        action=action,
        subject=hold,
        now=now,
        after=after,
        reason=reason,
        team_id=hold.team_id or of_use_case,
    )
