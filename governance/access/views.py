"""People, teams and keys: who can do what?"""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.access import services
from governance.access.models import ApiKey, Team, User
from governance.access.registries import grant_scopes
from governance.access.selectors import keys_visible_to, roles_of
from governance.kernel.authority import ROLES, Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, page, requires


@requires(Permission.PEOPLE_VIEW)
def people(request: HttpRequest) -> HttpResponse:
    """Everybody, with their roles."""
    users = User.objects.prefetch_related("grants")
    listed = Paginator(users, 50).get_page(request.GET.get("page"))
    context = {
        "page": listed,
        "teams": Team.objects.all(),
        "may_manage": actor_of(request).may(Permission.PEOPLE_MANAGE),
    }
    return page(request, "governance/access/people.html", context)


@requires(Permission.PEOPLE_MANAGE)
@require_POST
def add_person(request: HttpRequest) -> HttpResponse:
    post = request.POST
    user = services.create_user(
        actor=actor_of(request),
        email=post.get("email", ""),
        name=post.get("name", "")[:150],
        password=post.get("password") or None,
        now=timezone.now(),
    )
    messages.success(request, f"{user} was added, without any role yet.")
    return redirect("access:person", pk=user.pk)


@requires(Permission.PEOPLE_VIEW)
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: what they hold, and granting more."""
    user: User = get_or_404(User.objects.all(), pk=pk)
    scopes: list[dict[str, Any]] = [
        {"value": f"{kind}:{row.pk}", "label": f"{row} ({kind})"}
        for kind, model in grant_scopes.items()
        for row in model._default_manager.all()[:200]
    ]
    context = {
        "person": user,
        "grants": roles_of(user, timezone.now()),
        "roles": ROLES.values(),
        "scopes": scopes,
        "may_manage": actor_of(request).may(Permission.PEOPLE_MANAGE),
    }
    return page(request, "governance/access/person.html", context)


@requires(Permission.PEOPLE_MANAGE)
@require_POST
def grant(request: HttpRequest, pk: int) -> HttpResponse:
    user: User = get_or_404(User.objects.all(), pk=pk)
    kind, _, scope_id = request.POST.get("scope", "").partition(":")
    if kind not in grant_scopes or not scope_id.isdigit():
        raise Invalid("Nothing was granted: choose where the role holds.")
    scope = get_or_404(grant_scopes[kind]._default_manager.all(), pk=int(scope_id))
    services.grant_role(
        actor=actor_of(request),
        user=user,
        role=request.POST.get("role", ""),
        scope=scope,
        reason=request.POST.get("reason", "")[:300],
        now=timezone.now(),
    )
    messages.success(request, "Granted; it holds from the next step on.")
    return redirect("access:person", pk=pk)


@requires(Permission.PEOPLE_MANAGE)
@require_POST
def revoke(request: HttpRequest, pk: int, grant: int) -> HttpResponse:
    get_or_404(User.objects.all(), pk=pk, grants__pk=grant)
    services.revoke_grant(actor=actor_of(request), grant_id=grant, now=timezone.now())
    messages.success(request, "Revoked.")
    return redirect("access:person", pk=pk)


@requires(Permission.PEOPLE_MANAGE)
@require_POST
def deactivate(request: HttpRequest, pk: int) -> HttpResponse:
    user: User = get_or_404(User.objects.all(), pk=pk)
    services.deactivate_user(actor=actor_of(request), user=user, now=timezone.now())
    messages.success(request, f"{user} can no longer sign in. What they did keeps their name.")
    return redirect("access:person", pk=pk)


@requires(Permission.API_KEY_MANAGE)
def keys(request: HttpRequest) -> HttpResponse:
    """API keys in the person's reach. A new secret is on the reply to its making, and nowhere else."""
    user = cast(User, request.user)
    context = {"keys": keys_visible_to(user)[:200], "now": timezone.now()}
    return page(request, "governance/access/keys.html", context)


@requires(Permission.API_KEY_MANAGE)
@require_POST
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    user = cast(User, request.user)
    key: ApiKey = get_or_404(keys_visible_to(user), pk=pk)
    fresh, secret = services.rotate_api_key(
        actor=actor_of(request), key_id=key.pk, now=timezone.now()
    )
    return page(request, "governance/access/key_made.html", {"key": fresh, "secret": secret})


@requires(Permission.API_KEY_MANAGE)
@require_POST
def revoke_key(request: HttpRequest, pk: int) -> HttpResponse:
    user = cast(User, request.user)
    key: ApiKey = get_or_404(keys_visible_to(user), pk=pk)
    reason = request.POST.get("reason", "")[:300]
    services.revoke_api_key(
        actor=actor_of(request), key_id=key.pk, reason=reason, now=timezone.now()
    )
    messages.success(request, "Revoked. It stops working at its next call.")
    return redirect("access:keys")
