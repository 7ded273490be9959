"""Prompts: which version is live, what changed?"""

from __future__ import annotations

import json
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.access.models import User
from governance.approvals.diffing import field_diffs
from governance.approvals.selectors import standing
from governance.audit.selectors import timeline_for
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, get_or_404, page, requires
from prompts.catalogue import services
from prompts.catalogue.models import Prompt, PromptVersion
from prompts.catalogue.rendering import ROLES


def _prompt(request: HttpRequest, slug: str) -> Prompt:
    prompts = Prompt.objects.visible_to(cast(User, request.user))
    found: Prompt = get_or_404(prompts.select_related("use_case__team"), slug=slug)
    return found


@requires(Permission.PROMPT_VIEW)
def prompt_list(request: HttpRequest) -> HttpResponse:
    prompts = Prompt.objects.visible_to(cast(User, request.user)).select_related("use_case")
    listed = Paginator(prompts.prefetch_related("versions"), 50).get_page(request.GET.get("page"))
    return page(request, "prompts/catalogue/list.html", {"page": listed})


@requires(Permission.PROMPT_VIEW)
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    prompt = _prompt(request, slug)
    user = cast(User, request.user)
    versions = list(prompt.versions.select_related("author"))
    context = {
        "prompt": prompt,
        "versions": versions,
        "latest": versions[0] if versions else None,
        "standing": standing("prompt_release", prompt, timezone.now()),
        "events": timeline_for(prompt)[:30],
        "may_author": user.may(Permission.PROMPT_AUTHOR, prompt.use_case.team),
        "may_propose": user.may(Permission.RELEASE_PROPOSE, prompt.use_case.team),
    }
    return page(request, "prompts/catalogue/detail.html", context)


@requires(Permission.PROMPT_AUTHOR)
def new_version(request: HttpRequest, slug: str) -> HttpResponse:
    """Starts from the latest version; nothing typed is lost on an error."""
    prompt = _prompt(request, slug)
    services.check_can_author(actor_of(request), prompt.use_case)
    error: Invalid | None = None
    if request.method == "POST":
        try:
            _create(request, prompt)
            messages.success(request, "Saved as a new version. It runs once it is released.")
            return redirect("catalogue:detail", slug=slug)
        except Invalid as invalid:
            error = invalid
    latest = prompt.versions.first()
    context = {
        "prompt": prompt,
        "error": error,
        "roles": ROLES,
        "values": _form_values(request, latest),
        "rows": _rows(request, latest),
    }
    return page(
        request, "prompts/catalogue/new_version.html", context, status=422 if error else 200
    )


def _rows(request: HttpRequest, latest: PromptVersion | None) -> list[dict[str, str]]:
    """The messages as rows, with one empty row more."""
    if request.method == "POST":
        rows = _given_messages(request)
    else:
        rows = list(latest.messages) if latest else []
    return [*rows, {"role": "user", "content": ""}]


def _given_messages(request: HttpRequest) -> list[dict[str, str]]:
    roles, texts = request.POST.getlist("role"), request.POST.getlist("content")
    return [
        {"role": role, "content": text.replace("\r\n", "\n")}
        for role, text in zip(roles, texts, strict=False)
        if text.strip()
    ]


def _form_values(request: HttpRequest, latest: PromptVersion | None) -> dict[str, str]:
    names = ("variables", "output_contract", "parameters", "changelog")
    if request.method == "POST":
        return {name: request.POST.get(name, "") for name in names}
    starting: dict[str, Any] = {"variables": {"type": "object", "properties": {}}}
    return {
        name: json.dumps(
            getattr(latest, name) if latest else starting.get(name, {}),
            indent=2,
            ensure_ascii=False,
        )
        for name in names[:3]
    } | {"changelog": ""}


def _create(request: HttpRequest, prompt: Prompt) -> PromptVersion:
    return services.create_version(
        actor=actor_of(request),
        prompt=prompt,
        messages=_given_messages(request),
        variables=_json(request, "variables"),
        output_contract=_json(request, "output_contract"),
        parameters=_json(request, "parameters"),
        takes_caller_messages=request.POST.get("takes_caller_messages") == "yes",
        changelog=request.POST.get("changelog", ""),
        now=timezone.now(),
    )


def _json(request: HttpRequest, name: str) -> dict[str, Any]:
    try:
        value = json.loads(request.POST.get(name) or "{}", parse_float=str)
    except ValueError as problem:
        raise Invalid(
            f"Not saved yet: {name.replace('_', ' ')} is not valid JSON.",
            fields={name: [f"Not valid JSON: {problem}."]},
        ) from None
    if not isinstance(value, dict):
        raise Invalid("Not saved yet.", fields={name: ["Write a JSON object."]})
    return value


@requires(Permission.PROMPT_VIEW)
def diff(request: HttpRequest, slug: str) -> HttpResponse:
    """What changed between any two versions, words inside lines."""
    prompt = _prompt(request, slug)
    versions = {version.number: version for version in prompt.versions.all()}
    numbers = sorted(versions)
    first, second = (_number(request.GET.get(name)) for name in ("a", "b"))
    second = second if second in versions else (numbers[-1] if numbers else 0)
    first = first if first in versions else max((n for n in numbers if n < second), default=second)
    before = versions[first].content() if first in versions else {}
    after = versions[second].content() if second in versions else {}
    context = {
        "prompt": prompt,
        "numbers": numbers,
        "a": first,
        "b": second,
        "fields": field_diffs(before, after),
    }
    return page(request, "prompts/catalogue/diff.html", context)


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
