"""What a rule gives for a month: the pool, the teams' figures, the parts; nothing is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db.models import F, Sum

from governance.access.models import Team
from governance.kernel.authority import Permission
from governance.kernel.errors import WrongState
from telemetry.allocation.content import RuleContent, content_of
from telemetry.allocation.models import (
    AllocationPart,
    AllocationRule,
    AllocationRun,
    AllocationVersion,
)
from telemetry.allocation.registries import pool_sources
from telemetry.allocation.rules import BY_USAGE, Method, share_percent, split
from telemetry.chargeback.rules import previous_month
from telemetry.ledger.models import ZERO, LedgerEntry
from telemetry.ledger.rules import EntryKind

SMALLEST = Decimal("0.000000001")
# A rule shows every team's part, so it is for who keeps the organisation's money, or signs it.
MAY_SEE = (
    Permission.BUDGET_MANAGE,
    Permission.STATEMENT_CLOSE,
    Permission.SIGN_BOARD,
    Permission.SIGN_COMPLIANCE,
)
# What of the usage lines a method adds up.
_SUMS = {
    Method.COST: Sum("amount"),
    Method.CALLS: Sum("calls"),
    Method.TOKENS: Sum(F("tokens_input") + F("tokens_output")),
}


@dataclass(frozen=True)
class Part:
    """A team's line: its figure, its share in percent, its part, and that of the month before."""

    team: Team
    basis: Decimal
    share: Decimal
    amount: Decimal
    before: Decimal | None = None

    @property
    def difference(self) -> Decimal:
        return self.amount - (self.before or ZERO)


@dataclass(frozen=True)
class Preview:
    """A rule's month as it would be booked. The parts add up to the whole."""

    period: date
    whole: Decimal
    currency: str
    basis_total: Decimal
    parts: tuple[Part, ...]
    quantity: Decimal | None = None
    before: Decimal | None = None

    @property
    def difference(self) -> Decimal:
        return self.whole - (self.before or ZERO)


def pool_of(content: RuleContent, period: date) -> tuple[Decimal, Decimal | None]:
    """The pool of that month, and the quantity it was taken from."""
    if not content.source:
        return content.amount, None
    quantity = pool_sources[content.source].measure(period)
    return (quantity * content.rate).quantize(SMALLEST), quantity


def has_pool(version: AllocationVersion, period: date) -> bool:
    """Whether there is anything to book: a source may have nothing in a month."""
    try:
        return bool(pool_of(content_of(version), period)[0])
    except WrongState:
        return True  # it cannot be said what, so somebody has to look


def usage_by_team(method: Method, period: date) -> dict[str, Decimal]:
    """The month's usage lines by team slug; allocations and adjustments are no usage."""
    lines = LedgerEntry.objects.filter(period=period, kind=EntryKind.USAGE).order_by()
    rows = lines.values_list("team__slug").annotate(figure=_SUMS[method])
    return {slug: Decimal(figure) for slug, figure in rows if figure}


def weights_of(content: RuleContent, period: date) -> dict[str, Decimal]:
    """Each team's figure, by slug."""
    if content.method in BY_USAGE:
        return usage_by_team(content.method, period)
    if content.method == Method.EQUAL:
        listed = [slug for slug, _ in content.figures]
        return dict.fromkeys(listed or usage_by_team(Method.CALLS, period), Decimal(1))
    return dict(content.figures)


def preview(content: RuleContent, period: date, rule: AllocationRule | None = None) -> Preview:
    """What booking that content for that month would give, beside the rule's month before.

    Raises WrongState when there is nothing to split, or nothing to split by.
    """
    whole, quantity = pool_of(content, period)
    weights = weights_of(content, period)
    if not any(weights.values()):
        raise WrongState(
            f"Nothing was booked: there is no usage in {period:%B %Y} to split this by. "
            "Choose fixed shares, or equal ones among named teams."
        )
    if not whole:
        raise WrongState(f"Nothing was booked: the pool of {period:%B %Y} is 0.")
    parts = split(whole, weights)
    before = _before(rule, period)
    slugs = set(parts) | set(before)
    teams = {team.slug: team for team in Team.objects.filter(slug__in=slugs)}
    total = sum(weights.values(), ZERO)
    lines = [
        Part(
            team=teams[slug],
            basis=weights.get(slug, ZERO),
            share=share_percent(weights.get(slug, ZERO), total),
            amount=parts.get(slug, ZERO),
            before=before.get(slug),
        )
        for slug in sorted(slugs, key=lambda slug: (teams[slug].name, slug))
    ]
    return Preview(
        period=period,
        whole=whole,
        currency=settings.PLACET_CURRENCY,
        basis_total=total,
        parts=tuple(lines),
        quantity=quantity,
        before=sum(before.values(), ZERO) if before else None,
    )


def _before(rule: AllocationRule | None, period: date) -> dict[str, Decimal]:
    """What the rule booked for the month before, by team."""
    if rule is None:
        return {}
    booked = AllocationPart.objects.filter(
        run__rule=rule, run__period=previous_month(period), run__state="booked"
    )
    return dict(booked.values_list("team__slug", "amount"))


def version_for(rule: AllocationRule, period: date) -> AllocationVersion | None:
    """The version that holds in that month, if one does."""
    return in_force([rule.pk], period).get(rule.pk)


def in_force(rule_ids: Iterable[int], period: date) -> dict[int, AllocationVersion]:
    """By rule, the last version that began by that month, unless it ended before it."""
    versions = AllocationVersion.objects.filter(rule__in=rule_ids, starts_on__lte=period)
    last = versions.order_by("rule_id", "-number").distinct("rule_id").select_related("rule")
    return {one.rule_id: one for one in last if one.covers(period)}


@dataclass(frozen=True)
class RuleRow:
    """A rule in a month's list: its version then, and what was booked."""

    rule: AllocationRule
    version: AllocationVersion | None
    run: AllocationRun | None


def rules_of(period: date) -> list[RuleRow]:
    """Every rule with its version in that month and its booking; three queries."""
    rules = list(AllocationRule.objects.all())
    versions = in_force([rule.pk for rule in rules], period)
    runs = {
        run.rule_id: run
        for run in AllocationRun.objects.filter(period=period, state="booked").select_related(
            "version"
        )
    }
    return [RuleRow(rule, versions.get(rule.pk), runs.get(rule.pk)) for rule in rules]


def is_outdated(run: AllocationRun) -> bool:
    """Whether the month's figures, or the rule, are others now than when it was booked."""
    version = version_for(run.rule, run.period)
    if version is None or version.pk != run.version_id:
        return True
    try:
        now = preview(content_of(version), run.period)
    except WrongState:
        return True
    booked = dict(run.parts.values_list("team_id", "amount"))
    return booked != {part.team.pk: part.amount for part in now.parts}
