"""People, teams and roles: add, change, deactivate, grant, revoke."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import Permission as DjangoPermission
from django.contrib.auth.password_validation import validate_password
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.validators import validate_email, validate_slug
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils.text import slugify
from guardian.models import UserObjectPermission

from governance.access.late_saves import check_seen
from governance.access.models import Grant, Organisation, Team, User
from governance.access.policies import (
    KEEPER_ROLES,
    check_administrators_remain,
    check_can_manage_people,
    check_signatories_remain,
    lock_administration,
)
from governance.access.registries import leaving
from governance.access.rules import is_under, time_zones
from governance.audit.services import record
from governance.kernel.authority import ROLES, Actor
from governance.kernel.errors import Invalid, NotAllowed, WrongState
from governance.kernel.terms import name_fault
from governance.kernel.web import get_or_404

EXPIRED_AT_ONCE = 200


@transaction.atomic
def create_organisation(*, actor: Actor, name: str, now: datetime) -> Organisation:
    """The one organisation; a second call renames nothing and returns the first."""
    check_can_manage_people(actor)
    organisation = Organisation.objects.first()
    if organisation is None:
        organisation = Organisation.objects.create(name=name)
        record(actor=actor, action="organisation.created", subject=organisation, now=now)
    return organisation


@transaction.atomic
def create_team(
    *,
    actor: Actor,
    name: str,
    code: str,
    now: datetime,
    slug: str = "",
    parent: Team | None = None,
) -> Team:
    """A cost centre. Without a short name (`slug`) it is made from the name."""
    check_can_manage_people(actor)
    name, code = name.strip(), code.strip()
    slug = slug.strip() or slugify(name)[:60]
    if faults := _team_faults(name, slug, code):
        raise Invalid(f"No team was created. {_sentences(faults)}", fields=faults)
    try:
        with transaction.atomic():
            team = Team.objects.create(name=name, slug=slug, code=code, parent=parent)
    except IntegrityError:
        raise Invalid(
            "No team was created: somebody just made one with this short name or cost code."
        ) from None
    after = {"name": name, "code": code, "parent": _slug_of(parent)}
    record(actor=actor, action="team.created", subject=team, now=now, after=after, team_id=team.pk)
    return team


def _team_faults(name: str, slug: str, code: str) -> dict[str, list[str]]:
    faults = _name_faults(name, 120)
    if not slug:
        faults["slug"] = ["Give a short name of letters and digits; none follows from the name."]
    elif len(slug) > 60 or not _is_fine(validate_slug, slug):
        faults["slug"] = ["A short name has at most 60 letters, digits, hyphens and underscores."]
    elif Team.objects.filter(slug=slug).exists():
        faults["slug"] = [f"Another team has the short name {slug}."]
    if not 0 < len(code) <= 30:
        faults["code"] = ["Give a cost code of at most 30 characters."]
    elif fault := name_fault(code):
        faults["code"] = [fault]
    elif Team.objects.filter(code=code).exists():
        faults["code"] = [f"Another team has the cost code {code}."]
    return faults


@transaction.atomic
def change_team(
    *, actor: Actor, team_id: int, now: datetime, seen: str = "", **changes: Any
) -> Team:
    """Another `name`, or `parent` (a team or None); what is left out stays.

    The cost code and the short name stay for good: money is booked to them. `seen` says which
    facts the change was made from (`team_facts`); raises Conflict when they changed since.
    """
    check_can_manage_people(actor)
    # All of them, in one order: two moves at once could close a ring that neither sees.
    rows = list(Team.objects.select_for_update(no_key=True).order_by("pk"))
    found: dict[int, Team] = {row.pk: row for row in rows}
    team = found.get(team_id) or get_or_404(Team.objects.all(), pk=team_id)
    check_seen(seen, team_facts(team), team)
    name, parent = changes.get("name", team.name).strip(), changes.get("parent", team.parent)
    faults = _name_faults(name, 120)
    parents = {pk: row.parent_id for pk, row in found.items()}
    if parent is not None and is_under(parent.pk, team.pk, parents):
        faults["parent"] = [f"{parent} is {team} or stands under it; choose another."]
    if faults:
        raise Invalid(f"Nothing was changed. {_sentences(faults)}", fields=faults)
    before = {"name": team.name, "parent": _slug_of(team.parent)}
    after = {"name": name, "parent": _slug_of(parent)}
    if before != after:
        team.name, team.parent = name, parent
        team.save(update_fields=["name", "parent"])
        _record_team_change(actor, team, now, before, after)
    return team


def team_facts(team: Team) -> dict[str, Any]:
    """What of a team can be changed."""
    return {"name": team.name, "parent": team.parent}


def account_facts(user: User) -> dict[str, Any]:
    """What people may change of themselves."""
    return {"name": user.name, "time_zone": user.time_zone}


def _record_team_change(
    actor: Actor, team: Team, now: datetime, before: dict[str, Any], after: dict[str, Any]
) -> None:
    record(
        actor=actor,
        action="team.changed",
        subject=team,
        now=now,
        before=before,
        after=after,
        team_id=team.pk,
    )


def _slug_of(team: Team | None) -> str | None:
    return team.slug if team else None


@transaction.atomic
def create_user(
    *, actor: Actor, email: str, name: str, now: datetime, password: str | None = None
) -> User:
    """A person without any role. Raises Invalid for a bad or taken address or weak password."""
    check_can_manage_people(actor)
    email, name = email.strip().lower(), name.strip()
    if faults := _person_faults(email, name, password or None):
        raise Invalid(f"Nobody was added. {_sentences(faults)}", fields=faults)
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, name, password or None)
    except IntegrityError:
        raise Invalid(
            "Nobody was added: somebody has this address already.",
            fields={"email": ["Somebody has this address already."]},
        ) from None
    record(actor=actor, action="user.created", subject=user, now=now, after={"email": email})
    return user


def _person_faults(email: str, name: str, password: str | None) -> dict[str, list[str]]:
    faults = _name_faults(name, 150)
    taken = User.objects.filter(email__iexact=email).first()
    if len(email) > 254 or not _is_fine(validate_email, email):
        faults["email"] = ["This is not an e-mail address."]
    elif taken is not None and not taken.is_active:
        faults["email"] = [f"{taken} has this address and is deactivated: reactivate them instead."]
    elif taken is not None:
        faults["email"] = ["Somebody has this address already."]
    if password is not None:
        try:
            validate_password(password, User(email=email, name=name))
        except ValidationError as error:
            faults["password"] = error.messages
    return faults


def _name_faults(name: str, longest: int) -> dict[str, list[str]]:
    if not 0 < len(name) <= longest:
        return {"name": [f"Give a name of at most {longest} characters."]}
    return {"name": [fault]} if (fault := name_fault(name)) else {}


def _is_fine(check: Any, value: str) -> bool:
    try:
        check(value)
    except ValidationError:
        return False
    return True


def _sentences(faults: dict[str, list[str]]) -> str:
    return " ".join(one for messages in faults.values() for one in messages)


@transaction.atomic
def deactivate_user(*, actor: Actor, user: User, now: datetime, reason: str = "") -> User:
    """They can no longer sign in or decide; what they did keeps their name."""
    lock_administration()
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    check_can_manage_people(actor)
    if actor.user is not None and actor.user.pk == user.pk:
        raise WrongState("Nothing was changed: you cannot deactivate yourself.")
    if not user.is_active:
        raise WrongState(f"Nothing was changed: {user} is deactivated already.")
    if Grant.objects.live(now).filter(user=user, role__in=KEEPER_ROLES).exists():
        check_administrators_remain(without=Q(user=user), now=now)
    check_signatories_remain(user=user, without=Q(user=user), now=now)
    left = _set_active(actor, user, False, "user.deactivated", now, reason)
    _take_out(left, now)
    return left


@transaction.atomic
def reactivate_user(*, actor: Actor, user: User, now: datetime, reason: str = "") -> User:
    """They can sign in again, with the roles that have not been revoked or run out since."""
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    check_can_manage_people(actor)
    if user.is_active:
        raise WrongState(f"Nothing was changed: {user} is active.")
    return _set_active(actor, user, True, "user.reactivated", now, reason)


def _set_active(
    actor: Actor, user: User, is_active: bool, action: str, now: datetime, reason: str
) -> User:
    user.is_active = is_active
    user.save(update_fields=["is_active"])
    record(actor=actor, action=action, subject=user, now=now, reason=reason)
    return user


@transaction.atomic
def change_account(
    *, actor: Actor, name: str, time_zone: str, now: datetime, seen: str = ""
) -> User:
    """A person's own name, and the zone that times are shown to them in."""
    if actor.user is None:
        raise NotAllowed("Nothing was changed: only a person has an account.")
    user = User.objects.select_for_update(no_key=True).get(pk=actor.user.pk)
    check_seen(seen, account_facts(user), "your account")
    name = name.strip()
    faults = _name_faults(name, 150)
    if time_zone not in time_zones():
        faults["time_zone"] = ["Choose a time zone of the list."]
    if faults:
        raise Invalid(f"Nothing was changed. {_sentences(faults)}", fields=faults)
    before = {"name": user.name, "time_zone": user.time_zone}
    after = {"name": name, "time_zone": time_zone}
    if before != after:
        user.name, user.time_zone = name, time_zone
        user.save(update_fields=["name", "time_zone"])
        record(
            actor=actor, action="user.changed", subject=user, now=now, before=before, after=after
        )
    return user


@transaction.atomic
def grant_role(
    *,
    actor: Actor,
    user: User,
    role: str,
    scope: models.Model,
    now: datetime,
    ends_at: datetime | None = None,
    reason: str = "",
) -> Grant:
    """Give a person a role on the organisation, a team or a queue.

    The permissions stand on the scope object through django-guardian as well, so that any
    Django code that asks `has_perm(codename, scope)` gets the same answer.
    """
    holder = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    check_can_manage_people(actor)
    _check_grant_fits(holder, role, scope, ends_at, now)
    where = {"scope_type": ContentType.objects.get_for_model(scope), "scope_id": scope.pk}
    standing = Grant.objects.filter(user=holder, role=role, revoked_at=None, **where).first()
    if standing is not None and standing.state_at(now) != "expired":
        raise WrongState(f"Nothing was granted: {user} holds this role there already.")
    if standing is not None:
        _run_out(actor, standing, now)
    grant = Grant.objects.create(
        user=holder,
        role=role,
        starts_at=now,
        ends_at=ends_at,
        granted_by_label=actor.label[:200],
        **where,
    )
    _mirror(grant)
    user.forget_reaches()
    _record_grant(actor, "role.granted", grant, now, reason)
    return grant


def _check_grant_fits(
    user: User, role: str, scope: models.Model, ends_at: datetime | None, now: datetime
) -> None:
    if not user.is_active:
        raise WrongState(f"Nothing was granted: {user} is deactivated. Reactivate them first.")
    if role not in ROLES:
        raise Invalid(
            f"Nothing was granted: there is no role {role}.",
            fields={"role": [f"There is no role {role}."]},
        )
    if scope._meta.model_name not in {"organisation", ROLES[role].granted_on}:
        sentence = f"{ROLES[role].title} is granted on a {ROLES[role].granted_on}."
        raise Invalid(f"Nothing was granted: {sentence}", fields={"scope": [sentence]})
    if ends_at is not None and ends_at <= now:
        sentence = "The end has passed; choose a later one or none."
        raise Invalid(f"Nothing was granted. {sentence}", fields={"ends_at": [sentence]})


@transaction.atomic
def revoke_grant(*, actor: Actor, grant_id: int, now: datetime, reason: str = "") -> Grant:
    """Take a role away; acts at the person's next step."""
    lock_administration()
    check_can_manage_people(actor)
    grant = _alone_with(grant_id)
    if grant.revoked_at is not None or grant.state_at(now) == "expired":
        raise WrongState("Nothing was changed: this role has been revoked, or has run out.")
    if grant.role in KEEPER_ROLES and grant.user.is_active:
        check_administrators_remain(without=Q(pk=grant.pk), now=now)
    check_signatories_remain(user=grant.user, without=Q(pk=grant.pk), now=now)
    _end(grant, now, now)
    _record_grant(actor, "role.revoked", grant, now, reason)
    _take_out(grant.user, now)
    return grant


def _take_out(user: User, now: datetime) -> None:
    """Out of what waited for them under what they no longer hold."""
    user.forget_reaches()
    for take_out in leaving.values():
        take_out(user, now)


def _alone_with(grant_id: int) -> Grant:
    """The grant, behind the lock of its person: roles of one person change one at a time."""
    holder = get_or_404(Grant.objects.all(), pk=grant_id).user_id
    User.objects.select_for_update(no_key=True).get(pk=holder)
    return Grant.objects.select_related("user", "scope_type").get(pk=grant_id)


@transaction.atomic
def end_expired_grants(*, actor: Actor, now: datetime) -> int:
    """Close grants that ran out, so that django-guardian forgets them too; how many.

    `Grant.live` stopped them at their end already; this keeps the mirror true.
    """
    lock_administration()
    expired = Grant.objects.filter(revoked_at=None, ends_at__lte=now).order_by("pk")
    ended = 0
    for grant_id in expired.values_list("pk", flat=True)[:EXPIRED_AT_ONCE]:
        grant = _alone_with(grant_id)
        if grant.revoked_at is None:
            _run_out(actor, grant, now)
            _take_out(grant.user, now)
            ended += 1
    return ended


def _run_out(actor: Actor, grant: Grant, now: datetime) -> None:
    _end(grant, grant.ends_at or now, now)
    _record_grant(actor, "role.ran_out", grant, now, "")


def _end(grant: Grant, ended_at: datetime, now: datetime) -> None:
    """Close the row and remove from django-guardian what no other live grant there gives."""
    grant.revoked_at = ended_at
    grant.save(update_fields=["revoked_at"])
    others = Grant.objects.live(now).filter(
        user=grant.user, scope_type=grant.scope_type, scope_id=grant.scope_id
    )
    kept = {p for other in others for p in ROLES[other.role].permissions}
    gone = ROLES[grant.role].permissions - kept
    UserObjectPermission.objects.filter(
        user=grant.user,
        content_type=grant.scope_type,
        object_pk=str(grant.scope_id),
        permission__codename__in=[one.value for one in gone],
    ).delete()


def _mirror(grant: Grant) -> None:
    """What `assign_perm` does for each permission of the role, in two queries for all."""
    codenames = [one.value for one in ROLES[grant.role].permissions]
    permissions = DjangoPermission.objects.filter(
        content_type=grant.scope_type, codename__in=codenames
    )
    UserObjectPermission.objects.bulk_create(
        [
            UserObjectPermission(
                user=grant.user,
                permission=one,
                content_type=grant.scope_type,
                object_pk=str(grant.scope_id),
            )
            for one in permissions
        ],
        ignore_conflicts=True,
    )


def _record_grant(actor: Actor, action: str, grant: Grant, now: datetime, reason: str) -> None:
    ends_at = grant.ends_at.isoformat() if grant.ends_at else None
    after = {"user": grant.user.email, "role": grant.role, "scope": str(grant.scope)}
    record(
        actor=actor,
        action=action,
        subject=grant,
        now=now,
        after=after | {"ends_at": ends_at},
        reason=reason,
        team_id=int(grant.scope_id) if grant.scope_type.model == "team" else None,
    )
