"""Make and change queues: who decides where, by which guideline, by when.

A queue that chooses another SLA moves the due times of what is open in it; the old ones stay in
the history of each item.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from governance.access.late_saves import check_seen
from governance.access.models import Training
from governance.audit.services import record
from governance.kernel.authority import Actor, Permission
from governance.kernel.canonical import text_digest
from governance.kernel.errors import Invalid, NotAllowed, NotFound
from governance.registry.models import UseCase
from reviews.queues.models import BusinessCalendar, GuidelineVersion, Queue, SlaPolicy
from reviews.queues.retiming_job import retime_queue
from reviews.queues.rules import LONGEST_UNDO_SECONDS, UNDO_SECONDS
from reviews.queues.sla import NoOpeningHours

LONGEST_GUIDELINE = 20_000
LONGEST_LABEL = 40
MOST_LABELS = 20
LONGEST_TEMPLATE = 500
MOST_TEMPLATES = 20
RESERVED_SLUGS = frozenset(
    {
        "absences",
        "adjudications",
        "calendars",
        "calibration",
        "decisions",
        "feedback",
        "handovers",
        "intake",
        "items",
        "mine",
        "new",
        "next",
        "questions",
        "rates",
        "sla",
    }
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
    undo_seconds: int | None = None,
    rationale_templates: Sequence[str] = (),
    sla: SlaPolicy | None = None,
    needs_acknowledgement: bool = False,
    trainings: Sequence[Training] = (),
    most_claimed: int | None = None,
) -> Queue:
    """A new queue; without `sla` under the standard one, which all such queues share.

    Raises Invalid (with fields) for a name, label, use case or time that does not fit.
    """
    check_can_make_queues(actor)
    others = _locked_queues()
    queue = Queue(slug=slug, name=name.strip(), guideline=guideline, labels=list(labels))
    queue.escalates_to = escalates_to
    queue.undo_seconds = UNDO_SECONDS if undo_seconds is None else undo_seconds
    queue.rationale_templates = list(rationale_templates)
    _check_slug(slug, others)
    _check(queue, others, use_cases)
    queue.sla = sla or standard_sla()
    queue.needs_acknowledgement, queue.most_claimed = needs_acknowledgement, most_claimed
    if is_default:
        _take_over_default(queue, others, actor, now)
    queue.save(force_insert=True)
    queue.use_cases.set(use_cases)
    queue.trainings.set(trainings)
    keep_guideline(queue, actor, now)
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
    now: datetime,
    seen: str = "",
    undo_seconds: int | None = None,
    rationale_templates: Sequence[str] | None = None,
    sla: SlaPolicy | None = None,
    needs_acknowledgement: bool = False,
    trainings: Sequence[Training] = (),
    most_claimed: int | None = None,
) -> Queue:
    """Everything but the address of a queue; without `sla` it keeps its own.

    `seen` is `seen_of(queue_facts(queue))` of what was edited; raises Conflict if it moved.
    Another SLA moves the due times of what is open in it, with the old ones in the history; where
    that is very much, a job goes on with it.
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
    if undo_seconds is not None:
        queue.undo_seconds = undo_seconds
    if rationale_templates is not None:
        queue.rationale_templates = list(rationale_templates)
    queue.needs_acknowledgement, queue.most_claimed = needs_acknowledgement, most_claimed
    _check(queue, others, use_cases)
    _set_default(queue, is_default, others, actor, now)
    leaves, queue.sla = queue.sla, sla or queue.sla
    queue.save()
    _follow_sla(queue, leaves, actor, now)
    queue.use_cases.set(use_cases)
    queue.trainings.set(trainings)
    keep_guideline(queue, actor, now)
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
    every = Queue.objects.order_by("pk")
    # Read only then: a joined row that is waited for is lost where its SLA has changed meanwhile.
    list(every.select_for_update(no_key=True).values_list("pk"))
    return list(every.select_related("sla__calendar", "escalates_to"))


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
    if not 0 <= queue.undo_seconds <= LONGEST_UNDO_SECONDS:
        problems["undo_seconds"] = [f"From 0 (off) to {LONGEST_UNDO_SECONDS} seconds."]
    if not _are_templates(queue.rationale_templates):
        problems["rationale_templates"] = [
            f"At most {MOST_TEMPLATES} different sentences of 1 to {LONGEST_TEMPLATE} characters."
        ]
    if taken := _taken(queue, use_cases):
        problems["use_cases"] = taken
    if queue.most_claimed is not None and queue.most_claimed < 1:
        problems["most_claimed"] = ["At least 1, or nothing for no limit."]
    if _leads_back(queue):
        problems["escalates_to"] = ["That queue escalates back to this one."]
    if problems:
        raise Invalid("Nothing was saved. What you typed is still here.", fields=problems)


def _are_labels(labels: Sequence[str]) -> bool:
    fit = all(label.strip() and len(label) <= LONGEST_LABEL for label in labels)
    return fit and len(set(labels)) == len(labels) <= MOST_LABELS


def _are_templates(templates: Sequence[str]) -> bool:
    fit = all(one.strip() and len(one) <= LONGEST_TEMPLATE for one in templates)
    return fit and len(set(templates)) == len(templates) <= MOST_TEMPLATES


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


def standard_sla() -> SlaPolicy:
    """First touch in 60, decision in 240 business minutes."""
    calendar, _ = BusinessCalendar.objects.get_or_create(name="Office hours, Amsterdam")
    sla, _ = SlaPolicy.objects.get_or_create(name="Standard", defaults={"calendar": calendar})
    return sla


def _follow_sla(queue: Queue, leaves: SlaPolicy, actor: Actor, now: datetime) -> None:
    """Under another policy, what is open in the queue gets its due times by that."""
    if queue.sla_id == leaves.pk:
        return
    reason = f"{queue} chose the SLA {queue.sla}"
    try:
        retime_queue(queue, leaves, actor=actor, reason=reason, now=now)
    except NoOpeningHours:
        raise Invalid(
            "Nothing was saved. What you typed is still here.",
            fields={"sla": ["What is open already would never be due by its calendar."]},
        ) from None


def keep_guideline(queue: Queue, actor: Actor, now: datetime) -> None:
    """The next version, if the text is another than the last one's; in the caller's transaction."""
    last = queue.guidelines.order_by("-number").first()
    if last is not None and last.text == queue.guideline:
        return
    GuidelineVersion.objects.create(
        queue=queue,
        number=last.number + 1 if last else 1,
        text=queue.guideline,
        by_label=actor.label[:200],
        at=now,
    )


def queue_facts(queue: Queue) -> dict[str, Any]:
    """The settings for the audit log; the guideline by its digest, because it may be long."""
    saved = queue.use_cases.values_list("slug", flat=True) if queue.pk else []
    return {
        "name": queue.name,
        "slug": queue.slug,
        "guideline_sha256": text_digest(queue.guideline),
        "labels": list(queue.labels),
        "undo_seconds": queue.undo_seconds,
        "rationale_templates": list(queue.rationale_templates),
        "use_cases": sorted(saved),
        "is_default": queue.is_default,
        "escalates_to": queue.escalates_to.slug if queue.escalates_to else None,
        "sla": queue.sla.name,
        "needs_acknowledgement": queue.needs_acknowledgement,
        "trainings": sorted(queue.trainings.values_list("code", flat=True)) if queue.pk else [],
        "most_claimed": queue.most_claimed,
    }
