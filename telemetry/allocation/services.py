"""Propose rules, make their versions, book them for a month, and reverse what was booked."""

from __future__ import annotations

import calendar
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Max
from django.utils.text import slugify

from governance.approvals.models import ChangeRequest
from governance.approvals.services import open_change
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404
from telemetry.allocation.content import RuleContent, content_of, read_content
from telemetry.allocation.models import (
    AllocationPart,
    AllocationRule,
    AllocationRun,
    AllocationVersion,
)
from telemetry.allocation.registries import pool_sources
from telemetry.allocation.rules import METHOD_WORDS, RUN_STATES, RunState
from telemetry.allocation.selectors import Part, Preview, preview, version_for
from telemetry.chargeback.models import Statement
from telemetry.chargeback.rules import StatementState, next_month
from telemetry.ledger.models import LedgerEntry
from telemetry.ledger.rules import CallSource, EntryKind

KIND = "allocation_rule"
ONCE_LOCK = 722011  # one booking at a time of pools that may be booked once


def check_can_propose(actor: Actor) -> None:
    if not actor.may(Permission.BUDGET_MANAGE):
        raise NotAllowed("Nothing was opened: finance proposes how shared cost is split.")


@transaction.atomic
def propose_rule(
    *,
    actor: Actor,
    content: RuleContent,
    reason: str,
    now: datetime,
    rule: AllocationRule | None = None,
    title: str = "",
) -> ChangeRequest:
    """Open the change to a rule's next version; without a `rule`, to a new one of that title."""
    check_can_propose(actor)
    rule = rule or _new_rule(title, now)
    return open_change(
        actor=actor,
        kind=KIND,
        subject_id=rule.pk,
        proposal=content.as_proposal(),
        title=f"Allocation of {rule}: {METHOD_WORDS[content.method]}"[:200],
        reason=reason,
        now=now,
    )


def _new_rule(title: str, now: datetime) -> AllocationRule:
    title = title.strip()
    slug = slugify(title)[:60]
    if not slug or len(title) > 100:
        raise Invalid(
            "No rule was proposed: give it a title.",
            fields={"title": ["Between 1 and 100 characters, with a letter or digit."]},
        )
    rule, is_new = AllocationRule.objects.get_or_create(
        slug=slug, defaults={"title": title, "created_at": now}
    )
    if not is_new and rule.versions.exists():
        raise Invalid(
            f"No rule was proposed: there is one called {rule} already. Change that one.",
            fields={"title": ["There is a rule of this title already."]},
        )
    return rule


@transaction.atomic
def make_version(*, actor: Actor, change: ChangeRequest, now: datetime) -> AllocationVersion:
    """What an approved change does. Called by the change engine alone, so no right is checked."""
    rule = AllocationRule.objects.select_for_update().get(pk=change.subject_id)
    content = read_content(change.proposal)
    last = rule.versions.aggregate(last=Max("number"))["last"] or 0
    facts = content.as_proposal() | {
        "starts_on": content.starts_on,
        "ends_on": content.ends_on,
        "amount": content.amount,
        "rate": content.rate,
    }
    version = AllocationVersion.objects.create(
        rule=rule, number=last + 1, change=change, made_at=now, **facts
    )
    record(
        actor=actor,
        action="allocation.version_made",
        subject=rule,
        now=now,
        after={"version": version.number} | content.as_proposal(),
        reason=change.reason,
    )
    return version


@transaction.atomic
def book(*, actor: Actor, rule_id: int, period: date, now: datetime) -> AllocationRun:
    """Split the rule's pool of an ended month and book a line for each team: once.

    Raises WrongState when it is booked already, no version holds, or a team's month is closed.
    """
    _check_can_book(actor)
    rule = _locked_rule(rule_id)
    version = version_for(rule, period)
    if version is None:
        raise WrongState(f"Nothing was booked: {rule} does not hold in {period:%B %Y}.")
    if now.date() < next_month(period):
        raise WrongState(f"Nothing was booked: {period:%B %Y} has not ended yet.")
    if rule.runs.filter(period=period, state=RunState.BOOKED).exists():
        raise WrongState(
            f"Nothing was booked: {rule} is booked for {period:%B %Y} already. "
            "Reverse that first, then book it again."
        )
    _check_once(rule, version, period)
    found = preview(content_of(version), period)
    _check_open([part.team.pk for part in found.parts], period)
    run = AllocationRun.objects.create(
        rule=rule,
        version=version,
        period=period,
        whole=found.whole,
        currency=found.currency,
        basis_total=found.basis_total,
        booked_at=now,
        booked_by=actor.user,
    )
    entries = [_entry(run, found, part, now) for part in found.parts]
    _insert(entries, period)
    AllocationPart.objects.bulk_create(
        AllocationPart(run=run, team=part.team, basis=part.basis, amount=part.amount, entry=entry)
        for part, entry in zip(found.parts, entries, strict=True)
    )
    after = {"version": version.number, "whole": f"{run.whole:.9f}", "teams": len(entries)}
    _record(actor, "allocation.booked", run, now, after)
    return run


def _check_once(rule: AllocationRule, version: AllocationVersion, period: date) -> None:
    """A pool that is there once is booked by one rule; the others wait for this transaction."""
    if not version.source or not pool_sources[version.source].is_once:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONCE_LOCK])
    booked = AllocationRun.objects.filter(
        version__source=version.source, period=period, state=RunState.BOOKED
    )
    other = booked.exclude(rule=rule).select_related("rule").first()
    if other is not None:
        raise WrongState(
            f"Nothing was booked: {other.rule} has booked this pool for {period:%B %Y} already."
        )


def _entry(run: AllocationRun, found: Preview, part: Part, now: datetime) -> LedgerEntry:
    period = run.period
    words = (
        f"{run.version}: {part.share.normalize():f} % of {found.whole.normalize():f} "
        f"{found.currency}, {run.version.method_words} "
        f"({part.basis.normalize():f} of {found.basis_total.normalize():f})"
    )
    source = run.version.source
    if source and (explain := pool_sources[source].explain):
        words += f". {explain(period)}"
    return LedgerEntry(
        kind=EntryKind.ALLOCATION,
        team=part.team,
        period=period,
        day=period.replace(day=calendar.monthrange(period.year, period.month)[1]),
        amount=part.amount,
        currency=found.currency,
        source=CallSource.LIVE,
        description=words[:300],
        created_at=now,
    )


@transaction.atomic
def reverse(
    *, actor: Actor, rule_id: int, period: date, reason: str, now: datetime
) -> AllocationRun:
    """Take a booking back by lines that point at its own, while no team's month is closed."""
    _check_can_book(actor)
    if not reason.strip():
        raise Invalid(
            "Nothing was reversed: say why.", fields={"reason": ["Say why it is taken back."]}
        )
    rule = _locked_rule(rule_id)
    run = rule.runs.filter(period=period, state=RunState.BOOKED).first()
    if run is None:
        raise WrongState(f"Nothing was reversed: {rule} is not booked for {period:%B %Y}.")
    parts = list(run.parts.select_related("entry", "team"))
    _check_open([part.team_id for part in parts], period)
    entries = [
        LedgerEntry(
            kind=EntryKind.ALLOCATION,
            team=part.team,
            period=period,
            day=part.entry.day,
            amount=-part.amount,
            currency=run.currency,
            source=CallSource.LIVE,
            corrects=part.entry,
            description=f"Reversed: {reason.strip()}"[:300],
            created_at=now,
        )
        for part in parts
    ]
    _insert(entries, period)
    run.state = RUN_STATES.target(run.state, "reverse")
    run.reversed_at, run.reason = now, reason.strip()[:300]
    run.save(update_fields=["state", "reversed_at", "reason"])
    _record(actor, "allocation.reversed", run, now, {"state": run.state}, reason)
    return run


def _insert(entries: list[LedgerEntry], period: date) -> None:
    """All in that month, or none: one that was closed at this moment would move its line on."""
    LedgerEntry.objects.bulk_create(entries)
    moved = LedgerEntry.objects.filter(pk__in=[one.pk for one in entries]).exclude(period=period)
    if moved.exists():
        raise WrongState("Nothing was booked: a team's month was closed at this moment.")


def _check_open(team_ids: list[int], period: date) -> None:
    closed = Statement.objects.filter(
        team__in=team_ids, period=period, state=StatementState.CLOSED
    ).select_related("team")
    names = ", ".join(one.team.name for one in closed[:5])
    if names:
        raise WrongState(
            f"Nothing was booked: {period:%B %Y} is closed for {names}. Correct it by an "
            "adjustment in the next month."
        )


def _check_can_book(actor: Actor) -> None:
    if not actor.may(Permission.STATEMENT_CLOSE):
        raise NotAllowed("Nothing was booked: finance books shared cost.")


def _locked_rule(rule_id: int) -> AllocationRule:
    found: AllocationRule = get_or_404(AllocationRule.objects.select_for_update(), pk=rule_id)
    return found


def _record(
    actor: Actor,
    action: str,
    run: AllocationRun,
    now: datetime,
    after: dict[str, Any],
    reason: str = "",
) -> None:
    record(actor=actor, action=action, subject=run, now=now, after=after, reason=reason)
