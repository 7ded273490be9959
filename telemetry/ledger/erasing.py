"""Erase what a person said: counted first, carried out in steps, refused where a hold says so.

Texts go; calls, hashes, money lines and the audit log stay as they are, so that everything that
was proved still holds. A certificate says what went, under which event of the log.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from governance.audit.models import AuditEvent
from governance.audit.services import record, signer
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import plain
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404
from telemetry.ledger.keeping_models import is_held_back
from telemetry.ledger.legal_holds import (
    LONGEST_END_USER,
    LONGEST_REASON,
    Counted,
    counted,
    holds_against,
)
from telemetry.ledger.models import Call, Erasure
from telemetry.ledger.registries import body_stores
from telemetry.ledger.retention import while_no_hold_is_placed
from telemetry.ledger.rules import ERASURE_STATES, OPEN_STATES, end_user_hash

CALLS_PER_STEP = 200
QUEUED_AGAIN_AFTER = timedelta(minutes=2)
SYSTEM = Actor.system("erasure")


@dataclass(frozen=True)
class Refused:
    """A legal hold and how many of the calls it keeps."""

    name: str
    calls: int


@dataclass(frozen=True)
class Before:
    """What an erasure finds before it begins."""

    found: Counted
    refused: list[Refused]
    # Of the texts, those that belong to no call yet.
    uncalled: int = 0


def check_can_erase(actor: Actor) -> None:
    if not actor.may(Permission.ERASURE_MANAGE):
        raise NotAllowed("Nothing was erased: compliance and data stewards erase.")


def count_erasure(
    *, actor: Actor, now: datetime, end_user: str = "", call: Call | None = None
) -> Before:
    """What would go, and what legal holds keep back."""
    check_can_erase(actor)
    return _before(_unsaved(end_user, call, now))


@transaction.atomic
def request_erasure(
    *,
    actor: Actor,
    reason: str,
    now: datetime,
    end_user: str = "",
    call: Call | None = None,
    form_token: UUID | None = None,
) -> Erasure:
    """Asked for; a worker carries it out. The identifier is hashed here and kept nowhere.

    Raises WrongState where legal holds keep every call of it, Invalid where there is none.
    """
    check_can_erase(actor)
    earlier = Erasure.objects.filter(form_token=form_token).first() if form_token else None
    if earlier is not None:
        return earlier
    erasure = _unsaved(end_user, call, now)
    erasure.reason = reason.strip()
    if not 0 < len(erasure.reason) <= LONGEST_REASON:
        sentence = f"Say why, in at most {LONGEST_REASON:,} characters."
        raise Invalid("Nothing was erased.", fields={"reason": [sentence]})
    before = _before(erasure)
    _check_something_goes(erasure, before)
    erasure.requested_by, erasure.form_token = actor.user, form_token
    erasure.calls_total, erasure.counted = before.found.calls, before.found.texts
    erasure.save(force_insert=True)
    after = {"calls": before.found.calls, "texts": before.found.texts, **_subject(erasure)}
    _record(actor, "erasure.requested", erasure, now, after, erasure.reason)
    return erasure


def _check_something_goes(erasure: Erasure, before: Before) -> None:
    if before.uncalled:
        return
    if not before.found.calls:
        sentence = "No call is known of it: check how it is written, exactly as callers send it."
        raise Invalid(f"Nothing was erased. {sentence}")
    if not erasure.calls().filter(~is_held_back()).exists():
        names = ", ".join(f"“{one.name}”" for one in before.refused)
        raise WrongState(
            f"Nothing was erased: the legal hold {names} keeps every call of it. It can be asked "
            "for again once the hold is lifted."
        )


def _unsaved(end_user: str, call: Call | None, now: datetime) -> Erasure:
    if bool(end_user) == (call is not None):
        raise Invalid("Nothing was erased: give an end user's identifier, or a call; one of them.")
    if len(end_user) > LONGEST_END_USER:
        sentence = f"At most {LONGEST_END_USER} characters."
        raise Invalid("Nothing was erased.", fields={"end_user": [sentence]})
    return Erasure(
        end_user_hash=end_user_hash(end_user), call=call, requested_at=now, queued_at=now
    )


def _before(erasure: Erasure) -> Before:
    refused = [Refused(hold.name, calls) for hold, calls in holds_against(erasure)]
    found = counted(erasure.calls())
    texts = {
        one.title: found.texts[one.title] + one.count_uncalled(erasure)
        for one in body_stores.values()
    }
    return Before(Counted(found.calls, texts), refused, _uncalled(erasure))


def _uncalled(erasure: Erasure) -> int:
    return sum(one.count_uncalled(erasure) for one in body_stores.values())


def unfinished(now: datetime) -> list[UUID]:
    """Those whose worker died or whose message was lost."""
    quiet = Erasure.objects.filter(queued_at__lte=now - QUEUED_AGAIN_AFTER)
    return list(quiet.exclude(state="finished").values_list("pk", flat=True)[:100])


@transaction.atomic
def run_step(*, erasure_id: UUID, now: datetime, limit: int = CALLS_PER_STEP) -> bool:
    """The next calls, all stores of them or none; whether more can be done at once."""
    waiting = Erasure.objects.exclude(state="finished").select_for_update(skip_locked=True)
    erasure = waiting.filter(pk=erasure_id).first()
    if erasure is None:
        return False
    while_no_hold_is_placed()
    erasure.state = ERASURE_STATES.target(erasure.state, "run")
    erasure.queued_at = now
    calls = erasure.calls().exclude(state__in=OPEN_STATES).order_by("pk")
    if erasure.position is not None:
        calls = calls.filter(pk__gt=erasure.position)
    step = list(calls.annotate(is_kept=is_held_back()).values_list("pk", "is_kept")[:limit])
    _erase(erasure, [pk for pk, is_kept in step if not is_kept], now)
    erasure.calls_done += len(step)
    if step:
        erasure.position = step[-1][0]
    more = len(step) == limit
    if not more and not _finish(erasure, now):
        erasure.position, erasure.calls_done = None, 0
    erasure.save()
    return more


def _erase(erasure: Erasure, call_ids: list[UUID], now: datetime) -> None:
    # Calls before their texts, as who decides on one locks them.
    calls = Call.objects.select_for_update(of=("self",)).filter(pk__in=call_ids)
    list(calls.order_by("pk").values_list("pk"))
    done = Counter(erasure.erased)
    for store in body_stores.values():
        done[store.title] += store.erase(call_ids, erasure, now)
    erasure.erased = dict(done)


def _finish(erasure: Erasure, now: datetime) -> bool:
    """Done, unless calls of it still run: those are settled within minutes, and follow."""
    if erasure.calls().filter(state__in=OPEN_STATES).exists():
        return False
    erasure.refused = [
        {"hold": hold.name, "calls": calls} for hold, calls in holds_against(erasure)
    ]
    erasure.state = ERASURE_STATES.target(erasure.state, "finish")
    erasure.finished_at = now
    after = {"erased": erasure.erased, "refused": erasure.refused, **_subject(erasure)}
    erasure.event = _record(SYSTEM, "erasure.finished", erasure, now, after, erasure.reason).pk
    return True


def _subject(erasure: Erasure) -> dict[str, Any]:
    if erasure.call_id:
        return {"call": str(erasure.call_id)}
    return {"end_user_sha256": erasure.end_user_hash}


def _record(
    actor: Actor, action: str, erasure: Erasure, now: datetime, after: Any, reason: str
) -> AuditEvent:
    return record(
        actor=actor,
        action=action,
        subject=erasure,
        now=now,
        after=after,
        reason=reason,
        team_id=erasure.call.team_id if erasure.call else None,
    )


@transaction.atomic
def certificate(*, actor: Actor, erasure: Erasure, now: datetime) -> str:
    """What was erased, as a note signed with the audit log's key; its download is recorded."""
    check_can_erase(actor)
    if not erasure.is_finished:
        raise WrongState("There is no certificate yet: the erasure still runs.")
    event = get_or_404(AuditEvent.objects.select_related("leaf"), pk=erasure.event)
    leaf = getattr(event, "leaf", None)
    facts = {
        "certificate": "placet-erasure/1",
        "erasure": str(erasure.pk),
        "subject": _subject(erasure),
        "requested_at": erasure.requested_at,
        "requested_by": str(erasure.requested_by),
        "reason": erasure.reason,
        "finished_at": erasure.finished_at,
        "calls": erasure.calls_total,
        "erased": erasure.erased,
        "refused": erasure.refused,
        "kept": "calls, their hashes, their money lines and the audit log",
        "event": str(event.pk),
        "event_sha256": bytes(event.leaf_hash).hex(),
        "log_index": leaf.index if leaf else None,
        "key": signer().verifier_key,
    }
    _record(actor, "erasure.certified", erasure, now, {"event": str(event.pk)}, "")
    return signer().note(json.dumps(plain(facts), indent=1, ensure_ascii=False) + "\n")
