"""Tell in time: of a training that runs out, and of the last grant of a signing role that ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse

from governance.access.models import Grant, TrainingRecord, User
from governance.access.policies import NEVER_WITHOUT
from governance.access.selectors import holders
from governance.access.training_selectors import trainings_of
from governance.approvals.rules import NOTICE_DAYS, notice_due
from governance.audit.selectors import timeline_for
from governance.audit.services import record
from governance.home.registries import InboxItem
from governance.home.services import notify
from governance.kernel.authority import ROLES, Actor, Permission

REMINDED = "training.reminded"
WARNED = "role.last_holder_warned"
SYSTEM = Actor.system("people")
WARN_BEFORE = timedelta(days=max(NOTICE_DAYS))


def remind_of_trainings(*, now: datetime) -> int:
    """Tell people 30, 7 and 1 days before a required training of theirs runs out; how many.

    Each step is told once: its audit event is the memory.
    """
    today = now.astimezone(UTC).date()
    soon = today + timedelta(days=max(NOTICE_DAYS))
    near = TrainingRecord.objects.standing().filter(
        valid_until__range=(today, soon), person__is_active=True
    )
    return sum(_remind(pk, now) for pk in near.order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _remind(record_id: int, now: datetime) -> bool:
    rows = TrainingRecord.objects.select_for_update(of=("self",), no_key=True)
    found = rows.select_related("person", "training").get(pk=record_id)
    days_left = (found.valid_until - now.astimezone(UTC).date()).days
    told = timeline_for(found).filter(action=REMINDED).values_list("after__step", flat=True)
    step = notice_due(days_left, min(told, default=None))
    if step is None or not _is_what_counts(found, now):
        return False
    days = "today" if days_left == 0 else f"in {days_left} day{'' if days_left == 1 else 's'}"
    title = f"Your training runs out {days}: {found.training}"
    notify(users=[found.person], title=title, url=reverse("access:my-training"), now=now)
    after = {"step": step, "valid_until": found.valid_until}
    record(actor=SYSTEM, action=REMINDED, subject=found, now=now, after=after)
    return True


def _is_what_counts(found: TrainingRecord, now: datetime) -> bool:
    """Still standing, required of a role of theirs, and no later record holds longer."""
    required = trainings_of(found.person, now)
    return found.revoked_at is None and any(
        (one.training.pk, one.valid_until) == (found.training_id, found.valid_until)
        for one in required
    )


def last_grants_ending(now: datetime) -> QuerySet[Grant]:
    """Grants that end within 30 days and after which nobody would hold what must be held."""
    last = Q(pk__in=[])
    for permission in NEVER_WITHOUT:
        roles = [one.code for one in ROLES.values() if permission in one.permissions]
        giving = Grant.objects.live(now).filter(role__in=roles, user__is_active=True)
        lasting = giving.filter(Q(ends_at=None) | Q(ends_at__gt=now + WARN_BEFORE))
        if not lasting.exists():
            newest = giving.order_by("-ends_at", "-pk").values_list("pk", flat=True)[:1]
            last |= Q(pk__in=list(newest))
    return Grant.objects.filter(last).select_related("user", "scope_type").order_by("ends_at", "pk")


def warn_of_last_holders(*, now: datetime) -> int:
    """Tell administrators, once for each grant, 30 days before nobody could sign; how many."""
    return sum(_warn(pk, now) for pk in last_grants_ending(now).values_list("pk", flat=True))


@transaction.atomic
def _warn(grant_id: int, now: datetime) -> bool:
    rows = Grant.objects.select_for_update(of=("self",), no_key=True).select_related("user")
    grant = rows.get(pk=grant_id)
    if grant.revoked_at is not None or grant.ends_at is None:
        return False
    if timeline_for(grant).filter(action=WARNED).exists():
        return False
    people = holders(Permission.PEOPLE_MANAGE, now=now)
    url = reverse("access:person", args=[grant.user_id])
    notify(users=people, title=last_words(grant), url=url, now=now)
    record(actor=SYSTEM, action=WARNED, subject=grant, now=now, after={"ends_at": grant.ends_at})
    return True


def last_words(grant: Grant) -> str:
    return (
        f"From {grant.ends_at:%d %b %Y} nobody can sign as {grant.title}: {grant.user} is the last"
    )


def last_holders_to_follow(user: User, now: datetime) -> list[InboxItem]:
    """For administrators: signing roles that end with nobody to follow."""
    if not user.may(Permission.PEOPLE_MANAGE):
        return []
    return [
        InboxItem(
            title=last_words(grant),
            detail="Grant the role to somebody else, or without an end, before that",
            url=reverse("access:person", args=[grant.user_id]),
            due_at=grant.ends_at,
            kind="role",
        )
        for grant in last_grants_ending(now)
    ]
