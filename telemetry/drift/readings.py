"""What the calls of two windows say: counted in the database, compared by the detectors.

Counted are calls that a model answered (at least one billed attempt) and that came from
outside: what people and test suites try inside Placet is not what users get. What people made
of answers is asked of the apps above.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count, Q

from telemetry.drift import detectors
from telemetry.drift.detectors import Finding, Limits, Tally
from telemetry.drift.models import DriftMonitor
from telemetry.drift.registries import corrected_answers, edit_distances
from telemetry.drift.rules import Measure, Span
from telemetry.ledger.models import Call, CallQuerySet
from telemetry.ledger.rules import CallMode, CallSource

# What the gateway writes on a call whose answer did not keep the output contract: refused after
# a repair that failed as well, or delivered with this finding after one that worked.
CONTRACT_FAILED = "output_contract_failed"
REPAIRED = "repaired_output"


@dataclass(frozen=True)
class Reading:
    """What was found, on how many calls of each window, and how many of those are replayed."""

    finding: Finding
    counts: tuple[int, int]
    replayed: tuple[int, int]


def read(monitor: DriftMonitor, reference: Span, current: Span) -> Reading:
    """Compare the windows by the monitor's measure and limits."""
    limits = Limits(monitor.minimum_sample, float(monitor.threshold))
    if monitor.measure == Measure.VALIDATION_FAILURES:
        return _failures(monitor.use_case_id, reference, current, limits)
    if monitor.measure == Measure.CORRECTED_SHARE:
        return _corrections(monitor.use_case_id, reference, current, limits)
    if monitor.measure == Measure.EDIT_DISTANCE:
        return _edits(monitor.use_case_id, reference, current, limits)
    return _lengths(monitor.use_case_id, reference, current, limits)


def answered(use_case_id: int, span: Span) -> CallQuerySet:
    """Calls from outside that a model answered, admitted in the span."""
    calls = Call.objects.filter(
        use_case_id=use_case_id,
        admitted_at__gte=span.starts_at,
        admitted_at__lt=span.ends_at,
        attempts__gte=1,
    )
    return calls.exclude(mode=CallMode.INTERNAL)


def _lengths(use_case_id: int, reference: Span, current: Span, limits: Limits) -> Reading:
    """By billed output tokens; a call that was repaired counts those of both its answers."""
    (before, old_replayed), (after, new_replayed) = (
        _calls_by_length(use_case_id, span) for span in (reference, current)
    )
    finding = detectors.compare_lengths(before, after, limits)
    return Reading(finding, (before.total(), after.total()), (old_replayed, new_replayed))


def _calls_by_length(use_case_id: int, span: Span) -> tuple[Counter[int], int]:
    """Output tokens → calls, and how many of the calls are replayed history."""
    grouped = answered(use_case_id, span).order_by().values_list("tokens_output", "source")
    lengths: Counter[int] = Counter()
    replayed = 0
    for tokens, source, calls in grouped.annotate(calls=Count("pk")):
        lengths[tokens] += calls
        replayed += calls if source == CallSource.REPLAYED else 0
    return lengths, replayed


def _failures(use_case_id: int, reference: Span, current: Span, limits: Limits) -> Reading:
    """Live calls alone: nobody checked a contract when replayed history was made."""
    before, after = (_tally(use_case_id, span) for span in (reference, current))
    finding = detectors.compare_failures(before, after, limits)
    return Reading(finding, (before.calls, after.calls), (0, 0))


def _tally(use_case_id: int, span: Span) -> Tally:
    failed = Q(refusal_code=CONTRACT_FAILED) | Q(findings__contains=[{"code": REPAIRED}])
    counted = (
        answered(use_case_id, span)
        .live()
        .aggregate(calls=Count("pk"), failures=Count("pk", filter=failed))
    )
    return Tally(counted["failures"], counted["calls"])


def _corrections(use_case_id: int, reference: Span, current: Span, limits: Limits) -> Reading:
    """By when people decided, not by when the calls were made: they may wait for days."""
    before, after = (_corrected(use_case_id, span) for span in (reference, current))
    finding = detectors.compare_failures(before, after, limits, detectors.CORRECTIONS)
    return Reading(finding, (before.calls, after.calls), (0, 0))


def _corrected(use_case_id: int, span: Span) -> Tally:
    found = [count(use_case_id, span) for count in corrected_answers.values()]
    return Tally(sum(one.failures for one in found), sum(one.calls for one in found))


def _edits(use_case_id: int, reference: Span, current: Span, limits: Limits) -> Reading:
    before, after = (_distances(use_case_id, span) for span in (reference, current))
    finding = detectors.compare_lengths(before, after, limits, detectors.EDITS)
    return Reading(finding, (before.total(), after.total()), (0, 0))


def _distances(use_case_id: int, span: Span) -> Counter[int]:
    counted: Counter[int] = Counter()
    for count in edit_distances.values():
        counted.update(count(use_case_id, span))
    return counted
