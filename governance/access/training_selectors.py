"""Who is trained for what: the one question of the sign-offs, and the register."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from governance.access.models import Grant, Training, TrainingRecord, User
from governance.access.selectors import with_scope
from governance.access.training_rules import training_state, training_words
from governance.kernel.authority import ROLES, Permission


def _today(now: datetime) -> date:
    return now.astimezone(UTC).date()


def _latest(people: Collection[int], trainings: Collection[int]) -> dict[tuple[int, int], date]:
    """By person and training, until when the record that holds longest does; one query."""
    found: dict[tuple[int, int], date] = {}
    if not people or not trainings:
        return found
    rows = TrainingRecord.objects.standing().filter(person__in=people, training__in=trainings)
    for person, training, until in rows.values_list("person_id", "training_id", "valid_until"):
        key = person, training
        found[key] = max(until, found.get(key, until))
    return found


def why_untrained_each(
    people: Iterable[User], permission: Permission | str, now: datetime
) -> dict[int, str]:
    """Whom a missing training keeps from using that permission, with the words; at most 3 queries.

    It is asked of the role that gives the permission, also of who stands in for its holder. A
    person who holds two roles that give it needs the trainings of one of them.
    """
    asked = list(people)
    roles = [one.code for one in ROLES.values() if Permission(permission) in one.permissions]
    required = [one for one in Training.objects.all() if set(one.roles) & set(roles)]
    if not required or not asked:
        return {}
    ids = [one.pk for one in asked]
    latest = _latest(ids, [one.pk for one in required])
    held = _roles_held(ids, roles, now) if len(roles) > 1 else {}
    found = {}
    for person in asked:
        reasons = [
            _missing(person.pk, [one for one in required if role in one.roles], latest, now)
            for role in held.get(person.pk, roles)
        ]
        if all(reasons):
            found[person.pk] = reasons[0]
    return found


def why_untrained(user: User, permission: Permission | str, now: datetime) -> str:
    """Why this person may not use the permission now, as in "no valid training …"; else empty."""
    return why_untrained_each([user], permission, now).get(user.pk, "")


def _roles_held(
    people: Collection[int], roles: Collection[str], now: datetime
) -> dict[int, list[str]]:
    held: dict[int, list[str]] = {}
    live = Grant.objects.live(now).filter(user__in=people, role__in=roles)
    for person, role in live.values_list("user_id", "role"):
        held.setdefault(person, []).append(role)
    return held


def _missing(
    person: int, required: Iterable[Training], latest: dict[tuple[int, int], date], now: datetime
) -> str:
    """The trainings that do not hold, in words; empty if all do."""
    today, words = _today(now), []
    for one in required:
        until = latest.get((person, one.pk))
        if training_state(until, today) in ("missing", "run_out"):
            ran_out = f" (it ran out on {until:%d %b %Y})" if until else ""
            words.append(f"“{one.title}”{ran_out}")
    return f"no valid training {' and '.join(words)}" if words else ""


@dataclass(frozen=True)
class Standing:
    """How one training stands for one person."""

    training: Training
    valid_until: date | None
    state: str
    words: str


@dataclass(frozen=True)
class RegisterRow:
    """A role that a person holds, and the trainings required for it."""

    grant: Grant
    trainings: tuple[Standing, ...]

    @property
    def states(self) -> set[str]:
        return {one.state for one in self.trainings}


def register(
    now: datetime, *, person: User | None = None, role: str = "", state: str = ""
) -> list[RegisterRow]:
    """Every live role of active people with its trainings; constant queries.

    `state` keeps the rows in which some training stands so.
    """
    grants = Grant.objects.live(now).filter(user__is_active=True)
    if person is not None:
        grants = grants.filter(user=person)
    if role:
        grants = grants.filter(role=role)
    live = list(with_scope(grants.order_by("user__name", "user_id", "role", "pk")))
    trainings = [one for one in Training.objects.all() if one.roles]
    latest = _latest({one.user_id for one in live}, [one.pk for one in trainings])
    today = _today(now)
    rows = [
        RegisterRow(
            grant,
            tuple(
                _standing(one, latest.get((grant.user_id, one.pk)), today)
                for one in trainings
                if grant.role in one.roles
            ),
        )
        for grant in live
    ]
    return [one for one in rows if not state or state in one.states]


def _standing(training: Training, until: date | None, today: date) -> Standing:
    return Standing(training, until, training_state(until, today), training_words(until, today))


def trainings_of(person: User, now: datetime) -> list[Standing]:
    """What is required of this person by any role they hold, each once, by title."""
    required = [one for one in Training.objects.all() if one.roles]
    if not required:
        return []
    roles = set(Grant.objects.live(now).filter(user=person).values_list("role", flat=True))
    asked = [one for one in required if roles & set(one.roles)]
    latest = _latest([person.pk], [one.pk for one in asked])
    return [_standing(one, latest.get((person.pk, one.pk)), _today(now)) for one in asked]


def records_of(person: User) -> list[TrainingRecord]:
    """All that is on record of this person, revoked or not, latest first."""
    people = ("training", "recorded_by", "revoked_by")
    return list(TrainingRecord.objects.filter(person=person).select_related(*people))
