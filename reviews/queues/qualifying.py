"""Who is ready to judge in a queue: guideline acknowledged, required trainings valid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db import transaction
from django.db.models import QuerySet

from governance.access.models import Training, TrainingRecord, User
from governance.audit.services import record
from governance.kernel.authority import Actor
from governance.kernel.errors import Conflict, NotAllowed
from governance.kernel.web import get_or_404
from reviews.queues.models import GuidelineAcknowledgement, GuidelineVersion, Queue
from reviews.queues.rights import check_can_work


class NotReady(NotAllowed):
    """Something is missing before this person may claim here; the sentence says where to get it."""

    code = "not_ready_to_review"


@dataclass(frozen=True)
class Readiness:
    """What a person still lacks in a queue; `version` is what they have to read."""

    version: GuidelineVersion | None
    trainings: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.version is None and not self.trainings

    @property
    def words(self) -> list[str]:
        found = []
        if self.version is not None:
            found.append(
                f"Read and acknowledge guideline {self.version.number} of {self.version.queue} at "
                f"/reviews/{self.version.queue.slug}/guideline/."
            )
        if self.trainings:
            names = " and ".join(f"“{one}”" for one in self.trainings)
            found.append(
                f"You have no valid training {names}. Complete it and have it recorded by an "
                "administrator or compliance; /training/mine/ shows what is on record."
            )
        return found


def readiness(user: User, queue: Queue, now: datetime) -> Readiness:
    """At most two queries."""
    return Readiness(_unread(user, queue), _untrained(user, queue, now))


def check_ready(user: User, queue: Queue, now: datetime) -> None:
    """Raise NotReady, with what is missing and where to get it."""
    if not (found := readiness(user, queue, now)):
        raise NotReady("Nothing was claimed. " + " ".join(found.words))


def current_guideline(queue: Queue) -> GuidelineVersion | None:
    return queue.guidelines.order_by("-number").first()


def _unread(user: User, queue: Queue) -> GuidelineVersion | None:
    if not queue.needs_acknowledgement:
        return None
    acknowledged = GuidelineAcknowledgement.objects.filter(person=user)
    version = current_guideline(queue)
    if version is None or not version.text or acknowledged.filter(version=version).exists():
        return None
    version.queue = queue
    return version


def _untrained(user: User, queue: Queue, now: datetime) -> tuple[str, ...]:
    missing = lacking(user, queue, now.astimezone(UTC).date()).order_by("title")
    return tuple(missing.values_list("title", flat=True))


def lacking(user: User, queue: Queue, today: date) -> QuerySet[Training]:
    """Trainings that the queue asks for and the person does not have on this day (UTC)."""
    valid = TrainingRecord.objects.filter(person=user).valid_on(today).values("training")
    return queue.trainings.exclude(pk__in=valid)


@transaction.atomic
def acknowledge(
    *, actor: Actor, queue: Queue, number: int, now: datetime
) -> GuidelineAcknowledgement:
    """The person read this version; Conflict when a newer one has come. Once per person."""
    check_can_work(actor, queue)
    version: GuidelineVersion = get_or_404(queue.guidelines.all(), number=number)
    newest = current_guideline(queue)
    if newest is not None and newest.pk != version.pk:
        raise Conflict(
            f"Nothing was acknowledged: guideline {newest.number} has come since. Read that one."
        )
    made, is_new = GuidelineAcknowledgement.objects.get_or_create(
        version=version, person=actor.user, defaults={"at": now}
    )
    if is_new:
        after = {"version": number, "queue": queue.slug}
        record(
            actor=actor, action="queue.guideline_acknowledged", subject=queue, now=now, after=after
        )
    return made
