"""What a pack says of texts: what became of them, what kept them, what ended them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Q

from governance.audit.registries import PackScope
from telemetry.ledger.models import Call, Erasure, LegalHold

HOLD_COLUMNS = (
    "id",
    "name",
    "reason",
    "use_case",
    "team",
    "call",
    "end_user_sha256",
    "starts_at",
    "ends_at",
    "placed_by",
    "placed_at",
    "lifted_by",
    "lifted_at",
    "lifted_because",
)
ERASURE_COLUMNS = (
    "id",
    "call",
    "end_user_sha256",
    "reason",
    "requested_by",
    "requested_at",
    "state",
    "calls",
    "erased",
    "refused",
    "finished_at",
    "event",
)


def bodies_in_words(call: Call) -> str:
    """What became of the texts, for somebody who has only the pack."""
    payload = getattr(call, "payload", None)
    if payload is None:
        return "never kept"
    if payload.destroyed_at is None:
        return f"kept until {payload.keep_until.date()}"
    if payload.erasure is None:
        return f"destroyed on {payload.destroyed_at.date()} when their retention ended"
    return f"redacted, covered by event {payload.erasure.event or 'to come'}"


def hold_rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    """Holds that stood in the period; a team's pack has those that name something of the team."""
    holds = LegalHold.objects.filter(placed_at__lt=scope.ends_at).exclude(
        lifted_at__lt=scope.starts_at
    )
    if scope.team_id is not None:
        of_team = Q(team=scope.team_id) | Q(use_case__team=scope.team_id)
        holds = holds.filter(of_team | Q(call__team=scope.team_id))
    related = holds.select_related("use_case", "team", "placed_by", "lifted_by")
    for one in related.order_by("pk").iterator(chunk_size=500):
        yield {name: getattr(one, name, None) for name in HOLD_COLUMNS} | {
            "use_case": one.use_case.slug if one.use_case else None,
            "team": one.team.slug if one.team else None,
            "call": one.call_id,
            "end_user_sha256": one.end_user_hash or None,
            "placed_by": one.placed_by.email,
            "lifted_by": one.lifted_by.email if one.lifted_by else None,
        }


def erasure_rows(scope: PackScope) -> Iterator[dict[str, Any]]:
    """Erasures that were asked for in the period; `event` covers what is gone."""
    asked = Erasure.objects.filter(
        requested_at__gte=scope.starts_at, requested_at__lt=scope.ends_at
    )
    if scope.team_id is not None:
        asked = asked.filter(call__team_id=scope.team_id)
    for one in asked.select_related("requested_by").order_by("pk").iterator(chunk_size=500):
        yield {name: getattr(one, name, None) for name in ERASURE_COLUMNS} | {
            "call": one.call_id,
            "end_user_sha256": one.end_user_hash or None,
            "requested_by": one.requested_by.email,
            "calls": one.calls_total,
            "erased": ", ".join(f"{title}: {count}" for title, count in one.erased.items()),
            "refused": ", ".join(f"{each['hold']}: {each['calls']}" for each in one.refused),
        }
