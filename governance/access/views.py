"""People, teams, roles and the own account: who can do what?"""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access import passwords, services
from governance.access.forms import (
    AccountForm,
    GrantForm,
    PersonForm,
    ReasonForm,
    ServiceForm,
    TeamChangeForm,
    TeamForm,
)
from governance.access.late_saves import seen_of
from governance.access.models import ApiKey, Team, User
from governance.access.password_forms import GivenPasswordForm
from governance.access.selectors import (
    keys_visible_to,
    members_of,
    past_roles_of,
    people_with_roles,
    roles_of,
    teams_with_parents,
)
from governance.access.training import MAY_RECORD
from governance.access.training_selectors import records_of, trainings_of
from governance.kernel.authority import ROLES, Permission
from governance.kernel.errors import Conflict
from governance.kernel.web import SIGNED_IN, actor_of, get_or_404, page, requires


@requires(Permission.PEOPLE_VIEW)
def people(request: HttpRequest) -> HttpResponse:
    """Everybody with their roles, and the teams."""
    return _people_page(request)


def _people_page(request: HttpRequest, **refused: ServiceForm) -> HttpResponse:
    """The page, with the form that was refused in place of its empty one."""
    listed = Paginator(people_with_roles(timezone.now()), 50).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "page": listed,
        "teams": teams_with_parents(),
        "may_manage": actor_of(request).may(Permission.PEOPLE_MANAGE),
        "person_form": PersonForm(auto_id="person_%s"),
        "team_form": TeamForm(auto_id="team_%s"),
    }
    status = 422 if refused else 200
    return page(request, "governance/access/people.html", context | refused, status=status)


@requires(Permission.PEOPLE_MANAGE)
@require_POST
def add_person(request: HttpRequest) -> HttpResponse:
    form = PersonForm(request.POST, auto_id="person_%s")
    user = form.carry_out(services.create_user, actor=actor_of(request), now=timezone.now())
    if user is None:
        return _people_page(request, person_form=form)
    messages.success(request, f"{user} was added, without any role yet.")
    return redirect("access:person", pk=user.pk)


@requires(Permission.PEOPLE_MANAGE)
@require_POST
def add_team(request: HttpRequest) -> HttpResponse:
    form = TeamForm(request.POST, auto_id="team_%s")
    team = form.carry_out(services.create_team, actor=actor_of(request), now=timezone.now())
    if team is None:
        return _people_page(request, team_form=form)
    messages.success(request, f"The team {team} was created. Grant roles on it to its people.")
    return redirect("access:team", slug=team.slug)


@requires(Permission.PEOPLE_VIEW)
def team(request: HttpRequest, slug: str) -> HttpResponse:
    """One team: who holds what on it, its place, its keys."""
    found: Team = get_or_404(Team.objects.select_related("parent"), slug=slug)
    user, now = cast(User, request.user), timezone.now()
    sees_keys = user.may(Permission.API_KEY_MANAGE, found)
    context = {
        "team": found,
        "children": found.children.all(),
        "members": members_of(found, now),
        "sees_keys": sees_keys,
        "keys": with_states(keys_visible_to(user).filter(team=found)[:200]) if sees_keys else [],
        "may_manage": user.may(Permission.PEOPLE_MANAGE),
    }
    return page(request, "governance/access/team.html", context)


def with_states(keys: Any) -> list[tuple[ApiKey, str]]:
    now = timezone.now()
    return [(key, key.state_at(now)) for key in keys]


@requires(Permission.PEOPLE_MANAGE)
def change_team(request: HttpRequest, slug: str) -> HttpResponse:
    """Rename a team or move it; the cost code stays."""
    found: Team = get_or_404(Team.objects.select_related("parent"), slug=slug)
    facts = services.team_facts(found)
    form = TeamChangeForm(
        request.POST if request.method == "POST" else None,
        initial=facts | {"seen": seen_of(facts)},
    )
    status = _status(form)
    if request.method == "POST":
        try:
            changed = form.carry_out(
                services.change_team, actor=actor_of(request), team_id=found.pk, now=timezone.now()
            )
        except Conflict as late:
            changed, status = None, late.status
            form.show_late(late, facts, seen_of(facts))
        if changed is not None:
            messages.success(request, "Saved.")
            return redirect("access:team", slug=slug)
    context = {"team": found, "form": form}
    return page(request, "governance/access/team_edit.html", context, status=status)


@requires(Permission.PEOPLE_VIEW)
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: what they hold, what they held."""
    user: User = get_or_404(User.objects.all(), pk=pk)
    now = timezone.now()
    context = {
        "person": user,
        "grants": roles_of(user, now),
        "past": [(grant, grant.state_at(now)) for grant in past_roles_of(user, now)],
        "trainings": trainings_of(user, now),
        "training_records": records_of(user),
        "may_record": any(actor_of(request).may(one) for one in MAY_RECORD),
        "may_manage": actor_of(request).may(Permission.PEOPLE_MANAGE),
        "is_self": user.pk == request.user.pk,
    }
    return page(request, "governance/access/person.html", context)


@requires(Permission.PEOPLE_MANAGE)
def grant(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose a role, then where it holds, until when, and why."""
    user: User = get_or_404(User.objects.filter(is_active=True), pk=pk)
    asked = request.POST if request.method == "POST" else request.GET
    role = ROLES.get(asked.get("role", ""))
    if role is None:
        context: dict[str, Any] = {"person": user, "roles": ROLES.values()}
        return page(request, "governance/access/grant_role.html", context)
    form = GrantForm(role, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        made = form.carry_out(
            services.grant_role,
            actor=actor_of(request),
            user=user,
            role=role.code,
            now=timezone.now(),
        )
        if made is not None:
            messages.success(request, f"{made.title} was granted; it holds from now on.")
            return redirect("access:person", pk=pk)
    context = {"person": user, "role": role, "form": form}
    return page(request, "governance/access/grant.html", context, status=_status(form))


@requires(Permission.PEOPLE_MANAGE)
@require_POST
def revoke(request: HttpRequest, pk: int, grant: int) -> HttpResponse:
    get_or_404(User.objects.all(), pk=pk, grants__pk=grant)
    revoked = services.revoke_grant(
        actor=actor_of(request), grant_id=grant, reason=_reason(request), now=timezone.now()
    )
    messages.success(request, f"{revoked.title} was revoked.")
    return redirect("access:person", pk=pk)


@requires(Permission.PEOPLE_MANAGE)
@require_POST
def deactivate(request: HttpRequest, pk: int) -> HttpResponse:
    user: User = get_or_404(User.objects.all(), pk=pk)
    services.deactivate_user(
        actor=actor_of(request), user=user, reason=_reason(request), now=timezone.now()
    )
    messages.success(request, f"{user} can no longer sign in. What they did keeps their name.")
    return redirect("access:person", pk=pk)


@requires(Permission.PEOPLE_MANAGE)
@require_POST
def reactivate(request: HttpRequest, pk: int) -> HttpResponse:
    user: User = get_or_404(User.objects.all(), pk=pk)
    services.reactivate_user(
        actor=actor_of(request), user=user, reason=_reason(request), now=timezone.now()
    )
    messages.success(request, f"{user} can sign in again, with the roles below.")
    return redirect("access:person", pk=pk)


@requires(Permission.PEOPLE_MANAGE)
def give_password(request: HttpRequest, pk: int) -> HttpResponse:
    """For somebody who cannot get in: a new first password, with how one knows that it is they."""
    user: User = get_or_404(User.objects.filter(is_active=True), pk=pk)
    form = GivenPasswordForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        given = form.carry_out(
            passwords.give_password, actor=actor_of(request), user=user, now=timezone.now()
        )
        if given is not None:
            messages.success(request, f"{user} signs in with the new password from now on.")
            return redirect("access:person", pk=pk)
    context = {"person": user, "form": form}
    return page(request, "governance/access/give_password.html", context, status=_status(form))


def _reason(request: HttpRequest) -> str:
    form = ReasonForm(request.POST)
    return str(form.cleaned_data["reason"]) if form.is_valid() else ""


@requires(SIGNED_IN)
def account(request: HttpRequest) -> HttpResponse:
    """The person's own name, time zone, theme and password."""
    user = cast(User, request.user)
    facts = services.account_facts(user)
    form = AccountForm(
        request.POST if request.method == "POST" else None,
        initial=facts | {"seen": seen_of(facts)},
    )
    status = _status(form)
    if request.method == "POST":
        try:
            saved = form.carry_out(
                services.change_account, actor=actor_of(request), now=timezone.now()
            )
        except Conflict as late:
            saved, status = None, late.status
            form.show_late(late, facts, seen_of(facts))
        if saved is not None:
            messages.success(request, "Saved.")
            return redirect("access:account")
    return page(request, "governance/access/account.html", {"form": form}, status=status)


def _status(form: ServiceForm) -> int:
    return 422 if form.is_bound else 200
