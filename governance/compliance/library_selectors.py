"""What is in force, what a person has yet to acknowledge, who has and who has not."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from governance.access.models import Grant, User
from governance.compliance.library_models import (
    Acknowledgement,
    AcknowledgementReminder,
    PolicyDocument,
    PolicyVersion,
)
from governance.kernel.authority import ROLES


def versions_in_force(now: datetime) -> list[PolicyVersion]:
    """Of each document the version that holds now, by title; one query."""
    newest = PolicyVersion.objects.latest_effective(now.date()).select_related("document")
    standing = [one for one in newest if one.ended_at is None]
    return sorted(standing, key=lambda one: (one.document.title, one.document_id))


@dataclass(frozen=True)
class Shelved:
    """A document with what is in force of it, and how it stands with this reader."""

    document: PolicyDocument
    version: PolicyVersion | None
    is_asked: bool
    is_acknowledged: bool


def library_for(user: User, now: datetime, *, with_drafts: bool) -> list[Shelved]:
    """Every document by title; without drafts only what is in force. Constant queries."""
    current = {one.document_id: one for one in versions_in_force(now)}
    roles = _roles_of(user, now)
    read = _acknowledged_by(user)
    found = []
    for document in PolicyDocument.objects.all():
        version = current.get(document.pk)
        if version is None and not with_drafts:
            continue
        is_asked = version is not None and bool(roles & set(version.roles))
        is_read = version is not None and version.pk in read
        found.append(Shelved(document, version, is_asked, is_read))
    return found


def to_acknowledge(user: User, now: datetime) -> list[PolicyVersion]:
    """What is in force, asked of a role of this person, and not acknowledged by them."""
    current = [one for one in versions_in_force(now) if one.roles]
    if not current:
        return []
    roles = _roles_of(user, now)
    asked = [one for one in current if roles & set(one.roles)]
    read = _acknowledged_by(user) if asked else set()
    return [one for one in asked if one.pk not in read]


def _roles_of(user: User, now: datetime) -> set[str]:
    return set(Grant.objects.live(now).filter(user=user).values_list("role", flat=True))


def _acknowledged_by(user: User) -> set[int]:
    return set(Acknowledgement.objects.filter(person=user).values_list("version_id", flat=True))


def people_asked(roles: Collection[str], now: datetime) -> dict[User, list[str]]:
    """Active people who hold one of these roles now, by name, with the roles' titles."""
    live = Grant.objects.live(now).filter(role__in=list(roles), user__is_active=True)
    found: dict[User, list[str]] = {}
    for grant in live.select_related("user").order_by("user__name", "user_id", "role"):
        titles = found.setdefault(grant.user, [])
        if ROLES[grant.role].title not in titles:
            titles.append(ROLES[grant.role].title)
    return found


@dataclass(frozen=True)
class Reader:
    """Somebody who is asked to acknowledge a version: since when they have, or how often told."""

    person: User
    roles: tuple[str, ...]
    acknowledged_at: datetime | None
    reminders: int


def readers_of(version: PolicyVersion, now: datetime) -> list[Reader]:
    """Everybody of whom it is asked, who has not first; three queries."""
    at = dict(Acknowledgement.objects.filter(version=version).values_list("person_id", "at"))
    told = dict(
        AcknowledgementReminder.objects.filter(version=version).values_list("person_id", "count")
    )
    found = [
        Reader(person, tuple(roles), at.get(person.pk), told.get(person.pk, 0))
        for person, roles in people_asked(version.roles, now).items()
    ]
    return sorted(found, key=lambda one: one.acknowledged_at is not None)
