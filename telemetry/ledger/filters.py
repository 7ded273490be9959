"""The filters of the call list, as they stand in the URL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.db.models import Q

from governance.kernel.terms import Sensitivity
from telemetry.ledger.models import Call, CallQuerySet
from telemetry.ledger.rules import CONFIDENCE_METHODS, CallMode, CallSource, CallState

PAGE_SIZE = 50
ANY = "any"
"""As a finding: whatever was found."""
_HASH = re.compile(r"[0-9a-f]{64}")
_LONGEST = 200
_MOST_ID = 2**63 - 1
_MOST_MS = 2**31 - 1
_MOST_COST = Decimal(10) ** 9
# What says how a call went: for who sees its cost alone these narrow nothing, or the filter
# would tell what the list does not.
TECHNICAL = (
    *("prompt", "release", "version", "finding", "sensitivity", "held", "cached", "refusal"),
    *("slower", "faster", "end_user", "key", "mode", "confidence_below", "confidence_method"),
)
_FIELDS = {
    "use_case": "use_case__slug",
    "team": "team__slug",
    "deployment": "deployment__slug",
    "state": "state",
    "source": "source",
    "mode": "mode",
    "prompt": "prompt_label__icontains",
    "release": "release_id",
    "version": "prompt_version_id",
    "sensitivity": "sensitivity",
    "refusal": "refusal_code",
    "dearer": "cost__gte",
    "cheaper": "cost__lte",
    "slower": "latency_ms__gte",
    "faster": "latency_ms__lte",
    "confidence_below": "confidence__lt",
    "confidence_method": "confidence_method",
    "end_user": "end_user_hash",
    "key": "api_key__prefix",
}


@dataclass(frozen=True)
class CallFilters:
    """What the list is narrowed to; what does not parse narrows nothing.

    `dearer` and `cheaper` are amounts in the organisation's currency, `slower` and `faster` the
    model's milliseconds; `confidence_below` is a share from 0 to 1; `end_user` is the SHA-256 that the
    call keeps of its end user, `key` the prefix of an API key.
    """

    use_case: str = ""
    team: str = ""
    deployment: str = ""
    state: str = ""
    source: str = ""
    mode: str = ""
    prompt: str = ""
    release: int | None = None
    version: int | None = None
    finding: str = ""
    sensitivity: str = ""
    held: bool = False
    cached: bool = False
    refusal: str = ""
    dearer: Decimal | None = None
    cheaper: Decimal | None = None
    slower: int | None = None
    faster: int | None = None
    confidence_below: Decimal | None = None
    confidence_method: str = ""
    end_user: str = ""
    key: str = ""
    since: date | None = None
    until: date | None = None

    @classmethod
    def from_query(cls, query: Mapping[str, str], *, only_cost: bool = False) -> CallFilters:
        """From the request's query; `month=2026-11` is short for its first and last day."""
        since, until = _date(query.get("since")), _date(query.get("until"))
        month = _date(f"{query.get('month', '')}-01")
        if month is not None:
            since, until = month, _last_day(month)
        end_user = query.get("end_user", "").strip().lower()
        found = cls(
            **{
                name: query.get(name, "").strip()[:_LONGEST]
                for name in ("use_case", "team", "deployment", "prompt", "finding", "refusal")
            },
            state=_one_of(CallState, query.get("state", "")),
            source=_one_of(CallSource, query.get("source", "")),
            mode=_one_of(CallMode, query.get("mode", "")),
            sensitivity=_one_of(Sensitivity, query.get("sensitivity", "")),
            release=_whole(query.get("release", ""), _MOST_ID),
            version=_whole(query.get("version", ""), _MOST_ID),
            held=query.get("held", "") == "yes",
            cached=query.get("cached", "") == "yes",
            dearer=_amount(query.get("dearer", "")),
            cheaper=_amount(query.get("cheaper", "")),
            slower=_whole(query.get("slower", ""), _MOST_MS),
            faster=_whole(query.get("faster", ""), _MOST_MS),
            confidence_below=_share(query.get("confidence_below", "")),
            confidence_method=_one_of(CONFIDENCE_METHODS, query.get("confidence_method", "")),
            end_user=end_user if _HASH.fullmatch(end_user) else "",
            key=query.get("key", "").strip().removeprefix("plc_").rstrip("…")[:8],
            since=since,
            until=until,
        )
        return found.without_technical() if only_cost else found

    def without_technical(self) -> CallFilters:
        plain = CallFilters()
        return replace(self, **{name: getattr(plain, name) for name in TECHNICAL})

    def apply(self, calls: CallQuerySet) -> CallQuerySet:
        given = {field: getattr(self, name) for name, field in _FIELDS.items()}
        calls = calls.filter(**{name: one for name, one in given.items() if one not in ("", None)})
        if self.held:
            calls = calls.exclude(hold_reason="")
        if self.cached:
            calls = calls.filter(is_cached=True)
        if self.finding == ANY:
            calls = calls.exclude(findings=[])
        elif self.finding:
            calls = calls.exclude(findings=[]).filter(findings__contains=[{"code": self.finding}])
        if self.since:
            calls = calls.filter(admitted_at__gte=_midnight(self.since))
        if self.until:
            calls = calls.filter(admitted_at__lt=_midnight(self.until + timedelta(days=1)))
        return calls

    @property
    def narrows(self) -> bool:
        return self != CallFilters()

    @property
    def is_particular(self) -> bool:
        """Whether it asks for more than the first row of the form."""
        first = ("use_case", "state", "source", "since", "until")
        plain = CallFilters()
        return replace(self, **{name: getattr(plain, name) for name in first}) != plain


def page_of(calls: CallQuerySet, cursor: str) -> tuple[list[Call], str]:
    """Up to PAGE_SIZE calls older than the cursor, newest first, and the next cursor ("" at end).

    Keyset: the cost of a page does not grow with how far down it is.
    """
    after = _parse(cursor)
    if after is not None:
        moment, pk = after
        calls = calls.filter(admitted_at__lte=moment).filter(
            Q(admitted_at__lt=moment) | Q(pk__lt=pk)
        )
    found = list(calls.order_by("-admitted_at", "-id")[: PAGE_SIZE + 1])
    shown = found[:PAGE_SIZE]
    return shown, _cursor(shown[-1]) if len(found) > PAGE_SIZE else ""


def _cursor(call: Call) -> str:
    return f"{call.admitted_at.astimezone(UTC):%Y%m%dT%H%M%S.%f}_{call.pk.hex}"


def _parse(cursor: str) -> tuple[datetime, UUID] | None:
    moment, _, pk = cursor.partition("_")
    try:
        when = datetime.strptime(moment, "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
        return when, UUID(hex=pk)
    except ValueError:
        return None


def _one_of(known: Any, text: str) -> str:
    return text if text in list(known) else ""


def _whole(text: str, most: int) -> int | None:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None
    return number if number is not None and number <= most else None


def _amount(text: str) -> Decimal | None:
    try:
        amount = Decimal(text[:30])
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < _MOST_COST else None


def _share(text: str) -> Decimal | None:
    amount = _amount(text)
    return amount if amount is not None and amount <= 1 else None


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def _last_day(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
