"""What a proposal of a rule says, read from facts that are not trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings

from governance.access.models import Team
from governance.kernel.errors import Invalid
from telemetry.allocation.models import AllocationVersion
from telemetry.allocation.registries import pool_sources
from telemetry.allocation.rules import ENTERED, Method

MOST = Decimal(1000000000)
SMALLEST = Decimal("0.000000001")


@dataclass(frozen=True)
class RuleContent:
    """A pool a month and how it is split. `figures` by a team's slug."""

    starts_on: date
    method: Method
    amount: Decimal = Decimal(0)
    source: str = ""
    rate: Decimal = Decimal(0)
    figures: tuple[tuple[str, Decimal], ...] = ()
    ends_on: date | None = None
    note: str = ""

    def as_proposal(self) -> dict[str, Any]:
        return {
            "starts_on": self.starts_on.isoformat(),
            "ends_on": self.ends_on.isoformat() if self.ends_on else None,
            "source": self.source,
            "amount": f"{self.amount:.9f}",
            "rate": f"{self.rate:.9f}",
            "currency": settings.PLACET_CURRENCY,
            "method": self.method.value,
            "figures": {slug: _short(figure) for slug, figure in self.figures},
            "note": self.note,
        }


def content_of(version: AllocationVersion) -> RuleContent:
    return RuleContent(
        starts_on=version.starts_on,
        method=Method(version.method),
        amount=version.amount,
        source=version.source,
        rate=version.rate,
        figures=tuple((slug, Decimal(one)) for slug, one in sorted(version.figures.items())),
        ends_on=version.ends_on,
        note=version.note,
    )


def read_content(given: Mapping[str, Any]) -> RuleContent:
    """Raises Invalid with all that does not fit."""
    problems: dict[str, list[str]] = {}
    starts_on = _month(given.get("starts_on"), "starts_on", problems)
    ends_on = _month(given.get("ends_on"), "ends_on", problems) if given.get("ends_on") else None
    if starts_on and ends_on and ends_on < starts_on:
        problems["ends_on"] = ["The last month lies before the first."]
    source = str(given.get("source") or "")
    if source and source not in pool_sources:
        problems["source"] = ["Choose one of the sources, or enter an amount."]
    money = "rate" if source else "amount"
    values = {"amount": Decimal(0), "rate": Decimal(0)}
    values[money] = _number(given.get(money), money, problems)
    if not values[money] and money not in problems:
        problems[money] = ["More than 0."]
    method = str(given.get("method") or "")
    if method not in set(Method):
        problems["method"] = ["Choose how it is split."]
    figures = _figures(given.get("figures") or {}, method, problems)
    note = str(given.get("note") or "").strip()
    if len(note) > 300:
        problems["note"] = ["At most 300 characters."]
    if problems or starts_on is None:
        raise Invalid("No rule was proposed: some fields do not fit.", fields=problems)
    return RuleContent(
        starts_on, Method(method), values["amount"], source, values["rate"], figures, ends_on, note
    )


def _month(given: Any, name: str, problems: dict[str, list[str]]) -> date | None:
    if isinstance(given, date):
        return given.replace(day=1)
    try:
        return date.fromisoformat(f"{str(given)[:7]}-01")
    except ValueError:
        problems[name] = ["A month is written 2026-11."]
        return None


def _number(given: Any, name: str, problems: dict[str, list[str]]) -> Decimal:
    try:
        value = Decimal(str(given))
        if value.is_finite() and 0 <= value < MOST and value == value.quantize(SMALLEST):
            return value
    except InvalidOperation:
        pass
    problems[name] = ["A number of at least 0, with at most nine decimals."]
    return Decimal(0)


def _figures(
    given: Any, method: str, problems: dict[str, list[str]]
) -> tuple[tuple[str, Decimal], ...]:
    if method not in ENTERED and method != Method.EQUAL:
        return ()
    if not isinstance(given, Mapping) or len(given) > 1000:
        problems["figures"] = ["One figure for each team."]
        return ()
    wrong: dict[str, list[str]] = {}
    read = {str(slug): _number(one, str(slug), wrong) for slug, one in given.items()}
    known = set(Team.objects.filter(slug__in=read).values_list("slug", flat=True))
    sentences = [f"{slug}: {words[0]}" for slug, words in wrong.items()]
    sentences += [f"There is no team “{slug}”." for slug in sorted(set(read) - known)]
    total = sum(read.values(), Decimal(0))
    if not sentences and method == Method.FIXED and total != 100:
        sentences.append(f"The shares add up to {_short(total)} %, not to 100 %.")
    if not sentences and method == Method.MEASURE and not total:
        sentences.append("Give at least one team more than 0.")
    if sentences:
        problems["figures"] = sentences
    return tuple(sorted((slug, one) for slug, one in read.items() if one))


def _short(value: Decimal) -> str:
    return f"{value.normalize():f}"
