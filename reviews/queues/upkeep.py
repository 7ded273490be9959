"""Make and change queues: who decides where, by which guideline, by when.

An item keeps the due times it was opened with. A new SLA holds for what is opened after it;
what is open already was promised under the old one, and no setting moves a promise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from governance.access.late_saves import check_seen
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import text_digest
from governance.kernel.errors import Invalid, NotAllowed, NotFound
from governance.registry.models import UseCase
from reviews.queues.models import BusinessCalendar, Queue, SlaPolicy
from reviews.queues.sla import NoOpeningHours, due_at

LONGEST_GUIDELINE = 20_000
LONGEST_LABEL = 40
MOST_LABELS = 20
RESERVED_SLUGS = frozenset(
    {"new", "items"} | {"adjudications", "calibration", "mine", "rates"}  # pages of reviews.quality
)


@dataclass(frozen=True)
class ServiceTimes:
    """What a queue promises, in business minutes, and when its people are there.

    `hours` maps a weekday ("0" is Monday) to spans as the calendar keeps them; `closures` are
    ISO dates.
    """

    first_touch_minutes: int
    decision_minutes: int
    warn_share: int
    time_zone: str
    hours: Mapping[str, list[list[str]]]
    holiday_country: str = ""
    closures: Sequence[str] = field(default_factory=list)


def service_times_of(sla: SlaPolicy) -> ServiceTimes:
    calendar = sla.calendar
    return ServiceTimes(
        sla.first_touch_minutes,
        sla.decision_minutes,
        sla.warn_share,
        calendar.time_zone,
        {day: spans for day, spans in calendar.hours.items() if spans},
        calendar.holiday_country,
        list(calendar.closures),
    )


def manages_all_queues(actor: Actor) -> bool:
    """Whether the actor manages every queue there is and will be, not only some of them."""
    if actor.user is None:
        return actor.may(Permission.REVIEW_MANAGE)
    return bool(actor.user.reach(Permission.REVIEW_MANAGE).everywhere)


def check_can_make_queues(actor: Actor) -> None:
    if not manages_all_queues(actor):
        raise NotAllowed(
            "No queue was made: a new queue takes answers from others, so a safety officer or a "
            "review lead of the whole organisation makes it."
        )


def check_can_change_queue(actor: Actor, queue: Queue) -> None:
    if not actor.may(Permission.REVIEW_MANAGE, queue):
        raise NotAllowed(f"Nothing was changed: the review leads of {queue} manage it.")


@transaction.atomic
def create_queue(
    *,
    actor: Actor,
    name: str,
    slug: str,
    guideline: str,
    now: datetime,
    labels: Sequence[str] = (),
    use_cases: Sequence[UseCase] = (),
    is_default: bool = False,
    escalates_to: Queue | None = None,
    times: ServiceTimes | None = None,
) -> Queue:
    """A new queue; without `times` under the standard SLA, which all such queues share.

    Raises Invalid (with fields) for a name, label, use case or time that does not fit.
    """
    check_can_make_queues(actor)
    others = _locked_queues()
    queue = Queue(slug=slug, name=name.strip(), guideline=guideline, labels=list(labels))
    queue.escalates_to = escalates_to
    _check_slug(slug, others)
    _check(queue, others, use_cases)
    queue.sla = _standard_sla()
    if times is not None:
        _set_times(queue, times, now)
    if is_default:
        _take_over_default(queue, others, actor, now)
    queue.save(force_insert=True)
    queue.use_cases.set(use_cases)
    record(actor=actor, action="queue.created", subject=queue, now=now, after=queue_facts(queue))
    return queue


@transaction.atomic
def change_queue(
    *,
    actor: Actor,
    queue_id: int,
    name: str,
    guideline: str,
    labels: Sequence[str],
    use_cases: Sequence[UseCase],
    is_default: bool,
    escalates_to: Queue | None,
    times: ServiceTimes,
    now: datetime,
    seen: str = "",
) -> Queue:
    """Everything but the address of a queue. Due times of open items stay as they are.

    `seen` is `seen_of(queue_facts(queue))` of what was edited; raises Conflict if it moved.

    Where the SLA is shared with other queues, changed times become this queue's own.
    """
    locked = _locked_queues()
    queue = next((one for one in locked if one.pk == queue_id), None)
    if queue is None:
        raise NotFound("There is no such queue.")
    others = [one for one in locked if one is not queue]
    check_can_change_queue(actor, queue)
    before = queue_facts(queue)
    check_seen(seen, before, queue)
    queue.name, queue.guideline, queue.labels = name.strip(), guideline, list(labels)
    queue.escalates_to = escalates_to
    _check(queue, others, use_cases)
    _set_times(queue, times, now)
    _set_default(queue, is_default, others, actor, now)
    queue.save()
    queue.use_cases.set(use_cases)
    after = queue_facts(queue)
    if after != before:
        record(
            actor=actor, action="queue.changed", subject=queue, now=now, before=before, after=after
        )
    return queue


def _locked_queues() -> list[Queue]:
    """All of them: which use cases, the default and escalation go, is decided between them.

    Without the key lock, so that items can be opened and claimed meanwhile.
    """
    queues = Queue.objects.select_for_update(of=("self",), no_key=True)
    return list(queues.select_related("sla__calendar", "escalates_to").order_by("pk"))


def _check_slug(slug: str, others: Sequence[Queue]) -> None:
    if not slug:
        raise Invalid(
            "No queue was made: its name gives no address.",
            fields={"name": ["Use some letters from a to z or digits in it."]},
        )
    if slug in RESERVED_SLUGS or any(one.slug == slug for one in others):
        raise Invalid(
            "No queue was made: its address is taken.",
            fields={"name": ["Another queue has this name or one very like it."]},
        )


def _check(queue: Queue, others: Sequence[Queue], use_cases: Sequence[UseCase]) -> None:
    problems: dict[str, list[str]] = {}
    if not queue.name or any(one.name == queue.name for one in others):
        problems["name"] = ["Give it a name that no other queue has."]
    if len(queue.guideline) > LONGEST_GUIDELINE:
        problems["guideline"] = [f"At most {LONGEST_GUIDELINE:,} characters."]
    if not _are_labels(queue.labels):
        problems["labels"] = [
            f"At most {MOST_LABELS} different labels of 1 to {LONGEST_LABEL} characters."
        ]
    if taken := _taken(queue, use_cases):
        problems["use_cases"] = taken
    if _leads_back(queue):
        problems["escalates_to"] = ["That queue escalates back to this one."]
    if problems:
        raise Invalid("Nothing was saved. What you typed is still here.", fields=problems)


def _are_labels(labels: Sequence[str]) -> bool:
    fit = all(label.strip() and len(label) <= LONGEST_LABEL for label in labels)
    return fit and len(set(labels)) == len(labels) <= MOST_LABELS


def _taken(queue: Queue, use_cases: Sequence[UseCase]) -> list[str]:
    """Sentences for use cases whose answers go to another queue by name."""
    rows = Queue.use_cases.through.objects.filter(usecase__in=use_cases)
    elsewhere = rows.exclude(queue_id=queue.pk).select_related("queue", "usecase")
    return [
        f"{row.usecase} goes to {row.queue} already; take it out there first." for row in elsewhere
    ]


def _leads_back(queue: Queue) -> bool:
    seen, target = {queue.pk}, queue.escalates_to
    while target is not None:
        if target.pk in seen:
            return True
        seen.add(target.pk)
        target = target.escalates_to
    return False


def _set_default(
    queue: Queue, is_default: bool, others: Sequence[Queue], actor: Actor, now: datetime
) -> None:
    if is_default == queue.is_default:
        return
    if not manages_all_queues(actor):
        raise NotAllowed(
            "Nothing was changed: which queue is the default is decided for the organisation."
        )
    if not is_default:
        raise Invalid(
            "Nothing was saved: without a default, calls of other use cases would be refused.",
            fields={"is_default": ["Make another queue the default; it takes over from this one."]},
        )
    _take_over_default(queue, others, actor, now)


def _take_over_default(queue: Queue, others: Sequence[Queue], actor: Actor, now: datetime) -> None:
    for other in others:
        if not other.is_default:
            continue
        before = queue_facts(other)
        other.is_default = False
        other.save(update_fields=["is_default"])
        after = queue_facts(other)
        record(
            actor=actor, action="queue.changed", subject=other, now=now, before=before, after=after
        )
    queue.is_default = True


def _standard_sla() -> SlaPolicy:
    """First touch in 60, decision in 240 business minutes."""
    calendar, _ = BusinessCalendar.objects.get_or_create(name="Office hours, Amsterdam")
    sla, _ = SlaPolicy.objects.get_or_create(name="Standard", defaults={"calendar": calendar})
    return sla


def _set_times(queue: Queue, times: ServiceTimes, now: datetime) -> None:
    """Give the queue an SLA of its own with these times, unless it has just these."""
    if service_times_of(queue.sla) == times:
        return
    name = f"Queue {queue.slug}"
    hours = {
        "time_zone": times.time_zone,
        "hours": dict(times.hours),
        "holiday_country": times.holiday_country,
        "closures": list(times.closures),
    }
    _check_zone(times.time_zone)
    calendar, _ = BusinessCalendar.objects.update_or_create(name=name, defaults=hours)
    promised = {
        "calendar": calendar,
        "first_touch_minutes": times.first_touch_minutes,
        "decision_minutes": times.decision_minutes,
        "warn_share": times.warn_share,
    }
    queue.sla, _ = SlaPolicy.objects.update_or_create(name=name, defaults=promised)
    _check_times(queue.sla, now)


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise Invalid(
            "Nothing was saved. What you typed is still here.",
            fields={"time_zone": ["Write a zone such as Europe/Amsterdam."]},
        ) from None


def _check_times(sla: SlaPolicy, now: datetime) -> None:
    problems: dict[str, list[str]] = {}
    if not 1 <= sla.first_touch_minutes <= sla.decision_minutes:
        problems["first_touch_minutes"] = ["At least 1, and no later than the decision."]
    if not 1 <= sla.warn_share <= 99:
        problems["warn_share"] = ["From 1 to 99 percent of the time to decide."]
    try:
        due_at(now, sla.decision_minutes, sla.calendar_from(now))
    except NoOpeningHours:
        problems["hours_0"] = ["Open on at least one weekday, long enough to ever decide."]
    except NotImplementedError:  # the holidays library has no such country
        problems["holiday_country"] = ["Write a country code such as NL, or leave it empty."]
    if problems:
        raise Invalid("Nothing was saved. What you typed is still here.", fields=problems)


def queue_facts(queue: Queue) -> dict[str, Any]:
    """The settings for the audit log; the guideline by its digest, because it may be long."""
    saved = queue.use_cases.values_list("slug", flat=True) if queue.pk else []
    return {
        "name": queue.name,
        "slug": queue.slug,
        "guideline_sha256": text_digest(queue.guideline),
        "labels": list(queue.labels),
        "use_cases": sorted(saved),
        "is_default": queue.is_default,
        "escalates_to": queue.escalates_to.slug if queue.escalates_to else None,
        "sla": asdict(service_times_of(queue.sla)),
    }
