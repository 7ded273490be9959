"""Who has not acknowledged a policy is told every seven days; what was told is counted."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from django.db import transaction
from django.urls import reverse

from governance.access.models import User
from governance.compliance.library_models import AcknowledgementReminder, PolicyVersion
from governance.compliance.library_selectors import readers_of, to_acknowledge, versions_in_force
from governance.home.registries import InboxItem
from governance.home.services import notify

EVERY = timedelta(days=7)


def remind_of_acknowledging(*, now: datetime) -> int:
    """One notice for each week that a version in force waits for a person; how many were sent."""
    return sum(_remind(one.pk, now) for one in versions_in_force(now) if one.roles)


@transaction.atomic
def _remind(version_id: int, now: datetime) -> int:
    rows = PolicyVersion.objects.select_for_update(of=("self",), no_key=True)
    version = rows.select_related("document").get(pk=version_id)
    waits_since = max(version.made_at, _start(version))
    told = {one.person_id: one for one in version.reminders.all()}
    due: list[User] = []
    for reader in readers_of(version, now):
        if reader.acknowledged_at is not None:
            continue
        last = told.get(reader.person.pk)
        if now - (last.last_at if last else waits_since) >= EVERY:
            due.append(reader.person)
    AcknowledgementReminder.objects.bulk_create(
        [
            AcknowledgementReminder(
                person=one,
                version=version,
                count=told[one.pk].count + 1 if one.pk in told else 1,
                last_at=now,
            )
            for one in due
        ],
        update_conflicts=True,
        unique_fields=["person", "version"],
        update_fields=["count", "last_at"],
    )
    url = reverse("compliance:document", args=[version.document.slug])
    return notify(users=due, title=f"To read and acknowledge: {version}", url=url, now=now)


def _start(version: PolicyVersion) -> datetime:
    return datetime.combine(version.effective_from, time.min, UTC)


def policies_to_acknowledge(user: User, now: datetime) -> list[InboxItem]:
    """Policies that are asked of a role of this person and that they have not acknowledged."""
    return [
        InboxItem(
            title=f"Acknowledge: {version.document.title}",
            detail=f"Version {version.number}, in force since {version.effective_from:%d %b %Y}",
            url=reverse("compliance:document", args=[version.document.slug]),
            due_at=max(version.made_at, _start(version)) + EVERY,
            kind="policy",
        )
        for version in to_acknowledge(user, now)
    ]
