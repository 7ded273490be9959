"""The page on which a version is written, tried with sample values, and saved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from governance.access.models import User
from governance.kernel.authority import Permission
from governance.kernel.errors import Invalid
from governance.kernel.web import actor_of, page, requires
from prompts.catalogue import services
from prompts.catalogue.content import problems_by_field
from prompts.catalogue.forms import VersionDraft, draft_from, draft_of
from prompts.catalogue.models import Prompt
from prompts.catalogue.parameters import PARAMETERS, SETTABLE
from prompts.catalogue.rendering import ROLES, Message, render, value_problems
from prompts.catalogue.selectors import prompt_for

CONTRACT_TYPES = (
    ("text", "Text"),
    ("labels", "One of some labels"),
    ("json_schema", "JSON"),
    ("tools", "Tool calls"),
    ("embedding", "An embedding"),
)


@dataclass
class Preview:
    """What the model would be sent for the sample values, or why it cannot be shown yet."""

    samples: list[tuple[str, str]] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    is_asked: bool = False


@requires(Permission.PROMPT_AUTHOR)
def new_version(request: HttpRequest, slug: str) -> HttpResponse:
    """Starts from the latest version, or the one asked for; nothing typed is lost on an error."""
    prompt = prompt_for(cast(User, request.user), slug)
    services.check_can_author(actor_of(request), prompt.use_case)
    draft, error, is_saving = _given_draft(request, prompt), None, False
    if request.method == "POST":
        is_saving = request.POST.get("action", "save") == "save" and "remove" not in request.POST
        if is_saving or request.POST.get("action") == "preview":
            draft.leave_out_empty()
        try:
            if is_saving:
                return _saved(request, prompt, draft)
            _take_step(request, draft)
        except Invalid as invalid:
            error = invalid
    context = {
        "prompt": prompt,
        "draft": draft,
        "error": error,
        "errors": error.fields if error else {},
        "is_saving": is_saving,
        "roles": ROLES,
        "contract_types": CONTRACT_TYPES,
        "parameters": [(one, draft.parameters.get(one.name, "")) for one in PARAMETERS],
        "settable": SETTABLE,
        "preview": preview_of(draft, is_asked=request.POST.get("action") == "preview"),
        "last_added": len(draft.messages) if request.POST.get("action") == "add" else 0,
    }
    status = 422 if error and is_saving else 200
    template, fragment = "prompts/catalogue/new_version.html", "prompts/catalogue/_draft.html"
    return page(request, template, context, fragment=fragment, status=status)


def _given_draft(request: HttpRequest, prompt: Prompt) -> VersionDraft:
    if request.method == "POST":
        return draft_from(request.POST)
    wanted = request.GET.get("from", "")
    versions = prompt.versions.all()
    chosen = versions.filter(number=wanted).first() if wanted.isdecimal() else None
    return draft_of(chosen or versions.first())


def _saved(request: HttpRequest, prompt: Prompt, draft: VersionDraft) -> HttpResponse:
    version = services.create_version(
        actor=actor_of(request),
        prompt=prompt,
        changelog=draft.changelog,
        now=timezone.now(),
        **draft.content(),
    )
    text = f"Saved as version {version.number}. It runs once it is released."
    messages.success(request, text)
    return redirect("catalogue:detail", slug=prompt.slug)


def _take_step(request: HttpRequest, draft: VersionDraft) -> None:
    """The buttons beside Save, which work without a script."""
    action, index = request.POST.get("action"), request.POST.get("remove", "")
    if index.isdecimal():
        draft.remove_message(int(index) - 1)
    elif action == "add":
        draft.add_message()
    elif action == "declare":
        draft.declare_used()


def preview_of(draft: VersionDraft, *, is_asked: bool) -> Preview:
    """The rendered messages when they are asked for; always a field for every variable."""
    try:
        content = draft.content()
    except Invalid as invalid:
        problems = [one for listed in invalid.fields.values() for one in listed]
        return Preview(list(draft.samples.items()), [], problems, is_asked)
    names = {name: content[name] for name in ("messages", "variables", "output_contract")}
    found = problems_by_field(**names, parameters=content["parameters"])
    preview = Preview(_samples(draft, content["variables"]), is_asked=is_asked)
    preview.problems = [one for listed in found.values() for one in listed]
    if is_asked and not found:
        values = draft.sample_values(content["variables"])
        preview.problems = value_problems(content["variables"], values)
        preview.messages = render(content["messages"], values)
    return preview


def _samples(draft: VersionDraft, variables: dict[str, Any]) -> list[tuple[str, str]]:
    """Every declared variable with what was typed for it, or its schema's own example."""
    declared = variables.get("properties")
    if not isinstance(declared, dict):
        return []
    return [(name, draft.samples.get(name) or _example(rules)) for name, rules in declared.items()]


def _example(rules: Any) -> str:
    listed = rules.get("examples") if isinstance(rules, dict) else None
    return str(listed[0]) if isinstance(listed, list) and listed else ""
