"""The filtered call list as a file, row by row, and no more of a call than its reader sees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from governance.access.models import User
from governance.audit.tables import csv_line
from governance.kernel.authority import Permission
from governance.kernel.canonical import plain
from governance.kernel.errors import NotAllowed
from telemetry.ledger.models import Call, CallQuerySet
from telemetry.ledger.selectors import sees_only_cost

ROWS_PER_CHUNK = 1_000
COST_COLUMNS = (
    "id",
    "admitted_at",
    "finished_at",
    "use_case",
    "team",
    "deployment",
    "source",
    "state",
    "tokens_input",
    "tokens_cached",
    "tokens_output",
    "tokens_reasoning",
    "images",
    "cost",
    "currency",
)
COLUMNS = (
    *COST_COLUMNS,
    "prompt",
    "release_id",
    "prompt_version_id",
    "mode",
    "api_key",
    "sensitivity",
    "latency_ms",
    "attempts",
    "redactions",
    "findings",
    "hold_reason",
    "confidence",
    "confidence_method",
    "refusal_code",
    "task_id",
    "end_user_hash",
    "request_hash",
    "response_hash",
    "decided_hash",
    "price_snapshot",
    "digest",
)


def row_of(call: Call, columns: tuple[str, ...]) -> dict[str, Any]:
    """JSON-plain, without a body; names where there are names."""
    named = {
        "use_case": call.use_case.slug,
        "team": call.team.slug,
        "deployment": call.deployment.slug if call.deployment else None,
        "api_key": call.api_key.prefix if call.api_key else None,
        "prompt": call.prompt_label,
    }
    return {name: named[name] if name in named else _plain(getattr(call, name)) for name in columns}


def _plain(value: Any) -> Any:
    """What a JSON column holds is JSON already, with whatever numbers it has."""
    return value if isinstance(value, dict | list) else plain(value)


def as_csv(calls: CallQuerySet, user: User, *, only_cost: bool) -> Iterator[str]:
    """Safe to open in a spreadsheet."""
    columns = COST_COLUMNS if only_cost else COLUMNS
    yield csv_line(columns)
    for call in _allowed(calls, user, only_cost):
        yield csv_line(row_of(call, columns).values())


def as_json_lines(calls: CallQuerySet, user: User, *, only_cost: bool) -> Iterator[str]:
    """One object a line: the exact copy."""
    columns = COST_COLUMNS if only_cost else COLUMNS
    for call in _allowed(calls, user, only_cost):
        yield json.dumps(row_of(call, columns), ensure_ascii=False) + "\n"


def _allowed(calls: CallQuerySet, user: User, only_cost: bool) -> Iterator[Call]:
    """The calls, for as long as the person may still see the same ones.

    A role that is taken away breaks the file off: half a file says so, a short one would not.
    """
    reach = user.reach(Permission.CALL_VIEW)
    found = calls.select_related("use_case", "team", "deployment", "api_key")
    ordered = found.order_by("-admitted_at", "-id").iterator(chunk_size=ROWS_PER_CHUNK)
    for number, call in enumerate(ordered, 1):
        if number % ROWS_PER_CHUNK == 0:
            today = User.objects.get(pk=user.pk)
            if today.reach(Permission.CALL_VIEW) != reach or sees_only_cost(today) != only_cost:
                raise NotAllowed("Your roles have changed; the file was broken off.")
        yield call
