"""Feedback as JSON Lines, with no more of it than its reader may see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction

from governance.access.models import User
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import NotAllowed
from reviews.feedback.models import TEXTS, Feedback, kept_texts
from reviews.feedback.selectors import MAY_SEE, Wanted, readable_by

AT_A_TIME = 500


def facts_of(one: Feedback) -> dict[str, Any]:
    """JSON-plain, without texts."""
    return {
        "id": str(one.pk),
        "call": str(one.call_id),
        "use_case": one.use_case.slug,
        "prompt": one.call.prompt_label,
        "thumb": one.thumb,
        "has_text": one.has_text,
        "has_correction": one.has_correction,
        "breaks_contract": one.breaks_contract,
        "sensitivity": one.call.sensitivity,
        "state": one.state,
        "rule": one.taken_by.rule.slug if one.taken_by else None,
        "queue": one.item.queue.slug if one.item else None,
        "given_by": one.api_key.prefix if one.api_key else str(one.person or ""),
        "end_user_hash": one.end_user_hash or None,
        "given_at": one.given_at.isoformat(),
        "decided_at": one.decided_at.isoformat() if one.decided_at else None,
        "keep_until": one.keep_until.isoformat() if any(kept_texts(one).values()) else None,
    }


def written(wanted: Wanted, user: User, now: datetime) -> Iterator[str]:
    """One object a line; the texts where the person may read them. Audited before the first."""
    found = Feedback.objects.visible_to(user).select_related(
        "use_case", "call", "item__queue", "taken_by__rule", "api_key", "person"
    )
    chosen = wanted.apply(found).order_by("-given_at", "-pk")
    readable = set(
        wanted.apply(Feedback.objects.visible_to(user))
        .filter(readable_by(user))
        .values_list("pk", flat=True)
    )
    after = {"filters": wanted.as_query(), "rows": chosen.count(), "with_texts": len(readable)}
    actor = Actor.person(user)
    # Of its own: the request that reads opens none.
    with transaction.atomic():
        record(actor=actor, action="feedback.exported", subject=user, now=now, after=after)
    return _lines(chosen, readable, user)


def _lines(chosen: Any, readable: set[Any], user: User) -> Iterator[str]:
    """A role that is taken away breaks the file off: half a file says so, a short one would not."""
    reaches = [user.reach(one) for one in (*MAY_SEE, Permission.CALL_BODY_VIEW)]
    for number, one in enumerate(chosen.iterator(chunk_size=AT_A_TIME), 1):
        if number % AT_A_TIME == 0:
            today = User.objects.get(pk=user.pk)
            if [today.reach(each) for each in (*MAY_SEE, Permission.CALL_BODY_VIEW)] != reaches:
                raise NotAllowed("Your roles have changed; the file was broken off.")
        texts = {name: one.opened(name) for name in TEXTS} if one.pk in readable else {}
        yield json.dumps(facts_of(one) | texts, ensure_ascii=False) + "\n"
