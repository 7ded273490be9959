"""API keys: make, show once, rotate, revoke."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from governance.access import keys as services
from governance.access.forms import KeyForm, KeyLimitsForm, RevokeKeyForm
from governance.access.models import ApiKey, User
from governance.access.selectors import key_subjects_for, keys_visible_to
from governance.audit.selectors import timeline_for
from governance.kernel.authority import Permission
from governance.kernel.web import actor_of, get_or_404, page, requires


@requires(Permission.API_KEY_MANAGE)
def keys(request: HttpRequest) -> HttpResponse:
    """API keys in the person's reach. A new secret is on the reply to its making, and nowhere else."""
    found = keys_visible_to(cast(User, request.user))
    listed = Paginator(found, 50).get_page(request.GET.get("page"))
    now = timezone.now()
    context = {"page": listed, "rows": [(key, key.state_at(now)) for key in listed]}
    return page(request, "governance/access/keys.html", context)


@requires(Permission.API_KEY_MANAGE)
@never_cache
@sensitive_variables("secret", "made")
def new_key(request: HttpRequest) -> HttpResponse:
    """Make a key. Its secret is on this reply alone: no URL, session, message or log has it."""
    subjects = key_subjects_for(cast(User, request.user))
    form = KeyForm(
        subjects,
        request.POST if request.method == "POST" else None,
        initial={"use_case": request.GET.get("use_case", "")},
    )
    if request.method == "POST":
        made = form.carry_out(services.create_api_key, actor=actor_of(request), now=timezone.now())
        if made is not None:
            return _shown_once(request, *made)
    context = {"form": form, "has_subjects": subjects.exists()}
    status = 422 if form.is_bound else 200
    return page(request, "governance/access/key_new.html", context, status=status)


@sensitive_variables("secret")
def _shown_once(request: HttpRequest, key: ApiKey, secret: str) -> HttpResponse:
    return page(request, "governance/access/key_made.html", {"key": key, "secret": secret})


@requires(Permission.API_KEY_MANAGE)
def key(request: HttpRequest, pk: int) -> HttpResponse:
    """One key: what it may, when it was used, what happened to it."""
    return _key_page(request, _found(request, pk), RevokeKeyForm())


def _found(request: HttpRequest, pk: int) -> ApiKey:
    found: ApiKey = get_or_404(keys_visible_to(cast(User, request.user)), pk=pk)
    return found


def _key_page(
    request: HttpRequest,
    found: ApiKey,
    form: RevokeKeyForm,
    limits: KeyLimitsForm | None = None,
) -> HttpResponse:
    standing = {
        "requests_per_minute": found.requests_per_minute,
        "tokens_per_minute": found.tokens_per_minute,
    }
    context = {
        "limits": limits or KeyLimitsForm(initial=standing, auto_id="limit_%s"),
        "key": found,
        "state": found.state_at(timezone.now()),
        "successor": found.successors.first(),
        "form": form,
        "events": timeline_for(found)[:30],
    }
    status = 422 if form.is_bound or limits else 200
    return page(request, "governance/access/key.html", context, status=status)


@requires(Permission.API_KEY_MANAGE)
@require_POST
def limit_key(request: HttpRequest, pk: int) -> HttpResponse:
    """How much it may call in a minute."""
    found = _found(request, pk)
    form = KeyLimitsForm(request.POST, auto_id="limit_%s")
    limited = form.carry_out(
        services.limit_api_key, actor=actor_of(request), key_id=pk, now=timezone.now()
    )
    if limited is None:
        return _key_page(request, found, RevokeKeyForm(), form)
    messages.success(request, "The limits hold from the next call on.")
    return redirect("access:key", pk)


@requires(Permission.API_KEY_MANAGE)
@require_POST
@never_cache
@sensitive_variables("secret")
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    fresh, secret = services.rotate_api_key(
        actor=actor_of(request), key_id=_found(request, pk).pk, now=timezone.now()
    )
    return _shown_once(request, fresh, secret)


@requires(Permission.API_KEY_MANAGE)
@require_POST
def revoke_key(request: HttpRequest, pk: int) -> HttpResponse:
    found = _found(request, pk)
    form = RevokeKeyForm(request.POST)
    revoked = form.carry_out(
        services.revoke_api_key, actor=actor_of(request), key_id=pk, now=timezone.now()
    )
    if revoked is None:
        return _key_page(request, found, form)
    messages.success(request, f"{revoked} is revoked: its next call is refused.")
    return redirect("access:keys")
