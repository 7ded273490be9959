"""Prompts: which version is live, what changed?"""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.access.models import User
from governance.audit.selectors import timeline_for
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, page, requires
from prompts.catalogue import services
from prompts.catalogue.difference import version_diffs
from prompts.catalogue.models import STYLES
from prompts.catalogue.registries import prompt_panels
from prompts.catalogue.selectors import (
    authored_use_case,
    authored_use_cases,
    prompt_for,
    prompts_visible_to,
    version_for,
)


@requires(Permission.PROMPT_VIEW)
def prompt_list(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    listed = Paginator(prompts_visible_to(user), 50).get_page(request.GET.get("page"))
    context = {"page": listed, "may_author": user.may(Permission.PROMPT_AUTHOR)}
    return page(request, "prompts/catalogue/list.html", context)


@requires(Permission.PROMPT_AUTHOR)
def new(request: HttpRequest) -> HttpResponse:
    """A prompt's name and purpose; its first version is written next."""
    user = cast(User, request.user)
    error: Invalid | None = None
    if request.method == "POST":
        given = {name: request.POST.get(name, "") for name in ("name", "slug", "purpose", "style")}
        try:
            prompt = services.create_prompt(
                actor=actor_of(request),
                use_case=authored_use_case(user, request.POST.get("use_case", "")),
                now=timezone.now(),
                **given,
            )
            messages.success(request, "Begun. Write its first version.")
            return redirect("catalogue:new-version", slug=prompt.slug)
        except Invalid as invalid:
            error = invalid
    context = {
        "use_cases": authored_use_cases(user),
        "styles": STYLES,
        "error": error,
        "values": request.POST or request.GET,
    }
    status = 422 if error else 200
    return page(request, "prompts/catalogue/new.html", context, status=status)


@requires(Permission.PROMPT_VIEW)
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    user, now = cast(User, request.user), timezone.now()
    prompt = prompt_for(user, slug)
    versions = list(prompt.versions.select_related("author"))
    panels = sorted(prompt_panels.values(), key=lambda panel: panel.order)
    context = {
        "prompt": prompt,
        "versions": versions,
        "latest": versions[0] if versions else None,
        "panels": [(panel, panel.context(prompt, user, now)) for panel in panels],
        "events": timeline_for(prompt)[:30],
        "may_author": user.may(Permission.PROMPT_AUTHOR, prompt.use_case.team),
        "may_propose": user.may(Permission.RELEASE_PROPOSE, prompt.use_case.team),
    }
    return page(request, "prompts/catalogue/detail.html", context)


@requires(Permission.PROMPT_VIEW)
def version(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """One version as it was written."""
    user = cast(User, request.user)
    found = version_for(user, slug, number)
    context = {
        "prompt": found.prompt,
        "version": found,
        "may_propose": user.may(Permission.RELEASE_PROPOSE, found.prompt.use_case.team),
    }
    return page(request, "prompts/catalogue/version.html", context)


@requires(Permission.PROMPT_VIEW)
def diff(request: HttpRequest, slug: str) -> HttpResponse:
    """What changed between any two versions, words inside lines."""
    prompt = prompt_for(cast(User, request.user), slug)
    versions = {version.number: version for version in prompt.versions.all()}
    numbers = sorted(versions)
    first, second = (_number(request.GET.get(name)) for name in ("a", "b"))
    second = second if second in versions else (numbers[-1] if numbers else 0)
    first = first if first in versions else max((n for n in numbers if n < second), default=second)
    fields: list[Any] = []
    if numbers:
        fields = version_diffs(versions[first].content(), versions[second].content())
    context = {
        "prompt": prompt,
        "numbers": numbers,
        "a": first,
        "b": second,
        "fields": fields,
        "changed": sum(one.status != "same" for one in fields),
        "same": sum(one.status == "same" for one in fields),
        "show_same": request.GET.get("same") == "yes",
    }
    return page(request, "prompts/catalogue/diff.html", context)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 9 else 0
