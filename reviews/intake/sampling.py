"""Samples of delivered answers: taken by a scan, derived again for the proof.

The scan costs the calls nothing. It looks at every delivered call once, in the order of their
admission, and stops before the oldest call that still runs; so nothing slips by, and a second
run of the same stretch takes nothing twice, because a call has at most one item.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from reviews.intake.models import Intake, IntakeRuleVersion, IntakeScan
from reviews.intake.rules import Effect, taking
from reviews.intake.selectors import Standing, facts_of, rules_at, standings
from reviews.queues.models import Queue, ReviewItem
from reviews.queues.services import open_item
from telemetry.ledger.models import Call
from telemetry.ledger.rules import CallState

COMMITTED_WITHIN = timedelta(seconds=60)
"""After so long an admission is written, so a later look finds it."""

AT_ONCE = 500
MOST_IN_PROOF = 200_000


@transaction.atomic
def take_samples(*, now: datetime, most: int = 20_000) -> int:
    """Open items for the drawn ones of what was delivered since the last run; how many.

    One run at a time; a run looks at `most` calls at most and goes on from there next time.
    """
    scan, is_new = IntakeScan.objects.select_for_update().get_or_create(
        pk=1, defaults={"scanned_until": now}
    )
    until = _settled_until(now)
    if is_new or until <= scan.scanned_until:
        return 0
    every = [one for one in standings() if one.rule.effect == Effect.AFTER]
    taken = 0
    if any(one.until is None or one.until > scan.scanned_until for one in every):
        calls = _delivered(scan.scanned_until, until)
        looked = list(calls[:most])
        if len(looked) == most:
            # Calls of the very last moment are looked at again next time, and taken once.
            until = looked[-1].admitted_at
        taken = sum(_take(call, version, now) for call, version in _drawn(looked, every))
    scan.scanned_until = until
    scan.save(update_fields=["scanned_until"])
    return taken


def _settled_until(now: datetime) -> datetime:
    oldest = Call.objects.open().order_by("admitted_at").values_list("admitted_at", flat=True)
    settled = now - COMMITTED_WITHIN
    first = oldest.filter(admitted_at__lt=settled).first()
    return first or settled


def _delivered(starts: datetime, ends: datetime) -> QuerySet[Call]:
    """Live calls that were delivered without waiting for a person, in order of admission."""
    return (
        Call.objects.live()
        .filter(state=CallState.DELIVERED, admitted_at__gte=starts, admitted_at__lt=ends)
        .select_related("use_case__team")
        .order_by("admitted_at", "pk")
    )


def _drawn(
    calls: Iterator[Call] | list[Call], every: list[Standing]
) -> Iterator[tuple[Call, IntakeRuleVersion]]:
    for call in calls:
        stand = {one.rule.name: one for one in rules_at(every, call.admitted_at)}
        rule = taking([one.rule for one in stand.values()], facts_of(call), Effect.AFTER)
        if rule is not None:
            yield call, stand[rule.name].version


def _take(call: Call, version: IntakeRuleVersion, now: datetime) -> int:
    existing = ReviewItem.objects.filter(call=call).first()
    if existing is not None:
        # Opened for another reason (feedback) before the scan came by: it counts as drawn too.
        if existing.is_after_delivery and not Intake.objects.filter(item=existing).exists():
            Intake.objects.create(item=existing, version=version)
            return 1
        return 0
    queue = Queue.objects.select_related("sla__calendar").get(pk=version.queue_id)
    item = open_item(
        call=call,
        reason=f"Drawn by “{version.rule}”, version {version.number}, after it was delivered.",
        output_contract={},
        now=now,
        priority=version.priority,
        queue=queue,
        is_after_delivery=True,
    )
    Intake.objects.create(item=item, version=version)
    return 1


@dataclass(frozen=True)
class Proof:
    """Whether, in a stretch of admissions, exactly the derived calls were taken."""

    starts_at: datetime
    ends_at: datetime
    looked_at: int
    derived: int
    missing: tuple[UUID, ...]
    surplus: tuple[UUID, ...]
    by_rule: tuple[tuple[str, int], ...]

    @property
    def holds(self) -> bool:
        return not self.missing and not self.surplus

    def __str__(self) -> str:
        words = f"{self.looked_at} delivered calls, {self.derived} drawn by the rules"
        if self.holds:
            return f"{words}: exactly these were taken."
        return f"{words}: {len(self.missing)} were not taken, {len(self.surplus)} should not be."


def prove(*, starts_at: datetime, ends_at: datetime) -> Proof:
    """Derive the sample again and compare. The end is cut to what the scan has passed."""
    scan = IntakeScan.objects.filter(pk=1).first()
    ends_at = min(ends_at, scan.scanned_until) if scan else starts_at
    every = [one for one in standings() if one.rule.effect == Effect.AFTER]
    calls = _delivered(starts_at, ends_at)[:MOST_IN_PROOF]
    taken = dict(_taken(starts_at, ends_at))
    looked, missing, by_rule = 0, [], dict.fromkeys((one.rule.name for one in every), 0)

    def counted() -> Iterator[Call]:
        nonlocal looked
        for call in calls.iterator(AT_ONCE):
            looked += 1
            yield call

    for call, version in _drawn(counted(), every):
        name = version.as_rule().name
        by_rule[name] += 1
        if taken.pop(call.pk, None) != version.pk:
            missing.append(call.pk)
    derived = sum(by_rule.values())
    return Proof(
        starts_at, ends_at, looked, derived, tuple(missing), tuple(taken), tuple(by_rule.items())
    )


def _taken(starts: datetime, ends: datetime) -> QuerySet[Intake, tuple[UUID, int]]:
    """Taken call → the version that took it."""
    found = Intake.objects.filter(
        item__is_after_delivery=True,
        item__call__admitted_at__gte=starts,
        item__call__admitted_at__lt=ends,
    )
    return found.values_list("item__call_id", "version_id")
