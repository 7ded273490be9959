"""Out of office: who is away, from and until, and who gets meanwhile what asks for an act."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from governance.access.models import User
from governance.audit.services import record
from governance.home.models import Absence
from governance.home.registries import leaving_for_a_while, spoken_for
from governance.home.services import notify
from governance.kernel.authority import Actor, Permission
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.web import get_or_404

LONGEST = timedelta(days=366)
SYSTEM = Actor.system("absences")
PAGE = "/absences/"


def people_spoken_for(user: User, now: datetime) -> QuerySet[User]:
    """Active people whose absences this person may state, themselves among them."""
    everybody = User.objects.filter(is_active=True).order_by("name", "pk")
    if user.may(Permission.PEOPLE_MANAGE):
        return everybody
    found = {user.pk}
    for provider in spoken_for.values():
        found.update(provider(user, now).values_list("pk", flat=True))
    return everybody.filter(pk__in=found)


def check_can_speak_for(actor: Actor, person: User, now: datetime) -> None:
    if actor.user is None or not people_spoken_for(actor.user, now).filter(pk=person.pk).exists():
        raise NotAllowed(
            "Nothing was changed: a person says themselves when they are away, or whoever gives "
            "out their work, or an administrator."
        )


@transaction.atomic
def state_absence(
    *,
    actor: Actor,
    person: User,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    stand_in: User | None = None,
) -> Absence:
    """The person is away from then until then; a start in the past is now.

    What waits for them is given back when it begins. Raises Invalid (with fields) for times or a
    stand-in that do not fit, and for times that overlap another absence of theirs.
    """
    check_can_speak_for(actor, person, now)
    starts_at = max(starts_at, now)
    _check_fits(person, starts_at, ends_at, stand_in, now)
    try:
        with transaction.atomic():
            made = Absence.objects.create(
                person=person,
                starts_at=starts_at,
                ends_at=ends_at,
                stand_in=stand_in,
                made_by_label=actor.label[:200],
                made_at=now,
            )
    except IntegrityError:
        raise Invalid(
            "Nothing was saved: they are away in that time already. What you typed is kept.",
            fields={"ends_at": ["This overlaps another absence. End that one first."]},
        ) from None
    record(actor=actor, action="absence.stated", subject=made, now=now, after=_facts(made))
    if stand_in is not None:
        until = ends_at.astimezone(UTC)
        title = f"You stand in for {person} until {until:%d %b %Y %H:%M} UTC"
        notify(users=[stand_in], title=title, url=PAGE, now=now)
    if starts_at <= now:
        _begin(made, actor, now)
    return made


def _check_fits(
    person: User, starts_at: datetime, ends_at: datetime, stand_in: User | None, now: datetime
) -> None:
    problems = {}
    if not person.is_active:
        problems["person"] = ["They have no account any more."]
    if ends_at <= starts_at:
        problems["ends_at"] = ["It must end after it starts, and not in the past."]
    elif ends_at - starts_at > LONGEST or starts_at - now > LONGEST:
        problems["ends_at"] = [f"At most {LONGEST.days} days, and not further ahead than that."]
    if stand_in is not None and (stand_in.pk == person.pk or not stand_in.is_active):
        problems["stand_in"] = ["Choose somebody else, with an account."]
    elif stand_in is not None and _is_away_all_the_time(stand_in, starts_at, ends_at):
        problems["stand_in"] = [f"{stand_in} is away all that time."]
    if problems:
        raise Invalid("Nothing was saved. What you typed is kept.", fields=problems)


def _is_away_all_the_time(person: User, starts_at: datetime, ends_at: datetime) -> bool:
    return person.absences.filter(starts_at__lte=starts_at, ends_at__gte=ends_at).exists()


@transaction.atomic
def end_absence(*, actor: Actor, absence_id: int, now: datetime) -> Absence:
    """End it now, or take it back before it begins. What was given back stays given back."""
    found: Absence = get_or_404(
        Absence.objects.select_for_update(of=("self",)).select_related("person", "stand_in"),
        pk=absence_id,
    )
    check_can_speak_for(actor, found.person, now)
    if found.ends_at <= now:
        raise WrongState("Nothing was changed: this absence has ended already.")
    before = _facts(found)
    found.ends_at, found.ended_at = max(now, found.starts_at), now
    found.save(update_fields=["ends_at", "ended_at"])
    record(
        actor=actor,
        action="absence.ended",
        subject=found,
        now=now,
        before=before,
        after=_facts(found),
    )
    return found


@transaction.atomic
def begin_due(*, now: datetime) -> int:
    """Give back what waited for those whose absence has begun by now; how many began."""
    due = Absence.objects.filter(begun_at=None, starts_at__lte=Now(), ends_at__gt=Now())
    begun = list(
        due.select_for_update(skip_locked=True, of=("self",)).select_related("person")[:100]
    )
    for one in begun:
        _begin(one, SYSTEM, now)
    return len(begun)


def _begin(absence: Absence, actor: Actor, now: datetime) -> None:
    for give_back in leaving_for_a_while.values():
        give_back(absence.person, actor, now)
    absence.begun_at = now
    absence.save(update_fields=["begun_at"])


def away_now(people: Iterable[int] | None = None) -> dict[int, Absence]:
    """Who is away at this moment, by person; of these people where some are given. One query."""
    found = Absence.objects.live().select_related("stand_in")
    if people is not None:
        found = found.filter(person__in=people)
    return {one.person_id: one for one in found}


def is_away(person: User) -> bool:
    return person.absences.filter(pk__in=Absence.objects.live()).exists()


def reached(users: Iterable[User], may: Callable[[User], bool] | None = None) -> list[User]:
    """Whom a notice goes to that asks for an act: in the place of who is away, who stands in.

    A stand-in who is away has one, too. Where the chain ends with nobody who `may` act, the
    person keeps their notice, for nothing may be told to nobody. Each person once.
    """
    away = away_now()
    found: dict[int, User] = {}
    for user in users:
        one = _stand_in(user, away, may) if user.pk in away else user
        found[one.pk] = one
    return list(found.values())


def _stand_in(user: User, away: dict[int, Absence], may: Callable[[User], bool] | None) -> User:
    seen, current = {user.pk}, user
    while current.pk in away:
        following = away[current.pk].stand_in
        if following is None or following.pk in seen or not following.is_active:
            return user
        seen.add(following.pk)
        current = following
    return current if may is None or may(current) else user


def _facts(absence: Absence) -> dict[str, object]:
    return {
        "person": absence.person.email,
        "starts_at": absence.starts_at,
        "ends_at": absence.ends_at,
        "stand_in": absence.stand_in.email if absence.stand_in else None,
    }
